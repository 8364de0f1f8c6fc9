"""When to answer and when to hand over: thresholds fitted to costs, to a precision, or to neither.

Three rules. `costs`: the threshold under which held-out rows cost least. `precision`: the one that
answers most while the share of right answers is high enough, with 95% confidence. `rows`, where
neither is stated: the one under which most rows are right (an in-scope row that is refused is not);
without out-of-scope rows, one that refuses at most MAX_REFUSED of the rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from scipy.special import expit, logit
from scipy.stats import beta

from finetune.confidence.trust import Bools, Floats, Trust, fit_trust
from finetune.config import HandOverConfig

MAX_REFUSED = 0.005  # of held-out rows, where no out-of-scope rows tell what to refuse
SURE = 0.95  # how sure a stated precision is held
_STARTS = 3  # searches for the threshold of a precision
_STEP = 0.025  # of the rows: how finely a precision's threshold is looked for
_POINTS = 40  # of the curve that is kept for the report


@dataclass(frozen=True, slots=True)
class Policy:
    """Answers a row whose score reaches `threshold`; others are handed over.

    The score in [0, 1] is the probability of being in scope under the rule `rows`, else `trust`:
    the probability that the best intent is right. Its intents' own shifts make a threshold of one
    intent's another than that of the others. `curve` has (threshold, share answered, share wrong
    among answered, mean cost) on held-out rows by their weights; `held_out` counts what the chosen
    one does there; `met` whether a stated precision is held.
    """

    rule: Literal["rows", "costs", "precision"]
    threshold: float
    trust: Trust | None
    stated: Mapping[str, float | None]
    held_out: Mapping[str, float]
    note: str = ""
    met: bool | None = None
    curve: tuple[tuple[float, float, float, float], ...] = ()
    by_intent: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def accepts(self, names: Sequence[str], confidence: Floats, scope: Floats) -> Bools:
        """Whether each row is answered (n,).

        Args:
            names: The n best intents.
            confidence: Of them, calibrated.
            scope: Probabilities (n,) of being in scope.
        """
        scores = scope if self.trust is None else self.trust.of(names, confidence, scope)
        accepted: Bools = scores >= self.threshold
        return accepted

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Policy":
        """Read back what `dataclasses.asdict` gave, through JSON or not."""
        trust = None if values["trust"] is None else Trust.from_dict(values["trust"])
        curve = tuple(tuple(point) for point in values["curve"])
        return cls(**{**values, "trust": trust, "curve": curve})


@dataclass(frozen=True, slots=True)
class Judged:
    """Held-out rows: best intents (n), confidence, scope, whether in scope, right, and weights."""

    names: Sequence[str]
    confidence: Floats
    scope: Floats
    inside: Bools
    right: Bools
    weights: Floats


def fit_policy(rows: Judged, hand_over: HandOverConfig) -> Policy:
    """The policy for what is stated, fitted on rows that the model was not trained on."""
    stated = hand_over.model_dump(mode="json")
    if hand_over.precision is None and hand_over.hand_over_cost is None:
        cut, trust, scores = _by_rows(rows), None, rows.scope
        return Policy("rows", cut, trust, stated, _counts(rows, scores >= cut),
                      curve=_curve(rows, scores, cut, hand_over),
                      by_intent=_by_intent(rows, scores >= cut))  # fmt: skip
    trust, scores = fit_trust(rows.names, rows.confidence, rows.scope, rows.right, rows.weights)
    met, note = None, ""
    if hand_over.precision is None:
        cut = _cheapest(rows, scores, hand_over)
        rule: Literal["costs", "precision"] = "costs"
    else:
        cut, met, note = _precise(rows, scores, hand_over.precision)
        rule = "precision"
    return Policy(
        rule, cut, trust, stated, _counts(rows, scores >= cut), note, met,
        _curve(rows, scores, cut, hand_over), _by_intent(rows, scores >= cut, trust, cut),
    )  # fmt: skip


def lower_bound(right: float, count: float, sure: float = SURE) -> float:
    """The least share that `right` of `count` speaks for, at a one-sided confidence of `sure`.

    Both may be sums of weights up to 1: those scatter less than as many rows of weight 1 would, so
    that the bound is rather too low.

    Source: Clopper & Pearson 1934, doi:10.1093/biomet/26.4.404
    """
    if not 0 <= right <= count:
        raise ValueError(f"{right} of {count} rows cannot be right")
    return float(beta.ppf(1 - sure, right, count - right + 1)) if right else 0.0


def _by_rows(rows: Judged) -> float:
    """The threshold on scope of the rule `rows`."""
    if rows.inside.all():
        odds = np.sort(logit(rows.scope))
        # A hair below, so that rounding elsewhere does not refuse the row that sets it.
        hair = 1e-3 * float(odds.std()) + 1e-4
        return float(expit(odds[int(len(odds) * MAX_REFUSED)] - hair))
    cuts = _cuts(rows.scope)
    answered = rows.scope[None, :] >= cuts[:, None]
    # Rows count alike: where few are out of scope, recall of them on so few says little, and a
    # refused customer costs as much as an answer to somebody who asked for none.
    good = np.where(answered, rows.right & rows.inside, ~rows.inside)
    return _middle(cuts, -(good * rows.weights).sum(axis=1))


def _cheapest(rows: Judged, scores: Floats, hand_over: HandOverConfig) -> float:
    """The middle of the thresholds that cost least."""
    cuts = _cuts(scores)
    answered = scores[None, :] >= cuts[:, None]
    return _middle(cuts, (_costs(rows, answered, hand_over) * rows.weights).sum(axis=1))


def _precise(rows: Judged, scores: Floats, precision: float) -> tuple[float, bool, str]:
    """The threshold that answers most of those that hold the precision; whether any does, and why.

    Shares of the rows are tested from few to many, and the first that fails ends it: so a search
    errs no more often than one test. One that ended by bad luck at its first row is no end: there
    are _STARTS searches from different beginnings, and the level is shared among them. Rows count
    by their weights, as they do where costs are stated.

    Source: fixed sequence testing from several starts, Angelopoulos et al. 2021 (Learn then Test),
    arXiv:2110.01052
    """
    order = np.argsort(-scores, kind="stable")
    weights = rows.weights[order]
    weighed, hits = np.cumsum(weights), np.cumsum(weights * rows.right[order])
    n, total = len(order), float(weighed[-1])
    level = 1 - (1 - SURE) / _STARTS
    needed = int(np.ceil(np.log(1 - level) / np.log(precision)))
    if needed > total:
        note = f"{n} held-out rows; {needed} right ones in a row are needed to show it"
        return float(scores[order[0]]), False, note
    sums = [*range(needed, int(total), max(1, round(total * _STEP))), total]
    places = np.searchsorted(weighed, sums)  # of the last row that each share answers
    bounds = [lower_bound(hits[last], weighed[last], level) for last in places]
    passed = None
    for start in np.linspace(0, len(places) - 1, _STARTS, endpoint=False).astype(int):
        for place in range(start, len(places)):
            if bounds[place] < precision:
                break
            passed = max(place, passed or 0)
    place = int(np.argmax(bounds)) if passed is None else passed
    note = (
        f"at least {bounds[place]:.4f} of {places[place] + 1} answered, with {SURE:.0%} "
        f"confidence, by {n} held-out rows"
    )
    if total < n:
        note += f"; those of the file of out-of-scope texts count less, all as {total:.0f} rows"
    return float(scores[order[places[place]]]), passed is not None, note


def _costs(rows: Judged, answered: Bools, hand_over: HandOverConfig) -> Floats:
    """Of each row, by whether it is answered; shapes (…, n)."""
    costs: Floats = np.where(
        answered, hand_over.wrong_cost * ~rows.right, hand_over.hand_over_cost or 0.0
    )
    return costs


def _cuts(scores: Floats) -> Floats:
    """Thresholds to try: halfway between neighbouring scores, clear of the rows on both sides."""
    edges = np.unique(np.concatenate([[0.0], scores, [1.0]]))
    if len(edges) > 2000:  # more are no better, and each is a pass over all rows
        edges = np.unique(np.quantile(edges, np.linspace(0, 1, 2000)))
    return np.concatenate([[0.0], (edges[1:] + edges[:-1]) / 2, [1.0]])


def _middle(cuts: Floats, loss: Floats) -> float:
    """The middle of the cuts with the lowest loss."""
    best = cuts[loss <= loss.min() + 1e-9]
    return float(best[len(best) // 2])


def _counts(rows: Judged, answered: Bools) -> dict[str, float]:
    return {
        "rows": len(answered),
        "answered": int(answered.sum()),
        "wrong": int((answered & ~rows.right).sum()),
        "handed_over": int((~answered).sum()),
    }


def _curve(
    rows: Judged, scores: Floats, chosen: float, hand_over: HandOverConfig
) -> tuple[tuple[float, float, float, float], ...]:
    points = []
    for cut in np.unique([*np.quantile(scores, np.linspace(0, 1, _POINTS)), chosen]):
        answered = scores >= cut
        weights = rows.weights
        wrong = (
            np.average(~rows.right[answered], weights=weights[answered]) if answered.any() else 0.0
        )
        cost = np.average(_costs(rows, answered, hand_over), weights=weights)
        share = np.average(answered, weights=weights)
        points.append((float(cut), float(share), float(wrong), float(cost)))
    return tuple(points)


def _by_intent(
    rows: Judged, answered: Bools, trust: Trust | None = None, cut: float = 0.0
) -> dict[str, dict[str, float]]:
    """By best intent: rows, answered, wrong among them and, where it differs, its threshold."""
    names = np.array(rows.names)
    table: dict[str, dict[str, float]] = {}
    for name in sorted(set(rows.names)):
        own = names == name
        table[name] = {
            "rows": int(own.sum()),
            "answered": int((own & answered).sum()),
            "wrong": int((own & answered & ~rows.right).sum()),
        }
        if trust is not None:
            table[name]["threshold"] = trust.threshold_of(name, cut)
    return table
