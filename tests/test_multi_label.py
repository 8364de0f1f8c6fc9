"""Several labels a text: reading, heads, thresholds, runs and what they say."""

import json
import time

import numpy as np
import pytest

from apps.verbs.predict import predict_texts
from benchmarks.finetune.ours import said_of
from benchmarks.finetune.scoring import score
from data.errors import ConfigError, LogFormatError, RunDirError
from data.schema import OOS, Example
from finetune.config import HeadConfig, TrainConfig
from finetune.intent.model import IntentModel
from finetune.multi_label.fit import (
    MultiCalibration,
    _f1,
    _hits,
    _own_thresholds,
    fit_multi_calibration,
    fit_multi_head,
    marks_of,
)
from finetune.multi_label.model import MultiLabelModel
from finetune.multi_label.scores import most_frequent, multi_label_metrics, score_labels
from finetune.reading import carve, read_labelled
from finetune.tasks import TASKS
from finetune.train import train
from tests.conftest import (
    INTENTS,
    SMALL,
    THINGS,
    finite,
    names_a_thing,
    open_encoder,
    small,
    write_lines,
)

pytestmark = pytest.mark.usefixtures("here")
BOTH = f"{INTENTS['refund']} and {INTENTS['login']}"


def several_rows(things=THINGS):
    rows = []
    for thing in things:
        for label, text in INTENTS.items():
            rows.append({"text": text.format(thing), "label": label})
        rows.append({"text": BOTH.format(thing, thing), "label": "refund|login"})
        rows.append({"text": f"hello {thing}", "label": OOS})
    return rows


@pytest.fixture
def folder(tmp_path):
    for split in ("train", "validation", "test"):
        write_lines(tmp_path / "rows" / f"{split}.jsonl", several_rows())
    return tmp_path / "rows"


def test_labels_are_split_where_any_row_of_the_file_has_several(tmp_path):
    path = write_lines(
        tmp_path / "a.jsonl",
        [{"text": "x", "label": "b | a|b"}, {"text": "y", "label": "a"},
         {"text": "z", "label": ""}, {"text": "u", "label": OOS}],
    )  # fmt: skip
    found = [(row.label, row.labels) for row in read_labelled(path, several=None)]
    assert found == [("b|a", ("b", "a")), ("a", ("a",)), (OOS, ()), (OOS, ())]


def test_a_bar_in_a_label_is_data_where_rows_have_one_label_each(tmp_path):
    path = write_lines(tmp_path / "a.jsonl", [{"text": "x", "label": "yes|no"}])
    assert [(row.label, row.labels) for row in read_labelled(path, several=False)] == [
        ("yes|no", ())
    ]


def test_an_empty_label_is_refused_where_rows_have_one_label_each(tmp_path):
    path = write_lines(
        tmp_path / "a.jsonl", [{"text": "x", "label": "a"}, {"text": "y", "label": ""}]
    )
    with pytest.raises(LogFormatError, match="no value in column 'label'"):
        read_labelled(path, several=None)
    assert read_labelled(path, several=True)[1].labels == ()


def test_each_label_keeps_training_rows_where_sets_of_them_are_rare():
    examples = [
        Example(f"text {n}", label=f"a|{name}", labels=("a", name))
        for n, name in enumerate("bcdef" * 8)
    ]
    kept, held = carve(examples, 0.1)
    assert len(held) in (3, 4, 5)
    assert {name for row in kept for name in row.labels} == set("abcdef")


@pytest.mark.parametrize("method", ["head", "full", "lora", "top_layers"])
def test_two_steps_give_a_run_of_several_labels_that_reloads(
    method, tiny, folder, tmp_path, capfd, caplog
):
    caplog.set_level("INFO")
    done = train(small("intent", tiny, method), folder, tmp_path / "run")
    run = done.run
    assert run.read_config()["train"]["multi_label"] is True
    assert run.read_json(run.labels) == sorted(INTENTS)
    for stages in done.metrics.values():
        assert set(stages) == {"baseline", "before", "after", "intervals"}
        assert {"n", "micro_f1", "macro_f1"} <= set(stages["after"])
        assert finite(stages)
    page = run.report.read_text(encoding="utf-8")
    assert "<h2 id=classes>" in page
    rows = list(predict_texts(run.root, [BOTH.format("desk", "desk"), "hello"]))
    assert {"text", "intent", "confidence", "in_scope", "top", "scope", "intents"} == set(rows[0])
    said_of("multi", rows)
    scored = TASKS["intent"].scorer(run.root, TrainConfig(**run.read_config()["train"]))
    again = scored(read_labelled(folder / "test.jsonl", several=True)).metrics
    assert again["micro_f1"] == pytest.approx(done.metrics["test"]["after"]["micro_f1"], abs=1e-5)
    assert capfd.readouterr().out == ""
    assert not names_a_thing(caplog.text)


def test_heads_learn_sets_by_heart_and_beat_the_most_frequent_set(tiny, folder, tmp_path):
    config = small("intent", tiny, "head", head={"c": [1e3]})
    done = train(config, folder, tmp_path / "run")
    assert done.metrics["test"]["after"]["micro_f1"] > 0.95
    assert done.metrics["test"]["baseline"]["micro_f1"] < 0.6
    model = MultiLabelModel(tmp_path / "run", open_encoder, threads=1)
    both, none = model.predict([BOTH.format("desk", "desk"), "hello desk"])
    assert {name for name, _ in both.intents} == {"refund", "login"}
    assert none.intents == ()
    assert both.top[0][1] >= both.top[1][1] >= both.top[2][1]


def test_the_networks_loss_falls_and_its_labels_do_not_rule_one_another_out(tiny, folder, tmp_path):
    optim = {**SMALL, "max_steps": 60, "lr": 3e-3, "batch_size": 16, "class_weights": "balanced"}
    done = train(small("intent", tiny, optim=optim, words=False), folder, tmp_path / "run")
    assert done.metrics["test"]["after"]["micro_f1"] > 0.9
    model = MultiLabelModel(tmp_path / "run", open_encoder, threads=1)
    probabilities = model.probabilities([BOTH.format("desk", "desk")])[0]
    assert probabilities.sum() > 1.3


def test_labels_that_training_lacked_are_counted_as_missed(tiny, folder, tmp_path, caplog):
    run = train(small("intent", tiny, "head"), folder, tmp_path / "run").run
    more = [{"text": "my cat", "label": "cats|refund"}, {"text": "no label", "label": ""}]
    path = write_lines(tmp_path / "more.jsonl", more)
    config = TrainConfig(**run.read_config()["train"])
    found = TASKS["intent"].scorer(run.root, config)(TASKS["intent"].read(path, config))
    assert found.detail["per_class"]["cats"]["recall"] == 0.0
    assert "1 labels were never seen" in caplog.text


def test_a_run_of_several_labels_is_not_opened_as_one_of_one_label_and_the_other_way(
    tiny, folder, tmp_path
):
    train(small("intent", tiny, "head"), folder, tmp_path / "run")
    with pytest.raises(RunDirError, match="several intents each"):
        IntentModel(tmp_path / "run", open_encoder)
    one = [row for row in several_rows() if "|" not in row["label"]]
    write_lines(tmp_path / "one" / "train.jsonl", one)
    run = train(small("intent", tiny, "head"), tmp_path / "one", tmp_path / "single").run
    assert run.read_config()["train"]["multi_label"] is False
    with pytest.raises(RunDirError, match="one intent each"):
        MultiLabelModel(run.root, open_encoder)


def test_contrastive_tuning_of_several_labels_is_refused(tiny, folder, tmp_path):
    with pytest.raises(ConfigError, match="several"):
        train(small("intent", tiny, "contrastive"), folder, tmp_path / "run")


def test_one_label_alone_is_refused(tiny, tmp_path):
    write_lines(tmp_path / "train.jsonl", [{"text": f"t {n}", "label": "a"} for n in range(20)])
    with pytest.raises(LogFormatError, match="fewer than two labels"):
        train(small("intent", tiny, "head", multi_label=True), tmp_path, tmp_path / "run")


def test_metrics_are_micro_over_labels_and_macro_over_those_that_rows_have():
    gold = np.array([[1, 1, 0], [0, 0, 0], [1, 0, 0]], dtype=bool)
    said = np.array([[1, 0, 1], [0, 0, 0], [1, 0, 0]], dtype=bool)
    found = multi_label_metrics(gold, said)
    assert found == {
        "n": 3, "micro_f1": pytest.approx(2 * 2 / 6), "macro_f1": 0.5, "exact": pytest.approx(2 / 3)
    }  # fmt: skip


def test_metrics_are_the_benchmarks_own():
    generator = np.random.default_rng(0)
    labels = ["a", "b", "c", "d"]
    gold, said = generator.random((2, 50, 4)) < 0.4
    names = [["|".join(np.array(labels)[row]) or OOS for row in each] for each in (gold, said)]
    theirs = score("multi", [{"label": each} for each in names[0]], {"said": names[1]})["metrics"]
    for key, value in multi_label_metrics(gold, said).items():
        assert theirs[key] == pytest.approx(value, abs=1e-5)


def test_scored_rows_tell_what_is_missing_and_what_is_too_much():
    rows = [Example("x", labels=("a", "b")), Example("y", labels=())]
    found = score_labels(rows, ["a", "b", "c"], [["a", "c"], []])
    assert [(each["missing"], each["too_many"]) for each in found.errors] == [(["b"], ["c"])]
    assert found.resample(np.array([1, 1]))["exact"] == 1.0
    assert set(found.detail["per_class"]) == {"a", "b", "c"}


def drawn(rows, seed, shifts=(0.0, 0.0, 0.0)):
    """Logits that are too sharp by 3, of labels drawn by their true odds."""
    generator = np.random.default_rng(seed)
    odds = generator.normal(-1.5, 1.5, (rows, 3))
    marks = generator.random((rows, 3)) < 1 / (1 + np.exp(-odds))
    return 3 * odds + np.array(shifts), marks


def test_platt_makes_each_labels_probabilities_honest():
    calibration = fit_multi_calibration(*drawn(3000, 0, (0.0, 3.0, -3.0)), "validation")
    logits, marks = drawn(3000, 1, (0.0, 3.0, -3.0))
    probabilities = calibration.probabilities(logits)
    for label in range(3):
        for low in (0.1, 0.4):
            rows = (probabilities[:, label] >= low) & (probabilities[:, label] < low + 0.3)
            assert probabilities[rows, label].mean() == pytest.approx(
                marks[rows, label].mean(), abs=0.06
            )


def test_thresholds_give_nearly_the_best_micro_f1_on_fresh_rows():
    calibration = fit_multi_calibration(*drawn(1000, 0), "validation")
    logits, marks = drawn(4000, 1)
    probabilities = calibration.probabilities(logits)
    found = multi_label_metrics(marks, calibration.said(probabilities))["micro_f1"]
    best = max(
        multi_label_metrics(marks, probabilities >= cut)["micro_f1"]
        for cut in np.linspace(0.05, 0.95, 91)
    )
    assert found > best - 0.01


def test_heads_of_labels_that_all_rows_or_none_have_say_so():
    vectors = np.eye(6, dtype=np.float32)
    marks = marks_of([["all"], ["all", "few"], ["all"], ["all"], ["all"], ["all"]],
                     ["all", "few", "none"])  # fmt: skip
    head = fit_multi_head(vectors, marks, ["all", "few", "none"], HeadConfig(), 0)
    logits = head.logits(vectors)
    assert (logits[:, 0] > 0).all()
    assert (logits[:, 2] < 0).all()
    assert logits[:, 1].argmax() == 1


def test_a_calibration_survives_json():
    calibration = fit_multi_calibration(*drawn(100, 0), "validation")
    again = MultiCalibration.from_dict(json.loads(json.dumps(calibration.to_dict())))
    assert again == calibration


def test_the_most_frequent_set_is_the_baseline():
    rows = [Example("", labels=("b", "a")), Example("", labels=("a", "b")), Example("", labels=())]
    assert most_frequent(rows) == ("a", "b")


def tried_one_by_one(probabilities, marks, common):
    """As _own_thresholds, by counting every row for every cut."""
    thresholds = np.full(marks.shape[1], common)
    for _ in range(2):
        said = probabilities >= thresholds
        for label in np.flatnonzero(marks.any(axis=0)):
            others = _hits(np.delete(said, label, axis=1), np.delete(marks, label, axis=1))
            values = np.unique(probabilities[:, label])
            cuts = np.unique([*((values[1:] + values[:-1]) / 2), thresholds[label], common])
            own = probabilities[:, label]
            f1 = np.array([_f1(others + _hits(own >= cut, marks[:, label])) for cut in cuts])
            best = np.flatnonzero(f1 >= f1.max() - 1e-12)
            thresholds[label] = cuts[best[np.argmin(np.abs(cuts[best] - common))]]
    return thresholds


def probabilities_of(rows, labels, seed):
    generator = np.random.default_rng(seed)
    marks = generator.random((rows, labels)) < 0.2
    marks[0] = True
    noise = generator.normal(0, 0.25, marks.shape)
    return np.clip(np.where(marks, 0.6, 0.3) + noise, 0, 1), marks


@pytest.mark.parametrize("digits", [1, 9])  # many rows of one probability, and none
def test_thresholds_of_labels_are_those_that_trying_each_cut_finds(digits):
    for seed in range(10):
        probabilities, marks = probabilities_of(40, 4, seed)
        probabilities = probabilities.round(digits)
        wanted = tried_one_by_one(probabilities, marks, 0.5)
        assert _own_thresholds(probabilities, marks, 0.5).tolist() == wanted.tolist()


def test_thresholds_of_a_large_log_are_found_in_a_moment():
    probabilities, marks = probabilities_of(40_000, 5, 0)
    begun = time.process_time()
    _own_thresholds(probabilities, marks, 0.5)
    assert time.process_time() - begun < 10  # each cut by itself would take minutes
