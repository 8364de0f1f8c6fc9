"""A training whose weights are no numbers any more: told, never published or picked."""

import numpy as np
import optuna
import pytest

from data.errors import ConfigError
from data.schema import Example
from finetune.reading import read_splits
from finetune.reply.ranking import score_ranking
from finetune.search.space import Dimension, Space
from finetune.search.trials import objective
from finetune.tasks import TASKS
from finetune.train import train
from tests.conftest import SMALL, small

pytestmark = pytest.mark.usefixtures("here")
TOO_FAST = {**SMALL, "lr": 1e30}


def test_scores_that_are_no_numbers_rank_every_rival_first():
    examples = [Example(f"q {n}", answer=f"a {n}", where=f"c{n}:1") for n in range(12)]
    found = score_ranking(lambda asked, offered: np.full(len(asked), np.nan), examples, 0)
    assert found.metrics["recall_at_1_of_10"] == 0
    assert found.metrics["mrr"] == pytest.approx(0.1)


@pytest.mark.parametrize("task", ["intent", "ner", "reply"])
def test_a_training_that_diverged_is_refused(task, tiny, folders, tmp_path):
    with pytest.raises(ConfigError, match=r"the training diverged.*; lower optim.lr$"):
        train(small(task, tiny, optim=TOO_FAST), folders[task], tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("task", ["intent", "reply"])
def test_a_trial_that_diverged_is_ended_and_the_search_goes_on(task, tiny, folders):
    config = small(task, tiny)
    splits = read_splits(folders[task], None, lambda path: TASKS[task].read(path, config))
    space = Space({"optim.lr": Dimension(low=1e-3, high=1e30)})
    with pytest.raises(optuna.TrialPruned, match="the training diverged"):
        objective(optuna.trial.FixedTrial({"optim.lr": 1e30}), config, space, splits, None)
