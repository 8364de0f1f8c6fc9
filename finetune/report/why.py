"""Why a row went wrong: its words, shaded by what each gave to the answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from finetune.report.markup import LONGEST, shown, table, text

_HIT, _MISS = "0,114,178", "213,94,0"  # towards the answer and away from it, as in the drawings
_DEEPEST = 0.6  # opacity: what is written stays readable


def why(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows with shaded words; empty without any.

    Args:
        rows: Of `text`, `label`, `predicted` and `words`: [word, start, end, weight] of each.
    """
    if not rows:
        return ""
    cells = [
        [_shaded(row["text"], row["words"]), shown(row.get("label")), shown(row.get("predicted"))]
        for row in rows
    ]
    note = (
        "<p class=note>The wrong rows that the model is surest of. Blue words drew it to what it "
        "said, orange ones away from it; the deeper, the more (integrated gradients, with what "
        "the linear model over words gave). Point at a word for its part in logits.</p>"
    )
    return note + table(["row", "right", "best answer"], cells, "tall rows")


def _shaded(said: str, words: Sequence[Sequence[Any]]) -> str:
    deepest = max((abs(word[3]) for word in words), default=0.0) or 1.0
    words = [word for word in words if word[2] <= LONGEST]
    parts, done = [], 0
    for _, start, end, weight in words:
        share = _DEEPEST * abs(weight) / deepest
        color = f"rgba({_HIT if weight > 0 else _MISS},{share:.2f})"
        parts.append(text(said[done:start]))
        inside = text(said[start:end])
        parts.append(f"<span style='background:{color}' title='{weight:+.2f}'>{inside}</span>")
        done = end
    parts.append(text(said[done:], longest=max(1, LONGEST - done)))
    return f"<div class=said dir=auto>{''.join(parts)}</div>"
