"""How far a metric, and what was gained on it, may be from its true value."""

import numpy as np
from numpy.typing import NDArray

from finetune.task import Scored

DRAWS = 300
_TAILS = (2.5, 97.5)  # percentiles that hold the middle 95%
_COUNTS = {"n"}  # how many rows there are is not estimated
# Means of absolute gaps: rows drawn again scatter once more, and each scatter widens a gap.
_BIASED = {"ece"}

Interval = list[float]


def intervals(
    before: Scored, after: Scored, n: int, seed: int, draws: int = DRAWS
) -> dict[str, dict[str, Interval]]:
    """95% intervals of every metric before and after tuning, and of what was gained.

    Rows are drawn with replacement, the same ones for both, so that a hard draw is hard for both
    and the interval of the gain is no wider than it must be.

    Args:
        before: Scored on the n rows before tuning.
        after: Scored on the same rows.
        n: How many rows there are.
        seed: Of the draws.
        draws: How many there are.

    Returns:
        Of each metric that both have, `before`, `after` and `gain` (after minus before), each
        [low, high]. Empty where either cannot be resampled or there are no rows.

    Source: percentile bootstrap, Efron & Tibshirani 1993; of the metrics of _BIASED with the
    bootstrap's estimate of their bias (there, chapter 10) taken off, without which an interval may
    lie above its own metric; paired, as Koehn 2004, https://aclanthology.org/W04-3250
    """
    drawn = _draw(before, after, n, seed, draws)
    found = {}
    for metric, pairs in drawn.items():
        old, new = float(before.metrics[metric]), float(after.metrics[metric])
        if metric in _BIASED:
            pairs = pairs - (pairs.mean(axis=0) - (old, new))
        found[metric] = {
            "before": _middle(pairs[:, 0], metric),
            "after": _middle(pairs[:, 1], metric),
            "gain": _middle(pairs[:, 1] - pairs[:, 0]),
        }
    return found


def _draw(
    before: Scored, after: Scored, n: int, seed: int, draws: int
) -> dict[str, NDArray[np.float64]]:
    """Of each metric its values (draws, 2) before and after; draws where either is NaN go."""
    old, new = before.resample, after.resample
    if old is None or new is None or n < 1:
        return {}
    generator = np.random.default_rng(seed)
    shared = [key for key in after.metrics if key in before.metrics and key not in _COUNTS]
    found: dict[str, list[tuple[float, float]]] = {key: [] for key in shared}
    for _ in range(draws):
        places = generator.integers(0, n, n)
        first, second = old(places), new(places)
        for key in shared:
            if key in first and key in second:
                found[key].append((float(first[key]), float(second[key])))
    tables = {key: np.array(pairs).reshape(-1, 2) for key, pairs in found.items()}
    finite = {key: pairs[np.isfinite(pairs).all(axis=1)] for key, pairs in tables.items()}
    return {key: pairs for key, pairs in finite.items() if len(pairs)}


def _middle(values: NDArray[np.float64], metric: str = "") -> Interval:
    low, high = np.percentile(values, _TAILS)
    if metric in _BIASED:  # shares, which the shift may have left
        low, high = np.clip((low, high), 0, 1)
    return [round(float(low), 5), round(float(high), 5)]
