"""The command line as a benchmark runs it: a process of its own, in a folder of its own."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "data" / "samples"


def deskhand(folder: Path, *arguments: str | Path) -> tuple[dict[str, Any], float]:
    """Run a command with `--json` in `folder`; its result and its seconds."""
    command = [sys.executable, "-m", "apps.cli", *map(str, arguments), "--json"]
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=environment()
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result, seconds


def environment() -> dict[str, str]:
    """This process's environment, with the repository on the path."""
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}


def row(what: str, value: object, target: str = "", beside: str = "") -> dict[str, str]:
    """A row of a table: the figure, what was measured, what was aimed at, and a comparison."""
    shown = f"{value:.4f}" if isinstance(value, float) else str(value)
    return {"what": what, "value": shown, "target": target, "beside": beside}
