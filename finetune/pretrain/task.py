"""Continued pre-training of an encoder on a company's own texts, without a label.

The run's encoder is what later tasks start from: `encoder: runs/NAME` in their config.

Source: domain- and task-adaptive pre-training, Gururangan et al. 2020,
https://aclanthology.org/2020.acl-main.740
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from data.encoder_way import Pooling
from data.encoders import resolve_encoder
from data.schema import Example
from finetune.arguments import BY_LENGTH, Rows, arguments, callbacks, trained
from finetune.config import TrainConfig
from finetune.encoder import Pooled, base_of, load_encoder, save_pooling, save_tokenizer
from finetune.pretrain.denoising import DenoisingNet
from finetune.pretrain.half_matching import half_matches
from finetune.pretrain.masked_net import (
    MaskedNet,
    fit_head,
    guesses,
    load_head,
    save_head,
    word_counts,
    word_metrics,
)
from finetune.pretrain.masking import Masker, Remover, share_of, some_windows, windows
from finetune.reading import Splits
from finetune.reading.unlabelled import read_unlabelled
from finetune.run_dir import RunDir, write_json
from finetune.saving import begin_weights
from finetune.task import Before, Finished, Scored, Scorer, Trains
from finetune.trainable import Tuner, prepare

logger = logging.getLogger(__name__)
WORST = 100  # texts of errors.jsonl
SCORED_SHARE = 0.15  # of the words hidden where encoders are compared, whatever they learned by
HALVES = "halves_recall_at_1"


class _Pretrainer(Tuner):
    """A Tuner that does something `first`, unless it goes on from a checkpoint."""

    def __init__(
        self,
        config: TrainConfig,
        first: Callable[[], None] | None,
        **settings: Any,  # noqa: ANN401 - the library's
    ) -> None:
        super().__init__(config, **settings)
        self._first = first

    def train(self, resume_from_checkpoint: str | None = None, **settings: Any) -> Any:  # noqa: ANN401
        """See transformers.Trainer."""
        if self._first is not None and resume_from_checkpoint is None:
            self._first()
        return super().train(resume_from_checkpoint, **settings)


class PretrainTask:
    """See Task."""

    best_metric = "masked_accuracy"

    def read(self, path: Path, config: TrainConfig) -> list[Example]:
        """See Task."""
        return read_unlabelled(path, config.text_column)

    def trainer(self, config: TrainConfig, splits: Splits, run: RunDir) -> Trains:
        """See Task."""
        source = resolve_encoder(config.encoder)
        encoder, tokenizer = load_encoder(source, config.optim.dropout)
        rows = _rows(splits.train, tokenizer, config)
        held = _rows(splits.validation, tokenizer, config)
        net: MaskedNet | DenoisingNet
        collator: Masker | Remover
        if config.pretrain.objective == "masked":
            collator = Masker(tokenizer, share_of(config))
            net = MaskedNet(prepare(encoder, config), encoder.config.hidden_size)
            held = collator.hidden(held, config.seed)
            first = partial(fit_head, net, rows, collator, config)
        else:
            collator = Remover(tokenizer.pad_token_id, share_of(config))
            net, first = DenoisingNet(source, config), None
        return _Pretrainer(
            config,
            first,
            model=net,
            args=arguments(
                config, run.checkpoints, len(rows), prediction_loss_only=True, **BY_LENGTH
            ),
            train_dataset=Rows(rows),
            eval_dataset=Rows(held),
            data_collator=collator.collate,
            callbacks=callbacks(config, net.encoder),
        )

    def save(self, trainer: Trains, config: TrainConfig, splits: Splits, run: RunDir) -> None:
        """See Task."""
        source = resolve_encoder(config.encoder)
        whole, tokenizer = load_encoder(source)
        begin_weights(run, base_of(source), [], tokenizer)
        write_json(run.calibration, {"fitted_on": "nothing: it predicts no label"})
        net = trained(trainer)
        encoder = net.encoder.merge_and_unload() if hasattr(net.encoder, "peft_config") else (
            net.encoder
        )  # fmt: skip
        with torch.no_grad():  # by name: what was not tuned, as a pooler, stays as it was
            for name, value in encoder.state_dict().items():
                whole.state_dict()[name].copy_(value)
        whole.save_pretrained(str(run.encoder))
        save_tokenizer(tokenizer, run.encoder)  # beside the weights: the run is an encoder
        save_pooling(source, run.encoder)
        if not isinstance(net, MaskedNet):
            net = _with_head(whole, tokenizer, _rows(splits.train, tokenizer, config), config)
        save_head(net, run.head)

    def before(self, config: TrainConfig, splits: Splits) -> Before:
        """See Task: the encoder as it was, its head fitted; always the most frequent word."""
        source = resolve_encoder(config.encoder)
        encoder, tokenizer = load_encoder(source)
        rows = _rows(splits.train, tokenizer, config)
        net = _with_head(encoder, tokenizer, rows, config)
        words = [row["input_ids"][row["special"] == 0] for row in rows]
        counts = word_counts(words, len(net.bias)) + 1.0

        def frequent(examples: list[Example]) -> Scored:
            fixed, owners = _fixed(examples, tokenizer, config)
            found = np.zeros((len(examples), 3))
            for row, owner in zip(fixed, owners, strict=True):
                labels = row["labels"][row["labels"] >= 0]
                nats = -np.log(counts[labels] / counts.sum()).sum()
                found[owner] += (nats, (labels == counts.argmax()).sum(), len(labels))
            return Scored({"n": len(examples), **word_metrics(found)})

        return Before(
            lambda examples: _score(net, source.way.pooling, tokenizer, examples, config), frequent
        )

    def scorer(self, run: Path, config: TrainConfig) -> Scorer:
        """See Task."""
        source = resolve_encoder(str(run))
        encoder, tokenizer = load_encoder(source)
        net = MaskedNet(encoder, encoder.config.hidden_size)
        load_head(net, RunDir(run).head)
        pooling = source.way.pooling
        return lambda examples: _score(net, pooling, tokenizer, examples, config)

    def findings(self, finished: Finished) -> Mapping[str, Any]:
        """See Task: a note where the vectors of whole texts got worse by it."""
        folder = RunDir(finished.run)
        metrics = list(folder.read_json(folder.metrics).values())[-1]
        told = notes(metrics["before"], metrics["after"])
        for note in told:
            logger.warning("%s", note)
        return {"notes": told}


def notes(before: Mapping[str, float], after: Mapping[str, float]) -> list[str]:
    """What the report must tell of an encoder that was pre-trained further, if anything."""
    old, new = before.get(HALVES), after.get(HALVES)
    if old is None or new is None or new >= old:
        return []
    return [
        f"Vectors of whole texts got worse: the halves of a text find each other in {new:.1%} of "
        f"cases, {old:.1%} before. An encoder that was made to compare texts often loses that when "
        "it learns to guess words. For search, and for heads on the frozen encoder, keep the one "
        "before; for tasks that tune the encoder, compare both."
    ]


def _rows(
    examples: Sequence[Example],
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
    config: TrainConfig,
) -> list[dict[str, Any]]:
    rows, _ = windows([each.text for each in examples], tokenizer, config.max_tokens)
    return some_windows(rows, examples[0].where)


def _fixed(
    examples: Sequence[Example],
    tokenizer: Any,  # noqa: ANN401 - as above
    config: TrainConfig,
) -> tuple[list[dict[str, Any]], list[int]]:
    """Rows whose hidden words are the same for every encoder of this tokenizer, and whose."""
    rows, owners = windows([each.text for each in examples], tokenizer, config.max_tokens)
    some_windows(rows, examples[0].where)
    return Masker(tokenizer, SCORED_SHARE).hidden(rows, config.seed), owners


def _with_head(
    encoder: Any,  # noqa: ANN401 - a transformers model
    tokenizer: Any,  # noqa: ANN401 - as above
    rows: list[dict[str, Any]],
    config: TrainConfig,
) -> MaskedNet:
    """The encoder as it is, with a head fitted on it."""
    torch.manual_seed(config.seed)
    net = MaskedNet(encoder, encoder.config.hidden_size)
    fit_head(net, rows, Masker(tokenizer, SCORED_SHARE), config)
    return net


def _score(
    net: MaskedNet,
    pooling: Pooling,
    tokenizer: Any,  # noqa: ANN401 - as above
    examples: list[Example],
    config: TrainConfig,
) -> Scored:
    fixed, owners = _fixed(examples, tokenizer, config)
    found = np.zeros((len(examples), 3))
    np.add.at(found, owners, guesses(net, fixed, Masker(tokenizer, SCORED_SHARE), config))
    texts = [example.text for example in examples]
    matches = half_matches(Pooled(net.encoder, pooling), tokenizer, texts, config.max_tokens)

    def resample(places: NDArray[np.int_]) -> Mapping[str, float]:
        known = matches[places][~np.isnan(matches[places])]
        halves = {HALVES: float(known.mean())} if len(known) else {}
        return {**word_metrics(found[places]), **halves}

    hidden = np.maximum(found[:, 2], 1)
    errors = [
        {
            "text": examples[row].text,
            "loss": round(float(found[row, 0] / hidden[row]), 4),
            "masked_accuracy": round(float(found[row, 1] / hidden[row]), 4),
            "where": examples[row].where,
        }
        for row in np.argsort(-found[:, 0] / hidden, kind="stable")[:WORST]
        if found[row, 2]
    ]
    metrics = {"n": len(examples), **resample(np.arange(len(examples)))}
    return Scored(metrics, errors, resample=resample)
