"""What the review tab shows, as HTML; all that comes from outside is escaped here."""

from collections.abc import Sequence
from html import escape

from apps.review.gaps import Gap
from apps.store import StoredTurn
from apps.store_review import Case
from apps.web.panel import explanation

WHY_IN_WORDS = {
    "thumbs_down": "Thumbs down",
    "handed_over": "Handed over",
    "low_confidence": "Unsure",
}
TITLE_CHARS = 60
NOTHING = '<p class="dh-quiet">Nothing to look at here.</p>'


def title_of(case: Case) -> str:
    """A line of the list: why, and how the question begins."""
    line = " ".join(case.question.split()) or "(no words)"
    cut = line if len(line) <= TITLE_CHARS else f"{line[:TITLE_CHARS]}…"
    why = ", ".join(WHY_IN_WORDS[each] for each in case.why)
    return f"{why} · {cut}" if why else cut


def conversation_html(case: Case, turns: Sequence[StoredTurn]) -> str:
    """The conversation around a turn, which is marked; below it how that answer came about."""
    items = []
    for stored in turns:
        here = stored.id == case.turn_id
        thumb = "" if here else {1: ", thumbs up", -1: ", thumbs down"}.get(stored.thumb, "")
        who = "Customer" if stored.turn.speaker == "customer" else "Agent"
        badges = _badges(case) if here else ""
        items.append(
            f'<li class="dh-said dh-{stored.turn.speaker}{" dh-here" if here else ""}">'
            f"<small>{who}{thumb}{badges}</small>{escape(stored.turn.text)}</li>"
        )
    when = f"{case.time:%Y-%m-%d %H:%M} UTC"
    said = case.correction
    by = f" · reviewed by {escape(said.reviewer)}, {said.time:%Y-%m-%d %H:%M} UTC" if said else ""
    return (
        f'<div class="dh-review"><p class="dh-quiet">{escape(case.app)} · {when}{by}</p>'
        f'<ol class="dh-talk">{"".join(items)}</ol>'
        f'<details class="dh-why"><summary>How this answer came about</summary>'
        f"{explanation(case.question, case.trace)}</details></div>"
    )


def gaps_html(gaps: Sequence[Gap]) -> str:
    """The gaps as a table, the most asked first."""
    if not gaps:
        return '<p class="dh-quiet">Every question in scope had an answer.</p>'
    rows = "".join(
        f'<tr><td class="dh-number">{gap.count}</td>'
        f'<td class="dh-number">{gap.last:%Y-%m-%d}</td>'
        f"<td>{escape(gap.question)}{_others(gap)}</td></tr>"
        for gap in gaps
    )
    return (
        '<div class="dh-scroll"><table class="dh-table"><thead><tr><th>Asked</th><th>Last</th>'
        f"<th>Question</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _badges(case: Case) -> str:
    return "".join(f' <b class="dh-tag">{WHY_IN_WORDS[why]}</b>' for why in case.why)


def _others(gap: Gap) -> str:
    if not gap.others:
        return ""
    listed = "".join(f"<li>{escape(other)}</li>" for other in gap.others)
    return f"<details><summary>in other words</summary><ul>{listed}</ul></details>"
