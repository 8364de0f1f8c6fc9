"""The report of a backtest: one HTML file without scripts, which fetches nothing."""

from html import escape

from apps.backtest.pairs import Agreement
from apps.backtest.results import WHY, Hours, figure_lines, steps_of
from apps.backtest.running import Backtest, Judged
from apps.pages import STYLE
from data.html_page import whole_page

_KINDS = ("right", "wrong", "handed_over")


def page_html(title: str, found: Backtest, hours: Hours, agreement: Agreement) -> str:
    """The page: the figures, each step of the app, the wrong ones, then the right ones."""
    figures = "".join(f"<p>{escape(line)}.</p>" for line in figure_lines(found, hours, agreement))
    steps = "".join(
        f"<tr><td><code>{escape(step)}</code>" + "".join(f"<td>{kinds[kind]}" for kind in _KINDS)
        for step, kinds in steps_of(found).items()
    )
    wrong, right = found.of("wrong"), found.of("right")
    return whole_page(
        title,
        STYLE,
        f"<h1>{escape(title)}</h1>{figures}<h2>By the app's step</h2>"
        f"<table><tr><th>step<th>right<th>wrong<th>handed over{steps}</table>"
        f"<h2>Wrong answers ({len(wrong)})</h2>{''.join(_turn(turn, ' open') for turn in wrong)}"
        f"<h2>Right answers ({len(right)})</h2>{''.join(_turn(turn) for turn in right)}",
    )


def _turn(turn: Judged, opened: str = "") -> str:
    good = turn.kind == "right"
    why = WHY.get(turn.why, turn.why.replace("_", " "))
    score = "" if turn.score is None else f" ({turn.score:.2f})"
    return (
        f"<details{opened}><summary>{escape(turn.conversation)}, turn {turn.turn}: "
        f"<span class={'good' if good else 'bad'}>{escape(why)}{score}</span></summary>"
        f"<dl><dt>Customer<dd>{escape(turn.question)}<dt>Person<dd>{escape(turn.human)}"
        f"<dt>App <code>{escape(turn.step)}</code><dd>{escape(turn.answer)}</dl></details>"
    )
