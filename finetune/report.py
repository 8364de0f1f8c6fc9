"""A run's report and card: one HTML file that needs nothing else, and a page of Markdown."""

from collections.abc import Mapping
from html import escape
from typing import Any

from finetune.task import Scored

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#1d2a26}
table{border-collapse:collapse;margin:1rem 0;width:100%}
th,td{padding:.3rem .6rem;border-bottom:1px solid #dde5e1;text-align:right}
th:first-child,td:first-child{text-align:left}h1,h2{color:#14532d}
.bar{background:#86c5a4;height:.7rem;border-radius:.2rem}
.scroll{overflow-x:auto}.note{color:#5b6b64}
"""


def report_html(
    name: str, config: Mapping[str, Any], metrics: Mapping[str, Any], scored: Mapping[str, Scored]
) -> str:
    """The report of one run.

    Args:
        name: The run's name.
        config: Its resolved config.
        metrics: Of `metrics.json`: split → baseline, before, after → metric → value.
        scored: After tuning, by split; the last one's details are shown.
    """
    train = config["train"]
    parts = [
        "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{escape(name)}</title><style>{_STYLE}</style><h1>{escape(name)}</h1>"
        f"<p class=note>Task {escape(train['task'])}, method {escape(train['method'])}, encoder "
        f"{escape(train['encoder'])}, seed {train['seed']}, "
        f"{config['rows']['train']} training rows, {config['seconds']:.0f} s.</p>"
    ]
    for split in ("validation", "test"):
        if split in metrics:
            parts.append(f"<h2>{split.title()}</h2>" + _comparison(metrics[split]))
    if scored:
        last = list(scored.values())[-1]
        parts += [
            _per_class(last.detail.get("per_class", {})),
            _confusion(last.detail.get("confusion", [])),
        ]
        parts.append(
            f"<h2>Errors</h2><p>{len(last.errors)} rows went wrong; they are in errors.jsonl "
            "beside this file. They are not repeated here, because this page may be passed on.</p>"
        )
    return "".join(parts) + "\n"


def card_markdown(name: str, config: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """The model card: data, use, limits, licence."""
    train = config["train"]
    split = "test" if "test" in metrics else "validation"
    rows = "\n".join(f"- {key}: {value}" for key, value in metrics[split]["after"].items())
    return (
        f"# {name}\n\n"
        f"A {train['task']} model tuned by Deskhand ({train['method']}) on `{config['data']}`, "
        f"{config['rows']['train']} rows, from the encoder {train['encoder']}.\n\n"
        f"## Measured on {split}\n\n{rows}\n\n"
        "## Limits\n\n"
        "It knows the language, products and habits of the log it was trained on, and no others. "
        "Its confidences hold for texts like those of its validation rows.\n\n"
        "## Licence\n\n"
        "The weights inherit the base encoder's licence (all-MiniLM-L6-v2: Apache-2.0) and the "
        "terms of the data above; add those here before passing the model on.\n"
    )


def _comparison(by_stage: Mapping[str, Mapping[str, float]]) -> str:
    stages = list(by_stage)
    head = "".join(f"<th>{escape(stage)}</th>" for stage in stages)
    rows = []
    for key in by_stage["after"]:
        cells = "".join(f"<td>{_number(by_stage[stage].get(key))}</td>" for stage in stages)
        rows.append(f"<tr><td>{escape(key)}</td>{cells}</tr>")
    return f"<table><tr><th>metric</th>{head}</tr>{''.join(rows)}</table>"


def _per_class(table: Mapping[str, Mapping[str, float]]) -> str:
    if not table:
        return ""
    columns = list(next(iter(table.values())))
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    rows = "".join(
        f"<tr><td>{escape(name)}</td>"
        + "".join(f"<td>{_number(row[column])}</td>" for column in columns)
        + "</tr>"
        for name, row in table.items()
    )
    table_html = f"<table><tr><th>class</th>{head}</tr>{rows}</table>"
    return f"<h2>By class</h2><div class=scroll>{table_html}</div>"


def _confusion(pairs: list[list[Any]]) -> str:
    if not pairs:
        return ""
    most = pairs[0][2]
    rows = "".join(
        f"<tr><td>{escape(right)} → {escape(given)}</td><td>{count}</td><td style='width:40%'>"
        f"<div class=bar style='width:{100 * count / most:.0f}%'></div></td></tr>"
        for right, given, count in pairs
    )
    head = "<tr><th>right → given</th><th>rows</th><th></th></tr>"
    return f"<h2>Most confused</h2><table>{head}{rows}</table>"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.4f}"
