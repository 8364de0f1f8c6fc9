"""Pieces of HTML. Whatever comes from outside goes through `text` or `shown`, which escape it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import isfinite
from typing import Any

LONGEST = 300  # characters of a row's text; the rest is in the files beside the page


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: name in links, heading, HTML, and whether it repeats rows of data."""

    anchor: str
    title: str
    body: str
    private: bool = False


def text(value: str, longest: int = LONGEST) -> str:
    """The text, escaped, cut where it is longer."""
    return escape(value if len(value) <= longest else value[: longest - 1] + "…")


def customer_text(value: str) -> str:
    """A customer's text, kept in a box of its own: it may run from right to left."""
    return f"<div class=said dir=auto>{text(value)}</div>"


def shown(value: Any) -> str:  # noqa: ANN401 - a value of a row, of any kind
    """Any value, escaped: numbers to four places, what has parts as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4f}" if isfinite(value) else "–"
    if isinstance(value, str):
        return text(value)
    return text(json.dumps(value, ensure_ascii=False, default=str))


def words(name: str) -> str:
    """A key as a heading."""
    return text(name.replace("_", " "))


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    kind: str = "",
    totals: Iterable[Sequence[str]] = (),
) -> str:
    """A table of HTML cells; the first cell of each row names it, totals stay in sight below."""
    columns = "".join(f"<th scope=col>{cell}</th>" for cell in head)
    foot = f"<tfoot>{last}</tfoot>" if (last := _rows(totals)) else ""
    return (
        f"<div class='scroll {kind}' tabindex=0><table><thead><tr>{columns}</tr></thead>"
        f"<tbody>{_rows(rows)}</tbody>{foot}</table></div>"
    )


def _rows(rows: Iterable[Sequence[str]]) -> str:
    return "".join(
        f"<tr><th scope=row>{cells[0]}</th>{''.join(f'<td>{cell}</td>' for cell in cells[1:])}</tr>"
        for cells in rows
    )


def facts(values: Mapping[str, Any]) -> str:
    """Names and values, parts of parts by their full name; a rate of 2e-5 is not 0.0000."""
    cells = [
        [words(key), f"{value:.6g}" if isinstance(value, float) else shown(value)]
        for key, value in _flat(values)
    ]
    return table(["", ""], cells, "facts")


def figure(drawing: str, caption: str) -> str:
    """A drawing of our own with a line below it, which is HTML; nothing without a drawing."""
    if not drawing:
        return ""
    return f"<figure>{drawing}<figcaption>{caption}</figcaption></figure>"


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
