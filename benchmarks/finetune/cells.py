"""What is measured of fine-tuning: cells, their settings, and one JSON file for each finished one.

A cell is (data set, setting, system, seed). Change what is compared in PLAN, and how Deskhand is
set for a cell in OURS.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent.parent / "results" / "finetune"


@dataclass(frozen=True, slots=True)
class Cell:
    """One measurement; `minutes` is a rough guess of what it takes on two threads."""

    dataset: str
    setting: str
    system: str
    seed: int = 0
    minutes: float = 1.0
    threads: int = 2  # of its own and each peer's process; not in its name

    @property
    def key(self) -> str:
        """Without its seed."""
        return f"{self.dataset}.{self.setting}.{self.system}"

    @property
    def name(self) -> str:
        """Of its file, without the suffix."""
        return f"{self.key}.seed{self.seed}"

    @property
    def budget(self) -> int | None:
        """The number in a setting such as `curve-3` (epochs), else None."""
        kind, _, number = self.setting.partition("-")
        return int(number) if kind == "curve" else None

    @property
    def shots(self) -> int | None:
        """Rows a label in a setting such as `10-shot`, else None."""
        return self._number("shot")

    @property
    def rows(self) -> int | None:
        """Rows in all in a setting such as `50-row`, else None."""
        return self._number("row")

    def _number(self, unit: str) -> int | None:
        number, _, kind = self.setting.partition("-")
        return int(number) if kind == unit else None


ONE, THREE = (0,), (0, 1, 2)
FOLDS = (0, 5, 10, 15)  # of the 20 of NLU++: trained on one, tested on 18 others
EPOCHS = (1, 2, 3)  # of the curve; the cells `full` have five

# data set, setting, system, seeds, minutes a seed
PLAN: tuple[tuple[str, str, str, tuple[int, ...], float], ...] = (
    ("banking77", "full", "svm", ONE, 0.2),
    ("banking77", "full", "logreg", ONE, 2),
    ("banking77", "full", "trainer", ONE, 13),
    ("banking77", "full", "trainer_raised", ONE, 13),
    ("banking77", "full", "ours", THREE, 10),
    ("banking77", "full", "ours_full", THREE, 13),
    ("banking77", "full", "ours_lora", THREE, 13),
    ("banking77", "full", "ours_head", ONE, 3),
    *(
        ("banking77", shots, system, seeds, minutes)
        for shots in ("10-shot", "5-shot")
        for system, seeds, minutes in (
            ("svm", THREE, 0.1), ("logreg", THREE, 0.5), ("trainer", ONE, 2),
            ("trainer_raised", ONE, 2), ("setfit", ONE, 13), ("ours", THREE, 4),
        )
    ),
    ("banking77", "extend", "ours", THREE, 11),
    ("banking77", "throughput", "ours_and_trainer", ONE, 8),
    *(
        ("banking77", f"curve-{epochs}", system, ONE, 1.5 + 2.3 * epochs)
        for epochs in EPOCHS
        for system in ("trainer_raised", "ours")
    ),
    ("clinc150", "full", "svm", ONE, 0.3),
    ("clinc150", "full", "logreg", ONE, 3),
    ("clinc150", "full", "trainer_raised", ONE, 14),
    ("clinc150", "full", "ours", THREE, 12),
    ("clinc150", "full", "ours_refusing", ONE, 12),
    ("conll2003", "full", "trainer_raised", ONE, 22),
    ("conll2003", "full", "ours", THREE, 25),
    *(
        (f"multidogo_{domain}", "full", system, seeds, minutes)
        for domain in ("finance", "software")
        for system, seeds, minutes in (
            ("svm", ONE, 0.2), ("logreg", ONE, 2), ("trainer_raised", ONE, 12),
            ("ours", THREE, 10),
        )
    ),
    *(
        (f"multidogo_{domain}_slots", "full", system, seeds, 10)
        for domain in ("finance", "software")
        for system, seeds in (("trainer_raised", ONE), ("ours", THREE))
    ),
    *(
        ("nlupp_banking", f"fold{fold}", system, ONE, 1)
        for fold in FOLDS
        for system in ("svm", "logreg", "trainer", "trainer_raised", "ours")
    ),
    ("xquad_en", "full", "ours", ONE, 6),
    ("relations", "full", "ours", ONE, 3),
    *(
        ("entities", setting, system, seeds, 2)
        for setting in ("50-row", "150-row")
        for system, seeds in (("ours", THREE), ("ours_passes", ONE), ("trainer_raised", ONE))
    ),
)  # fmt: skip

# Which task a data set is of; the command line's name, but `multi` is intent with several labels.
TASK = {
    "banking77": "intent",
    "clinc150": "intent",
    "multidogo_finance": "intent",
    "multidogo_software": "intent",
    "nlupp_banking": "multi",
    "conll2003": "ner",
    "multidogo_finance_slots": "ner",
    "multidogo_software_slots": "ner",
    "xquad_en": "qa",
    "relations": "relation",
    "entities": "ner",
}

# Pattern of a cell's key → shipped config, and what is set over it. The first that fits is taken.
# Choices are made on validation rows alone. Threads and seed are set for every
# cell, the epochs for a curve.
OURS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("banking77.*-shot.ours", "intent", ("method=contrastive",)),
    ("banking77.full.ours_head", "intent", ("method=head", "head.c=[2.0,5.0,20.0,60.0]")),
    ("banking77.full.ours_full", "intent_full", ("method=full",)),
    (
        "banking77.full.ours_lora",
        "intent_full",
        ("method=lora", "adapter.rank=12", "adapter.alpha=24", "optim.lr=0.002"),
    ),
    ("banking77.throughput.*", "intent_full", ("method=frozen_embeddings", "optim.epochs=1")),
    ("banking77.*", "intent_full", ("method=top_layers", "top_layers=3", "start=logistic")),
    (
        "clinc150.full.ours_refusing",
        "intent_full",
        ("method=frozen_embeddings", "hand_over.hand_over_cost=0.4"),
    ),
    ("clinc150.*", "intent_full", ("method=frozen_embeddings",)),
    (
        "conll2003.*",
        "ner",
        (
            "method=full",
            "max_tokens=320",
            "optim.lr=0.0003",
            "optim.epochs=5",
            "optim.batch_size=8",
            "ner.hidden=0.1",
        ),
    ),
    ("multidogo_*_slots.*", "ner", ()),
    ("multidogo_*", "intent_full", ("method=frozen_embeddings",)),
    ("nlupp_banking.*", "intent", ()),
    ("xquad_en.*", "qa", ()),
    ("relations.*", "relation", ()),
    ("entities.*.ours_passes", "ner", ("optim.least_steps=0",)),
    ("entities.*", "ner", ()),
)

# The plain Trainer scripts: batch size and epochs as Deskhand's, the library's own rate but where
# a system's name says otherwise.
TRAINER: dict[str, dict[str, float]] = {
    "intent": {"epochs": 5, "batch_size": 32},
    "multi": {"epochs": 30, "batch_size": 16},
    "ner": {"epochs": 5, "batch_size": 32},
}
RAISED_LR = 2e-4  # of `trainer_raised`

Measure = Callable[[Cell], dict[str, Any]]


def planned() -> list[Cell]:
    """Every cell of PLAN."""
    return [
        Cell(dataset, setting, system, seed, minutes)
        for dataset, setting, system, seeds, minutes in PLAN
        for seed in seeds
    ]


def ours_of(cell: Cell) -> tuple[str, list[str]]:
    """Config name and overrides of a Deskhand cell."""
    for pattern, config, settings in OURS:
        if fnmatch(cell.key, pattern):
            extra = [f"threads={cell.threads}", f"seed={cell.seed}"]
            if cell.budget is not None:
                extra.append(f"optim.epochs={cell.budget}")
            return config, [*settings, *extra]
    raise KeyError(f"{cell.key}: no line in OURS")


def chosen(cells: Iterable[Cell], patterns: Iterable[str]) -> list[Cell]:
    """The cells whose names fit one of the patterns; all where there is none."""
    wanted = list(patterns)
    return [c for c in cells if not wanted or any(fnmatch(c.name, each) for each in wanted)]


def path_of(cell: Cell, results: Path | None = None) -> Path:
    """Where the cell's result is, or will be."""
    return (results or RESULTS) / f"{cell.name}.json"


def run_cells(
    cells: Iterable[Cell],
    measure: Mapping[str, Measure],
    results: Path | None = None,
    force: bool = False,
) -> Iterator[tuple[Cell, str]]:
    """Measure what has no result yet, and yield each cell with what became of it.

    Args:
        cells: In this order.
        measure: What measures a system's cells, by the system's name or its beginning up to `_`.
        results: A folder of results instead of RESULTS.
        force: Measure again what has a result.

    A cell that fails leaves no file, and the others go on.
    """
    for cell in cells:
        path = path_of(cell, results)
        if path.exists() and not force:
            yield cell, "there"
            continue
        try:
            result = measure[cell.system.partition("_")[0]](cell)
        except (RuntimeError, OSError, ValueError, KeyError) as error:
            yield cell, f"failed: {error}"
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        partial.replace(path)
        yield cell, "measured"
