"""A run directory is a format: everything needed to reload a trained model and to trust it."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError
from safetensors import safe_open

from data.errors import RunDirError
from finetune.config import TrainConfig

T = TypeVar("T")
FORMAT = 4
WEIGHTS = "model.safetensors"  # in the folder of an encoder or network
ADAPTER = "adapter_model.safetensors"
_LABELLED = ("intent", "ner", "relation")  # tasks whose models tell names apart
_PICKLED = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".npy", ".npz"}


@dataclass(frozen=True, slots=True)
class RunDir:
    """Where one training run keeps its files.

    `weights/` holds `model.onnx`, beside what torch reads (`encoder/` by `save_pretrained`, or
    `adapter/`, and `head.safetensors`). A run on a frozen encoder has the head alone; one that
    writes texts has `network/`, which torch serves. `sha256.json` holds the SHA-256 of each of
    these files; nothing else may lie there.
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
    def network(self) -> Path:
        """The folder of a network that torch serves, where there is no graph."""
        return self.weights / "network"

    @property
    def adapter(self) -> Path:
        """The folder of an adapter: what was tuned beside an encoder that stayed as it was."""
        return self.weights / "adapter"

    @property
    def encoder(self) -> Path:
        """The folder of the tuned encoder."""
        return self.weights / "encoder"

    @property
    def sums(self) -> Path:
        """The SHA-256 of each file of weights."""
        return self.weights / "sha256.json"

    @property
    def head(self) -> Path:
        """What stands on the encoder."""
        return self.weights / "head.safetensors"

    @property
    def words(self) -> Path:
        """What an intent run knows of words beside the network; absent where it is of no use."""
        return self.weights / "words.safetensors"

    @property
    def memory(self) -> Path:
        """Vectors of training rows: what an intent run tells scope by and is extended beside."""
        return self.weights / "memory.safetensors"

    @property
    def added(self) -> Path:
        """Weights of intents that came after the training; absent where none did."""
        return self.weights / "added.safetensors"

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
        found = self.trained().task
        if task is not None and found != task:
            raise RunDirError(f"{self.root}: a run of task {found}, {task} is needed here")
        self._check_weights()
        self._check_labels(found)
        return found

    def write_config(self, values: Mapping[str, Any]) -> None:
        """Write `config.yaml`."""
        text = yaml.safe_dump(dict(values), sort_keys=False)
        self.config.write_text(text, encoding="utf-8")

    def read_config(self) -> dict[str, Any]:
        """The resolved config as plain values.

        Raises:
            RunDirError: If it is not what a run writes.
        """
        try:
            values = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
            raise RunDirError(f"{self.config}: cannot be read; train the run again") from error
        if not isinstance(values, dict) or not isinstance(values.get("train"), dict):
            raise RunDirError(f"{self.config}: not a run's config; train the run again")
        return values

    def trained(self) -> TrainConfig:
        """The settings that it was trained with.

        Raises:
            RunDirError: If they are not those of a run of this version.
        """
        values = self.read_config()["train"]
        try:
            if "max_tokens" in values:  # what the weights read is told, not taken for granted
                return TrainConfig.recorded(values)
        except ValidationError as error:
            raise RunDirError(
                f"{self.config}: not a config of this version; train the run again"
            ) from error
        raise RunDirError(f"{self.config}: no max_tokens; train the run again")

    def read_json(self, path: Path) -> Any:  # noqa: ANN401 - whatever JSON holds
        """The values of one of its JSON files.

        Raises:
            RunDirError: If it cannot be read.
        """
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise RunDirError(f"{path}: cannot be read; train the run again") from error

    def read_as(self, path: Path, made: Callable[[Any], T]) -> T:
        """What `made` makes of one of its JSON files.

        Raises:
            RunDirError: If it cannot be read, or is not what `made` wrote.
        """
        values = self.read_json(path)
        try:
            return made(values)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise RunDirError(f"{path}: not what a run writes; train the run again") from error

    def _check_labels(self, task: str) -> None:
        """Raise RunDirError where labels are no names, or not as many as the head tells apart."""
        labels = self.read_json(self.labels)
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise RunDirError(f"{self.labels}: not a list of names; train the run again")
        tags = all(label == "O" or label[:2] in ("B-", "I-") for label in labels)
        if (task in _LABELLED and not labels) or (task == "ner" and not tags):
            raise RunDirError(f"{self.labels}: not those of task {task}; train the run again")
        if not labels or not self.head.exists():
            return
        more = 0
        if self.added.exists():
            with safe_open(self.added, "numpy") as added:
                more = added.get_slice("weight").get_shape()[0]
        with safe_open(self.head, "numpy") as head:
            for name in {"weight", "linear.weight"} & set(head.keys()):
                told = head.get_slice(name).get_shape()[0] + more
                if told != len(labels) or len(set(labels)) != len(labels):
                    raise RunDirError(
                        f"{self.labels}: {len(set(labels))} names, but the weights tell {told} "
                        "apart; train the run again"
                    )

    def verify(self, folder: Path) -> None:
        """Check a folder of weights that only torch reads; `check` leaves it out to load quickly.

        Raises:
            RunDirError: If a file in it is not as it was trained.
        """
        _same(self.weights, _under(folder.relative_to(self.weights).as_posix(), self._recorded()))

    def _check_weights(self) -> None:
        recorded = self._recorded()
        served = ("model.onnx", "head.safetensors", f"network/{WEIGHTS}", f"adapter/{ADAPTER}")
        if not set(served) & set(recorded):
            raise RunDirError(f"{self.weights}: no weights; train the run again")
        for path in sorted(self.weights.rglob("*")):
            name = path.relative_to(self.weights).as_posix()
            if path.suffix in _PICKLED:
                raise RunDirError(
                    f"{path}: pickled weights could run code and are never read; a run holds "
                    "safetensors alone"
                )
            if path.is_file() and name not in recorded and path != self.sums:
                raise RunDirError(f"{path}: is not of this run; take it away")
        if missing := [name for name in recorded if not (self.weights / name).is_file()]:
            raise RunDirError(f"{self.weights / missing[0]}: missing; train the run again")
        late = _under("encoder", recorded) | _under("adapter", recorded)
        _same(self.weights, {name: recorded[name] for name in recorded if name not in late})

    def _recorded(self) -> dict[str, str]:
        """SHA-256 by name of each file of weights."""
        if not self.sums.exists():
            raise RunDirError(f"{self.sums}: missing; train the run again")
        values = self.read_json(self.sums)
        if not isinstance(values, dict) or not all(isinstance(v, str) for v in values.values()):
            raise RunDirError(f"{self.sums}: not what a run writes; train the run again")
        return values


def record_sums(run: RunDir) -> None:
    """Write the SHA-256 of every file of a run's weights; the last thing that is done to them."""
    files = (path for path in sorted(run.weights.rglob("*")) if path.is_file())
    sums = {
        path.relative_to(run.weights).as_posix(): sha256_of(path)
        for path in files
        if path != run.sums
    }
    write_json(run.sums, sums)


def sha256_of(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_text(text: str) -> str:
    """SHA-256 (hex) of a text."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _under(folder: str, recorded: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in recorded.items() if name.startswith(f"{folder}/")}


def _same(weights: Path, recorded: Mapping[str, str]) -> None:
    """Raise RunDirError where a file of weights is gone or has another SHA-256."""
    for name, wanted in recorded.items():
        if not (weights / name).is_file():
            raise RunDirError(f"{weights / name}: missing; train the run again")
        if sha256_of(weights / name) != wanted:
            raise RunDirError(
                f"{weights / name}: changed since it was trained; train the run again"
            )


def write_json(path: Path, values: Any) -> None:  # noqa: ANN401 - whatever JSON holds
    """Write values as indented JSON."""
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
