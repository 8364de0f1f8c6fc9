"""Summaries that quote: what may be quoted, how it is worded, and a scorer that is trained."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from safetensors.numpy import load_file, save_file

from apps.verbs.evaluate import evaluate_path
from apps.verbs.predict import predict_texts
from data.errors import EncoderError, RunDirError
from data.schema import Turn
from finetune.reading.summaries import read_summaries
from finetune.run_dir import RunDir, record_sums
from finetune.summary.extractive import ExtractiveModel
from finetune.summary.extractive_fit import Talk, fit_wording
from finetune.summary.extractive_parts import (
    FEATURES,
    describe,
    rule,
    runs_of,
    sentences_of,
    talk_of,
)
from finetune.summary.extractive_rouge import Reference, nearest, words_of
from finetune.summary.extractive_wording import Wording, bare, in_third_person, openings
from finetune.summary.model import SummaryModel
from finetune.summary.scores import rouge
from finetune.train import describe as describe_training
from finetune.train import train
from tests.conftest import THINGS, finite, names_a_thing, open_encoder, small, write_lines
from tests.fakes import HashEncoder

pytestmark = pytest.mark.usefixtures("here")
ROOT = Path(__file__).parents[1]
TALK = [
    Turn("customer", "Hi. Where is my parcel? It is late!"),
    Turn("agent", "Hello there."),
    Turn("customer", "AB-1 is its number."),
    Turn("agent", "We sent it. It comes on Friday."),
]


def talk_rows(things=THINGS):
    """What matters is the customer's second turn and the agent's first; a rule takes others."""
    return [
        {
            "turns": [
                {"speaker": "customer", "text": "good day to you all. how are you today?"},
                {"speaker": "agent", "text": f"your {thing} is on its way to the {thing} shop."},
                {"speaker": "customer", "text": f"where is parcel {thing} with my {thing}?"},
                {"speaker": "agent", "text": "is there any more to do? have a nice day."},
            ],
            "summaries": [
                f"Customer asks where is parcel {thing} with {thing}. "
                f"Agent says {thing} is on its way to the {thing} shop."
            ],
        }
        for thing in things
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("talks")
    for split in ("train", "validation", "test"):
        write_lines(root / f"{split}.jsonl", talk_rows() * (4 if split == "train" else 1))
    return root


def quoting(tiny, **values):
    return small("summary", tiny, "head", summary={"kind": "extractive", **values})


@pytest.fixture(scope="module")
def run(tiny, data, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("cwd"))
        yield train(quoting(tiny), data, tmp_path_factory.mktemp("runs") / "mine").run.root


# A trained run


def test_a_run_is_complete_and_better_than_the_lead(run, data, capfd):
    folder = RunDir(run)
    assert folder.check("summary") == "summary"
    assert {path.name for path in run.iterdir()} == {path.name for path in folder.files()}
    weights = {path.name for path in folder.weights.iterdir()}
    assert weights == {"head.safetensors", "sha256.json"}
    metrics = json.loads(folder.metrics.read_text(encoding="utf-8"))
    for stages in metrics.values():
        assert set(stages) == {"baseline", "before", "after", "intervals"}
        assert set(stages["after"]) == {"n", "rouge1", "rouge2", "rougeL"}
        assert finite(stages)
    assert metrics["test"]["after"]["rougeL"] > metrics["test"]["before"]["rougeL"] + 0.2
    assert evaluate_path(run, data / "test.jsonl") == metrics["test"]["after"]
    assert capfd.readouterr().out == ""


def test_it_learns_which_turn_matters_where_a_rule_takes_another(run):
    turns = [Turn(each["speaker"], each["text"]) for each in talk_rows()[3]["turns"]]
    found = ExtractiveModel(run, open_encoder, threads=1).extract(turns)
    assert found.quoted["customer"] == ("where is parcel lamp with my lamp?",)
    assert found.quoted["agent"] == ("your lamp is on its way to the lamp shop.",)
    assert found.text.startswith("Customer asks")
    assert "Agent says" in found.text
    by_rule = rule(sentences_of(turns))
    assert by_rule == {"customer": (0, 1), "agent": (4, 5)}


def test_predict_gives_a_summary_for_texts_with_and_without_speakers(run):
    texts = ["customer: where is parcel shoes\nagent: on its way", "where is my coat", "", " "]
    rows = list(predict_texts(run, texts))
    assert [set(row) for row in rows] == [{"text", "summary"}] * 4
    assert [bool(row["summary"]) for row in rows] == [True, True, False, False]
    assert "agent" not in rows[1]["summary"].lower()


def test_a_conversation_of_a_thousand_turns_is_read_to_its_end(run):
    idle = [Turn("customer", "ok."), Turn("agent", "good day to you.")] * 500
    told = [
        Turn("customer", "where is parcel lamp with my lamp?"),
        Turn("agent", "your lamp is on its way to the lamp shop."),
    ]
    found = ExtractiveModel(run, open_encoder, threads=1).extract([*idle, *told])
    assert found.text
    assert len(sentences_of([*idle, *told])) == 1002


def test_training_twice_gives_the_same_weights_and_no_customers_word_is_kept(
    tiny, data, tmp_path, caplog
):
    caplog.set_level("INFO")
    one, two = (train(quoting(tiny), data, tmp_path / name).run for name in "ab")
    first, second = load_file(one.head), load_file(two.head)
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)
    assert not names_a_thing(caplog.text)
    assert not names_a_thing(one.calibration.read_text(encoding="utf-8"))


def test_a_handful_of_rows_and_rows_of_one_side_alone_train(tiny, tmp_path):
    rows = talk_rows()[:3] + [{"text": f"where is {thing}", "summary": thing} for thing in THINGS]
    for part, name in ((rows, "mixed"), (rows[3:], "alone")):
        path = write_lines(tmp_path / f"{name}.jsonl", part)
        found = train(quoting(tiny), path, tmp_path / name)
        assert finite(found.metrics)
        assert ExtractiveModel(found.run.root, open_encoder, 1).write(["where is it"])


def test_a_dry_run_tells_the_method_and_its_size(tiny, data):
    plan = describe_training(
        quoting(tiny).model_copy(update={"method": "auto"}), data / "train.jsonl"
    )
    assert plan["method"] == "head"
    assert plan["trainable"] > 0


@pytest.mark.parametrize(("kind", "method"), [("extractive", "full"), ("writer", "head")])
def test_each_kind_has_its_own_methods(kind, method, tiny):
    with pytest.raises(ValidationError, match=f"method {method} is not offered for summary.kind"):
        small("summary", tiny, method, summary={"kind": kind})


def test_a_run_of_the_other_kind_another_encoder_and_foreign_weights_are_refused(run, tmp_path):
    with pytest.raises(RunDirError, match="quotes sentences; one that writes"):
        SummaryModel(run)
    with pytest.raises(EncoderError, match="trained on other weights"):
        ExtractiveModel(run, lambda name: HashEncoder())
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", str(run), str(copy)], check=True)
    arrays = load_file(RunDir(copy).head)
    save_file({**arrays, "agent.mean": np.zeros(3, dtype=np.float32)}, RunDir(copy).head)
    with pytest.raises(RunDirError, match="changed since it was trained"):
        ExtractiveModel(copy, open_encoder)
    record_sums(RunDir(copy))
    with pytest.raises(RunDirError, match="not a scorer of this version"):
        ExtractiveModel(copy, open_encoder)


def test_serving_imports_no_torch():
    code = "import sys, finetune.summary.extractive\nsys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=120).returncode == 0


# What may be quoted


def test_turns_written_as_one_text_come_back_even_where_a_line_looks_like_a_speaker(tmp_path):
    turns = [
        {"speaker": "customer", "text": "they said:\nagent: no"},
        {"speaker": "agent", "text": "Sorry."},
    ]
    path = write_lines(tmp_path / "r.jsonl", [{"turns": turns, "summary": "no"}])
    (example,) = read_summaries(path, turns_apart=True)
    back = talk_of(example.text)
    assert [each.speaker for each in back] == ["customer", "agent"]
    assert [each.text for each in sentences_of(back)] == ["they said:", "agent: no", "Sorry."]
    assert [each.speaker for each in talk_of("no speaker at all")] == ["customer"]


def test_runs_stay_in_a_turn_or_join_the_first_or_last_with_one_more_sentence():
    sentences = sentences_of(TALK)
    runs = runs_of(sentences, "customer", most_words=60)
    assert {(0,), (0, 1), (0, 1, 2), (1, 2), (4,), (1, 4), (0, 4)} <= set(runs)
    assert all(sentences[place].speaker == "customer" for run in runs for place in run)
    assert len(runs) == len(set(runs))
    assert all(
        sum(len(sentences[place].words) for place in run) <= 4
        for run in runs_of(sentences, "customer", most_words=4)
    )
    assert runs_of(sentences, "customer", most_words=0) == [(0,)]  # the shortest stays
    assert runs_of(sentences_of(TALK[:1]), "agent", 60) == []


def test_each_run_is_described_by_its_place_its_length_and_its_cosines():
    sentences = sentences_of(TALK)
    vectors = HashEncoder().encode([each.text for each in sentences])
    runs = [(0,), (1, 2), (4,)]
    numbers, means = describe(sentences, vectors, "customer", runs)
    assert numbers.shape == (3, FEATURES)
    assert means.shape == (3, 64)
    assert np.isfinite(numbers).all()
    assert numbers[:, 0].tolist() == [1, 2, 1]  # sentences
    assert numbers[:, 8].tolist() == [1, 1, 0]  # of the first turn
    assert numbers[1, 16] == 1  # one asks
    assert numbers[2, 17] == 1  # a digit


# How it is worded


def test_learned_rouge_is_that_of_the_package():
    references = ["the customer's parcels are late!!", "where is it", ""]
    for said in ("Parcels arrived late; the customer waits.", "x", "", "late late are the parcels"):
        for reference in references:
            scores = rouge([[reference]], [said])
            wanted = np.mean([scores[name][0] for name in scores])
            found = Reference(reference).mean(words_of(said))
            assert found == pytest.approx(wanted), (said, reference)
    assert nearest(words_of("where is it"), [Reference(each) for each in references]) == 1.0


def test_greetings_and_hashtags_go_unless_nothing_is_left():
    assert bare("Hi there, my lamp is broken #fail #sad") == "there, my lamp is broken"
    assert bare("Hello! Thanks, where is my lamp?") == "where is my lamp?"
    assert bare("Hi Anna") == "Hi Anna"


@pytest.mark.parametrize(
    ("side", "said", "told"),
    [
        ("customer", "I'm sad, I was let down by my bank",
         "they are sad, they were let down by their bank"),
        ("agent", "We’ll call you on your phone", "they will call the customer on their phone"),
        ("customer", "you lost it", "you lost it"),
    ],
)  # fmt: skip
def test_the_third_person_is_grammatical_english(side, said, told):
    assert in_third_person(said, side) == told


def test_the_wording_puts_both_sides_into_sentences():
    wording = Wording("customer says that", "Agent:", third_person=True)
    said = {"customer": ["Hi, my lamp broke"], "agent": ["We send a lamp!"]}
    assert wording.text(said) == "Customer says that their lamp broke. Agent: they send a lamp!"
    assert Wording().text(said) == "Hi, my lamp broke. We send a lamp!"
    assert Wording().text({"agent": []}) == ""


def test_openings_are_those_that_many_references_share():
    references = [["The customer asks for a lamp. Agent sends it."]] * 9 + [["No. Maybe."]]
    found = openings(references)
    assert "the customer asks for" in found["customer"]
    assert "agent" in found["agent"]
    assert "no" not in found["customer"]


def test_a_wording_that_does_not_bring_the_rule_nearer_is_not_taken():
    def talk(said, reference):
        sentences = sentences_of([Turn("customer", said)])
        return Talk(sentences, np.ones((len(sentences), 2)), [Reference(reference)])

    things = [f"the {thing} is late" for thing in THINGS]
    same = [talk(thing, thing) for thing in things]
    generator = np.random.default_rng(0)
    assert fit_wording(same, [[each] for each in things], generator) == Wording()
    told = [f"Customer says the {thing} is late" for thing in THINGS]
    framed = [talk(thing, each) for thing, each in zip(things, told, strict=True)]
    assert fit_wording(framed, [[each] for each in told], generator).customer == "customer says"
