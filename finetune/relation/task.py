"""Relations: how two marked entities of a text belong together.

Source: Baldini Soares et al. 2019, https://aclanthology.org/P19-1279
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from tokenizers import Tokenizer

from data.encoders import resolve_encoder
from data.errors import LogFormatError
from data.schema import Entity, Example
from finetune.arguments import BY_LENGTH, Rows, arguments, balanced, callbacks, trained
from finetune.checks.labels import suspicious_labels
from finetune.checks.learning import learning_curve
from finetune.checks.neighbours import nearest_rows
from finetune.confidence.calibration import best_temperature
from finetune.config import TrainConfig
from finetune.encoder import base_of, export_onnx, load_encoder
from finetune.frames import bare
from finetune.head import fit_head
from finetune.intent.net import while_training
from finetune.reading import Splits, read_relations
from finetune.reading.cells import some_of
from finetune.relation.markers import ROLE_WORDS, Marked, Marker, Pair, words_of
from finetune.relation.model import PairGraph, RelationModel
from finetune.relation.net import RelationNet, collate
from finetune.relation.scores import score_labels
from finetune.run_dir import RunDir, write_json
from finetune.saving import begin_weights, save_encoder_and_head
from finetune.task import Before, Finished, Scored, Scorer, Trains
from finetune.trainable import Tuner, prepare

_BATCH = 64  # pairs through the frozen encoder at a time


class RelationTask:
    """See Task."""

    best_metric = "macro_f1"

    def read(self, path: Path, config: TrainConfig) -> list[Example]:
        """See Task."""
        return read_relations(path, config.text_column, config.label_column)

    def trainer(self, config: TrainConfig, splits: Splits, run: RunDir) -> Trains:
        """See Task."""
        labels = _labels(splits)
        source = resolve_encoder(config.encoder)
        encoder, tokenizer = load_encoder(source, config.optim.dropout, config.method == "qlora")
        tokenizer = bare(tokenizer)
        net = _net(prepare(encoder, config), tokenizer, config, splits, labels)
        marker = Marker(tokenizer, _types(splits), config.max_tokens)

        def rows_of(examples: Sequence[Example]) -> Rows:
            rows = []
            for example in examples:
                marked = marker.mark(example.text, _pair(example))
                label = labels.index(example.label or "")
                rows.append({"input_ids": marked.ids, "marks": marked.marks, "label": label})
            return Rows(rows)

        return Tuner(
            config,
            model=net,
            args=arguments(config, run.checkpoints, len(splits.train), **BY_LENGTH),
            train_dataset=rows_of(splits.train),
            eval_dataset=rows_of(splits.validation),
            data_collator=collate,
            compute_metrics=while_training,
            callbacks=callbacks(config, net.encoder),
        )

    def save(self, trainer: Trains, config: TrainConfig, splits: Splits, run: RunDir) -> None:
        """See Task."""
        labels, types = _labels(splits), _types(splits)
        source = resolve_encoder(config.encoder)
        _, tokenizer = load_encoder(source)
        begin_weights(run, base_of(source), labels, tokenizer)
        net = trained(trainer)
        save_encoder_and_head(net, run, source)
        marker = Marker(bare(tokenizer), types, 64)
        pair = (Entity("", "one", 0, 3), Entity("", "two", 7, 10))
        marked = [marker.mark(text, pair) for text in ("one of two", "one of two, and a few words")]
        export_onnx(net, _batch(marked), run.model)
        held_out = splits.validation
        graph = PairGraph(run, types, config.max_tokens, config.threads)
        logits = graph.logits([row.text for row in held_out], [_pair(row) for row in held_out])
        target = np.array([labels.index(row.label or "") for row in held_out])
        write_json(
            run.calibration,
            {
                "temperature": best_temperature(logits.astype(np.float64), target),
                "types": types,
                "fitted_on": f"{len(held_out)} rows, validation",
            },
        )

    def before(self, config: TrainConfig, splits: Splits) -> Before:
        """See Task: a logistic head on the frozen encoder's pairs, and the majority class.

        The frozen encoder reads the markers as the words that they start out as. The majority is
        that of the pair's types, where rows of those types were seen: they alone tell a lot.
        """
        gold = [row.label or "" for row in splits.train]
        vectors_of = _frozen(config, splits)
        vectors = vectors_of(splits.train)
        head = fit_head(vectors, gold, config.head, config.seed)
        by_types: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for row in splits.train:
            by_types[_kinds(row)][row.label or ""] += 1
        commonest = Counter(gold).most_common(1)[0][0]

        def frozen(examples: list[Example]) -> Scored:
            shares = softmax(head.logits(vectors_of(examples)), axis=1)
            said = [head.labels[place] for place in shares.argmax(axis=1)]
            return score_labels(examples, said, list(map(float, shares.max(axis=1))))

        def majority(examples: list[Example]) -> Scored:
            counts = [by_types.get(_kinds(row), Counter({commonest: 1})) for row in examples]
            said = [count.most_common(1)[0][0] for count in counts]
            return score_labels(examples, said, [1.0] * len(examples))

        return Before(frozen, majority, vectors)

    def scorer(self, run: Path, config: TrainConfig) -> Scorer:
        """See Task."""
        model = RelationModel(run, config.threads)

        def score(examples: list[Example]) -> Scored:
            _check_known(examples, model.labels)
            found = model.predict(
                [example.text for example in examples], [_pair(example) for example in examples]
            )
            return score_labels(
                examples, [each.label for each in found], [each.confidence for each in found]
            )

        return score

    def findings(self, finished: Finished) -> Mapping[str, Any]:
        """See Task."""
        config, splits, vectors = finished.config, finished.splits, finished.vectors
        assert vectors is not None
        gold = [row.label or "" for row in splits.train]
        vectors_of = _frozen(config, splits)
        judged = zip(finished.examples, finished.scored.detail["exact"], strict=True)
        wrong = [row for row, good in judged if not good]
        return {
            "neighbours": nearest_rows(vectors_of(wrong), vectors, splits.train),
            "learning": learning_curve(
                vectors,
                gold,
                fit_head(vectors, gold, config.head, config.seed),
                vectors_of(splits.validation),
                [row.label or "" for row in splits.validation],
                config.seed,
            ),
            "suspicious": suspicious_labels(vectors, gold, splits.train, config.seed),
        }


def _frozen(
    config: TrainConfig, splits: Splits
) -> Callable[[Sequence[Example]], NDArray[np.float32]]:
    """Gives the vectors (n, 2D) of pairs by the untuned encoder, of unit length."""
    encoder, tokenizer = load_encoder(resolve_encoder(config.encoder))
    tokenizer = bare(tokenizer)
    net = _net(encoder, tokenizer, config, splits, _labels(splits)).eval()
    marker = Marker(tokenizer, _types(splits), config.max_tokens)
    return partial(_vectors, net, marker)


def _net(
    encoder: Any,  # noqa: ANN401 - a transformers or peft model
    tokenizer: Tokenizer,
    config: TrainConfig,
    splits: Splits,
    labels: list[str],
) -> RelationNet:
    counts = Counter(row.label for row in splits.train)
    weights = None
    if config.optim.class_weights == "balanced":
        weights = balanced([counts[label] for label in labels])
    return RelationNet(
        encoder,
        encoder.config.hidden_size,
        len(labels),
        [words_of(tokenizer, word) for word in ROLE_WORDS.values()],
        [words_of(tokenizer, name) for name in _types(splits)],
        config.optim.label_smoothing,
        weights,
    )


def _pair(example: Example) -> Pair:
    assert example.pair is not None
    return example.pair


def _kinds(example: Example) -> tuple[str, str]:
    head, tail = _pair(example)
    return head.type, tail.type


def _types(splits: Splits) -> list[str]:
    """Entity types of the training rows, sorted; rows without types have none."""
    return sorted({entity.type for row in splits.train for entity in _pair(row)} - {""})


def _labels(splits: Splits) -> list[str]:
    """Labels of the training rows, sorted.

    Raises:
        LogFormatError: If there is only one, or another row has one that training has not.
    """
    labels = sorted({row.label or "" for row in splits.train})
    if len(labels) < 2:
        raise LogFormatError(
            f"{splits.train[0].where}: only one label in the training rows; two or more are "
            "needed, one of them for pairs that are not related"
        )
    _check_known((*splits.validation, *splits.test), labels)
    return labels


def _check_known(examples: Sequence[Example], labels: Sequence[str]) -> None:
    for example in examples:
        if example.label not in labels:
            raise LogFormatError(
                f"{example.where}: label {example.label!r} was never seen in training; "
                f"known: {some_of(labels)}"
            )


def _vectors(net: RelationNet, marker: Marker, examples: Sequence[Example]) -> NDArray[np.float32]:
    """Unit-length vectors (n, 2D) of the pairs by the network as it is."""
    parts = []
    for start in range(0, len(examples), _BATCH):
        marked = [marker.mark(row.text, _pair(row)) for row in examples[start : start + _BATCH]]
        with torch.inference_mode():
            vectors = net.pairs(**_batch(marked))
        parts.append(torch.nn.functional.normalize(vectors, dim=-1).numpy())
    return np.concatenate(parts) if parts else np.zeros((0, 0), dtype=np.float32)


def _batch(marked: Sequence[Marked]) -> dict[str, torch.Tensor]:
    return collate([{"input_ids": each.ids, "marks": each.marks} for each in marked])
