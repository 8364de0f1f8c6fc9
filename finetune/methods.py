"""Which ways to tune there are, and which of them each task offers: the cells that tests try.

No torch here: a config is checked before anything heavy is loaded. `docs/tuning.md` says of each
what it trains, what memory it takes and when to use it.
"""

from typing import Literal

TaskName = Literal["intent", "ner", "relation", "qa", "reply", "summary", "dialogue", "pretrain"]
Method = Literal[
    "auto",
    "full",
    "frozen_embeddings",
    "top_layers",
    "gradual",
    "head",
    "contrastive",
    "lora",
    "dora",
    "qlora",
    "ia3",
    "prefix",
    "prompt",
]
_WHOLE: tuple[Method, ...] = ("full", "frozen_embeddings", "top_layers", "gradual")
_MERGED: tuple[Method, ...] = ("lora", "dora", "qlora", "ia3")
ADAPTERS: tuple[Method, ...] = (*_MERGED, "prefix", "prompt")

# tests/test_methods.py tries every cell, and a config that asks for another is refused.
METHODS: dict[TaskName, tuple[Method, ...]] = {
    "intent": (*_WHOLE, "head", "contrastive", *ADAPTERS),
    "ner": (*_WHOLE, "head", *ADAPTERS),
    "relation": (*_WHOLE, "head", *ADAPTERS),
    "qa": (*_WHOLE, "head", *ADAPTERS),
    "reply": (*_WHOLE, *_MERGED),
    "pretrain": ("full", "frozen_embeddings", "top_layers", "lora"),
    # head: of kind extractive, which has no other.
    "summary": ("head", "full", "frozen_embeddings", "lora", "dora", "ia3", "prefix", "prompt"),
    "dialogue": ("full", "frozen_embeddings", "lora", "dora", "qlora"),
}

# What early stopping can watch on the validation rows, beside the loss.
STOP_ON: dict[TaskName, tuple[str, ...]] = {
    "intent": ("accuracy", "macro_f1"),
    "ner": ("token_macro_f1",),
    "relation": ("accuracy", "macro_f1"),
    "qa": ("exact_span",),
}
