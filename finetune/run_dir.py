"""A run directory is a format: everything needed to reload a trained model and to trust it."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from data.errors import RunDirError

FORMAT = 2


@dataclass(frozen=True, slots=True)
class RunDir:
    """Where one training run keeps its files.

    `weights/` holds `model.onnx` with its SHA-256 in `model.onnx.sha256`, beside what torch reads
    (`encoder/` by `save_pretrained`, or `adapter/`, and `head.safetensors`). A run on a frozen
    encoder has the head alone.
    """

    root: Path

    @property
    def config(self) -> Path:
        """The resolved config, with seed, commit and library versions."""
        return self.root / "config.yaml"

    @property
    def labels(self) -> Path:
        """Output names in the model's order; an empty list for reply."""
        return self.root / "labels.json"

    @property
    def weights(self) -> Path:
        """The folder of weights."""
        return self.root / "weights"

    @property
    def model(self) -> Path:
        """The ONNX graph that serves."""
        return self.weights / "model.onnx"

    @property
    def head(self) -> Path:
        """What stands on the encoder."""
        return self.weights / "head.safetensors"

    @property
    def words(self) -> Path:
        """What an intent run knows of words beside the network; absent where it is of no use."""
        return self.weights / "words.safetensors"

    @property
    def tokenizer(self) -> Path:
        """The folder of the tokenizer."""
        return self.root / "tokenizer"

    @property
    def calibration(self) -> Path:
        """Temperature, out-of-scope state, thresholds and what they were fitted on."""
        return self.root / "calibration.json"

    @property
    def metrics(self) -> Path:
        """Before and after tuning, on validation and test."""
        return self.root / "metrics.json"

    @property
    def errors(self) -> Path:
        """What the tuned model gets wrong."""
        return self.root / "errors.jsonl"

    @property
    def log(self) -> Path:
        """One line a logged step."""
        return self.root / "log.jsonl"

    @property
    def report(self) -> Path:
        """The same for people: one HTML file."""
        return self.root / "report.html"

    @property
    def card(self) -> Path:
        """What data, what licence, what limits."""
        return self.root / "card.md"

    @property
    def base(self) -> Path:
        """The base encoder's name and the fingerprint of its weights."""
        return self.root / "base.json"

    @property
    def partial(self) -> "RunDir":
        """Where it grows until it is complete."""
        return RunDir(self.root.parent / f".{self.root.name}.partial")

    @property
    def checkpoints(self) -> Path:
        """The optimizer's state for a resume; gone from a complete run."""
        return self.root / "checkpoints"

    def files(self) -> tuple[Path, ...]:
        """Every file and folder that a complete run has."""
        return (
            self.config,
            self.labels,
            self.weights,
            self.tokenizer,
            self.calibration,
            self.metrics,
            self.errors,
            self.log,
            self.report,
            self.card,
            self.base,
        )

    def check(self, task: str | None = None) -> str:
        """Return the run's task.

        Raises:
            RunDirError: If it is missing, incomplete, changed, newer, or of a task other than
                `task`.
        """
        if not self.root.is_dir():
            raise RunDirError(f"{self.root}: no such run; train one with deskhand train")
        missing = [path.name for path in self.files() if not path.exists()]
        if missing:
            raise RunDirError(
                f"{self.root}: not a complete run, {', '.join(missing)} missing; train it again"
            )
        config = self.read_config()
        made = config.get("format")
        if made != FORMAT:
            newer = isinstance(made, int) and made > FORMAT
            raise RunDirError(
                f"{self.root}: run format {made}, this version reads {FORMAT}; "
                + ("a newer deskhand made it: update this one" if newer else "train it again")
            )
        found = str(config["train"]["task"])
        if task is not None and found != task:
            raise RunDirError(f"{self.root}: a run of task {found}, {task} is needed here")
        self._check_weights()
        return found

    def read_config(self) -> dict[str, Any]:
        """The resolved config as plain values.

        Raises:
            RunDirError: If it is not what a run writes.
        """
        try:
            values = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise RunDirError(f"{self.config}: cannot be read; train the run again") from error
        if not isinstance(values, dict) or not isinstance(values.get("train"), dict):
            raise RunDirError(f"{self.config}: not a run's config; train the run again")
        return values

    def read_json(self, path: Path) -> Any:  # noqa: ANN401 - whatever JSON holds
        """The values of one of its JSON files.

        Raises:
            RunDirError: If it cannot be read.
        """
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise RunDirError(f"{path}: cannot be read; train the run again") from error

    def _check_weights(self) -> None:
        recorded = self.model.with_suffix(".onnx.sha256")
        if not self.model.exists():
            if not self.head.exists() or recorded.exists():
                raise RunDirError(f"{self.weights}: no weights; train the run again")
            return
        if not recorded.exists():
            raise RunDirError(f"{recorded}: missing; train the run again")
        if recorded.read_text(encoding="utf-8").strip() != sha256_of(self.model):
            raise RunDirError(f"{self.model}: changed since it was trained; train the run again")


def sha256_of(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, values: Any) -> None:  # noqa: ANN401 - whatever JSON holds
    """Write values as indented JSON."""
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
