"""What is saved of a trained intent model: weights, words beside it, memory, calibration.

All that is fitted here is fitted on rows that the weights were not: validation rows, or for a head
the rows that each fold of its cross-validation held out.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from data.encoders import resolve_encoder
from data.onnx_text import OnnxText
from data.schema import OOS, Example
from finetune.confidence.calibration import Calibration, fit_calibration
from finetune.confidence.memory import Memory, Near, few_of_each, fit_memory, standing_of
from finetune.config import TrainConfig
from finetune.encoder import export_onnx, save_encoder, token_inputs
from finetune.head import Head, deal
from finetune.intent.frozen import Frozen, cut_of, frozen_head
from finetune.intent.net import IntentNet, Served
from finetune.intent.scores import labels_of, texts_of
from finetune.intent.words import Words, best_share, fit_words
from finetune.reading import Splits
from finetune.reading.unlabelled import read_unlabelled
from finetune.run_dir import RunDir

Floats = NDArray[np.floating[Any]]


def save_head(head: Head, config: TrainConfig, splits: Splits, run: RunDir) -> Calibration:
    """Write a head on the frozen encoder; its calibration."""
    weights = {"weight": head.weight.astype(np.float32), "bias": head.bias.astype(np.float32)}
    save_file(weights, run.head)
    gold, texts = labels_of(splits.train), texts_of(splits.train)
    target = numbers(gold, head.labels)
    added, words = None, None
    if config.words:
        margins = _held_out_words(texts, target, len(head.labels), config)
        share = best_share(head.held_out_logits, margins, target[head.held_out])
        if share > 0:
            words = (fit_words(texts, target, len(head.labels)), share)
            words[0].save(run.words, share)
        added = share * margins
    start = frozen_head(texts, gold, config)
    fitted = Frozen(start.encoder, start.vectors, head)
    calibration, memory = calibrate_head(fitted, splits.train, config, added, words)
    kept = few_of_each(gold, config.seed)
    known = None if words is None else words[1] * words[0].logits([texts[row] for row in kept])
    scores = head.logits(start.vectors[kept])
    standing = standing_of(scores if known is None else scores + known, known)
    replace(memory, standing=standing).save(run.memory)
    return calibration


def calibrate_head(
    fitted: Frozen,
    rows: Sequence[Example],
    config: TrainConfig,
    added: Floats | None = None,
    words: tuple[Words, float] | None = None,
) -> tuple[Calibration, Memory]:
    """Fit on the rows that each fold held out.

    Args:
        fitted: The encoder, the training rows' vectors (n, D), and the head.
        rows: The n training rows.
        config: The run's config.
        added: What words add to the held-out logits (m, K).
        words: The words and their share, for texts of a file.
    """
    head, vectors, gold = fitted.head, fitted.vectors, labels_of(rows)
    names = [label for label in head.labels if label != OOS]
    folds, tested = deal(numbers(gold, head.labels), config.head.folds, config.seed)
    labels = np.array(gold, dtype=object)
    near: Near | None = None
    for fold in tested:
        kept, held = folds != fold, folds == fold
        memory = fit_memory(vectors[kept], list(labels[kept]), names, config.seed)
        part = memory.near(vectors[held])
        near = part if near is None else near.beside(part)
    assert near is not None
    memory = fit_memory(vectors, gold, names, config.seed)
    logits = head.held_out_logits + (0 if added is None else added)
    right = [gold[row] for row in head.held_out]
    outside = outside_texts(config)
    if outside:
        found = fitted.encoder.encode(outside)
        scores = head.logits(found)
        if words is not None:
            scores = scores + words[1] * words[0].logits(outside)
        logits = np.concatenate([logits, scores])
        near = near.beside(memory.near(found))
        right += [OOS] * len(outside)
    calibration = fit_calibration(
        logits,
        head.labels,
        right,
        "cross-validation",
        near,
        config.hand_over,
        len(outside),
        refuse=not config.intent.from_the_end,
    )
    return calibration, memory


def save_net(
    net: IntentNet,
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
    config: TrainConfig,
    splits: Splits,
    run: RunDir,
) -> Calibration:
    """Write a tuned network and its graph; its calibration."""
    session = save_graph(net, tokenizer, config, run)
    train_texts, train_gold = texts_of(splits.train), labels_of(splits.train)
    labels = sorted(set(train_gold))
    outside = outside_texts(config)
    # A step that training lacks tells nothing of how sure the others are.
    told = [row for row in splits.validation if row.label in (*labels, OOS)]
    texts = [*texts_of(told), *outside]
    gold = [*labels_of(told), *[OOS] * len(outside)]
    outputs = session.run_outputs(texts, Served.outputs)
    logits, vectors = np.stack(outputs[0]), np.stack(outputs[1])
    margins, kept = None, few_of_each(train_gold, config.seed)
    known_texts = [train_texts[place] for place in kept]
    outputs = session.run_outputs(known_texts, Served.outputs)
    known, known_vectors, known_margins = np.stack(outputs[0]), np.stack(outputs[1]), None
    if config.words:
        target = numbers(train_gold, labels)
        words = fit_words(train_texts, target, len(labels))
        margins = words.logits(texts)
        # A label that training lacks (out of scope, where none was learned) is no one's hit.
        size = len(told)
        share = best_share(logits[:size], margins[:size], numbers(gold[:size], labels))
        if share > 0:
            words.save(run.words, share)
        margins = share * margins
        logits = logits + margins
        known_margins = share * words.logits(known_texts)
        known = known + known_margins
    names = [label for label in labels if label != OOS]
    known_gold = [train_gold[place] for place in kept]
    memory = fit_memory(known_vectors, known_gold, names, config.seed)
    memory = replace(memory, standing=standing_of(known, known_margins))
    calibration = fit_calibration(
        logits,
        labels,
        gold,
        "validation",
        memory.near(vectors),
        config.hand_over,
        len(outside),
        refuse=not config.intent.from_the_end,
    )
    own = [place for place, label in enumerate(gold) if label in names]
    standing = standing_of(logits, margins)[own]
    memory.with_held(vectors[own], standing).save(run.memory)
    return calibration


def save_graph(
    net: IntentNet,
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
    config: TrainConfig,
    run: RunDir,
) -> OnnxText:
    """Write encoder, linear layer and graph; the graph, opened."""
    net.encoder = save_encoder(net.whole(), run.weights, resolve_encoder(config.encoder))
    linear = {name: value.detach().numpy() for name, value in net.linear.named_parameters()}
    save_file({**linear, "scale": net.scale.detach().numpy().reshape(1)}, run.head)
    export_onnx(Served(net), token_inputs(tokenizer), run.model, Served.outputs)
    return OnnxText(
        run.model, run.tokenizer / "tokenizer.json", config.max_tokens, config.threads,
        cut=cut_of(config),
    )  # fmt: skip


def outside_texts(config: TrainConfig) -> list[str]:
    """The out-of-scope texts of the config's file, none where there is no file."""
    if config.out_of_scope is None:
        return []
    return texts_of(read_unlabelled(config.out_of_scope, config.text_column))


def numbers(gold: Sequence[str], labels: Sequence[str]) -> NDArray[np.int_]:
    """The labels' places; -1 for one that is not among them."""
    places = {label: place for place, label in enumerate(labels)}
    return np.array([places.get(label, -1) for label in gold])


def _held_out_words(
    texts: Sequence[str], target: NDArray[np.int_], labels: int, config: TrainConfig
) -> Floats:
    """Margins of the rows that each fold of the head's cross-validation holds out."""
    folds, tested = deal(target, config.head.folds, config.seed)
    rows = np.array(texts, dtype=object)
    parts = []
    for fold in tested:
        words = fit_words(list(rows[folds != fold]), target[folds != fold], labels)
        parts.append(words.logits(list(rows[folds == fold])))
    return np.concatenate(parts)
