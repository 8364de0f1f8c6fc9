"""What a training on few cores loses to draws for dropout and to threads that wait."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.shell import environment, row
from data.encoders import DEFAULT_ENCODER, resolve_encoder
from finetune.devices import has_bf16
from finetune.dropout import quicken
from finetune.encoder import load_encoder

ROWS, TOKENS = 16, 40  # of a batch
STEPS, ROUNDS = 8, 5
_FIT = """
import time
import numpy as np
from sklearn.linear_model import LogisticRegression
draw = np.random.default_rng(0)
rows = draw.standard_normal((2700, 384)).astype(np.float32)
labels = (rows @ draw.standard_normal((384, 30)) + 3 * draw.standard_normal((2700, 30))).argmax(1)
begun = time.perf_counter()
for _ in range(5):
    LogisticRegression(max_iter=100).fit(rows, labels)
print(time.perf_counter() - begun)
"""


def run(datasets: Path) -> list[dict[str, Any]]:
    """Steps with both dropouts in turns; a head's fit on one and two threads, alone and not."""
    told = "bfloat16" if has_bf16(cuda=False) else "float32"
    shape = f"{ROWS} rows of {TOKENS} tokens, every layer, {told}, middle of {ROUNDS}, in turns"
    return [
        *(
            row(f"a training step, torch's dropout to ours, threads: {threads}",
                round(steps_ratio(threads), 4), "", shape)
            for threads in (1, 2)
        ),
        row("a logistic head, two BLAS threads to one, nothing beside it", fit_ratio(0), "",
            "2,700 rows, 30 labels, five fits"),
        row("the same beside one busy core", fit_ratio(1)),
    ]  # fmt: skip


def steps_ratio(threads: int) -> float:
    """Seconds of a step with torch's dropout to those of one with ours."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        theirs, ours = (_steps(quick) for quick in (False, True))
        return median(theirs() / ours() for _ in range(ROUNDS))
    finally:
        torch.set_num_threads(before)


def _steps(quick: bool) -> Callable[[], float]:
    """A function that takes STEPS forward and backward passes and gives their seconds."""
    encoder, _ = load_encoder(resolve_encoder(DEFAULT_ENCODER))
    if quick:
        quicken(encoder)
    encoder.train()
    batch = {
        "input_ids": torch.randint(1000, 20_000, (ROWS, TOKENS)),
        "attention_mask": torch.ones(ROWS, TOKENS, dtype=torch.long),
    }
    batch["attention_mask"][0, -3:] = 0

    def steps() -> float:
        begun = time.perf_counter()
        for _ in range(STEPS):
            encoder.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=has_bf16(cuda=False)):
                encoder(**batch).last_hidden_state.square().mean().backward()
        return time.perf_counter() - begun

    steps()  # warm
    return steps


def fit_ratio(busy: int) -> float:
    """Seconds of fits on two BLAS threads to those on one, beside so many busy processes."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
    try:
        pairs = [(_fit(2), _fit(1)) for _ in range(3)]
    finally:
        for other in others:
            other.kill()
            other.wait()
    return round(median(two / one for two, one in pairs), 4)


def _fit(threads: int) -> float:
    done = subprocess.run(
        [sys.executable, "-c", _FIT], capture_output=True, text=True, check=True,
        env={**environment(), "OPENBLAS_NUM_THREADS": str(threads)},
    )  # fmt: skip
    return float(done.stdout)
