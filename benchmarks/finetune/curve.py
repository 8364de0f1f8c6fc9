"""Accuracy on BANKING77 against CPU seconds, each system at several budgets."""

from collections.abc import Callable
from typing import Any

from benchmarks.finetune.cells import EPOCHS
from benchmarks.shell import row

Of = Callable[[str, str, str], list[dict[str, Any]]]
KEY = "accuracy_no_refusal"

# What is drawn: a name, and the cell's setting and system.
POINTS: tuple[tuple[str, str, str], ...] = (
    ("TF-IDF + linear SVM", "full", "svm"),
    ("frozen encoder + logistic regression", "full", "logreg"),
    ("Deskhand, head alone", "full", "ours_head"),
    ("plain Trainer script, epochs: 5", "full", "trainer"),
    ("plain Trainer script at 2e-4, epochs: 5", "full", "trainer_raised"),
    *(
        (f"plain Trainer script at 2e-4, epochs: {n}", f"curve-{n}", "trainer_raised")
        for n in EPOCHS
    ),
    ("Deskhand, epochs: 5", "full", "ours"),
    *((f"Deskhand, epochs: {n}", f"curve-{n}", "ours") for n in EPOCHS),
)


def curve_rows(of: Of) -> list[dict[str, str]]:
    """The points by CPU seconds, those that are missing last; a row each.

    The seconds are of the whole process, scoring too: a clock's would tell what else ran. A point
    is on the front where no quicker one is as good on validation.
    """
    points = [
        (name, found[0])
        for name, setting, system in POINTS
        if (found := of("banking77", setting, system))
    ]
    points.sort(key=lambda point: float(point[1]["cpu_s"]))
    best, rows = 0.0, []
    for name, result in points:
        validation = float(result["validation"]["metrics"][KEY])
        front = validation > best
        best = max(best, validation)
        rows.append(
            row(f"{name}, {float(result['cpu_s']):.0f} CPU s",
                float(result["test"]["metrics"][KEY]), "",
                f"validation {validation:.4f}{', on the front' if front else ''}")
        )  # fmt: skip
    there = {name for name, _ in points}
    return rows + [row(name, "not measured") for name, _, _ in POINTS if name not in there]
