"""Dropout that draws its bits quickly: on a CPU torch's own draws take a fifth of a training.

torch draws one number after another for each value, on one core, and its attention with dropout
takes the same way. Here 16 bits decide on a value, four values from each draw of numpy's generator.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

_ATTENTION = "quick_dropout"
_VALUES = 2**16  # of 16 bits
_A_DRAW = 4  # times 16 bits


class Dropout(nn.Dropout):
    """As torch's, with a share that is a multiple of 2**-16."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """The same shape; values of the share are 0 in training, the others larger by it."""
        return dropped(input, self.p) if self.training else input


def dropped(values: Tensor, share: float) -> Tensor:
    """The values with a share of them, in [0, 1], set to 0 and the others divided by 1 - share.

    What is drawn follows from torch's seed and state, so trainings that go on draw as if they had
    never stopped.
    """
    lost = round(share * _VALUES)
    if values.device.type != "cpu" or lost in (0, _VALUES) or not values.numel():
        return nn.functional.dropout(values, share)
    seed = int(torch.randint(2**63 - 1, ()))
    draws = np.random.SFC64(seed).random_raw(-(-values.numel() // _A_DRAW))
    bits = torch.from_numpy(draws).view(torch.int16)[: values.numel()].view(values.shape)
    kept = torch.empty_like(bits, dtype=values.dtype)
    torch.ge(bits, lost - _VALUES // 2, out=kept)
    return values * kept.mul_(_VALUES / (_VALUES - lost))


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    **others: object,
) -> tuple[Tensor, Tensor | None]:
    """The attention `sdpa` of transformers with the quick dropout: (B, T, H, D) from (B, H, T, D).

    Whatever has no dropout, is causal without a mask, or is not plain goes to `sdpa` itself.
    """
    causal = attention_mask is None and (
        getattr(module, "is_causal", True) if is_causal is None else is_causal
    )
    unlike = query.shape[1] != key.shape[1] or others.get("position_bias") is not None
    if not dropout or causal or unlike or query.device.type != "cpu":
        told: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask,
            dropout=dropout, scaling=scaling, is_causal=is_causal, **others,
        )  # fmt: skip
        return told
    scores = query @ key.transpose(2, 3) * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    if attention_mask is not None:
        if attention_mask.dtype == torch.bool:
            scores = scores.masked_fill(~attention_mask, torch.finfo(scores.dtype).min)
        else:
            scores = scores + attention_mask
    weights = dropped(scores.softmax(-1), dropout).to(value.dtype)
    return (weights @ value).transpose(1, 2).contiguous(), None


def quicken(model: nn.Module) -> None:
    """Let every dropout in the model, and in its attention, draw quickly on a CPU."""
    parents: list[Any] = list(model.modules())
    for parent in parents:
        for name, child in list(parent.named_children()):
            if type(child) is nn.Dropout:
                parent.register_module(name, Dropout(child.p).train(child.training))
        if isinstance(parent, PreTrainedModel) and parent.config._attn_implementation == "sdpa":
            parent.set_attn_implementation(_ATTENTION)


AttentionInterface.register(_ATTENTION, attention)
AttentionMaskInterface.register(_ATTENTION, sdpa_mask)
