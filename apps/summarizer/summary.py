"""What a summary is, and its forms: a ticket as plain values, and a text for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from data.conversations import entity_values
from data.schema import Conversation, Entity

Mood = Literal["negative", "neutral", "positive"]
_SUBJECT = 80  # characters of a ticket's subject


@dataclass(frozen=True, slots=True)
class Summary:
    """What a colleague needs to know of a conversation.

    `wanted` and `done` are quoted, `ended` is a fixed sentence; `short` says it in two sentences,
    `text` is all of it as one. The entities are each listed once, in order of appearance. `tried`
    and `open` quote what else the agent offered and what nobody answered or kept yet. `moods` has
    the place of each customer's turn and its mood. `made_by` says what chose the words.
    """

    wanted: str
    done: str
    ended: str
    entities: tuple[Entity, ...]
    text: str
    short: str = ""
    tried: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    moods: tuple[tuple[int, Mood], ...] = ()
    made_by: str = ""

    def ticket(self, conversation: Conversation) -> dict[str, Any]:
        """Plain values under the names of `docs/summaries.md`."""
        times = [turn.time.isoformat() for turn in conversation.turns if turn.time]
        return {
            "id": conversation.id,
            "customer_id": conversation.customer_id,
            "channel": conversation.channel,
            "outcome": conversation.outcome,
            "turns": len(conversation.turns),
            "first_time": times[0] if times else None,
            "last_time": times[-1] if times else None,
            "subject": subject_of(self.wanted),
            "summary": self.short,
            "wanted": self.wanted,
            "tried": list(self.tried),
            "done": self.done,
            "ended": self.ended,
            "open": list(self.open),
            "entities": [{"type": each.type, "text": each.text} for each in self.entities],
            "sentiment": sentiment_values(self.moods),
            "made_by": self.made_by,
        }


def summary_values(summary: Summary, conversation: Conversation) -> dict[str, Any]:
    """What `ask summarizer --json` prints: the ticket, the whole text, entities with offsets."""
    return {
        **summary.ticket(conversation),
        "text": summary.text,
        "entities": [entity_values(entity) for entity in summary.entities],
    }


def sentiment_values(moods: tuple[tuple[int, Mood], ...]) -> dict[str, Any]:
    """How the customer began and ended, and the mood of each of their turns."""
    return {
        "first": moods[0][1] if moods else None,
        "last": moods[-1][1] if moods else None,
        "by_turn": [{"turn": place, "mood": mood} for place, mood in moods],
    }


def subject_of(wanted: str) -> str:
    """The beginning of the wish, cut between words."""
    line = " ".join(wanted.split())
    return line if len(line) <= _SUBJECT else f"{line[:_SUBJECT].rsplit(' ', 1)[0]}…"


def markdown_of(ticket: Mapping[str, Any]) -> str:
    """A ticket as a section of a page."""
    lines = [f"## {_plain(ticket['subject']) or 'No words'} ({_plain(ticket['id'])})", ""]
    lines += [_plain(ticket["summary"]) or "Nothing was said.", ""]
    listed = ", ".join(f"{each['type']}: {each['text']}" for each in ticket["entities"])
    mood = ticket["sentiment"]
    moved = f"{mood['first']} → {mood['last']}" if mood["first"] else ""
    for name, value in (
        ("Wanted", ticket["wanted"]),
        ("Tried", " · ".join(ticket["tried"])),
        ("Done", ticket["done"]),
        ("Ended", ticket["ended"]),
        ("Open", " · ".join(ticket["open"])),
        ("Entities", listed),
        ("Mood", moved),
    ):
        if value:
            lines.append(f"- **{name}**: {_plain(value)}")
    return "\n".join(lines) + "\n"


def _plain(value: object) -> str:
    """One line in which no character is Markdown's or HTML's."""
    line = " ".join(str(value).split())
    for sign in "\\`*_[]<>#|":
        line = line.replace(sign, f"\\{sign}")
    return line
