"""What `deskhand tune` tried: by trial, by setting, and a table."""

from collections.abc import Mapping
from typing import Any

from finetune.evaluation.plots import history_svg, importance_svg
from finetune.report.markup import figure, shown, table, text, words

_MOST = 200  # trials in the table, the best first


def search(found: Mapping[str, Any]) -> str:
    """The section of a search; empty without trials."""
    trials = found.get("trials") or []
    if not trials:
        return ""
    metric = found["metric"]
    pruned = sum(row["value"] is None for row in trials)
    history = figure(
        history_svg(trials, metric),
        f"{len(trials):,} trials, {pruned:,} of them ended early. Every choice was made on the "
        "validation rows: the best trial's figure there flatters it, the test rows do not.",
    )
    shares = figure(
        importance_svg(found.get("importance") or {}),
        "How much of the difference between whole trials each setting explains (functional ANOVA).",
    )
    return history + shares + _table(trials, metric, found.get("best"))


def _table(trials: list[Mapping[str, Any]], metric: str, best: int | None) -> str:
    names = list(dict.fromkeys(name for row in trials for name in row["values"]))
    # Those without a value last.
    ranked = sorted(trials, key=lambda row: (row["value"] is None, -(row["value"] or 0.0)))
    rows = [
        [
            f"{row['number']}{' (best)' if row['number'] == best else ''}",
            "ended early" if row["value"] is None else shown(row["value"]),
            "" if row["seconds"] is None else f"{row['seconds']:.0f}",
            *(_value(row["values"].get(name)) for name in names),
        ]
        for row in ranked[:_MOST]
    ]
    return table(["trial", words(metric), "seconds", *map(text, names)], rows, "tall")


def _value(value: Any) -> str:  # noqa: ANN401 - of any setting
    """A rate of 2e-5 is not 0.0000."""
    return f"{value:.4g}" if isinstance(value, float) else shown(value)
