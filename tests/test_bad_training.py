"""Rows and folders that can be read but not trained on are refused in one line, or survived."""

import errno
import json
import os
import shutil
import sys
import time

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from apps.cli import main
from data.errors import ConfigError, EncoderError, LogFormatError, RunDirError
from data.schema import OOS
from finetune.intent.model import IntentModel
from finetune.run_dir import RunDir
from finetune.tasks import TASKS
from finetune.train import train
from finetune.trainable import Tuner
from tests.conftest import (
    INTENTS,
    THINGS,
    finite,
    intent_rows,
    open_encoder,
    reply_rows,
    small,
    write_lines,
)

pytestmark = pytest.mark.usefixtures("here")


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
    assert not (tmp_path / ".run.partial" / "log.jsonl").exists()  # before a step was taken


@pytest.mark.parametrize("kind", ["bi_encoder", "cross_encoder"])
def test_test_rows_that_cannot_be_ranked_are_told_before_training(kind, tiny, folders, tmp_path):
    path = write_lines(tmp_path / "eval.jsonl", reply_rows()[:6])
    config = small("reply", tiny, reply={"kind": kind})
    with pytest.raises(LogFormatError, match="at least 10 different answers, found 6"):
        train(config, folders["reply"], tmp_path / "run", evaluation=path)
    assert not (tmp_path / ".run.partial" / "log.jsonl").exists()


@pytest.mark.parametrize("method", ["full", "head"])
def test_a_missing_out_of_scope_file_is_told_before_training(method, tiny, folders, tmp_path):
    config = small("intent", tiny, method, out_of_scope=tmp_path / "none.txt")
    with pytest.raises(LogFormatError, match="none.txt"):
        train(config, folders["intent"], tmp_path / "run")
    assert not (tmp_path / ".run.partial" / "log.jsonl").exists()
    assert not (tmp_path / ".run.partial" / "weights").exists()


def refused(config, data, out, why, error=LogFormatError):
    """The one line that a training is refused with; nothing is left behind."""
    with pytest.raises(error, match=why) as caught:
        train(config, data, out)
    assert "\n" not in str(caught.value)
    assert not out.exists()
    return str(caught.value)


@pytest.mark.parametrize("method", ["full", "head"])
def test_one_row_a_label_trains_where_validation_is_given(method, tiny, tmp_path):
    write_lines(tmp_path / "train.jsonl", intent_rows()[:3])
    write_lines(tmp_path / "validation.jsonl", intent_rows()[3:9])
    done = train(small("intent", tiny, method), tmp_path, tmp_path / "run")
    assert done.metrics["validation"]["after"]["n"] == 6


def test_ten_thousand_labels_are_refused_or_trained_within_seconds(tiny, tmp_path):
    rows = [{"text": f"text {n}", "label": f"l{n}"} for n in range(10_000)]
    path = write_lines(tmp_path / "r.jsonl", rows)
    begun = time.process_time()
    refused(small("intent", tiny), path, tmp_path / "run", "10,000 of 10,000 labels have one tr")
    assert time.process_time() - begun < 10


def test_empty_texts_are_refused_with_their_line(tiny, tmp_path):
    for text in ("", "  "):
        path = write_lines(tmp_path / "r.jsonl", [*intent_rows()[:2], {"text": text, "label": "a"}])
        refused(small("intent", tiny), path, tmp_path / "run", f"^{path}:3: ")
        row = {"text": text, "entities": []}
        path = write_lines(tmp_path / "e.jsonl", [row])
        refused(small("ner", tiny), path, tmp_path / "run", f"^{path}:1: ")


def test_labels_with_commas_train_and_are_predicted_as_they_stand(tiny, tmp_path):
    rows = [{**row, "label": f'{row["label"]}, "so" to say'} for row in intent_rows()]
    path = write_lines(tmp_path / "r.jsonl", rows)
    run = train(small("intent", tiny, "head"), path, tmp_path / "run").run
    assert json.loads(run.labels.read_text()) == sorted({row["label"] for row in rows})
    model = IntentModel(run.root, open_encoder, threads=1)
    assert model.predict(["where is parcel"])[0].top[0][0] in model.labels


def test_entities_that_overlap_or_end_past_the_text_are_refused(tiny, tmp_path):
    one = {"type": "a", "start": 0, "end": 4}
    for other, why in (
        ({"type": "b", "start": 2, "end": 6}, "overlap at 2; keep one of them"),
        ({"type": "b", "start": 5, "end": 90}, ":1: "),
    ):
        path = write_lines(tmp_path / "r.jsonl", [{"text": "hello dan", "entities": [one, other]}])
        refused(small("ner", tiny), path, tmp_path / "run", why)


@pytest.mark.parametrize("task", ["intent", "ner", "reply"])
def test_cuda_that_is_not_there_is_refused_before_anything_is_read(task, tiny, tmp_path):
    config = small(task, tiny, device="cuda")
    why = "device: cuda was asked for, but torch sees none here; use auto or cpu"
    refused(config, tmp_path / "none.jsonl", tmp_path / "run", why, ConfigError)


FULL = [
    OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "weights"),
    SafetensorError("I/O error: No space left on device (os error 28)"),
]


@pytest.mark.parametrize("task", ["intent", "ner", "reply"])
@pytest.mark.parametrize("error", FULL, ids=["python", "safetensors"])
def test_a_full_disk_while_saving_leaves_the_old_run_whole(error, task, tiny, folders, tmp_path):
    out = tmp_path / "run"
    train(small(task, tiny), folders[task], out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    save = type(TASKS[task]).save

    def full(self, trainer, config, splits, run):
        save(self, trainer, config, splits, run)
        run.head.unlink(missing_ok=True)  # half of it was written
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(TASKS[task]), "save", full)
        with pytest.raises(RunDirError) as caught:
            train(small(task, tiny, seed=1), folders[task], out)
    assert str(caught.value) == (
        f"{out}: no space left on the disk while the run was saved; make room and go on with "
        "--resume"
    )
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert RunDir(out).check() == task
    train(small(task, tiny, seed=1), folders[task], out, resume=True)
    assert RunDir(out).read_config()["train"]["seed"] == 1
    assert not (tmp_path / ".run.partial").exists()


def test_a_full_disk_while_a_checkpoint_is_written_is_one_line_and_exit_code_2(
    tiny, folders, tmp_path, monkeypatch, capsys
):
    def full(*args, **kwargs):
        raise FULL[0]

    monkeypatch.setattr(Tuner, "_save", full)
    monkeypatch.setattr(
        sys, "argv",
        ["deskhand", "train", "intent", "--data", str(folders["intent"]), "--out",
         str(tmp_path / "run"), "--set", f"encoder={tiny}", "--set", "method=full", "--set",
         "optim.batch_size=10", "--set", "optim.epochs=1", "--set", "threads=1"],
    )  # fmt: skip
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"error: {tmp_path / 'run'}: no space left on the disk while the run was saved; make room "
        "and go on with --resume"
    )


def test_labels_and_calibration_that_do_not_fit_are_refused_when_a_run_is_opened(
    tiny, folders, tmp_path
):
    run = train(small("intent", tiny, "head"), folders["intent"], tmp_path / "run").run
    for path in (run.labels, run.calibration):
        old = path.read_bytes()
        for wrong in (b"5", b"{}", b'["a"]', b"null"):
            path.write_bytes(wrong)
            with pytest.raises(RunDirError) as caught:
                IntentModel(run.root, open_encoder, threads=1)
            assert "\n" not in str(caught.value)
        path.write_bytes(old)
    IntentModel(run.root, open_encoder, threads=1)


def test_an_encoder_in_a_pickle_is_refused_and_never_opened(tiny, folders, tmp_path):
    encoder = shutil.copytree(tiny, tmp_path / "encoder")
    weights = load_file(encoder / "model.safetensors")
    (encoder / "model.safetensors").unlink()
    torch.save(weights, encoder / "pytorch_model.bin")
    config = small("intent", str(encoder))
    refused(config, folders["intent"], tmp_path / "run", "no model.safetensors", EncoderError)
