"""The space of `deskhand tune`: what it may hold, and the values that it draws."""

import optuna
import pytest

from data.errors import ConfigError
from finetune.config import CONFIGS, train_config
from finetune.search import load_space
from finetune.search.sampler import NumberedSampler
from finetune.search.space import Dimension, value_of, with_values
from finetune.tasks import TASKS
from tests.conftest import small


def base(**values):
    return small("intent", "all-MiniLM-L6-v2", "full", **values)


def test_every_mistake_of_a_space_has_its_line(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(
        "optim.lr: {low: 1.0e-2, high: 1.0e-4}\noptim.epochs: {choices: []}\n"
        "optim.dropout: {low: 0}\noptim.clip: {lowest: 1}\noptim.batch_size: {low: 0, high: 4, "
        "log: true}\noptim.schedule: {choices: [cosine], low: 1}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_space(base(), path)
    head, *lines = str(caught.value).splitlines()
    assert head == f"{path} is not a valid Space:"
    assert [line.strip().split(":")[0] for line in lines] == [
        "optim.lr", "optim.epochs.choices", "optim.dropout", "optim.clip.lowest",
        "optim.batch_size", "optim.schedule",
    ]  # fmt: skip


def test_settings_that_do_not_exist_or_would_be_refused_have_their_line(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(
        "optim.lrr: {low: 1.0e-4, high: 1.0e-3}\noptim: {choices: [1]}\nseed: {choices: [1, 2]}\n"
        "optim.label_smoothing: {low: 0.0, high: 1.5}\nmethod: {choices: [lora, magic]}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_space(base(), path)
    head, *lines = str(caught.value).splitlines()
    assert head == f"{path} is not a space for task intent:"
    assert [line.strip().split(":")[0] for line in lines] == [
        "optim.lrr", "optim", "seed", "optim.label_smoothing", "method"
    ]  # fmt: skip
    path.write_text("{}\n")
    with pytest.raises(ConfigError, match="nothing to search"):
        load_space(base(), path)


@pytest.mark.parametrize("task", TASKS)
def test_each_task_ships_a_space_whose_first_trial_is_its_config(task):
    path = CONFIGS / "spaces" / f"{task}.yaml"
    assert path.read_text(encoding="utf-8").startswith(f"# Run:  deskhand tune {task} ")
    config = train_config(task)
    space = load_space(config)
    assert set(space.given(config)) == set(space.root)
    assert with_values(config, space.given(config)) == config


def test_a_space_holds_what_it_can_draw():
    study = optuna.create_study(sampler=NumberedSampler(0))
    dimensions = {
        "whole": Dimension(low=1, high=9, step=2),
        "rate": Dimension(low=1e-5, high=1e-3, log=True),
        "share": Dimension(low=0.0, high=1.0, step=0.25),
        "name": Dimension(choices=("a", None, True, 3)),
    }
    for _ in range(20):
        trial = study.ask()
        for name, dimension in dimensions.items():
            assert dimension.holds(dimension.draw(name, trial)), name
    assert isinstance(trial.params["whole"], int)
    assert not dimensions["whole"].holds(2)
    assert not dimensions["rate"].holds(1)
    assert not dimensions["rate"].holds("fast")
    assert not dimensions["whole"].holds(True)


def test_values_are_set_by_their_full_name():
    config = with_values(base(), {"optim.lr": 0.5, "max_tokens": 64})
    assert (value_of(config, "optim.lr"), config.max_tokens) == (0.5, 64)
    with pytest.raises(ConfigError, match=r"optim: .*does not divide by accumulate .with optim"):
        with_values(base(), {"optim.batch_size": 16, "optim.accumulate": 3})
