"""What a played case counts as. The rules stand in the docstring of `benchmarks.guideline`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from benchmarks.guideline_cases import Case
from benchmarks.guideline_customer import OFFER, Talk, asked_for
from data.schema import Answer

Outcome = Literal["success", "wrong", "handed_over", "declined", "unfinished"]
OUTCOMES: tuple[Outcome, ...] = ("success", "wrong", "handed_over", "declined", "unfinished")
DECLINED = ("out_of_scope", "not_read", "small_talk")
_NO = re.compile(r"\b(?:no|not|don['’]?t)\b", re.I)
UNKNOWING = ("no_answer", "low_confidence")  # reasons that a bot may have for any question


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a case counts, why, and whether a hand-over told the right reason."""

    outcome: Outcome
    why: tuple[str, ...] = ()
    reason_fits: bool = True


def judged(talk: Talk) -> Verdict:
    """The verdict on a case."""
    last, right = talk.answers[-1], talk.case.right
    said = plain("\n".join(answer.text for answer in talk.answers))
    unsaid = [group for group in right.must_say if not _any_in(group, said)]
    forbidden = [words for words in right.must_not_say if plain(words) in said]
    undone, unwanted = effects_apart(talk.case, talk.answers)
    useless = [answer for answer in talk.answers if _useless(talk.case, answer)]
    amiss = [
        *(f"not said: {' | '.join(group)}" for group in unsaid),
        *(f"not done: {effect}" for effect in undone),
    ]
    if last.hand_over != (right.hand_over == "yes") and right.hand_over != "either":
        amiss.append("handed over" if last.hand_over else "not handed over")
    fits = reason_fits(talk)
    if last.hand_over and right.hand_over == "yes" and not fits:
        amiss.append(f"reason {last.reason}")
    wrong = [
        *(f"said: {words}" for words in forbidden),
        *(f"must not have been done: {effect}" for effect in unwanted),
    ]
    if right.hand_over == "either" and not right.must_say:
        wrong += [f"answered with: {answer.text[:80]}" for answer in useless]
    if not amiss and not wrong:
        return Verdict("success")
    if not (last.hand_over and right.hand_over == "yes"):
        wrong += [f"useless: {answer.text[:80]}" for answer in useless]
    if wrong:
        return Verdict("wrong", (*wrong, *amiss), fits)
    if last.hand_over:
        return Verdict("handed_over", tuple(amiss), fits)
    if asked_for(last) and not last.step.startswith(OFFER):
        return Verdict("unfinished", tuple(amiss))
    if last.step in DECLINED:
        return Verdict("declined", tuple(amiss))
    return Verdict("wrong", tuple(amiss))


def reason_fits(talk: Talk) -> bool:
    """Whether a hand-over, if there was one, tells a reason that is true of the case."""
    last, case = talk.answers[-1], talk.case
    if not last.hand_over or last.reason in case.right.reason:
        return True
    if case.right.hand_over == "yes" and case.right.reason:
        return False
    if last.reason == "action_failed":
        return any(answer.step.startswith("workflow:") for answer in talk.answers)
    return last.reason in UNKNOWING


def effects_apart(
    case: Case, answers: Iterable[Answer]
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Effects that are missing, and those that should not be.

    Addresses are compared by letters and digits, a returned item by the words that both name. Cases
    need not name returns: one is wanted where the customer named the order and would confirm it.
    """
    made: dict[tuple[str, str], str] = {}
    for answer in answers:
        for effect in answer.effects:
            made |= {
                (str(effect["order"]), key): str(value)
                for key, value in effect.items()
                if key != "order"
            }
    wanted: dict[tuple[str, str], str] = {}
    for effect in case.right.effects:
        for key, value in effect.items():
            if key != "order":
                wanted[_key(effect["order"], key, value)] = value
    undone = [
        {"order": order, key: value}
        for (order, key), value in wanted.items()
        if not _same(key, value, made.get((order, key)))
    ]
    unwanted = [
        {"order": order, key: value}
        for (order, key), value in made.items()
        if not _same(key, wanted.get((order, key)), value)
        and not (key == "returning" and _would_return(case, order))
    ]
    return undone, unwanted


def plain(text: str) -> str:
    """The text as it is compared: small letters, single spaces, straight quotation marks."""
    return " ".join(text.casefold().replace("’", "'").split())


def _key(order: str, key: str, value: str) -> tuple[str, str]:
    """A return is written as what is returned, or as the status."""
    return (order, "returning") if (key, value) == ("status", "returned") else (order, key)


def _same(key: str, wanted: str | None, made: str | None) -> bool:
    if wanted is None or made is None:
        return False
    if key == "returning":
        ours, theirs = (set(re.findall(r"\w+", each.lower())) for each in (made, wanted))
        return wanted == "returned" or bool(ours & theirs)
    return re.sub(r"\W", "", wanted).lower() == re.sub(r"\W", "", made).lower()


def _would_return(case: Case, order: str) -> bool:
    """Whether the customer spoke of the order, and says no no to a confirmation."""
    said = " ".join([case.says, *case.then, *case.asked.values()])
    confirm = case.asked.get("confirm", "no")
    return order.removeprefix("FK-") in said and not _NO.search(confirm)


def _useless(case: Case, answer: Answer) -> bool:
    """Whether it answers a question with nothing that the case wants to be told."""
    if not answer.step.startswith(OFFER):
        return False
    text = plain(answer.text)
    return not any(_any_in(group, text) for group in case.right.must_say)


def _any_in(group: Iterable[str], said: str) -> bool:
    return any(plain(words) in said for words in group)
