import numpy as np
import pytest

import retrieval.index
from benchmarks.ranking import fit, rank_table
from data.errors import LogFormatError
from data.schema import Passage
from retrieval.cutoff import curve_of, fit_decision, fit_threshold
from retrieval.decision import Decision
from retrieval.evaluate import DEPTH, choose, measure
from retrieval.folds import FOLDS, folds_of, groups_of
from retrieval.fusion import DENSE_ONLY, WORDS_ONLY, Fusion
from retrieval.index import open_index
from retrieval.writing import build_index
from tests.fakes import HashEncoder, by_hand
from tests.shop import SHOP, Killed, asked, faq, ids, kill


@pytest.fixture
def index(tmp_path):
    return build_index(SHOP, HashEncoder(), "hash", tmp_path / "index")


def test_ranking_is_measured_by_the_place_of_the_first_right_passage(index):
    result = measure(
        index,
        [
            asked("where is my parcel", "parcel"),  # first
            asked("where is my parcel", ids(index.search("where is my parcel", 2))[1]),  # second
            asked("where is the moon"),
        ],
    ).metrics
    assert result["n"] == 3
    assert result["recall_at_1"] == 0.5
    assert result["recall_at_3"] == result["recall_at_5"] == 1
    assert result["mrr"] == pytest.approx(0.75)
    assert result["ndcg_at_10"] == pytest.approx((1 + 1 / np.log2(3)) / 2)
    assert (result["refused"], result["answered"]) == (0, 1)


def test_several_right_passages_are_all_needed_for_a_perfect_order(index):
    best, second, third = ids(index.search("where is my parcel", 3))
    assert measure(index, [asked("where is my parcel", best, second)]).metrics["ndcg_at_10"] == 1
    parted = measure(index, [asked("where is my parcel", best, third)]).metrics["ndcg_at_10"]
    assert parted == pytest.approx((1 + 1 / 2) / (1 + 1 / np.log2(3)))


def test_a_relevant_id_that_is_not_indexed_is_named(index):
    for verb in (measure, lambda index, rows: fit(index, rows, "test")):
        with pytest.raises(LogFormatError, match="relevant id 'nothing' is not in the index"):
            verb(index, [asked("where", "parcel"), asked("where", "nothing")])
        with pytest.raises(LogFormatError, match="no question"):
            verb(index, [])


class OneDirection:
    """Every text has the same vector: only words can tell passages apart."""

    fingerprint = "one-direction"

    def encode(self, texts):
        return np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (len(texts), 1))


def test_words_are_fused_in_only_where_that_gains(index, tmp_path):
    questions = [asked(passage.title, passage.id) for passage in SHOP]
    assert fit(index, questions, "test").manifest.fusion == DENSE_ONLY
    blind = build_index(SHOP, OneDirection(), "one", tmp_path / "blind")
    before = measure(blind, questions).metrics["mrr"]
    fitted = fit(blind, questions, "test")
    assert fitted.manifest.dense_weight < 1
    assert measure(fitted, questions).metrics["mrr"] == 1 > before


def test_the_threshold_separates_what_is_answered_from_what_is_refused(index):
    known = [asked(passage.title, passage.id) for passage in SHOP]
    unknown = [asked("is the moon made of cheese"), asked("who sings that song")]
    assert measure(index, known + unknown).metrics["refused"] == 0
    fit(index, known + unknown, "fit.jsonl")
    result = measure(index, known + unknown).metrics
    assert (result["refused"], result["answered"], result["recall_at_1"]) == (1, 1, 1)
    assert "4 answerable, 2 unanswerable" in index.manifest.fitted_on
    assert open_index(index.root, HashEncoder()).manifest == index.manifest


def test_without_unanswerable_questions_nothing_is_refused(index):
    fit(index, [asked(passage.title, passage.id) for passage in SHOP], "fit.jsonl")
    assert index.manifest.threshold == 0
    assert index.answerable(index.search("is the moon made of cheese"))


def test_the_threshold_never_falls_between_two_good_stretches():
    right, wrong = np.array([0.3, 0.4, 0.9, 0.95]), np.array([0.1, 0.6])
    values = np.concatenate([right, wrong])
    known = np.arange(6) < 4

    def value(cut):
        return (right >= cut).mean() + (wrong < cut).mean()

    assert value(0.2) == value(0.7) > value(0.5)
    assert value(fit_threshold(values, known, known)) == value(0.2)


def test_a_fit_that_fails_leaves_the_manifest_as_it_was(index, monkeypatch):
    before = (index.root / "manifest.json").read_bytes()
    monkeypatch.setattr(retrieval.index.Index, "search", kill)
    with pytest.raises(Killed):
        fit(index, [asked("where", "parcel")], "test")
    assert (index.root / "manifest.json").read_bytes() == before


def test_a_right_passage_below_the_first_ten_counts_as_not_found(tmp_path):
    passages = [faq(str(number), "same words") for number in range(DEPTH + 2)]
    index = build_index(passages, HashEncoder(), "hash", tmp_path / "index")
    result = measure(index, [asked("same words", str(DEPTH + 1))]).metrics
    assert (result["mrr"], result["ndcg_at_10"], result["recall_at_5"]) == (0, 0, 0)


# Choosing weights


def table_of(**gains):
    """Reciprocal ranks of 100 questions under the vectors, the words and one fusion of them."""
    fusions = (DENSE_ONLY, WORDS_ONLY, Fusion(0.5))
    rows = [np.full(100, 0.5) for _ in fusions]
    for name, values in gains.items():
        rows[("dense", "words", "fused").index(name)] = np.asarray(values, dtype=float)
    return np.array(rows), fusions, np.arange(100)


def test_a_fusion_that_gains_everywhere_is_chosen():
    assert choose(*table_of(words=np.full(100, 0.3), fused=np.full(100, 0.6))) == 2


def test_a_very_small_gain_is_not_worth_a_fusion():
    assert choose(*table_of(words=np.full(100, 0.3), fused=np.full(100, 0.501))) == 0


def test_a_gain_that_rests_on_one_question_is_not_worth_a_fusion():
    lucky = np.full(100, 0.5)
    lucky[0] = 1.5  # a mean gain of one percent: its fold never sees it
    assert choose(*table_of(words=np.full(100, 0.3), fused=lucky)) == 0


def test_a_gain_within_one_passage_alone_is_not_worth_a_fusion():
    table, fusions, _ = table_of(words=np.full(100, 0.3))
    table[2, :20] = 0.6
    assert choose(table, fusions, np.arange(100)) == 2
    assert choose(table, fusions, np.where(np.arange(100) < 20, 0, np.arange(100))) == 0


def test_words_alone_are_chosen_where_they_are_the_better_half():
    table = table_of(words=np.full(100, 0.9), fused=np.full(100, 0.7))
    assert choose(*table) == 1
    assert choose(*table_of(words=np.full(100, 0.501))) == 0


def test_without_words_alone_among_the_fusions_the_vectors_are_the_half_to_beat():
    table, fusions, groups = table_of(words=np.full(100, 0.9))
    assert choose(table[[0, 2]], (fusions[0], fusions[2]), groups) == 0


def test_the_table_has_the_reciprocal_rank_of_each_question_under_each_fusion(index):
    second = ids(index.search("where is my parcel", 2))[1]
    questions = [asked("where is my parcel", "parcel"), asked("where is my parcel", second)]
    table = rank_table(index, questions, (DENSE_ONLY, WORDS_ONLY))
    assert table.shape == (2, 2)
    assert table[0].tolist() == [1, 0.5]


def test_a_passages_own_row_can_be_weighed_apart_from_its_known_questions(tmp_path):
    known = [asked("did the courier lose my box", "gift")]
    index = build_index(SHOP, HashEncoder(), "hash", tmp_path / "index", known)
    assert index.search("did the courier lose my box")[0].id == "gift"
    alone = index.weighted(Fusion(whole=1.0)).search("where is my parcel")
    assert alone[0].id == "parcel"
    own = index.weighted(Fusion(whole=1.0)).search("did the courier lose my box", 4)
    assert max(passage.score for passage in own) < 0.9
    index.refit(by_hand(Fusion(0.7, 0.4), 0.1, 0.25))
    opened = open_index(index.root, HashEncoder())
    assert opened.manifest.fusion == Fusion(0.7, 0.4)
    assert opened.manifest.decision == Decision(0.1, 0.25)


def test_folds_keep_the_questions_of_a_passage_together_and_are_the_same_everywhere():
    questions = [asked(f"question {n}", f"p{n % 12}") for n in range(60)] + [asked("moon")] * 3
    groups = groups_of(questions)
    folds = folds_of(groups)
    assert set(folds) == set(range(FOLDS))
    for passage in range(12):
        assert len(set(folds[:60][np.arange(60) % 12 == passage])) == 1
    assert folds.tolist() == folds_of(groups_of(questions)).tolist()
    few = groups_of([asked("a", "x"), asked("b", "x"), asked("c", "y")])
    assert few.tolist() == [0, 1, 2]


# The decision


def scored(*scores):
    return [Passage(str(place), "", score=score) for place, score in enumerate(scores)]


def test_the_lead_over_the_second_counts_in_a_decision_with_a_margin():
    sure, torn = scored(0.6, 0.2), scored(0.6, 0.6)
    assert Decision(0.5).answers(sure)
    assert Decision(0.5).answers(torn)
    assert Decision(0.7, 0.5).answers(sure)
    assert not Decision(0.7, 0.5).answers(torn)
    assert Decision(margin=1).value(scored(0.6)) == 0.6
    assert not Decision().answers([])


def test_a_margin_is_used_only_where_it_tells_what_the_score_does_not():
    generator = np.random.default_rng(0)
    known = np.arange(200) < 100
    tops = generator.uniform(0.5, 0.7, 200)
    leads = np.where(known, 0.4, 0.0)
    found = [scored(top, top - lead) for top, lead in zip(tops, leads, strict=True)]
    decision = fit_decision(found, known, known, np.arange(200))
    assert decision.margin > 0
    answers = np.array([decision.answers(passages) for passages in found])
    assert answers.tolist() == known.tolist()
    apart = [scored(0.9 if each else 0.1, 0.1) for each in known]
    assert fit_decision(apart, known, known, np.arange(200)).margin == 0


def test_the_curve_trades_answers_for_refusals():
    values = np.array([0.9, 0.7, 0.5, 0.6, 0.2])
    right = np.array([True, True, False, False, False])
    known = np.array([True, True, True, False, False])
    curve = curve_of(values, right, known)
    assert (curve.answered[0], curve.refused[0]) == (1, 0)
    at = int(np.searchsorted(curve.thresholds, 0.65))
    assert curve.answered[at] == pytest.approx(2 / 3)
    assert (curve.refused[at], curve.wrong[at]) == (1, 0)
    assert curve.wrong[0] == pytest.approx(3 / 5)
    assert curve.refused_at(1) == 0.5
    assert np.all(np.diff(curve.answered) <= 0)
    assert np.all(np.diff(curve.refused) >= 0)


def test_a_measurement_brings_its_curve_and_what_was_found(index):
    questions = [asked("where is my parcel", "parcel"), asked("who sings that song")]
    measured = measure(index, questions)
    assert measured.metrics["n"] == 2
    assert [passages[0].id for passages in measured.found][0] == "parcel"
    assert measured.curve.refused_at(1) == 1
