"""Whether an answer is what was expected: one small check for each thing that can be expected."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from apps.testing.written import Expected
from data.schema import Answer


@dataclass(frozen=True, slots=True)
class Miss:
    """One expectation that was not met, in plain JSON values."""

    what: str
    expected: Any
    got: Any


Check = Callable[[Expected, Answer], Iterator[Miss]]


def misses(expected: Expected, answer: Answer) -> list[Miss]:
    """What the answer misses of what is expected; only what was written is looked at."""
    return [
        miss
        for name, check in CHECKS.items()
        if name in expected.model_fields_set
        for miss in check(expected, answer)
    ]


def _intent(expected: Expected, answer: Answer) -> Iterator[Miss]:
    got = answer.intent.name if answer.intent else None
    if got != expected.intent:
        yield Miss("intent", expected.intent, got)


def _entities(expected: Expected, answer: Answer) -> Iterator[Miss]:
    for kind, texts in expected.entities.items():
        got = [entity.text for entity in answer.entities if entity.type == kind]
        if sorted(map(_plain, got)) != sorted(map(_plain, texts)):
            yield Miss(f"entities.{kind}", list(texts), got)


def _step(expected: Expected, answer: Answer) -> Iterator[Miss]:
    if not f"{answer.step}:".startswith(f"{expected.step}:"):
        yield Miss("step", expected.step, answer.step)


def _hand_over(expected: Expected, answer: Answer) -> Iterator[Miss]:
    if answer.hand_over != expected.hand_over:
        yield Miss("hand_over", expected.hand_over, answer.hand_over)


def _reason(expected: Expected, answer: Answer) -> Iterator[Miss]:
    if answer.reason != expected.reason:
        yield Miss("reason", expected.reason, answer.reason)


def _passage(expected: Expected, answer: Answer) -> Iterator[Miss]:
    got = answer.passages[0].id if answer.passages else None
    if got not in (expected.passage or (None,)):
        yield Miss("passage", list(expected.passage), got)


def _must_say(expected: Expected, answer: Answer) -> Iterator[Miss]:
    for words in expected.must_say:
        if _plain(words) not in _plain(answer.text):
            yield Miss("must_say", words, answer.text)


def _must_not_say(expected: Expected, answer: Answer) -> Iterator[Miss]:
    for words in expected.must_not_say:
        if _plain(words) in _plain(answer.text):
            yield Miss("must_not_say", words, answer.text)


def _workflow(expected: Expected, answer: Answer) -> Iterator[Miss]:
    wanted = expected.workflow
    state = answer.state.get("workflow")
    if wanted is None or not isinstance(state, dict):
        if (wanted is None) != (state is None):
            yield Miss(
                "workflow", wanted.name if wanted else None, state["name"] if state else None
            )
        return
    if state["name"] != wanted.name:
        yield Miss("workflow.name", wanted.name, state["name"])
    if wanted.asked and state["asked"] != wanted.asked:
        yield Miss("workflow.asked", wanted.asked, state["asked"])
    for slot, value in wanted.slots.items():
        got = state["slots"].get(slot)
        if got is None or _plain(got) != _plain(value):
            yield Miss(f"workflow.slots.{slot}", value, got)


def _effects(expected: Expected, answer: Answer) -> Iterator[Miss]:
    got = [dict(effect) for effect in answer.effects]
    if got != list(expected.effects):
        yield Miss("effects", list(expected.effects), got)


def _plain(text: str) -> str:
    """The text as it is compared: small letters, single spaces, straight quotation marks."""
    return " ".join(text.casefold().replace("’", "'").split())


CHECKS: dict[str, Check] = {
    "intent": _intent,
    "entities": _entities,
    "step": _step,
    "hand_over": _hand_over,
    "reason": _reason,
    "passage": _passage,
    "must_say": _must_say,
    "must_not_say": _must_not_say,
    "workflow": _workflow,
    "effects": _effects,
}
