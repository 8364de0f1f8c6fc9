"""Serving a dialogue run: the next agent turn, with this conversation's values and no others."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.encoders import EncoderSource, resolve_encoder
from data.errors import RunDirError
from data.schema import Situation
from finetune.dialogue.talker import NotWrittenError, Talker
from finetune.run_dir import RunDir, sha256_of_text
from finetune.summary.writer import with_adapter

__all__ = ["DialogueModel", "NotWrittenError"]


class DialogueModel:
    """Writes the next agent turn.

    Args:
        run: A complete dialogue run.
        threads: CPU threads of one call.
        device: `cuda` or `cpu`; None: CUDA where it is.

    Raises:
        RunDirError: If the run is not a complete dialogue run, its weights or its chat template
            changed, or the base model of its adapter is another one.
    """

    def __init__(self, run: Path, threads: int = 2, device: str | None = None) -> None:
        import torch  # seconds to import, and most of what imports this module serves without
        from transformers import AutoTokenizer
        from transformers.utils import logging

        folder = RunDir(run)
        folder.check("dialogue")
        config = folder.trained()
        served = folder.read_json(folder.calibration)
        logging.disable_progress_bar()
        torch.set_num_threads(threads)
        tokenizer: Any = AutoTokenizer.from_pretrained(str(folder.tokenizer))
        kind = served.get("kind")
        if kind not in ("writer", "causal"):
            raise RunDirError(f"{folder.calibration}: no kind of dialogue run; train it again")
        if kind == "causal":
            check_template(folder, tokenizer, served)
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        network = _network(folder, kind, device)
        self._talker = Talker(
            network.to(device),
            tokenizer,
            kind,
            config.max_tokens,
            config.dialogue.max_target_tokens,
            served.get("forms"),
            **({"system": served["system"]} if "system" in served else {}),
            reads_step=config.dialogue.reads_step,
        )

    def write(self, situation: Situation, stop_after_s: float = 20.0) -> Iterator[str]:
        """See Talker."""
        return self._talker.write(situation, stop_after_s)

    def write_all(self, situations: Sequence[Situation]) -> list[str]:
        """See Talker."""
        return self._talker.write_all(situations)

    def nats(self, situations: Sequence[Situation], answers: Sequence[str]) -> NDArray[np.float64]:
        """See Talker."""
        return self._talker.nats(situations, answers)


def _network(run: RunDir, kind: str, device: str) -> Any:  # noqa: ANN401 - a transformers or peft model
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    if kind == "writer":
        return AutoModelForSeq2SeqLM.from_pretrained(str(run.network), dtype=torch.float32)
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    if not run.adapter.exists():
        return AutoModelForCausalLM.from_pretrained(str(run.network), dtype=dtype)
    base = adapter_base(run)
    network = AutoModelForCausalLM.from_pretrained(str(base.path), dtype=dtype)
    return with_adapter(network, run.adapter)


def adapter_base(run: RunDir) -> EncoderSource:
    """Where the base model of a run's adapter lies.

    Raises:
        RunDirError: If the adapter changed since it was trained, or the base model did.
    """
    run.verify(run.adapter)
    base = run.read_json(run.base)
    source = resolve_encoder(str(base["encoder"]))
    if source.fingerprint != base["fingerprint"]:
        raise RunDirError(
            f"{run.root}: its adapter was trained on other weights than those of "
            f"{source.name}; get that version back, or train again"
        )
    return source


def check_template(run: RunDir, tokenizer: Any, served: dict[str, Any]) -> None:  # noqa: ANN401
    """Raise RunDirError where the chat template is not the one that it was trained with."""
    template = getattr(tokenizer, "chat_template", None)
    if not isinstance(template, str) or not template:
        raise RunDirError(f"{run.tokenizer}: its chat template is missing; train the run again")
    if sha256_of_text(template) != served.get("chat_template_sha256"):
        raise RunDirError(
            f"{run.tokenizer}: its chat template changed since it was trained; train the run again"
        )
