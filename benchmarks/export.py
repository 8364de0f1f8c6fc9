"""From an export without labels to a page that answers: the one line of docs/logs.md, timed."""

import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.shell import DESKHAND, deskhand, environment, row

QUICK = ("--set", "optim.epochs=1", "--set", "max_tokens=64")
WAIT_S = 120


def run(datasets: Path) -> list[dict[str, Any]]:
    """Each step on TweetSumm's training file, and all of them together."""
    export = (datasets / "tweetsumm" / "tweetsumm_joined_train.jsonl").resolve()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        read, prepare = deskhand(work, "prepare", export, "--out", "logs")
        found, discover = deskhand(work, "discover", "logs", "--out", "topics")
        _, train = deskhand(work, "train", "reply", "--data", "logs", "--out", "reply", *QUICK)
        _, index = deskhand(
            work, "index", "logs/train.jsonl", "--out", "mine", "--encoder", "reply"
        )
        serve = _serve(work)
    steps = {"prepare": prepare, "discover": discover, "train reply": train, "index": index,
             "serve, until the page answers": serve}  # fmt: skip
    beside = f"{sum(read['conversations'].values())} conversations, {len(found['topics'])} topics"
    return [
        row("TweetSumm to a page, no labels, s", round(sum(steps.values())), "600", beside),
        *(row(f"{step}, s", round(seconds, 1)) for step, seconds in steps.items()),
    ]


def _serve(work: Path) -> float:
    """Seconds until the page of the index is up."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start = time.perf_counter()
    command = [*DESKHAND, "serve", "faq", "--set", "index=mine", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=work, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as page:
        try:
            while time.perf_counter() - start < WAIT_S:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                        return time.perf_counter() - start
                except OSError:
                    time.sleep(0.1)
            raise RuntimeError("the page did not come up")
        finally:
            page.terminate()
