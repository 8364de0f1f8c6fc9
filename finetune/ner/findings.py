"""What an ner run's report tells beyond scores: which words and labels to look at, and why."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.schema import Example
from finetune.checks.counterfactual import counterfactual_check
from finetune.checks.labels import suspicious_labels
from finetune.checks.learning import Learning, learned
from finetune.checks.neighbours import nearest_rows
from finetune.explain import explained_entities
from finetune.ner.frozen import FrozenTokens, LabelledTokens, frozen_tokens
from finetune.ner.model import NerModel
from finetune.run_dir import RunDir
from finetune.task import Finished

NONE = "no entity"
CHECKED_WORDS = 20_000  # whose labels are checked: a minute; of larger data it is a sample
CURVE_ROWS = 500  # validation rows that a learning curve stands on
_AROUND = 60  # characters on each side of a word that is shown


def entity_findings(finished: Finished) -> Mapping[str, Any]:
    """See Task.findings."""
    config, train, validation = finished.config, finished.splits.train, finished.splits.validation
    run, errors = RunDir(finished.run), finished.scored.errors
    tags: list[str] = run.read_json(run.labels)
    model = NerModel(finished.run, config.threads)
    frozen = frozen_tokens(config, train, tags)

    def types(texts: list[str]) -> list[str]:
        found = model.predict(texts)
        return [", ".join(entity.type for entity in entities) or NONE for entities in found]

    return {
        "neighbours": nearest_rows(
            frozen.vectors_of([error["text"] for error in errors]), frozen.text_vectors(), train
        ),
        "counterfactual": counterfactual_check(
            [row.text for row in finished.examples], types, config.seed
        ),
        "why": explained_entities(run, errors),
        "learning": _learning(frozen, validation, config.seed) if validation else None,
        "suspicious": suspicious_words(frozen.tokens, train, tags, config.seed),
    }


def _learning(frozen: FrozenTokens, validation: list[Example], seed: int) -> Learning:
    """Entity F1 of a linear head over the untuned encoder's tokens."""
    shown = validation[:CURVE_ROWS]
    texts = frozen.read(shown)
    tagged = {row for (row, _, _), tag in zip(
        frozen.tokens.places, frozen.tokens.tags.tolist(), strict=True) if tag}  # fmt: skip

    def f1(some: NDArray[np.int_]) -> float:
        if tagged.isdisjoint(some.tolist()):
            return 0.0
        head = frozen.head if len(some) == len(frozen.rows) else frozen.fit(some)
        return float(frozen.score(head, shown, texts).metrics["entity_f1"])

    return learned("entity_f1", len(frozen.rows), f1, seed)


def suspicious_words(
    tokens: LabelledTokens, train: Sequence[Example], tags: Sequence[str], seed: int
) -> list[dict[str, Any]]:
    """Words of the training rows whose entity type looks wrong, as of suspicious_labels.

    `label` and `suggested` are types, or NONE; the word stands between ‹ and › in its text.
    """
    # A word is judged by its first token; what comes after it in a word says the same again.
    first = np.array([
        place for place, (row, start, _) in enumerate(tokens.places)
        if start == 0 or not (_joins(before := train[row].text[start - 1]) or before in "'’")
    ])  # fmt: skip
    first = np.sort(np.random.default_rng(seed).permutation(first)[:CHECKED_WORDS])
    vectors = tokens.states[first]
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    labels = [tags[tag].partition("-")[2] or NONE for tag in tokens.tags[first]]
    places = [tokens.places[place] for place in first]
    shown = [_in_context(train[row], start, end) for row, start, end in places]
    return suspicious_labels(vectors, labels, shown, seed)


def _joins(character: str) -> bool:
    """Whether it stands in one word with its like; of Chinese and Japanese each may be a word."""
    return character.isalnum() and not "\u3040" <= character <= "\u9fff"


def _in_context(row: Example, start: int, end: int) -> Example:
    """The row as text around one of its words, which is marked."""
    text = row.text
    while end < len(text) and _joins(text[end - 1]) and _joins(text[end]):
        end += 1
    left, right = max(0, start - _AROUND), min(len(text), end + _AROUND)
    said = f"{text[left:start]}‹{text[start:end]}›{text[end:right]}"
    dots = ("…" if left else "", "…" if right < len(text) else "")
    return Example(f"{dots[0]}{said}{dots[1]}", where=row.where)
