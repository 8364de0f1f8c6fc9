"""A training that is cut off goes on to the same weights, and never leaves half a run."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import finetune.train as training
from data.errors import ConfigError, RunDirError, RunInUseError
from data.schema import Example
from finetune.partial import alone, begun_with, last_checkpoint, open_partial
from finetune.reading import Splits, read_splits
from finetune.run_dir import ADAPTER, RunDir
from finetune.tasks import TASKS
from finetune.train import train
from tests.conftest import small

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.usefixtures("here")


def weights_of(run):
    files = [run.head, run.encoder / "model.safetensors", run.adapter / ADAPTER]
    return {
        f"{path.name}:{name}": value
        for path in files
        if path.exists()
        for name, value in load_file(path).items()
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "method", "values"),
    [
        ("intent", "full", {}),
        ("ner", "full", {}),
        ("reply", "full", {}),
        ("reply", "lora", {}),
        ("reply", "ia3", {"reply": {"kind": "cross_encoder"}}),
    ],
)
def test_a_run_that_was_cut_off_resumes_to_the_same_weights(
    task, method, values, tiny, folders, tmp_path
):
    optim = {"batch_size": 5, "epochs": 3, "lr": 1e-3}
    config = small(task, tiny, method, optim=optim, **values)
    whole = train(config, folders[task], tmp_path / "whole").run

    cut_off(config, folders[task], tmp_path / "cut")
    assert not (tmp_path / "cut").exists()
    assert (tmp_path / ".cut.partial").is_dir()
    with pytest.raises(RunDirError):
        RunDir(tmp_path / "cut").check(task)

    resumed = train(config, folders[task], tmp_path / "cut", resume=True).run
    assert not (tmp_path / ".cut.partial").exists()
    assert {path.name for path in resumed.root.iterdir()} == {p.name for p in resumed.files()}
    wanted, found = weights_of(whole), weights_of(resumed)
    assert set(found) == set(wanted)
    assert wanted
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, atol=1e-5, err_msg=name)


def killed_at(step, arguments, folder):
    """Train in a process that kills itself as if the power had gone, after so many steps."""
    code = (
        "import os, signal, sys\n"
        "import finetune.train as training\n"
        "def kill(self, args, state, control, **kwargs):\n"
        f"    if state.global_step == {step}:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "training.Log.on_step_end = kill\n"
        "from apps.cli import main\n"
        "main()\n"
    )
    return run_python(["-c", code, *arguments], folder)


def run_python(arguments, folder):
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=200,
        check=False, env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("method", ["full", "gradual"])
def test_a_training_that_was_killed_goes_on_to_the_same_weights(method, tiny, folders, tmp_path):
    patience = "3" if method != "full" else "0"
    values = [f"encoder={tiny}", f"method={method}", "optim.batch_size=10", "optim.epochs=4",
              f"optim.patience={patience}", "optim.lr=1.0e-3", "threads=1", "max_tokens=32",
              "device=cpu"]  # fmt: skip
    given = [each for value in values for each in ("--set", value)]
    train = ["train", "intent", "--data", str(folders["intent"]), *given, "--out"]
    assert run_python(["-m", "apps.cli", *train, "whole"], tmp_path).returncode == 0

    killed = killed_at(8, [*train, "cut"], tmp_path)  # in the third pass: of three steps each
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "cut").exists()
    resumed = run_python(["-m", "apps.cli", *train, "cut", "--resume"], tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    first = json.loads((tmp_path / "cut" / "log.jsonl").read_text().splitlines()[-1])
    assert first["step"] == 12
    wanted, found = (weights_of(RunDir(tmp_path / name)) for name in ("whole", "cut"))
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, atol=1e-6, err_msg=name)


def test_what_is_done_again_is_logged_once_and_the_time_before_counts(tiny, folders, tmp_path):
    config = small("intent", tiny, optim={"batch_size": 5, "epochs": 3, "lr": 1e-3})
    whole = train(config, folders["intent"], tmp_path / "whole").run
    with pytest.MonkeyPatch.context() as patch:

        def stop(self, args, state, control, **kwargs):
            if state.global_step == 11:  # after a logged step, before its checkpoint
                raise KeyboardInterrupt

        patch.setattr(training.Log, "on_step_end", stop)
        with pytest.raises(KeyboardInterrupt):
            train(config, folders["intent"], tmp_path / "cut")
    partial = RunDir(tmp_path / "cut").partial
    assert log_of(partial)[-1]["step"] == 10
    seconds = Path(last_checkpoint(partial)) / "seconds.json"
    assert 0 < json.loads(seconds.read_text()) < 900
    seconds.write_text("1000")
    cut = train(config, folders["intent"], tmp_path / "cut", resume=True).run
    assert [row["step"] for row in log_of(cut)] == [row["step"] for row in log_of(whole)]
    assert cut.read_config()["seconds"] > 1000


@pytest.mark.parametrize(("kind", "method"), [("bi_encoder", "lora"), ("cross_encoder", "full")])
def test_a_reply_training_keeps_its_best_pass(kind, method, tiny, folders, tmp_path):
    # Such steps only make it worse: the best pass is an early one.
    optim = {"batch_size": 5, "epochs": 3, "lr": 0.3, "patience": 3, "schedule": "constant"}
    config = small("reply", tiny, method, optim=optim, reply={"kind": kind})
    task = TASKS["reply"]
    splits = read_splits(folders["reply"], None, lambda path: task.read(path, config))
    trainer = task.trainer(config, splits, RunDir(tmp_path))
    trainer.train()
    best = Path(trainer.state.best_model_checkpoint)
    assert best.name != f"checkpoint-{trainer.state.global_step}"
    values = trainer.model.state_dict()
    kept = load_file(best / "model.safetensors")
    assert kept
    for name, value in kept.items():
        np.testing.assert_array_equal(values[name].cpu().numpy(), value, err_msg=name)


@pytest.mark.parametrize("passes", [2, 3])
def test_early_stopping_waits_no_longer_after_a_resume(passes, tiny, folders, tmp_path):
    optim = {"batch_size": 10, "epochs": 6, "lr": 1e-9, "patience": 2, "stop_on": "accuracy"}
    config = small("intent", tiny, optim=optim)
    whole = train(config, folders["intent"], tmp_path / "whole").run
    cut_off(config, folders["intent"], tmp_path / "cut", passes)
    resumed = train(config, folders["intent"], tmp_path / "cut", resume=True).run
    steps = [max(row["step"] for row in log_of(run)) for run in (whole, resumed)]
    assert steps == [9, 9]  # three passes of three steps: the first, and two without gain
    wanted, found = weights_of(whole), weights_of(resumed)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, atol=1e-6, err_msg=name)


def log_of(run):
    return [json.loads(line) for line in run.log.read_text().splitlines()]


def cut_off(config, data, out, passes=1):
    """Train until the checkpoint of so many passes is written."""
    with pytest.MonkeyPatch.context() as patch:

        def stop(self, args, state, control, **kwargs):
            if round(state.epoch) == passes:
                raise KeyboardInterrupt

        patch.setattr(training.Log, "on_save", stop)
        with pytest.raises(KeyboardInterrupt):
            train(config, data, out)


def test_a_half_written_run_refuses_another_config_or_other_data(tiny, folders, tmp_path):
    optim = {"batch_size": 10, "epochs": 2, "lr": 1e-3}
    config = small("intent", tiny, optim=optim)
    cut_off(config, folders["intent"], tmp_path / "run")
    for other, data, what in (
        (small("intent", tiny, optim=optim, seed=1), folders["intent"], "config"),
        (config, folders["intent"] / "train.jsonl", "data"),
    ):
        with pytest.raises(ConfigError, match=f"another {what}; train without --resume"):
            train(other, data, tmp_path / "run", resume=True)
    steps = sorted((tmp_path / ".run.partial" / "checkpoints").iterdir())
    assert steps  # it can still go on


def test_rows_or_an_encoder_that_changed_in_their_places_are_refused(tiny, tmp_path):
    encoder = shutil.copytree(tiny, tmp_path / "encoder")
    config = small("intent", str(encoder))
    rows = [Example(f"text {n}", label="ab"[n % 2], where=f"r:{n}") for n in range(6)]
    splits = Splits(rows[:4], rows[4:], [])
    partial = RunDir(tmp_path / "run").partial

    def begin(splits, resume=True):
        open_partial(partial, begun_with(config, tmp_path, splits), resume)

    begin(splits, resume=False)
    checkpoint = partial.checkpoints / "checkpoint-3"
    checkpoint.mkdir(parents=True)
    (checkpoint / "trainer_state.json").write_text("{}")
    begin(splits)
    begin(Splits(splits.train, splits.validation, rows[:1]))  # training never reads test rows
    other = Example("text 1", label="a", where="r:1")
    for changed in (
        Splits([rows[0], other, *rows[2:4]], splits.validation, []),
        Splits(splits.train, [other, rows[5]], []),
    ):
        with pytest.raises(ConfigError, match="another data; train without --resume"):
            begin(changed)
    outside = tmp_path / "outside.txt"
    outside.write_text("what is the weather\n")
    config = small("intent", str(encoder), out_of_scope=outside)
    begin(splits, resume=False)
    checkpoint.mkdir(parents=True)
    (checkpoint / "trainer_state.json").write_text("{}")
    begin(splits)
    outside.write_text("what is the weather\nwho won\n")
    with pytest.raises(ConfigError, match="another data; train without --resume"):
        begin(splits)
    outside.write_text("what is the weather\n")
    weights = load_file(encoder / "model.safetensors")
    save_file({name: value + 1 for name, value in weights.items()}, encoder / "model.safetensors")
    with pytest.raises(ConfigError, match="another encoder; train without --resume"):
        begin(splits)
    assert checkpoint.exists()


def test_a_checkpoint_that_is_not_complete_is_passed_over(tiny, folders, tmp_path):
    config = small("intent", tiny, optim={"batch_size": 10, "epochs": 2, "lr": 1e-3})
    cut_off(config, folders["intent"], tmp_path / "run")
    partial = RunDir(tmp_path / "run").partial
    good = last_checkpoint(partial)
    for number, state in ((998, None), (999, '{"epoch": 1')):
        later = partial.checkpoints / f"checkpoint-{number}"
        later.mkdir()
        if state is not None:
            (later / "trainer_state.json").write_text(state)
    assert last_checkpoint(partial) == good
    assert good is not None


def test_without_resume_a_half_written_run_is_begun_anew(tiny, folders, tmp_path):
    config = small("intent", tiny)
    partial = tmp_path / ".run.partial"
    partial.mkdir()
    (partial / "left.txt").write_text("over")
    train(config, folders["intent"], tmp_path / "run")
    assert not partial.exists()
    assert not (tmp_path / "run" / "left.txt").exists()


@pytest.mark.parametrize("resume", [False, True])
def test_a_run_that_another_process_trains_is_left_alone(resume, tiny, folders, tmp_path):
    config, out = small("intent", tiny, "head"), tmp_path / "run"
    partial = tmp_path / ".run.partial"
    with alone(RunDir(out)):
        partial.mkdir()
        (partial / "half.txt").write_text("of the other process")
        with pytest.raises(RunInUseError, match="another process is writing this run") as caught:
            train(config, folders["intent"], out, resume=resume)
        assert "\n" not in str(caught.value)
        assert (partial / "half.txt").exists()
        train(config, folders["intent"], tmp_path / "other")
    train(config, folders["intent"], out)
    assert {path.name for path in tmp_path.iterdir()} == {"run", "other"}


def test_training_again_replaces_the_run_only_when_it_is_complete(tiny, folders, tmp_path):
    out = tmp_path / "run"
    config = small("intent", tiny, "head")
    train(config, folders["intent"], out)
    (out / "mark").write_text("the first")
    longer = small("intent", tiny, optim={"batch_size": 10, "epochs": 2, "lr": 1e-3})
    cut_off(longer, folders["intent"], out)
    assert (out / "mark").exists()
    RunDir(out).check("intent")
    train(config, folders["intent"], out)
    assert not (out / "mark").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
