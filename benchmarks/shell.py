"""The command line as a benchmark runs it: a process of its own, in a folder of its own."""

import json
import os
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
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        child = subprocess.Popen(
            words, cwd=folder, env={**environment(), **(extra or {})}, stdout=out, stderr=err
        )
        try:
            _, status, usage = os.wait4(child.pid, 0)  # only this tells what it took
        except BaseException:
            child.kill()
            child.wait()
            raise
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    if child.returncode:
        raise RuntimeError(f"{' '.join(words)}: {texts[1].strip()[-SAID:]}")
    return Ran(texts[0], seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def environment() -> dict[str, str]:
    """This process's environment, with the repository on the path."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def row(what: str, value: object, target: str = "", beside: str = "") -> dict[str, str]:
    """A row of a table: the figure, what was measured, what was aimed at, and a comparison."""
    shown = f"{value:.4f}" if isinstance(value, float) else str(value)
    return {"what": what, "value": shown, "target": target, "beside": beside}
