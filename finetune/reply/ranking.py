"""How well answers are ranked: the right one among nine of other conversations, drawn by chance.

Every kind of reply model is scored on the same draws, so that their figures can be compared.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.errors import LogFormatError
from data.schema import Example
from finetune.metrics import ranking_metrics
from finetune.reading import Splits, conversation_of
from finetune.task import Scored

DRAWS = 1000
CANDIDATES = 10

Ints = NDArray[np.int_]
Floats = NDArray[np.floating[Any]]
# For the contexts of m rows and the answers of m rows: m scores, the higher the closer.
PairScores = Callable[[Ints, Ints], Floats]


@dataclass(frozen=True, slots=True)
class Draws:
    """Rows whose contexts are asked (d,), and whose answers are offered (d, 10), the own first."""

    contexts: Ints
    candidates: Ints


def score_ranking(scores: PairScores, examples: Sequence[Example], seed: int) -> Scored:
    """The true answer against nine answers of other conversations, DRAWS times.

    Where rows have a group that others share (a brand), `recall_at_1_of_10_same_group` draws the
    nine from that group. A bootstrap draws contexts, each with all of its draws. A row is right
    (`exact`) where its answer is first in more than half of its own.

    Raises:
        LogFormatError: If there are fewer than ten different answers, or no row has nine rivals.
    """
    everywhere, alike = draw(examples, seed)
    parts = [everywhere] if alike is None else [everywhere, alike]
    contexts = np.concatenate([np.repeat(part.contexts, CANDIDATES) for part in parts])
    candidates = np.concatenate([part.candidates.ravel() for part in parts])
    # A pair that is drawn again is scored once.
    pairs, places = np.unique(contexts * len(examples) + candidates, return_inverse=True)
    found = scores(pairs // len(examples), pairs % len(examples))[places].reshape(-1, CANDIDATES)
    own, rivals = found[:, :1], found[:, 1:]
    # One that is not a number beats nobody: a diverged model must not look perfect.
    ranks = 1 + (~(own > rivals)).sum(axis=1)
    first, rest = ranks[: len(everywhere.contexts)], ranks[len(everywhere.contexts) :]
    metrics = ranking_metrics(first.tolist())
    if alike is not None:
        metrics["recall_at_1_of_10_same_group"] = ranking_metrics(rest.tolist())[
            "recall_at_1_of_10"
        ]
    errors = {
        int(row): {
            "text": examples[row].text,
            "answer": examples[row].answer,
            "ranked_first": examples[candidate].answer,
            "where": examples[row].where,
        }
        for row, candidate, rank in zip(
            everywhere.contexts,
            everywhere.candidates[np.arange(len(first)), 1 + rivals[: len(first)].argmax(axis=1)],
            first,
            strict=True,
        )
        if rank > 1
    }
    resample = _resampler(len(examples), everywhere, first, alike, rest)
    drawn = np.bincount(everywhere.contexts, minlength=len(examples))
    won = np.bincount(everywhere.contexts, first == 1, minlength=len(examples))
    exact = [
        bool(2 * wins > times) if times else None for wins, times in zip(won, drawn, strict=True)
    ]
    return Scored(metrics, list(errors.values()), {"exact": exact}, resample)


def check_ranked(splits: Splits, seed: int) -> None:
    """Refuse rows that could not be scored before anything is trained on them.

    Raises:
        LogFormatError: As score_ranking, for the test rows, or the validation rows without any.
    """
    if splits.test:
        draw(splits.test, seed)
        return
    try:
        draw(splits.validation, seed)
    except LogFormatError as error:
        raise LogFormatError(
            f"{error}; too few validation rows to score, add rows or --eval"
        ) from error


def draw(examples: Sequence[Example], seed: int) -> tuple[Draws, Draws | None]:
    """What is asked: rivals from everywhere, and from the own group where groups are shared.

    Raises:
        LogFormatError: As score_ranking.
    """
    texts = _numbers(example.answer or "" for example in examples)
    where = examples[0].where if examples else "evaluation"
    different = len(set(texts.tolist()))
    if different < CANDIDATES:
        raise LogFormatError(
            f"{where}: ranking needs at least {CANDIDATES} different answers, found {different}"
        )
    generator = np.random.default_rng(seed)
    asked = generator.integers(0, len(examples), DRAWS)
    conversations = _numbers(conversation_of(example) for example in examples)
    everywhere = _rivals(asked, texts, conversations, None, generator)
    if everywhere is None:
        raise LogFormatError(
            f"{where}: ranking needs {CANDIDATES - 1} answers of other conversations"
        )
    groups = _numbers(example.group or "" for example in examples)
    if groups.max() >= conversations.max():
        return everywhere, None
    return everywhere, _rivals(asked, texts, conversations, groups, generator)


def _numbers(names: Iterable[str]) -> Ints:
    """0, 1, … for each name in the order of first sight: equal where the names are."""
    places: dict[str, int] = {}
    return np.array([places.setdefault(name, len(places)) for name in names])


def _rivals(
    asked: Ints,
    texts: Ints,
    conversations: Ints,
    groups: Ints | None,
    generator: np.random.Generator,
) -> Draws | None:
    """Nine other answers for each row that is asked and has so many; None where no row has."""
    pools: dict[int, Ints] = {}
    contexts, candidates = [], []
    for row in map(int, asked):
        if row not in pools:
            others = (conversations != conversations[row]) & (texts != texts[row])
            if groups is not None:
                others &= groups == groups[row]
            pools[row] = np.flatnonzero(others)
        if len(pools[row]) >= CANDIDATES - 1:
            rivals = generator.choice(pools[row], CANDIDATES - 1, replace=False)
            contexts.append(row)
            candidates.append([row, *rivals.tolist()])
    return Draws(np.array(contexts), np.array(candidates)) if contexts else None


def _resampler(
    rows: int, everywhere: Draws, ranks: Ints, alike: Draws | None, group_ranks: Ints
) -> Callable[[Ints], Mapping[str, float]]:
    """The metrics of the contexts at some places, from sums of each context's draws."""
    drawn = np.bincount(everywhere.contexts, minlength=rows)
    first = np.bincount(everywhere.contexts, ranks == 1, minlength=rows)
    inverse = np.bincount(everywhere.contexts, 1 / ranks, minlength=rows)
    if alike is not None:
        group_drawn = np.bincount(alike.contexts, minlength=rows)
        group_first = np.bincount(alike.contexts, group_ranks == 1, minlength=rows)

    def resample(places: Ints) -> Mapping[str, float]:
        found: dict[str, float] = {}
        if count := drawn[places].sum():
            found["recall_at_1_of_10"] = float(first[places].sum() / count)
            found["mrr"] = float(inverse[places].sum() / count)
        if alike is not None and (count := group_drawn[places].sum()):
            found["recall_at_1_of_10_same_group"] = float(group_first[places].sum() / count)
        return found

    return resample
