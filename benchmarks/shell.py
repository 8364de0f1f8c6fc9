"""The command line as a benchmark runs it: a process of its own, in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "data" / "samples"
DESKHAND = (sys.executable, "-m", "apps.cli")
# Linux counts into a process's peak what its parent held when it was started: so a small one starts
# it, and writes its CPU seconds and its peak in KiB to a file.
_LAUNCHER = """
import json, os, sys
child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, used = os.wait4(child, 0)
with open(sys.argv[1], "w") as file:
    json.dump([used.ru_utime + used.ru_stime, used.ru_maxrss], file)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"""
SAID = 2000  # characters of a failed command's last words


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished command: what it wrote, and what it and its children took."""

    stdout: str
    wall_s: float
    cpu_s: float
    peak_rss_mib: float

    @property
    def result(self) -> dict[str, Any]:
        """The JSON object on the last line."""
        values: dict[str, Any] = json.loads(self.stdout.strip().splitlines()[-1])
        return values


def deskhand(folder: Path, *arguments: str | Path) -> tuple[dict[str, Any], float]:
    """Run a command with `--json` in `folder`; its result and its seconds."""
    ran = measured(folder, *DESKHAND, *arguments, "--json")
    return json.loads(ran.stdout), ran.wall_s


def measured(folder: Path, *command: str | Path, extra: Mapping[str, str] | None = None) -> Ran:
    """Run a command in `folder` to its end, with further environment variables `extra`.

    Raises:
        RuntimeError: If it fails; the message ends with what it said last.
    """
    words = [str(word) for word in command]
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        tempfile.NamedTemporaryFile() as used,
    ):
        start = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _LAUNCHER, used.name, *words], cwd=folder,
            env={**environment(), **(extra or {})}, stdout=out, stderr=err, start_new_session=True,
        )  # fmt: skip
        try:
            child.wait()
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise
        seconds = time.perf_counter() - start
        cpu_s, peak_kib = json.loads(used.read() or "[0, 0]")
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    if child.returncode:
        raise RuntimeError(f"{' '.join(words)}: {texts[1].strip()[-SAID:]}")
    return Ran(texts[0], seconds, cpu_s, peak_kib / 1024)


def environment() -> dict[str, str]:
    """This process's environment, with the repository on the path."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def row(what: str, value: object, target: str = "", beside: str = "") -> dict[str, str]:
    """A row of a table: the figure, what was measured, what was aimed at, and a comparison."""
    shown = f"{value:.4f}" if isinstance(value, float) else str(value)
    return {"what": what, "value": shown, "target": target, "beside": beside}
