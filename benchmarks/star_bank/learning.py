"""What the bot learns from the training dialogues: intents of openings, entities of all turns."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.shell import deskhand
from benchmarks.star_bank.dialogues import Dialogue, openings, read
from data.conversations import to_dict
from data.rows import write_jsonl
from data.split import hash_fraction
from data.steps import steps_of
from finetune.config import CONFIGS
from finetune.intent_model import IntentModel
from finetune.serving import shared_encoder

UNMARKED = 0.15  # of the turns without an entity
LEAST = 3  # words of an opening that tells a task
TRAINED = {
    "intent": ("--config", CONFIGS / "intent_head.yaml"),
    "ner": (
        *("--set", "method=head", "--set", "optim.lr=1.0e-2", "--set", "optim.epochs=2"),
        *("--set", "max_tokens=64"),
    ),
    # Beside the bot: what a model says that reads the whole dialogue and knows no workflow.
    "next_action": (
        *("--set", "method=head", "--set", "intent.reads=conversations"),
        *("--set", "max_tokens=48"),
    ),
}


def learned(folder: Path, kept: Path) -> dict[str, Path]:
    """The runs of TRAINED; a run that is there is not trained again."""
    runs = {task: kept / "runs" / task for task in TRAINED}
    for task, run in runs.items():
        if run.exists():
            continue
        for split in ("train", "validation"):
            found = list(ROWS[task](read(folder, split)))
            if task == "intent" and split == "train":
                found += _others(folder)
            write_jsonl(kept / task / f"{split}.jsonl", found)
        kind = "ner" if task == "ner" else "intent"
        deskhand(kept, "train", kind, *TRAINED[task], "--data", kept / task, "--out", run)
    return runs


def intent_rows(dialogues: Iterable[Dialogue]) -> Iterator[dict[str, Any]]:
    """Openings with their task; what the wizard found out of scope as `oos`."""
    for dialogue in dialogues:
        for text in openings(dialogue.conversation):
            if len(text.split()) >= LEAST:
                yield {"text": text, "label": dialogue.task}
        turns = dialogue.conversation.turns
        for said, answered in zip(turns, turns[1:], strict=False):
            if said.speaker == "customer" and answered.action == "out_of_scope":
                yield {"text": said.text, "label": "oos"}


def entity_rows(dialogues: Iterable[Dialogue]) -> Iterator[dict[str, Any]]:
    """The customer's turns, with what the wizard looked up marked where it was said.

    Of those in which nothing is marked a share is enough.
    """
    for dialogue in dialogues:
        values = {
            (name, value)
            for query in dialogue.queries
            for name, value in query.slots.items()
            if name != "fraud_details" and len(value) > 1
        }
        for turn in dialogue.conversation.turns:
            spans = _spans(turn.text, sorted(values))
            if turn.speaker == "customer" and (spans or hash_fraction(turn.text) < UNMARKED):
                yield {"text": turn.text, "entities": spans}


def next_actions(run: Path, dialogues: Iterable[Dialogue]) -> dict[tuple[str, int], str]:
    """What the `next_action` run says at each step that the wizard took, by dialogue and turn."""
    model = IntentModel(run, lambda name: shared_encoder(name, threads=1), threads=1)
    places, situations = [], []
    for dialogue in dialogues:
        for situation, _ in steps_of(dialogue.conversation):
            places.append((dialogue.conversation.id, len(situation.turns)))
            situations.append(situation)
    said = [each.top[0][0] for each in model.next_actions(situations)]
    return dict(zip(places, said, strict=True))


def _conversations(dialogues: Iterable[Dialogue]) -> Iterator[dict[str, Any]]:
    return (to_dict(dialogue.conversation) for dialogue in dialogues if dialogue.task)


def _spans(text: str, values: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Where values stand in a text, the longest first, none over another."""
    found: list[dict[str, Any]] = []
    for name, value in sorted(values, key=lambda each: -len(each[1])):
        for match in re.finditer(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.I):
            if all(match.end() <= each["start"] or each["end"] <= match.start() for each in found):
                found.append({"start": match.start(), "end": match.end(), "type": name})
    return sorted(found, key=lambda each: int(each["start"]))


def _others(folder: Path) -> list[dict[str, Any]]:
    with (folder / "others.jsonl").open(encoding="utf-8") as lines:
        return [{"text": json.loads(line)["text"], "label": "oos"} for line in lines]


ROWS = {"intent": intent_rows, "ner": entity_rows, "next_action": _conversations}
