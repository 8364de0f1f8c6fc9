"""The drawings of a report, each with the numbers that it shows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from finetune.checks.learning import Learning
from finetune.evaluation.curves import coverage_error, reliability, roc
from finetune.evaluation.plots import (
    coverage_svg,
    learning_svg,
    losses_svg,
    reliability_svg,
    roc_svg,
)
from finetune.metrics import expected_calibration_error
from finetune.report.markup import figure, shown, table, words
from finetune.task import Scored

_COVERAGES = (0.5, 0.7, 0.8, 0.9, 0.95, 1.0)


def calibration(scored: Scored) -> str:
    """Accuracy by confidence of the in-scope rows, and ECE."""
    confidence, right = _answers(scored)
    inside = np.asarray(scored.detail.get("inside", []), dtype=bool)
    if len(inside) == len(confidence):
        confidence, right = confidence[inside], right[inside]
    if not len(confidence):
        return ""
    bins = reliability(confidence, right)
    return figure(
        reliability_svg(bins),
        f"Expected calibration error: {expected_calibration_error(confidence, right):.4f} over "
        f"{len(confidence):,} in-scope rows in {len(bins)} bins. "
        "Below the dashed line the model is too sure.",
    )


def coverage(scored: Scored) -> str:
    """Error by how much is answered."""
    confidence, right = _answers(scored)
    if not len(confidence):
        return ""
    shares, errors = coverage_error(confidence, right)
    rows = []
    for share in _COVERAGES:
        place = min(int(np.searchsorted(shares, share - 1e-9)), len(shares) - 1)
        rows.append([f"{share:.0%}", f"{shares[place]:.1%}", shown(float(errors[place]))])
    drawing = figure(coverage_svg(shares, errors), "Only the surest part is answered.")
    return drawing + table(["answered, at least", "answered", "error among them"], rows)


def out_of_scope(scored: Scored) -> str:
    """How well the score of being in scope tells what is not."""
    scope, inside = scored.detail.get("scope", []), scored.detail.get("inside", [])
    if not len(scope) or len(scope) != len(inside):
        return ""
    outside = ~np.asarray(inside, dtype=bool)
    curve = roc(-np.asarray(scope, dtype=float), outside)
    if curve is None:
        return ""
    return figure(
        roc_svg(curve),
        f"AUROC {curve.area:.4f}, over {int(outside.sum()):,} out-of-scope and "
        f"{int((~outside).sum()):,} in-scope rows.",
    )


def losses(log: Sequence[Mapping[str, Any]]) -> str:
    """Training and validation loss."""
    return figure(losses_svg(log), "Where validation rises while training falls, it overfits.")


def learning(found: Learning | None) -> str:
    """A quick model's score by the number of training rows: whether more labels help."""
    if found is None or len(found.points) < 2:
        return ""
    points, metric = found.points, words(found.metric)
    drawing = learning_svg(points, metric)
    (fewer, before), (rows, last) = points[-2:]
    caption = (
        f"By a quick linear model on the untuned encoder, not by the tuned one: the last "
        f"{rows - fewer:,} of {rows:,} training rows brought {100 * (last - before):+.1f} points. "
        "While the line still rises, more labelled rows help."
    )
    cells = [[shown(count), shown(value)] for count, value in points]
    return figure(drawing, caption) + table(["training rows", f"{metric} on validation"], cells)


def _answers(scored: Scored) -> tuple[Any, Any]:
    """Confidences and whether each was right (n,); none where they do not go together."""
    confidence = np.asarray(scored.detail.get("confidence", []), dtype=float)
    right = np.asarray(scored.detail.get("right", []), dtype=bool)
    return (confidence, right) if len(confidence) == len(right) else (confidence[:0], right[:0])
