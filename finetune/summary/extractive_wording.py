"""How what was quoted becomes a summary: how each side begins, and in whose person it speaks.

Both are learned from the references alone; where they share no manner, sentences stay as they are.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from data.schema import Speaker
from finetune.summary.extractive_parts import SENTENCES

_GREETING = re.compile(
    r"^\W*(?:(?:hi|hello|hey|hiya|dear|good (?:morning|afternoon|evening)|morning|thanks|thank you"
    r"|thx|ok|okay|sorry|yes|no|sure|oh|well|so|and|but)\b[ ,!.:-]*)+",
    re.IGNORECASE,
)
_HASHTAG = re.compile(r"(?:\s*#\w+)+\s*$")
_SMALL = re.compile(
    r"(?:a|an|the|this|that|these|those|it|its|is|are|was|were|do|does|did|don't|can|could|would"
    r"|will|should|have|has|had|why|what|when|where|who|how|which|if|as|since|because|while|however"
    r"|after|before|once|until|just|only|still|not|no|any|all|some|every|there|their|they|them|we"
    r"|you|your|my|our|please|to|in|on|at|for|from|with|of|by|and|but|or|so|then|now|been|being"
    r"|got|get|tried|trying|bought|ordered|unfortunately|also|let|try|send)(?=[\s,'’])",
    re.IGNORECASE,
)
_KEPT = 3  # words that a sentence without its greeting must have, else it stays whole
_LONGEST = 4  # words of an opening
_SHARE = 0.05  # of the references that begin so, at least
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_I = {
    "i": "they", "me": "them", "my": "their", "mine": "theirs", "myself": "themselves",
    "i'm": "they are", "im": "they are", "i've": "they have", "i'd": "they would",
    "i'll": "they will", "we": "they", "us": "them", "our": "their", "we're": "they are",
    "we've": "they have", "we'd": "they would", "we'll": "they will",
}  # fmt: skip
_YOU = {
    "you": "the customer", "your": "their", "yours": "theirs", "yourself": "themselves",
    "you're": "the customer is", "you've": "the customer has", "you'll": "the customer will",
    "you'd": "the customer would",
}  # fmt: skip
_PERSONS: Mapping[Speaker, Mapping[str, str]] = {"customer": _I, "agent": _I | _YOU}
_AGREES = {"they am": "they are", "they was": "they were", "they wasn't": "they weren't"}
_AGREEMENT = re.compile("|".join(_AGREES), re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Wording:
    """Words that each side begins with, and whether both speak of the customer as `they`."""

    customer: str = ""
    agent: str = ""
    third_person: bool = False

    def part(self, side: Speaker, sentences: Sequence[str]) -> str:
        """What a side says, as one text; nothing where it says nothing."""
        if not sentences:
            return ""
        opening = self.customer if side == "customer" else self.agent
        if not (opening or self.third_person):
            return " ".join(sentences)
        said = [bare(sentence) for sentence in sentences]
        if self.third_person:
            said = [in_third_person(sentence, side) for sentence in said]
        text = " ".join(said)
        if opening and not opening.endswith(":") and _SMALL.match(text):
            text = text[:1].lower() + text[1:]
        whole = f"{opening} {text}" if opening else text
        return whole[:1].upper() + whole[1:]

    def text(self, quoted: Mapping[Speaker, Sequence[str]]) -> str:
        """The summary: what the customer said, then what the agent did."""
        parts = [self.part(side, quoted.get(side, ())) for side in _PERSONS]
        ended = [part if part[-1:] in ".!?。！？…" else f"{part}." for part in parts if part]
        return " ".join(ended)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; `Wording(**values)` reads them back."""
        return asdict(self)


def bare(sentence: str) -> str:
    """A sentence without the greeting before it and the hashtags behind it."""
    found = _HASHTAG.sub("", _GREETING.sub("", sentence))
    return found if len(found.split()) >= _KEPT else sentence


def in_third_person(sentence: str, side: Speaker) -> str:
    """English told of somebody else: `they` for who speaks, `the customer` for the agent's you."""
    persons = _PERSONS[side]

    def told(found: re.Match[str]) -> str:
        return persons.get(found[0].lower().replace("’", "'"), found[0])

    changed = _WORD.sub(told, sentence)
    return _AGREEMENT.sub(lambda found: _AGREES[found[0].lower()], changed)


def openings(references: Sequence[Sequence[str]]) -> dict[Speaker, list[str]]:
    """Words that references often begin with: their first sentence, and those after it.

    Args:
        references: The references of each row.
    """
    counts: dict[Speaker, Counter[str]] = {"customer": Counter(), "agent": Counter()}
    total = 0
    for text in (text for row in references for text in row):
        total += 1
        parts = [part for part in SENTENCES.split(text) if part and part.strip()]
        for number, part in enumerate(parts):
            words = re.findall(r"[\w'’]+", part.lower())
            side: Speaker = "agent" if number else "customer"
            counts[side].update(
                {" ".join(words[:size]) for size in range(1, min(_LONGEST, len(words) - 1) + 1)}
            )
    least = max(3, _SHARE * total)
    return {
        side: sorted(text for text, count in found.items() if count >= least)
        for side, found in counts.items()
    }
