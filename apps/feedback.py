"""`deskhand feedback`: thumbs and corrected answers as rows for preference tuning, redacted."""

import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from apps.store import Store, StoredTurn
from data.conversations import to_dict
from data.errors import ConfigError
from data.redact.conversation import redact_conversation
from data.redact.digits import is_region
from data.rows import write_jsonl
from data.schema import Conversation, Turn
from data.split import SPLITS, Split, split_of

Kind = Literal["kto", "dpo"]
KINDS: tuple[Kind, ...] = ("kto", "dpo")


def write_feedback(url: str, out: Path, region: str = "GB") -> dict[str, Any]:
    """Write `kto/` and `dpo/`, each with the three splits, into `out`; what `--json` prints.

    Nothing of `out` changes before all rows are written; a former export in it is replaced.

    Args:
        url: The store's URL.
        out: The folder to write.
        region: Where phone numbers without a country code are read.

    Raises:
        ConfigError: If there is no such store, nothing in it was reviewed, or `out` is a file.
    """
    path = url.removeprefix("sqlite:///")
    if path != url and not Path(path).exists():
        raise ConfigError(f"--store {url}: no such database; it is made when an app is served")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"{out}: is a file; choose a folder as --out")
    if not is_region(region):
        raise ConfigError(f"--region {region}: no such region; two letters such as GB, US, CN")
    store = Store(url)
    key = secrets.token_bytes(32)  # forgotten afterwards: nothing can be reversed
    reviewed = store.reviewed()
    if not reviewed:
        raise ConfigError(f"--store {url}: no answer in it has a thumb or a correction yet")
    rows: dict[tuple[Kind, Split], list[dict[str, Any]]] = {
        (kind, split): [] for kind in KINDS for split in SPLITS
    }
    for identity in reviewed:
        split = split_of(identity)
        for kind, row in feedback_rows(identity, store.turns(identity), key, region):
            rows[kind, split].append(row)
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
    counts: dict[str, int] = {
        kind: sum(len(rows[kind, split]) for split in SPLITS) for kind in KINDS
    }
    return {"out": str(out), "conversations": len(reviewed), **counts}


def feedback_rows(
    identity: str, stored: Sequence[StoredTurn], key: bytes, region: str = "GB"
) -> Iterator[tuple[Kind, dict[str, Any]]]:
    """The rows of a conversation: one for each thumb, and one for each answer that was changed.

    Turns, corrections and cited passages are redacted together, so that a value has the same
    stand-in in all of them.

    Args:
        identity: The conversation's id.
        stored: Its turns in order.
        key: What stand-ins are drawn with; see `redact_conversation`.
        region: See `write_feedback`.
    """
    cited = [passage["text"] for each in stored for passage in each.trace.get("passages", ())]
    edits = [each.edited for each in stored if each.edited]
    further = [Turn("agent", text) for text in (*edits, *cited)]
    whole = Conversation(identity, (*(each.turn for each in stored), *further))
    clean, _ = redact_conversation(whole, region, key)
    turns = clean.turns[: len(stored)]
    rest = iter(clean.turns[len(stored) :])
    edited = {each.id: next(rest) for each in stored if each.edited}
    for place, each in enumerate(stored):
        passages = [
            {"id": passage["id"], "title": passage.get("title", ""), "text": next(rest).text}
            for passage in each.trace.get("passages", ())
        ]
        row = {
            "id": f"{clean.id}:{place}",
            "prompt": _values(turns[:place]),
            "passages": passages,
            "step": each.trace.get("step", ""),
        }
        said = _values(turns[place : place + 1])
        if each.thumb:
            yield "kto", {**row, "completion": said, "label": each.thumb > 0}
        if each.id in edited and edited[each.id].text.strip() != turns[place].text.strip():
            better = _values([edited[each.id]])
            yield "dpo", {**row, "chosen": better, "rejected": said}


def _values(turns: Sequence[Turn]) -> list[Mapping[str, Any]]:
    """Turns as a conversations file has them, without their times."""
    plain = Conversation("", tuple(replace(turn, time=None) for turn in turns))
    values: list[Mapping[str, Any]] = to_dict(plain)["turns"]
    return values
