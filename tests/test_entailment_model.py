"""A model of entailment beside the guard's rules: a tiny one, made on the spot."""

import gc
import math
import threading
import time
import weakref

import pytest
import torch
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

from apps.generation.config import GenerateConfig
from apps.guard import check
from data.errors import EncoderError
from data.schema import Passage
from finetune.entailment_model import EntailmentModel, label_of

MNLI = {0: "contradiction", 1: "entailment", 2: "neutral"}
SURE = {"contradiction": 0.05, "entailment": 0.8, "neutral": 0.15}


@pytest.fixture
def made(tiny, tmp_path):
    """Saves a classifier that gives each label its share of SURE, whatever it reads."""

    def make(labels, *, safe=True, classifier=True):
        AutoTokenizer.from_pretrained(tiny).save_pretrained(tmp_path)
        config = BertConfig.from_pretrained(tiny, num_labels=len(labels), id2label=labels)
        network = BertForSequenceClassification(config)
        with torch.no_grad():
            network.classifier.weight.zero_()
            for at, label in labels.items():
                network.classifier.bias[at] = math.log(SURE.get(label.lower(), 0.1))
        (network if classifier else network.bert).save_pretrained(tmp_path)
        if not safe:
            (tmp_path / "model.safetensors").unlink()
            torch.save(network.state_dict(), tmp_path / "pytorch_model.bin")
        return str(tmp_path)

    return make


@pytest.mark.parametrize(
    "labels",
    [MNLI, {0: "ENTAILMENT", 1: "NEUTRAL", 2: "CONTRADICTION"}],
)
def test_the_place_of_entailment_is_read_from_the_models_own_labels(made, labels):
    model = EntailmentModel(made(labels))
    assert model.entails("it arrives", "where is parcel") == pytest.approx(0.8, abs=1e-4)


def test_not_entailment_is_not_taken_for_entailment():
    assert label_of("m", {0: "not_entailment", 1: "entailment"}) == 1
    assert label_of("m", {0: "entailment", 1: "non-entailment"}) == 0


def test_a_model_without_such_a_label_is_refused_in_one_line(made):
    with pytest.raises(EncoderError, match="no label of entailment; it has good, bad") as found:
        EntailmentModel(made({0: "good", 1: "bad"}))
    assert "\n" not in str(found.value)


def test_a_model_that_is_nowhere_is_refused_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(EncoderError, match=r"^entailment model .*config\.json$"):
        EntailmentModel(str(tmp_path))


def test_weights_that_may_run_code_are_not_read(made):
    with pytest.raises(EncoderError, match="could run code and are never read"):
        EntailmentModel(made(MNLI, safe=False))


def test_an_encoder_without_a_classifier_is_refused(made):
    with pytest.raises(EncoderError, match="no trained classifier"):
        EntailmentModel(made(MNLI, classifier=False))


def test_of_a_long_premise_the_piece_that_says_it_counts(made):
    model = EntailmentModel(made(MNLI), max_tokens=32)
    asked = []

    def network(**read):
        asked.append(len(read["input_ids"]))
        logits = torch.zeros(len(read["input_ids"]), 3)
        logits[-1, 1] = 9.0  # only the last piece does
        return type("Read", (), {"logits": logits})

    network.device = "cpu"
    model._network = network
    assert model.entails("where is parcel " * 40, "it arrives") > 0.99
    assert asked[0] > 2
    model.entails("where is parcel " * 40, "it arrives")
    assert len(asked) == 1  # the same pair is remembered


class Text(str):
    """A text of which one can see whether anybody still holds it."""


def test_no_text_is_kept_of_the_pairs_that_are_remembered(made):
    model = EntailmentModel(made(MNLI))
    premise = Text("where is parcel")
    sure = model.entails(premise, "it arrives")
    held = weakref.ref(premise)
    del premise
    gc.collect()
    assert held() is None
    asked = []
    model._network = asked.append  # would be asked for a pair that it does not know
    assert model.entails("where is parcel", "it arrives") == sure
    assert asked == []


def test_only_the_pairs_read_last_are_remembered(made, monkeypatch):
    monkeypatch.setattr("finetune.entailment_model._REMEMBERED", 2)
    model = EntailmentModel(made(MNLI))
    asked = []
    monkeypatch.setattr(model, "_asked", lambda *pair: asked.append(pair) or 0.5)
    for premise in ("first", "second", "first", "third", "first", "second"):
        model.entails(premise, "it arrives")
    assert [premise for premise, _ in asked] == ["first", "second", "third", "second"]


def test_threads_ask_one_after_the_other(made, monkeypatch):
    model = EntailmentModel(made(MNLI))
    inside, most = [], []

    def asked(premise, _hypothesis):
        inside.append(premise)
        most.append(len(inside))
        time.sleep(0.01)
        inside.remove(premise)
        return 0.5

    monkeypatch.setattr(model, "_asked", asked)
    threads = [
        threading.Thread(target=model.entails, args=(f"parcel {at}", "it arrives"))
        for at in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1, 1]


def test_the_guard_stops_what_the_model_is_less_sure_of_than_the_threshold(made):
    model = EntailmentModel(made(MNLI))
    page = Passage("p", "The lid may go in the dishwasher.")
    answer = "The lid is safe in there."
    assert check(answer, [page], [], {}, entailment=model, entailed=0.7) == ()
    found = check(answer, [page], [], {}, entailment=model, entailed=0.9)
    assert [each.kind for each in found] == ["unsupported"]


def test_the_config_names_the_model_and_its_threshold():
    config = GenerateConfig.model_validate({"entailment": {"model": "nli", "threshold": 0.6}})
    assert config.entailment is not None
    assert (config.entailment.model, config.entailment.threshold) == ("nli", 0.6)
    assert GenerateConfig().entailment is None
