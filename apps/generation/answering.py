"""A written answer, shown sentence by sentence as the guard lets it; else a selected one."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from apps.app import since
from apps.generation.generator import GenerationFailed, Generator
from apps.generation.prompt import PASS_ON
from apps.generation.remembered import Remembered
from data.schema import Answer, Passage, Reason, Situation
from data.sentences import sentences

logger = logging.getLogger(__name__)
HAND_OVER = "I am passing this conversation to a colleague who can help."


class Found(Protocol):
    """Something that is wrong with a text."""

    @property
    def start(self) -> int:
        """Where it begins, in characters."""
        ...


class Guard(Protocol):
    """Says what is wrong with a text, of which more may come unless it is `whole`."""

    def __call__(
        self,
        text: str,
        passages: Sequence[Passage],
        said: Sequence[str],
        facts: Mapping[str, str],
        /,
        *,
        whole: bool,
    ) -> Sequence[Found]:
        """What is wrong; nothing where it may be shown."""
        ...


@dataclass(slots=True)
class _Written:
    """What has been written and checked so far."""

    began: float = field(default_factory=time.perf_counter)
    text: str = ""
    ms: dict[str, float] = field(default_factory=dict)

    def take_back(self, found: Sequence[Found]) -> None:
        """Empty the text where something is found in it now that more of it has come."""
        if any(each.start < len(self.text.strip()) for each in found):
            self.text = ""


class _Stopped(Exception):
    """The answer ends here; `why` is the last part of its step."""

    def __init__(self, why: str) -> None:
        self.why = why


def answer_with(
    generator: Generator,
    situation: Situation,
    guard: Guard,
    fallback: Passage | None = None,
    *,
    stop_after_s: float = 20.0,
    stream: bool = True,
    remembered: Remembered | None = None,
) -> Iterator[Answer]:
    """Yield Answers whose text grows by checked sentences; the last one is complete.

    A sentence is shown after the guard has seen the text up to its end. On a finding or a failure
    what has been shown is followed by the fallback's text, or by the words of a hand-over:
    `reason` is then `guard` or `no_answer`. They replace it where the guard finds something in it
    after all, now that more has come or that nothing more will. The last Answer's `step` is
    `generate`, `generate:remembered`, `generate:guard`, `generate:no_answer` (the model passed it
    on) or `generate:` and a Failure; `ms` has `first_token` and `generate`.

    Args:
        generator: Who writes.
        situation: What from.
        guard: Asked with the text so far, the passages, the customer's own turns and the facts.
        fallback: The selected passage, filled.
        stop_after_s: Seconds for the whole answer.
        stream: False: nothing is shown before all of it is written and checked.
        remembered: Where answers are kept for a while.
    """
    key = remembered.key(generator.name, situation) if remembered is not None else ""
    known = remembered.get(key) if remembered is not None else None
    if known is not None:
        yield replace(known, step="generate:remembered", ms={"generate": 0.0})
        return
    written = _Written()
    said = [turn.text for turn in situation.turns if turn.speaker == "customer"]
    try:
        for _ in _checked(generator, situation, guard, said, stop_after_s, written):
            if stream:
                yield Answer(written.text, situation.passages, step="generate")
        if not written.text.strip():
            raise _Stopped("empty")
    except _Stopped as stopped:
        written.ms["generate"] = since(written.began)
        logger.info("%s wrote no answer: %s", generator.name, stopped.why)
        shown = written.text.strip() if stream else ""
        if shown and guard(shown, situation.passages, said, situation.facts, whole=True):
            shown = ""
        yield _instead(stopped.why, shown, fallback, situation, written.ms)
        return
    written.ms["generate"] = since(written.began)
    answer = Answer(written.text.strip(), situation.passages, step="generate", ms=dict(written.ms))
    if remembered is not None:
        remembered.put(key, answer)
    yield answer


def _checked(
    generator: Generator,
    situation: Situation,
    guard: Guard,
    said: Sequence[str],
    stop_after_s: float,
    written: _Written,
) -> Iterator[None]:
    """Move whole sentences that pass the guard into `written`, one at a time.

    Where a later one shows that something in them is wrong, `written` is empty again.
    """
    rest = ""

    def show(sentence: str, *, whole: bool = False) -> None:
        text = written.text + sentence
        if PASS_ON in text.lower():
            raise _Stopped("no_answer")
        began = time.perf_counter()
        found = guard(text.strip(), situation.passages, said, situation.facts, whole=whole)
        written.ms["guard"] = written.ms.get("guard", 0.0) + since(began)
        if found:
            written.take_back(found)
            raise _Stopped("guard")
        written.text = text

    try:
        for piece in generator.write(situation, stop_after_s):
            written.ms.setdefault("first_token", since(written.began))
            if since(written.began) > stop_after_s * 1000:
                raise _Stopped("timeout")
            rest += piece
            *whole, rest = [*sentences(rest)] or [""]
            for sentence in whole:
                show(sentence)
                yield
    except GenerationFailed as failed:
        raise _Stopped(failed.reason) from failed
    except TimeoutError as error:
        raise _Stopped("timeout") from error
    if written.text.strip() or rest.strip():
        show(rest, whole=True)


def _instead(
    why: str,
    shown: str,
    fallback: Passage | None,
    situation: Situation,
    ms: Mapping[str, float],
) -> Answer:
    """The selected passage, or a hand-over, after what was shown and may stay."""
    step = f"generate:{why}"
    before = f"{shown}\n\n" if shown else ""
    if fallback is not None and why != "no_answer":
        others = tuple(each for each in situation.passages if each.id != fallback.id)
        return Answer(before + fallback.text, (fallback, *others), step=step, ms=dict(ms))
    reason: Reason = "guard" if why == "guard" else "no_answer"
    return Answer(
        before + HAND_OVER, situation.passages, hand_over=True, reason=reason, step=step,
        ms=dict(ms),
    )  # fmt: skip
