"""The report of a run of conversations: one HTML file without scripts, which fetches nothing."""

from collections.abc import Mapping, Sequence
from html import escape

from apps.testing.coverage import Coverage, Part
from apps.testing.results import all_ran, count_line, of, value_text
from apps.testing.running import Failure, Ran, Subject, Verdict

_STYLE = """
:root{color-scheme:light dark;--ink:#1d2a26;--page:#fff;--line:#d5dfda;--dim:#56665f;
--good:#0b6e4f;--bad:#b03a00;--box:#f4f7f5}
@media(prefers-color-scheme:dark){:root{--ink:#e3ebe7;--page:#131a17;--line:#33413b;--dim:#9db0a7;
--good:#5fd3a5;--bad:#ff9a66;--box:#1b2420}}
body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;
color:var(--ink);background:var(--page)}
h1,h2{line-height:1.2}h2{margin-top:2rem}code,small{color:var(--dim)}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid var(--line)}
.good{color:var(--good)}.bad{color:var(--bad)}
details{background:var(--box);border-radius:.4rem;padding:.4rem .8rem;margin:.4rem 0}
summary{cursor:pointer}dt{font-weight:600;margin-top:.6rem}dd{margin:0 0 0 1rem;
overflow-wrap:anywhere;white-space:pre-line}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
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
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        f'<meta http-equiv=Content-Security-Policy content="{_POLICY}">'
        "<meta name=viewport content='width=device-width'>"
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
        f"<h1>Conversations of {escape(title)}</h1><p>{escape(count_line(ran))}.</p>"
        f"{covered}<h2>Conversations</h2>{''.join(map(_conversation, ordered))}</html>\n"
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
