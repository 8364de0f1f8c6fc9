"""What a run keeps of how it was made: its resolved config, on which rows, by which versions."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from finetune.config import TrainConfig
from finetune.devices import device_name
from finetune.reading import Splits
from finetune.run_dir import FORMAT

_LIBRARIES = ("torch", "transformers", "sentence-transformers", "scikit-learn", "onnxruntime")


def resolved_config(
    config: TrainConfig, data: Path, splits: Splits, seconds: float
) -> dict[str, Any]:
    """The values of `config.yaml`: every setting, and what else made the run.

    Args:
        config: With its method settled.
        data: Where the rows came from.
        splits: The rows.
        seconds: Of reading, tuning and saving.
    """
    return {
        "format": FORMAT,
        "train": config.model_dump(mode="json"),
        "data": str(data),
        "rows": rows_by_split(splits),
        "seconds": round(seconds, 1),
        "commit": _commit(),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in _LIBRARIES},
        },
        "device": device_name(config),
    }


def rows_by_split(splits: Splits) -> dict[str, int]:
    """How many each split has."""
    return {
        "train": len(splits.train),
        "validation": len(splits.validation),
        "test": len(splits.test),
    }


def _commit() -> str:
    """The commit of the code, `unknown` outside a checkout."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    try:
        done = subprocess.run(
            command,
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()
