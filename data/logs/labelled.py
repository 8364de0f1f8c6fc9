"""Customers' turns with labels and no answers: MultiDoGO, and tables of text and label.

A conversation's label is the intent of its first turn that has one. Greetings, thanks and the like,
which MultiDoGO labels too, count only where nothing else is said.

Source: Peskov et al. 2019, MultiDoGO, https://aclanthology.org/D19-1460
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from data.errors import LogFormatError
from data.logs.columns import SAMPLE, by_name, cell, looks_labelled
from data.logs.grouping import grouped, passes_over
from data.logs.table import row_id
from data.logs.text_lines import text_lines
from data.rows import SUFFIXES, BadRows, Row, first_row, read_rows
from data.schema import Conversation, Entity, Turn
from data.sources import Source

FIELDS = ("id", "text", "intent")  # of --map
MANY = "|"  # between the labels of a turn with several
_MULTIDOGO = {"conversationid", "turnnumber", "utterance"}
_JOINED = 20  # lines of one quoted turn at most
_NO_NEED = {
    "openinggreeting", "closinggreeting", "thankyou", "confirmation", "rejection", "contentonly",
    "outofdomain",
}  # fmt: skip
_WORD = re.compile(r"\S+")


class _Labelled(NamedTuple):
    """One labelled turn."""

    text: str
    intent: str
    slots: str
    place: float


def fits(source: Source) -> bool:
    """Whether each row is a text with its label, and nothing says who speaks."""
    if source.holds_members or source.suffix not in (*SUFFIXES, ".ndjson"):
        return False
    try:
        first = first_row(source)
        if first is None or _is_multidogo(first.values):
            return first is not None
        rows = itertools.islice(read_rows(source, BadRows()), SAMPLE)
        return looks_labelled([row.values for row in rows])
    except LogFormatError:
        return False


def read(source: Source, columns: Mapping[str, str], bad: BadRows) -> Iterator[Conversation]:
    """Yield conversations of customer turns only."""
    first = first_row(source)
    if first is None:
        return
    names = by_name(list(first.values), {})
    names = {"text": names.get("question", "")} | names
    lower = {name.strip().lower(): name for name in first.values}
    if _is_multidogo(first.values):
        names |= {"text": lower["utterance"], "id": lower["conversationid"]}
    for field, column in columns.items():
        if column not in first.values:
            raise LogFormatError(
                f"{source.name}:1: --map {field}={column}: no column {column!r}; "
                f"columns: {', '.join(first.values)}"
            )
    names |= columns
    names |= {"slots": lower.get("slot-labels", ""), "place": lower.get("turnnumber", "")}
    if not names["text"] or "intent" not in names:
        raise LogFormatError(
            f"{source.name}:1: no column for text or intent; found: {', '.join(first.values)}. "
            "Name them with --map text=COLUMN --map intent=COLUMN"
        )
    rows = partial(_turns, source, names)
    if "id" in names:
        for identity, turns in grouped(rows, passes_over(source), bad):
            yield _conversation(identity, turns, bad)
        return
    for number, (_, turn) in enumerate(rows(bad), start=1):
        yield _conversation(f"{row_id(source)}:{number}", [turn], bad)


def _is_multidogo(values: Mapping[str, object]) -> bool:
    return {name.strip().lower() for name in values} >= _MULTIDOGO


def _turns(
    source: Source, names: Mapping[str, str], bad: BadRows
) -> Iterator[tuple[str, _Labelled]]:
    unquoted = source.suffix == ".tsv" and names["place"]
    for row in _unquoted(source, bad) if unquoted else read_rows(source, bad):
        identity, text = (cell(row.values.get(names.get(field, ""))) for field in ("id", "text"))
        intent, slots, place = (
            cell(row.values.get(names[field])) for field in ("intent", "slots", "place")
        )
        if not text or ("id" in names and not identity):
            missing = "text" if not text else "id"
            bad.add(row.where, f"no value in column {names[missing]!r}")
            continue
        number = float(place) if place.replace(".", "", 1).isdecimal() else 0.0
        yield identity, _Labelled(text, intent.replace("<div>", MANY), slots, number)


def _unquoted(source: Source, bad: BadRows) -> Iterator[Row]:
    """The rows of a TSV in which a quote is a quote, but for one that opens a broken line."""
    lines = text_lines(source, bad)
    header = next(lines, (1, ""))[1].split("\t")
    for number, line in lines:
        where = f"{source.name}:{number}"
        fields = line.split("\t")
        joined = 0
        while fields[-1].startswith('"') and len(fields) < len(header) and joined < _JOINED:
            _, more = next(lines, (0, ""))
            first, *rest = more.split("\t")
            fields = [*fields[:-1], f"{fields[-1]}\n{first}", *rest]
            joined += 1
        if len(fields) == len(header):
            if joined:
                bad.mended["a turn over several lines"] += 1
                fields = [field.strip('"') if "\n" in field else field for field in fields]
            yield Row(where, dict(zip(header, fields, strict=True)))
        elif line.strip():
            bad.add(where, f"{len(fields)} columns, the header has {len(header)}")


def _conversation(identity: str, labelled: Sequence[_Labelled], bad: BadRows) -> Conversation:
    rows = sorted(labelled, key=lambda row: row.place)
    intents = [row.intent for row in rows if row.intent]
    needs = [intent for intent in intents if intent.casefold() not in _NO_NEED]
    intent = next(iter(needs or intents), None)
    return Conversation(
        identity,
        tuple(Turn("customer", row.text, entities=_entities(row, bad)) for row in rows),
        labels={"intent": intent} if intent else {},
    )


def _entities(row: _Labelled, bad: BadRows) -> tuple[Entity, ...]:
    """The spans of equal labels next to each other; `B-` begins a new one."""
    words, slots = list(_WORD.finditer(row.text)), row.slots.split()
    if len(words) != len(slots):
        if slots:
            bad.mended["slot labels that do not match the words"] += 1
        return ()
    spans: list[tuple[str, int, int]] = []
    before = "O"
    for word, slot in zip(words, slots, strict=True):
        kind = slot.removeprefix("B-").removeprefix("I-")
        if kind == before and not slot.startswith("B-") and kind != "O":
            spans[-1] = (kind, spans[-1][1], word.end())
        elif kind != "O":
            spans.append((kind, word.start(), word.end()))
        before = kind
    return tuple(Entity(kind, row.text[start:end], start, end) for kind, start, end in spans)
