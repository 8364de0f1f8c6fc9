"""Which words drove a prediction: the parts add up, and they are the words that tell."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from apps.verbs.predict import explained
from data.errors import ConfigError, RunDirError
from finetune.explain import Explainer
from finetune.explain_words import character_weights
from finetune.intent.extend import extend
from finetune.intent.text_logits import TextLogits
from finetune.intent.words import fit_words
from finetune.run_dir import RunDir
from finetune.train import train
from tests.conftest import INTENTS, THINGS, open_encoder, small, write_lines
from tests.test_multi_label import several_rows

pytestmark = pytest.mark.usefixtures("here")
TEXT = "hello  where is Parcel parcel, shoes 3x?"


def test_the_linear_models_parts_add_up_to_its_margins():
    texts = [text.format("shoes") for text in INTENTS.values()]
    words = fit_words(texts, np.arange(3), 3)
    for text in (TEXT, "a", "", "where where ab é 😀 parcel"):
        logits = words.logits([text])[0] - words.bias
        for label in range(3):
            parts = character_weights(words, text, label)
            assert parts.shape == (len(text),)
            assert parts.sum() == pytest.approx(logits[label] - logits.mean(), abs=1e-5)


@pytest.mark.parametrize("method", ["full", "head"])
def test_of_several_labels_each_is_told_from_nothing(method, tiny, tmp_path):
    write_lines(tmp_path / "rows.jsonl", several_rows())
    run = train(small("intent", tiny, method), tmp_path / "rows.jsonl", tmp_path / "run").run
    labels = json.loads(run.labels.read_text())
    served = TextLogits(run, open_encoder, 1)
    both = served.of([TEXT])[0][0]
    words, served._words = served._words, None
    network = served.of([TEXT])[0][0]
    bias = load_file(run.head).get("linear.bias", load_file(run.head)["bias"])
    explainer = Explainer(run)
    for place, label in enumerate(labels):
        assert explainer.score(TEXT, label) == pytest.approx((network - bias)[place], abs=1e-3)
        found = explainer.intent(TEXT, label)
        assert sum(word.weight - word.linear for word in found.words) == pytest.approx(
            found.gain, abs=0.03 * max(1, abs(found.gain))
        )
        linear = sum(word.linear for word in found.words)
        share = 0.0 if words is None else words[1] * words[0].bias[place]
        assert linear == pytest.approx((both - network)[place] - share, abs=1e-3)


@pytest.mark.parametrize("method", ["full", "head", "lora", "prompt", "top_layers"])
def test_the_parts_of_an_intent_add_up_to_its_logit(method, tiny, folders, tmp_path):
    run = train(small("intent", tiny, method), folders["intent"], tmp_path / "run").run
    labels = json.loads(run.labels.read_text())
    served = TextLogits(run, open_encoder, 1)
    explainer = Explainer(run)
    for label in labels:
        place = labels.index(label)
        found = explainer.intent(TEXT, label)
        network = sum(word.weight - word.linear for word in found.words)
        assert network == pytest.approx(found.gain, abs=0.03 * max(1, abs(found.gain)))
        # The module that is explained is the one that serves: only the bias is left out.
        served._words = None
        logits = served.of([TEXT, ""])[0]
        bias = load_file(run.head).get("linear.bias", load_file(run.head)["bias"])
        assert explainer.intent("", label).words == ()
        assert explainer.score(TEXT, label) == pytest.approx(
            (logits - bias)[0, place] - (logits - bias)[0].mean(), abs=1e-3
        )
    assert [word.text for word in found.words] == [
        "hello", "where", "is", "Parcel", "parcel", ",", "shoes", "3x", "?"
    ]  # fmt: skip
    assert all(TEXT[word.start : word.end] == word.text for word in found.words)


def test_a_head_is_explained_as_far_as_its_encoder_reads(tiny, folders, tmp_path):
    run = train(small("intent", tiny, "head"), folders["intent"], tmp_path / "run").run
    text = " ".join(THINGS * 6)  # longer than max_tokens, which a head does not read
    explainer = Explainer(run)
    (label, *_) = json.loads(run.labels.read_text())
    found = explainer.intent(text, label)
    assert all(word.weight != word.linear for word in found.words)
    served = TextLogits(run, open_encoder, 1)
    served._words = None
    (logits,) = served.of([text])[0] - load_file(run.head)["bias"]
    assert explainer.score(text, label) == pytest.approx(logits[0] - logits.mean(), abs=1e-3)


def test_an_entity_far_into_a_text_is_explained_where_it_was_found(tiny, folders, tmp_path):
    run = train(small("ner", tiny), folders["ner"], tmp_path / "run").run
    text = "hello there " * 200 + "where is parcel AB-12"
    start = text.index("AB-12")
    found = Explainer(run).entities(text, [("order", start, len(text))])
    total = sum(word.weight for word in found.words)
    assert abs(found.gain - total) <= 0.02 * max(1, abs(found.gain)) + 1e-3
    assert all(text[word.start : word.end] == word.text for word in found.words)
    weights = {word.start: word.weight for word in found.words}
    assert weights[start] != 0
    assert weights[0] == 0  # of another window


def test_the_word_that_tells_an_intent_weighs_most(tiny, folders, tmp_path):
    optim = {"batch_size": 10, "epochs": 20, "lr": 3e-3}
    config = small("intent", tiny, optim=optim)
    run = train(config, folders["intent"], tmp_path / "run").run
    found = Explainer(run).intent("hello parcel", "delivery")
    words = {word.text: word.weight for word in found.words}
    assert words["parcel"] > words["hello"]


def test_entities_are_explained_and_predict_says_so(tiny, folders, tmp_path):
    run = train(small("ner", tiny), folders["ner"], tmp_path / "run").run
    found = Explainer(run).entities("where is parcel AB-12", [("order", 16, 21)])
    assert sum(word.weight for word in found.words) == pytest.approx(
        found.gain, abs=0.021 * max(1, abs(found.gain))
    )
    row = next(explained(run.root, ["where is parcel AB-12"]))
    assert [word[0] for word in row["words"]] == ["where", "is", "parcel", "AB", "-", "12"]


def test_predict_gives_each_word_its_place_and_weight(tiny, folders, tmp_path):
    run = train(small("intent", tiny, "head"), folders["intent"], tmp_path / "run").run
    row = next(explained(run.root, ["where is parcel"]))
    assert [word[:3] for word in row["words"]] == [["where", 0, 5], ["is", 6, 8], ["parcel", 9, 15]]
    assert all(isinstance(word[3], float) for word in row["words"])
    assert next(explained(run.root, [""]))["words"] == []
    json.dumps(row)


def test_an_encoder_that_was_changed_is_not_explained_with(tiny, folders, tmp_path):
    run = train(small("intent", tiny), folders["intent"], tmp_path / "run").run
    file = run.encoder / "model.safetensors"
    old = file.read_bytes()
    file.write_bytes(old[:-1] + bytes([old[-1] ^ 1]))
    with pytest.raises(RunDirError, match="model.safetensors: changed since it was trained"):
        Explainer(run)


def test_a_reply_run_has_nothing_to_explain(tiny, folders, tmp_path):
    run = train(small("reply", tiny), folders["reply"], tmp_path / "run").run
    with pytest.raises(ConfigError, match="--explain tells of intent and ner runs"):
        list(explained(run.root, ["a", "b"]))


def test_an_intent_that_was_added_later_is_explained_too(tiny, folders, tmp_path):
    run = train(small("intent", tiny), folders["intent"], tmp_path / "run").run
    rows = [{"text": f"my {thing} is broken in two", "label": "damage"} for thing in THINGS]
    data = write_lines(tmp_path / "new.jsonl", rows)
    extend(run.root, data, tmp_path / "more", open_encoder, 1)
    explainer = Explainer(RunDir(tmp_path / "more"))
    for label in ("damage", "refund"):
        found = explainer.intent("my lamp is broken", label)
        network = sum(word.weight - word.linear for word in found.words)
        assert network == pytest.approx(found.gain, abs=0.03 * max(1, abs(found.gain)))
    row = next(explained(tmp_path / "more", ["my lamp is broken in two"]))
    assert [word[0] for word in row["words"]] == ["my", "lamp", "is", "broken", "in", "two"]
