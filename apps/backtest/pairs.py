"""Judged pairs of answers: reading them, and fitting on half of them what judges the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.backtest.evidence import Evidence, Pair, evidence_of, matrix
from data.encoders import Encoder
from data.errors import LogFormatError
from data.rows import read_rows

JUDGED = Path(__file__).parents[2] / "data" / "samples" / "backtest" / "pairs.jsonl"
LEAST = 10  # pairs of each judgement, in each half
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far a fitted rule agrees with a person, on `n` pairs that it was not fitted on.

    `kappa` is Cohen's; `precision` the part of what the rule calls right that is, `recall` the part
    of what is right that it calls so; `fitted_on` counts the pairs of the other half.
    """

    n: int
    accuracy: float
    kappa: float
    precision: float
    recall: float
    fitted_on: int


@dataclass(frozen=True, slots=True)
class Likeness:
    """A fitted rule: evidence times `weights` and `bias`, above 0 where an answer serves as well.

    Below a cosine of `floor`, the least of a right pair, no answer does.
    """

    weights: tuple[float, ...]
    bias: float
    floor: float
    agreement: Agreement

    def score(self, evidence: Sequence[Evidence]) -> NDArray[np.float64]:
        """The probability of each, 0 to 1, that it serves as well; 0 below the floor."""
        rows = matrix(evidence)
        chance = 1 / (1 + np.exp(-(rows @ np.array(self.weights) + self.bias)))
        return np.where(rows[:, 0] >= self.floor, chance, 0.0)


def read_pairs(path: Path) -> list[Pair]:
    """Judged pairs: a row each, with `question`, `human`, `bot`, `right` and `where`.

    Raises:
        LogFormatError: With file and line, if a row lacks one of them or there are too few.
    """
    pairs = []
    for row in read_rows(path):
        values: dict[str, Any] = dict(row.values)
        texts = [values.get(name) for name in ("question", "human", "bot")]
        right = _judgement(values.get("right"))
        if right is None or not all(isinstance(text, str) and text.strip() for text in texts):
            raise LogFormatError(
                f"{row.where}: a judged pair needs question, human, bot, and right: true or false"
            )
        question, human, bot = map(str, texts)
        pairs.append(Pair(question, human, bot, right, str(values.get("where") or "")))
    for half in halves(pairs):
        for wanted in (True, False):
            if sum(pair.right is wanted for pair in half) < LEAST:
                raise LogFormatError(
                    f"{path}: {len(pairs)} judged pairs; each half of the conversations needs "
                    f"{LEAST} right and {LEAST} wrong ones"
                )
    return pairs


def halves(pairs: Sequence[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Every other conversation to fit on, the others to look at; `where` is `conversation:turn`."""
    names = [pair.where.rpartition(":")[0] or pair.where or str(n) for n, pair in enumerate(pairs)]
    order = {name: number for number, name in enumerate(dict.fromkeys(names))}
    fit: list[Pair] = []
    other: list[Pair] = []
    for pair, name in zip(pairs, names, strict=True):
        (other if order[name] % 2 else fit).append(pair)
    return fit, other


def fit_likeness(pairs: Sequence[Pair], encoder: Encoder) -> Likeness:
    """Fit on one half, measure on the other.

    Whether the cosine is joined by the rest of the evidence is chosen by cross-validation within
    the half that is fitted on.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fit, other = halves(pairs)
    rows, rest = (matrix(evidence_of(half, encoder)) for half in (fit, other))
    right = np.array([pair.right for pair in fit])

    def reached(columns: int) -> float:
        model = make_pipeline(StandardScaler(), LogisticRegression())
        return float(cross_val_score(model, rows[:, :columns], right, cv=_FOLDS).mean())

    columns = max((1, rows.shape[1]), key=reached)
    scaler = StandardScaler().fit(rows[:, :columns])
    model = LogisticRegression().fit(scaler.transform(rows[:, :columns]), right)
    weights = np.zeros(rows.shape[1])
    weights[:columns] = model.coef_[0] / scaler.scale_
    bias = float(model.intercept_[0] - scaler.mean_ @ weights[:columns])
    floor = float(rows[right, 0].min())
    judged = (rest @ weights + bias > 0) & (rest[:, 0] >= floor)
    measured = agreement(judged, np.array([pair.right for pair in other]), len(fit))
    return Likeness(tuple(map(float, weights)), bias, floor, measured)


def agreement(judged: NDArray[np.bool_], right: NDArray[np.bool_], fitted_on: int) -> Agreement:
    """Accuracy and Cohen's kappa, which is 0 where both always say the same."""
    same = float((judged == right).mean())
    yes, truly = float(judged.mean()), float(right.mean())
    chance = yes * truly + (1 - yes) * (1 - truly)
    kappa = (same - chance) / (1 - chance) if chance < 1 else 0.0
    both = float((judged & right).mean())
    precision, recall = (both / part if part else 0.0 for part in (yes, truly))
    return Agreement(len(right), same, kappa, precision, recall, fitted_on)


def _judgement(value: Any) -> bool | None:  # noqa: ANN401 - whatever the file holds
    """True or false; a table writes them as words."""
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None
