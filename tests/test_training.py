"""Every task by every method on a two-layer BERT made on the spot: train, reload, predict."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

import finetune.train as training
from data.encoders import resolve_encoder
from data.errors import ConfigError, EncoderError, LogFormatError, RunDirError
from data.onnx_text import OnnxText
from data.pairs import CONTEXT_TURNS
from data.schema import OOS, Example
from finetune.config import CONFIGS, train_config
from finetune.encoder import Pooled, export_onnx, load_encoder, token_inputs
from finetune.intent_model import IntentModel
from finetune.intent_net import IntentNet
from finetune.intent_scores import _scored
from finetune.methods import ADAPTERS, METHODS, TaskName
from finetune.ner_model import NerModel
from finetune.reply_model import ReplyModel
from finetune.run_dir import RunDir
from finetune.serving import encoder_of
from finetune.shapes import shape_ids
from finetune.tasks import TASKS
from finetune.tasks.ner import NerNet, collate, token_rows
from finetune.train import describe, train
from tests.conftest import (
    ANSWERS,
    INTENTS,
    SMALL,
    THINGS,
    finite,
    intent_rows,
    log_rows,
    ner_rows,
    open_encoder,
    reply_rows,
    small,
    write_lines,
)

CELLS = [
    (task, method)
    for task, methods in METHODS.items()
    for method in methods
    if method != "qlora"  # needs a GPU: tests/test_methods.py
]
pytestmark = pytest.mark.usefixtures("here")


@pytest.mark.parametrize(("task", "method"), CELLS)
def test_two_steps_give_a_complete_run_that_reloads(
    task, method, tiny, folders, tmp_path, capfd, caplog
):
    out = tmp_path / "runs" / "mine"
    done = train(small(task, tiny, method), folders[task], out)

    run = RunDir(out)
    assert run.check(task) == task
    assert {path.name for path in out.iterdir()} == {path.name for path in run.files()}
    assert [path.name for path in out.parent.iterdir()] == ["mine"]
    weights = {path.name for path in run.weights.iterdir()}
    if (task, method) == ("intent", "head"):
        assert weights - {"words.safetensors"} == {"head.safetensors"}
    else:
        assert {"model.onnx", "model.onnx.sha256"} <= weights
        assert ("adapter" if method in ADAPTERS else "encoder") in weights

    metrics = json.loads(run.metrics.read_text(encoding="utf-8"))
    assert metrics == done.metrics
    assert set(metrics) == {"validation", "test"}
    for stages in metrics.values():
        resampled = set() if task == "reply" else {"intervals"}  # draws of rivals are no rows
        assert set(stages) == {"baseline", "before", "after"} | resampled
        assert finite(stages)
        for metric, sure in stages.get("intervals", {}).items():
            if metric != "ece":  # a mean of gaps: larger on any draw of the rows
                assert sure["after"][0] <= stages["after"][metric] <= sure["after"][1], metric
    assert TASKS[task].best_metric in metrics["test"]["after"]
    if (task, method) != ("intent", "head"):
        losses = [row["train_loss"] for row in log_rows(run) if "train_loss" in row]
        assert losses
        assert finite(losses[-1])
    assert "<h1>mine</h1>" in run.report.read_text(encoding="utf-8")
    assert run.card.read_text(encoding="utf-8").startswith("# mine\n")

    if task == "intent":
        model = IntentModel(out, open_encoder, threads=1)
        prediction = model.predict(["where is my parcel", ""])[0]
        assert prediction.top[0][0] in INTENTS
        assert sum(sure for _, sure in prediction.top) == pytest.approx(1, abs=1e-4)
    elif task == "ner":
        for entities in NerModel(out, threads=1).predict(["where is parcel AB-12", "", "  "]):
            assert all(0 <= entity.confidence <= 1 for entity in entities)
    else:
        ranked = ReplyModel(out, threads=1).rank("where is parcel shoes", ANSWERS)
        assert sorted(place for place, _ in ranked) == list(range(len(ANSWERS)))
        assert all(-1.001 <= score <= 1.001 for _, score in ranked)
    assert capfd.readouterr().out == ""
    for thing in THINGS:  # customers' words are never logged
        assert thing not in caplog.text


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


TEXTS = ["where", "where is my parcel", "give me my money back " * 6, "AB-12 £5 dan@example.com"]


def test_the_intent_graph_equals_the_module(tiny, tmp_path):
    encoder, tokenizer = load_encoder(resolve_encoder(tiny))
    net = IntentNet(encoder, 32, labels=5, smoothing=0.0).eval()
    export_onnx(net, token_inputs(tokenizer), tmp_path / "m.onnx")
    check_graph(net, tokenizer, tiny, tmp_path / "m.onnx")


def test_the_pooled_graph_equals_the_module(tiny, tmp_path):
    encoder, tokenizer = load_encoder(resolve_encoder(tiny))
    net = Pooled(encoder).eval()
    export_onnx(net, token_inputs(tokenizer), tmp_path / "m.onnx")
    check_graph(net, tokenizer, tiny, tmp_path / "m.onnx")


def check_graph(net, tokenizer, tiny, graph):
    session = OnnxText(graph, Path(tiny) / "tokenizer.json", 64, threads=1)
    for texts in (TEXTS, TEXTS[:1], TEXTS[2:]):
        batch = tokenizer(texts, padding=True, truncation=True, max_length=64, return_tensors="pt")
        with torch.inference_mode():
            wanted = net(batch["input_ids"], batch["attention_mask"]).numpy()
        np.testing.assert_allclose(np.stack(session.run(texts)), wanted, atol=1e-4)


def test_the_ner_graph_equals_the_module(tiny, tmp_path):
    encoder, tokenizer = load_encoder(resolve_encoder(tiny))
    torch.manual_seed(1)
    net = NerNet(encoder, 32, tags=5).eval()
    torch.nn.init.normal_(net.own.weight, std=0.1)
    torch.nn.init.normal_(net.chunk.weight, std=0.1)
    tokens = token_rows([Example(text) for text in TEXTS], tokenizer, ["O"], 64)
    batch = collate(tokens)
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask", "shapes")}
    export_onnx(net, {name: value[:2] for name, value in inputs.items()}, tmp_path / "m.onnx")
    session = OnnxText(
        tmp_path / "m.onnx", Path(tiny) / "tokenizer.json", 64, 1, features={"shapes": shape_ids}
    )
    with torch.inference_mode():
        wanted = net(**inputs).numpy()
    for row, logits in enumerate(session.run(TEXTS)):
        assert logits.shape == (len(tokens[row]["input_ids"]), 5)
        np.testing.assert_allclose(logits, wanted[row, : len(logits)], atol=1e-4)


def test_a_long_text_is_read_to_its_end_with_offsets_of_the_whole(tiny, folders, tmp_path):
    run = train(small("ner", tiny), folders["ner"], tmp_path / "run").run
    model = NerModel(run.root, threads=1)
    model._transitions = np.zeros((5, 5))
    model._texts.run = lambda pieces, encodings: [
        np.array([[0, 9 * (piece[s:e] == "zed"), 0, 0, 0] for s, e in encoding.offsets], float)
        for piece, encoding in zip(pieces, encodings, strict=True)
    ]
    model._texts._tokenizer.add_tokens(["zed"])
    for filler in ("x y ", "長い", "🙂 ", "no", "word. "):  # some have a token a character
        text = (filler * 10_000)[:9_700]
        text = " zed ".join(text[start : start + 970] for start in range(0, 9_700, 970)) + " zed"
        entities = model.predict(["short", text])[1]
        starts = [place for place in range(len(text)) if text.startswith("zed", place)]
        assert [entity.start for entity in entities] == starts
        assert {entity.text for entity in entities} == {"zed"}


def test_every_character_of_a_long_text_is_in_one_window(tiny, folders, tmp_path):
    run = train(small("ner", tiny), folders["ner"], tmp_path / "run").run
    model = NerModel(run.root, threads=1)
    seen = []
    model._texts.run = lambda pieces, encodings: (
        seen.extend(pieces) or [np.zeros((len(encoding.ids), 5)) for encoding in encodings]
    )
    for text in (
        "a" * 10_000,
        "長" * 3_000,
        "a b " * 2_500,
        "\n" * 999,
        "x" * 399 + " " + "y" * 500,
    ):
        seen.clear()
        model.predict([text])
        assert "".join(seen) == text


def test_an_emoji_text_survives_prediction(tiny, folders, tmp_path):
    run = train(small("ner", tiny), folders["ner"], tmp_path / "run").run
    text = "👩‍👩‍👧 où est ma commande №5 — ✅\u200d\u00a0\u2028 ﬁn"
    for entity in NerModel(run.root, threads=1).predict([text])[0]:
        assert text[entity.start : entity.end] == entity.text


def weights_of(run):
    files = [run.head, run.weights / "encoder" / "model.safetensors"]
    return {
        f"{path.name}:{name}": value
        for path in files
        if path.exists()
        for name, value in load_file(path).items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("task", ["intent", "ner", "reply"])
def test_a_run_that_was_cut_off_resumes_to_the_same_weights(task, tiny, folders, tmp_path):
    config = small(task, tiny, optim={"batch_size": 5, "epochs": 3, "lr": 1e-3})
    whole = train(config, folders[task], tmp_path / "whole").run

    cut_off(config, folders[task], tmp_path / "cut")
    assert not (tmp_path / "cut").exists()
    assert (tmp_path / ".cut.partial").is_dir()
    with pytest.raises(RunDirError):
        RunDir(tmp_path / "cut").check(task)

    resumed = train(config, folders[task], tmp_path / "cut", resume=True).run
    assert not (tmp_path / ".cut.partial").exists()
    assert {path.name for path in resumed.root.iterdir()} == {p.name for p in resumed.files()}
    wanted, found = weights_of(whole), weights_of(resumed)
    assert set(found) == set(wanted)
    assert wanted
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, atol=1e-5, err_msg=name)


def cut_off(config, data, out):
    """Train until the first checkpoint is written."""
    with pytest.MonkeyPatch.context() as patch:

        def stop(self, args, state, control, **kwargs):
            raise KeyboardInterrupt

        patch.setattr(training._Log, "on_save", stop)
        with pytest.raises(KeyboardInterrupt):
            train(config, data, out)


def test_a_half_written_run_refuses_another_config_or_other_data(tiny, folders, tmp_path):
    optim = {"batch_size": 10, "epochs": 2, "lr": 1e-3}
    config = small("intent", tiny, optim=optim)
    cut_off(config, folders["intent"], tmp_path / "run")
    for other, data in (
        (small("intent", tiny, optim=optim, seed=1), folders["intent"]),
        (config, folders["intent"] / "train.jsonl"),
    ):
        with pytest.raises(ConfigError, match="another config or data; train without --resume"):
            train(other, data, tmp_path / "run", resume=True)
    steps = sorted((tmp_path / ".run.partial" / "checkpoints").iterdir())
    assert steps  # it can still go on


def test_a_checkpoint_that_is_not_complete_is_passed_over(tiny, folders, tmp_path):
    config = small("intent", tiny, optim={"batch_size": 10, "epochs": 2, "lr": 1e-3})
    cut_off(config, folders["intent"], tmp_path / "run")
    partial = RunDir(tmp_path / "run").partial
    good = training._last_checkpoint(partial)
    for number, state in ((998, None), (999, '{"epoch": 1')):
        later = partial.checkpoints / f"checkpoint-{number}"
        later.mkdir()
        if state is not None:
            (later / "trainer_state.json").write_text(state)
    assert training._last_checkpoint(partial) == good
    assert good is not None


def test_without_resume_a_half_written_run_is_begun_anew(tiny, folders, tmp_path):
    config = small("intent", tiny)
    partial = tmp_path / ".run.partial"
    partial.mkdir()
    (partial / "left.txt").write_text("over")
    train(config, folders["intent"], tmp_path / "run")
    assert not partial.exists()
    assert not (tmp_path / "run" / "left.txt").exists()


@pytest.mark.parametrize("name", ["notes.txt", "config.yaml"])
def test_a_folder_that_is_not_a_run_is_refused_and_left_alone(name, tiny, folders, tmp_path):
    out = tmp_path / "mine"
    out.mkdir()
    (out / name).write_text("title: my app\n")
    with pytest.raises(ConfigError, match="exists and is not a run; choose another --out"):
        train(small("intent", tiny), folders["intent"], out)
    assert (out / name).read_text() == "title: my app\n"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_file_in_the_place_of_a_run_is_refused(tiny, folders, tmp_path):
    (tmp_path / "mine").write_text("x")
    with pytest.raises(ConfigError, match="not a run"):
        train(small("intent", tiny), folders["intent"], tmp_path / "mine")


def test_training_again_replaces_the_run_only_when_it_is_complete(tiny, folders, tmp_path):
    out = tmp_path / "run"
    config = small("intent", tiny, "head")
    train(config, folders["intent"], out)
    (out / "mark").write_text("the first")
    longer = small("intent", tiny, optim={"batch_size": 10, "epochs": 2, "lr": 1e-3})
    cut_off(longer, folders["intent"], out)
    assert (out / "mark").exists()
    RunDir(out).check("intent")
    train(config, folders["intent"], out)
    assert not (out / "mark").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_label_that_training_never_saw_is_refused_with_its_line(tiny, folders, tmp_path):
    rows = [*intent_rows()[:3], {"text": "what is love", "label": "love"}]
    path = write_lines(tmp_path / "eval.jsonl", rows)
    with pytest.raises(LogFormatError, match=f"^{path}:4: label 'love' was never seen in training"):
        train(small("intent", tiny), folders["intent"], tmp_path / "run", evaluation=path)
    assert not (tmp_path / "run").exists()


def test_a_type_that_training_never_saw_is_refused_with_its_line(tiny, folders, tmp_path):
    rows = [{"text": "hi dan", "entities": [{"type": "name", "start": 3, "end": 6}]}]
    path = write_lines(tmp_path / "eval.jsonl", rows)
    with pytest.raises(LogFormatError, match=f"^{path}:1: entity type 'name' was never seen"):
        train(small("ner", tiny), folders["ner"], tmp_path / "run", evaluation=path)


def test_a_single_label_is_refused(tiny, tmp_path):
    rows = [{"text": f"row {number}", "label": "refund"} for number in range(10)]
    path = write_lines(tmp_path / "rows.jsonl", [*rows, {"text": "moon", "label": OOS}])
    with pytest.raises(LogFormatError, match=r"rows.jsonl:\d+: only one label"):
        train(small("intent", tiny), path, tmp_path / "run")


def test_rows_without_any_entity_are_refused(tiny, tmp_path):
    path = write_lines(tmp_path / "r.jsonl", [{"text": f"row {n}", "entities": []} for n in "1234"])
    with pytest.raises(LogFormatError, match="no entity is marked"):
        train(small("ner", tiny), path, tmp_path / "run")


def test_entities_that_no_token_reaches_are_refused(tiny, tmp_path):
    text = "where " * 40 + "AB-12"
    row = {"text": text, "entities": [{"type": "order", "start": len(text) - 5, "end": len(text)}]}
    path = write_lines(tmp_path / "r.jsonl", [{**row}, {"text": "hello"}, {"text": "hello you"}])
    with pytest.raises(LogFormatError, match="after the first 32 tokens"):
        train(small("ner", tiny), path, tmp_path / "run")


def test_one_entity_type_of_one_token_trains(tiny, tmp_path):
    rows = [
        {"text": f"my {thing}", "entities": [{"type": "thing", "start": 3, "end": 3 + len(thing)}]}
        for thing in THINGS
    ]
    metrics = train(
        small("ner", tiny), write_lines(tmp_path / "r.jsonl", rows), tmp_path / "r"
    ).metrics
    assert finite(metrics["validation"])


def test_out_of_scope_rows_in_validation_alone_train(tiny, tmp_path):
    write_lines(tmp_path / "train.jsonl", intent_rows())
    moon = [{"text": f"sing of the moon {thing}", "label": OOS} for thing in THINGS]
    write_lines(tmp_path / "validation.jsonl", [*intent_rows(), *moon])
    optim = {"batch_size": 10, "epochs": 1, "lr": 1e-3, "patience": 1}
    for method in ("full", "head"):
        done = train(small("intent", tiny, method, optim=optim), tmp_path, tmp_path / "run")
        assert json.loads(done.run.labels.read_text()) == sorted(INTENTS)


def test_validation_rows_that_are_all_out_of_scope_are_refused(tiny, tmp_path):
    write_lines(tmp_path / "train.jsonl", intent_rows())
    write_lines(tmp_path / "validation.jsonl", [{"text": "moon", "label": OOS}])
    with pytest.raises(LogFormatError, match="out of scope"):
        train(small("intent", tiny), tmp_path, tmp_path / "run")


@pytest.mark.parametrize("method", METHODS["intent"])
def test_a_handful_of_rows_trains(method, tiny, tmp_path):
    path = write_lines(tmp_path / "r.jsonl", intent_rows()[:5])
    metrics = train(small("intent", tiny, method), path, tmp_path / "run").metrics
    assert metrics["validation"]["after"]["n"] == 1


def test_early_stopping_stops(tiny, folders, tmp_path):
    optim = {"batch_size": 10, "epochs": 30, "lr": 1e-7, "patience": 1}
    for task in ("ner", "reply"):
        run = train(
            small(task, tiny, optim={**optim, "lr": 1e-12}), folders[task], tmp_path / task
        ).run
        assert log_rows(run)[-1]["step"] < 30


def test_too_few_answers_to_rank_are_refused(tiny, tmp_path):
    path = write_lines(tmp_path / "r.jsonl", reply_rows()[:6])
    with pytest.raises(LogFormatError, match="too few validation rows to score"):
        train(small("reply", tiny), path, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_ten_answers_of_one_conversation_have_no_rivals(tiny, folders, tmp_path):
    turns = [turn for row in reply_rows() for turn in row["turns"]]
    path = write_lines(tmp_path / "eval.jsonl", [{"id": "one", "turns": turns}])
    with pytest.raises(LogFormatError, match="answers of other conversations"):
        train(small("reply", tiny), folders["reply"], tmp_path / "run", evaluation=path)


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


def test_describe_counts_rows_and_steps(tiny, folders):
    config = small("intent", tiny, optim={"batch_size": 8, "epochs": 2})
    assert describe(config, folders["intent"]) == {
        "task": "intent",
        "method": "full",
        "steps": 8,
        "rows": {"train": 30, "validation": 30, "test": 30},
    }
    assert describe(small("intent", tiny, "head"), folders["intent"])["steps"] == 0


def test_freezing_leaves_words_and_lower_layers_as_they_are(tiny, folders, tmp_path):
    config = small("intent", tiny, freeze_words=True, freeze_layers=1)
    run = train(config, folders["intent"], tmp_path / "run").run
    old = load_file(Path(tiny) / "model.safetensors")
    new = load_file(run.weights / "encoder" / "model.safetensors")
    changed = {name for name, value in new.items() if not np.array_equal(value, old[name])}
    assert changed
    assert all(name.startswith("encoder.layer.1.") for name in changed)


def test_more_frozen_layers_than_there_are_is_refused(tiny, folders, tmp_path):
    with pytest.raises(ConfigError, match="freeze_layers: 3, but the encoder has 2 layers"):
        train(small("intent", tiny, freeze_layers=3), folders["intent"], tmp_path / "run")


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_config_loads_and_begins_with_its_command(path):
    task = path.stem.split("_")[0]
    assert train_config(task, path).task == task
    assert path.read_text(encoding="utf-8").startswith(f"# Run:  deskhand train {task} ")


def test_each_task_has_a_shipped_config():
    assert {path.stem for path in CONFIGS.glob("*.yaml")} >= set(TASKS)


def test_the_config_offers_exactly_the_tasks_that_exist():
    assert set(get_args(TaskName)) == set(TASKS) == set(METHODS)
    assert all(METHODS.values())


def test_every_mistake_of_a_config_has_its_line(tmp_path):
    path = tmp_path / "intent.yaml"
    path.write_text("task: intent\nepohcs: 2\nmax_tokens: 4\noptim: {lr: fast}\n")
    with pytest.raises(ConfigError) as caught:
        train_config("intent", path, ["optim.batch_size=0"])
    head, *lines = str(caught.value).splitlines()
    assert head == f"{path} is not a valid TrainConfig:"
    assert [line.strip().split(":")[0] for line in lines] == [
        "max_tokens",
        "optim.lr",
        "optim.batch_size",
        "epohcs",
    ]


def test_a_method_that_was_never_tried_is_refused():
    with pytest.raises(ConfigError, match="method frozen is not offered for task ner") as caught:
        train_config("ner", overrides=["method=frozen"])
    assert len(str(caught.value).splitlines()) == 2


def test_the_recorded_context_is_the_one_that_is_read_and_served():
    assert train_config("reply").reply.context_turns == CONTEXT_TURNS
    with pytest.raises(ConfigError, match=r"reply.context_turns: Input should be 3"):
        train_config("reply", overrides=["reply.context_turns=5"])


def test_an_unknown_task_is_refused():
    with pytest.raises(ConfigError):
        train_config("dance", CONFIGS / "intent.yaml")


@pytest.mark.parametrize("name", ["intent_model", "ner_model", "reply_model", "serving"])
def test_serving_imports_no_training_library(name):
    root = Path(training.__file__).parents[1]
    code = (
        f"import sys, finetune.{name}\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'peft', 'datasets'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
