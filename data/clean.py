"""What nobody said in a turn: quoted mail, signatures, boilerplate, the helpdesk's own lines."""

import re
from collections import Counter
from dataclasses import replace

from data.schema import Entity, Mark, Turn

_QUOTED_FROM = re.compile(
    r"^(?:-{2,}\s*(?:original message|forwarded message|ursprüngliche nachricht|message d'origine)"
    r"|on\b.{4,120}\bwrote:\s*$|am\b.{4,120}\bschrieb\b.{0,80}:\s*$|le\b.{4,120}\ba écrit\s*:\s*$"
    r"|el\b.{4,120}\bescribió\s*:\s*$|发件人\s*[:：]|在.{4,60}写道\s*[:：]"
    r"|##- please type your reply above this line -##|_{10,}\s*$)",
    re.IGNORECASE,
)
_HEADER = re.compile(r"^(?:from|sent|to|subject|date|von|gesendet|an|betreff):\s", re.IGNORECASE)
_SIGNATURE = re.compile(
    r"^(?:--\s?$|sent from my \w|sent from (?:mail|outlook|yahoo)\b|get outlook for\b"
    r"|von meinem \w+ gesendet|envoyé de mon\b|发自我的)",
    re.IGNORECASE,
)
_BOILERPLATE = re.compile(
    r"^(?:this (?:e-?mail|message)\b.{0,80}\b(?:confidential|intended (?:only|solely))"
    r"|please consider the environment before printing|if you are not the intended recipient"
    r"|confidentiality notice|disclaimer:|registered (?:office|in england)\b|ticket id:\s"
    r"|please do not (?:reply|respond) (?:directly )?to this)",
    re.IGNORECASE,
)
_SYSTEM = re.compile(
    r"^(?:\S+(?: \S+){0,4} (?:has )?(?:joined|left|entered|ended) the (?:chat|conversation|channel)"
    r"|(?:the )?(?:chat|conversation|ticket|case) (?:has been |was |is )?(?:now )?"
    r"(?:started|ended|closed|assigned|transferred|resolved|reopened|merged|created)"
    r"(?: (?:by|to|at|on|with)\b.{0,40})?[.!]?$"
    r"|(?:assigned|transferred) to \S+(?: \S+){0,3}\.?$|status changed\b|priority changed\b"
    r"|conversation was (?:marked|resolved|reopened|snoozed)"
    r"|(?:you are|you're) (?:now )?in (?:the )?queue"
    r"|<?(?:media|image|video|audio|sticker|attachment) omitted>?$"
    r"|please rate (?:this|your) (?:chat|conversation))",
    re.IGNORECASE,
)
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
_BLANKS = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"\s*\n\s*(?:\n\s*)+")


def clean_turn(turn: Turn) -> tuple[Turn | None, Counter[str]]:
    """The turn without what nobody said in it, None where nothing is left, and what was cut.

    A turn whose entities are marked keeps its text: their offsets are its author's.
    """
    cuts: Counter[str] = Counter()
    if turn.entities:
        return turn, cuts
    kept: list[str] = []
    lines = _CONTROL.sub("", turn.text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines):
        stripped = line.strip()
        quoted = _QUOTED_FROM.match(stripped) or (
            _HEADER.match(stripped)
            and sum(bool(_HEADER.match(each.strip())) for each in lines[number : number + 4]) >= 3
        )
        if quoted:
            cuts["quoted mail"] += 1
            break
        if stripped.startswith(">"):
            cuts["quoted lines"] += 1
            continue
        if _SIGNATURE.match(stripped):
            cuts["signature"] += 1
            break
        if _BOILERPLATE.match(stripped):
            cuts["boilerplate"] += 1
            continue
        kept.append(_BLANKS.sub(" ", line).strip())
    text = _LINES.sub("\n\n", "\n".join(kept)).strip()
    if not text:
        cuts["empty turn"] += 1
        return None, cuts
    mark = turn.mark or _mark(text)
    if mark and not turn.mark:
        cuts[f"marked {mark}"] += 1
    return replace(turn, text=text, mark=mark), cuts


def _mark(text: str) -> Mark | None:
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
