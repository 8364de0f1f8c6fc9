"""Drawings for a page: inline SVG that needs no script, no network and no other file.

What is drawn in ink takes the page's text colour, so that a drawing is readable on light and on
dark; a page may give shades of its own for the two colours (`--hit`, `--miss`), which people who
see few colours can tell apart, and a second line has another dash too. This is the only module that
imports matplotlib, and only when something is drawn.
"""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import StringIO
from math import isfinite
from typing import TYPE_CHECKING, Any

from finetune.evaluation.curves import Bin, Floats, Roc

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE = "#0072b2", "#d55e00"  # Okabe & Ito 2008
_INK = "#010203"  # a colour no one else uses: it becomes the page's own
_ON_PAGE = {_INK: "currentColor", BLUE: f"var(--hit,{BLUE})", ORANGE: f"var(--miss,{ORANGE})"}
_SIZE = (5.4, 3.5)  # inches, at 72 units each
_STYLE: dict[Any, Any] = {
    "font.size": 9.0,
    "svg.fonttype": "none",  # text stays text: smaller, and it can be searched
    "svg.hashsalt": "deskhand",  # the same drawing has the same bytes
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _INK,
    "grid.alpha": 0.15,
    "axes.grid": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "legend.frameon": False,
}


def reliability_svg(bins: Sequence[Bin]) -> str:
    """Accuracy by confidence, with the share of rows in each bin below."""
    width = 1 / len(bins)
    middles = [(place + 0.5) * width for place in range(len(bins))]
    total = max(sum(each.count for each in bins), 1)
    filled = [each for each in bins if each.count]
    with _axes("Accuracy by confidence") as (axes, done):
        axes.plot([0, 1], [0, 1], color=_INK, linewidth=1, linestyle="--", label="if it were exact")
        axes.bar(
            middles,
            [each.count / total for each in bins],
            width=width * 0.9,
            color=ORANGE,
            alpha=0.45,
            label="share of rows",
        )
        axes.plot(
            [each.confidence for each in filled],
            [each.accuracy for each in filled],
            color=BLUE,
            marker="o",
            markersize=5,
            linewidth=0.6,
            label="accuracy",
        )
        _unit(axes)
        axes.set(xlabel="confidence", ylabel="share")
        axes.legend(loc="upper left")
    return done()


def coverage_svg(coverage: Floats, error: Floats) -> str:
    """Error among what is answered, by how much is answered."""
    with _axes("Error by share of rows answered") as (axes, done):
        axes.step(coverage, error, where="post", color=BLUE)
        axes.set(xlabel="share of rows answered", ylabel="error among them")
        axes.set_xlim(0, 1)
        axes.set_ylim(bottom=0)
    return done()


def roc_svg(curve: Roc) -> str:
    """Out-of-scope rows refused, by in-scope rows refused."""
    with _axes("Out-of-scope rows refused by in-scope rows refused") as (axes, done):
        axes.plot([0, 1], [0, 1], color=_INK, linewidth=1, linestyle="--", label="by chance")
        axes.plot(curve.false_rate, curve.true_rate, color=BLUE, label=f"AUROC {curve.area:.3f}")
        _unit(axes)
        axes.set(xlabel="in-scope rows refused", ylabel="out-of-scope rows refused")
        axes.legend(loc="lower right")
    return done()


def policy_svg(
    thresholds: Sequence[float], lines: Mapping[str, Sequence[float]], chosen: float
) -> str:
    """Lines over thresholds, each with its name, and the chosen threshold."""
    with _axes("By threshold") as (axes, done):
        for (name, values), color, dash in zip(
            lines.items(), (BLUE, ORANGE), ("-", "--"), strict=False
        ):
            axes.plot(thresholds, values, color=color, linestyle=dash, label=name)
        axes.axvline(chosen, color=_INK, linewidth=1, linestyle=":", label="chosen")
        axes.set(xlabel="threshold")
        axes.set_ylim(bottom=0)
        axes.legend(loc="best")
    return done()


def learning_svg(points: Sequence[tuple[int, float]], metric: str) -> str:
    """A metric by training rows, two points or more."""
    rows, values = zip(*points, strict=True)
    with _axes(f"{metric.capitalize()} by training rows") as (axes, done):
        axes.plot(rows, values, color=BLUE, marker="o", markersize=4)
        axes.set(xlabel="training rows", ylabel=f"{metric} on validation")
        axes.set_xlim(left=0)
    return done()


def losses_svg(log: Sequence[Mapping[str, Any]]) -> str:
    """Training and validation loss by step; empty where fewer than two points are logged."""
    train = _points(log, "loss_nats")
    validation = _points(log, "eval_loss")
    if len(train) < 2 and len(validation) < 2:
        return ""
    with _axes("Loss by step") as (axes, done):
        for points, color, dash, mark, name in (
            (train, BLUE, "-", "", "training"),
            (validation, ORANGE, "--", "o", "validation"),
        ):
            if points:
                steps, losses = zip(*points, strict=True)
                mark = mark or ("o" if len(points) == 1 else "")
                axes.plot(
                    steps, losses, color=color, linestyle=dash, marker=mark, markersize=4,
                    label=name,
                )  # fmt: skip
        axes.set(xlabel="step", ylabel="loss (nats)")
        axes.legend(loc="upper right")
    return done()


def history_svg(trials: Sequence[Mapping[str, Any]], metric: str) -> str:
    """What each whole trial reached, and the best so far; empty where none is whole."""
    points = [(int(row["number"]), float(row["value"])) for row in trials
              if row["value"] is not None]  # fmt: skip
    if not points:
        return ""
    numbers, values = zip(*points, strict=True)
    best = [max(values[: place + 1]) for place in range(len(values))]
    with _axes("Validation by trial") as (axes, done):
        axes.plot(numbers, values, color=BLUE, marker="o", markersize=5, linewidth=0, label="trial")
        axes.step(numbers, best, where="post", color=ORANGE, linestyle="--", label="best so far")
        axes.set(xlabel="trial", ylabel=f"{metric.replace('_', ' ')} on validation")
        axes.locator_params(axis="x", integer=True)
        axes.legend(loc="lower right")
    return done()


def importance_svg(shares: Mapping[str, float]) -> str:
    """A bar for each setting, the most important on top; empty without any."""
    if not shares:
        return ""
    names = sorted(shares, key=lambda name: shares[name])
    with _axes("Importance of settings") as (axes, done):
        axes.barh(names, [shares[name] for name in names], color=BLUE, height=0.6)
        axes.set(xlabel="share of the variance between trials")
        axes.set_xlim(0, 1)
    return done()


def _points(log: Sequence[Mapping[str, Any]], key: str) -> list[tuple[float, float]]:
    return [
        (float(row["step"]), float(row[key]))
        for row in log
        if isinstance(row.get(key), int | float)
        and isinstance(row.get("step"), int | float)
        and isfinite(row[key])
    ]


def _unit(axes: "Axes") -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)


@contextmanager
def _axes(title: str) -> Iterator[tuple["Axes", Callable[[], str]]]:
    """Axes to draw on, and what gives the SVG once the block has ended."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    drawn = ""
    # A figure of its own, not pyplot's: nothing global is opened, and no screen is looked for.
    with rc_context(_STYLE), warnings.catch_warnings():
        # A name in a script that the measuring font lacks is drawn by the browser's font anyway.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = Figure(figsize=_SIZE, layout="constrained", facecolor="none")
        yield figure.add_subplot(), lambda: drawn
        sink = StringIO()
        figure.savefig(sink, format="svg", metadata={"Date": None})
        drawn = _inline(sink.getvalue(), title)


def _inline(svg: str, title: str) -> str:
    """An SVG file as a part of a page: no header, no rules or names that reach beyond it."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL)
    used = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", svg))
    svg = re.sub(
        r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", svg
    )  # the same name twice in a page is an error
    svg = re.sub("|".join(_ON_PAGE), lambda found: _ON_PAGE[found[0]], svg)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    return svg.replace("<svg", f'<svg class="plot" role="img" aria-label="{title}"', 1).strip()
