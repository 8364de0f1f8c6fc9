"""A run directory is checked before anything of it is believed."""

import json

import numpy as np
import pytest
import yaml
from safetensors.numpy import save_file

from data.errors import RunDirError
from finetune.frames import bare_tokenizer
from finetune.intent.model import IntentModel
from finetune.qa.model import QaModel
from finetune.relation.model import RelationModel
from finetune.reply.reranker import RerankerModel
from finetune.run_dir import FORMAT, RunDir, record_sums, write_json


@pytest.fixture
def run(tmp_path):
    """A run that passes its check; its graph is not one."""
    run = RunDir(tmp_path / "mine")
    run.weights.mkdir(parents=True)
    run.tokenizer.mkdir()
    config = {"format": FORMAT, "train": {"task": "intent", "method": "full", "max_tokens": 32}}
    run.config.write_text(yaml.safe_dump(config))
    write_json(run.labels, ["a", "b"])
    for path in (run.calibration, run.metrics, run.base):
        write_json(path, {})
    for path in (run.errors, run.log, run.report, run.card):
        path.touch()
    run.model.write_bytes(b"graph")
    save_file({"weight": np.zeros((2, 3), dtype=np.float32)}, run.head)
    (run.weights / "encoder").mkdir()
    (run.weights / "encoder" / "model.safetensors").write_bytes(b"encoder")
    record_sums(run)
    return run


def refusal(run, task=None):
    with pytest.raises(RunDirError) as caught:
        run.check(task)
    message = str(caught.value)
    assert "\n" not in message
    assert str(run.root) in message
    return message


def test_the_names_of_a_run_are_those_of_the_contract(run):
    assert sorted(path.name for path in run.files()) == [
        "base.json", "calibration.json", "card.md", "config.yaml", "errors.jsonl", "labels.json",
        "log.jsonl", "metrics.json", "report.html", "tokenizer", "weights",
    ]  # fmt: skip
    assert run.partial.root == run.root.parent / ".mine.partial"
    assert run.check() == run.check("intent") == "intent"


def test_a_run_of_another_task_is_refused(run):
    assert "a run of task intent, ner is needed here" in refusal(run, "ner")


def test_no_run_is_refused(tmp_path):
    assert "no such run; train one" in refusal(RunDir(tmp_path / "none"))


@pytest.mark.parametrize(
    "name", ["config", "labels", "calibration", "metrics", "card", "base", "log"]
)
def test_a_missing_file_is_named(name, run):
    path = getattr(run, name)
    path.unlink()
    assert f"not a complete run, {path.name} missing" in refusal(run)


@pytest.mark.parametrize("name", ["model.onnx", "head.safetensors"])
@pytest.mark.parametrize(
    "change", [lambda old: old[:-1], lambda old: bytes([old[0] ^ 1]) + old[1:]]
)
def test_cut_or_changed_weights_are_refused(name, change, run):
    path = run.weights / name
    path.write_bytes(change(path.read_bytes()))
    assert f"{name}: changed since it was trained; train the run again" in refusal(run)


def test_what_only_torch_reads_is_checked_when_it_does(run):
    folder = run.weights / "encoder"
    run.verify(folder)
    (folder / "model.safetensors").write_bytes(b"encodeR")
    assert run.check() == "intent"
    with pytest.raises(RunDirError, match="encoder/model.safetensors: changed since it was"):
        run.verify(folder)


@pytest.mark.parametrize("name", ["model.onnx", "head.safetensors", "encoder/model.safetensors"])
def test_weights_that_went_missing_are_named(name, run):
    (run.weights / name).unlink()
    assert f"{name}: missing; train the run again" in refusal(run)


@pytest.mark.parametrize("content", [None, b"{", b"[]", b'{"model.onnx": 5}', b"{}"])
def test_weights_without_their_sums_are_refused(content, run):
    run.sums.unlink() if content is None else run.sums.write_bytes(content)
    refusal(run)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "encoder/model.pt", "head.pkl"])
def test_pickled_weights_are_refused_even_where_they_are_recorded(name, run):
    (run.weights / name).write_bytes(b"cos\nsystem\n")
    record_sums(run)
    assert "pickled weights could run code and are never read" in refusal(run)


def test_a_file_that_training_did_not_write_is_refused(run):
    run.words.write_bytes(b"words")
    assert "words.safetensors: is not of this run" in refusal(run)


@pytest.mark.parametrize("number", [FORMAT + 1, None])
def test_another_format_is_refused(number, run):
    config = run.read_config()
    run.config.write_text(yaml.safe_dump({**config, "format": number}))
    assert f"run format {number}, this version reads {FORMAT}" in refusal(run)


@pytest.mark.parametrize("content", [b"", b"- a", b"train: 5", b"a: [", b"\xff\xfe", b"\x00"])
def test_a_config_that_is_not_a_runs_is_refused(content, run):
    run.config.write_bytes(content)
    refusal(run)


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "train",
    [
        {"max_tokens": 32},
        {"task": "intent"},
        {"task": "intent", "max_tokens": "x"},
        {"task": "dance", "max_tokens": 32},
        {"task": "intent", "max_tokens": 32, "intent": [1]},
        {"task": "ner", "max_tokens": 32},  # its labels are no tags
    ],
)
def test_settings_that_no_run_was_trained_with_are_refused(train, run):
    run.config.write_text(yaml.safe_dump({"format": FORMAT, "train": train}))
    refusal(run)


def test_what_is_nested_too_deeply_is_refused(run):
    run.labels.write_text(DEEP)
    refusal(run)
    run.config.write_text(DEEP)
    refusal(run)


def test_a_tokenizer_that_is_none_is_refused(run):
    (run.tokenizer / "tokenizer.json").write_text("{}")
    with pytest.raises(RunDirError, match=r"tokenizer.json: not a tokenizer; train") as caught:
        bare_tokenizer(run.tokenizer / "tokenizer.json")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("train", "labels", "model"),
    [
        ({"task": "relation"}, ["a", "b"], RelationModel),
        ({"task": "qa"}, [], QaModel),
        ({"task": "reply", "reply": {"kind": "cross_encoder"}}, [], RerankerModel),
    ],
)
@pytest.mark.parametrize("calibration", [{}, [], {"temperature": "x", "types": 5, "slope": None}])
def test_a_calibration_that_is_none_of_the_task_s_is_refused(
    calibration, train, labels, model, run
):
    train = {"format": FORMAT, "train": {"max_tokens": 32, **train}}
    run.config.write_text(yaml.safe_dump(train))
    write_json(run.labels, labels)
    write_json(run.calibration, calibration)
    with pytest.raises(RunDirError, match=r"calibration.json: not what a run writes"):
        model(run.root)


@pytest.mark.parametrize("labels", [{}, 5, [], [1, 2], ["a"], ["a", "b", "c"], ["a", "a"], None])
def test_labels_that_are_not_those_of_the_weights_are_refused(labels, run):
    write_json(run.labels, labels)
    assert f"{run.labels}: " in refusal(run)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe"])
def test_broken_json_is_refused(content, run):
    run.labels.write_bytes(content)
    with pytest.raises(RunDirError, match=r"labels.json: cannot be read; train the run again"):
        IntentModel(run.root, lambda name: None)


def test_json_is_written_for_people(tmp_path):
    write_json(tmp_path / "a.json", {"é": 1})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n  "é": 1\n}\n'
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"é": 1}
