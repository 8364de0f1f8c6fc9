"""What a figure is worth nothing without: command, commit, date, machine and versions."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.shell import ROOT

LIBRARIES = ("torch", "transformers", "onnxruntime", "scikit-learn")
MEASURED = ("apps", "data", "finetune", "retrieval")  # the code that figures are about


def circumstances(command: str) -> dict[str, Any]:
    """Of a run that starts now; a commit with `+` has changes that are not committed."""
    return {
        "command": command,
        "commit": _commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {_cpu()}, {os.cpu_count()} cores, {_gpu()}",
        "versions": {name: version(name) for name in LIBRARIES},
    }


def _commit() -> str:
    commit = _git("rev-parse", "--short", "HEAD").strip()
    changed = _git("status", "--porcelain", "--", *MEASURED).strip()
    return f"{commit}+" if commit and changed else commit or "unknown"


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout if done.returncode == 0 else ""


def _gpu() -> str:
    if not Path("/dev/nvidia0").exists():
        return "no GPU used"
    import torch  # seconds, for a name that few machines have

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU used"


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor()
    lines = [line for line in info.read_text(encoding="utf-8").splitlines() if "model name" in line]
    return lines[0].split(":")[1].strip() if lines else platform.processor()
