"""Confidence that means something, what is out of scope, and when to hand over: fitted on data."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.schema import OOS
from finetune.confidence.memory import Near
from finetune.confidence.policy import Judged, Policy, fit_policy
from finetune.confidence.scaling import Scaling, best_temperature, calibrated_loss, fit_scaling
from finetune.confidence.scope import ScopeScore, fit_scope, scope_scores
from finetune.confidence.trust import Levels, fit_levels
from finetune.config import HandOverConfig

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns logits into a decision; `fitted_on` says on how many rows of which kind."""

    scaling: Scaling
    scope: ScopeScore
    policy: Policy
    levels: Levels
    fitted_on: str

    @property
    def temperature(self) -> float:
        """The divisor of logits before scores of being in scope are taken."""
        return self.scaling.temperature

    def to_dict(self) -> dict[str, Any]:
        """Plain values for `calibration.json`."""
        return {"temperature": self.temperature, **asdict(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Calibration":
        """Read back what `to_dict` gave."""
        return cls(
            Scaling.from_dict(values["scaling"]),
            ScopeScore.from_dict(values["scope"]),
            Policy.from_dict(values["policy"]),
            Levels(**values["levels"]),
            values["fitted_on"],
        )

    def probabilities(self, logits: Floats, labels: Sequence[str]) -> Floats:
        """Calibrated probabilities (n, K') of the in-scope labels, from logits (n, K)."""
        return self.scaling.probabilities(_in_scope(logits, labels))

    def scope_scores(
        self, logits: Floats, labels: Sequence[str], near: Near | None = None
    ) -> Floats:
        """Probability (n,) of being in scope, as fitted; `near` where the score needs vectors."""
        scaled = logits.astype(np.float64) / self.temperature
        return self.scope.probability(scope_scores(scaled, labels, near))

    def accepts(self, probabilities: Floats, names: Sequence[str], scope: Floats) -> Bools:
        """Whether each row is answered (n,).

        Args:
            probabilities: (n, K') of the in-scope labels.
            names: These K' labels.
            scope: Probabilities (n,) of being in scope.
        """
        best = [names[place] for place in probabilities.argmax(axis=1)]
        return self.policy.accepts(best, probabilities.max(axis=1), scope)

    def in_scope(self, logits: Floats, labels: Sequence[str], near: Near | None = None) -> Bools:
        """Whether each row is answered (n,), from logits (n, K)."""
        names = [label for label in labels if label != OOS]
        scope = self.scope_scores(logits, labels, near)
        return self.accepts(self.probabilities(logits, labels), names, scope)


def fit_calibration(
    logits: Floats,
    labels: Sequence[str],
    gold: Sequence[str],
    rows: str,
    near: Near | None = None,
    hand_over: HandOverConfig | None = None,
    extra: int = 0,
    refuse: bool = True,
) -> Calibration:
    """Fit the scaling, the score of being in scope, and the policy.

    Args:
        logits: (n, K) of rows that the model was not trained on.
        labels: The K outputs, `oos` among them or not.
        gold: The n right labels.
        rows: What these rows are, for the record.
        near: Of the same rows; without it scores that need vectors are no candidates.
        hand_over: Costs or a precision, where they are stated.
        extra: So many of the last rows come from a file of out-of-scope texts, whose share says
            nothing of what customers will ask: together they weigh no more than those in scope.
        refuse: Whether rows may be refused where neither costs nor a precision are stated.
    """
    logits, truth = logits.astype(np.float64), np.array(gold)
    inside = truth != OOS
    names = [label for label in labels if label != OOS]
    target = np.array([names.index(label) for label in truth[inside]], dtype=int)
    scaling = fit_scaling(_in_scope(logits, labels)[inside], target)
    weights = np.ones(len(truth))
    if extra:
        weights[-extra:] = min(1.0, inside.sum() / extra)
    scope = fit_scope(logits / scaling.temperature, labels, gold, near, weights)
    scores = scope.probability(scope_scores(logits / scaling.temperature, labels, near))
    probabilities = scaling.probabilities(_in_scope(logits, labels))
    best = [names[place] for place in probabilities.argmax(axis=1)]
    confidence = probabilities.max(axis=1)
    right = np.array(best) == truth
    judged = Judged(best, confidence, scores, inside, right, weights)
    policy = fit_policy(judged, hand_over or HandOverConfig())
    if not refuse and policy.rule == "rows":
        policy = replace(policy, threshold=0.0, held_out={}, curve=(), by_intent={},
                         note="nothing is refused: the best step is wanted every time")  # fmt: skip
    count = f"{inside.sum()} in scope, {(~inside).sum()} out of scope, {rows}"
    if scope.pseudo:
        count += (
            "; scores of scope compared on pseudo-out-of-scope rows, made by holding out labels"
        )
    return Calibration(scaling, scope, policy, fit_levels(confidence, right), count)


def _in_scope(logits: Floats, labels: Sequence[str]) -> Floats:
    keep = [column for column, label in enumerate(labels) if label != OOS]
    return logits[:, keep].astype(np.float64)


__all__ = ["Calibration", "best_temperature", "calibrated_loss", "fit_calibration"]
