"""From logits to probabilities that mean what they say, by the scaling that measures best."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax, logsumexp, softmax

Floats = NDArray[np.floating[Any]]
Kind = Literal["temperature", "ensemble", "vector"]
FOLDS = 5
_LEAST = 50  # rows; of fewer, one number is all that can be learned


@dataclass(frozen=True, slots=True)
class Scaling:
    """How logits (n, K) become probabilities.

    `temperature` divides them. An `ensemble` mixes softmax(z / T), softmax(z) and 1 / K by `mix`.
    A `vector` has a factor and a bias for each label. `losses` are the mean log losses (nats) by
    kind, on rows that each fold of a cross-validation held out; empty where rows were too few.

    Source: temperature and vector scaling, Guo et al. 2017, arXiv:1706.04599; ensemble temperature
    scaling, Zhang et al. 2020, arXiv:2003.07329
    """

    kind: Kind
    temperature: float
    mix: tuple[float, ...] = ()
    factors: tuple[float, ...] = ()
    biases: tuple[float, ...] = ()
    losses: Mapping[str, float] | None = None

    def log_probabilities(self, logits: Floats) -> Floats:
        """Of logits (n, K), in nats (n, K)."""
        result: Floats
        if self.kind == "vector":
            result = log_softmax(logits * np.array(self.factors) + np.array(self.biases), axis=1)
        elif self.kind == "ensemble":
            parts = _parts(logits, self.temperature)
            with np.errstate(divide="ignore"):
                weights = np.log(np.array(self.mix))[:, None, None]
            result = logsumexp(parts + weights, axis=0)
        else:
            result = log_softmax(logits / self.temperature, axis=1)
        return result

    def probabilities(self, logits: Floats) -> Floats:
        """Of logits (n, K), each row summing to 1."""
        result: Floats = softmax(self.log_probabilities(logits), axis=1)
        return result

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Scaling":
        """Read back what `dataclasses.asdict` gave, through JSON or not."""
        lists = {key: tuple(values[key]) for key in ("mix", "factors", "biases")}
        return cls(**{**values, **lists})


def fit_scaling(logits: Floats, target: NDArray[np.int_]) -> Scaling:
    """The scaling of logits (n, K) with the lowest log loss against target (n,).

    One with more numbers than a temperature has to be better in cross-validation by more than the
    standard error of the difference.
    """
    if len(target) < _LEAST:
        return _fit("temperature", logits, target)
    folds = np.random.default_rng(0).permutation(len(target)) % FOLDS
    losses = {}
    kinds: tuple[Kind, ...] = ("temperature", "ensemble", "vector")
    for kind in kinds:
        row_losses = np.empty(len(target))
        for fold in range(FOLDS):
            held = folds == fold
            fitted = _fit(kind, logits[~held], target[~held])
            row_losses[held] = _losses(fitted, logits[held], target[held])
        losses[kind] = row_losses
    best: Kind = "temperature"
    for kind in kinds[1:]:
        gain = losses[best] - losses[kind]
        if gain.mean() > gain.std() / np.sqrt(len(gain)):
            best = kind
    chosen = _fit(best, logits, target)
    means: dict[str, float] = {kind: round(float(each.mean()), 5) for kind, each in losses.items()}
    return Scaling(
        best, chosen.temperature, chosen.mix, chosen.factors, chosen.biases, losses=means
    )


def calibrated_loss(logits: Floats, target: NDArray[np.int_]) -> float:
    """Mean log loss (nats) of logits (n, K) at the temperature that suits them best."""
    scaled = log_softmax(logits / best_temperature(logits, target), axis=1)
    return float(-scaled[np.arange(len(target)), target].mean()) if len(target) else 0.0


def best_temperature(logits: Floats, target: NDArray[np.int_]) -> float:
    """The divisor of logits (n, K) with the lowest log loss against target (n,); 1 without rows.

    Source: temperature scaling, Guo et al. 2017, arXiv:1706.04599
    """

    def loss(log_temperature: float) -> float:
        probabilities = log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-probabilities[np.arange(len(target)), target].mean())

    if len(target) == 0:
        return 1.0
    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))


def _fit(kind: Kind, logits: Floats, target: NDArray[np.int_]) -> Scaling:
    temperature = best_temperature(logits, target)
    if kind == "ensemble":
        mix = _mixture(_parts(logits, temperature)[:, np.arange(len(target)), target])
        return Scaling(kind, temperature, mix=tuple(map(float, mix)))
    if kind == "vector":
        factors, biases = _vector(logits, target, temperature)
        return Scaling(
            kind, temperature, factors=tuple(map(float, factors)), biases=tuple(map(float, biases))
        )
    return Scaling(kind, temperature)


def _parts(logits: Floats, temperature: float) -> Floats:
    """Log probabilities (3, n, K) that an ensemble mixes."""
    even = np.full(logits.shape, -np.log(logits.shape[1]))
    return np.stack([log_softmax(logits / temperature, axis=1), log_softmax(logits, axis=1), even])


def _mixture(parts: Floats) -> Floats:
    """Weights of parts, given the log probability (3, n) that each gave what was right: by EM."""
    mix = np.array([0.9, 0.05, 0.05])
    for _ in range(100):
        shares = softmax(parts + np.log(np.maximum(mix, 1e-12))[:, None], axis=0)
        mix = shares.mean(axis=1)
    return mix


def _vector(logits: Floats, target: NDArray[np.int_], temperature: float) -> tuple[Floats, Floats]:
    """Factors and biases (K,), drawn to a plain temperature as by a prior of variance 1."""
    labels, rows = logits.shape[1], np.arange(len(target))
    scaled = logits / temperature

    def loss(values: Floats) -> tuple[float, Floats]:
        factors, biases = values[:labels], values[labels:]
        logs = log_softmax(scaled * factors + biases, axis=1)
        slope = np.exp(logs)
        slope[rows, target] -= 1.0
        prior = 0.5 * (((factors - 1) ** 2).sum() + (biases**2).sum())
        gradient = np.concatenate(
            [(slope * scaled).sum(axis=0) + factors - 1, slope.sum(axis=0) + biases]
        )
        return float(-logs[rows, target].sum() + prior), gradient

    start = np.concatenate([np.ones(labels), np.zeros(labels)])
    found = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return found[:labels] / temperature, found[labels:]


def _losses(scaling: Scaling, logits: Floats, target: NDArray[np.int_]) -> Floats:
    result: Floats = -scaling.log_probabilities(logits)[np.arange(len(target)), target]
    return result
