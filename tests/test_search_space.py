"""The space of `deskhand tune`: what it may hold, and the values that it draws."""

import optuna
import pytest

from data.errors import ConfigError
from finetune.config import CONFIGS, train_config
from finetune.search import load_space
from finetune.search.sampler import NumberedSampler
from finetune.search.space import Dimension, shipped_space, value_of, with_drawn, with_values
from finetune.settings_read import not_read_by
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


OWN = {
    "intent_contrastive": train_config("intent", overrides=["method=contrastive"]),
    "intent_head": train_config("intent", CONFIGS / "intent_head.yaml"),
    "dialogue_preferences": train_config(
        "dialogue", overrides=["dialogue.objective=kto", "dialogue.start=runs/start"]
    ),
}


def test_every_shipped_space_belongs_to_a_task_or_to_a_kind_of_training():
    assert {path.stem for path in (CONFIGS / "spaces").glob("*.yaml")} == {*TASKS, *OWN}


@pytest.mark.parametrize("name", OWN)
def test_a_kind_that_reads_other_settings_ships_its_own_space(name):
    config, path = OWN[name], CONFIGS / "spaces" / f"{name}.yaml"
    assert shipped_space(config) == path
    space = load_space(config)
    assert space == load_space(config, path)
    assert set(space.given(config)) == set(space.root)
    assert with_values(config, space.given(config)) == config
    assert path.read_text(encoding="utf-8").startswith(f"# Run:  deskhand tune {config.task} ")


@pytest.mark.parametrize("name", OWN)
def test_settings_that_a_training_does_not_read_are_not_searched(name, tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text("optim.lr: {low: 1.0e-4, high: 1.0e-3}\nadapter.rank: {choices: [4, 8]}\n")
    with pytest.raises(ConfigError) as caught:
        load_space(OWN[name], path)
    assert [line.strip().split(" does not")[0] for line in str(caught.value).splitlines()[1:]] == [
        f"{setting}: {told.partition(' does not')[0]}"
        for setting in ("optim.lr", "adapter.rank")
        for told in [not_read_by(OWN[name])]
    ]


def test_the_shipped_space_leaves_out_what_another_method_reads():
    config = train_config("intent", overrides=["method=lora"])
    assert "top_layers" in load_space(train_config("intent")).root
    assert set(load_space(config).root) == {
        "optim.lr", "optim.epochs", "optim.batch_size", "optim.label_smoothing"
    }  # fmt: skip
    with pytest.raises(ConfigError, match="nothing in it is read by this config"):
        load_space(train_config("summary", overrides=["summary.kind=extractive"]))


def test_a_setting_is_searched_where_one_of_the_methods_in_the_space_reads_it(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(
        "method: {choices: [full, contrastive]}\noptim.lr: {low: 1.0e-4, high: 1.0e-3}\n"
        "contrastive.lr: {low: 1.0e-5, high: 1.0e-4}\n"
        "optim.label_smoothing: {choices: [0.0, 0.05]}\nhead.folds: {choices: [3, 5]}\n"
    )
    config = base(optim={"lr": 2e-4}, multi_label=False)
    assert set(load_space(config, path).root) == {
        "method", "optim.lr", "contrastive.lr", "optim.label_smoothing", "head.folds"
    }  # fmt: skip
    drawn = {"method": "contrastive", "optim.lr": 5e-4, "contrastive.lr": 3e-5,
             "optim.label_smoothing": 0.05, "head.folds": 3}  # fmt: skip
    found = with_drawn(config, drawn)
    assert (found.optim.lr, found.optim.label_smoothing) == (2e-4, 0.1)  # as it was given
    assert (found.contrastive.lr, found.head.folds) == (3e-5, 3)
    found = with_drawn(config, {**drawn, "method": "full"})
    assert (found.optim.lr, found.contrastive.lr, found.head.folds) == (5e-4, 5e-5, 5)


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
