"""Our metrics against scikit-learn's, seqeval's and sums done by hand."""

import numpy as np
import pytest
from seqeval.metrics import f1_score as entity_f1
from seqeval.metrics import precision_score as entity_precision
from seqeval.metrics import recall_score as entity_recall
from seqeval.scheme import IOB2
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from benchmarks.finetune.scoring import word_scores
from data.schema import OOS, Entity
from finetune.metrics import (
    entity_metrics,
    expected_calibration_error,
    intent_metrics,
    ranking_metrics,
    rounded,
    span_counts,
    word_tags,
)

NAMES = ["bill", "card", "loan", OOS]


@pytest.mark.parametrize("seed", range(5))
def test_intent_metrics_equal_scikit_learn(seed):
    generator = np.random.default_rng(seed)
    gold = [NAMES[place] for place in generator.integers(0, 4, 200)]
    best = [NAMES[place] for place in generator.integers(0, 3, 200)]
    said = [
        OOS if chance < 0.3 else name
        for name, chance in zip(best, generator.random(200), strict=True)
    ]
    found = intent_metrics(gold, said, best, list(generator.random(200)))
    inside = [row for row in range(200) if gold[row] != OOS]
    outside = [row for row in range(200) if gold[row] == OOS]
    refused = [row for row in range(200) if said[row] == OOS]
    assert found["n"] == 200
    assert found["accuracy"] == pytest.approx(accuracy_score(gold, said))
    assert found["macro_f1"] == pytest.approx(f1_score(gold, said, average="macro"))
    assert found["mcc"] == pytest.approx(matthews_corrcoef(gold, said))
    assert found["accuracy_no_refusal"] == pytest.approx(
        np.mean([best[row] == gold[row] for row in inside])
    )
    assert found["in_scope_accuracy"] == pytest.approx(
        np.mean([said[row] == gold[row] for row in inside])
    )
    assert found["oos_recall"] == pytest.approx(np.mean([said[row] == OOS for row in outside]))
    assert found["oos_precision"] == pytest.approx(np.mean([gold[row] == OOS for row in refused]))


def test_a_refused_row_in_scope_counts_as_wrong_for_accuracy():
    found = intent_metrics(["bill", "card"], ["bill", OOS], ["bill", "card"], [1.0, 0.5])
    assert (found["accuracy"], found["accuracy_no_refusal"]) == (0.5, 1.0)
    assert found["oos_recall"] == found["oos_precision"] == 0


def test_metrics_of_one_row_or_of_out_of_scope_rows_alone_are_finite():
    for gold, said in ((["bill"], ["bill"]), ([OOS], [OOS]), ([OOS, OOS], ["bill", OOS])):
        found = intent_metrics(gold, said, ["bill"] * len(gold), [0.5] * len(gold))
        assert all(np.isfinite(value) for value in found.values())


def test_calibration_error_by_hand():
    confidence = np.array([0.95, 0.99, 0.05, 0.52, 0.53])
    right = np.array([True, False, False, True, False])
    gaps = 2 / 5 * abs(0.97 - 0.5) + 1 / 5 * 0.05 + 2 / 5 * abs(0.525 - 0.5)
    assert expected_calibration_error(confidence, right) == pytest.approx(gaps)
    assert expected_calibration_error(np.array([1.0, 1.0]), np.array([True, True])) == 0
    assert expected_calibration_error(np.array([]), np.array([], dtype=bool)) == 0


def spans(tags):
    """Entities of IOB2 tags of words `w w w`, one character each."""
    entities = []
    for place, tag in enumerate(tags):
        if tag[0] == "B":
            entities.append(Entity(tag[2:], "w", 2 * place, 2 * place + 1))
        elif tag[0] == "I":
            last = entities[-1]
            entities[-1] = Entity(last.type, "w", last.start, 2 * place + 1)
    return entities


def draw(generator, words):
    tags = []
    for _ in range(words):
        before = tags[-1] if tags else "O"
        options = ["O", "B-x", "B-y"] + ([f"I-{before[2:]}"] * 2 if before != "O" else [])
        tags.append(options[generator.integers(0, len(options))])
    return tags


@pytest.mark.parametrize("seed", range(5))
def test_entity_metrics_equal_seqeval_and_scikit_learn(seed):
    generator = np.random.default_rng(seed)
    gold = [draw(generator, 12) for _ in range(20)]
    said = [
        [*row[:6], *draw(generator, 6)] if row[6][0] != "I" else draw(generator, 12) for row in gold
    ]
    text = " ".join("w" * 12)
    found = entity_metrics([text] * 20, [spans(row) for row in gold], [spans(row) for row in said])
    strict = {"mode": "strict", "scheme": IOB2}
    assert found["entity_precision"] == pytest.approx(entity_precision(gold, said, **strict))
    assert found["entity_recall"] == pytest.approx(entity_recall(gold, said, **strict))
    assert found["entity_f1"] == pytest.approx(entity_f1(gold, said, **strict))
    by_words = word_scores(list(zip(gold, said, strict=True)))
    assert by_words == pytest.approx({name: found[name] for name in by_words})
    assert len(by_words) == 5
    flat_gold, flat_said = sum(gold, []), sum(said, [])
    for average in ("weighted", "macro"):
        wanted = f1_score(flat_gold, flat_said, average=average, zero_division=0)
        assert found[f"token_{average}_f1"] == pytest.approx(wanted)
    assert [tag for row in gold for tag in word_tags(text, spans(row))] == flat_gold


def test_a_span_with_another_edge_or_type_is_wrong():
    gold = [[Entity("x", "ab", 0, 2)]]
    for wrong in (Entity("x", "a", 0, 1), Entity("y", "ab", 0, 2)):
        assert span_counts(gold, [[wrong]])["all"]["f1"] == 0
    table = span_counts(gold, gold)
    assert table["x"] == {"precision": 1, "recall": 1, "f1": 1, "support": 1}
    assert span_counts([[]], [[]])["all"]["f1"] == 0


def test_word_tags_follow_words_not_spaces():
    text = " to  New York, to York"
    entities = [Entity("city", "New York", 5, 13), Entity("city", "York", 18, 22)]
    assert word_tags(text, entities) == ["O", "B-city", "I-city", "O", "B-city"]
    assert word_tags("", []) == []


def test_ranks_by_hand():
    found = ranking_metrics([1, 1, 2, 4])
    assert found == {"n": 4, "recall_at_1_of_10": 0.5, "mrr": (1 + 1 + 0.5 + 0.25) / 4}
    assert rounded({"n": 3, "mrr": 1 / 3}) == {"n": 3, "mrr": 0.33333}
