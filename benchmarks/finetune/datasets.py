"""Public sets, written in Deskhand's formats to a folder that every system of a cell reads.

    seen/train.*          what a system learns from
    seen/validation.*     what it may choose by; absent from few-shot and low-data settings
    validation.*          what people may choose settings by: scored, in every setting
    test.*                scored, never read for a choice

Nothing of a set is kept.
"""

import csv
import gzip
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, TextIO

from benchmarks.finetune.cells import Cell
from benchmarks.shell import SAMPLES
from data.rows import read_rows, write_jsonl
from data.schema import OOS
from data.split import hash_fraction
from finetune.reading import read_entities

Record = dict[str, Any]
VALIDATION = 0.1  # of BANKING77's training rows, carved for every system alike
THROUGHPUT_ROWS = 1920  # 60 steps of 32
NLUPP_FOLDS = 20
JOINED = 150  # words of CoNLL up to which a document's sentences are one text, for every system
DIV = "<div>"  # between the intents of a MultiDoGO row


@dataclass(frozen=True, slots=True)
class Rows:
    """A set's rows; `may_choose` is whether a system sees those of validation."""

    train: list[Record]
    validation: list[Record]
    test: list[Record]
    may_choose: bool = True


def write(cell: Cell, source: Path, out: Path) -> None:
    """Write the cell's rows under `out`; `source` holds a folder for each public set.

    Raises:
        FileNotFoundError: If the set is not there.
    """
    rows = READERS[cell.dataset](cell, source)
    save(rows, out, ".json" if cell.dataset == "xquad_en" else ".jsonl")


def save(rows: Rows, out: Path, suffix: str = ".jsonl") -> None:
    """Write rows in the layout above; `.json` is SQuAD's, whose records are articles."""
    places = {"seen/train": rows.train, "validation": rows.validation, "test": rows.test}
    if rows.may_choose:
        places["seen/validation"] = rows.validation
    for name, records in places.items():
        path = out / f"{name}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if suffix == ".json":
            text = json.dumps({"version": "1.1", "data": records}, ensure_ascii=False)
            path.write_text(text, encoding="utf-8")
        else:
            write_jsonl(path, records)


def banking77(cell: Cell, source: Path) -> Rows:
    """77 intents; validation is carved: the same tenth of each intent, by hash of the text."""
    train, validation = carve(_labelled(source / "banking77" / "train.csv", "category"))
    test = _labelled(source / "banking77" / "test.csv", "category")
    if cell.shots is not None:
        return Rows(few(train, cell.shots, cell.seed), validation, test, may_choose=False)
    if cell.setting == "throughput":
        train = by_hash(train, "throughput")[:THROUGHPUT_ROWS]
        return Rows(train, validation[:200], test[:200])
    return Rows(train, validation, test)


def carve(rows: list[Record], share: float = VALIDATION) -> tuple[list[Record], list[Record]]:
    """Training and validation rows: by hash, the same share of each label, no text in both."""
    chosen: list[Record] = []
    for _, group in _by_label(rows):
        ordered = by_hash(group, "validation")
        chosen += ordered[: max(1, round(share * len(ordered)))]
    taken = {row["text"].casefold() for row in chosen}
    return [row for row in rows if row["text"].casefold() not in taken], chosen


def few(rows: list[Record], shots: int, seed: int) -> list[Record]:
    """`shots` rows of each label; those of fewer shots are among those of more."""
    return [row for _, group in _by_label(rows) for row in by_hash(group, f"shots {seed}")[:shots]]


def by_hash(rows: Iterable[Record], salt: str) -> list[Record]:
    """The rows in an order that depends on their texts and `salt` alone."""
    return sorted(rows, key=lambda row: hash_fraction(row["text"], salt))


def clinc150(cell: Cell, source: Path) -> Rows:
    """150 intents and out-of-scope rows in all three splits (`data_full`)."""
    path = source / "clinc150" / "data_full.json"
    parts = json.loads(path.read_text(encoding="utf-8"))
    train, validation, test = (
        [{"text": text, "label": label} for text, label in (*parts[name], *parts[f"oos_{name}"])]
        for name in ("train", "val", "test")
    )
    return Rows(train, validation, test)


def conll2003(cell: Cell, source: Path) -> Rows:
    """Entities in newswire; words joined by spaces, neighbouring sentences by JOINED words."""
    train, validation, test = (
        _newswire(source / "conll2003" / name) for name in ("train.txt", "valid.txt", "test.txt")
    )
    return Rows(train, validation, test)


def _newswire(path: Path) -> list[Record]:
    """The texts of a file; `sentences` are the words in each sentence that was joined."""
    lengths = iter([len(each.text.split()) for each in read_entities(path)])
    records = []
    for example in read_entities(path, join_words=JOINED):
        words, sentences = len(example.text.split()), list[int]()
        while sum(sentences) < words:
            sentences.append(next(lengths))
        entities = [{"type": e.type, "start": e.start, "end": e.end} for e in example.entities]
        records.append({"text": example.text, "entities": entities, "sentences": sentences})
    return records


def multidogo(cell: Cell, source: Path) -> Rows:
    """Customers' turns.

    Rows with several intents, with a broken label count, or with a label that training lacks (a
    handful, mostly broken ones) are left out.
    """
    domain = cell.dataset.split("_")[1]
    folder = source / "multidogo" / "annotated_turn_level" / domain
    make = _slots if cell.dataset.endswith("_slots") else _intent
    parts = []
    for name in ("train", "dev", "test"):
        with _opened(folder / f"{name}.tsv") as file:
            rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            parts.append([made for row in rows if (made := make(row)) is not None])
    train = parts[0]
    known = {label for row in train for label in _names(row)}
    validation, test = ([row for row in part if _names(row) <= known] for part in parts[1:])
    return Rows(train, validation, test)


def _names(row: Record) -> set[str]:
    entities = row.get("entities")
    return {row["label"]} if entities is None else {each["type"] for each in entities}


def _intent(row: dict[str, str | None]) -> Record | None:
    text, label = row["utterance"], row["intent"]
    return {"text": text, "label": label} if text and label and DIV not in label else None


def _slots(row: dict[str, str | None]) -> Record | None:
    """Neighbouring words of one slot are one entity: the set marks no beginnings."""
    words, labels = (row["utterance"] or "").split(), (row["slot-labels"] or "").split()
    if not words or len(words) != len(labels):
        return None
    entities, place = [], 0
    for label, group in groupby(zip(words, labels, strict=True), key=lambda pair: pair[1]):
        text = " ".join(word for word, _ in group)
        if label != "O":
            entities.append({"type": label, "start": place, "end": place + len(text)})
        place += len(text) + 1
    return {"text": " ".join(words), "entities": entities}


def nlupp(cell: Cell, source: Path) -> Rows:
    """Several intents a row, `|` between them, `oos` for none.

    One fold to learn from (104 rows), the next one for validation, 18 to test. The paper tests on
    19: validation rows would then be test rows too.
    """
    folder = source / "nlupp" / "banking"
    folds = [
        [
            {"text": row["text"], "label": "|".join(row.get("intents") or [OOS])}
            for row in json.loads((folder / f"fold{n}.json").read_text(encoding="utf-8"))
        ]
        for n in range(NLUPP_FOLDS)
    ]
    mine = int(cell.setting.removeprefix("fold"))
    beside = (mine + 1) % NLUPP_FOLDS
    test = [row for n, fold in enumerate(folds) if n not in (mine, beside) for row in fold]
    return Rows(folds[mine], folds[beside], test, may_choose=False)


def xquad(cell: Cell, source: Path) -> Rows:
    """SQuAD's articles, whole ones in a split: 60% to learn from, 10% to choose by, 30% to test."""
    path = source / "xquad" / "xquad.en.json"
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    ordered = sorted(articles, key=lambda a: hash_fraction(a["paragraphs"][0]["context"]))
    first, second = round(0.6 * len(ordered)), round(0.7 * len(ordered))
    return Rows(ordered[:first], ordered[first:second], ordered[second:])


def relations(cell: Cell, source: Path) -> Rows:
    """The sample company's, which is not public: a tenth of the training rows is carved."""
    folder = SAMPLES / "relations"
    train, validation = carve([dict(row.values) for row in read_rows(folder / "train.jsonl")])
    return Rows(train, validation, [dict(row.values) for row in read_rows(folder / "test.jsonl")])


def entities(cell: Cell, source: Path) -> Rows:
    """Few of the sample company's turns, drawn by `seed`: one with each type, then any."""
    folder = SAMPLES / "turns"
    train, validation = carve([dict(row.values) for row in read_rows(folder / "train.jsonl")])
    order = by_hash(train, f"rows {cell.seed}")
    types = sorted({each["type"] for row in train for each in row["entities"]})
    first = [next(row for row in order if kind in _types(row)) for kind in types]
    drawn = [*first, *(row for row in order if row not in first)]
    unique = list({row["text"]: row for row in drawn}.values())
    test = [dict(row.values) for row in read_rows(folder / "test.jsonl")]
    return Rows(unique[: cell.rows], validation, test, may_choose=False)


def _types(row: Record) -> set[str]:
    return {each["type"] for each in row["entities"]}


READERS: dict[str, Callable[[Cell, Path], Rows]] = {
    "banking77": banking77,
    "clinc150": clinc150,
    "conll2003": conll2003,
    "multidogo_finance": multidogo,
    "multidogo_software": multidogo,
    "multidogo_finance_slots": multidogo,
    "multidogo_software_slots": multidogo,
    "nlupp_banking": nlupp,
    "xquad_en": xquad,
    "relations": relations,
    "entities": entities,
}


def _labelled(path: Path, label: str) -> list[Record]:
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file; name the public sets with --datasets")
    return [{"text": row.values["text"], "label": row.values[label]} for row in read_rows(path)]


def _by_label(rows: list[Record]) -> Iterable[tuple[str, list[Record]]]:
    groups: dict[str, list[Record]] = {}
    for row in rows:
        groups.setdefault(row["label"], []).append(row)
    return sorted(groups.items())


def _opened(path: Path) -> TextIO:
    packed = path.with_name(path.name + ".gz")
    if packed.exists():
        return gzip.open(packed, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")
