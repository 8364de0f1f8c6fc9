"""`deskhand feedback`: thumbs, corrected answers and labels as rows to train on, redacted."""

import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from apps.app import clean as read_as
from apps.store import Store, StoredTurn, existing_store
from apps.store_opening import shown_url
from apps.store_review import Correction, Reviews
from data.conversations import to_dict
from data.errors import ConfigError
from data.outputs import check_folder
from data.redact.conversation import redact_conversation
from data.redact.digits import check_region
from data.rows import write_jsonl
from data.schema import Conversation, Entity, Turn
from data.split import SPLITS, Split, split_of

Kind = Literal["kto", "dpo", "intent", "ner", "reply"]
KINDS: tuple[Kind, ...] = ("kto", "dpo", "intent", "ner", "reply")
_BY_HAND = 0.5  # confidence that tells a reviewer's mark from what redaction marks beside it


def write_feedback(url: str, out: Path, region: str = "GB") -> dict[str, Any]:
    """Write a folder of the three splits for each of KINDS into `out`; what `--json` prints.

    Args:
        url: The store's URL.
        out: The folder to write.
        region: Where phone numbers without a country code are read.

    Raises:
        ConfigError: If there is no such store, nothing in it was reviewed, or `out` is no
            folder that can be written.
    """
    store = existing_store(url)
    check_folder(out)
    check_region(region)
    done = export_feedback(store, out, region)
    if not done["conversations"]:
        raise ConfigError(
            f"--store {shown_url(url)}: no answer in it has a thumb or a correction yet"
        )
    return {"out": str(out), **done}


def export_feedback(store: Store, out: Path, region: str = "GB") -> dict[str, Any]:
    """As `write_feedback`, of an open store: how many conversations, and rows of each kind.

    Nothing of `out` changes before all rows are written; a former export in it is replaced.
    Nothing is written where nothing was reviewed.
    """
    key = secrets.token_bytes(32)  # forgotten afterwards: nothing can be reversed
    reviewed = store.reviewed()
    rows: dict[tuple[Kind, Split], list[dict[str, Any]]] = {
        (kind, split): [] for kind in KINDS for split in SPLITS
    }
    said = {case.turn_id: case.correction for case in Reviews(store).corrected() if case.correction}
    for identity in reviewed:
        split = split_of(identity)
        for kind, row in feedback_rows(identity, store.turns(identity), key, region, said):
            rows[kind, split].append(row)
    if reviewed:
        _write(out, rows)
    counts: dict[str, int] = {
        kind: sum(len(rows[kind, split]) for split in SPLITS) for kind in KINDS
    }
    return {"conversations": len(reviewed), **counts}


def _write(out: Path, rows: Mapping[tuple[Kind, Split], list[dict[str, Any]]]) -> None:
    partial = out.parent / f".{out.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        for (kind, split), found in rows.items():
            write_jsonl(partial / kind / f"{split}.jsonl", found)
        for kind in KINDS:
            (out / kind).mkdir(parents=True, exist_ok=True)
            for file in (partial / kind).iterdir():
                file.replace(out / kind / file.name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def feedback_rows(
    identity: str,
    stored: Sequence[StoredTurn],
    key: bytes,
    region: str = "GB",
    corrections: Mapping[int, Correction] | None = None,
) -> Iterator[tuple[Kind, dict[str, Any]]]:
    """The rows of a conversation: of each thumb, each answer that was changed, and each label.

    Turns, corrections and cited passages are redacted together, so that a value has the same
    stand-in in all of them.

    Args:
        identity: The conversation's id.
        stored: Its turns in order.
        key: What stand-ins are drawn with; see `redact_conversation`.
        region: See `write_feedback`.
        corrections: What reviewers said, by the agent turn's id.
    """
    corrections = corrections or {}
    cited = [passage["text"] for each in stored for passage in each.trace.get("passages", ())]
    edits = [each.edited for each in stored if each.edited]
    further = [Turn("agent", text) for text in (*edits, *cited)]
    said = [each.turn for each in stored]
    for place, each in enumerate(stored[1:]):
        correction = corrections.get(each.id)
        if correction and correction.entities is not None and said[place].speaker == "customer":
            marks = tuple(replace(entity, confidence=_BY_HAND) for entity in correction.entities)
            said[place] = replace(said[place], text=read_as(said[place].text), entities=marks)
    clean, _ = redact_conversation(Conversation(identity, (*said, *further)), region, key)
    turns = clean.turns[: len(stored)]
    rest = iter(clean.turns[len(stored) :])
    edited = {each.id: next(rest) for each in stored if each.edited}
    better_turns = [
        edited.get(each.id, replace(turn, mark="bot") if turn.speaker == "agent" else turn)
        for each, turn in zip(stored, turns, strict=True)
    ]
    for place, each in enumerate(stored):
        passages = [
            {"id": passage["id"], "title": passage.get("title", ""), "text": next(rest).text}
            for passage in each.trace.get("passages", ())
        ]
        row_id = f"{clean.id}:{place}"
        row = {
            "id": row_id,
            "prompt": _values(turns[:place]),
            "passages": passages,
            "step": each.trace.get("step", ""),
        }
        answered = _values(turns[place : place + 1])
        if each.thumb:
            yield "kto", {**row, "completion": answered, "label": each.thumb > 0}
        if each.id in edited and edited[each.id].text.strip() != turns[place].text.strip():
            better = _values([edited[each.id]])
            yield "dpo", {**row, "chosen": better, "rejected": answered}
        correction = corrections.get(each.id)
        if correction is None or place == 0 or turns[place - 1].speaker != "customer":
            continue
        asked = turns[place - 1]
        if correction.intent is not None:
            yield "intent", {"id": row_id, "text": asked.text, "label": correction.intent}
        if correction.entities is not None:
            yield "ner", {"id": row_id, "text": asked.text, "entities": _by_hand(asked)}
    if edited:
        yield "reply", {"id": clean.id, "turns": _values(better_turns)}


def _by_hand(turn: Turn) -> list[dict[str, Any]]:
    """The spans that a reviewer marked: their word counts, not what redaction marks beside it."""
    found = (entity for entity in turn.entities if entity.confidence == _BY_HAND)
    return [{"type": each.type, "start": each.start, "end": each.end} for each in found]


def _values(turns: Sequence[Turn]) -> list[Mapping[str, Any]]:
    """Turns as a conversations file has them, without their times."""
    plain = Conversation(
        "", tuple(replace(turn, time=None, entities=_sure(turn)) for turn in turns)
    )
    values: list[Mapping[str, Any]] = to_dict(plain)["turns"]
    return values


def _sure(turn: Turn) -> tuple[Entity, ...]:
    return tuple(replace(entity, confidence=1.0) for entity in turn.entities)
