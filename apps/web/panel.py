"""How an answer came about, as HTML: from a stored trace (apps.explain.answer_values) to the panel.

All that comes from outside is escaped here; nothing else on the page builds HTML from it.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from apps.app import clean

COLOURS = 8  # of entity types, `dh-c0` to `dh-c7` in style.css
TITLE_CHARS = 56
NOTHING_YET = (
    '<div class="dh-panel dh-nothing"><h3>How the answer came about</h3>'
    "<p>Ask something, and you will see here what was understood, what the answer rests on and how "
    "long each step took.</p></div>"
)
_REASONS = {
    "out_of_scope": "the question is about something that this assistant does not cover",
    "low_confidence": "it was not sure enough what was meant",
    "asked_for_person": "the customer asked for a person",
    "upset": "the customer seems upset",
    "action_failed": "an action could not be carried out",
    "guard": "the answer did not pass the safety check",
    "no_answer": "nothing that is known answers it",
    "closed": "nobody is there to take the conversation now",
}
_STEPS = {
    "faq": "Answered with the closest entry of the FAQ, word for word.",
    "select": "Answered with the best answer that the company already gave.",
    "generate": "Wrote an answer from the passages below.",
    "hand_over": "Handed the conversation over to a person.",
    "out_of_scope": "Found that the question is about something else, and said so.",
    "no_answer": "Found nothing that answers the question, and said so.",
    "small_talk": "Answered a greeting or a thank-you.",
    "not_read": "Answered without reading: there were no words, or far too many.",
    "guard": "Held the answer back: it did not pass the safety check.",
}
_GENERATED = {
    "remembered": "Said an answer again that was written for the same question a while ago.",
    "guard": "Held a written answer back, which did not pass the check, and fell back.",
    "no_answer": "The model that writes passed the question on.",
}
_KINDS = {
    "faq": "Answered with the best entry of the FAQ.",
    "policy": "Answered with the best passage of the company's policies.",
    "conversation": "Answered with what a colleague said in a solved conversation.",
}


def explanation(question: str, trace: Mapping[str, Any]) -> str:
    """The whole panel.

    Args:
        question: The customer's turn that was answered.
        trace: The answer's plain values; an empty one gives the panel's invitation.
    """
    if not trace:
        return NOTHING_YET
    parts = [
        badge(trace),
        card(str(trace.get("summary") or "")),
        _section(
            "Decided by",
            f'<p class="dh-step">{escape(step_in_words(str(trace.get("step") or "")))}</p>',
        ),
        _section("Understood", intent_html(trace.get("intent"), trace.get("confidence"))),
        _section("Found in the message", highlighted(question, trace.get("entities") or ())),
        _section(
            "Closest found" if trace.get("reason") else "Rests on",
            passages_html(trace.get("passages") or ()),
        ),
        _section("Time", times_html(trace.get("ms") or {})),
    ]
    return f'<div class="dh-panel"><h3>How the answer came about</h3>{"".join(parts)}</div>'


def badge(trace: Mapping[str, Any]) -> str:
    """The hand-over badge with its reason; a quieter note for a reason without a hand-over."""
    reason = trace.get("reason")
    why = _REASONS.get(str(reason), words(str(reason))) if reason else ""
    if trace.get("hand_over"):
        because = f": {escape(why)}" if why else ""
        return f'<p class="dh-badge dh-handover"><b>Handed over</b>{because}.</p>'
    return f'<p class="dh-badge dh-note"><b>Not answered</b>: {escape(why)}.</p>' if why else ""


def card(summary: str) -> str:
    """What a colleague who takes over is told: `name: text` lines as a list."""
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(text.strip())}</dd>"
        for name, _, text in (line.partition(":") for line in summary.splitlines())
    )
    if not rows:
        return ""
    return (
        '<section class="dh-card"><h4>For the colleague who takes over</h4>'
        f"<dl>{rows}</dl></section>"
    )


def step_in_words(step: str) -> str:
    """What a step's name means, such as `workflow:return_item:ask:order_number`."""
    name, _, rest = step.partition(":")
    if name == "workflow":
        workflow, _, stage = rest.partition(":")
        return f"Workflow “{words(workflow)}”: {_stage_in_words(stage)}."
    if name == "select" and rest in _KINDS:
        return _KINDS[rest]
    if name == "generate" and rest:
        return _GENERATED.get(rest, f"No answer could be written ({words(rest)}); fell back.")
    return _STEPS.get(name) or (f"Step “{words(step)}”." if step else "Not recorded.")


def _stage_in_words(stage: str) -> str:
    name, _, what = stage.partition(":")
    if name == "ask":
        return f"asked for {words(what)}" if what else "asked for what was missing"
    return {
        "confirm": "asked for a yes before changing anything",
        "cancelled": "stopped, as the customer wished",
        "gave_up": "could not be finished",
        "answer": "done, and said what came of it",
    }.get(name) or words(stage or "ran")


def intent_html(name: str | None, confidence: float | None) -> str:
    """The intent with a bar for its confidence, in [0, 1]."""
    if confidence is None:
        return '<p class="dh-quiet">This app does not look for an intent.</p>'
    label = f"<b>{escape(words(name))}</b>" if name else "<b>Out of scope</b>"
    return f'<div class="dh-row"><span>{label}</span>{bar(confidence, "confidence")}</div>'


def highlighted(text: str, entities: Iterable[Mapping[str, Any]]) -> str:
    """The customer's message with its entities marked, a legend of their types below."""
    text = clean(text)  # what the models read, and their offsets count
    kept = _without_overlaps(text, entities)
    colours = _colours([str(entity["type"]) for entity in kept])
    pieces, at = [], 0
    for entity in kept:
        start, end, kind = int(entity["start"]), int(entity["end"]), str(entity["type"])
        title = f"{words(kind)}, {_percent(entity.get('confidence', 1.0))}"
        pieces.append(escape(text[at:start]))
        colour = f'class="dh-c{colours[kind]}" title="{escape(title)}"'
        pieces.append(f"<mark {colour}>{escape(text[start:end])}</mark>")
        at = end
    pieces.append(escape(text[at:]))
    legend = "".join(
        f'<li><i class="dh-c{colour}"></i>{escape(words(kind))}</li>'
        for kind, colour in colours.items()
    )
    below = (
        f'<ul class="dh-legend">{legend}</ul>' if legend else '<p class="dh-quiet">No entities.</p>'
    )
    return f'<blockquote class="dh-message">{"".join(pieces)}</blockquote>{below}'


def passages_html(passages: Sequence[Mapping[str, Any]]) -> str:
    """The passages, the first one open; each with its title, score bar, text and source."""
    if not passages:
        return '<p class="dh-quiet">No passage: the answer did not need one.</p>'
    items = []
    for number, passage in enumerate(passages):
        title = escape(str(passage.get("title") or "") or _beginning(str(passage.get("text", ""))))
        source = str(passage.get("source") or "")
        cite = f"<cite>{_source(source)}</cite>" if source else ""
        items.append(
            f'<details class="dh-passage"{" open" if number == 0 else ""}>'
            f"<summary><span>{title}</span>{bar(passage.get('score', 0.0), 'score')}</summary>"
            f"<p>{_with_highlight(passage)}</p>{cite}</details>"
        )
    return "".join(items)


def _source(source: str) -> str:
    """Where it stands; a web address opens in a tab of its own."""
    name = escape(source)
    if not source.startswith(("https://", "http://")):
        return name
    return f'<a href="{name}" target="_blank" rel="noopener noreferrer">{name}</a>'


def _with_highlight(passage: Mapping[str, Any]) -> str:
    """The passage's text; of several sentences, the one that answers is marked."""
    text, span = str(passage.get("text", "")), passage.get("highlight")
    if not span or span == [0, len(text)]:
        return escape(text)
    start, end = span
    return f"{escape(text[:start])}<mark>{escape(text[start:end])}</mark>{escape(text[end:])}"


def times_html(ms: Mapping[str, Any]) -> str:
    """Each step's milliseconds with a bar of its part in the total."""
    steps = {name: _number(value) for name, value in ms.items()}
    total = steps.pop("total", None)
    whole = total if total is not None else sum(steps.values())
    if not ms:
        return '<p class="dh-quiet">Not measured.</p>'
    rows = "".join(
        f"<tr><th>{escape(words(name))}</th><td>{_track(value / whole if whole > 0 else 0.0)}</td>"
        f"<td>{value:.1f} ms</td></tr>"
        for name, value in steps.items()
    )
    return (
        f'<table class="dh-times">{rows}<tr class="dh-total"><th>Total</th><td></td>'
        f"<td>{whole:.1f} ms</td></tr></table>"
    )


def plain(text: str) -> str:
    """Text for a reader, its line breaks kept by style.css."""
    return f'<div class="dh-text">{escape(text)}</div>'


def polite(line: str) -> str:
    """A line that says what went wrong."""
    return f'<p class="dh-error" role="alert">{escape(line)}</p>' if line else ""


def summary_html(
    parts: Sequence[tuple[str, str]], entities: Sequence[tuple[str, str]], text: str
) -> str:
    """A summary: its parts (heading, text), its entities (type, text) and all of it as one text."""
    rows = "".join(
        f"<dt>{escape(heading)}</dt><dd>{escape(said) or '<i>Nothing found.</i>'}</dd>"
        for heading, said in parts
    )
    colours = _colours([kind for kind, _ in entities])
    marks = "".join(
        f'<li><mark class="dh-c{colours[kind]}">{escape(value)}</mark> {escape(words(kind))}</li>'
        for kind, value in entities
    )
    listed = (
        f'<ul class="dh-entities">{marks}</ul>' if marks else '<p class="dh-quiet">No entities.</p>'
    )
    return (
        f'<div class="dh-panel dh-summary"><dl>{rows}</dl>{_section("Entities", listed)}'
        f"{_section('To copy', plain(text))}</div>"
    )


def bar(value: Any, what: str) -> str:  # noqa: ANN401 - out of a JSON trace
    """A bar for a value in [0, 1], with its percentage; `what` is for those who do not see it."""
    percent = _percent(value)
    return (
        f'<span class="dh-bar" role="img" aria-label="{escape(what)} {percent}">'
        f"{_track(_number(value))}<b>{percent}</b></span>"
    )


def words(name: str) -> str:
    """A name in words: `track_order` → `track order`."""
    return " ".join(name.replace("_", " ").replace(":", ": ").split())


def _track(part: float) -> str:
    return (
        f'<span class="dh-track"><i style="width:{100 * min(max(part, 0.0), 1.0):.1f}%"></i></span>'
    )


def _beginning(text: str) -> str:
    """The first words of a passage that has no title."""
    line = " ".join(text.split())
    return line if len(line) <= TITLE_CHARS else f"{line[:TITLE_CHARS].rsplit(' ', 1)[0]}…"


def _section(heading: str, body: str) -> str:
    return f"<section><h4>{escape(heading)}</h4>{body}</section>"


def _without_overlaps(text: str, entities: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those inside the text, in order, the first of any that overlap."""
    kept: list[Mapping[str, Any]] = []
    end = 0
    for entity in sorted(entities, key=lambda entity: (int(entity["start"]), -int(entity["end"]))):
        if end <= int(entity["start"]) < int(entity["end"]) <= len(text):
            kept.append(entity)
            end = int(entity["end"])
    return kept


def _colours(kinds: Sequence[str]) -> dict[str, int]:
    """A colour for each type: the same in every message, unless two types here would share it."""
    chosen: dict[str, int] = {}
    for kind in dict.fromkeys(kinds):
        first = zlib.crc32(kind.encode()) % COLOURS
        ring = [(first + step) % COLOURS for step in range(COLOURS)]
        chosen[kind] = next((colour for colour in ring if colour not in chosen.values()), first)
    return chosen


def _percent(value: Any) -> str:  # noqa: ANN401 - out of a JSON trace
    return f"{100 * min(max(_number(value), 0.0), 1.0):.0f}%"


def _number(value: Any) -> float:  # noqa: ANN401 - out of a JSON trace
    return float(value) if isinstance(value, (int, float)) else 0.0
