"""One training from rows to a run: what it writes, says and replaces."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import finetune.train as training
from data.errors import EncoderError, RunDirError
from data.onnx_text import OnnxEncoder
from data.schema import OOS, Example
from finetune.arguments import steps_of
from finetune.config import TrainConfig
from finetune.intent import frozen
from finetune.intent.model import IntentModel
from finetune.intent.scores import _scored
from finetune.ner.model import NerModel
from finetune.reply.model import ReplyModel
from finetune.serving import encoder_of
from finetune.train import describe, train
from tests.conftest import (
    SMALL,
    intent_rows,
    log_rows,
    open_encoder,
    small,
    write_lines,
)

pytestmark = pytest.mark.usefixtures("here")


def test_the_report_of_an_intent_run_shows_where_to_look(tiny, tmp_path):
    rows = intent_rows()
    wrong = [{**row, "label": "login"} for row in rows if row["label"] == "refund"]
    write_lines(tmp_path / "train.jsonl", [*rows, *rows, *wrong[:1]])
    write_lines(tmp_path / "validation.jsonl", [*rows[: len(rows) - 10], *wrong])
    run = train(small("intent", tiny, "head"), tmp_path, tmp_path / "run").run
    page = run.report.read_text(encoding="utf-8")
    sections = re.findall(r"<h2 id=(\w+)>", page)
    for section in ("classes", "confusion", "errors", "calibration", "coverage", "changes"):
        assert section in sections, section
    assert sections.count("errors") == 1
    assert "aria-label='nearest training rows'" in page
    errors = [json.loads(line) for line in run.errors.read_text().splitlines()]
    assert all(error["text"] in page for error in errors)
    assert "Do not pass it on" in page


def test_every_row_drawn_once_has_the_metrics_of_the_whole():
    examples = [Example("t", label=label) for label in ("a", "a", "b", "b", OOS)]
    said, best = ["a", OOS, "a", "b", OOS], ["a", "a", "a", "b", "b"]
    found = _scored(examples, said, best, [0.9, 0.4, 0.8, 0.7, 0.3], [0.9, 0.2, 0.9, 0.8, 0.1])
    assert found.metrics["in_scope_accuracy"] == 0.5
    assert found.metrics["accuracy_no_refusal"] == 0.75
    assert found.resample(np.arange(5)) == found.metrics
    assert found.resample(np.array([0, 0, 3]))["accuracy"] == 1.0
    assert found.detail["right"] == [True, True, False, True, False]
    assert found.detail["inside"] == [True] * 4 + [False]


def test_nothing_is_written_to_stdout_in_a_terminal_either(
    tiny, folders, tmp_path, capfd, monkeypatch
):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    train(
        small("intent", tiny, optim={**SMALL, "max_steps": 12}), folders["intent"], tmp_path / "r"
    )
    heard = capfd.readouterr()
    assert heard.out == ""
    assert "12/12" in heard.err


def test_early_stopping_stops(tiny, folders, tmp_path):
    optim = {"batch_size": 10, "epochs": 30, "lr": 1e-7, "patience": 1}
    for task in ("ner", "reply"):
        run = train(
            small(task, tiny, optim={**optim, "lr": 1e-12}), folders[task], tmp_path / task
        ).run
        assert log_rows(run)[-1]["step"] < 30


def test_a_run_of_another_task_is_refused(tiny, folders, tmp_path):
    train(small("intent", tiny, "head"), folders["intent"], tmp_path / "run")
    for model in (NerModel, ReplyModel):
        with pytest.raises(RunDirError, match="a run of task intent") as caught:
            model(tmp_path / "run")
        assert "\n" not in str(caught.value)
    with pytest.raises(RunDirError, match="reply is needed here"):
        encoder_of(str(tmp_path / "run"))


def test_a_frozen_head_refuses_another_encoder(tiny, folders, tmp_path):
    train(small("intent", tiny, "head"), folders["intent"], tmp_path / "run")

    class Other:
        fingerprint = "0" * 64

        def encode(self, texts):
            raise AssertionError

    with pytest.raises(EncoderError, match="other weights.*; train it again"):
        IntentModel(tmp_path / "run", lambda name: Other())


def test_a_reply_run_serves_as_an_encoder(tiny, folders, tmp_path):
    train(small("reply", tiny), folders["reply"], tmp_path / "run")
    encoder = encoder_of(str(tmp_path / "run"), threads=1)
    vectors = encoder.encode(["where is parcel", "money back"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    assert encoder.fingerprint != open_encoder(tiny).fingerprint


def test_describe_counts_rows_steps_and_what_they_take(tiny, folders, tmp_path):
    config = small("intent", tiny, optim={"batch_size": 8, "epochs": 2})
    plan = describe(config, folders["intent"])
    assert set(plan) == {
        "task", "method", "because", "rows", "rows_by_split", "steps", "trainable", "parameters",
        "minutes", "memory_gib", "summary",
    }  # fmt: skip
    assert (plan["rows"], plan["steps"], plan["because"]) == (30, 8, "asked for")
    assert plan["rows_by_split"] == {"train": 30, "validation": 30, "test": 30}
    assert 0 < plan["trainable"] <= plan["parameters"]
    assert plan["memory_gib"] > 0
    assert describe(small("intent", tiny, "head"), folders["intent"])["steps"] == 0
    assert not list(tmp_path.iterdir())


def test_serving_imports_no_training_library():
    root = Path(training.__file__).parents[1]
    served = sorted(root.glob("finetune/*/model.py"))
    assert len(served) == 8
    names = [*(f"finetune.{path.parent.name}.model" for path in served), "finetune.serving"]
    names += ["finetune.reply.reranker", "finetune.summary.extractive"]
    code = (
        f"import sys, {', '.join(names)}\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'peft', 'datasets'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("method", ["head", "full"])
def test_the_training_rows_are_encoded_and_the_head_is_fitted_once(
    method, tiny, tmp_path, monkeypatch
):
    rows = [
        {**row, "text": f"{row['text']} {method} {number}"}
        for number in (1, 2)
        for row in intent_rows()
    ]
    write_lines(tmp_path / "train.jsonl", rows)
    write_lines(tmp_path / "validation.jsonl", intent_rows()[:9])
    encoded, fits = [], []
    encode, fit = OnnxEncoder.encode, frozen.fit_head
    monkeypatch.setattr(
        OnnxEncoder, "encode", lambda self, texts: encoded.append(len(texts)) or encode(self, texts)
    )
    monkeypatch.setattr(frozen, "fit_head", lambda *given: fits.append(1) or fit(*given))
    train(small("intent", tiny, method), tmp_path, tmp_path / "run")
    assert encoded.count(len(rows)) == 1
    assert len(fits) == 1


@pytest.mark.parametrize(
    ("optim", "rows", "steps"),
    [
        ({"epochs": 3, "least_steps": 0}, 50, 12),
        ({"epochs": 3, "least_steps": 100}, 50, 100),
        ({"epochs": 3, "least_steps": 101}, 50, 104),  # passes are whole
        ({"epochs": 3, "least_steps": 100}, 5000, 939),
        ({"epochs": 0.5, "least_steps": 0}, 50, 2),
        ({"epochs": 3, "least_steps": 100, "max_steps": 7}, 50, 7),
    ],
)
def test_few_rows_are_passed_over_until_there_are_enough_steps(optim, rows, steps):
    config = TrainConfig.model_validate({"task": "ner", "optim": {"batch_size": 16, **optim}})
    assert steps_of(config, rows) == steps


@pytest.mark.usefixtures("here")
def test_a_training_on_few_rows_makes_its_least_steps(tiny, folders, tmp_path):
    optim = {"batch_size": 10, "epochs": 1, "least_steps": 20, "lr": 1e-3}
    run = train(small("ner", tiny, optim=optim), folders["ner"], tmp_path / "run").run
    assert run.read_config()["estimate"]["steps"] == 20
    assert '"step": 20' in run.log.read_text("utf-8")


@pytest.mark.usefixtures("here")
def test_auto_tells_of_an_ner_training_how_many_rows_its_types_have(tiny, folders):
    plan = describe(small("ner", tiny, "auto"), folders["ner"])
    assert plan["method"] == "frozen_embeddings"
    assert plan["because"].startswith("10 rows, 10 of each entity type at the median: every layer")
