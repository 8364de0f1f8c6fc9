"""A confusion matrix as inline SVG, readable at 150 classes: what is right is faint."""

from collections.abc import Sequence
from html import escape

import numpy as np

from finetune.evaluation.curves import Counts, leaf_order

MOST = 200  # classes; of more, those that are confused most
_LETTER = 0.58  # width of a letter, of the font's size
_CUT = 28  # characters of a class name; the whole name is in the cell's title


def heatmap_svg(names: Sequence[str], counts: Counts) -> str:
    """Rows are right classes, columns what was said; classes that are confused stand together.

    Each cell's title tells its numbers, which a browser shows beside the pointer.

    Args:
        names: K class names.
        counts: (K, K) rows of each right class that got each answer.
    """
    names, counts = _most_confused(names, counts)
    order = leaf_order(counts)
    names, counts = [names[place] for place in order], counts[np.ix_(order, order)]
    size, font = _sizes(len(names))
    margin = 8 + max(len(_short(name)) for name in names) * font * _LETTER
    side = size * len(names)
    both = len(names) > 40  # names on every side: one is near wherever the reader has scrolled to
    width = margin + side + (margin if both else 8)
    height = margin + side + (margin if both else 8)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    parts = [
        f'<svg class="heat" role="img" aria-label="Confusion matrix" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'font-size="{font}" xmlns="http://www.w3.org/2000/svg">',
        _grid(margin, size, len(names)),
    ]
    for row, column in zip(*np.nonzero(counts), strict=True):
        count, share = int(counts[row, column]), float(shares[row, column])
        x, y = margin + column * size, margin + row * size
        title = f"{names[row]} → {names[column]}: {count} ({share:.0%})"
        kind, depth = ("hit", 0.15) if row == column else ("miss", 0.5 + 0.5 * min(1, 2 * share))
        parts.append(
            f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{size - 1}" height="{size - 1}" '
            f'fill-opacity="{depth:.2f}"><title>{escape(title)}</title></rect>'
        )
        if size >= 20:
            parts.append(
                f'<text x="{x + size / 2 - 0.5:.1f}" y="{y + size / 2 + font / 3:.1f}" '
                f'text-anchor="middle" pointer-events="none">{count}</text>'
            )
    for place, name in enumerate(names):
        middle = margin + (place + 0.5) * size
        parts += _name(name, middle, margin - 4, font, "end", "start")
        if both:
            parts += _name(name, middle, margin + side + 4, font, "start", "end")
    return "".join(parts) + "</svg>"


def _most_confused(names: Sequence[str], counts: Counts) -> tuple[list[str], Counts]:
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    most = np.argsort(-(wrong.sum(axis=0) + wrong.sum(axis=1)), kind="stable")[:MOST]
    kept = np.sort(most)
    return [names[place] for place in kept], counts[np.ix_(kept, kept)]


def _sizes(classes: int) -> tuple[int, int]:
    """The side of a cell and the size of the letters, in pixels."""
    if classes <= 12:
        return 36, 12
    return (22, 11) if classes <= 40 else (12, 10)


def _grid(margin: float, size: int, classes: int) -> str:
    """A faint line every five classes, for the eye to follow."""
    end = margin + size * classes
    lines = []
    for place in range(0, classes + 1, 5 if classes > 12 else 1):
        at = margin + place * size - 0.5
        lines.append(f"M{margin:.1f} {at:.1f}H{end:.1f}M{at:.1f} {margin:.1f}V{end:.1f}")
    return f'<path d="{"".join(lines)}" stroke="currentColor" stroke-opacity=".18" fill="none"/>'


def _name(
    name: str, middle: float, edge: float, font: int, row_anchor: str, column_anchor: str
) -> list[str]:
    """A class's name beside its row and, turned, above or below its column."""
    text, base = escape(_short(name)), middle + font / 3
    return [
        f'<text x="{edge:.1f}" y="{base:.1f}" text-anchor="{row_anchor}">{text}</text>',
        f'<text transform="translate({base:.1f} {edge:.1f}) rotate(-90)" '
        f'text-anchor="{column_anchor}">{text}</text>',
    ]


def _short(name: str) -> str:
    return name if len(name) <= _CUT else name[: _CUT - 1] + "…"
