"""One trial of `deskhand tune`: what it is given, what it reports, and what ends it early."""

from types import SimpleNamespace

import optuna
import pytest

from data.schema import Example
from finetune.reading import Splits
from finetune.search.space import Dimension, Space
from finetune.search.trials import OutOfTime, Watch, judged_by, objective, watched_metric
from finetune.tasks import TASKS
from finetune.train import try_out
from tests.conftest import ROWS, intent_rows, small, write_lines

pytestmark = pytest.mark.usefixtures("here")


def base(tiny="all-MiniLM-L6-v2", method="full", **values):
    return small("intent", tiny, method, **values)


def test_a_trial_does_not_look_at_test_rows_that_it_is_given(tiny):
    class Untouchable(list):
        def __iter__(self):
            raise AssertionError

        __len__ = __getitem__ = __iter__

    rows = [Example(row["text"], label=row["label"]) for row in intent_rows()]
    metrics = try_out(base(tiny), Splits(rows, rows, Untouchable()))
    assert metrics["n"] == len(rows)


def test_rows_of_several_labels_are_judged_by_macro_f1(tiny, tmp_path):
    rows = [{**row, "label": f"{row['label']}|asked"} for row in intent_rows()]
    config = base(tiny, multi_label=True)
    rows = TASKS["intent"].read(write_lines(tmp_path / "rows.jsonl", rows), config)
    space = Space({"optim.lr": Dimension(low=1e-3, high=1e-3)})
    assert judged_by(config) == watched_metric(config, space) == "macro_f1"
    assert 0 <= objective(FixedTrial(), config, space, Splits(rows, rows, []), None) <= 1


@pytest.mark.parametrize("task", ["ner", "reply"])
def test_other_tasks_are_tried_too(task, tiny, tmp_path):
    path = write_lines(tmp_path / "rows.jsonl", ROWS[task]())
    config = small(task, tiny)
    rows = TASKS[task].read(path, config)
    value = objective(FixedTrial(), config, Space({"optim.lr": Dimension(low=1e-3, high=1e-3)}),
                      Splits(rows, rows, []), None)  # fmt: skip
    assert 0 <= value <= 1


class FixedTrial(optuna.trial.FixedTrial):
    """A trial outside any study; what it is told."""

    def __init__(self, prune_after=99):
        super().__init__({"optim.lr": 1e-3})
        self.told = []
        self.prune_after = prune_after

    def report(self, value, step):
        self.told.append((step, value))

    def should_prune(self):
        return len(self.told) >= self.prune_after


def test_a_head_without_steps_is_tried(tiny):
    rows = [Example(row["text"], label=row["label"]) for row in intent_rows()]
    space = Space({"optim.lr": Dimension(low=1e-3, high=1e-3)})
    assert objective(FixedTrial(), base(tiny, "head"), space, Splits(rows, rows, []), None) > 0.5


def test_each_epoch_is_reported_and_a_bad_trial_ends_early(tiny):
    rows = [Example(row["text"], label=row["label"]) for row in intent_rows()]
    config = base(tiny, optim={"batch_size": 15, "epochs": 3, "lr": 1e-3})
    space, splits = Space({"optim.lr": Dimension(low=1e-3, high=1e-3)}), Splits(rows, rows, [])
    patient, hasty = FixedTrial(), FixedTrial(prune_after=2)
    objective(patient, config, space, splits, None)
    assert [step for step, _ in patient.told] == [1, 2, 3]
    assert all(0 <= value <= 1 for _, value in patient.told)
    with pytest.raises(optuna.TrialPruned, match="after epoch 2"):
        objective(hasty, config, space, splits, None)
    assert len(hasty.told) == 2


@pytest.mark.parametrize(
    ("task", "values", "space", "wanted"),
    [
        ("intent", {}, "optim.lr", "accuracy"),
        ("intent", {"method": "contrastive"}, "optim.lr", None),
        ("ner", {}, "optim.label_smoothing", "token_macro_f1"),
        ("reply", {}, "optim.lr", "loss"),
        ("reply", {}, "reply.temperature", None),
    ],
)
def test_what_ends_a_trial_is_on_one_scale_in_all_of_them(task, values, space, wanted):
    config = small(task, "x", **values)
    assert watched_metric(config, Space({space: Dimension(choices=(0.1,))})) == wanted


def test_a_lower_loss_is_reported_as_better_and_the_last_epoch_ends_nothing():
    trial = FixedTrial(prune_after=1)
    watch = Watch(trial, "loss", None)
    last = SimpleNamespace(global_step=5, max_steps=5)
    watch.on_evaluate(None, last, None, metrics={"eval_loss": 0.5})
    watch.on_evaluate(None, last, None, metrics={"eval_runtime": 1.0})
    assert trial.told == [(1, -0.5)]


def test_a_trial_that_runs_when_the_time_is_spent_is_dropped():
    with pytest.raises(OutOfTime):
        Watch(FixedTrial(), None, deadline=0.0).on_step_end(None, None, None)
    Watch(FixedTrial(), None, None).on_step_end(None, None, None)
