"""What an ner run's report tells beyond scores: which words and labels to look at, and why."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.encoders import resolve_encoder
from data.schema import Example
from finetune.checks.counterfactual import counterfactual_check
from finetune.checks.labels import suspicious_labels
from finetune.checks.learning import Learning, learned
from finetune.checks.neighbours import nearest_rows
from finetune.config import TrainConfig
from finetune.encoder import load_encoder
from finetune.explain import explained_entities
from finetune.ner.frozen import frozen_scorer, labelled_tokens
from finetune.ner.model import NerModel
from finetune.run_dir import RunDir
from finetune.serving import shared_encoder
from finetune.task import Finished

NONE = "no entity"
CHECKED_WORDS = 20_000  # whose labels are checked: a minute; of larger data it is a sample
CURVE_ROWS = 500  # validation rows that a learning curve stands on
_AROUND = 60  # characters on each side of a word that is shown


def entity_findings(finished: Finished) -> Mapping[str, Any]:
    """See Task.findings."""
    config, train = finished.config, finished.splits.train
    run, errors = RunDir(finished.run), finished.scored.errors
    tags: list[str] = run.read_json(run.labels)
    model = NerModel(finished.run, config.threads)
    encoder = shared_encoder(config.encoder, threads=config.threads)

    def types(texts: list[str]) -> list[str]:
        found = model.predict(texts)
        return [", ".join(entity.type for entity in entities) or NONE for entities in found]

    return {
        "neighbours": nearest_rows(
            encoder.encode([error["text"] for error in errors]),
            encoder.encode([row.text for row in train]),
            train,
        ),
        "counterfactual": counterfactual_check(
            [row.text for row in finished.examples], types, config.seed
        ),
        "why": explained_entities(run, errors),
        "learning": _learning(config, train, finished.splits.validation, tags),
        "suspicious": suspicious_words(config, train, tags),
    }


def _learning(
    config: TrainConfig, train: list[Example], validation: list[Example], tags: Sequence[str]
) -> Learning | None:
    """Entity F1 of the linear head over the untuned encoder's tokens."""
    if not validation:
        return None
    shown = validation[:CURVE_ROWS]

    def f1(rows: NDArray[np.int_]) -> float:
        some = [train[row] for row in rows]
        if not any(row.entities for row in some):
            return 0.0
        return float(frozen_scorer(config, some, tags)(shown).metrics["entity_f1"])

    return learned("entity_f1", len(train), f1, config.seed)


def suspicious_words(
    config: TrainConfig, train: Sequence[Example], tags: Sequence[str]
) -> list[dict[str, Any]]:
    """Words of the training rows whose entity type looks wrong, as of suspicious_labels.

    `label` and `suggested` are types, or NONE; the word stands between ‹ and › in its text.
    """
    order = np.random.default_rng(config.seed).permutation(len(train))
    some, words = [], 0
    for row in order:
        if words >= CHECKED_WORDS:
            break
        some.append(train[row])
        words += len(train[row].text.split())
    encoder, tokenizer = load_encoder(resolve_encoder(config.encoder))
    tokens = labelled_tokens(encoder, tokenizer, some, tags, config.max_tokens)
    # A word is judged by its first token; what comes after it in a word says the same again.
    first = [
        place for place, (row, start, _) in enumerate(tokens.places)
        if start == 0 or not some[row].text[start - 1].isalnum()
    ]  # fmt: skip
    vectors = tokens.vectors[first]
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    labels = [tags[tag].partition("-")[2] or NONE for tag in tokens.tags[first]]
    shown = [
        _in_context(some[tokens.places[place][0]], *tokens.places[place][1:]) for place in first
    ]
    return suspicious_labels(vectors, labels, shown, config.seed)


def _in_context(row: Example, start: int, end: int) -> Example:
    """The row as text around one of its words, which is marked."""
    text = row.text
    while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    left, right = max(0, start - _AROUND), min(len(text), end + _AROUND)
    said = f"{text[left:start]}‹{text[start:end]}›{text[end:right]}"
    dots = ("…" if left else "", "…" if right < len(text) else "")
    return Example(f"{dots[0]}{said}{dots[1]}", where=row.where)
