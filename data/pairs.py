"""What a log teaches: (conversation so far → the agent's answer), and (question → best answer).

A log without outcomes is usable: every conversation is mined, and what its customers say after an
answer, thanks above all, weighs it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from data.redact.spans import with_placeholders
from data.schema import TRAITS, Conversation, Example, Passage, Turn

CONTEXT_TURNS = 3
CONTEXT_CHARS = 700  # about 160 tokens; older turns are cut first
THANKS = re.compile(
    r"\b(?:thank(?:s| you)|thx|cheers|ta|brilliant|perfect|great|lovely|awesome|worked|sorted|"
    r"appreciate|helpful|wonderful|amazing)\b|谢谢|感谢",
    re.IGNORECASE,
)
WORD = re.compile(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+")
MIN_WORDS = 12  # an answer that stands on its own has so many
_ASKS = re.compile(r"[?？]\s*$")


def merged(turns: Iterable[Turn]) -> list[Turn]:
    """The turns of persons, with placeholders, consecutive ones of a speaker joined by a space."""
    result: list[Turn] = []
    for turn in (with_placeholders(turn) for turn in turns if turn.mark is None):
        if result and result[-1].speaker == turn.speaker:
            last = result[-1]
            result[-1] = replace(last, text=f"{last.text} {turn.text}", entities=(),
                                 gold=turn.gold or last.gold, action=turn.action or last.action,
                                 facts={**last.facts, **turn.facts})  # fmt: skip
        else:
            result.append(turn)
    return result


def context_of(turns: Sequence[Turn], max_turns: int = CONTEXT_TURNS) -> str:
    """The last turns as one text, a line each, at most CONTEXT_CHARS long, oldest cut first."""
    lines = "\n".join(turn.text for turn in turns[-max_turns:])
    return lines[-CONTEXT_CHARS:]


def reply_examples(conversation: Conversation) -> Iterator[Example]:
    """An Example for each agent turn that follows a customer's: text so far, answer, weight.

    The group is the conversation's brand where it has one, else its id.
    """
    turns = merged(conversation.turns)
    known = {**conversation.labels, "channel": conversation.channel or ""}
    traits = tuple((name, known[name]) for name in TRAITS if known.get(name))
    for place, turn in enumerate(turns):
        if turn.speaker == "agent" and place > 0:
            yield Example(
                text=context_of(turns[:place]),
                answer=turn.text,
                group=conversation.labels.get("brand", conversation.id),
                weight=answer_weight(conversation, turns, place),
                where=f"{conversation.id}:{place}",
                traits=traits,
            )


def answer_weight(conversation: Conversation, turns: Sequence[Turn], place: int) -> float:
    """How much the log speaks for the agent turn at `place`: 0 (against it) to 2 (thanked)."""
    if conversation.rating is not None and conversation.rating <= 2:
        return 0.25
    weight = 1.0
    if place + 1 < len(turns) and THANKS.search(turns[place + 1].text):
        weight += 0.5
    if place >= len(turns) - 2:
        weight += 0.25
    if conversation.outcome == "solved":
        weight += 0.25
    elif conversation.outcome in ("handed_over", "abandoned"):
        weight -= 0.5
    return min(max(weight, 0.0), 2.0)


def best_answer(conversation: Conversation) -> Passage | None:
    """The conversation's question and the agent turn that answered it best, if one did.

    An answer that stands on its own has twelve words or more and does not end by asking; among
    those, the one with the highest weight is taken, the earlier at a tie. Conversations that ended
    badly give none.
    """
    if ended_badly(conversation):
        return None
    turns = merged(conversation.turns)
    question = next((turn.text for turn in turns if turn.speaker == "customer"), None)
    candidates = [
        place
        for place, turn in enumerate(turns)
        if place > 0 and turn.speaker == "agent" and stands_alone(turn.text)
    ]
    if question is None or not candidates:
        return None
    best = max(candidates, key=lambda place: (answer_weight(conversation, turns, place), -place))
    return Passage(
        id=f"{conversation.id}:{best}",
        text=turns[best].text,
        title=question[:CONTEXT_CHARS],
        source=f"conversation {conversation.id}",
        metadata={**conversation.labels, "kind": "conversation"},
    )


def ended_badly(conversation: Conversation) -> bool:
    """Whether a case was handed over, left, or rated 2 or less: it teaches nothing."""
    gone = conversation.outcome in ("handed_over", "abandoned")
    return gone or (conversation.rating or 5) <= 2


def stands_alone(answer: str) -> bool:
    """Whether an answer has MIN_WORDS words or more and does not end by asking."""
    return len(WORD.findall(answer)) >= MIN_WORDS and not _ASKS.search(answer)
