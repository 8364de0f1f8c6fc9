"""Serving a network that writes: torch, and nothing that trains."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.run_dir import RunDir

BATCH = 16  # texts written side by side


class Writer:
    """Writes a text for each text, as the run's network was saved to.

    Args:
        run: A complete run with `weights/network`.
        max_tokens: Of a text; longer ones are cut.
        threads: CPU threads of one call.
        device: `cuda` or `cpu`; None: CUDA where it is.
    """

    def __init__(
        self, run: RunDir, max_tokens: int, threads: int = 2, device: str | None = None
    ) -> None:
        import torch  # seconds to import, and most of what imports this module serves without
        from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        torch.set_num_threads(threads)
        self._device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self._tokenizer: Any = AutoTokenizer.from_pretrained(str(run.tokenizer))
        self._network: Any = AutoModelForSeq2SeqLM.from_pretrained(
            str(run.network), dtype=torch.float32
        )
        if run.adapter.exists():
            run.verify(run.adapter)
            self._network = with_adapter(self._network, run.adapter)
        self._network.eval().to(self._device)
        self._max_tokens = max_tokens

    def write(self, texts: Sequence[str]) -> list[str]:
        """A text for each, in the order given."""
        import torch

        if not texts:
            return []
        rows = self._tokenizer(list(texts), truncation=True, max_length=self._max_tokens)
        ids = rows["input_ids"]
        order = sorted(range(len(texts)), key=lambda row: len(ids[row]))
        written = [""] * len(texts)
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            batch = self._tokenizer.pad(
                {"input_ids": [ids[place] for place in places]}, return_tensors="pt"
            ).to(self._device)
            with torch.inference_mode():
                output = self._network.generate(
                    input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]
                )
            said = self._tokenizer.batch_decode(
                output, skip_special_tokens=True, clean_up_tokenization_spaces=True
            )
            for place, text in zip(places, said, strict=True):
                written[place] = text.strip()
        return written


def with_adapter(network: Any, adapter: Path) -> Any:  # noqa: ANN401 - transformers, peft
    """The network with an adapter on it that is not merged in."""
    import peft

    with warnings.catch_warnings():
        # peft 0.21 asks for an attribute that transformers 5.23 has renamed; no caller can help it.
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated")
        return peft.PeftModel.from_pretrained(network, str(adapter))
