"""Focus: what known questions teach, learned by a fit and kept beside the index."""

import json

import numpy as np
import pytest

import retrieval.index
import retrieval.lesson
from benchmarks.ranking import fit
from data.errors import IndexMismatchError
from retrieval.evaluate import apart_table, measure
from retrieval.focus import LEAST, Focus, learned
from retrieval.fusion import DENSE_ONLY, FOCUSED, FUSIONS, Fusion
from retrieval.index import open_index
from retrieval.manifest import read_manifest
from retrieval.writing import add, build_index, compact, delete, rollback
from tests.fakes import HashEncoder, by_hand
from tests.shop import asked, faq, ids

TOPICS = ("return", "warranty", "delivery", "invoice", "colour", "repair")
THINGS = [f"thing{number}" for number in range(48)]
PASSAGES = [faq(topic, f"all about {topic}") for topic in TOPICS]


def said(thing, topic):
    """A thing weighs more than what is asked about it: plain vectors look at the thing."""
    return f"{thing} {thing} {topic}"


# Nothing was asked yet about every second thing and topic.
KNOWN = [
    asked(said(thing, topic), topic)
    for place, thing in enumerate(THINGS)
    for number, topic in enumerate(TOPICS)
    if (place + number) % 2
]
NEW = [
    asked(said(thing, topic), topic)
    for place, thing in enumerate(THINGS)
    for number, topic in enumerate(TOPICS)
    if not (place + number) % 2
]
UNKNOWN = [asked(said(thing, "battery")) for thing in THINGS]
IN_FOCUS = Fusion(1.0, 0.7, focused=True)


@pytest.fixture
def index(tmp_path):
    return build_index(PASSAGES, HashEncoder(), "hash", tmp_path / "index", KNOWN)


def first_right(index, questions=NEW):
    return measure(index, questions).metrics["recall_at_1"]


def files(root):
    return {path.name for path in root.glob("focus-*.npy")}


def test_in_focus_what_is_asked_decides_and_not_what_it_is_asked_about(index):
    assert first_right(index.weighted(DENSE_ONLY)) < 0.3
    # Words that share a bucket of the encoder are told apart by nothing.
    assert first_right(index.weighted(IN_FOCUS)) > 0.7


def test_a_topic_that_the_index_lacks_is_refused_where_its_things_are_known(index):
    both = [*NEW, *UNKNOWN]
    plain = fit(index, both, "plain", fusions=FUSIONS[:1])
    assert (
        measure(plain, UNKNOWN).metrics["refused"] + measure(plain, NEW).metrics["answered"] < 1.5
    )
    fitted = fit(index, both, "fit.jsonl")
    assert fitted.manifest.fusion.focused
    assert measure(fitted, UNKNOWN).metrics["refused"] > 0.9
    assert measure(fitted, NEW).metrics["answered"] > 0.9


def test_an_opened_index_searches_in_the_focus_that_was_fitted(index):
    fitted = index.refit(by_hand(IN_FOCUS, 0.4))
    opened = open_index(index.root, HashEncoder())
    assert opened.manifest.fusion == IN_FOCUS
    for question in NEW[:5]:
        found = opened.search(question.text, 6)
        assert found == fitted.search(question.text, 6)
        assert all(0 <= passage.score <= 1 for passage in found)
        assert opened.answerable(found) == (found[0].score >= 0.4)


def test_an_index_from_before_there_was_a_focus_opens_as_it_was(index):
    path = index.root / "manifest.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    del values["focus"]
    path.write_text(json.dumps(values), encoding="utf-8")
    opened = open_index(index.root, HashEncoder())
    assert opened.manifest.fusion == DENSE_ONLY
    assert opened.search("thing1 return", 3) == index.search("thing1 return", 3)


def test_what_comes_later_is_found_in_the_same_focus(index):
    index.refit(by_hand(IN_FOCUS, 0.4))
    kept = files(index.root)
    grown = add(index, [faq("battery", "all about battery")], [*UNKNOWN_ANSWERED])
    assert ids(grown.search(said("thing3", "battery"), 1)) == ["battery"]
    assert first_right(grown) > 0.7
    again = open_index(index.root, HashEncoder())
    assert again.search("thing3 battery", 7) == grown.search("thing3 battery", 7)
    assert again.manifest.fusion.focused
    merged = compact(grown)
    found = merged.search(said("thing3", "battery"), 7)
    assert ids(found) == ids(grown.search(said("thing3", "battery"), 7))
    rollback(index.root)
    assert open_index(index.root, HashEncoder()).manifest.fusion.focused
    assert files(index.root) == kept


def test_an_index_that_has_grown_too_large_for_its_focus_is_searched_without_it(
    index, monkeypatch, caplog
):
    index.refit(by_hand(IN_FOCUS, 0.4))
    rows = sum(segment.words.live for segment in index.segments)
    monkeypatch.setattr(retrieval.index, "MOST", rows)
    grown = add(index, [faq("battery", "all about battery")])
    assert len(caplog.records) == 1
    assert "has grown past" in caplog.text
    plain = grown.weighted(Fusion(1.0, 0.7))
    for question in NEW[:3]:
        assert grown.search(question.text, 6) == plain.search(question.text, 6)
    assert not any(segment._focused for segment in grown.segments)
    opened = open_index(index.root, HashEncoder())
    assert opened.search("thing3 battery", 7) == grown.search("thing3 battery", 7)
    smaller = delete(opened, ["battery"])
    found = smaller.search(NEW[0].text, 6)
    assert found == index.search(NEW[0].text, 6)  # in focus again


def test_a_tombstone_does_not_put_a_segment_into_focus_again(index):
    index.refit(by_hand(IN_FOCUS, 0.4))
    index.search("thing3 return", 3)
    kept = index.segments[0]._focused
    assert kept is not None
    smaller = delete(index, ["colour"])
    assert smaller.segments[0]._focused is kept
    assert index.current().segments[0]._focused is kept
    assert "colour" not in ids(smaller.search("thing3 colour", 9))


UNKNOWN_ANSWERED = [asked(question.text, "battery") for question in UNKNOWN[:8]]


def test_a_focus_that_no_version_names_is_removed(index):
    index.refit(by_hand(IN_FOCUS, 0.4))
    first = files(index.root)
    index.refit(by_hand(IN_FOCUS, 0.4))
    second = files(index.root)
    assert len(first) == len(second) == 1
    assert first != second
    index.refit(by_hand(DENSE_ONLY, 0.4))
    assert not files(index.root)
    assert first_right(index) == first_right(index.weighted(DENSE_ONLY))


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY rubbish", None])
def test_an_index_whose_focus_is_broken_is_refused_in_one_line(index, damage):
    index.refit(by_hand(IN_FOCUS, 0.4))
    path = index.root / read_manifest(index.root).focus
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    with pytest.raises(IndexMismatchError, match=r"broken \(focus-.*index again"):
        open_index(index.root, HashEncoder())


def test_a_focus_of_another_shape_is_refused(tmp_path):
    for matrix in (np.ones(4, np.float32), np.ones((2, 3), np.float32), np.ones((2, 2))):
        name = Focus(matrix).save(tmp_path)
        with pytest.raises(IndexMismatchError, match="not a square matrix"):
            Focus.load(tmp_path, name)


def test_few_or_very_many_rows_teach_no_focus(tmp_path, index, monkeypatch):
    few = build_index(PASSAGES, HashEncoder(), "hash", tmp_path / "few", KNOWN[: LEAST // 2])
    assert few.teaches().focus is None
    fitted = fit(few, [*NEW, *UNKNOWN], "fit.jsonl")
    assert not fitted.manifest.fusion.focused
    with pytest.raises(ValueError, match="teach a focus"):
        few.weighted(IN_FOCUS)
    assert index.teaches().focus is not None
    monkeypatch.setattr(retrieval.lesson, "MOST", len(KNOWN))
    assert open_index(index.root, HashEncoder()).teaches().focus is None


def test_deleted_passages_teach_nothing(index):
    smaller = add(index, (), delete=TOPICS[:5])
    assert smaller.teaches().focus is None


def test_directions_in_which_texts_of_one_passage_differ_are_shortened():
    generator = np.random.default_rng(0)
    owners = np.repeat(np.arange(4), 50)
    vectors = generator.normal(scale=0.01, size=(200, 8))
    vectors[np.arange(200), owners] += 1
    vectors[:, 7] += generator.normal(size=200)
    focus = learned(vectors.astype(np.float32), owners)
    one, two = focus.of(np.eye(8, dtype=np.float32)[[0, 0]] + [[0] * 8, [0] * 7 + [1]])
    plain = 1 / np.sqrt(2)  # of the two before
    assert one @ two > plain + 0.1
    assert np.linalg.norm(two) == pytest.approx(1)
    assert learned(vectors[:60].astype(np.float32), owners[:60]) is None


def test_a_fit_tries_each_weight_in_focus_that_looks_at_vectors():
    assert len(FOCUSED) == len([fusion for fusion in FUSIONS if fusion.dense])
    assert all(fusion.focused for fusion in FOCUSED)


def test_the_share_of_questions_below_whose_answer_stands_apart(index, tmp_path):
    passages = [faq("a", "one two"), faq("b", "three four")]
    small = build_index(passages, HashEncoder(), "hash", tmp_path / "small")
    # The first is met in full; of the second only half, and the other passage lies below both.
    questions = [asked("one two yes", "a"), asked("three one", "b")]
    table = apart_table(small, questions, [DENSE_ONLY])
    wrong = [small.search(q.text, 2) for q in questions]
    scores = [{p.id: p.score for p in found} for found in wrong]
    others = [scores[0]["b"], scores[1]["a"]]
    wanted = [np.mean([other < scores[n][of] for other in others]) for n, of in enumerate("ab")]
    assert table.tolist() == [wanted]
    assert wanted[0] == 1
