"""Training, validation and test rows of a folder or file; validation is carved where it lacks."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from data.errors import LogFormatError
from data.rows import SUFFIXES, require_file
from data.schema import Example
from data.split import hash_fraction
from finetune.reading.labels import check_counts, names_of
from finetune.reading.talk import conversation_of

Reader = Callable[[Path], list[Example]]


@dataclass(frozen=True, slots=True)
class Splits:
    """Examples by split; `test` may be empty."""

    train: list[Example]
    validation: list[Example]
    test: list[Example]


def read_splits(
    data: Path, evaluation: Path | None, read: Reader, share: float = 0.1, tested: bool = True
) -> Splits:
    """The splits of a folder (`train`, `validation`, `test`) or of one file.

    Where there is no validation file, a `share` of the training rows is carved out: by hash, and
    the same share of each label. Conversations keep their rows together. `evaluation` is a test
    file, or a folder that holds one. Unless `tested`, test rows are not read: `test` is empty.

    Raises:
        LogFormatError: If a file is missing, no row is left for a split, or most of very many
            labels have a single row.
    """
    require_file(data)
    train = read(_named(data, "train") if data.is_dir() else data)
    validation_file = _find(data, "validation") if data.is_dir() else None
    check_counts(train)
    if validation_file is not None:
        validation = read(validation_file)
    else:
        train, validation = carve(train, share)
    if evaluation is not None and evaluation.is_dir():
        evaluation = _named(evaluation, "test")
    test_file = evaluation or (_find(data, "test") if data.is_dir() else None)
    test = read(test_file) if tested and test_file is not None else []
    for name, rows in (("training", train), ("validation", validation)):
        if not rows:
            raise LogFormatError(f"{data}: no {name} rows; more labelled rows are needed")
    return Splits(train, validation, test)


def carve(examples: list[Example], share: float) -> tuple[list[Example], list[Example]]:
    """Training and validation rows, by hash, the same share of each label.

    Each label keeps training rows. Rows of one conversation stay on one side, and so do rows of
    one group (an article of `qa`) and rows of one text.
    """
    units: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        if example.answer is None:
            unit = example.text if example.group is None else example.group
        else:
            unit = conversation_of(example)
        units[unit].append(example)
    rows = Counter(name for example in examples for name in names_of(example))
    taken: Counter[str | None] = Counter()
    chosen: set[int] = set()
    several = any(len(example.labels) > 1 for example in examples)
    # Where the share of every label rounds to nothing, a label gives one row at most, until the
    # share of all rows is reached, or one unit is taken.
    for least in (0, 1):
        for unit in sorted(units, key=lambda unit: hash_fraction(unit, "validation")):
            labels = Counter(name for example in units[unit] for name in names_of(example))
            # By label, rows with several labels would hardly be taken: there, rows are counted.
            room = several and len(chosen) < round(len(examples) * share)
            if all(
                (room if several else taken[label] < max(round(rows[label] * share), least))
                and taken[label] + count < rows[label]
                for label, count in labels.items()
            ):
                taken += labels
                chosen |= {id(example) for example in units[unit]}
                if least and len(chosen) >= round(len(examples) * share):
                    break
        if chosen:
            break
    return (
        [row for row in examples if id(row) not in chosen],
        [row for row in examples if id(row) in chosen],
    )


def _find(folder: Path, name: str) -> Path | None:
    found = [folder / f"{name}{suffix}" for suffix in (*SUFFIXES, ".txt", ".conll", ".json")]
    # An empty split file is what prepare writes for a tiny log: the same as none.
    return next((path for path in found if path.exists() and path.stat().st_size), None)


def _named(folder: Path, name: str) -> Path:
    path = _find(folder, name)
    if path is None:
        raise LogFormatError(
            f"{folder}: no {name} file ({name}.jsonl, .csv, …); run deskhand prepare"
        )
    return path
