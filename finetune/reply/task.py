"""Reply ranking, learned from (conversation so far → the agent's answer).

A bi-encoder compares vectors; `reply.kind: cross_encoder` reads both texts together and is in
`finetune/reply/cross_encoder.py`. Both are scored on the same draws.

Source: in-batch negatives, Henderson et al. 2017, arXiv:1705.00652; the loss and the mining of hard
negatives are sentence-transformers'.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

from data.encoders import Encoder, resolve_encoder
from data.schema import Example
from finetune.arguments import trained
from finetune.config import TrainConfig
from finetune.devices import device_name
from finetune.encoder import (
    Pooled,
    base_of,
    export_onnx,
    load_encoder,
    save_encoder,
    save_pooling,
    save_tokenizer,
    token_inputs,
)
from finetune.metrics import ranking_metrics
from finetune.reading import Splits, read_replies
from finetune.reply.cross_encoder import pair_trainer, save_pairs
from finetune.reply.model import ReplyModel
from finetune.reply.ranking import CANDIDATES, DRAWS, check_ranked, score_ranking
from finetune.reply.reranker import RerankerModel
from finetune.reply.rows import trusted_pairs, with_negatives
from finetune.reply.trainer import ranking_trainer
from finetune.reply.tuners import VectorTuner
from finetune.run_dir import RunDir, write_json
from finetune.saving import begin_weights
from finetune.serving import shared_encoder
from finetune.task import Before, Scored, Scorer, Trains, no_findings
from finetune.trainable import prepare


class ReplyTask:
    """See Task."""

    best_metric = "recall_at_1_of_10"
    findings = staticmethod(no_findings)

    def read(self, path: Path, config: TrainConfig) -> list[Example]:
        """See Task."""
        return read_replies(path)

    def trainer(self, config: TrainConfig, splits: Splits, run: RunDir) -> Trains:
        """See Task."""
        check_ranked(splits, config.seed)
        if config.reply.kind == "cross_encoder":
            return pair_trainer(config, splits, run)
        source = resolve_encoder(config.encoder)
        torch.manual_seed(config.seed)
        model = SentenceTransformer(str(source.path), device=device_name(config))
        model.max_seq_length = config.max_tokens
        rows = with_negatives(trusted_pairs(splits.train, config), model, config)
        transformer = model[0]
        transformer.model, _ = load_encoder(source, config.optim.dropout, config.method == "qlora")
        transformer.model = prepare(transformer.model, config)
        loss = MultipleNegativesRankingLoss(model, scale=1 / config.reply.temperature)
        return ranking_trainer(
            VectorTuner, SentenceTransformerTrainingArguments,
            loss, rows, config, splits, run,
        )  # fmt: skip

    def save(self, trainer: Trains, config: TrainConfig, splits: Splits, run: RunDir) -> None:
        """See Task."""
        if config.reply.kind == "cross_encoder":
            return save_pairs(trainer, config, splits, run)
        source = resolve_encoder(config.encoder)
        transformer = trained(trainer)[0]
        tokenizer = transformer.processor
        begin_weights(run, base_of(source), [], tokenizer)
        write_json(run.calibration, {"fitted_on": "nothing: scores are cosines"})
        save_tokenizer(tokenizer, run.weights)  # beside the weights: the run is an encoder
        encoder = save_encoder(transformer.model, run.weights, source)
        if run.encoder.exists():  # not an adapter alone: other tasks may start from it
            save_tokenizer(tokenizer, run.encoder)
            save_pooling(source, run.encoder)
        pooled = Pooled(encoder, source.way.pooling)
        export_onnx(pooled, token_inputs(tokenizer), run.model)

    def before(self, config: TrainConfig, splits: Splits) -> Before:
        """See Task: the untuned encoder's vectors, and chance; the same for both kinds."""
        encoder = shared_encoder(config.encoder, threads=config.threads)

        def untuned(examples: list[Example]) -> Scored:
            return score_vectors(encoder, examples, config.seed)

        def chance(examples: list[Example]) -> Scored:
            places = np.arange(DRAWS) % CANDIDATES + 1
            return Scored(ranking_metrics(list(places)))

        return Before(untuned, chance)

    def scorer(self, run: Path, config: TrainConfig) -> Scorer:
        """See Task."""
        if config.reply.kind == "cross_encoder":
            reranker = RerankerModel(run, config.threads)
            return lambda examples: score_pairs(reranker, examples, config.seed)
        model = ReplyModel(run, config.threads)
        return lambda examples: score_vectors(model.encoder, examples, config.seed)


def score_vectors(encoder: Encoder, examples: Sequence[Example], seed: int) -> Scored:
    """Rank by the cosine of context and answer."""
    contexts = encoder.encode([example.text for example in examples])
    answers = encoder.encode([example.answer or "" for example in examples])
    return score_ranking(
        lambda asked, offered: np.einsum("nd,nd->n", contexts[asked], answers[offered]),
        examples,
        seed,
    )


def score_pairs(model: RerankerModel, examples: Sequence[Example], seed: int) -> Scored:
    """Rank by what a cross-encoder says of context and answer."""

    def scores(asked: NDArray[np.int_], offered: NDArray[np.int_]) -> NDArray[np.float64]:
        return model.pair_scores(
            [
                (examples[row].text, examples[other].answer or "")
                for row, other in zip(asked, offered, strict=True)
            ]
        )

    return score_ranking(scores, examples, seed)
