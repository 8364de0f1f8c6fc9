"""Questions on passages: scores, the threshold of no answer, questions put elsewhere."""

import json

import numpy as np
import pytest

from data.schema import Example
from finetune.qa.negatives import other_passages
from finetune.qa.scores import exact_match, fit_qa, normalised, overlap_f1, score_answers
from finetune.qa.spans import Found, QaCalibration
from finetune.qa.task import sentences


@pytest.mark.parametrize(
    ("gold", "said", "exact", "f1"),
    [
        (["The Parcel-way!"], "parcelway", 1, 1),
        (["a cat", "the black dog"], "black dog", 1, 1),
        (["three working days"], "working days", 0, 0.8),
        (["3 days"], None, 0, 0),
        ([], None, 1, 1),
        ([], "3 days", 0, 0),
        (["the"], "a", 1, 1),
        (["包裹"], "包裹。", 0, 0),
    ],
)
def test_answers_are_measured_as_squad_measures_them(gold, said, exact, f1):
    assert exact_match(gold, said) == exact
    assert overlap_f1(gold, said) == pytest.approx(f1)


def test_an_article_inside_a_word_stays():
    assert normalised("Another  THE-atre, an apple.") == "another theatre apple"


def example(text, passage, *spans, group=None):
    return Example(text, passage=passage, spans=spans, group=group, where="f")


def test_scores_of_every_row_drawn_once_are_those_of_the_whole():
    rows = [example("q", "a b c", (0, 1)), example("q", "a b c", (2, 5)), example("q", "a b c")]
    found = score_answers(rows, ["a", "b", "c"], [0.5, 0.6, 0.7])
    assert found.metrics == {
        "n": 3,
        "exact_match": pytest.approx(1 / 3),
        "f1": pytest.approx((1 + 2 / 3) / 3),
        "no_answer_accuracy": 0.0,
    }
    assert found.resample(np.arange(3)) == found.metrics
    assert "no_answer_accuracy" not in found.resample(np.array([0, 1]))
    assert [error["answers"] for error in found.errors] == [["b c"], []]
    assert found.detail["right"] == [True, False, False]
    assert "no_answer_accuracy" not in score_answers(rows[:2], ["a", "b"]).metrics


def spans_found(margins, start=0, end=1):
    return [Found(start, end, margin, -0.1, -0.1 - margin) for margin in margins]


def test_the_threshold_parts_questions_with_and_without_an_answer():
    rows = [example("q", "x y", (0, 1))] * 3 + [example("q", "x y")] * 3
    fitted = fit_qa(rows, spans_found([5, 3, 1, -1, -2, 0.0]), "validation")
    assert 0 < fitted.threshold < 1
    assert fitted.fitted_on == "3 with an answer, 3 without, validation"
    assert QaCalibration.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted
    assert [fitted.answers(each) for each in spans_found([1, 0])] == [True, False]
    assert fit_qa(rows[:3], spans_found([5, 3, -9]), "validation").threshold is None


def test_confidence_is_fitted_to_how_often_it_is_right():
    generator = np.random.default_rng(0)
    rows, found = [], []
    for log in np.log(generator.uniform(0.05, 1, 400)):
        right = generator.random() < np.exp(log) / 2  # twice as sure as it should be
        rows.append(example("q", "x y", (0, 1) if right else (2, 3)))
        found.append(Found(0, 1, 3.0, float(log), -9.0))
    fitted = fit_qa(rows, found, "validation")
    said = np.mean([fitted.confidence(each) for each in found])
    assert said == pytest.approx(np.mean([row.spans == ((0, 1),) for row in rows]), abs=0.02)
    bare = QaCalibration(None, 0.0, 0.0, "nothing")
    assert bare.confidence(Found(0, 1, 3.0, float(np.log(0.25)), -9.0)) == pytest.approx(0.25)


def test_a_question_is_put_to_passages_of_other_articles_that_lack_its_answer():
    rows = [example(f"q{n}", f"it is {n}", (6, 7), group=f"g{n % 3}") for n in range(9)]
    rows.append(example("q", "1 2 3 4 5 6 7 8 0", group="g9"))
    made = other_passages(rows, 2.0, seed=3)
    assert 12 <= len(made) <= 18
    own = {row.text: row for row in rows}
    for row in made:
        start, end = own[row.text].spans[0]
        assert row.spans == ()
        assert row.group != own[row.text].group
        assert own[row.text].passage[start:end] not in row.passage
    assert made == other_passages(rows, 2.0, seed=3) != other_passages(rows, 2.0, seed=4)
    assert other_passages(rows, 0.0, seed=3) == []
    assert other_passages([each for each in rows if each.group == "g1"], 1.0, seed=3) == []


def test_sentences_end_where_they_should():
    assert sentences("# Delivery\n\nIt costs £3.95. Ok?\n- one\n你好。再见！") == [
        "# Delivery", "It costs £3.95.", "Ok?", "- one", "你好。", "再见！"
    ]  # fmt: skip
    assert sentences(" \n") == [""]
