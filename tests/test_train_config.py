"""A training config refuses what it does not know, each mistake in its line."""

from typing import get_args

import pytest
import yaml

from data.errors import ConfigError
from finetune.config import CONFIGS, TrainConfig, train_config
from finetune.methods import METHODS, TaskName
from finetune.tasks import TASKS

pytestmark = pytest.mark.usefixtures("here")


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_config_loads_and_begins_with_its_command(path):
    task = yaml.safe_load(path.read_text(encoding="utf-8"))["task"]
    assert task == path.stem.split("_")[0] or path.stem == "next_action"
    assert train_config(task, path).task == task
    assert path.read_text(encoding="utf-8").startswith(f"# Run:  deskhand train {task} ")


def test_each_task_has_a_shipped_config():
    assert {path.stem for path in CONFIGS.glob("*.yaml")} >= set(TASKS)


def test_the_config_offers_exactly_the_tasks_that_exist():
    assert set(TASKS) == set(METHODS) <= set(get_args(TaskName))
    assert all(METHODS.values())


def test_every_mistake_of_a_config_has_its_line(tmp_path):
    path = tmp_path / "intent.yaml"
    path.write_text("task: intent\nepohcs: 2\nmax_tokens: 4\noptim: {lr: fast}\n")
    with pytest.raises(ConfigError) as caught:
        train_config("intent", path, ["optim.batch_size=0"])
    head, *lines = str(caught.value).splitlines()
    assert head == f"{path} is not a valid TrainConfig:"
    assert [line.strip().split(":")[0] for line in lines] == [
        "max_tokens",
        "optim.lr",
        "optim.batch_size",
        "epohcs",
    ]


def test_a_method_that_was_never_tried_is_refused():
    with pytest.raises(
        ConfigError, match="method contrastive is not offered for task ner"
    ) as caught:
        train_config("ner", overrides=["method=contrastive"])
    assert len(str(caught.value).splitlines()) == 2


def test_a_run_of_an_earlier_version_may_hold_the_setting_that_nobody_read():
    values = train_config("reply").model_dump(mode="json")
    values["reply"]["context_turns"] = 3
    assert TrainConfig.recorded(values) == train_config("reply")
    with pytest.raises(ConfigError, match=r"reply.context_turns: Extra inputs"):
        train_config("reply", overrides=["reply.context_turns=3"])


@pytest.mark.parametrize(
    ("path", "overrides", "where"),
    [(CONFIGS / "intent.yaml", [], "intent.yaml"), (None, ["task=intent"], "--set task")],
)
def test_settings_of_another_task_are_refused(path, overrides, where):
    with pytest.raises(ConfigError, match=f"{where}: settings of task intent, ner is") as caught:
        train_config("ner", path, overrides)
    assert "\n" not in str(caught.value)
    assert train_config("ner", None, ["task=ner"]).task == "ner"


def test_a_config_need_not_name_its_task(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("seed: 3\n")
    assert train_config("ner", path).task == "ner"


def test_an_unknown_task_is_refused():
    with pytest.raises(ConfigError):
        train_config("dance", CONFIGS / "intent.yaml")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("optim.epochs=.inf", "optim.epochs: Input should be a finite number"),
        ("optim.lr=.inf", "optim.lr: Input should be a finite number"),
        ("optim.weight_decay=.inf", "optim.weight_decay: Input should be a finite number"),
        ("hand_over.wrong_cost=.inf", "hand_over.wrong_cost: Input should be a finite number"),
        ("head.c=[0]", "head.c.0: Input should be greater than 0"),
        ("head.c=[5, -1]", "head.c.1: Input should be greater than 0"),
        ("head.c=[.nan]", "head.c.0: Input should be a finite number"),
        ("optim.max_steps=0", "optim.max_steps 0: a training has steps"),
    ],
)
def test_numbers_that_no_training_can_do_with_are_refused(value, why):
    with pytest.raises(ConfigError) as caught:
        train_config("intent", CONFIGS / "intent_head.yaml", [value])
    assert why in str(caught.value)
