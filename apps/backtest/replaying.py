"""Replaying past conversations: what an app would have answered where a person did.

    for each in replay(app, conversations):
        each.human.text, each.answer.text, each.answer.step

Nothing is stored and no effect is carried out: an app only says what it would do.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from apps.app import App
from data.schema import Answer, Conversation, Entity, Turn

# What an app's state holds of the customer's own words alone; the rest hangs on its own answers.
OF_CUSTOMER = ("values", "anger")


@dataclass(frozen=True, slots=True)
class Point:
    """A place where a person answered a customer.

    `before` is the conversation as it was, its last turn the customer's; `human` what the person
    wrote, `place` the number of its first turn, counted from 0. Several messages in a row of one
    side are one turn here. `last` says that no person wrote later.
    """

    before: Conversation
    human: Turn
    place: int
    last: bool = False


@dataclass(frozen=True, slots=True)
class Replayed:
    """A point with the app's complete Answer; `kept` says that it came with its whole state."""

    point: Point
    answer: Answer
    kept: bool

    @property
    def human(self) -> Turn:
        """What the person wrote."""
        return self.point.human


Agrees = Callable[[Replayed], bool]
Followed = Callable[[Replayed], Mapping[str, Any]]


def same_action(replayed: Replayed) -> bool:
    """Whether the log names the person's action, and the app's step is that one.

    Both `ask:order_number` and `workflow:cancel_order` are that of
    `workflow:cancel_order:ask:order_number`.
    """
    action, step = replayed.human.action, replayed.answer.step
    if not action or not step:
        return False
    wanted, done = (f":{name.casefold().replace(' ', '_')}:" for name in (action, step))
    return done.startswith(wanted) or done.endswith(wanted)


def replay(
    app: App,
    conversations: Iterable[Conversation],
    agrees: Agrees = same_action,
    followed: Followed | None = None,
) -> Iterator[Replayed]:
    """The app's Answer at each point of each conversation, in order.

    The app sees what the person had answered until then, never its own answers. It keeps its state
    while what it answered agrees with what the person did; after that, only what it had read in the
    customer's words.

    Args:
        app: A chat app.
        conversations: Of people.
        agrees: Whether the app's answer comes to the same as the person's.
        followed: The state that the app would be in, had it done what the person did, for logs
            that tell enough of it. Then nothing is forgotten.
    """
    for conversation in conversations:
        state: Mapping[str, Any] = {}
        kept = True
        for point in points(conversation):
            *_, answer = app.answer(point.before, state)
            replayed = Replayed(point, answer, kept)
            kept = agrees(replayed)
            state = dict(answer.state)
            if followed is not None:
                state, kept = followed(replayed), True
            elif not kept:
                state = {name: state[name] for name in OF_CUSTOMER if name in state}
            yield replayed


def points(conversation: Conversation) -> Iterator[Point]:
    """Each place where a person, not a bot or the helpdesk itself, answered the customer."""
    found: list[Point] = []
    turns = conversation.turns
    place = 0
    while place < len(turns):
        start = place
        while place < len(turns) and turns[place].speaker == "customer":
            place += 1
        asked = turns[start:place]
        start_of_answer = place
        while place < len(turns) and turns[place].speaker == "agent":
            place += 1
        said = [turn for turn in turns[start_of_answer:place] if turn.mark is None]
        wrote = [turn for turn in said if turn.text.strip()]
        if not wrote or not any(turn.text.strip() for turn in asked):
            continue
        before = replace(
            conversation,
            turns=(*turns[:start], _joined(asked)),
            outcome="unknown",  # known afterwards, as rating and labels are
            rating=None,
            labels={},
        )
        first = start_of_answer + turns[start_of_answer:place].index(wrote[0])
        found.append(Point(before, _joined(wrote), first))
    for number, point in enumerate(found):
        yield replace(point, last=number == len(found) - 1)


def _joined(turns: Iterable[Turn]) -> Turn:
    """Messages in a row as one, a line each; the time is that of the last, other facts the first's.

    It is bad where an annotator found one of them bad.
    """
    first, *more = turns
    text, entities = first.text, list(first.entities)
    for turn in more:
        start = len(text) + 1
        text = f"{text}\n{turn.text}"
        entities += [
            Entity(each.type, each.text, each.start + start, each.end + start, each.confidence)
            for each in turn.entities
        ]
    everyone = (first, *more)
    golds = [turn.gold for turn in everyone if turn.gold is not None]
    return replace(
        first,
        text=text,
        entities=tuple(entities),
        time=everyone[-1].time,
        gold=("bad" if "bad" in golds else golds[0]) if golds else None,
        action=next((turn.action for turn in everyone if turn.action), None),
        facts=next((turn.facts for turn in everyone if turn.facts), {}),
    )
