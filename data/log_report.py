"""What a prepared log holds, as one page without anything from elsewhere."""

from collections.abc import Mapping
from html import escape
from typing import Any

REPLIES = 1000  # answers from which tuning a reply model pays
ENOUGH, FEW = 50, 10  # rows of an intent: trained well by tuning; just enough for a head
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#1c2330} h1{font-size:1.5rem} h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;width:100%} p.note{color:#59606e}
td,th{text-align:left;padding:.15rem .6rem;border-bottom:1px solid #e3e6ec}
td.n{text-align:right;font-variant-numeric:tabular-nums;width:7rem} td.b{width:45%}
.bar{display:block;height:.8rem;background:#5b7fd6;border-radius:2px} .few .bar{background:#d68a5b}
"""
_SECTIONS = (
    ("month", "Volume over time", "Conversations by the month they began in."),
    ("channel", "Channels", ""),
    ("language", "Languages", "Of the customer's words; short ones are unknown."),
    ("outcome", "How they ended", ""),
    ("length", "Length", "Turns of a conversation."),
    ("answered", "First answer", "Time until an agent's first answer."),
    ("redacted", "What was redacted", "Counts only: the values are gone."),
    ("cut", "What was cut or marked", "Quoted mail, signatures, the helpdesk's own lines."),
    ("left_out", "What was left out on purpose", ""),
    ("mended", "What was mended", ""),
    ("dropped", "Conversations dropped", "Each is in dropped.jsonl with its reason."),
)


def report_html(title: str, report: Mapping[str, Any]) -> str:
    """The page of a prepared log.

    Args:
        title: The folder's name.
        report: What `report.json` holds.
    """
    sizes = report["conversations"]
    total = sum(sizes.values())
    solved = report.get("outcome", {}).get("solved", 0)
    facts = [
        ("Conversations read", report["read"]),
        ("written", total),
        *((f"in {name}", count) for name, count in sizes.items()),
        ("Turns read", report["turns_read"]),
        ("written, after merging", report["turns"]),
        ("Rows or files that could not be read or were dropped", report["rows_dropped"]),
        ("Near-duplicates of another conversation", report["near_duplicates"]),
        ("Solved, of all", f"{solved / total:.0%}" if total else "–"),
        ("Turns a second", report["turns_per_second"]),
    ]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        f"<title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>",
        "<table>",
        *(f"<tr><td>{escape(name)}<td class=n>{escape(str(value))}" for name, value in facts),
        "</table>",
    ]
    for key, heading, note in _SECTIONS:
        values = report.get(key) or {}
        if values:
            in_order = sorted(values.items()) if key in ("month", "length") else values.items()
            parts += [f"<h2 id={key}>{heading}</h2>", f"<p class=note>{note}</p>" * bool(note)]
            parts.append(_bars(dict(in_order)))
    parts.append(_training(report))
    return "".join(parts) + "</html>\n"


def _bars(values: Mapping[str, int], few: int = 0) -> str:
    most = max(values.values())
    rows = [
        f"<tr{' class=few' if count < few else ''}><td>{escape(name)}<td class=n>{count:,}"
        f"<td class=b><span class=bar style='width:{100 * count / most:.1f}%'></span>"
        for name, count in values.items()
    ]
    return f"<table>{''.join(rows)}</table>"


def _training(report: Mapping[str, Any]) -> str:
    """What there is to train on."""
    intents = report.get("intent") or {}
    replies = report["turns"] // 2
    enough = (
        "enough to tune a reply model"
        if replies >= REPLIES
        else f"a reply model wants {REPLIES:,} or more: until then the untuned encoder is as good"
    )
    lines = [
        "<h2 id=training>What it is enough for</h2>",
        f"<p>About {replies:,} answers of agents to learn replies from: {enough}.</p>",
    ]
    if intents:
        many = sum(count >= ENOUGH for count in intents.values())
        short = sum(count < FEW for count in intents.values())
        lines.append(
            f"<p>{len(intents)} intents are labelled: {many} with {ENOUGH} conversations or more, "
            f"{short} with fewer than {FEW}, which need more.</p>{_bars(intents, FEW)}"
        )
    else:
        lines.append("<p>No intents are labelled: <code>deskhand discover</code> proposes some.")
    return "".join(lines)
