"""An encoder cut in two: what stays as it is reads each text once, what is tuned starts from there.

Where only upper layers are trained, the lower ones say the same of a text in every epoch. Their
output is computed once and kept, which halves the work of a step (three of six layers, no backward
pass below them).

Source: as feature caching for frozen layers, Liu et al. 2021 (AutoFreeze), arXiv:2102.01386
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from finetune.config import TrainConfig
from finetune.devices import reading
from finetune.trainable import layers_of

ROOM = 2**30  # bytes of kept states; where they would take more, every epoch computes them anew
_BATCH = 64


class _Given(nn.Module):
    """Stands where the embeddings were: what comes in is what the lower layers gave."""

    def forward(self, inputs_embeds: Tensor, **others: Any) -> Tensor:  # noqa: ANN401 - not used
        """The same states (B, T, D)."""
        return inputs_embeds


def fits(encoder: Any, tokens: Sequence[int]) -> bool:  # noqa: ANN401 - a transformers model
    """Whether the states of texts of so many tokens may be kept, and this encoder can be cut."""
    kept = sum(tokens) * encoder.config.hidden_size * 4
    return kept <= ROOM and hasattr(encoder, "embeddings") and hasattr(encoder, "encoder")


def upper_half(encoder: Any, layers: int) -> nn.Module:  # noqa: ANN401 - a transformers model
    """A copy of the `layers` uppermost layers, which takes states as `inputs_embeds`."""
    upper = deepcopy(encoder)
    upper.embeddings = _Given()
    _keep(upper, layers_of(upper)[-layers:])
    return upper  # type: ignore[no-any-return]


def lower_states(
    encoder: Any,  # noqa: ANN401 - a transformers model
    ids: Sequence[Sequence[int]],
    config: TrainConfig,
) -> list[Tensor]:
    """What all but the uppermost `top_layers` layers give for each text: (T, D), without dropout.

    In float32, whatever the multiplications are in.
    """
    lower = deepcopy(encoder).eval()
    _keep(lower, layers_of(lower)[: -config.top_layers])
    order = sorted(range(len(ids)), key=lambda row: len(ids[row]))
    states: list[Tensor] = [torch.empty(0)] * len(ids)
    for start in range(0, len(order), _BATCH):
        rows = order[start : start + _BATCH]
        length = max(len(ids[row]) for row in rows)
        batch = torch.zeros(len(rows), length, dtype=torch.long)
        mask = torch.zeros_like(batch)
        for place, row in enumerate(rows):
            batch[place, : len(ids[row])] = torch.tensor(ids[row])
            mask[place, : len(ids[row])] = 1
        with torch.no_grad(), reading(config):
            hidden = lower(input_ids=batch, attention_mask=mask).last_hidden_state.float()
        for place, row in enumerate(rows):
            states[row] = hidden[place, : len(ids[row])].clone()
    return states


def joined(encoder: Any, upper: nn.Module) -> nn.Module:  # noqa: ANN401 - a transformers model
    """The encoder with the tuned layers in the place of its own."""
    tuned = layers_of(upper)
    for own, other in zip(layers_of(encoder)[-len(tuned) :], tuned, strict=True):
        own.load_state_dict(other.state_dict())
    return encoder  # type: ignore[no-any-return]


def _keep(encoder: Any, layers: list[nn.Module]) -> None:  # noqa: ANN401 - a transformers model
    """Leave the encoder these of its layers."""
    count = encoder.config.num_hidden_layers
    for module in encoder.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.ModuleList) and len(child) == count:
                setattr(module, name, nn.ModuleList(layers))
                encoder.config.num_hidden_layers = len(layers)
                return
