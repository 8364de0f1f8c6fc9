"""Two processes train the model of one: torchrun and accelerate launch, on CPU, for real."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
STILL = ["accelerate", "launch", "--num_machines", "1", "--mixed_precision", "no",
         "--dynamo_backend", "no"]  # fmt: skip
# No dropout: two processes draw other numbers than one. Thirty rows are three whole batches.
SETTINGS = ["method=full", "optim.batch_size=10", "optim.epochs=2", "optim.lr=1.0e-3",
            "optim.dropout=0", "optim.precision=fp32", "threads=1", "max_tokens=32",
            "device=cpu"]  # fmt: skip
pytestmark = pytest.mark.slow


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def command(launcher, *arguments):
    """A launcher of this environment that chooses a free port itself."""
    port = {"torchrun": ["--standalone"], "accelerate": ["--main_process_port", "0"]}
    name, *more = launcher
    return [str(BIN / name), *more, *port.get(name, ()), *arguments]


def trained(launcher, tiny, data, out, *more, environment=()):
    settings = [each for value in [f"encoder={tiny}", *SETTINGS] for each in ("--set", value)]
    return subprocess.run(
        [*command(launcher, "-m", "apps.cli"), "train", "intent", "--data", data, "--out", out,
         *settings, *more, "--json"],
        cwd=out.parent, capture_output=True, text=True, timeout=400, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **dict(environment)},
    )  # fmt: skip


def weights(run):
    names = ("head.safetensors", "encoder/model.safetensors")
    return {f"{name}:{key}": value for name in names
            for key, value in load_file(run / "weights" / name).items()}  # fmt: skip


@pytest.fixture(scope="module")
def alone(tiny, folders, tmp_path_factory):
    out = tmp_path_factory.mktemp("alone") / "one"
    done = trained(["python"], tiny, folders["intent"], out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.parametrize(
    ("launcher", "more"),
    [
        (["torchrun", "--nproc_per_node", "2"], []),
        (["torchrun", "--nproc_per_node", "2"], ["--set", "optim.accumulate=5"]),
        ([*STILL, "--multi_gpu", "--num_processes", "2"], []),
    ],
    ids=["torchrun", "torchrun-accumulate", "accelerate"],
)
def test_two_processes_give_the_weights_of_one(launcher, more, alone, tiny, folders, tmp_path):
    out = tmp_path / "two"
    done = trained(launcher, tiny, folders["intent"], out, *more)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["run"] == str(out)  # one object: one process alone prints
    assert done.stderr.count("scoring before and after tuning") == 1
    assert [path.name for path in tmp_path.iterdir() if path.name != "var"] == ["two"]
    wanted, found = weights(alone), weights(out)
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, atol=2e-6, err_msg=name)


def test_accelerate_on_a_cpu_without_mpi_trains_on_one_process(alone, tiny, folders, tmp_path):
    launcher = [*STILL, "--cpu", "--num_processes", "2"]
    done = trained(launcher, tiny, folders["intent"], tmp_path / "run")
    assert done.returncode == 0, done.stderr
    wanted, found = weights(alone), weights(tmp_path / "run")
    assert all(np.array_equal(found[name], value) for name, value in wanted.items())


def test_a_batch_that_cannot_be_shared_out_ends_every_process(tiny, folders, tmp_path):
    launcher = ["torchrun", "--nproc_per_node", "2"]
    done = trained(launcher, tiny, folders["intent"], tmp_path / "run", "--set",
                   "optim.batch_size=5")  # fmt: skip
    assert done.returncode != 0
    assert "batch_size: 5 does not divide by 2 processes times accumulate 1" in done.stderr
    assert done.stdout == ""


def test_sharding_is_refused_in_a_line(tiny, folders, tmp_path):
    done = trained(
        ["python"], tiny, folders["intent"], tmp_path / "run",
        environment={"ACCELERATE_USE_FSDP": "true"},
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: --use_fsdp: ")


FAILING = """
import os, sys
import finetune.trainable as trainable
step = trainable.Tuner.training_step
def failing(self, *args, **kwargs):
    if os.environ["RANK"] == "1" and self.state.global_step == 2:
        raise RuntimeError("this process is lost")
    return step(self, *args, **kwargs)
trainable.Tuner.training_step = failing
from apps.cli import main
main()
"""


def test_an_error_in_one_process_ends_the_others_within_seconds(tiny, folders, tmp_path):
    script = tmp_path / "failing.py"
    script.write_text(FAILING)
    settings = [each for value in [f"encoder={tiny}", *SETTINGS] for each in ("--set", value)]
    port = free_port()
    ranks = [
        subprocess.Popen(
            [sys.executable, script, "train", "intent", "--data", folders["intent"], "--out",
             tmp_path / "run", *settings],
            cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "RANK": rank,
                 "LOCAL_RANK": rank, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2",
                 "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port},
        )
        for rank in ("0", "1")
    ]  # fmt: skip
    told = ranks[1].communicate(timeout=300)[1]
    ranks[0].communicate(timeout=60)  # there is no torchrun to end it
    assert all(rank.returncode != 0 for rank in ranks)
    assert "this process is lost" in told
    assert not (tmp_path / "run").exists()
