"""The report of a run of conversations: one HTML file without scripts, which fetches nothing."""

from collections.abc import Mapping, Sequence
from html import escape

from apps.pages import STYLE
from apps.testing.coverage import Coverage, Part
from apps.testing.results import all_ran, count_line, of, value_text
from apps.testing.running import Failure, Ran, Subject, Verdict
from data.html_page import whole_page

_TOLD: dict[Verdict, str] = {
    "failed": "<b class=bad>failed</b>",
    "passed_unexpectedly": "<b class=bad>passed, but was expected to fail</b>",
    "failed_as_expected": "failed, as expected",
    "passed": "<span class=good>passed</span>",
}


def page_html(title: str, subjects: Sequence[Subject], coverages: Mapping[str, Coverage]) -> str:
    """The page: counts, coverage, then each conversation as it went, those that failed first."""
    ran = all_ran(subjects)
    ordered = [each for verdict in _TOLD for each in of(ran, verdict)]
    covered = "".join(_coverage(name, each) for name, each in coverages.items())
    return whole_page(
        title,
        STYLE,
        f"<h1>Conversations of {escape(title)}</h1><p>{escape(count_line(ran))}.</p>"
        f"{covered}<h2>Conversations</h2>{''.join(map(_conversation, ordered))}",
    )


def _coverage(name: str, coverage: Coverage) -> str:
    parts = [(f"workflow {workflow}", part) for workflow, part in coverage.workflows.items()]
    parts.append(("intents that a turn expects", coverage.intents))
    rows = "".join(_row(what, part) for what, part in parts if part.reached or part.missed)
    if not rows:
        return ""
    return (
        f"<h2>What is covered of {escape(name)}</h2><table><tr><th>of<th>covered<th>never<th>all"
        f"{rows}</table>"
    )


def _row(what: str, part: Part) -> str:
    total = len(part.reached) + len(part.missed)
    missed = f"<span class=bad>{escape(', '.join(part.missed))}</span>" if part.missed else "none"
    return (
        f"<tr><td>{escape(what)}<td>{len(part.reached)} of {total}<td>{missed}"
        f"<td><small>{escape(', '.join((*part.reached, *part.missed)))}</small>"
    )


def _conversation(each: Ran) -> str:
    written = each.conversation
    why = f" <small>{escape(written.expected_failure)}</small>" if written.expected_failure else ""
    opened = " open" if each.verdict in ("failed", "passed_unexpectedly") else ""
    turns = "".join(
        f"<dt>Customer<dd>{escape(turn.customer)}<dt>Answer <code>{escape(answer.step)}</code>"
        f"<dd>{escape(answer.text)}"
        + "".join(_failure(failure) for failure in each.failures if failure.turn == number)
        for number, (turn, answer) in enumerate(
            zip(written.turns, each.answers, strict=True), start=1
        )
    )
    return (
        f"<details{opened}><summary>{escape(written.name)}: {_TOLD[each.verdict]}{why} "
        f"<small>{escape(f'{each.path}:{each.line}')}</small></summary><dl>{turns}</dl></details>"
    )


def _failure(failure: Failure) -> str:
    miss = failure.miss
    return (
        f"<dd class=bad>line {failure.line}, {escape(miss.what)}: expected "
        f"{escape(value_text(miss.expected, 1000))}, got {escape(value_text(miss.got, 1000))}"
    )
