"""What the runs of all tasks save alike: what they stand on, their labels, encoder and head."""

from collections.abc import Mapping, Sequence
from typing import Any

from safetensors.numpy import save_file

from data.encoders import EncoderSource
from finetune.encoder import save_encoder, save_tokenizer
from finetune.run_dir import RunDir, write_json


def begin_weights(
    run: RunDir,
    base: Mapping[str, Any],
    labels: Sequence[str],
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
) -> None:
    """Make the folder of weights; write `base.json`, `labels.json` and the tokenizer.

    Args:
        run: The partial run.
        base: What `base_of` or `pooled_base_of` gives.
        labels: Output names in the model's order, none where it has no labels.
        tokenizer: Cuts as it shall when the run is served.
    """
    run.weights.mkdir(parents=True, exist_ok=True)
    write_json(run.base, base)
    write_json(run.labels, labels)
    save_tokenizer(tokenizer, run.tokenizer)


def save_encoder_and_head(net: Any, run: RunDir, source: EncoderSource) -> None:  # noqa: ANN401 - a module
    """Write `net.encoder`, and all other parameters as the head; adapters are then merged in it."""
    net.encoder = save_encoder(net.encoder, run.weights, source)
    head = {
        name: value.detach().numpy()
        for name, value in net.named_parameters()
        if not name.startswith("encoder.")
    }
    save_file(head, run.head)
