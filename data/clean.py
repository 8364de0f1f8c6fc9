"""What nobody said in a turn: quoted mail, signatures, boilerplate, the helpdesk's own lines."""

import re
from collections import Counter
from dataclasses import replace

from data.own_words import own_words
from data.schema import Conversation, Entity, Mark, Speaker, Turn

_MEDIA = r"<?(?:media|image|video|audio|sticker|attachment) omitted>?"
_SYSTEM = re.compile(
    r"^(?:\S+(?: \S+){0,4} (?:has )?(?:joined|left|entered|ended) the (?:chat|conversation|channel)"
    r"(?: (?:by|to|at|on|with|from|via|due to)\b[^.!?\n]{0,40})?"
    r"|(?:the )?(?:chat|conversation|ticket|case) (?:has been |was |is )?(?:now )?"
    r"(?:started|ended|closed|assigned|transferred|resolved|reopened|merged|created)"
    r"(?: (?:by|to|at|on|with)\b[^.!?\n]{0,40})?"
    r"|(?:assigned|transferred) to \S+(?: \S+){0,3}"
    r"|(?:status|priority) changed(?: (?:from|to|by)\b[^.,!?\n]{0,60})?"
    r"|conversation was (?:marked|resolved|reopened|snoozed)[^.!?\n]{0,40}"
    r"|(?:you are|you're) (?:now )?in (?:the )?queue[^?\n]{0,80}"
    rf"|{_MEDIA}"
    r"|please rate (?:this|your) (?:chat|conversation)[^?\n]{0,80})[.!]?$",
    re.IGNORECASE,
)
_OMITTED = re.compile(_MEDIA, re.IGNORECASE)
_SYSTEM_WORD = re.compile(  # what a line of the helpdesk holds: most others need no closer look
    r"join|left|enter|ended|start|clos|assign|transfer|resolv|reopen|merg|creat|changed|marked|snooz"
    r"|queue|omitted|rate",
    re.IGNORECASE,
)
_BOT = re.compile(
    r"\b(?:i am|i'm|this is) (?:an? |your )?(?:\w+ )?"
    r"(?:virtual (?:assistant|agent)|chat ?bot|automated)\b"
    r"|\bthis is an automat(?:ed|ic) (?:message|reply|response)\b",
    re.IGNORECASE,
)
MAX_MERGED = 200_000  # characters of turns that become one; more than that nobody says at once
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\ufeff]")
_LINES = re.compile(r"\s*\n\s*(?:\n\s*)+")


def clean_turn(turn: Turn) -> tuple[Turn | None, Counter[str]]:
    """The turn without what nobody said in it, None where nothing is left, and what was cut.

    A turn whose entities are marked keeps its text: their offsets are its author's.
    """
    if turn.entities:
        return turn, Counter()
    plain = _CONTROL.sub("", turn.text).replace("\r\n", "\n").replace("\r", "\n")
    kept, cuts = own_words(plain)
    text = _LINES.sub("\n\n", "\n".join(kept)).strip()
    if not text:
        cuts["empty turn"] += 1
        return None, cuts
    mark = turn.mark or _mark(text, turn.speaker)
    if mark and not turn.mark:
        cuts[f"marked {mark}"] += 1
    return replace(turn, text=text, mark=mark), cuts


def without_quotes(conversation: Conversation) -> Conversation:
    """The conversation with its turns cleaned, without those of which nothing is left."""
    cleaned = [clean_turn(turn)[0] for turn in conversation.turns]
    return replace(conversation, turns=tuple(turn for turn in cleaned if turn is not None))


def _mark(text: str, speaker: Speaker) -> Mark | None:
    """What wrote it, if no person did; a customer may complain of an ended chat or a bot."""
    if speaker == "customer":
        answered = _BOT.match(text) and "?" not in text  # an absent customer's mail
        return "system" if _OMITTED.fullmatch(text) else "bot" if answered else None
    if len(text) < 200 and _SYSTEM_WORD.search(text) and _SYSTEM.match(text):
        return "system"
    return "bot" if _BOT.search(text[:400]) else None


def merge_turns(turns: list[Turn]) -> tuple[list[Turn], int]:
    """Consecutive turns of one speaker as one, a line each, and how many went into another.

    Turns of a bot or the helpdesk stay by themselves, and none grows beyond MAX_MERGED.
    """
    result: list[Turn] = []
    for turn in turns:
        last = result[-1] if result else None
        same = (
            last is not None
            and (last.speaker, last.mark, last.speaker_id) == (turn.speaker, None, turn.speaker_id)
            and turn.mark is None
            and len(last.text) + len(turn.text) < MAX_MERGED
        )
        if last is None or not same:
            result.append(turn)
            continue
        shift = len(last.text) + 1
        moved = tuple(
            Entity(e.type, e.text, e.start + shift, e.end + shift, e.confidence)
            for e in turn.entities
        )
        result[-1] = replace(
            last,
            text=f"{last.text}\n{turn.text}",
            entities=last.entities + moved,
            gold=turn.gold or last.gold,
            rating=turn.rating or last.rating,
            action=turn.action or last.action,
            facts={**last.facts, **turn.facts},
        )
    return result, len(turns) - len(result)
