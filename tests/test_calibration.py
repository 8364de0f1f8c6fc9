"""Confidence that means something, and what is refused."""

import json

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from data.schema import OOS
from finetune.confidence.calibration import Calibration, fit_calibration
from finetune.confidence.policy import MAX_REFUSED
from finetune.confidence.scaling import fit_scaling
from finetune.config import HandOverConfig

LABELS = ["bill", "card", "loan"]


def drawn(rows, seed=0, scale=6.0):
    """Logits whose softmax, before they are scaled up, gives the labels' true probabilities."""
    generator = np.random.default_rng(seed)
    honest = generator.normal(0, 1.5, (rows, len(LABELS)))
    cumulated = softmax(honest, axis=1).cumsum(axis=1)
    target = (generator.random((rows, 1)) < cumulated).argmax(axis=1)
    return honest * scale, target, [LABELS[place] for place in target]


def log_loss(logits, target):
    return -log_softmax(logits, axis=1)[np.arange(len(target)), target].mean()


def test_temperature_makes_overconfident_logits_honest():
    logits, _, gold = drawn(3000)
    calibration = fit_calibration(logits, LABELS, gold, "validation")
    assert calibration.temperature == pytest.approx(6.0, rel=0.15)
    fresh, target, _ = drawn(3000, seed=1)
    assert log_loss(fresh / calibration.temperature, target) < log_loss(fresh, target)
    probabilities = calibration.probabilities(fresh, LABELS)
    right = probabilities.argmax(axis=1) == target
    assert probabilities.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.03)


@pytest.mark.parametrize("rows", [1, 2, 30, 199, 200, 1000])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_without_out_of_scope_rows_hardly_any_row_is_refused(rows, kind):
    logits, _, gold = drawn(rows)
    calibration = fit_calibration(logits.astype(kind), LABELS, gold, "validation")
    for noise in (0.0, 1e-5):  # another batch rounds in another way
        accepted = calibration.in_scope((logits + noise).astype(kind), LABELS)
        assert (~accepted).sum() <= rows * MAX_REFUSED


def clusters(rows, others, seed=0):
    """In-scope rows with one high logit, out-of-scope rows with none."""
    generator = np.random.default_rng(seed)
    target = generator.integers(0, 3, rows)
    inside = generator.normal(0, 0.5, (rows, 3))
    inside[np.arange(rows), target] += 8
    outside = generator.normal(0, 0.5, (others, 3))
    gold = [LABELS[place] for place in target] + [OOS] * others
    return np.concatenate([inside, outside]), gold


def test_out_of_scope_rows_set_a_threshold_between_the_clusters():
    calibration = fit_calibration(*arranged(clusters(200, 40)), "validation")
    logits, gold = clusters(500, 500, seed=1)
    accepted = calibration.in_scope(logits, LABELS)
    assert (accepted == (np.array(gold) != OOS)).mean() > 0.99
    # It stands clear of the rows on both sides, not on one of them.
    scores = calibration.scope_scores(logits, LABELS)
    assert scores[:500].min() > calibration.policy.threshold > scores[500:].max()


def arranged(drawn_rows):
    logits, gold = drawn_rows
    return logits, LABELS, gold


def test_an_out_of_scope_output_is_never_the_top_and_tells_what_to_refuse():
    labels = ["bill", "card", OOS]
    logits = np.array([[9.0, 0, 0], [0, 9, 0], [0, 0, 9.0], [1, 0, 8]] * 20)
    gold = ["bill", "card", OOS, OOS] * 20
    calibration = fit_calibration(logits, labels, gold, "validation")
    assert calibration.probabilities(logits, labels).shape == (80, 2)
    assert calibration.in_scope(logits, labels).tolist() == [True, True, False, False] * 20


def test_a_plain_temperature_is_kept_where_more_numbers_gain_nothing():
    logits, target, _ = drawn(600)
    scaling = fit_scaling(logits, target)
    assert scaling.kind == "temperature"
    assert set(scaling.losses) == {"temperature", "ensemble", "vector"}


def test_labels_of_which_one_is_always_too_sure_get_numbers_of_their_own():
    logits, target, _ = drawn(3000, scale=1.0)
    skewed = logits * [1.0, 3.0, 1.0] + [0.0, 2.0, 0.0]
    scaling = fit_scaling(skewed, target)
    assert scaling.kind == "vector"
    assert scaling.losses["vector"] < scaling.losses["temperature"] - 0.05
    np.testing.assert_allclose(scaling.factors, [1.0, 1 / 3, 1.0], atol=0.15)


def test_a_share_of_wrong_labels_is_a_share_of_even_probabilities():
    logits, target, _ = drawn(3000, scale=1.0)
    sharp = logits * 20
    noisy = np.random.default_rng(5).random(3000) < 0.1
    given = np.where(noisy, target * 0 + 1, sharp.argmax(axis=1))
    scaling = fit_scaling(sharp, given)
    assert scaling.losses["ensemble"] < scaling.losses["temperature"]
    np.testing.assert_allclose(scaling.probabilities(sharp).sum(axis=1), 1)


def test_further_out_of_scope_texts_weigh_no_more_than_the_rows_in_scope():
    logits, gold = clusters(100, 2000)
    close = fit_calibration(logits, LABELS, gold, "validation", extra=2000)
    accepted = close.in_scope(clusters(200, 0, seed=2)[0], LABELS)
    assert accepted.mean() > 0.95
    assert "2000 out of scope" in close.fitted_on


def test_stated_costs_reach_the_decision():
    logits, _, gold = drawn(1000)
    dear = fit_calibration(logits, LABELS, gold, "v", hand_over=HandOverConfig(hand_over_cost=1.0))
    cheap = fit_calibration(
        logits, LABELS, gold, "v", hand_over=HandOverConfig(hand_over_cost=0.05)
    )
    assert dear.in_scope(logits, LABELS).mean() > 0.98
    assert cheap.in_scope(logits, LABELS).mean() < 0.6


def test_a_calibration_survives_json():
    calibration = fit_calibration(*arranged(clusters(50, 10)), "validation")
    again = Calibration.from_dict(json.loads(json.dumps(calibration.to_dict())))
    assert again == calibration
    assert "50 in scope, 10 out of scope, validation" in again.fitted_on
