"""What the bot learns from the training dialogues, and a model of next actions beside it."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.shell import deskhand
from benchmarks.star_bank.dialogues import Dialogue, openings, read
from data.conversations import to_dict
from data.rows import write_jsonl
from data.steps import steps_of
from finetune.config import CONFIGS
from finetune.intent.model import IntentModel
from finetune.serving import shared_encoder

LEAST = 3  # words of an opening that tells a task
TRAINED = {
    "intent": ("--config", CONFIGS / "intent_head.yaml"),
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
        deskhand(kept, "train", "intent", *TRAINED[task], "--data", kept / task, "--out", run)
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


def _others(folder: Path) -> list[dict[str, Any]]:
    with (folder / "others.jsonl").open(encoding="utf-8") as lines:
        return [{"text": json.loads(line)["text"], "label": "oos"} for line in lines]


ROWS = {"intent": intent_rows, "next_action": _conversations}
