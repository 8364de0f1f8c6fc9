"""Which values a trial tries: TPE, with random numbers that follow from the trial's number."""

from typing import Any

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial

RANDOM_TRIALS = 5  # before what was seen guides the draws


class NumberedSampler(BaseSampler):
    """TPE that draws the same for a trial whether or not the search was stopped before it.

    A plain seeded sampler would begin its random numbers anew when a search goes on, and try again
    what was tried; and so would each of several workers.

    Source: tree-structured Parzen estimators, Bergstra et al. 2011,
    https://proceedings.neurips.cc/paper/2011/hash/86e8f7ab32cfd12577bc2619bc635690-Abstract.html
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._tpe = TPESampler(seed=seed)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """See BaseSampler."""
        seed = (self._seed * 100_003 + trial.number) % 2**32
        self._tpe = TPESampler(seed=seed, n_startup_trials=RANDOM_TRIALS)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """See BaseSampler."""
        return self._tpe.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """See BaseSampler."""
        return self._tpe.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:  # noqa: ANN401 - as the parent
        """See BaseSampler."""
        return self._tpe.sample_independent(study, trial, param_name, param_distribution)
