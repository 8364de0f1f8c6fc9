"""Single-label text classification: intents, sentiment, topics; `oos` rows teach what to refuse."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from data.encoders import resolve_encoder
from data.errors import LogFormatError
from data.onnx_text import OnnxText
from data.schema import OOS, Example
from finetune.calibration import Calibration, fit_calibration
from finetune.checks.counterfactual import counterfactual_check
from finetune.checks.labels import suspicious_labels
from finetune.checks.neighbours import nearest_rows
from finetune.checks.slices import slices
from finetune.config import TrainConfig
from finetune.encoder import (
    base_of,
    export_onnx,
    load_encoder,
    save_encoder,
    save_tokenizer,
    token_inputs,
)
from finetune.head import Head, HeadTrainer, deal, fit_head
from finetune.intent_model import IntentModel
from finetune.intent_net import IntentNet, collate, while_training
from finetune.intent_scores import (
    check_labels,
    labels_of,
    score_logits,
    score_predictions,
    texts_of,
)
from finetune.loop import BY_LENGTH, Rows, arguments, balanced, callbacks, trained
from finetune.metrics import intent_metrics
from finetune.reading import Splits, read_labelled
from finetune.reading.cells import some_of
from finetune.run_dir import RunDir, write_json
from finetune.serving import shared_encoder
from finetune.task import Before, Scored, Scorer, Trains
from finetune.tuning import Tuner, prepare
from finetune.words import Words, best_share, fit_words


class IntentTask:
    """See Task."""

    best_metric = "accuracy"

    def read(self, path: Path, config: TrainConfig) -> list[Example]:
        """See Task."""
        return read_labelled(path, config.text_column, config.label_column)

    def trainer(self, config: TrainConfig, splits: Splits, run: RunDir) -> Trains:
        """See Task."""
        check_labels(splits)
        source = resolve_encoder(config.encoder)
        gold = labels_of(splits.train)
        if config.method == "head":
            encoder = shared_encoder(config.encoder, threads=config.threads)
            return HeadTrainer(encoder, texts_of(splits.train), gold, config)
        model, tokenizer = load_encoder(source, config.optim.dropout, config.method == "qlora")
        width = model.config.hidden_size
        model = prepare(model, config)
        labels = sorted(set(gold))
        weights = None
        if config.optim.class_weights == "balanced":
            weights = balanced([Counter(gold)[label] for label in labels])

        def rows_of(examples: Sequence[Example]) -> Rows:
            tokens = tokenizer(texts_of(examples), truncation=True, max_length=config.max_tokens)
            return Rows(
                [
                    {"input_ids": ids, "label": labels.index(example.label or "")}
                    for ids, example in zip(tokens["input_ids"], examples, strict=True)
                ]
            )

        return Tuner(
            config,
            model=IntentNet(model, width, len(labels), config.optim.label_smoothing, weights),
            args=arguments(config, run.checkpoints, len(splits.train), **BY_LENGTH),
            train_dataset=rows_of(splits.train),
            # An out-of-scope row has no output where training had none: it has no loss either.
            eval_dataset=rows_of([row for row in splits.validation if row.label in labels]),
            data_collator=partial(collate, tokenizer=tokenizer),
            compute_metrics=while_training,
            callbacks=callbacks(config, model),
        )

    def save(self, trainer: Trains, config: TrainConfig, splits: Splits, run: RunDir) -> None:
        """See Task."""
        source = resolve_encoder(config.encoder)
        run.weights.mkdir(parents=True, exist_ok=True)
        write_json(run.base, base_of(source))
        _, tokenizer = load_encoder(source)
        save_tokenizer(tokenizer, run.tokenizer)
        if isinstance(trainer.model, Head):
            labels, calibration = self._save_head(trainer.model, config, splits, run)
        else:
            labels, calibration = self._save_net(trained(trainer), tokenizer, config, splits, run)
        write_json(run.labels, labels)
        write_json(run.calibration, calibration.to_dict())

    def before(self, config: TrainConfig, splits: Splits) -> Before:
        """See Task: the frozen encoder with a logistic head, and the majority class."""
        encoder = shared_encoder(config.encoder, threads=config.threads)
        vectors = encoder.encode(texts_of(splits.train))
        head = fit_head(vectors, labels_of(splits.train), config.head, config.seed)
        calibration = calibrate_head(head, splits.train)
        majority = Counter(labels_of(splits.train)).most_common(1)[0][0]

        def frozen(examples: list[Example]) -> Scored:
            logits = head.logits(encoder.encode(texts_of(examples)))
            return score_logits(logits, head.labels, calibration, examples)

        def constant(examples: list[Example]) -> Scored:
            said = [majority] * len(examples)
            return Scored(intent_metrics(labels_of(examples), said, said, [1.0] * len(examples)))

        return Before(frozen, constant, vectors)

    def scorer(self, run: Path, config: TrainConfig) -> Scorer:
        """See Task."""
        model = IntentModel(
            run, lambda name: shared_encoder(name, threads=config.threads), config.threads
        )

        def score(examples: list[Example]) -> Scored:
            for example in examples:
                if example.label not in (*model.labels, OOS):
                    raise LogFormatError(
                        f"{example.where}: label {example.label!r} was never seen in training; "
                        f"known: {some_of(model.labels)}"
                    )
            return score_predictions(model, examples)

        return score

    def findings(
        self,
        run: Path,
        config: TrainConfig,
        splits: Splits,
        examples: list[Example],
        scored: Scored,
        vectors: NDArray[np.float32] | None,
    ) -> Mapping[str, Any]:
        """See Task."""
        assert vectors is not None
        encoder = shared_encoder(config.encoder, threads=config.threads)
        model = IntentModel(run, lambda name: encoder, config.threads)
        inside = [place for place, example in enumerate(examples) if example.label != OOS]
        return {
            "neighbours": nearest_rows(
                encoder.encode([error["text"] for error in scored.errors]), vectors, splits.train
            ),
            "slices": slices(
                [examples[place] for place in inside],
                [scored.detail["right"][place] for place in inside],
            ),
            "counterfactual": counterfactual_check(
                texts_of(examples),
                lambda texts: [prediction.intent.name for prediction in model.predict(texts)],
                config.seed,
            ),
            "suspicious": suspicious_labels(
                vectors, labels_of(splits.train), splits.train, config.seed
            ),
        }

    def _save_head(
        self, head: Head, config: TrainConfig, splits: Splits, run: RunDir
    ) -> tuple[list[str], Calibration]:
        weights = {"weight": head.weight.astype(np.float32), "bias": head.bias.astype(np.float32)}
        save_file(weights, run.head)
        gold = labels_of(splits.train)
        target = numbers(gold, head.labels)
        logits, kept = head.held_out_logits, target[head.held_out]
        if config.words:
            logits = logits + self._save_words(
                splits.train, target, head.labels, run, logits, kept,
                lambda: _held_out_words(texts_of(splits.train), target, len(head.labels), config),
            )  # fmt: skip
        kept_gold = [gold[row] for row in head.held_out]
        return head.labels, fit_calibration(logits, head.labels, kept_gold, "cross-validation")

    def _save_net(
        self,
        net: IntentNet,
        tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
        config: TrainConfig,
        splits: Splits,
        run: RunDir,
    ) -> tuple[list[str], Calibration]:
        net.encoder = save_encoder(net.encoder, run.weights, resolve_encoder(config.encoder))
        linear = {name: value.detach().numpy() for name, value in net.linear.named_parameters()}
        save_file({**linear, "scale": net.scale.detach().numpy().reshape(1)}, run.head)
        export_onnx(net, token_inputs(tokenizer), run.model)
        labels = sorted(set(labels_of(splits.train)))
        session = OnnxText(
            run.model, run.tokenizer / "tokenizer.json", config.max_tokens, config.threads
        )
        gold = labels_of(splits.validation)
        logits = np.stack(session.run(texts_of(splits.validation)))
        if config.words:
            target = numbers(labels_of(splits.train), labels)
            words = fit_words(texts_of(splits.train), target, len(labels))
            logits = logits + self._save_words(
                splits.train, target, labels, run, logits, numbers(gold, labels),
                lambda: words.logits(texts_of(splits.validation)), words,
            )  # fmt: skip
        return labels, fit_calibration(logits, labels, gold, "validation")

    def _save_words(
        self,
        rows: Sequence[Example],
        target: NDArray[np.int_],
        labels: Sequence[str],
        run: RunDir,
        base: NDArray[np.floating[Any]],
        kept: NDArray[np.int_],
        held_out: Callable[[], NDArray[np.floating[Any]]],
        fitted: Words | None = None,
    ) -> NDArray[np.floating[Any]]:
        """Fit and save the words beside the network; what they add to held-out logits (m, K)."""
        margins = held_out()
        # A label that training lacks (out of scope, where none was learned) is no one's hit.
        share = best_share(base, margins, kept)
        if share > 0:
            words = fitted or fit_words(texts_of(rows), target, len(labels))
            words.save(run.words, share)
        return share * margins


def numbers(gold: Sequence[str], labels: Sequence[str]) -> NDArray[np.int_]:
    """The labels' places; -1 for one that is not among them."""
    places = {label: place for place, label in enumerate(labels)}
    return np.array([places.get(label, -1) for label in gold])


def _held_out_words(
    texts: Sequence[str], target: NDArray[np.int_], labels: int, config: TrainConfig
) -> NDArray[np.floating[Any]]:
    """Margins of the rows that each fold of the head's cross-validation holds out."""
    folds, tested = deal(target, config.head.folds, config.seed)
    rows = np.array(texts, dtype=object)
    parts = []
    for fold in tested:
        words = fit_words(list(rows[folds != fold]), target[folds != fold], labels)
        parts.append(words.logits(list(rows[folds == fold])))
    return np.concatenate(parts)


def calibrate_head(head: Head, rows: Sequence[Example]) -> Calibration:
    """Fit on the rows that each fold held out."""
    gold = [rows[place].label or OOS for place in head.held_out]
    return fit_calibration(head.held_out_logits, head.labels, gold, "cross-validation")
