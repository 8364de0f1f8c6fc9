"""A training that works learns a handful of rows by heart."""

import json

import pytest

from finetune.intent.model import IntentModel
from finetune.ner.model import NerModel
from finetune.reply.model import ReplyModel
from finetune.train import train
from tests.conftest import (
    ANSWERS,
    INTENTS,
    THINGS,
    intent_rows,
    log_rows,
    ner_rows,
    open_encoder,
    reply_rows,
    small,
    write_lines,
)

pytestmark = pytest.mark.usefixtures("here")


LONG = {"batch_size": 8, "epochs": 60, "lr": 3e-3, "label_smoothing": 0.0}


@pytest.mark.slow
def test_intent_learns_eight_rows_by_heart(tiny, tmp_path):
    rows = intent_rows()[:8]
    write_lines(tmp_path / "train.jsonl", rows)
    write_lines(tmp_path / "validation.jsonl", rows)
    run = train(small("intent", tiny, optim=LONG, words=False), tmp_path, tmp_path / "run").run
    model = IntentModel(run.root, open_encoder, threads=1)
    found = [each.top[0][0] for each in model.predict([row["text"] for row in rows])]
    assert found == [row["label"] for row in rows]
    assert log_rows(run)[-2]["loss_nats"] < 0.1


@pytest.mark.slow
def test_ner_learns_eight_rows_by_heart(tiny, tmp_path):
    rows = ner_rows()[:8]
    write_lines(tmp_path / "train.jsonl", rows)
    write_lines(tmp_path / "validation.jsonl", rows)
    run = train(small("ner", tiny, optim={**LONG, "lr": 1e-2}), tmp_path, tmp_path / "run").run
    found = NerModel(run.root, threads=1).predict([row["text"] for row in rows])
    said = [
        [{"type": e.type, "start": e.start, "end": e.end} for e in entities] for entities in found
    ]
    assert said == [row["entities"] for row in rows]
    assert done_f1(run) == 1.0


def done_f1(run):
    return json.loads(run.metrics.read_text())["validation"]["after"]["entity_f1"]


@pytest.mark.slow
def test_reply_ranks_its_training_answers_first(tiny, tmp_path):
    write_lines(tmp_path / "train.jsonl", reply_rows())
    write_lines(tmp_path / "validation.jsonl", reply_rows())
    optim = {"batch_size": 10, "epochs": 60, "lr": 3e-3}
    run = train(small("reply", tiny, optim=optim), tmp_path, tmp_path / "run").run
    model = ReplyModel(run.root, threads=1)
    first = [model.rank(f"where is parcel {thing}", ANSWERS)[0][0] for thing in THINGS]
    assert first == list(range(len(THINGS)))
    metrics = json.loads(run.metrics.read_text())["validation"]
    assert metrics["after"]["recall_at_1_of_10"] == 1.0
    assert metrics["baseline"]["recall_at_1_of_10"] == pytest.approx(0.1)


def test_the_frozen_head_learns_eight_rows_by_heart(tiny, tmp_path):
    rows = [{"text": text.format("shoes"), "label": label} for label, text in INTENTS.items()] * 2
    rows = [{**row, "text": f"{row['text']} {number}"} for number, row in enumerate(rows)]
    write_lines(tmp_path / "train.jsonl", rows)
    write_lines(tmp_path / "validation.jsonl", rows)
    config = small("intent", tiny, "head", words=False, head={"c": [1e4]})
    run = train(config, tmp_path, tmp_path / "run").run
    model = IntentModel(run.root, open_encoder, threads=1)
    found = [each.top[0][0] for each in model.predict([row["text"] for row in rows])]
    assert found == [row["label"] for row in rows]
