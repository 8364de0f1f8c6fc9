"""The tables of a report: before and after, by class, and what is taken for what."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from finetune.evaluation.curves import Counts, confused_pairs
from finetune.evaluation.heatmap import MOST, heatmap_svg
from finetune.report.markup import shown, table, text, words
from finetune.task import Scored

LOWER_IS_BETTER = frozenset({"ece", "brier", "loss", "perplexity", "refused", "false_alarms"})
_PAIRS = 30
_STAGES = {"baseline": "trivial", "before": "before tuning", "after": "after tuning"}
_SCORES = ("precision", "recall", "f1")


def headline(metrics: Mapping[str, Any]) -> str:
    """The first metric of the last split in a sentence, as HTML."""
    split = list(metrics)[-1]
    after = metrics[split]["after"]
    key = next((name for name in after if name != "n"), None)
    if key is None:
        return ""
    sure = (metrics[split].get("intervals") or {}).get(key, {})
    said = f"{words(key).capitalize()} on {text(split)}: {shown(after[key])}{_range(sure, 'after')}"
    before = metrics[split].get("before", {}).get(key)
    if before is None:
        return f"{said}."
    return f"{said}; before tuning {shown(before)}. {_verdict(key, sure)}"


def comparison(split: Mapping[str, Any]) -> str:
    """Every metric by stage with its 95% interval, the gain, and whether luck explains it."""
    sure = split.get("intervals") or {}
    stages = [key for key in split if key != "intervals" and isinstance(split[key], Mapping)]
    rows = []
    for key, after in split["after"].items():
        own = sure.get(key, {})
        cells = [words(key)]
        cells += [shown(split[stage].get(key)) + _range(own, stage) for stage in stages]
        before = split.get("before", {}).get(key)
        numbers = isinstance(before, float) and isinstance(after, float)
        gain = f"{after - before:+.4f}{_range(own, 'gain', signed=True)}" if numbers else ""
        if key in LOWER_IS_BETTER:
            cells[0] += " <small>lower is better</small>"
        rows.append([*cells, gain, _verdict(key, own)] if sure else [*cells, gain])
    head = ["metric", *(_STAGES.get(stage, words(stage)) for stage in stages), "gain"]
    note = (
        "<p class=note>Small: 95% intervals from a paired bootstrap. A gain is marked where its "
        "interval leaves out 0.</p>"
    )
    return table([*head, "is it luck?"] if sure else head, rows) + (note if sure else "")


def by_class(scored: Scored) -> str:
    """In the layout of scikit-learn's classification_report; empty without classes."""
    rows = _class_rows(scored)
    if not rows:
        return ""
    cells = [[text(name), *(shown(row[key]) for key in _SCORES), shown(row["support"])]
             for name, row in rows.items()]  # fmt: skip
    support = [row["support"] for row in rows.values()]
    total = int(sum(support))
    totals = []
    metrics = scored.metrics
    if "accuracy" in metrics:
        totals.append(["accuracy", "", "", shown(float(metrics["accuracy"])), shown(total)])
    elif "entity_f1" in metrics:
        micro = [shown(float(metrics[f"entity_{key}"])) for key in _SCORES]
        totals.append(["micro avg", *micro, shown(total)])
    table_of = np.array([[row[key] for key in _SCORES] for row in rows.values()])
    for name, weights in (("macro avg", None), ("weighted avg", support if total else None)):
        means = np.average(table_of, axis=0, weights=weights)
        totals.append([name, *(shown(float(mean)) for mean in means), shown(total)])
    return table(["", "precision", "recall", "f1-score", "support"], cells, "tall", totals)


def confusion(scored: Scored) -> tuple[str, str]:
    """The heat map, and the table of the most confused; each empty without what it needs."""
    pairs = _pairs(scored)
    if not pairs:
        return "", ""
    classes = _class_rows(scored)
    names = list(dict.fromkeys([*classes, *(name for pair in pairs for name in pair)]))
    places = {name: place for place, name in enumerate(names)}
    counts: Counts = np.zeros((len(names), len(names)), dtype=int)
    for (right, given), count in pairs.items():
        counts[places[right], places[given]] += count
    most = _most_confused(names, counts)
    if len(names) != len(classes):  # an answer that is no class: pairs can be told, shares cannot
        return "", most
    for name, row in classes.items():
        counts[places[name], places[name]] = round(row["recall"] * row["support"])
    left_out = (
        f" The {MOST} classes of {len(names)} with the most confusions."
        if len(names) > MOST
        else ""
    )
    return (
        "<p class=note>Rows are right classes, columns what the model said; the deeper the orange, "
        "the larger the share of the row. Classes that are confused stand together. Point at a "
        f"cell for its numbers.{left_out}</p><div class='scroll heatmap' tabindex=0>"
        f"{heatmap_svg(names, counts)}</div>",
        most,
    )


def slices(tables: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """A table for each slice; empty without groups."""
    parts = []
    for name, groups in tables.items():
        if not groups:
            continue
        keys = list(dict.fromkeys(key for group in groups.values() for key in group))
        rows = [[text(group), *(shown(row.get(key)) for key in keys)]
                for group, row in groups.items()]  # fmt: skip
        heads = ["below the rest" if key == "below" else words(key) for key in keys]
        parts.append(f"<h3>By {words(name)}</h3>" + table(["group", *heads], rows))
    return "".join(parts)


def _class_rows(scored: Scored) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and support by class, classes that were said but never right too."""
    rows = {}
    for name, row in scored.detail.get("per_class", {}).items():
        if not {"precision", "recall", "support"} <= set(row):
            return {}
        precision, recall = row["precision"], row["recall"]
        both = precision + recall
        f1 = row.get("f1", row.get("f1-score", 2 * precision * recall / both if both else 0.0))
        rows[name] = {"precision": float(precision), "recall": float(recall), "f1": float(f1),
                      "support": row["support"]}  # fmt: skip
    pairs = _pairs(scored)
    if rows and all(right in rows for right, _ in pairs):
        nothing = {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}
        for _, given in pairs:
            rows.setdefault(given, nothing)
    return rows


def _pairs(scored: Scored) -> Counter[tuple[str, str]]:
    """Right and given, and how often: from the errors where they tell, which are complete."""
    errors = scored.errors
    told = [(error.get("label"), error.get("predicted")) for error in errors]
    if told and all(isinstance(name, str) for pair in told for name in pair):
        return Counter((str(right), str(given)) for right, given in told)
    listed: Sequence[Sequence[Any]] = scored.detail.get("confusion", [])
    return Counter({(str(right), str(given)): int(count) for right, given, count in listed})


def _most_confused(names: Sequence[str], counts: Counts) -> str:
    found = confused_pairs(names, counts, _PAIRS)
    if not found:
        return ""
    most = max(pair.first_as_second + pair.second_as_first for pair in found)
    rows = []
    for pair in found:
        both = pair.first_as_second + pair.second_as_first
        bar = f"<div class=bar style='width:{100 * both / most:.0f}%'></div>"
        name = f"{text(pair.first)} → {text(pair.second)}"
        rows.append([name, shown(pair.first_as_second), shown(pair.second_as_first), bar])
    return table(["right → said", "rows", "the other way", ""], rows)


def _range(sure: Mapping[str, Any], stage: str, signed: bool = False) -> str:
    if stage not in sure:
        return ""
    low, high = (f"{value:+.4f}" if signed else f"{value:.4f}" for value in sure[stage])
    return f" <small>{low} to {high}</small>"


def _verdict(key: str, sure: Mapping[str, Any]) -> str:
    """Better, worse or within what luck explains, from the interval of the gain."""
    if "gain" not in sure:
        return ""
    low, high = sure["gain"]
    if low <= 0 <= high:
        return "<span class=note>may be luck</span>"
    better = (low > 0) != (key in LOWER_IS_BETTER)
    return f"<b class={'better' if better else 'worse'}>{'▲ better' if better else '▼ worse'}</b>"
