"""The parts of a report that repeat rows of the data: wrong ones, changed ones, suspicious ones."""

from collections.abc import Mapping, Sequence
from typing import Any

from finetune.report.markup import customer_text, shown, table, text, words

SHOWN = 200  # wrong rows; more than that nobody reads
_HEADS = {"label": "right", "predicted": "said", "best": "best in scope"}
_UNDER_TEXT = ("text", "where", "split")


def wrong_rows(
    errors: Sequence[Mapping[str, Any]], neighbours: Sequence[Sequence[Mapping[str, Any]]]
) -> str:
    """The wrong rows, the surest first, each with the training rows that are nearest to it.

    Args:
        errors: As in `errors.jsonl`.
        neighbours: Of each error, in the same order, rows of `text`, `label` and `similarity`;
            empty where they are not known.
    """
    if not errors:
        return ""
    near = [neighbours[place] if place < len(neighbours) else [] for place in range(len(errors))]
    ranked = sorted(
        zip(errors, near, strict=True),
        key=lambda pair: -float(pair[0].get("confidence") or 0),
    )[:SHOWN]
    keys = list(dict.fromkeys(key for error, _ in ranked for key in error))
    keys = [key for key in keys if key not in _UNDER_TEXT]
    rows = [
        [_row_cell(error, close), *(_value(error.get(key)) for key in keys)]
        for error, close in ranked
    ]
    count = f"{len(errors):,} rows are wrong; all are in errors.jsonl beside this file."
    if len(errors) > SHOWN:
        count = (
            f"The {SHOWN} that the model is surest of. In all {len(errors):,} rows are wrong; they "
            "are in errors.jsonl beside this file."
        )
    heads = [
        "row and the training rows nearest to it" if any(near) else "row",
        *(_HEADS.get(key, words(key)) for key in keys),
    ]
    return f"<p class=note>{count}</p>" + table(heads, rows, "tall rows")


def suspicious(rows: Sequence[Mapping[str, Any]]) -> str:
    """Training rows that look mislabelled, with where to find them; empty without any."""
    if not rows:
        return ""
    cells = [
        [
            customer_text(str(row.get("text", ""))) + _where(row),
            shown(row.get("label")),
            shown(row.get("suggested")),
            shown(row.get("confidence")),
        ]
        for row in rows
    ]
    note = (
        "<p class=note>A model that did not see these rows says another label. Look at each; where "
        "it is right, change the label in the file and train again.</p>"
    )
    return note + table(["row to look at", "label", "suggested", "confidence"], cells, "tall rows")


def counterfactual(kinds: Mapping[str, Mapping[str, Any]]) -> str:
    """How often a change that should not matter changes the answer, with examples."""
    counted = [kind for kind in kinds if kinds[kind].get("n")]
    if not counted:
        return ""
    rows = [
        [
            words(kind),
            shown(kinds[kind]["n"]),
            shown(kinds[kind].get("changed", 0)),
            f"{kinds[kind].get('changed', 0) / kinds[kind]['n']:.1%}",
        ]
        for kind in counted
    ]
    parts = [table(["what was changed", "rows", "answers changed", "share"], rows)]
    for kind in counted:
        examples = kinds[kind].get("examples") or []
        if examples:
            cells = [_changed(example) for example in examples]
            heads = ["text, and with the change", "answer before", "answer after"]
            parts.append(f"<h3>Examples: {words(kind)}</h3>" + table(heads, cells, "rows"))
    return "".join(parts)


def _changed(example: Mapping[str, Any]) -> list[str]:
    texts = customer_text(example["text"]) + customer_text(example["changed"])
    answers = (example["before"], example["after"])
    return [texts, *("refused" if answer is None else shown(answer) for answer in answers)]


def _row_cell(error: Mapping[str, Any], close: Sequence[Mapping[str, Any]]) -> str:
    parts = [customer_text(str(error["text"]))] if "text" in error else []
    parts.append(_where(error))
    if close:
        near = "".join(
            f"<li><small>{shown(row.get('similarity'))}</small> <b>{shown(row.get('label'))}</b> "
            f"{customer_text(str(row.get('text', '')))}</li>"
            for row in close
        )
        parts.append(f"<ul class=near aria-label='nearest training rows'>{near}</ul>")
    return "".join(parts)


def _value(value: Any) -> str:  # noqa: ANN401 - of a row of errors.jsonl
    """Entities as their types and texts; anything else as it is."""
    entities = value if isinstance(value, list) else [value]
    if not entities or not all(isinstance(each, dict) and "text" in each for each in entities):
        return "" if value == [] else shown(value)
    return shown(", ".join(f"{each.get('type', '')} {each['text']}".strip() for each in entities))


def _where(row: Mapping[str, Any]) -> str:
    return f"<small class=note>{text(str(row['where']))}</small>" if row.get("where") else ""
