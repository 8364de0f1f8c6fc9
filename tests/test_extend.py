"""New intents for a trained run: found, the old ones kept, nothing else changed."""

import errno
import json
import os
import shutil

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file, save_file

from data.errors import ConfigError, LogFormatError, RunDirError
from finetune.confidence.memory import Memory, standing_of
from finetune.intent.extend import _fit, _Rows, _shift, extend
from finetune.intent.model import IntentModel
from finetune.intent.text_logits import TextLogits
from finetune.run_dir import RunDir, record_sums
from finetune.train import train
from tests.conftest import INTENTS, intent_rows, open_encoder, small, write_lines

pytestmark = pytest.mark.usefixtures("here")
NEW = [
    {"text": f"my {thing} is broken in two and has a crack", "label": "damage"}
    for thing in ("lamp", "desk", "chair", "book", "mug", "ring", "kettle", "phone", "coat")
]


@pytest.fixture(scope="module", params=["head", "full"])
def trained_run(request, tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    rows = intent_rows()
    write_lines(folder / "data" / "train.jsonl", rows)
    write_lines(folder / "data" / "validation.jsonl", rows)
    optim = {"batch_size": 8, "epochs": 30, "lr": 3e-3}
    config = small("intent", tiny, request.param, optim=optim, head={"c": [1e3]})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)  # the encoder is exported to var/ of the working folder
        patch.setattr("finetune.intent.fit.best_share", lambda *rows: 0.5)  # words have a say
        return train(config, folder / "data", folder / "run").run


def model_of(run):
    return IntentModel(run, open_encoder, threads=1)


def best(model, texts):
    return [each.top[0][0] for each in model.predict(texts)]


def test_a_new_intent_is_found_and_the_old_ones_stay(trained_run, tmp_path):
    data = write_lines(tmp_path / "new.jsonl", NEW)
    before = json.loads((trained_run.root / "labels.json").read_text())
    done = extend(trained_run.root, data, tmp_path / "more", open_encoder, 1)
    model = model_of(tmp_path / "more")
    assert model.labels == [*before, "damage"]
    assert done.added == {"damage": len(NEW)}
    assert done.metrics["recall"] >= 0.5
    assert best(model, ["my shoes is broken in two and has a crack"]) == ["damage"]
    old = [row["text"] for row in intent_rows()]
    assert best(model, old) == best(model_of(trained_run.root), old)
    assert RunDir(tmp_path / "more").check("intent") == "intent"
    assert "damage" in (tmp_path / "more" / "card.md").read_text()
    assert "damage" not in trained_run.card.read_text()


def test_a_network_remembers_rows_it_was_not_trained_on_and_no_texts(trained_run):
    held = Memory.load(trained_run.memory).held
    tuned = yaml.safe_load(trained_run.config.read_text())["train"]["method"] == "full"
    assert len(held) == (len(intent_rows()) if tuned else 0)
    words = {word for row in intent_rows() for word in row["text"].split() if len(word) > 4}
    raw = trained_run.memory.read_bytes()
    assert not any(word.encode() in raw for word in words)


def test_a_run_is_extended_twice(trained_run, tmp_path):
    first = write_lines(tmp_path / "a.jsonl", NEW)
    rows = [{"text": f"close {n} my account for good now", "label": "close"} for n in range(6)]
    second = write_lines(tmp_path / "b.jsonl", rows)
    extend(trained_run.root, first, tmp_path / "one", open_encoder, 1)
    extend(tmp_path / "one", second, tmp_path / "two", open_encoder, 1)
    model = model_of(tmp_path / "two")
    assert model.labels[-2:] == ["damage", "close"]
    found = model.predict([NEW[0]["text"], rows[0]["text"], INTENTS["login"].format("lamp")])
    assert [each.top[0][0] for each in found] == ["damage", "close", "login"]
    for each in found:
        assert np.isclose(sum(sure for _, sure in each.top), 1, atol=1e-3)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"text": "give it back", "label": "refund"}] * 2, "'refund' is no new intent"),
        ([{"text": "what", "label": "oos"}] * 2, "'oos' is no new intent"),
        (NEW[:1], "'damage' has one row; 2 are needed"),
    ],
)
def test_rows_that_cannot_be_added_are_refused(trained_run, tmp_path, rows, message):
    data = write_lines(tmp_path / "new.jsonl", rows)
    with pytest.raises(LogFormatError, match=message):
        extend(trained_run.root, data, tmp_path / "more", open_encoder, 1)
    assert not (tmp_path / "more").exists()


def test_weights_that_were_changed_are_not_copied_as_if_they_were_trained(trained_run, tmp_path):
    run = RunDir(shutil.copytree(trained_run.root, tmp_path / "run"))
    file = run.encoder / "model.safetensors"
    if not file.exists():  # a head on the shared encoder
        pytest.skip("this run holds no encoder")
    old = file.read_bytes()
    file.write_bytes(old[:-1] + bytes([old[-1] ^ 1]))
    data = write_lines(tmp_path / "new.jsonl", NEW)
    with pytest.raises(RunDirError, match=r"model.safetensors: changed since it was trained"):
        extend(run.root, data, tmp_path / "more", open_encoder, 1)
    assert not (tmp_path / "more").exists()


def test_a_full_disk_is_one_line_and_nothing_is_left(trained_run, tmp_path, monkeypatch):
    data = write_lines(tmp_path / "new.jsonl", NEW)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "weights")

    def cut_off(source, target):
        target.mkdir()
        raise shutil.Error([(str(source / "a"), str(target / "a"), str(full))])

    def late(path, values):
        raise full

    for place, fault in (("shutil.copytree", cut_off), ("write_json", late)):
        with monkeypatch.context() as patch:
            patch.setattr(f"finetune.intent.extend.{place}", fault)
            with pytest.raises(RunDirError) as caught:
                extend(trained_run.root, data, tmp_path / "more", open_encoder, 1)
        assert str(caught.value) == (
            f"{tmp_path / 'more'}: no space left on the disk while the run was saved; make room "
            "and extend it again"
        )
        assert {path.name for path in tmp_path.iterdir()} - {"var"} == {"new.jsonl"}


def test_another_run_is_not_overwritten(trained_run, tmp_path):
    data = write_lines(tmp_path / "new.jsonl", NEW)
    with pytest.raises(ConfigError, match="exists; choose another --out"):
        extend(trained_run.root, data, trained_run.root, open_encoder, 1)


def of_one_label(vectors):
    """Rows of vectors whose first number is what the old label scores."""
    return _Rows(vectors, standing_of(vectors[:, :1], None))


def test_rows_that_were_held_out_decide_how_readily_new_intents_are_said():
    rng = np.random.default_rng(0)
    old = rng.normal(size=(40, 8)) + [6, 0, 0, 0, 0, 0, 0, 0]
    new = rng.normal(size=(10, 8)) + [0, 6, 0, 0, 0, 0, 0, 0]
    between = rng.normal(size=(40, 8)) + [1, 6, 0, 0, 0, 0, 0, 0]  # old ones, none of them seen
    target = np.zeros(10, dtype=int)

    def shift(held):
        seen, apart = of_one_label(old), None if held is None else of_one_label(held)
        fitted = _fit(of_one_label(new), target, seen, 1)
        return _shift(of_one_label(new), target, seen, apart, fitted)

    free, _ = shift(None)
    careful, told = shift(between)
    assert careful < free - 1
    assert told["taken_from_old"] <= 1 / 40


def test_a_new_intent_takes_as_many_held_out_rows_as_was_reckoned(
    trained_run, tmp_path, monkeypatch
):
    if not len(Memory.load(trained_run.memory).held):
        pytest.skip("a head's run keeps no held-out rows")
    monkeypatch.setattr("finetune.intent.extend._TAKEN", 0.4)
    rows = [{"text": row["text"], "label": "odd"} for row in intent_rows()[::3]]  # hard to tell
    data = write_lines(tmp_path / "new.jsonl", rows)
    done = extend(trained_run.root, data, tmp_path / "more", open_encoder, 1)
    old = [row["text"] for row in intent_rows()]
    taken = np.mean([label == "odd" for label in best(model_of(tmp_path / "more"), old)])
    assert 0 < done.metrics["taken_from_old"] <= 0.4
    assert taken == pytest.approx(done.metrics["taken_from_old"], abs=1.5 / len(old))


def test_what_an_extended_run_remembers_holds_for_its_own_texts(trained_run, tmp_path):
    data = write_lines(tmp_path / "new.jsonl", NEW)
    extend(trained_run.root, data, tmp_path / "more", open_encoder, 1)
    more = RunDir(tmp_path / "more")
    memory, logits = Memory.load(more.memory), TextLogits(more, open_encoder, 1)
    standing, vectors = logits.standing([row["text"] for row in NEW])
    np.testing.assert_allclose(memory.rows[-len(NEW) :], vectors, atol=1e-3)
    np.testing.assert_allclose(memory.standing[-len(NEW) :], standing, atol=0.02)
    if len(memory.held):
        standing, _ = logits.standing([row["text"] for row in intent_rows()])
        np.testing.assert_allclose(memory.held_standing, standing, atol=0.02)


def test_a_run_of_before_is_refused(trained_run, tmp_path):
    run = RunDir(shutil.copytree(trained_run.root, tmp_path / "run"))
    values = load_file(run.memory)
    save_file({key: values[key] for key in values if "standing" not in key}, run.memory)
    record_sums(run)
    data = write_lines(tmp_path / "new.jsonl", NEW)
    with pytest.raises(ConfigError, match="train it again"):
        extend(run.root, data, tmp_path / "more", open_encoder, 1)
