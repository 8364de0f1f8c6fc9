"""When it answers and when it hands over: by costs, by a precision, by the rows."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from pydantic import ValidationError

from finetune.confidence.policy import Judged, Policy, fit_policy, lower_bound
from finetune.confidence.trust import fit_levels, fit_trust
from finetune.config import HandOverConfig
from finetune.report.policy import hand_over, scope_table
from finetune.task import Scored


def judged(rows, seed=0, names=("bill", "card"), outside=0.0):
    """Rows whose confidence is honest: a row is right as often as it says."""
    generator = np.random.default_rng(seed)
    confidence = generator.beta(4, 1, rows)
    inside = generator.random(rows) >= outside
    right = (generator.random(rows) < confidence) & inside
    scope = np.where(inside, generator.beta(8, 2, rows), generator.beta(2, 8, rows))
    said = [names[place] for place in generator.integers(0, len(names), rows)]
    return Judged(said, confidence, scope, inside, right, np.ones(rows))


def cost_of(policy, rows, wrong, passed):
    answered = policy.accepts(rows.names, rows.confidence, rows.scope)
    return float(np.where(answered, wrong * ~rows.right, passed).mean())


def test_stated_costs_give_a_threshold_that_is_cheap_on_fresh_rows():
    stated = HandOverConfig(wrong_cost=10, hand_over_cost=2)
    policy = fit_policy(judged(1500), stated)
    fresh = judged(4000, seed=1)
    best = min(
        np.where(fresh.confidence >= cut, 10 * ~fresh.right, 2).mean()
        for cut in np.linspace(0, 1, 101)
    )
    assert cost_of(policy, fresh, 10, 2) < best * 1.05
    assert policy.threshold == pytest.approx(0.8, abs=0.1)  # right less than 1 - 2 / 10: hand over


@pytest.mark.parametrize(("cost", "share"), [(0.0, 0.0), (100.0, 1.0)])
def test_free_hand_overs_are_always_taken_and_dear_ones_never(cost, share):
    rows = judged(300)
    policy = fit_policy(rows, HandOverConfig(hand_over_cost=cost))
    assert policy.accepts(rows.names, rows.confidence, rows.scope).mean() == pytest.approx(
        share, abs=0.02
    )


def test_an_intent_that_is_often_wrong_needs_more_and_one_with_few_rows_keeps_near_the_rest():
    rows = judged(1200, names=("good", "bad"))
    names = np.array(rows.names)
    right = rows.right & ((names == "good") | (np.random.default_rng(1).random(1200) < 0.5))
    said = [*rows.names, "rare", "rare"]
    more = Judged(
        said, np.append(rows.confidence, [0.9, 0.9]), np.append(rows.scope, [0.9, 0.9]),
        np.append(rows.inside, [True, True]), np.append(right, [False, False]), np.ones(1202),
    )  # fmt: skip
    policy = fit_policy(more, HandOverConfig(hand_over_cost=0.2))
    own = {name: row["threshold"] for name, row in policy.by_intent.items()}
    assert own["good"] < policy.threshold < own["bad"]
    assert abs(own["rare"] - policy.threshold) < own["bad"] - own["good"]


def test_intents_that_do_not_differ_share_one_threshold():
    rows = judged(1500)
    trust, _ = fit_trust(rows.names, rows.confidence, rows.scope, rows.right, rows.weights)
    assert max(map(abs, trust.shifts.values()), default=0.0) < 0.3


@pytest.mark.parametrize(("precision", "shown"), [(0.85, 12), (0.95, 2)])
def test_a_precision_that_is_shown_holds_on_fresh_rows(precision, shown):
    met, broken = 0, 0
    for seed in range(12):
        policy = fit_policy(judged(600, seed), HandOverConfig(precision=precision))
        fresh = judged(3000, seed=100 + seed)
        answered = policy.accepts(fresh.names, fresh.confidence, fresh.scope)
        met += bool(policy.met)
        broken += bool(policy.met) and fresh.right[answered].mean() < precision
    assert met >= shown
    assert broken <= 1  # 5% of 12


def test_a_precision_that_the_rows_cannot_show_is_told():
    policy = fit_policy(judged(60), HandOverConfig(precision=0.99))
    assert policy.met is False
    assert "60 held-out rows" in policy.note
    page = hand_over(asdict(policy), {})
    assert "cannot be shown to hold" in page


def with_a_file(weight, seed=0):
    """300 rows in scope and 3,000 of a file of out-of-scope texts, some of which look inside."""
    inner, outer = judged(300, seed), judged(3000, seed + 1, outside=1.0)
    both = [np.concatenate([getattr(inner, name), getattr(outer, name)])
            for name in ("confidence", "scope", "inside", "right")]  # fmt: skip
    weights = np.repeat([1.0, weight], [300, 3000])
    return Judged([*inner.names, *outer.names], *both, weights)


def test_a_precision_counts_rows_of_a_file_by_their_weight():
    stated = HandOverConfig(precision=0.7)
    plain, light = (fit_policy(with_a_file(weight), stated) for weight in (1.0, 0.1))
    assert light.met
    assert light.held_out["answered"] > 2 * plain.held_out["answered"]
    assert "count less, all as 600 rows" in light.note
    assert "count less" not in plain.note
    fresh = with_a_file(0.1, seed=7)
    answered = light.accepts(fresh.names, fresh.confidence, fresh.scope)
    assert np.average(fresh.right[answered], weights=fresh.weights[answered]) >= 0.7


def test_the_curve_of_costs_is_lowest_where_the_threshold_is_chosen():
    policy = fit_policy(with_a_file(0.1), HandOverConfig(wrong_cost=3, hand_over_cost=1))
    cost_at = {cut: cost for cut, _, _, cost in policy.curve}
    assert cost_at[policy.threshold] == pytest.approx(min(cost_at.values()))


def test_the_lower_bound_is_clopper_and_pearsons():
    assert lower_bound(59, 59) == pytest.approx(0.05 ** (1 / 59))
    assert lower_bound(0, 10) == 0.0
    assert lower_bound(90, 100) == pytest.approx(0.8363, abs=1e-4)
    with pytest.raises(ValueError, match="cannot be right"):
        lower_bound(3, 2)


def test_with_nothing_stated_most_rows_come_out_right():
    rows = judged(800, outside=0.2)
    policy = fit_policy(rows, HandOverConfig())
    answered = policy.accepts(rows.names, rows.confidence, rows.scope)
    good = np.where(answered, rows.right, ~rows.inside).sum()
    cuts = np.linspace(0, 1, 200)
    best = max(np.where(rows.scope >= cut, rows.right, ~rows.inside).sum() for cut in cuts)
    assert policy.rule == "rows"
    assert good >= best


def test_costs_and_a_precision_together_are_refused():
    with pytest.raises(ValidationError, match="not both"):
        HandOverConfig(hand_over_cost=1, precision=0.9)


@pytest.mark.parametrize(
    "stated", [{}, {"hand_over_cost": 0.2}, {"precision": 0.8}, {"precision": 0.999}]
)
def test_a_policy_survives_json_and_is_shown(stated):
    rows = judged(300, outside=0.1)
    policy = fit_policy(rows, HandOverConfig(**stated))
    again = Policy.from_dict(json.loads(json.dumps(asdict(policy))))
    assert again == policy
    answered = policy.accepts(rows.names, rows.confidence, rows.scope)
    detail = {"answered": answered, "right": rows.right}
    page = hand_over(json.loads(json.dumps(asdict(policy))), {"test": Scored({}, [], detail)})
    assert "<svg" in page
    assert "wrong among them" in page
    assert page.count("<tr>") >= 3 + 2


def test_with_hardly_any_wrong_row_confidence_and_scope_count_as_they_are():
    rows = judged(30)
    right = np.ones(30, dtype=bool)
    trust, values = fit_trust(rows.names, rows.confidence, rows.scope, right, np.ones(30))
    assert trust.factors == (1.0, 1.0)
    assert np.isfinite(values).all()


def test_levels_are_where_answers_are_as_often_right_as_on_the_whole_and_half_the_time():
    rows = judged(20_000)
    levels = fit_levels(rows.confidence, rows.right)
    assert levels.sure == pytest.approx(rows.right.mean(), abs=0.03)
    assert levels.doubtful == pytest.approx(0.5, abs=0.05)
    assert fit_levels(np.array([0.7, 0.9]), np.array([True, True])).sure == 0.7


def test_the_table_of_scores_marks_the_chosen_one_and_says_what_it_was_measured_on():
    page = scope_table({"score": "knn", "auroc": {"energy": 0.8, "knn": 0.9}, "pseudo": True})
    assert page.index("<b>knn</b>") < page.index("energy")
    assert "label was held out" in page
    assert scope_table({}) == ""
