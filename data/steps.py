"""What a log tells of the steps that agents take: (conversation so far → the next action).

`step_text` is what training and serving read alike, so that a served model sees what it learned
from. The newest lines stand last; whoever must cut a text to fit a model cuts it on the left.
"""

from collections.abc import Iterator, Mapping

from data.redact.spans import with_placeholders
from data.schema import Conversation, Example, Situation, Turn

STEP_CHARS = 4000  # of the text: older lines go first, more than 512 tokens are never read
VALUE_CHARS = 40  # of a fact's value: names and times, not whole pages
FACTS = 12  # of one look-up
_NOTHING = "looked up: nothing"


def step_text(situation: Situation) -> str:
    """The conversation so far as one text: a line a turn, the newest last.

    A line begins with its speaker; an agent's names the action that was taken, where it is known
    (`agent[ask_name]: Your name, please?`). What was looked up stands where it was looked up
    (`looked up: Day=Friday; Time=12 pm`): before the agent's turn that knew it first, and at the
    end where it is new. Private values are placeholders; what no person wrote is left out.
    """
    lines: list[str] = []
    known: Mapping[str, str] = {}
    for turn in situation.turns:
        if turn.mark is not None:
            continue
        if turn.speaker == "agent":
            lines += _news(known, turn.facts)
            known = turn.facts
        lines.append(_line(with_placeholders(turn)))
    lines += _news(known, situation.facts)
    text = "\n".join(line for line in lines if line)
    return text[-STEP_CHARS:]


def steps_of(conversation: Conversation) -> Iterator[tuple[Situation, Turn]]:
    """Each turn in which a person took a step that the log names, and the situation before it."""
    for place, turn in enumerate(conversation.turns):
        if turn.speaker == "agent" and turn.action and turn.mark is None and place > 0:
            yield Situation(conversation.turns[:place], facts=turn.facts), turn


def step_examples(conversation: Conversation) -> Iterator[Example]:
    """An Example for each of `steps_of`: text so far, the action as its label.

    The group is the conversation's id: its rows belong to one split.
    """
    for number, (situation, turn) in enumerate(steps_of(conversation)):
        text = step_text(situation)
        if text:
            yield Example(
                text,
                label=turn.action,
                group=conversation.id,
                where=f"{conversation.id}:{number}",
            )


def _line(turn: Turn) -> str:
    text = " ".join(turn.text.split())
    if not text:
        return ""
    action = f"[{turn.action}]" if turn.speaker == "agent" and turn.action else ""
    return f"{turn.speaker}{action}: {text}"


def _news(known: Mapping[str, str], facts: Mapping[str, str]) -> list[str]:
    """A line of what was looked up, where that is not what was known before."""
    if dict(facts) == dict(known):
        return []
    if not facts:
        return [_NOTHING]
    short = (
        f"{name}={' '.join(value.split())[:VALUE_CHARS]}"
        for name, value in [*facts.items()][:FACTS]
    )
    return [f"looked up: {'; '.join(short)}"]
