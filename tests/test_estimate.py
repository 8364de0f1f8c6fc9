"""What a training will take is said before it, and saying so changes nothing."""

import copy
import random

import numpy as np
import pytest
import torch

from finetune.estimate import estimate
from finetune.reading import read_splits
from finetune.run_dir import RunDir
from finetune.tasks import TASKS
from tests.conftest import SMALL, small

pytestmark = pytest.mark.usefixtures("here")


def estimated(method, tiny, folders, tmp_path, watch=lambda trainer: None, precision="fp32"):
    task = TASKS["intent"]
    config = small("intent", tiny, method, optim={**SMALL, "precision": precision})
    splits = read_splits(folders["intent"], None, lambda path: task.read(path, config))
    trainer = task.trainer(config, splits, RunDir(tmp_path / method))
    watch(trainer)
    return trainer, estimate(trainer, config, splits)


def test_all_parameters_count_where_the_encoder_is_cut_in_two(tiny, folders, tmp_path):
    _, whole = estimated("full", tiny, folders, tmp_path)
    trainer, half = estimated("top_layers", tiny, folders, tmp_path)
    assert trainer.model.uncut is not None
    assert half.parameters == whole.parameters
    assert 0 < half.trainable < whole.trainable
    assert half.steps == whole.steps == 2


def test_an_estimate_leaves_weights_gradients_and_random_numbers_alone(tiny, folders, tmp_path):
    kept = {}

    def watch(trainer):
        kept["weights"] = copy.deepcopy(trainer.model.state_dict())
        kept["random"] = random.getstate(), torch.get_rng_state()

    trainer, found = estimated("full", tiny, folders, tmp_path, watch)
    for name, value in trainer.model.state_dict().items():
        assert torch.equal(value, kept["weights"][name]), name
    assert all(each.grad is None for each in trainer.model.parameters())
    python, torches = kept["random"]
    assert random.getstate() == python
    assert torch.equal(torch.get_rng_state(), torches)
    assert found.minutes >= 0
    assert found.memory_gib > 0


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_steps_are_timed_in_the_precision_of_the_training(precision, tiny, folders, tmp_path):
    seen = set()

    def watch(trainer):
        trainer.model.encoder.register_forward_pre_hook(
            lambda *_: seen.add(torch.is_autocast_enabled("cpu"))
        )

    estimated("full", tiny, folders, tmp_path, watch, precision)
    assert seen == {precision == "bf16"}


def test_the_longest_rows_do_not_count_for_the_time(tiny, folders, tmp_path, monkeypatch):
    seen = []

    def watch(trainer):
        trainer.train_dataset.rows = [
            {"input_ids": [2] + [7] * (30 - row) + [3], "label": 0} for row in range(28)
        ]
        inside = trainer.data_collator
        trainer.data_collator = lambda rows: seen.append(len(rows[0]["input_ids"])) or inside(rows)
        monkeypatch.setattr(trainer, "_get_train_sampler", lambda data: range(28))

    estimated("full", tiny, folders, tmp_path, watch)
    assert seen[0] == 32
    assert max(seen[1:]) < 32
    assert abs(np.mean(seen[1:]) - 18.5) < 3


def test_a_contrastive_training_takes_the_steps_that_were_told(tiny, folders, tmp_path):
    task = TASKS["intent"]
    few = {"epochs": 3, "labels_a_step": 2, "rows_a_label": 4}
    config = small("intent", tiny, "contrastive", optim={"batch_size": 4}, contrastive=few)
    splits = read_splits(folders["intent"], None, lambda path: task.read(path, config))
    trainer = task.trainer(config, splits, RunDir(tmp_path / "run"))
    told = estimate(trainer, config, splits).steps
    trainer.train()
    assert told == trainer.state.global_step
