"""Several labels a text: a network with a loss for each label, or a logistic head for each."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file

from data.encoders import resolve_encoder
from data.errors import LogFormatError
from data.schema import Example
from finetune.arguments import BY_LENGTH, Rows, arguments, callbacks, trained
from finetune.checks.counterfactual import counterfactual_check
from finetune.checks.labels import suspicious_sets
from finetune.checks.learning import Learning, learned
from finetune.checks.neighbours import nearest_rows
from finetune.config import TrainConfig
from finetune.encoder import load_encoder, pooled_base_of
from finetune.explain import explained_errors
from finetune.head import Head, HeadTrainer
from finetune.intent.fit import save_graph
from finetune.intent.net import LabelsNet, collate
from finetune.intent.scores import texts_of
from finetune.intent.words import SHARES, fit_words_each
from finetune.multi_label.fit import (
    Bools,
    Floats,
    MultiCalibration,
    calibrated_multi_loss,
    fit_multi_calibration,
    fit_multi_head,
    marks_of,
    one_vs_rest,
    out_of_fold,
    row_folds,
)
from finetune.multi_label.model import MultiLabelModel
from finetune.multi_label.scores import (
    most_frequent,
    multi_label_metrics,
    multi_label_while_training,
    score_labels,
)
from finetune.reading import Splits
from finetune.run_dir import RunDir, write_json
from finetune.saving import begin_weights
from finetune.serving import shared_encoder
from finetune.task import Before, Finished, Scored, Scorer, Trains
from finetune.trainable import Tuner, check_layers, prepare

logger = logging.getLogger(__name__)


class MultiLabelTask:
    """What IntentTask hands on where rows have several labels; see Task."""

    def trainer(self, config: TrainConfig, splits: Splits, run: RunDir) -> Trains:
        """See Task."""
        labels = _known(splits)
        encoder = shared_encoder(config.encoder, threads=config.threads)
        marks = _marks(splits.train, labels)
        if config.method == "head":
            rows = texts_of(splits.train)
            return HeadTrainer(
                encoder, rows, len(labels),
                lambda: fit_multi_head(
                    encoder.encode(rows), marks, labels, config.head, config.seed
                ),
            )  # fmt: skip
        source = resolve_encoder(config.encoder)
        whole, tokenizer = load_encoder(source, config.optim.dropout, config.method == "qlora")
        check_layers(whole, config)
        weights = None
        if config.optim.class_weights == "balanced":
            positive = marks.sum(axis=0)
            weights = torch.tensor((len(marks) - positive) / np.maximum(positive, 1)).float()

        def rows_of(examples: Sequence[Example]) -> Rows:
            if not examples:
                return Rows([])
            tokens = tokenizer(texts_of(examples), truncation=True, max_length=config.max_tokens)
            given = _marks(examples, labels).astype(np.float32)
            return Rows(
                [
                    {"input_ids": ids, "label": row.tolist()}
                    for ids, row in zip(tokens["input_ids"], given, strict=True)
                ]
            )

        width = whole.config.hidden_size
        model = prepare(whole, config)
        net = LabelsNet(model, width, len(labels), weights=weights, pooling=source.way.pooling)
        vectors = encoder.encode(texts_of(splits.train))
        net.start_from(fit_multi_head(vectors, marks, labels, config.head, config.seed))
        return Tuner(
            config,
            model=net,
            args=arguments(config, run.checkpoints, len(splits.train), **BY_LENGTH),
            train_dataset=rows_of(splits.train),
            eval_dataset=rows_of(splits.validation) if config.optim.watches else None,
            data_collator=partial(collate, tokenizer=tokenizer),
            compute_metrics=multi_label_while_training,
            callbacks=callbacks(config, model),
        )

    def save(self, trainer: Trains, config: TrainConfig, splits: Splits, run: RunDir) -> None:
        """See Task."""
        source = resolve_encoder(config.encoder)
        _, tokenizer = load_encoder(source)
        labels = _known(splits)
        begin_weights(run, pooled_base_of(source), labels, tokenizer)
        train, marks = texts_of(splits.train), _marks(splits.train, labels)
        margins: Floats
        if isinstance(trainer.model, Head):
            head = trainer.model
            save_file({"weight": head.weight.astype(np.float32),
                       "bias": head.bias.astype(np.float32)}, run.head)  # fmt: skip
            logits, held, rows = head.held_out_logits, marks[head.held_out], "cross-validation"
            margins = _held_out_words(train, marks, config) if config.words else 0 * logits
        else:
            session = save_graph(trained(trainer), tokenizer, config, run)
            texts = texts_of(splits.validation)
            logits, held, rows = (
                np.stack(session.run(texts)), _marks(splits.validation, labels), "validation"
            )  # fmt: skip
            margins = fit_words_each(train, marks).logits(texts) if config.words else 0 * logits
        if config.words:
            losses = [calibrated_multi_loss(logits + share * margins, held) for share in SHARES]
            share = SHARES[int(np.argmin(np.array(losses) - min(losses) > 1e-6))]
            if share > 0:
                fit_words_each(train, marks).save(run.words, share)
            logits = logits + share * margins
        write_json(run.calibration, fit_multi_calibration(logits, held, rows).to_dict())

    def before(self, config: TrainConfig, splits: Splits) -> Before:
        """See Task: the frozen encoder with logistic heads, and the most frequent set of labels."""
        encoder = shared_encoder(config.encoder, threads=config.threads)
        labels = _known(splits)
        vectors = encoder.encode(texts_of(splits.train))
        marks = _marks(splits.train, labels)
        head = fit_multi_head(vectors, marks, labels, config.head, config.seed)
        calibration = fit_multi_calibration(
            head.held_out_logits, marks[head.held_out], "cross-validation"
        )
        common = most_frequent(splits.train)

        def frozen(examples: list[Example]) -> Scored:
            logits = head.logits(encoder.encode(texts_of(examples)))
            probabilities = calibration.probabilities(logits)
            said = _names(calibration, probabilities, labels)
            return score_labels(examples, labels, said, probabilities)

        def constant(examples: list[Example]) -> Scored:
            return Scored(score_labels(examples, labels, [common] * len(examples)).metrics)

        return Before(frozen, constant, vectors)

    def scorer(self, run: Path, config: TrainConfig) -> Scorer:
        """See Task; labels that training lacked are never found, which the metrics count."""
        model = _model(run, config)

        def score(examples: list[Example]) -> Scored:
            unknown = {name for row in examples for name in row.labels} - set(model.labels)
            if unknown:
                logger.warning(
                    "%s labels were never seen in training: none of them can be found",
                    len(unknown),
                )
            probabilities = model.probabilities(texts_of(examples))
            said = [[name for name, _ in each.intents] for each in model.decided(probabilities)]
            return score_labels(examples, model.labels, said, probabilities)

        return score

    def findings(self, finished: Finished) -> Mapping[str, Any]:
        """See Task."""
        config, splits, scored = finished.config, finished.splits, finished.scored
        examples, vectors = finished.examples, finished.vectors
        assert vectors is not None
        encoder = shared_encoder(config.encoder, threads=config.threads)
        model = _model(finished.run, config)

        def sets(texts: list[str]) -> list[str]:
            said = model.predict(texts)
            return ["|".join(sorted(name for name, _ in each.intents)) for each in said]

        # Only a label that was said has words that drew it.
        said_wrongly = [
            {**error, "best": error["too_many"][0]} for error in scored.errors if error["too_many"]
        ]
        labels = _known(splits)
        marks = _marks(splits.train, labels)
        head = fit_multi_head(vectors, marks, labels, config.head, config.seed)
        return {
            "neighbours": nearest_rows(
                encoder.encode([error["text"] for error in scored.errors]), vectors, splits.train
            ),
            "counterfactual": counterfactual_check(texts_of(examples), sets, config.seed),
            "why": explained_errors(RunDir(finished.run), said_wrongly),
            "learning": multi_learning_curve(
                vectors,
                marks,
                head.c,
                encoder.encode(texts_of(splits.validation)),
                _marks(splits.validation, labels),
                config.seed,
            ),
            "suspicious": suspicious_sets(
                out_of_fold(vectors, marks, head.c, config.seed), marks, labels, splits.train
            ),
        }


def multi_learning_curve(
    vectors: Floats, marks: Bools, c: float, validation: Floats, wanted: Bools, seed: int
) -> Learning | None:
    """Micro F1 at even odds of logistic heads on the untuned encoder; None without validation rows.

    Args:
        vectors: Of the training rows (n, D).
        marks: (n, K) which labels each has.
        c: Inverse regularization.
        validation: Vectors (m, D).
        wanted: (m, K).
        seed: Of the draw.
    """
    if not len(validation):
        return None

    def micro_f1(rows: NDArray[np.int_]) -> float:
        weight, bias = one_vs_rest(vectors[rows], marks[rows], c)
        return multi_label_metrics(wanted, validation @ weight.T + bias > 0)["micro_f1"]

    return learned("micro_f1", len(marks), micro_f1, seed)


def _known(splits: Splits) -> list[str]:
    labels = sorted({name for row in splits.train for name in row.labels})
    if len(labels) < 2:
        raise LogFormatError(
            f"{splits.train[0].where}: fewer than two labels in the training rows; more are needed"
        )
    return labels


def _marks(examples: Sequence[Example], labels: Sequence[str]) -> Bools:
    return marks_of([row.labels for row in examples], labels)


def _names(
    calibration: MultiCalibration, probabilities: Floats, labels: Sequence[str]
) -> list[list[str]]:
    said = calibration.said(probabilities)
    return [[labels[place] for place in np.flatnonzero(row).tolist()] for row in said]


def _model(run: Path, config: TrainConfig) -> MultiLabelModel:
    return MultiLabelModel(
        run, lambda name: shared_encoder(name, threads=config.threads), config.threads
    )


def _held_out_words(texts: Sequence[str], marks: Bools, config: TrainConfig) -> Floats:
    """Margins of the rows that each fold of the heads' cross-validation holds out."""
    folds, tested = row_folds(len(texts), config.head.folds, config.seed)
    rows = np.array(texts, dtype=object)
    parts = [
        fit_words_each(list(rows[folds != fold]), marks[folds != fold]).logits(
            list(rows[folds == fold])
        )
        for fold in tested
    ]
    return np.concatenate(parts)
