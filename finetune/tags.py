"""Between character spans and IOB2 tags of tokens, and the most probable valid tag sequence."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.schema import Entity

IGNORE = -100  # the loss skips it
_FORBIDDEN = -1e4
_MARKS = " \t\r\n.,;:!?()\"'“”‘’"


def tag_names(types: Sequence[str]) -> list[str]:
    """`O`, then `B-` and `I-` of each type."""
    return ["O", *(f"{prefix}-{kind}" for kind in types for prefix in "BI")]


def tags_for(
    entities: Sequence[Entity], offsets: Sequence[tuple[int, int]], tag_ids: dict[str, int]
) -> list[int]:
    """Give each token its tag id.

    Args:
        entities: Non-overlapping spans, any order.
        offsets: (start, end) characters of each of T tokens, end exclusive; (0, 0) for special
            tokens.
        tag_ids: Tag name to id.

    Returns:
        T ids; special tokens get IGNORE. A token belongs to an entity if they share a character.

    Raises:
        ValueError: If two entities overlap.

    Source: IOB2 tags, Tjong Kim Sang & Veenstra 1999, https://aclanthology.org/E99-1023
    """
    ordered = sorted(entities, key=lambda entity: entity.start)
    for left, right in zip(ordered, ordered[1:], strict=False):
        if right.start < left.end:
            raise ValueError(f"entities {left.type!r} and {right.type!r} overlap at {right.start}")
    tags, before = [], None
    for start, end in offsets:
        if end <= start:
            tags.append(IGNORE)
            continue
        here = next((e for e in ordered if e.start < end and e.end > start), None)
        name = "O" if here is None else f"{'I' if here is before else 'B'}-{here.type}"
        tags.append(tag_ids[name])
        before = here
    return tags


def allowed(tags: Sequence[str]) -> NDArray[np.float64]:
    """Scores (K, K) of going from a tag to the next: `I-x` follows only `B-x` or `I-x`."""
    scores = np.zeros((len(tags), len(tags)))
    for row, before in enumerate(tags):
        for column, after in enumerate(tags):
            if after[0] == "I" and before[1:] != after[1:]:
                scores[row, column] = _FORBIDDEN
    return scores


def best_path(
    log_probabilities: NDArray[np.floating[Any]], transitions: NDArray[np.float64]
) -> list[int]:
    """The most probable valid tags (T) from log probabilities (T, K).

    Source: Viterbi 1967, IEEE Transactions on Information Theory 13(2).
    """
    if len(log_probabilities) == 0:
        return []
    score = log_probabilities[0] + transitions[0]  # what may follow O may begin
    back = np.zeros(log_probabilities.shape, dtype=int)
    for step in range(1, len(log_probabilities)):
        reach = score[:, None] + transitions
        back[step] = reach.argmax(axis=0)
        score = reach.max(axis=0) + log_probabilities[step]
    path = [int(score.argmax())]
    for step in range(len(log_probabilities) - 1, 0, -1):
        path.append(int(back[step, path[-1]]))
    return path[::-1]


def spans_of(
    text: str,
    offsets: Sequence[tuple[int, int]],
    tags: Sequence[str],
    confidences: Sequence[float],
) -> list[Entity]:
    """Entities from the tags of real tokens; a span's confidence is its least sure token's.

    Marks at the ends of a token with letters are left out ("York," is a token of some tokenizers);
    a token of its own is what its tag says: the labels have taught that "U.S." ends in one.
    """
    spans: list[tuple[str, int, int, float]] = []
    before = "O"
    for (start, end), tag, sure in zip(offsets, tags, confidences, strict=True):
        left, right = _bare(text, start, end)
        if tag[0] == "I" and before[2:] == tag[2:]:
            kind, begin, _, least = spans[-1]
            spans[-1] = (kind, begin, right, min(least, sure))
        elif tag != "O":
            spans.append((tag[2:], left, right, sure))
        before = tag
    return [
        Entity(kind, text[start:end], start, end, sure)
        for kind, start, end, sure in spans
        if text[start:end].strip(_MARKS)
    ]


def _bare(text: str, start: int, end: int) -> tuple[int, int]:
    """The characters of a token without the marks and white space around its letters, if any."""
    token = text[start:end]
    kept = token.strip(_MARKS) or token.strip()
    begin = start + token.index(kept)
    return begin, begin + len(kept)
