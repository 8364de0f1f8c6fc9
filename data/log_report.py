"""What a prepared log holds, as one page without anything from elsewhere.

`prepare` writes it; `discover` and `mine` add what they found in the folder that they read.
"""

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from textwrap import shorten
from typing import Any

from data.errors import LogFormatError
from data.html_page import whole_page
from data.outputs import write_whole

REPORT = "report.json"
PAGE = "report.html"
# Minutes, and the name of what takes no longer: how long a first answer took.
WAITS = ((1, "within 1 minute"), (5, "within 5 minutes"), (60, "within 1 hour"),
         (480, "within 8 hours"), (1440, "within 1 day"))  # fmt: skip
LATER = "later"
QUOTED = 160  # characters of a question
SHOWN = 40  # topics, and contradictions, that the page lists
REPLIES = 1000  # answers from which tuning a reply model pays
ENOUGH, FEW = 50, 10  # rows of an intent: trained well by tuning; just enough for a head
# Rows that one CPU core trains on in a minute, and epochs of the shipped configs: BANKING77 with
# one thread, TweetSumm by `--dry-run` with two, halved.
_INTENT_ROWS, _INTENT_EPOCHS = 6300, 3
_REPLY_ROWS, _REPLY_EPOCHS = 200, 2
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#1c2330} h1{font-size:1.5rem} h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;width:100%} p.note{color:#59606e}
td,th{text-align:left;padding:.15rem .6rem;border-bottom:1px solid #e3e6ec}
td{vertical-align:top} td.n{text-align:right;font-variant-numeric:tabular-nums;width:7rem}
td.b{width:45%}
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


def write_report(folder: Path, title: str, report: Mapping[str, Any]) -> None:
    """Write `report.json` and `report.html`, each whole or not at all."""
    whole = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    for name, text in ((REPORT, whole), (PAGE, report_html(title, report))):
        write_whole(folder / name, text)


def add_to_report(folder: Path, **found: Sequence[Mapping[str, Any]]) -> bool:
    """Add what was found in a prepared folder to its report; False where it is not one.

    Args:
        folder: What was read.
        found: `topics` (name, size, questions) or `contradictions` (traffic, first, second).

    Raises:
        LogFormatError: If its `report.json` is not what `prepare` writes.
    """
    path = folder / REPORT
    if not path.is_file():
        return False
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        write_report(folder, folder.name, {**report, **found})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise LogFormatError(f"{path}: cannot be read; prepare the log again") from error
    return True


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
        f"<h1>{escape(title)}</h1>",
        "<table>",
        *(f"<tr><td>{escape(name)}<td class=n>{escape(str(value))}" for name, value in facts),
        "</table>",
    ]
    for key, heading, note in _SECTIONS:
        values = report.get(key) or {}
        if values:
            parts += [f"<h2 id={key}>{heading}</h2>", f"<p class=note>{note}</p>" * bool(note)]
            parts.append(_bars(_ordered(key, values)))
    parts += [_topics(report), _contradictions(report), _training(report)]
    return whole_page(title, _STYLE, "".join(parts))


def _ordered(key: str, values: Mapping[str, int]) -> dict[str, int]:
    """Months, lengths and waiting times in their own order, all else by count."""
    if key in ("month", "length"):  # named so that they sort
        return dict(sorted(values.items()))
    if key == "answered":
        return {name: values[name] for name in (*dict(WAITS).values(), LATER) if name in values}
    return dict(values)


def _topics(report: Mapping[str, Any]) -> str:
    topics = report.get("topics")
    if not topics:
        return (
            "<h2 id=topics>Topics</h2><p class=note>Not looked for yet: "
            "<code>deskhand discover</code> on this folder adds them here.</p>"
        )
    rows = [
        f"<tr><td>{escape(topic['name'])}<td class=n>{topic['size']:,}"
        f"<td>{'<br>'.join(escape(shorten(text, QUOTED)) for text in topic['questions'])}"
        for topic in topics[:SHOWN]
    ]
    more = f"<p class=note>and {len(topics) - SHOWN} smaller ones.</p>" * (len(topics) > SHOWN)
    return (
        f"<h2 id=topics>Topics</h2><p class=note>{len(topics)} topics of the customers' turns, "
        "with the questions nearest to the middle of each.</p>"
        f"<table>{''.join(rows)}</table>{more}"
    )


def _contradictions(report: Mapping[str, Any]) -> str:
    found = report.get("contradictions")
    if found is None:
        return (
            "<h2 id=contradictions>Contradictions</h2><p class=note>Not looked for yet: "
            "<code>deskhand mine</code> on this folder adds them here.</p>"
        )
    rows = "".join(
        f"<tr><td class=n>{pair['traffic']:,}"
        f"<td>{escape(pair['first'])}<td>{escape(pair['second'])}"
        for pair in found[:SHOWN]
    )
    table = f"<table><tr><th>asked<th>one agent<th>another{rows}</table>" if rows else ""
    return (
        f"<h2 id=contradictions>Contradictions</h2><p class=note>{len(found)} pairs of agents' "
        f"sentences about the same thing with different numbers, the most asked first.</p>{table}"
    )


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
        f"<p>About {replies:,} answers of agents to learn replies from: {enough}. "
        f"{_minutes(replies * _REPLY_EPOCHS / _REPLY_ROWS)}</p>",
    ]
    if intents:
        many = sum(count >= ENOUGH for count in intents.values())
        short = sum(count < FEW for count in intents.values())
        lines.append(
            f"<p>{len(intents)} intents are labelled: {many} with {ENOUGH} conversations or more, "
            f"{short} with fewer than {FEW}, which need more. "
            f"{_minutes(sum(intents.values()) * _INTENT_EPOCHS / _INTENT_ROWS)}</p>"
            f"{_bars(intents, FEW)}"
        )
    else:
        lines.append("<p>No intents are labelled: <code>deskhand discover</code> proposes some.")
    return "".join(lines)


def _minutes(minutes: float) -> str:
    return (
        f"Tuning takes about {max(1, round(minutes)):,} minutes on one CPU core; "
        "<code>deskhand train … --dry-run</code> times it on your machine."
    )
