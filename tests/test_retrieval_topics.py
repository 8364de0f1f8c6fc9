"""Topics: what labelled turns teach a fit, kept beside the index."""

import json

import numpy as np
import pytest

from benchmarks.ranking import fit
from data.errors import IndexMismatchError, LogFormatError
from retrieval.evaluate import measure
from retrieval.fusion import DENSE_ONLY, FUSIONS, TOPICS, Fusion, scores, with_topics
from retrieval.index import open_index
from retrieval.manifest import read_manifest
from retrieval.topics import LabelledTurns, Topics, learned_topics, read_labelled_turns
from retrieval.writing import add, build_index
from tests.fakes import HashEncoder, by_hand
from tests.shop import asked, faq

TOPIC_NAMES = ("return", "warranty", "delivery", "invoice", "battery")
PASSAGES = [faq(topic, f"all about {topic}") for topic in TOPIC_NAMES[:4]]
THINGS = [f"thing{number}" for number in range(30)]


def said(thing, topic):
    return f"{thing} {thing} {topic}"


@pytest.fixture
def turns():
    """Turns of five topics, one of which no passage is about."""
    rows = [(said(thing, topic), topic) for thing in THINGS for topic in TOPIC_NAMES]
    numbers = np.array([TOPIC_NAMES.index(topic) for _, topic in rows])
    return LabelledTurns(HashEncoder().encode([text for text, _ in rows]), numbers)


@pytest.fixture
def index(tmp_path):
    return build_index(PASSAGES, HashEncoder(), "hash", tmp_path / "index")


KNOWN = [asked(said(f"new{n}", topic), topic) for n in range(6) for topic in TOPIC_NAMES[:4]]
UNKNOWN = [asked(said(f"new{n}", "battery")) for n in range(6)]


def files(root):
    return {path.name for path in root.glob("topics-*.npy")}


def test_a_question_and_a_passage_of_one_topic_agree_and_of_two_do_not(turns):
    topics = learned_topics(turns)
    encoder = HashEncoder()
    rows = encoder.encode([said("thing1", topic) for topic in TOPIC_NAMES])
    shares = topics.of(rows)
    assert shares.sum(axis=1) == pytest.approx(np.ones(5))
    assert shares.argmax(axis=1).tolist() == [0, 1, 2, 3, 4]
    profiles = topics.of_rows(rows, np.arange(5, dtype=np.int32), 5)
    agreed = topics.agreement(encoder.encode([said("new", "invoice")])[0], profiles.roots)
    assert agreed.argmax() == 3
    assert agreed[3] > np.delete(agreed, 3).max() + 0.2
    assert np.all((agreed >= 0) & (agreed <= 1))


def test_a_fit_weighs_topics_where_they_tell_and_refuses_what_no_passage_is_about(index, turns):
    fitted = fit(index, [*KNOWN, *UNKNOWN], "fit.jsonl", fusions=FUSIONS[:1], turns=turns)
    assert fitted.manifest.fusion.topics == TOPICS
    found = measure(fitted, [*KNOWN, *UNKNOWN]).metrics
    assert (found["refused"], found["recall_at_1"]) == (1, 1)
    assert found["answered"] > 0.9
    opened = open_index(index.root, HashEncoder())
    assert opened.manifest.fusion == fitted.manifest.fusion
    for question in (KNOWN[0], UNKNOWN[0]):
        assert opened.search(question.text, 4) == fitted.search(question.text, 4)


def test_what_comes_later_is_weighed_by_the_same_topics_and_a_fit_without_turns_keeps_them(
    index, turns
):
    index.learn_from(turns)
    index.refit(by_hand(Fusion(topics=0.3), 0.2))
    grown = add(index, [faq("battery", "all about battery")])
    assert grown.search(said("new1", "battery"), 1)[0].id == "battery"
    matrix = grown.lesson.topics.matrix
    opened = open_index(index.root, HashEncoder())
    opened.refit(by_hand(Fusion(topics=0.15), 0.2))
    again = open_index(index.root, HashEncoder())
    assert again.lesson.topics.matrix.tolist() == matrix.tolist()


def test_topics_that_no_version_names_are_removed(index, turns):
    index.learn_from(turns)
    index.refit(by_hand(Fusion(topics=0.3), 0.2))
    assert files(index.root) == {read_manifest(index.root).topics}
    index.refit(by_hand(DENSE_ONLY, 0.2))
    assert not files(index.root)


def test_an_index_from_before_there_were_topics_opens_as_it_was(index):
    path = index.root / "manifest.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    del values["topics"], values["topic_weight"]
    path.write_text(json.dumps(values), encoding="utf-8")
    opened = open_index(index.root, HashEncoder())
    assert opened.manifest.fusion == DENSE_ONLY
    assert opened.search("thing1 return", 3) == index.search("thing1 return", 3)


def test_weights_with_topics_need_turns_that_teach_them(index, turns):
    with pytest.raises(ValueError, match="teach them"):
        index.weighted(Fusion(topics=0.3))
    index.learn_from(LabelledTurns(turns.vectors[:20], turns.labels[:20]))
    with pytest.raises(ValueError, match="teach them"):
        index.weighted(Fusion(topics=0.3))


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY rubbish", None])
def test_an_index_whose_topics_are_broken_is_refused_in_one_line(index, turns, damage):
    index.learn_from(turns)
    index.refit(by_hand(Fusion(topics=0.3), 0.2))
    path = index.root / read_manifest(index.root).topics
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    with pytest.raises(IndexMismatchError, match=r"broken \(topics-.*index again"):
        open_index(index.root, HashEncoder())


def test_topics_of_another_shape_are_refused(tmp_path):
    for matrix in (np.ones(4, np.float32), np.ones((1, 3), np.float32), np.ones((2, 2))):
        name = Topics(matrix).save(tmp_path)
        with pytest.raises(IndexMismatchError, match="not a matrix"):
            Topics.load(tmp_path, name)


def test_topics_take_their_part_of_a_score_and_the_rest_has_what_is_left():
    assert scores(Fusion(topics=0.25), [0.0], [0.8], [0.0], [0.4]).tolist() == pytest.approx([0.7])
    assert with_topics([DENSE_ONLY]) == (DENSE_ONLY, Fusion(topics=TOPICS))
    with pytest.raises(ValueError, match="topics must be in"):
        Fusion(topics=1.5)


def test_labelled_turns_are_read_and_what_teaches_nothing_is_refused(tmp_path):
    path = tmp_path / "turns.jsonl"
    rows = [{"text": said(thing, topic), "label": topic} for thing in THINGS for topic in "abcde"]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    read = read_labelled_turns(path, HashEncoder())
    assert (len(read.vectors), set(read.labels.tolist())) == (150, {0, 1, 2, 3, 4})
    path.write_text("\n".join(map(json.dumps, rows[:50])), encoding="utf-8")
    with pytest.raises(LogFormatError, match="teaches no topics"):
        read_labelled_turns(path, HashEncoder())
    path.write_text(json.dumps({"text": "no label"}), encoding="utf-8")
    with pytest.raises(LogFormatError, match="need a text and a label"):
        read_labelled_turns(path, HashEncoder())
