"""Relations: rows read, markers, the network, a run by each method, what it says."""

import json

import numpy as np
import pytest
import torch

from apps.verbs.evaluate import evaluate_path
from apps.verbs.predict import predict_given, readable
from data.encoders import resolve_encoder
from data.errors import ConfigError, LogFormatError
from data.onnx_text import OnnxText
from data.schema import Entity, Example
from finetune.encoder import export_onnx, load_encoder
from finetune.frames import bare, frame_of
from finetune.methods import ADAPTERS, METHODS
from finetune.metrics import label_metrics
from finetune.reading import carve, read_relations
from finetune.relation.markers import (
    HEAD,
    HEAD_END,
    ROLE_WORDS,
    TAIL,
    TAIL_END,
    Marker,
    marks_of,
    words_of,
)
from finetune.relation.model import RelationModel
from finetune.relation.net import RelationNet, collate
from finetune.relation.scores import score_labels
from finetune.run_dir import RunDir
from finetune.train import train
from tests.conftest import THINGS, finite, log_rows, names_a_thing, small, write_lines

pytestmark = pytest.mark.usefixtures("here")
BY_METHOD = [
    pytest.param(each, marks=pytest.mark.gpu) if each == "qlora" else each
    for each in METHODS["relation"]
]


def spot(text, piece, kind=None):
    start = text.index(piece)
    return {"start": start, "end": start + len(piece), **({"type": kind} if kind else {})}


def relation_rows(things=THINGS):
    rows = []
    for place, thing in enumerate(things):
        text = f"my {thing} is on parcel 4{place} and 7{place} is when it does arrive"
        head = spot(text, thing, "thing")
        rows += [
            {"text": text, "head": head, "tail": spot(text, f"4{place}", "order"), "label": "on"},
            {"text": text, "head": head, "tail": spot(text, f"7{place}", "order"), "label": "none"},
        ]
    return rows


def entity(text, piece, kind="", last=False):
    start = text.rindex(piece) if last else text.index(piece)
    return Entity(kind, piece, start, start + len(piece))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("relation")
    for split in ("train", "validation", "test"):
        write_lines(folder / f"{split}.jsonl", relation_rows())
    return folder


def test_a_row_has_head_and_tail_in_this_order_whichever_stands_first(tmp_path):
    row = {"text": "41 is my coat", "head": {"start": 9, "end": 13, "type": "thing"},
           "tail": {"start": 0, "end": 2, "text": "41"}, "label": " on "}  # fmt: skip
    (example,) = read_relations(write_lines(tmp_path / "r.jsonl", [row]))
    assert example.pair == (Entity("thing", "coat", 9, 13), Entity("", "41", 0, 2))
    assert (example.label, example.where) == ("on", f"{tmp_path / 'r.jsonl'}:1")


GOOD = {
    "text": "my coat is on 41",
    "head": {"start": 3, "end": 7},
    "tail": {"start": 14, "end": 16},
    "label": "on",
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": " "}, "no text in 'text'"),
        ({"label": None}, "no label of one line in 'label'"),
        ({"label": "a\nb"}, "no label of one line"),
        ({"head": None}, "'head' must be an object with start and end"),
        ({"tail": {"start": 14}}, "'tail' must be an object with start and end"),
        ({"tail": {"start": "14", "end": 16}}, "'tail' must be an object with start and end"),
        ({"tail": {"start": True, "end": 16}}, "'tail' must be an object with start and end"),
        ({"tail": {"start": 14, "end": 17}}, r"tail \[14, 17\) lies outside the text of 16"),
        ({"tail": {"start": -2, "end": 16}}, r"tail \[-2, 16\) lies outside"),
        ({"tail": {"start": 16, "end": 16}}, r"tail \[16, 16\) lies outside"),
        ({"tail": {"start": 2, "end": 3}}, r"tail \[2, 3\) holds white space alone"),
        ({"tail": {"start": 14, "end": 16, "text": "42"}}, "does not match its text"),
        ({"tail": {"start": 6, "end": 10}}, r"head \[3, 7\) and tail \[6, 10\) overlap"),
        ({"tail": {"start": 3, "end": 7}}, "overlap; they must not share a character"),
        ({"head": {"start": 3, "end": 7, "type": ["x"]}}, "'head.type' holds a list"),
    ],
)
def test_a_row_that_is_wrong_is_told_with_its_line(change, message, tmp_path):
    path = write_lines(tmp_path / "r.jsonl", [GOOD, {**GOOD, **change}])
    with pytest.raises(LogFormatError, match=f"^{path}:2: .*{message}") as caught:
        read_relations(path)
    assert "\n" not in str(caught.value)


def test_entities_that_touch_do_not_overlap(tmp_path):
    row = {**GOOD, "head": {"start": 3, "end": 5}, "tail": {"start": 5, "end": 7}}
    assert read_relations(write_lines(tmp_path / "r.jsonl", [row]))[0].pair[1].text == "at"


def test_pairs_of_one_text_stay_on_one_side(tmp_path):
    rows = read_relations(write_lines(tmp_path / "r.jsonl", relation_rows()))
    train_rows, validation = carve(rows, 0.2)
    assert len(validation) == 4
    assert not {row.text for row in train_rows} & {row.text for row in validation}


@pytest.fixture
def tokenizer(tiny):
    return bare(load_encoder(resolve_encoder(tiny))[1])


def test_markers_stand_around_both_entities(tokenizer):
    text = "41 is my coat please"
    marker = Marker(tokenizer, ["order", "thing"], 64)
    marked = marker.mark(text, (entity(text, "coat", "thing"), entity(text, "41", "order")))
    assert len(marked.ids) == len(marked.marks)
    roles = [int(role) for role in marked.marks[:, 0]]
    assert [role for role in roles if role] == [TAIL, TAIL_END, HEAD, HEAD_END]
    kinds = [int(kind) for role, kind in marked.marks if role]
    assert kinds == [1, 1, 2, 2]
    begin, end = roles.index(HEAD), roles.index(HEAD_END)
    assert tokenizer.decode(marked.ids[begin + 1 : end]) == "coat"
    plain = [token for token, role in zip(marked.ids, roles, strict=True) if not role]
    assert plain == tokenizer.encode(text).ids


def test_an_entity_inside_a_word_is_marked_as_such(tokenizer):
    text = "a lampshade"
    marked = Marker(tokenizer, [], 64).mark(
        text, (Entity("", "lamp", 2, 6), Entity("", "e", 10, 11))
    )
    roles = list(marked.marks[:, 0])
    inside = marked.ids[roles.index(HEAD) + 1 : roles.index(HEAD_END)]
    assert inside == words_of(tokenizer, "lamp")


@pytest.mark.parametrize("gap", [0, 40, 4000])
@pytest.mark.parametrize("long", ["coat", "coat " * 60])
@pytest.mark.parametrize("size", [8, 32, 64])
def test_a_text_of_any_length_keeps_both_entities_and_its_size(gap, long, size, tokenizer):
    text = "where " * 500 + long.strip() + " is" * gap + " 41 " + "please " * 500
    head, tail = entity(text, long.strip()), entity(text, "41")
    for pair in ((head, tail), (tail, head)):
        marked = Marker(tokenizer, [], size).mark(text, pair)
        assert len(marked.ids) <= size
        roles = list(marked.marks[:, 0])
        for begin, end in ((HEAD, HEAD_END), (TAIL, TAIL_END)):
            assert roles.index(end) - roles.index(begin) > 1
        frame = frame_of(tokenizer, 1)
        assert marked.ids[:1] == frame.before
        assert marked.ids[-1:] == frame.after


def net_on(tiny, labels=3):
    encoder, tokenizer = load_encoder(resolve_encoder(tiny))
    words = [words_of(bare(tokenizer), word) for word in ROLE_WORDS.values()]
    return RelationNet(encoder, 32, labels, words, [[5, 6], [7]]).eval(), bare(tokenizer)


def batch_of(marked):
    return collate([{"input_ids": each.ids, "marks": each.marks} for each in marked])


def test_the_graph_equals_the_module(tiny, tmp_path):
    net, tokenizer = net_on(tiny)
    marker = Marker(tokenizer, ["order", "thing"], 64)
    texts = ["41 is my coat", "where is my coat please and what of 41 " * 3, "41 coat"]
    marked = [
        marker.mark(text, (entity(text, "coat", "thing", last=True), entity(text, "41", "order")))
        for text in texts
    ]
    with torch.inference_mode():
        wanted = net(**batch_of(marked)).numpy()
    export_onnx(net, batch_of(marked[:2]), tmp_path / "m.onnx")
    path = resolve_encoder(tiny).path / "tokenizer.json"
    session = OnnxText(tmp_path / "m.onnx", path, 64, 1, features={"marks": marks_of})
    np.testing.assert_allclose(np.stack(session.run(texts, marked)), wanted, atol=1e-4)


def test_a_marker_starts_out_as_the_words_of_its_role_and_type(tiny):
    net, _ = net_on(tiny)
    words = net.encoder.get_input_embeddings().weight
    torch.testing.assert_close(net.types.weight[1], words[[5, 6]].mean(0))
    assert not net.types.weight[0].any()
    assert not net.roles.weight[0].any()


def test_a_pair_is_the_mean_of_what_stands_between_its_markers(tiny):
    net, tokenizer = net_on(tiny)
    text = "41 is my coat please"
    marked = Marker(tokenizer, [], 64).mark(text, (entity(text, "coat"), entity(text, "41")))
    with torch.inference_mode():
        hidden = net.hidden(**batch_of([marked]))[0]
        pair = net.pairs(**batch_of([marked]))[0]
    roles = list(marked.marks[:, 0])
    wanted = hidden[roles.index(HEAD) : roles.index(HEAD_END) + 1].mean(0)
    torch.testing.assert_close(pair[:32], wanted)


@pytest.mark.parametrize("method", BY_METHOD)
def test_two_steps_by_each_method_give_a_run_that_reloads(method, tiny, data, tmp_path, caplog):
    if method == "qlora":
        pytest.importorskip("bitsandbytes")
    done = train(small("relation", tiny, method), data, tmp_path / "run")
    run = RunDir(tmp_path / "run")
    assert run.check("relation") == "relation"
    assert {path.name for path in run.root.iterdir()} == {path.name for path in run.files()}
    kept = {path.name for path in run.weights.iterdir()}
    assert {
        "model.onnx",
        "head.safetensors",
        "adapter" if method in ADAPTERS else "encoder",
    } <= kept
    assert finite(done.metrics)
    stages = done.metrics["test"]
    assert set(stages) == {"baseline", "before", "after", "intervals"}
    assert set(stages["after"]) == {"n", "accuracy", "macro_f1"}
    assert stages["baseline"]["accuracy"] == 0.5
    model = RelationModel(run.root, threads=1)
    text = "coat 41"
    (said,) = model.predict([text], [(entity(text, "coat", "thing"), entity(text, "41", "never"))])
    assert said.label in model.labels
    assert sum(sure for _, sure in said.top) == pytest.approx(1, abs=1e-4)
    assert model.predict([], []) == []
    assert not names_a_thing(caplog.text)


def test_it_learns_eight_rows_by_heart(tiny, tmp_path):
    rows = relation_rows()[:8]
    for split in ("train", "validation"):
        write_lines(tmp_path / f"{split}.jsonl", rows)
    optim = {"batch_size": 8, "epochs": 60, "lr": 5e-3, "label_smoothing": 0.0}
    done = train(small("relation", tiny, optim=optim), tmp_path, tmp_path / "run")
    after = done.metrics["validation"]["after"]
    assert (after["accuracy"], after["macro_f1"]) == (1.0, 1.0)
    assert log_rows(done.run)[-2]["loss_nats"] < 0.1


def test_early_stopping_watches_accuracy(tiny, data, tmp_path):
    optim = {"batch_size": 10, "epochs": 30, "lr": 1e-9, "patience": 1, "stop_on": "accuracy",
             "class_weights": "balanced"}  # fmt: skip
    run = train(small("relation", tiny, optim=optim), data, tmp_path / "run").run
    assert log_rows(run)[-1]["step"] < 30


def test_a_single_label_or_one_never_seen_is_refused(tiny, data, tmp_path):
    rows = [{**row, "label": "on"} for row in relation_rows()]
    path = write_lines(tmp_path / "one.jsonl", rows)
    with pytest.raises(LogFormatError, match="only one label in the training rows"):
        train(small("relation", tiny), path, tmp_path / "run")
    path = write_lines(tmp_path / "eval.jsonl", [{**rows[0], "label": "under"}])
    with pytest.raises(LogFormatError, match=f"^{path}:1: label 'under' was never seen"):
        train(small("relation", tiny), data, tmp_path / "run", evaluation=path)


def test_the_command_line_evaluates_and_predicts(tiny, data, tmp_path):
    run = train(small("relation", tiny), data, tmp_path / "run").run.root
    path = data / "test.jsonl"
    assert set(evaluate_path(run, path)) == {"n", "accuracy", "macro_f1"}
    rows = list(predict_given(run, [], path))
    assert len(rows) == 2 * len(THINGS)
    assert json.loads(json.dumps(rows[0])) == rows[0]
    assert list(rows[0]) == ["text", "head", "tail", "label", "confidence", "top"]
    assert readable(rows[0]).startswith(f"shoes → 40: {rows[0]['label']} (")
    with pytest.raises(ConfigError, match="give --input with rows of text, head and tail"):
        list(predict_given(run, ["my coat"], None))
    bad = write_lines(
        tmp_path / "bad.jsonl", [{"text": "my coat", "head": {"start": 0, "end": 99}}]
    )
    with pytest.raises(LogFormatError, match=r"bad.jsonl:1: head \[0, 99\) lies outside"):
        list(predict_given(run, [], bad))


def test_scores_agree_with_scikit_learn_and_tell_the_wrong_rows():
    from sklearn.metrics import f1_score

    gold, said = ["a", "b", "b", "c", "a"], ["a", "b", "c", "c", "d"]
    pair = (Entity("x", "1", 0, 1), Entity("", "2", 2, 3))
    examples = [Example("1 2", label=label, pair=pair, where="f:1") for label in gold]
    found = score_labels(examples, said, [0.9] * 5)
    assert found.metrics["accuracy"] == pytest.approx(0.6)
    assert found.metrics["macro_f1"] == pytest.approx(f1_score(gold, said, average="macro"))
    assert found.resample(np.arange(5)) == found.metrics
    assert found.detail["confusion"] == [["b", "c", 1], ["a", "d", 1]]
    assert found.detail["per_class"]["b"] == {"precision": 1.0, "recall": 0.5, "support": 2}
    assert found.errors[0] == {
        "text": "1 2", "head": {"type": "x", "text": "1", "start": 0, "end": 1},
        "tail": {"text": "2", "start": 2, "end": 3}, "label": "b", "predicted": "c",
        "confidence": 0.9, "where": "f:1",
    }  # fmt: skip
    assert label_metrics(np.array([], int), np.array([], int))["n"] == 0
