"""Single-label text classification: intents, sentiment, topics; `oos` rows teach what to refuse."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from torch import Tensor, nn
from transformers import Trainer

from data.encoders import resolve_encoder
from data.errors import LogFormatError
from data.onnx_text import OnnxText
from data.schema import OOS, Example
from finetune.calibration import Calibration, fit_calibration
from finetune.config import TrainConfig
from finetune.encoder import (
    add_lora,
    base_of,
    export_onnx,
    load_encoder,
    mean_pool,
    save_encoder,
    save_tokenizer,
    token_inputs,
)
from finetune.head import Head, HeadTrainer, deal, fit_head
from finetune.intent_model import IntentModel
from finetune.loop import BY_LENGTH, Rows, arguments, freeze, stopping, trained
from finetune.metrics import intent_metrics
from finetune.reading import Splits, read_labelled
from finetune.run_dir import RunDir, write_json
from finetune.serving import shared_encoder
from finetune.task import Scored, Scorer, Trains
from finetune.words import Words, best_share, fit_words

INITIAL_SCALE = 20.0  # of the cosine-like logits; a softmax over unit vectors alone is too flat


class IntentNet(nn.Module):
    """Encoder, unit-length mean pooling, a learned scale, a linear layer: logits (B, K)."""

    def __init__(self, encoder: nn.Module, width: int, labels: int, smoothing: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.scale = nn.Parameter(torch.tensor(INITIAL_SCALE))
        self.dropout = nn.Dropout(0.1)
        self.linear = nn.Linear(width, labels)
        self._smoothing = smoothing

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None
    ) -> Tensor | dict[str, Tensor]:
        """Logits (B, K), with the loss where labels (B,) are given."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        pooled = self.dropout(mean_pool(hidden, attention_mask))
        logits: Tensor = self.linear(pooled * self.scale)
        if labels is None:
            return logits
        loss = nn.functional.cross_entropy(logits, labels, label_smoothing=self._smoothing)
        return {"loss": loss, "logits": logits}


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
        if config.method == "frozen":
            encoder = shared_encoder(config.encoder, threads=config.threads)
            vectors = encoder.encode(texts_of(splits.train))
            return HeadTrainer(vectors, labels_of(splits.train), config.head, config.seed)
        model, tokenizer = load_encoder(source)
        freeze(model, config)
        width = model.config.hidden_size
        if config.method == "lora":
            model = add_lora(model, config.lora)
        labels = sorted(set(labels_of(splits.train)))
        net = IntentNet(model, width, len(labels), config.optim.label_smoothing)

        def collate(rows: list[dict[str, Any]]) -> dict[str, Tensor]:
            batch = tokenizer.pad(
                {"input_ids": [row["input_ids"] for row in rows]}, return_tensors="pt"
            )
            return {
                "input_ids": batch["input_ids"],
                "attention_mask": batch["attention_mask"],
                "labels": torch.tensor([row["label"] for row in rows]),
            }

        def rows_of(examples: Sequence[Example]) -> Rows:
            tokens = tokenizer(texts_of(examples), truncation=True, max_length=config.max_tokens)
            return Rows(
                [
                    {"input_ids": ids, "label": labels.index(example.label or "")}
                    for ids, example in zip(tokens["input_ids"], examples, strict=True)
                ]
            )

        return Trainer(  # type: ignore[no-any-return]
            model=net,
            args=arguments(config, run.checkpoints, len(splits.train), **BY_LENGTH),
            train_dataset=rows_of(splits.train),
            # An out-of-scope row has no output where training had none: it has no loss either.
            eval_dataset=rows_of([row for row in splits.validation if row.label in labels]),
            data_collator=collate,
            callbacks=stopping(config),
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

    def before(self, config: TrainConfig, splits: Splits) -> tuple[Scorer, Scorer]:
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

        return frozen, constant

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
                        f"known: {', '.join(model.labels)}"
                    )
            return score_predictions(model, examples)

        return score

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
        net.encoder = save_encoder(net.encoder, run.weights)
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


def texts_of(examples: Sequence[Example]) -> list[str]:
    """The texts."""
    return [example.text for example in examples]


def labels_of(examples: Sequence[Example]) -> list[str]:
    """The labels; OOS where there is none."""
    return [example.label or OOS for example in examples]


def calibrate_head(head: Head, rows: Sequence[Example]) -> Calibration:
    """Fit on the rows that each fold held out."""
    gold = [rows[place].label or OOS for place in head.held_out]
    return fit_calibration(head.held_out_logits, head.labels, gold, "cross-validation")


def check_labels(splits: Splits) -> None:
    """Raise LogFormatError where training cannot give what is asked for."""
    known = {label for label in labels_of(splits.train) if label != OOS}
    if len(known) < 2:
        raise LogFormatError(
            f"{splits.train[0].where}: only one label in the training rows; two or more are needed"
        )
    if all(example.label == OOS for example in splits.validation):
        raise LogFormatError(
            f"{splits.validation[0].where}: all validation rows are out of scope; add others"
        )
    for example in (*splits.validation, *splits.test):
        if example.label not in known and example.label != OOS:
            raise LogFormatError(
                f"{example.where}: label {example.label!r} was never seen in training; "
                f"known: {', '.join(sorted(known))}"
            )


def score_predictions(model: IntentModel, examples: list[Example]) -> Scored:
    """Score the served model on labelled rows."""
    predictions = model.predict(texts_of(examples))
    said = [prediction.intent.name or OOS for prediction in predictions]
    best = [prediction.top[0][0] for prediction in predictions]
    confidence = [prediction.intent.confidence for prediction in predictions]
    return _scored(examples, said, best, confidence)


def score_logits(
    logits: NDArray[np.floating[Any]],
    labels: Sequence[str],
    calibration: Calibration,
    examples: list[Example],
) -> Scored:
    """Score logits (n, K) on labelled rows."""
    names = [label for label in labels if label != OOS]
    probabilities = calibration.probabilities(logits, labels)
    best = [names[place] for place in probabilities.argmax(axis=1)]
    accepted = calibration.in_scope(logits, labels)
    said = [name if inside else OOS for name, inside in zip(best, accepted, strict=True)]
    return _scored(examples, said, best, list(probabilities.max(axis=1)))


def _scored(
    examples: list[Example], said: list[str], best: list[str], confidence: Sequence[float]
) -> Scored:
    gold = labels_of(examples)
    errors = [
        {
            "text": example.text,
            "label": right,
            "predicted": given,
            "best": top,
            "confidence": round(float(sure), 4),
            "where": example.where,
        }
        for example, right, given, top, sure in zip(
            examples, gold, said, best, confidence, strict=True
        )
        if right != given
    ]
    confused = Counter((error["label"], error["predicted"]) for error in errors)
    totals = Counter(gold)
    said_totals = Counter(said)
    hits = Counter(right for right, given in zip(gold, said, strict=True) if right == given)
    per_class = {
        label: {
            "precision": hits[label] / said_totals[label] if said_totals[label] else 0.0,
            "recall": hits[label] / totals[label] if totals[label] else 0.0,
            "support": totals[label],
        }
        for label in sorted(totals)
    }
    detail = {
        "per_class": per_class,
        "confusion": [[right, given, count] for (right, given), count in confused.most_common(40)],
    }
    return Scored(intent_metrics(gold, said, best, confidence), errors, detail)
