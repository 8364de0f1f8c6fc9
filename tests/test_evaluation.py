"""Intervals, curves and drawings: against known values, scikit-learn and scipy."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from finetune.evaluation.bootstrap import _draw, intervals
from finetune.evaluation.curves import (
    confused_pairs,
    coverage_error,
    leaf_order,
    reliability,
    roc,
)
from finetune.evaluation.heatmap import MOST, heatmap_svg
from finetune.evaluation.plots import (
    coverage_svg,
    losses_svg,
    reliability_svg,
    roc_svg,
)
from finetune.metrics import expected_calibration_error


class Rows:
    """What `intervals` needs of a Scored: metrics of any rows of it."""

    def __init__(self, right, seen=None):
        self.right, self.seen = np.array(right, dtype=float), seen if seen is not None else []
        self.metrics = self.resample(np.arange(len(self.right)))

    def resample(self, places):
        self.seen.append(np.array(places))
        return {"n": len(places), "accuracy": float(self.right[places].mean())}


class NoRows:
    metrics = {"accuracy": 0.5}
    resample = None


def test_the_interval_of_accuracy_is_that_of_a_proportion():
    right = np.random.default_rng(1).random(400) < 0.8
    found = intervals(Rows(right), Rows(right), 400, seed=3, draws=1000)
    assert set(found) == {"accuracy"}
    low, high = found["accuracy"]["after"]
    width = 1.96 * np.sqrt(right.mean() * (1 - right.mean()) / 400)
    assert low == pytest.approx(right.mean() - width, abs=0.008)
    assert high == pytest.approx(right.mean() + width, abs=0.008)
    assert found["accuracy"]["gain"] == [0.0, 0.0]


def test_both_stages_are_scored_on_the_same_drawn_rows():
    before, after = Rows([0, 1, 0, 1, 1], []), Rows([1, 1, 0, 1, 1], [])
    intervals(before, after, 5, seed=0, draws=20)
    assert len(before.seen) == len(after.seen) == 21
    for first, second in zip(before.seen, after.seen, strict=True):
        np.testing.assert_array_equal(first, second)
    assert any(sorted(places) != list(range(5)) for places in before.seen)


def test_pairing_makes_a_small_steady_gain_certain():
    old = np.arange(500) % 10 >= 4
    new = old | (np.arange(500) % 10 == 0)  # every tenth row is mended, none is lost
    found = intervals(Rows(old), Rows(new), 500, seed=0)["accuracy"]
    assert found["gain"][0] > 0.05
    assert found["gain"][1] - found["gain"][0] < found["after"][1] - found["after"][0]


class Calibrated:
    """The calibration error of honest confidences; `metrics` are those of all rows."""

    def __init__(self, rows, seed):
        rng = np.random.default_rng(seed)
        self._sure = rng.uniform(0.3, 1, rows)
        self._hit = rng.random(rows) < self._sure
        self.metrics = self.resample(np.arange(rows))

    def resample(self, places):
        return {"ece": expected_calibration_error(self._sure[places], self._hit[places])}


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_of_a_calibration_error_holds_it(seed):
    before, after = Calibrated(200, seed), Calibrated(200, seed + 100)
    found = intervals(before, after, 200, seed=0)["ece"]
    for stage, scored in (("before", before), ("after", after)):
        low, high = found[stage]
        assert 0 <= low < scored.metrics["ece"] < high <= 1
    low, high = found["gain"]
    assert low < after.metrics["ece"] - before.metrics["ece"] < high


def test_intervals_are_the_same_for_the_same_seed_alone():
    right, other = np.arange(100) % 3 > 0, np.arange(100) % 4 > 0
    first, again, another = (intervals(Rows(right), Rows(other), 100, seed) for seed in (7, 7, 8))
    assert first == again != another


def test_without_resampling_or_rows_there_are_no_intervals():
    assert intervals(NoRows(), Rows([1, 0]), 2, seed=0) == {}
    assert intervals(Rows([1, 0]), NoRows(), 2, seed=0) == {}
    assert intervals(Rows([1, 0]), Rows([1, 0]), 0, seed=0) == {}


def test_draws_where_a_metric_is_undefined_are_left_out():
    class Sometimes(Rows):
        def resample(self, places):
            value = super().resample(places)["accuracy"]
            return {"accuracy": value if 0 in places else float("nan")}

    pairs = _draw(Sometimes([1, 0, 1]), Sometimes([1, 1, 1]), 3, seed=0, draws=200)["accuracy"]
    assert 0 < len(pairs) < 200
    assert np.isfinite(pairs).all()


def test_reliability_bins_hold_every_row_and_agree_with_ece():
    generator = np.random.default_rng(0)
    confidence = np.append(generator.random(500), [0.0, 1.0])
    right = generator.random(502) < confidence**2
    bins = reliability(confidence, right)
    assert len(bins) == 15
    assert sum(each.count for each in bins) == 502
    gaps = sum(each.count * abs(each.confidence - each.accuracy) for each in bins if each.count)
    assert gaps / 502 == pytest.approx(expected_calibration_error(confidence, right))
    last = confidence >= 14 / 15
    assert bins[-1].accuracy == pytest.approx(right[last].mean())
    empty = reliability([0.99], [True])[0]
    assert empty.count == 0
    assert np.isnan(empty.accuracy)


def test_coverage_and_error_go_from_the_surest_and_take_ties_together():
    coverage, error = coverage_error([0.9, 0.5, 0.5, 0.1], [True, True, False, False])
    np.testing.assert_allclose(coverage, [0.25, 0.75, 1.0])
    np.testing.assert_allclose(error, [0.0, 1 / 3, 0.5])


def test_the_area_under_the_roc_is_scikit_learns_ties_included():
    generator = np.random.default_rng(0)
    truth = generator.random(300) < 0.3
    scores = np.round(truth + generator.normal(size=300), 1)
    curve = roc(scores, truth)
    assert curve.area == pytest.approx(roc_auc_score(truth, scores))
    assert (curve.false_rate[0], curve.true_rate[0]) == (0, 0)
    assert (curve.false_rate[-1], curve.true_rate[-1]) == (1, 1)
    assert roc(scores, np.ones(300, dtype=bool)) is None
    assert roc([], []) is None


def test_classes_that_are_confused_stand_side_by_side():
    counts = np.diag([20] * 8)
    for first, second in ((0, 5), (3, 7), (1, 6)):
        counts[first, second] = counts[second, first] = 6
    order = leaf_order(counts)
    assert sorted(order) == list(range(8))
    for first, second in ((0, 5), (3, 7), (1, 6)):
        assert abs(order.index(first) - order.index(second)) == 1
    assert sorted(leaf_order(np.zeros((4, 4), dtype=int))) == [0, 1, 2, 3]
    assert leaf_order(np.array([[1, 2], [0, 1]])) == [0, 1]


def test_most_confused_pairs_count_both_ways_and_name_the_commoner_first():
    counts = np.array([[9, 1, 0], [4, 9, 2], [0, 0, 9]])
    pairs = confused_pairs(["a", "b", "c"], counts)
    assert [(p.first, p.second, p.first_as_second, p.second_as_first) for p in pairs] == [
        ("b", "a", 4, 1),
        ("b", "c", 2, 0),
    ]
    assert len(confused_pairs(["a", "b", "c"], counts, most=1)) == 1


@pytest.fixture(scope="module")
def drawings():
    generator = np.random.default_rng(0)
    confidence = generator.random(100)
    right = generator.random(100) < confidence
    return {
        "reliability": reliability_svg(reliability(confidence, right)),
        "coverage": coverage_svg(*coverage_error(confidence, right)),
        "roc": roc_svg(roc(confidence, right)),
        "losses": losses_svg([{"step": step, "loss_nats": 2.0 / step} for step in (1, 2)]),
        "heat": heatmap_svg(["<i>", "b", "c"], np.array([[5, 1, 0], [0, 5, 2], [0, 0, 5]])),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["reliability", "coverage", "roc", "losses", "heat"])
def test_a_drawing_is_whole_needs_nothing_else_and_fits_any_page(name, drawings):
    svg = drawings[name]
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("aria-label")
    outside = [url for url in re.findall(r"https?://[^\"' <]+", svg) if "www.w3.org" not in url]
    assert outside == []
    assert "<script" not in svg
    assert "<style" not in svg  # its rules would reach the page
    assert "currentColor" in svg
    assert "#000000" not in svg


def test_the_same_numbers_give_the_same_bytes():
    rows = [{"step": step, "loss_nats": 2.0 / step} for step in (1, 2)]
    assert losses_svg(rows) == losses_svg(rows)


def test_a_line_is_drawn_for_each_kind_of_loss_and_none_for_too_few():
    rows = [{"step": 1, "loss_nats": 2.0}, {"step": 2, "loss_nats": 1.5}]
    assert "training" in losses_svg(rows)
    assert "validation" not in losses_svg(rows)
    held = [{"step": step, "eval_loss": 1.0} for step in (1, 2)]
    assert "validation" in losses_svg(rows + held)
    assert losses_svg(rows[:1]) == ""
    assert losses_svg([{"step": 1, "loss_nats": float("nan")}, {"step": 2, "seconds": 3}]) == ""


def test_the_heat_map_grows_with_its_classes_and_tells_each_cell():
    few = np.diag([3, 3])
    few[0, 1] = 1
    svg = heatmap_svg(["refund", "login"], few)
    assert "refund → login: 1 (25%)" in svg
    assert svg.count("<rect") == 3  # empty cells are not drawn
    many = np.diag([5] * 150)
    many[3, 140] = 2
    large = ElementTree.fromstring(heatmap_svg([f"class_{n}" for n in range(150)], many))
    assert float(large.get("width")) > 150 * 10
    assert float(large.get("font-size")) >= 9


def test_of_too_many_classes_the_heat_map_keeps_the_confused_ones():
    counts = np.diag([5] * (MOST + 50))
    counts[MOST + 10, MOST + 20] = 3
    svg = heatmap_svg([f"c{n}" for n in range(MOST + 50)], counts)
    assert f"c{MOST + 10} → c{MOST + 20}: 3" in svg
    assert svg.count('class="hit"') == MOST


def test_matplotlib_loads_only_when_something_is_drawn():
    code = "import sys, finetune.evaluation.plots; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
