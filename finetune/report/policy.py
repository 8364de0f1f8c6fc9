"""The parts of a report about refusing: scores of being in scope compared, and what is answered."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from finetune.evaluation.plots import policy_svg
from finetune.report.markup import figure, shown, table, text, words
from finetune.task import Scored

_RULES = {
    "rows": "No costs and no precision are stated: ",
    "costs": "The threshold under which held-out rows cost least.",
    "precision": "The threshold that answers most rows while the stated precision is held.",
}
_STATED = ("wrong_cost", "hand_over_cost", "precision")


def scope_table(scope: Mapping[str, Any]) -> str:
    """The AUROC of each score of being in scope, the chosen one in bold; empty without any."""
    areas = scope.get("auroc") or {}
    if not areas:
        return ""
    rows = [
        [f"<b>{words(name)}</b>" if name == scope["score"] else words(name), shown(area)]
        for name, area in sorted(areas.items(), key=lambda pair: -pair[1])
    ]
    kind = (
        "rows whose label was held out, because there were no out-of-scope rows"
        if scope.get("pseudo")
        else "held-out rows"
    )
    note = f"<p class=note>Scores compared in cross-validation on {kind}; the best is used.</p>"
    return note + table(["score of being in scope", "AUROC"], rows)


def hand_over(policy: Mapping[str, Any], scored: Mapping[str, Scored]) -> str:
    """The rule, the curve with the chosen threshold, what is answered, and each intent."""
    if not policy:
        return ""
    parts = [f"<p>{_said(policy)}</p>", _curve(policy), _answered(policy, scored)]
    intents = policy.get("by_intent") or {}
    if intents:
        keys = list(dict.fromkeys(key for row in intents.values() for key in row))
        rows = [
            [text(name), *(shown(row.get(key)) for key in keys)] for name, row in intents.items()
        ]
        heads = ["best intent of held-out rows", *(words(key) for key in keys)]
        parts.append(table(heads, rows, "tall"))
    return "".join(parts)


def _said(policy: Mapping[str, Any]) -> str:
    said = _RULES[policy["rule"]]
    if policy["rule"] == "rows":
        return said + "the threshold on the score of being in scope follows the rows alone."
    stated = policy.get("stated") or {}
    facts = ", ".join(f"{words(k)} {stated[k]:g}" for k in _STATED if stated.get(k) is not None)
    said = f"{said} Stated: {facts}."
    if policy.get("met") is False:
        said += f" <b class=worse>It cannot be shown to hold:</b> {text(policy['note'])}."
    elif policy.get("note"):
        said += f" It is {text(policy['note'])}."
    return said


def _curve(policy: Mapping[str, Any]) -> str:
    curve = np.array(policy.get("curve") or [])
    if len(curve) < 2:
        return ""
    thresholds, answered, wrong, cost = curve.T
    if policy["rule"] == "costs":
        lines = {"mean cost of a row": cost.tolist(), "share answered": answered.tolist()}
    else:
        lines = {"share answered": answered.tolist(), "wrong among answered": wrong.tolist()}
    return figure(
        policy_svg(thresholds.tolist(), lines, float(policy["threshold"])),
        f"On held-out rows, by threshold; {policy['threshold']:.4f} is chosen.",
    )


def _answered(policy: Mapping[str, Any], scored: Mapping[str, Scored]) -> str:
    held = policy.get("held_out") or {}
    rows = []
    if held:
        numbers = (held["rows"], held["answered"], held["wrong"], held["handed_over"])
        rows.append(["fitted on", *map(shown, numbers), _share(held["wrong"], held["answered"])])
    for split, each in scored.items():
        said = np.asarray(each.detail.get("answered", []), dtype=bool)
        right = np.asarray(each.detail.get("right", []), dtype=bool)
        if not len(said) or len(said) != len(right):
            continue
        answered, wrong = int(said.sum()), int((said & ~right).sum())
        numbers = (len(said), answered, wrong, len(said) - answered)
        rows.append([text(split), *map(shown, numbers), _share(wrong, answered)])
    if not rows:
        return ""
    heads = ["rows of", "rows", "answered", "wrong among them", "handed over", "share wrong"]
    return table(heads, rows)


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole else "–"
