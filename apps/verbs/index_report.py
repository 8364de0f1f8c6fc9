"""The report of an index: how well it finds, when it answers, and which questions it gets wrong."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from finetune.evaluation.plots import coverage_svg
from finetune.report.markup import Section, customer_text, facts, figure, shown, table, text
from finetune.report.page import page_html
from retrieval.cutoff import Curve
from retrieval.evaluate import Measured
from retrieval.manifest import Manifest
from retrieval.questions import Question

SHOWN = 200  # wrong questions; more than that nobody reads
_ANSWERED = (0.5, 0.7, 0.8, 0.9, 0.95, 1.0)


def index_report(
    name: str, manifest: Manifest, questions: Sequence[Question], measured: Measured
) -> str:
    """The report of one evaluation, as one HTML file.

    Args:
        name: The index's name.
        manifest: Of the index.
        questions: What was asked.
        measured: What `measure` gave for them.
    """
    metrics = measured.metrics
    headline = (
        f"The right passage is first for <b>{metrics['recall_at_1']:.1%}</b> of the answerable "
        f"questions and among the first five for {metrics['recall_at_5']:.1%}. "
        f"{metrics['answered']:.1%} of them are answered, {metrics['refused']:.1%} of the "
        "unanswerable ones are refused."
    )
    made = (
        f"{len(questions):,} questions. Encoder {text(manifest.encoder)}. Weights and threshold "
        f"fitted on {text(manifest.fitted_on)}."
    )
    sections = [
        Section("numbers", "Numbers", facts(metrics)),
        Section("coverage", "When to answer", _coverage(measured.curve, manifest.threshold)),
        Section("wrong", "Wrong questions", _wrong(questions, measured), private=True),
        Section("settings", "Settings", facts(_settings(manifest))),
    ]
    return page_html(name, [section for section in sections if section.body], headline, made)


def _coverage(curve: Curve, threshold: float) -> str:
    """What is answered against what is wrong; nothing where every threshold gives the same."""
    if len(curve.thresholds) < 3:
        return ""
    rows = [_line(f"now, at {threshold:.4f}", curve, _place(curve, threshold))]
    for share in _ANSWERED:
        enough = np.flatnonzero(curve.answered >= share)
        if len(enough):
            rows.append(_line(f"{share:.0%} answered", curve, int(enough[-1])))
    order = np.argsort(curve.answered, kind="stable")
    drawing = figure(
        coverage_svg(curve.answered[order], curve.wrong[order]),
        "Share of wrong ones among all answers given, by how many answerable questions are "
        "answered.",
    )
    head = ["threshold", "answered", "answered right", "refused", "wrong answers"]
    return drawing + table(head, rows)


def _line(name: str, curve: Curve, place: int) -> list[str]:
    values = (curve.answered, curve.right, curve.refused, curve.wrong)
    return [name, *(f"{each[place]:.1%}" for each in values)]


def _place(curve: Curve, threshold: float) -> int:
    place = int(np.searchsorted(curve.thresholds, threshold))
    return min(place, len(curve.thresholds) - 1)


def _wrong(questions: Sequence[Question], measured: Measured) -> str:
    rows = []
    for question, found in zip(questions, measured.found, strict=True):
        best = found[0] if found else None
        if not question.relevant or (best is not None and best.id in question.relevant):
            continue
        place = next((at for at, p in enumerate(found, 1) if p.id in question.relevant), None)
        rows.append([
            customer_text(question.text),
            customer_text(f"{best.id}: {best.title or best.text}") if best else "nothing",
            shown(best.score if best else None),
            text(", ".join(sorted(question.relevant))),
            shown(place) or "not among ten",
        ])  # fmt: skip
    if not rows:
        return ""
    note = f"<p class=note>{len(rows):,} questions have another passage first.</p>"
    head = ["question", "first passage", "score", "right", "its place"]
    return note + table(head, rows[:SHOWN], "tall rows")


def _settings(manifest: Manifest) -> dict[str, Any]:
    return {
        "weight_of_vectors": manifest.fusion.dense,
        "weight_of_own_row": manifest.fusion.whole,
        "in_focus": manifest.fusion.focused,
        "threshold": manifest.threshold,
        "margin": manifest.margin,
        "fitted_on": manifest.fitted_on,
        "encoder": manifest.encoder,
    }
