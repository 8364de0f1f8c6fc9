"""A cross-encoder for replies: it reads the context and a candidate answer together.

Slower than vectors that are compared, and closer: each word of one text sees each word of the
other.

Source: Nogueira & Cho 2019, arXiv:1901.04085; a softmax over a right answer, mined wrong ones and
random ones of the batch, as in Henderson et al. 2017, arXiv:1705.00652. Model, loss and trainer are
sentence-transformers'.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file
from sentence_transformers import (
    CrossEncoder,
    CrossEncoderTrainingArguments,
    SentenceTransformer,
)
from sentence_transformers.base.modules import Dense, Transformer
from sentence_transformers.cross_encoder.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.modules import Pooling
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from data.encoders import resolve_encoder
from data.schema import Example
from finetune.arguments import trained
from finetune.config import TrainConfig
from finetune.devices import device_name
from finetune.encoder import base_of, export_onnx, load_encoder, save_encoder
from finetune.reading import Splits, conversation_of
from finetune.reply.reranker import PairLogits
from finetune.reply.rows import mines, trusted_pairs, with_negatives
from finetune.reply.trainer import ranking_trainer
from finetune.reply.tuners import PairTuner
from finetune.run_dir import RunDir, write_json
from finetune.saving import begin_weights
from finetune.task import Trains
from finetune.trainable import prepare

_FITTED_ROWS = 500  # contexts that the scale of the scores is fitted on, at most


class PairNet(nn.Module):
    """Encoder over both texts, the mean of the token vectors, a linear layer: a logit a pair."""

    def __init__(self, encoder: nn.Module, linear: nn.Linear) -> None:
        super().__init__()
        self.encoder = encoder
        self.linear = linear

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> Tensor:
        """Logits (B, 1) from ids, mask and which of the texts a token is of, each (B, T)."""
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        output = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **types)
        hidden = output.last_hidden_state[:, -attention_mask.shape[1] :]
        weights = attention_mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
        logits: Tensor = self.linear(mean)
        return logits


def pair_trainer(config: TrainConfig, splits: Splits, run: RunDir) -> Trains:
    """What trains it; see Task."""
    source = resolve_encoder(config.encoder)
    torch.manual_seed(config.seed)
    rows = trusted_pairs(splits.train, config)
    if mines(rows, config):
        miner = SentenceTransformer(str(source.path), device=device_name(config))
        rows = with_negatives(rows, miner, config)
    transformer = Transformer(str(source.path))
    transformer.model, _ = load_encoder(source, config.optim.dropout, config.method == "qlora")
    width = transformer.model.config.hidden_size
    transformer.model = prepare(transformer.model, config)
    model = CrossEncoder(
        modules=[
            transformer,
            Pooling(width),
            Dense(width, 1, activation_function=nn.Identity(), module_output_name="scores"),
        ],
        device=device_name(config),
    )
    model.max_seq_length = config.max_tokens
    loss = MultipleNegativesRankingLoss(
        model, num_negatives=config.reply.random_negatives, scale=1, activation_fn=nn.Identity()
    )
    return ranking_trainer(
        PairTuner, CrossEncoderTrainingArguments, loss, rows, config, splits, run
    )


def save_pairs(trainer: Trains, config: TrainConfig, splits: Splits, run: RunDir) -> None:
    """Write weights, graph, tokenizer and the scale of the scores; see Task."""
    source = resolve_encoder(config.encoder)
    model = trained(trainer)
    transformer, linear = model[0], model[2].linear
    tokenizer = transformer.processor
    begin_weights(run, base_of(source), [], tokenizer)
    encoder = save_encoder(transformer.model, run.weights, source)
    save_file({name: each.detach().numpy() for name, each in linear.named_parameters()}, run.head)
    export_onnx(PairNet(encoder, linear), pair_inputs(tokenizer), run.model)
    logits = PairLogits(run, config.max_tokens, config.threads)
    write_json(run.calibration, fit_scale(logits, splits.validation, config.seed))


def pair_inputs(tokenizer: Any) -> dict[str, Tensor]:  # noqa: ANN401 - a transformers tokenizer
    """Two pairs of different length, with the token types that the encoder knows, for an export."""
    batch = tokenizer(
        ["where is it", "a longer text than that one"], ["on its way", "here"],
        padding=True, return_tensors="pt",
    )  # fmt: skip
    names = ("input_ids", "attention_mask", "token_type_ids")
    return {name: batch[name] for name in names if name in batch}


def fit_scale(logits: PairLogits, examples: Sequence[Example], seed: int) -> dict[str, Any]:
    """Slope and shift that make a logit the probability of being the right one of two answers.

    Each context is put to its own answer and to one of another conversation. Where the right ones
    do not have the higher logits, or there is nothing to compare, the logit stays as it is.

    Source: Platt 1999, Probabilistic outputs for support vector machines.
    """
    plain = {"slope": 1.0, "shift": 0.0, "fitted_on": "nothing: scores are the model's own"}
    generator = np.random.default_rng(seed)
    conversations = np.array([conversation_of(example) for example in examples])
    pairs: list[tuple[str, str]] = []
    for row in generator.permutation(len(examples))[:_FITTED_ROWS]:
        others = np.flatnonzero(conversations != conversations[row])
        if len(others):
            own, other = examples[row], examples[int(generator.choice(others))]
            pairs += [(own.text, own.answer or ""), (own.text, other.answer or "")]
    if not pairs:
        return plain
    right = np.arange(len(pairs)) % 2 == 0
    fit = LogisticRegression().fit(logits.of(pairs).reshape(-1, 1), right)
    slope, shift = float(fit.coef_[0, 0]), float(fit.intercept_[0])
    if slope <= 0:
        return plain
    return {
        "slope": slope,
        "shift": shift,
        "fitted_on": f"validation: {len(pairs) // 2} contexts, each with its own answer and "
        "one of another conversation",
    }
