"""Text classification: intents, sentiment, topics; `oos` rows teach what to refuse."""

from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from data.encoder_way import Pooling
from data.encoders import resolve_encoder
from data.errors import LogFormatError
from data.schema import OOS, Example
from finetune.arguments import BY_LENGTH, Rows, arguments, balanced, callbacks, trained
from finetune.checks.counterfactual import counterfactual_check
from finetune.checks.labels import suspicious_labels
from finetune.checks.learning import learning_curve
from finetune.checks.neighbours import nearest_rows
from finetune.config import TrainConfig
from finetune.encoder import load_encoder, pooled_base_of
from finetune.explain import explained_errors
from finetune.head import Head, HeadTrainer
from finetune.intent.contrastive import (
    ContrastiveNet,
    ContrastiveTuner,
    contrastive_config,
    contrastive_rows,
    fit_tuned_head,
)
from finetune.intent.fit import calibrate_head, outside_texts, save_head, save_net
from finetune.intent.frozen import cut_of, frozen_encoder, frozen_head
from finetune.intent.halves import fits, lower_states, upper_half
from finetune.intent.model import IntentModel
from finetune.intent.net import IntentNet, collate, while_training
from finetune.intent.scores import (
    check_labels,
    labels_of,
    score_logits,
    score_predictions,
    texts_of,
)
from finetune.metrics import intent_metrics
from finetune.multi_label.task import MultiLabelTask
from finetune.reading import Splits, read_labelled, read_steps
from finetune.reading.cells import some_of
from finetune.reading.steps import CONVERSATIONS, holds_conversations
from finetune.run_dir import RunDir, write_json
from finetune.saving import begin_weights
from finetune.serving import shared_encoder
from finetune.task import Before, Finished, Scored, Scorer, Trains
from finetune.trainable import Tuner, check_layers, checkpoint_activations, prepare

SEVERAL = MultiLabelTask()


class IntentTask:
    """See Task; rows with several labels are MultiLabelTask's."""

    best_metric = "accuracy"

    def read(self, path: Path, config: TrainConfig) -> list[Example]:
        """See Task."""
        reads = config.intent.reads
        if reads == CONVERSATIONS or (reads is None and holds_conversations(path)):
            return read_steps(path)
        return read_labelled(
            path, config.text_column, config.label_column, several=config.multi_label
        )

    def trainer(self, config: TrainConfig, splits: Splits, run: RunDir) -> Trains:
        """See Task."""
        if config.multi_label:
            return SEVERAL.trainer(config, splits, run)
        check_labels(splits, unseen=config.intent.from_the_end)
        outside_texts(config)  # read when saving: a file that is wrong is told before training
        source = resolve_encoder(config.encoder)
        gold = labels_of(splits.train)
        cut = cut_of(config)
        if config.method == "head":
            encoder = frozen_encoder(config)
            rows = texts_of(splits.train)
            # The head that saving and `before` ask for again: encoded and fitted once.
            return HeadTrainer(
                encoder, rows, len(set(gold)), lambda: frozen_head(rows, gold, config).head
            )
        whole, tokenizer = load_encoder(source, config.optim.dropout, config.method == "qlora", cut)
        width = whole.config.hidden_size
        labels = sorted(set(gold))
        few = config.method == "contrastive"
        if few:
            config = contrastive_config(config)

        def tokens_of(texts: list[str]) -> list[list[int]]:
            if not texts:
                return []
            cut = tokenizer(texts, truncation=True, max_length=config.max_tokens)
            return cut["input_ids"]  # type: ignore[no-any-return]

        halved = config.method == "top_layers" and fits(
            whole, [len(ids) for ids in tokens_of(texts_of(splits.train))]
        )
        check_layers(whole, config)
        if halved:
            checkpoint_activations(whole, config)  # it wants the words, which a half lacks
            model = upper_half(whole, config.top_layers)
        else:
            model = prepare(whole, config)

        def rows_of(texts: list[str], names: list[str]) -> Rows:
            tokens = tokens_of(texts)
            rows: list[dict[str, Any]] = [
                {"input_ids": ids, "label": labels.index(name)}
                for ids, name in zip(tokens, names, strict=True)
            ]
            if halved:
                states = lower_states(whole, tokens, config)
                rows = [{**row, "states": each} for row, each in zip(rows, states, strict=True)]
            return Rows(rows)

        net: IntentNet
        texts = texts_of(splits.train)
        if few:
            net = ContrastiveNet(model, width, len(labels), config.contrastive, source.way.pooling)
            texts, gold = contrastive_rows(texts, gold, config)
        else:
            net = _net(
                model, width, texts, gold, config, source.way.pooling, whole if halved else None
            )
        # An out-of-scope row has no output where training had none: it has no loss either.
        watched = [row for row in splits.validation if row.label in labels]
        return (ContrastiveTuner if few else Tuner)(
            config,
            model=net,
            args=arguments(config, run.checkpoints, len(texts), **BY_LENGTH),
            train_dataset=rows_of(texts, gold),
            eval_dataset=rows_of(texts_of(watched), labels_of(watched))
            if config.optim.watches
            else None,
            data_collator=partial(collate, tokenizer=tokenizer),
            compute_metrics=while_training,
            callbacks=callbacks(config, model),
        )

    def save(self, trainer: Trains, config: TrainConfig, splits: Splits, run: RunDir) -> None:
        """See Task."""
        if config.multi_label:
            return SEVERAL.save(trainer, config, splits, run)
        source = resolve_encoder(config.encoder)
        _, tokenizer = load_encoder(source, cut=cut_of(config))
        begin_weights(run, pooled_base_of(source), sorted(set(labels_of(splits.train))), tokenizer)
        if isinstance(trainer.model, Head):
            calibration = save_head(trainer.model, config, splits, run)
        else:
            net = trained(trainer)
            if isinstance(net, ContrastiveNet):
                texts, gold = texts_of(splits.train), labels_of(splits.train)
                fit_tuned_head(net, tokenizer, texts, gold, config)
            calibration = save_net(net, tokenizer, config, splits, run)
        write_json(run.calibration, calibration.to_dict())

    def before(self, config: TrainConfig, splits: Splits) -> Before:
        """See Task: the frozen encoder with a logistic head, and the majority class."""
        if config.multi_label:
            return SEVERAL.before(config, splits)
        start = frozen_head(texts_of(splits.train), labels_of(splits.train), config)
        encoder, head = start.encoder, start.head
        calibration, memory = calibrate_head(start, splits.train, config)
        majority = Counter(labels_of(splits.train)).most_common(1)[0][0]

        def frozen(examples: list[Example]) -> Scored:
            vectors = encoder.encode(texts_of(examples))
            near = memory.near(vectors) if calibration.scope.needs_vectors else None
            return score_logits(head.logits(vectors), head.labels, calibration, examples, near)

        def constant(examples: list[Example]) -> Scored:
            said = [majority] * len(examples)
            return Scored(intent_metrics(labels_of(examples), said, said, [1.0] * len(examples)))

        return Before(frozen, constant, start.vectors)

    def scorer(self, run: Path, config: TrainConfig) -> Scorer:
        """See Task."""
        if config.multi_label:
            return SEVERAL.scorer(run, config)
        model = IntentModel(
            run, lambda name: shared_encoder(name, threads=config.threads), config.threads
        )

        def score(examples: list[Example]) -> Scored:
            for example in examples:
                # A step that was rare in the log may be new in its later part: it counts as wrong.
                if not model.reads_conversations and example.label not in (*model.labels, OOS):
                    raise LogFormatError(
                        f"{example.where}: label {example.label!r} was never seen in training; "
                        f"known: {some_of(model.labels)}"
                    )
            return score_predictions(model, examples)

        return score

    def findings(self, finished: Finished) -> Mapping[str, Any]:
        """See Task."""
        config, splits, scored = finished.config, finished.splits, finished.scored
        run, examples, vectors = RunDir(finished.run), finished.examples, finished.vectors
        if config.multi_label:
            return SEVERAL.findings(finished)
        assert vectors is not None
        encoder = frozen_encoder(config)
        model = IntentModel(run.root, lambda name: encoder, config.threads)
        return {
            "calibration": run.read_json(run.calibration),
            "neighbours": nearest_rows(
                encoder.encode([error["text"] for error in scored.errors]), vectors, splits.train
            ),
            "counterfactual": counterfactual_check(
                texts_of(examples),
                lambda texts: [prediction.intent.name for prediction in model.predict(texts)],
                config.seed,
            ),
            "why": explained_errors(run, scored.errors),
            "learning": learning_curve(
                vectors,
                labels_of(splits.train),
                frozen_head(texts_of(splits.train), labels_of(splits.train), config).head,
                encoder.encode(texts_of(splits.validation)),
                labels_of(splits.validation),
                config.seed,
            ),
            "suspicious": suspicious_labels(
                vectors, labels_of(splits.train), splits.train, config.seed
            ),
        }


def _net(
    encoder: nn.Module,
    width: int,
    texts: list[str],
    gold: list[str],
    config: TrainConfig,
    pooling: Pooling,
    whole: nn.Module | None,
) -> IntentNet:
    """The network over an encoder of that width, or over the upper half of `whole`."""
    counts, weights = Counter(gold), None
    if config.optim.class_weights == "balanced":
        weights = balanced([counts[label] for label in sorted(counts)])
    net = IntentNet(
        encoder, width, len(counts), config.optim.label_smoothing, weights, whole, pooling
    )
    if config.start == "logistic":
        net.start_from(frozen_head(texts, gold, config).head)
    return net
