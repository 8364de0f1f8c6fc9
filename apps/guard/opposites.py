"""What an answer says of used things that a passage says of unused ones."""

import re
from collections.abc import Iterator

from apps.guard.evidence import Evidence
from apps.guard.finding import Finding
from apps.guard.promises import NO
from apps.guard.words import content
from data import sentences

_STATES = "used|opened|worn|washed|assembled|damaged|spent|unwrapped|unsealed"
# "unused", and "not used" in the form of a passage; unwrapped things are no wrapped ones.
_CONTRARY = {"unwrapped": r"(?:still )?wrapped", "unsealed": "sealed"}
# Said of the thing, not of what may be done with it: "can be used", "used to", "used for".
_STATE = re.compile(
    rf"(?<!be )(?<!-)\b(?P<state>{_STATES})\b(?! (?:to|for|by|with|as|in|at|on|up|once|only)\b)",
    re.I,
)
_ACCEPTS = re.compile(
    r"\b(?:can|may|could|will|are|is|accept\w*|fine|okay|ok|welcome|yes|take)\b", re.I
)
_CONDITION = re.compile(
    r"\b(?:if|unless|whether|except|sorry|unfortunately|afraid|refus\w+|excluded?|instead)\b", re.I
)
_SHARED = 1  # words beside the state that the answer's sentence and the passage's have


def opposite(answer: str, evidence: Evidence) -> Iterator[Finding]:
    """A finding for each sentence that says of used things what passages say of unused ones.

    Used stands here for each of a few states; a passage that speaks of used things too backs them.
    """
    passages = [source.told.text for source in evidence.of("passage")]
    for first, last in sentences.spans(answer):
        sentence = answer[first:last]
        if sentence.endswith(("?", "？")) or NO.search(sentence):
            continue
        if not _ACCEPTS.search(sentence) or _CONDITION.search(sentence):
            continue
        for match in _STATE.finditer(sentence):
            if _turned(match["state"].lower(), sentence, passages):
                yield Finding("promise", sentence, first, last, "a passage says it of the opposite")
                break


def _turned(state: str, sentence: str, passages: list[str]) -> bool:
    """Whether passages have the state's opposite alone, in a sentence about the same."""
    contrary = re.compile(rf"\b{_CONTRARY.get(state, f'un{state}')}\b", re.I)
    if contrary.search(sentence) or any(
        re.search(rf"(?<!not )(?<!not been )\b{state}\b", text, re.I) for text in passages
    ):
        return False
    words = content(_STATE.sub(" ", sentence))
    return any(
        contrary.search(text[first:last])
        and len(words & content(contrary.sub(" ", text[first:last]))) >= _SHARED
        for text in passages
        for first, last in sentences.spans(text)
    )
