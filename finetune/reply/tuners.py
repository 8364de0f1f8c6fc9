"""The library's trainers of reply models, with checkpoints that can be read again.

The library's own are whole models: it cannot put those that have adapters together again, and its
model cards would quote rows in every checkpoint.
"""

from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from sentence_transformers import CrossEncoderTrainer, SentenceTransformerTrainer
from torch import nn

_FILE = "model.safetensors"


class VectorTuner(SentenceTransformerTrainer):  # type: ignore[misc]
    """Trains a bi-encoder; a checkpoint holds what is ever trained."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - the library's
        super().__init__(**settings)
        self._trained = _trained_in(self.model)

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:  # noqa: ANN401
        _write(self.model, self._trained, Path(output_dir or self.args.output_dir))

    def _load_from_checkpoint(self, checkpoint_path: str) -> None:
        _read(self.model, self._trained, Path(checkpoint_path))


class PairTuner(CrossEncoderTrainer):  # type: ignore[misc]
    """Trains a cross-encoder; a checkpoint holds what is ever trained."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 - the library's
        super().__init__(**settings)
        self._trained = _trained_in(self.model)

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """See CrossEncoderTrainer."""

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:  # noqa: ANN401
        _write(self.model, self._trained, Path(output_dir or self.args.output_dir))

    def _load_from_checkpoint(self, checkpoint_path: str) -> None:
        _read(self.model, self._trained, Path(checkpoint_path))


def _trained_in(model: nn.Module) -> set[str]:
    """Names of the parameters that training may change, before any is frozen for a while."""
    return {name for name, each in model.named_parameters() if each.requires_grad}


def _write(model: nn.Module, names: set[str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    values = {name: each for name, each in model.named_parameters() if name in names}
    save_file({name: each.detach().contiguous() for name, each in values.items()}, folder / _FILE)


def _read(model: nn.Module, names: set[str], folder: Path) -> None:
    values = load_file(folder / _FILE)
    if set(values) != names:
        raise RuntimeError(f"checkpoint lacks {sorted(names - set(values))}")
    model.load_state_dict(values, strict=False)
