"""Training, validation and test rows of a folder or file; validation is carved where it lacks."""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from data.errors import LogFormatError
from data.rows import SUFFIXES, require_file
from data.schema import Example
from data.split import hash_fraction
from finetune.reading.labels import check_counts, names_of
from finetune.reading.overlap import overlaps
from finetune.reading.talk import conversation_of

logger = logging.getLogger(__name__)
Reader = Callable[[Path], list[Example]]
_MOST = 2  # times the share, of what is carved; and so much more or less is told


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
    file, or a folder that holds one. Unless `tested`, test rows are not read, but the file must be
    there: `test` is empty. Warns where rows of other splits stand in training too.

    Raises:
        LogFormatError: If a file is missing, no row is left for a split, or most of very many
            labels have a single row.
    """
    require_file(data)
    if evaluation is not None:  # told at once, also where it is not read yet
        evaluation = require_file(evaluation)
        if evaluation.is_dir():
            evaluation = _named(evaluation, "test")
    train = read(_named(data, "train") if data.is_dir() else data)
    validation_file = _find(data, "validation") if data.is_dir() else None
    check_counts(train)
    if validation_file is not None:
        validation = read(validation_file)
    else:
        train, validation = carve(train, share)
        _tell_share(data, len(train), len(validation), share)
    test_file = evaluation or (_find(data, "test") if data.is_dir() else None)
    test = read(test_file) if tested and test_file is not None else []
    for name, rows in (("training", train), ("validation", validation)):
        if not rows:
            raise LogFormatError(f"{data}: no {name} rows; more labelled rows are needed")
    splits = Splits(train, validation, test)
    for told in overlaps(splits):
        logger.warning("%s: %s", data, told)
    return splits


def carve(examples: list[Example], share: float) -> tuple[list[Example], list[Example]]:
    """Training and validation rows, by hash, the same share of each label.

    Each label keeps training rows, and so does each type of entity. Rows of one conversation stay
    on one side, and so do rows of one group (an article of `qa`) and rows of one text. What stays
    together may exceed the share, up to twice as much; of a label whose every unit is larger than
    that the smallest is taken.
    """
    units: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        units[_unit(example)].append(example)
    # By label, rows with several would hardly be taken, and types are no label: rows are counted.
    by_row = any(len(row.labels) > 1 or row.label is None for row in examples)
    order = sorted(units, key=lambda unit: hash_fraction(unit, "validation"))
    held = _Held({unit: _counts(units[unit]) for unit in order}, share)
    shared = {unit: [None] if by_row else [*held.counts[unit]][1:] for unit in order}
    # Where the share of every label rounds to nothing, a label gives one row at most, until the
    # share of all rows is reached, or one unit is taken.
    for unit in order:
        if held.fits(unit, shared[unit], 0):
            held.take(unit)
    for unit in [] if held.units else order:
        if held.fits(unit, shared[unit], 1):
            held.take(unit)
            if held.taken[None] >= held.wanted[None]:
                break
    held.take_of_large(shared)
    if not held.units:
        held.take_smallest(order)
    return (
        [row for row in examples if _unit(row) not in held.units],
        [row for row in examples if _unit(row) in held.units],
    )


class _Held:
    """The units that are held out; a name is a label, a type of entity, or None for all rows.

    Args:
        counts: Rows of each name by unit.
        share: Of each name's rows, that is wanted.
    """

    def __init__(self, counts: Mapping[str, Counter[str | None]], share: float) -> None:
        self.counts = counts
        self.units: set[str] = set()
        self.taken: Counter[str | None] = Counter()
        self._rows: Counter[str | None] = Counter()
        for each in counts.values():
            self._rows.update(each)
        self.wanted = {name: round(count * share) for name, count in self._rows.items()}

    def fits(self, unit: str, names: Iterable[str | None], least: int) -> bool:
        """Whether it may be taken: each of `names` has room, and every name keeps rows."""
        return self._leaves_some(unit) and all(
            self.taken[name] < max(self.wanted[name], least)
            and self.taken[name] + self.counts[unit][name] <= _MOST * max(self.wanted[name], least)
            for name in names
        )

    def take(self, unit: str) -> None:
        self.taken.update(self.counts[unit])
        self.units.add(unit)

    def take_smallest(self, units: Iterable[str]) -> None:
        """Take the first of those with the fewest rows, if one may be."""
        allowed = [unit for unit in units if unit not in self.units and self._leaves_some(unit)]
        if allowed:
            self.take(min(allowed, key=lambda unit: self.counts[unit][None]))

    def take_of_large(self, names: Mapping[str, Iterable[str | None]]) -> None:
        """Take the smallest unit of each name that has none within its share; `names` by unit."""
        units: dict[str | None, list[str]] = defaultdict(list)
        for unit in names:
            for name in names[unit]:
                units[name].append(unit)
        for name in sorted(units, key=str):
            most = _MOST * self.wanted[name]
            if most and all(self.counts[unit][name] > most for unit in units[name]):
                self.take_smallest(units[name])

    def _leaves_some(self, unit: str) -> bool:
        counts = self.counts[unit].items()
        return all(self.taken[name] + count < self._rows[name] for name, count in counts)


def _unit(example: Example) -> str:
    """What a row stays together with."""
    if example.answer is not None:
        return conversation_of(example)
    return example.text if example.group is None else example.group


def _counts(rows: list[Example]) -> Counter[str | None]:
    """How many rows there are (None, the first), and of each label or type of entity."""
    counts: Counter[str | None] = Counter({None: len(rows)})
    counts.update(name for row in rows for name in names_of(row) if name is not None)
    return counts


def _tell_share(data: Path, train: int, validation: int, share: float) -> None:
    """Warn where what was carved is far from the share that was asked for."""
    rows = train + validation
    if not max(1, rows * share) / _MOST <= validation <= max(1, rows * share) * _MOST:
        logger.warning(
            "%s: %s of %s rows are held out for validation, %.0f%% were asked for: rows of one "
            "conversation, group or text stay together; give a validation file for another share",
            data, f"{validation:,}", f"{rows:,}", share * 100,
        )  # fmt: skip


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
