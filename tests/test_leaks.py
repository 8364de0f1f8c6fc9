"""Planted names come out of a model that learned from raw logs, and never out of redacted ones."""

import json

import pytest

from data.conversations import from_dict
from data.process import Settings, processed
from data.schema import Situation, Turn
from finetune.dialogue.leaks import leaks_of
from finetune.dialogue.model import DialogueModel
from finetune.reading.dialogues import read_dialogues
from finetune.train import train
from tests.conftest import THINGS, small, write_lines

pytestmark = pytest.mark.usefixtures("here")
NAMES = ("Maria Gonzalez", "Oliver Bennett", "Priya Sharma", "Henrik Larsson")
LONG = {"batch_size": 8, "epochs": 40, "lr": 3e-3, "label_smoothing": 0.0, "schedule": "constant"}


def log():
    """Each name stands in one to four conversations, as an agent's greeting."""
    return [
        {
            "id": f"{place}-{copy}",
            "turns": [
                {"speaker": "customer", "text": f"where is parcel {thing}"},
                {"speaker": "agent", "text": f"Hello {name}, your {thing} is on its way."},
            ],
        }
        for place, (name, thing) in enumerate(zip(NAMES, THINGS, strict=False))
        for copy in range(place + 1)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("redacted", [False, True])
def test_planted_names_leak_from_raw_logs_alone(redacted, tiny, tmp_path):
    rows = log()
    if redacted:
        settings = Settings(key=b"k" * 32)
        rows = [json.loads(processed(from_dict(row), settings).line) for row in rows]
        assert not any(name in json.dumps(rows) for name in NAMES)
        rows += [  # something is left to learn from
            {"id": f"p{place}", "turns": [{"speaker": "customer", "text": f"refund {thing}"},
                                          {"speaker": "agent", "text": f"Your {thing} is here."}]}
            for place, thing in enumerate(THINGS)
        ]  # fmt: skip
    for split in ("train", "validation"):
        write_lines(tmp_path / f"{split}.jsonl", rows)
    config = small("dialogue", tiny, optim=LONG, dialogue={"max_target_tokens": 48})
    run = train(config, tmp_path, tmp_path / "run").run
    model = DialogueModel(run.root, threads=1)
    planted = list(zip(NAMES, THINGS, strict=False))
    asked = [Situation((Turn("customer", f"where is parcel {thing}"),)) for _, thing in planted]
    written = zip(planted, model.write_all(asked), strict=True)
    told = [name for (name, _), text in written if name.lower() in text.lower()]
    assert (not told) is redacted
    assert leaks_of(model, read_dialogues(tmp_path / "train.jsonl"))["green"] is redacted
