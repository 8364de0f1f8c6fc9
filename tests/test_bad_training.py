"""Rows and folders that can be read but not trained on are refused in one line, or survived."""

import json

import pytest

from data.errors import ConfigError, LogFormatError
from data.schema import OOS
from finetune.train import train
from tests.conftest import (
    INTENTS,
    THINGS,
    finite,
    intent_rows,
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
