import numpy as np
import pytest

import retrieval.index
from data.errors import LogFormatError
from data.schema import Passage
from retrieval.evaluate import DEPTH, evaluate, fit
from retrieval.fusion import DENSE_ONLY
from retrieval.index import build_index, open_index
from tests.fakes import HashEncoder
from tests.shop import SHOP, Killed, asked, faq, ids, kill


@pytest.fixture
def index(tmp_path):
    return build_index(SHOP, HashEncoder(), "hash", tmp_path / "index")


def test_ranking_is_measured_by_the_place_of_the_first_right_passage(index):
    result = evaluate(
        index,
        [
            asked("where is my parcel", "parcel"),  # first
            asked("where is my parcel", ids(index.search("where is my parcel", 2))[1]),  # second
            asked("where is the moon"),
        ],
    )
    assert result["n"] == 3
    assert result["recall_at_1"] == 0.5
    assert result["recall_at_3"] == result["recall_at_5"] == 1
    assert result["mrr"] == pytest.approx(0.75)
    assert result["ndcg_at_10"] == pytest.approx((1 + 1 / np.log2(3)) / 2)
    assert (result["refused"], result["answered"]) == (0, 1)


def test_several_right_passages_are_all_needed_for_a_perfect_order(index):
    best, second, third = ids(index.search("where is my parcel", 3))
    assert evaluate(index, [asked("where is my parcel", best, second)])["ndcg_at_10"] == 1
    parted = evaluate(index, [asked("where is my parcel", best, third)])["ndcg_at_10"]
    assert parted == pytest.approx((1 + 1 / 2) / (1 + 1 / np.log2(3)))


def test_a_relevant_id_that_is_not_indexed_is_named(index):
    for measure in (evaluate, lambda index, rows: fit(index, rows, "test")):
        with pytest.raises(LogFormatError, match="relevant id 'nothing' is not in the index"):
            measure(index, [asked("where", "parcel"), asked("where", "nothing")])
        with pytest.raises(LogFormatError, match="no question"):
            measure(index, [])


class OneDirection:
    """Every text has the same vector: only words can tell passages apart."""

    fingerprint = "one-direction"

    def encode(self, texts):
        return np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (len(texts), 1))


def test_words_are_fused_in_only_where_that_gains(index, tmp_path):
    questions = [asked(passage.title, passage.id) for passage in SHOP]
    assert fit(index, questions, "test").manifest.dense_weight == DENSE_ONLY
    blind = build_index(SHOP, OneDirection(), "one", tmp_path / "blind")
    before = evaluate(blind, questions)["mrr"]
    fitted = fit(blind, questions, "test")
    assert fitted.manifest.dense_weight < DENSE_ONLY
    assert evaluate(fitted, questions)["mrr"] == 1 > before


class Scored:
    """An index whose best passage and score are written in the question: `right 0.7`."""

    root, passages, answerable = "scored", [faq("right", "x")], bool
    encoder = HashEncoder()

    def search(self, question, k=5, *, where=None, vector=None):
        name, score = question.split()
        return [Passage(name, "", score=float(score))]

    def weighted(self, dense_weight):
        return self

    def refit(self, dense_weight, threshold, fitted_on):
        return threshold


class Gains(Scored):
    """Finds the right passage for all but one question, for that one too where words are fused."""

    dense_only = True

    def weighted(self, dense_weight):
        other = Gains()
        other.dense_only = dense_weight == DENSE_ONLY
        return other

    def search(self, question, k=5, *, where=None, vector=None):
        return [Passage("wrong" if self.dense_only and question == "0 1" else "right", "", score=1)]

    def refit(self, dense_weight, threshold, fitted_on):
        return dense_weight


@pytest.mark.parametrize(("count", "fused"), [(100, True), (400, False)])
def test_a_gain_of_less_than_half_a_percent_is_not_worth_a_fusion(count, fused):
    questions = [asked(f"{number} 1", "right") for number in range(count)]
    assert (fit(Gains(), questions, "test") < DENSE_ONLY) == fused


def test_the_threshold_separates_what_is_answered_from_what_is_refused(index):
    known = [asked(passage.title, passage.id) for passage in SHOP]
    unknown = [asked("is the moon made of cheese"), asked("who sings that song")]
    assert evaluate(index, known + unknown)["refused"] == 0
    fit(index, known + unknown, "fit.jsonl")
    result = evaluate(index, known + unknown)
    assert (result["refused"], result["answered"], result["recall_at_1"]) == (1, 1, 1)
    assert "4 answerable, 2 unanswerable" in index.manifest.fitted_on
    assert open_index(index.root, HashEncoder()).manifest == index.manifest


def test_without_unanswerable_questions_nothing_is_refused(index):
    fit(index, [asked(passage.title, passage.id) for passage in SHOP], "fit.jsonl")
    assert index.manifest.threshold == 0
    assert index.answerable(index.search("is the moon made of cheese"))


def test_the_threshold_never_falls_between_two_good_stretches():
    right, wrong = np.array([0.3, 0.4, 0.9, 0.95]), np.array([0.1, 0.6])
    questions = [asked(f"right {score}", "right") for score in right]
    questions += [asked(f"wrong {score}") for score in wrong]

    def value(cut):
        return (right >= cut).mean() + (wrong < cut).mean()

    assert value(0.2) == value(0.7) > value(0.5)
    assert value(fit(Scored(), questions, "test")) == value(0.2)


def test_a_fit_that_fails_leaves_the_manifest_as_it_was(index, monkeypatch):
    before = (index.root / "manifest.json").read_bytes()
    monkeypatch.setattr(retrieval.index.Index, "search", kill)
    with pytest.raises(Killed):
        fit(index, [asked("where", "parcel")], "test")
    assert (index.root / "manifest.json").read_bytes() == before


def test_a_right_passage_below_the_first_ten_counts_as_not_found(tmp_path):
    passages = [faq(str(number), "same words") for number in range(DEPTH + 2)]
    index = build_index(passages, HashEncoder(), "hash", tmp_path / "index")
    result = evaluate(index, [asked("same words", str(DEPTH + 1))])
    assert (result["mrr"], result["ndcg_at_10"], result["recall_at_5"]) == (0, 0, 0)
