"""Answers side by side, and whether a model that writes gives away what it learned from."""

from collections.abc import Mapping, Sequence
from typing import Any

from finetune.report.markup import customer_text, shown, table


def side_by_side(talks: Sequence[Mapping[str, Any]]) -> str:
    """What was asked, what the agent said, what selection and the model answer; or nothing."""
    if not talks:
        return ""
    keys = ("text", "agent", "selected", "written")
    cells = [[customer_text(str(talk.get(key) or "")) for key in keys] for talk in talks]
    return table(["asked", "the agent", "selected", "written"], cells, "rows tall")


def leak_test(leaks: Mapping[str, Any]) -> str:
    """Red or green, and what was looked for; nothing where it was not."""
    if not leaks:
        return ""
    kind, word = ("better", "Green") if leaks["green"] else ("worse", "Red")
    return (
        f"<p><b class={kind}>{word}</b>: {shown(leaks['found'])} of {shown(leaks['values'])} "
        f"private or rare values of the training answers were written in {shown(leaks['probes'])} "
        "conversations that do not show them.</p>"
    )
