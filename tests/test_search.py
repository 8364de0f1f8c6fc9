"""`deskhand tune`: trials on validation rows alone, kept in a study; the best trained in full."""

import json
import re
import subprocess
import sys

import optuna
import pytest
import torch
import yaml
from optuna.trial import TrialState

from data.errors import ConfigError, DeskhandError, LogFormatError, RunInUseError
from data.schema import Example
from finetune.evaluation.plots import history_svg, importance_svg
from finetune.partial import alone
from finetune.reading import Splits
from finetune.report.search import search as section
from finetune.run_dir import RunDir
from finetune.search import trials as running
from finetune.search import tune
from finetune.search import tune as exported
from finetune.search.sampler import RANDOM_TRIALS
from finetune.search.space import Dimension, Space, with_values
from finetune.search.study import finished, importance, opened_study, study_file, told
from finetune.search.trials import (
    run_trials,
)
from tests.conftest import SMALL, THINGS, intent_rows, names_a_thing, small, write_lines

pytestmark = pytest.mark.usefixtures("here")
RATES = Space.model_validate(
    {"optim.lr": {"low": 1e-4, "high": 1e-2, "log": True}, "optim.batch_size": {"choices": [4, 8]}}
)
SPLITS = Splits([Example("one", label="a")], [Example("two", label="b")], [])


def test_a_search_over_what_the_rows_say_is_not_read_is_refused(tiny, tmp_path):
    write_lines(tmp_path / "train.jsonl", intent_rows())
    config = small("intent", tiny, "auto")  # thirty rows of three labels: contrastive
    with pytest.raises(
        ConfigError, match=r"^optim.lr, optim.batch_size: a training of kind contra"
    ):
        tune(config, tmp_path, tmp_path / "run", RATES, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["train.jsonl"]


@pytest.fixture
def quick(monkeypatch):
    """Trials that take no time: the nearer the rate is to 2e-3, the better. Their configs."""
    seen = []

    def pretend(config, splits, watch=()):
        seen.append(config)
        return {"accuracy": 1 - abs(config.optim.lr - 2e-3)}

    monkeypatch.setattr(running, "try_out", pretend)
    return seen


def base(tiny="all-MiniLM-L6-v2", method="full", **values):
    return small("intent", tiny, method, **values)


def tried(out, config, count, space=RATES, storage=None, splits=SPLITS, minutes=None):
    """The finished trials' values after a search for so many."""
    with opened_study(out, storage, config, space, splits) as study:
        run_trials(study, config, space, splits, count, minutes)
        return [trial.params for trial in finished(study)]


def test_the_best_of_some_trials_is_trained_in_full_and_the_report_tells_of_all(
    tiny, folders, tmp_path, capfd, caplog
):
    out = tmp_path / "runs" / "best"
    done = tune(base(tiny), folders["intent"], out, RATES, trials=3)
    assert (done.trials, done.metric) == (3, "accuracy")
    run = RunDir(out)
    assert run.check("intent") == "intent"
    trained = run.read_config()["train"]["optim"]
    assert {"optim.lr": trained["lr"], "optim.batch_size": trained["batch_size"]} == done.best
    assert {path.name for path in out.parent.iterdir()} == {"best", ".best.study.db"}
    assert done.value == pytest.approx(done.metrics["validation"]["after"]["accuracy"], abs=1e-4)
    assert "accuracy" in done.metrics["test"]["after"]
    page = run.report.read_text(encoding="utf-8")
    assert "<h2 id=search>Search</h2>" in page
    assert 'aria-label="Validation by trial"' in page
    assert page.count("(best)") == 1
    assert capfd.readouterr().out == ""
    assert not names_a_thing(caplog.text)  # neither logs nor the study hold anyone's words
    for thing in THINGS:
        assert thing.encode() not in study_file(out).read_bytes()


def test_no_trial_reads_the_test_file(tiny, tmp_path):
    for split in ("train", "validation"):
        write_lines(tmp_path / f"{split}.jsonl", intent_rows())
    (tmp_path / "test.jsonl").write_text("whoever reads this fails\n")
    with pytest.raises(LogFormatError, match=r"test\.jsonl"):
        tune(base(tiny), tmp_path, tmp_path / "run", RATES, trials=1)
    with opened_only(study_file(tmp_path / "run")) as study:
        assert [trial.state for trial in study.trials] == [TrialState.COMPLETE]


class opened_only:  # noqa: N801 - used as a function
    """The study in a file, as it is."""

    def __init__(self, file):
        self.storage = optuna.storages.RDBStorage(f"sqlite:///{file}")

    def __enter__(self):
        name = optuna.get_all_study_names(self.storage)[0]
        return optuna.load_study(study_name=name, storage=self.storage)

    def __exit__(self, *error):
        self.storage.remove_session()
        self.storage.engine.dispose()


def test_the_first_trial_is_the_config_as_it_was_given(quick, tmp_path):
    config = base(multi_label=False, intent={"reads": "texts"})
    tried(tmp_path / "run", config, 1)
    assert quick == [with_values(config, {"optim.each_epoch": True})]
    assert config.optim.batch_size == SMALL["batch_size"]


def test_a_search_that_goes_on_tries_what_one_never_stopped_tries(quick, tmp_path):
    count = RANDOM_TRIALS + 3
    whole = tried(tmp_path / "whole", base(), count)
    tried(tmp_path / "parts", base(), 2)
    tried(tmp_path / "parts", base(), RANDOM_TRIALS)
    assert tried(tmp_path / "parts", base(), count) == whole
    assert len({values["optim.lr"] for values in whole}) == count
    assert len(quick) == 2 * count


def test_finished_trials_count_and_no_more_is_run(quick, tmp_path):
    tried(tmp_path / "run", base(), 3)
    tried(tmp_path / "run", base(), 2)
    assert len(quick) == 3


def test_workers_share_a_study_by_its_url(quick, tmp_path):
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    first, second = tmp_path / "a" / "run", tmp_path / "b" / "run"
    tried(first, base(), 2, storage=url)
    elsewhere = base(threads=7, device="cpu")  # machines differ
    assert len(tried(second, elsewhere, 5, storage=url)) == 5
    assert len(quick) == 5
    assert not study_file(first).exists()


def test_the_worker_that_finishes_the_last_trial_trains(tmp_path, monkeypatch):
    url, done = f"sqlite:///{tmp_path / 'shared.db'}", []

    def worker(name, trials=3):
        with opened_study(tmp_path / name, url, base(), RATES, SPLITS) as study:
            return run_trials(study, base(), RATES, SPLITS, trials, None)

    def pretend(config, splits, watch=()):
        if not done:  # while the first worker's trial runs, another one finishes all that there are
            done.append(None)
            done.append(worker("b/run"))
        return {"accuracy": 0.5}

    monkeypatch.setattr(running, "try_out", pretend)
    assert worker("a/run") is False
    assert done[1] is True
    assert worker("c/run") is True  # nothing left to try: the training may have been cut off
    assert worker("a/run", trials=5) is True


def test_a_worker_returns_where_another_one_trains_the_best(tiny, folders, quick, tmp_path):
    url, out = f"sqlite:///{tmp_path / 'shared.db'}", tmp_path / "run"
    with alone(RunDir(out)):
        found = tune(base(tiny), folders["intent"], out, RATES, trials=2, storage=url)
        assert (found.trials, found.metrics) == (2, {})
        with pytest.raises(RunInUseError, match="another process is writing this run"):
            tune(base(tiny), folders["intent"], out, RATES, trials=2)
    assert not out.exists()
    with alone(RunDir(study_file(out))):  # without a storage nobody may share its study
        with pytest.raises(RunInUseError, match="another process"):
            tune(base(tiny), folders["intent"], out, RATES, trials=2)


def test_two_workers_at_once_draw_different_values(tmp_path):
    with opened_study(tmp_path / "run", None, base(), RATES, SPLITS) as study:
        one, two = study.ask(), study.ask()
        assert RATES.draw(one) != RATES.draw(two)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"config": base(max_tokens=16)}, "config"),
        ({"splits": Splits(SPLITS.train, SPLITS.train, [])}, "data"),
        ({"space": Space({"optim.lr": Dimension(low=1e-3, high=1e-2)})}, "space"),
    ],
)
def test_a_study_of_something_else_is_refused(changed, what, quick, tmp_path):
    tried(tmp_path / "run", base(), 1)
    given = {"config": base(), "count": 2, **changed}
    with pytest.raises(ConfigError, match=f"study run was begun with another {what}; name another"):
        tried(tmp_path / "run", **given)
    assert len(quick) == 1


def test_a_study_of_other_out_of_scope_texts_is_refused(quick, tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("what is the weather\n")
    config = base(out_of_scope=outside)
    tried(tmp_path / "run", config, 1)
    tried(tmp_path / "run", config, 2)
    outside.write_text("who won\n")
    with pytest.raises(ConfigError, match="study run was begun with another data"):
        tried(tmp_path / "run", config, 3)


def test_a_stopped_search_keeps_its_finished_trials(tiny, folders, tmp_path, monkeypatch):
    calls = []

    def pretend(config, splits, watch=()):
        calls.append(config)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return {"accuracy": 0.5}

    monkeypatch.setattr(running, "try_out", pretend)
    with pytest.raises(DeskhandError, match="2 finished trials are kept; the same|2 finished"):
        tune(base(tiny), folders["intent"], tmp_path / "run", RATES, trials=4)
    assert not (tmp_path / "run").exists()
    with opened_only(study_file(tmp_path / "run")) as study:
        assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE", "FAIL"]
    tried_now = tune(base(tiny), folders["intent"], tmp_path / "run", RATES, trials=4)
    assert tried_now.trials == 4
    assert len(calls) == 5


def test_a_trial_that_was_killed_no_longer_runs_when_the_search_goes_on(quick, tmp_path):
    with opened_study(tmp_path / "run", None, base(), RATES, SPLITS) as study:
        study.ask()
    tried(tmp_path / "run", base(), 1)
    with opened_only(study_file(tmp_path / "run")) as study:
        assert [trial.state.name for trial in study.trials] == ["FAIL", "COMPLETE"]


def test_the_minutes_end_a_search_but_not_its_first_trial(quick, tmp_path):
    assert len(tried(tmp_path / "run", base(), 50, minutes=1e-9)) == 1


@pytest.mark.parametrize("fault", [ConfigError("these do not go together"),
                                   torch.OutOfMemoryError("no memory")])  # fmt: skip
def test_values_that_cannot_be_trained_end_their_trial_alone(fault, tmp_path, monkeypatch):
    def pretend(config, splits, watch=()):
        if config.optim.batch_size == 8:
            raise fault
        return {"accuracy": float("nan") if config.optim.lr > 5e-3 else 0.5}

    monkeypatch.setattr(running, "try_out", pretend)
    with opened_study(tmp_path / "run", None, base(), RATES, SPLITS) as study:
        run_trials(study, base(), RATES, SPLITS, 8, None)
        states = {trial.state.name for trial in finished(study)}
        assert states == {"COMPLETE", "PRUNED"}
        assert all(row["values"]["optim.batch_size"] == 4 for row in told(study, "accuracy")[
            "trials"] if row["value"] is not None)  # fmt: skip


def test_a_search_without_one_whole_trial_says_so(folders, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "try_out", lambda *_: {"accuracy": float("nan")})
    with pytest.raises(ConfigError, match="none of 2 trials was trained to its end; narrow"):
        tune(base(tiny), folders["intent"], tmp_path / "run", RATES, trials=2)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"trials": 0}, "--trials 0: at least 1 is needed"),
        ({"trials": -3}, "--trials -3: at least 1"),
        ({"trials": 1, "minutes": 0}, "--minutes 0: more than 0"),
        ({"trials": 1, "minutes": float("nan")}, "--minutes nan: more than 0"),
        ({"trials": 1, "storage": "nothing"}, "nothing: cannot be opened as a study"),
        ({"trials": 1, "storage": "nodb://me:secret@host/x"}, "^host/x: cannot be opened"),
        ({"trials": 1, "storage": "sqlite:////nowhere/at/all.db"}, "cannot be opened as a study"),
    ],
)
def test_a_search_that_cannot_be_is_refused_with_a_line(given, said, tiny, folders, tmp_path):
    with pytest.raises(ConfigError, match=said) as caught:
        tune(base(tiny), folders["intent"], tmp_path / "run", RATES, **given)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_folder_that_is_not_a_run_is_refused_before_anything_is_tried(tiny, folders, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="exists and is not a run"):
        exported(base(tiny), folders["intent"], tmp_path / "mine", RATES, trials=1)


def test_a_test_file_that_is_not_there_is_told_before_anything_is_tried(
    quick, tiny, folders, tmp_path
):
    for missing in (tmp_path / "none.jsonl", tmp_path):
        with pytest.raises(LogFormatError, match=r"no such file|no test file"):
            tune(base(tiny), folders["intent"], tmp_path / "run", RATES, 1, evaluation=missing)
    assert quick == []


def test_importance_is_the_setting_that_made_the_difference(quick, tmp_path):
    with opened_study(tmp_path / "run", None, base(), RATES, SPLITS) as study:
        run_trials(study, base(), RATES, SPLITS, 2, None)
        assert importance(study) == {}
        run_trials(study, base(), RATES, SPLITS, 12, None)
        shares = importance(study)
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["optim.lr"] > 0.8


FOUND = {
    "metric": "macro_f1",
    "best": 1,
    "importance": {"optim.lr": 0.9, "<b>": 0.1},
    "trials": [
        {"number": 0, "state": "complete", "value": 0.5, "seconds": 3.0,
         "values": {"optim.lr": 2e-5, "<b>": "x"}},
        {"number": 1, "state": "complete", "value": 0.75, "seconds": 2.0,
         "values": {"optim.lr": 1e-3, "<b>": None}},
        {"number": 2, "state": "pruned", "value": None, "seconds": None, "values": {}},
    ],
}  # fmt: skip


def test_the_section_shows_history_importance_and_every_trial():
    page = section(FOUND)
    assert page.count("<svg") == 2
    assert "3 trials, 1 of them ended early" in page
    cells = re.findall(r"<th scope=row>(.*?)</th><td>(.*?)</td>", page)
    assert cells == [("1 (best)", "0.7500"), ("0", "0.5000"), ("2", "ended early")]
    assert "2e-05" in page
    assert "<b>" not in page
    assert section({}) == ""
    assert history_svg(FOUND["trials"][2:], "x") == importance_svg({}) == ""


@pytest.mark.slow
def test_the_command_prints_one_object_and_refuses_in_one_line(tiny, folders, tmp_path):
    space = tmp_path / "space.yaml"
    space.write_text("optim.lr: {low: 1.0e-3, high: 2.0e-3}\n")
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(base(tiny).model_dump(mode="json")))
    from tests.test_cli import deskhand, refused

    common = ["tune", "intent", "--data", folders["intent"], "--out", "run", "--config", config]
    done = deskhand(tmp_path, *common, "--space", space, "--trials", 1, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["run"] == "run"
    assert (said["trials"], said["metric"], set(said["best"])) == (1, "accuracy", {"optim.lr"})
    assert 0 <= said["test"]["after"]["accuracy"] <= 1
    assert "--trials 0: at least 1" in refused(tmp_path, *common, "--trials", 0)


def test_training_does_without_optuna():
    code = "import sys, finetune.train, apps.cli; sys.exit('optuna' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0
