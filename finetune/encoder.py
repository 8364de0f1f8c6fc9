"""The encoder in torch: loading, pooling, adapters, export to ONNX."""

import json
import logging
import os
import shutil
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from data.encoder_way import MODULES, POOLINGS, Pooling
from data.encoders import EncoderSource
from data.errors import EncoderError
from data.onnx_text import Side
from finetune.trainable import hidden_states

logger = logging.getLogger(__name__)
ONNX_OPSET = 17


def load_encoder(
    source: EncoderSource,
    dropout: float | None = None,
    four_bit: bool = False,
    cut: Side = "right",
) -> tuple[Any, Any]:
    """The encoder and its tokenizer, in float32 on the CPU.

    Args:
        source: Where it lies.
        dropout: Of its layers; None leaves what it was pre-trained with.
        four_bit: Its linear layers as 4-bit numbers on a CUDA device (QLoRA, Dettmers et al. 2023,
            arXiv:2305.14314).
        cut: The side on which its tokenizer cuts a text that is too long; saved with it.
    """
    transformers_logging.disable_progress_bar()  # one would be drawn for reading and writing
    settings: dict[str, Any] = {}
    if dropout is not None:
        settings |= {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    if four_bit:
        from transformers import BitsAndBytesConfig

        settings["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
        )
    tokenizer = AutoTokenizer.from_pretrained(str(source.path), truncation_side=cut)
    model = AutoModel.from_pretrained(str(source.path), dtype=torch.float32, **settings)
    if getattr(model, "pooler", None) is not None:
        model.pooler.requires_grad_(False)  # no task reads it, and processes wait for its gradient
    return model, tokenizer


def save_encoder(
    encoder: Any,  # noqa: ANN401 - a peft or transformers model
    weights: Path,
    source: EncoderSource,
) -> nn.Module:
    """Save the adapter or the whole encoder under `weights`; return it with adapters merged in.

    Those that cannot be merged, as tokens before the text, stay on it. The graph of a 4-bit
    encoder is made from its adapter on the weights of `source` in float32.
    """
    if not hasattr(encoder, "peft_config"):
        encoder.save_pretrained(str(weights / "encoder"))
        return encoder  # type: ignore[no-any-return]
    adapter = weights / "adapter"
    encoder.save_pretrained(str(adapter))
    if getattr(encoder.get_base_model(), "is_loaded_in_4bit", False):
        import peft

        encoder = peft.PeftModel.from_pretrained(load_encoder(source)[0], str(adapter))
    if hasattr(encoder, "merge_and_unload") and not encoder.active_peft_config.is_prompt_learning:
        merged: nn.Module = encoder.merge_and_unload()
        return merged
    return encoder  # type: ignore[no-any-return]


def mean_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """Unit-length means (B, D) of the token vectors (B, T, D) where `mask` (B, T) is 1."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    mean = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
    return nn.functional.normalize(mean, dim=-1)


def pool(hidden: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
    """Unit-length vectors (B, D) of the token vectors (B, T, D) where `mask` (B, T) is 1.

    The mask begins with its ones: padding stands on the right.
    """
    if pooling == "mean":
        return mean_pool(hidden, mask)
    if pooling == "cls":
        found = hidden[:, 0]
    elif pooling == "max":
        found = hidden.masked_fill(mask.unsqueeze(-1) == 0, float("-inf")).amax(1)
    else:
        last = (mask.sum(1) - 1).to(torch.int64).view(-1, 1, 1).expand(-1, 1, hidden.shape[-1])
        found = hidden.gather(1, last).squeeze(1)
    return nn.functional.normalize(found, dim=-1)


class Pooled(nn.Module):
    """An encoder that gives one unit-length vector (B, D) a text."""

    def __init__(self, encoder: nn.Module, pooling: Pooling = "mean") -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling: Pooling = pooling

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Vectors (B, D) from token ids and mask (B, T)."""
        hidden = hidden_states(self.encoder, attention_mask, input_ids)
        return pool(hidden, attention_mask, self.pooling)


def export_onnx(
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    path: Path,
    outputs: Sequence[str] = ("output",),
) -> None:
    """Write the module as an ONNX graph with free batch and length.

    Args:
        module: Takes the inputs by name and returns a tensor with the batch first, or several.
        inputs: Examples of at least two rows, one of them padded: a mask of only ones would be
            folded away.
        path: The `.onnx` file to write.
        outputs: What the graph calls what the module returns.
    """
    module.eval().cpu()
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        # The tracing exporter is marked old, but the new one takes four times as long and says so
        # on stdout; torch is pinned, and the tests compare the graph with the module.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            tuple(inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: {0: "batch", 1: "tokens"} for name in inputs},
            opset_version=ONNX_OPSET,
            dynamo=False,
        )


def token_inputs(tokenizer: Any) -> dict[str, Tensor]:  # noqa: ANN401 - a transformers tokenizer
    """Two short texts of different length, for an export."""
    batch = tokenizer(
        ["where is it", "a longer text than that one"], padding=True, return_tensors="pt"
    )
    return {name: batch[name] for name in ("input_ids", "attention_mask")}


def save_tokenizer(tokenizer: Any, folder: Path) -> None:  # noqa: ANN401 - a transformers tokenizer
    """Write `tokenizer.json` and what transformers needs beside it."""
    tokenizer.save_pretrained(str(folder))


def save_pooling(source: EncoderSource, folder: Path) -> None:
    """Write beside tuned weights how they are pooled; prompts, which they were not tuned with, go.

    sentence-transformers reads it too. Nothing is written for the mean of the tokens, which both
    take where nothing is told.
    """
    pooling = source.way.pooling
    if pooling == "mean":
        return
    (folder / "1_Pooling").mkdir(exist_ok=True)
    width = json.loads((folder / "config.json").read_text(encoding="utf-8"))["hidden_size"]
    values = {"word_embedding_dimension": width}
    values |= {name: mode == pooling for name, mode in POOLINGS.items()}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(values), encoding="utf-8")
    modules = [
        {
            "idx": place,
            "name": str(place),
            "path": path,
            "type": f"sentence_transformers.models.{kind}",
        }
        for place, (path, kind) in enumerate((("", "Transformer"), ("1_Pooling", "Pooling")))
    ]
    (folder / MODULES).write_text(json.dumps(modules), encoding="utf-8")


def export_encoder(source: EncoderSource, folder: Path) -> None:
    """Export the untuned encoder with its tokenizer to `folder`.

    Another process may do the same at the same time.

    Raises:
        EncoderError: If its tokenizer is of a kind that is not offered.
    """
    logger.info("exporting encoder %s to %s", source.name, folder)
    partial = folder.parent / f".{folder.name}.{os.getpid()}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    model, tokenizer = load_encoder(source)
    export_onnx(Pooled(model, source.way.pooling), token_inputs(tokenizer), partial / "model.onnx")
    save_tokenizer(tokenizer, partial)
    if not (partial / "tokenizer.json").exists():
        shutil.rmtree(partial)
        raise EncoderError(
            f"encoder {source.name!r}: its tokenizer cannot be written as tokenizer.json; name "
            "one that has a fast tokenizer"
        )
    try:
        partial.replace(folder)
    except OSError:  # another process was quicker: its export is the same
        shutil.rmtree(partial)


def base_of(source: EncoderSource) -> dict[str, str]:
    """What `base.json` says of a run's base encoder."""
    return {"encoder": source.name, "fingerprint": source.fingerprint}


def pooled_base_of(source: EncoderSource) -> dict[str, str]:
    """The same of a run whose network pools as its encoder does, with how, but for the mean."""
    pooling = source.way.pooling
    return base_of(source) | ({} if pooling == "mean" else {"pooling": pooling})
