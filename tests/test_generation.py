"""Written answers behind a guard, what stands in for them, and when they are written at all."""

import time
from dataclasses import dataclass, replace

import pytest

from apps.generation.answering import HAND_OVER, answer_with
from apps.generation.build import generator_of, remembered_of
from apps.generation.choosing import choose
from apps.generation.config import GenerateConfig
from apps.generation.generator import GenerationFailed
from apps.generation.prompt import PASS_ON
from apps.generation.remembered import Remembered
from apps.guard import check
from data.schema import Passage, Situation, Turn

PAGE = Passage("page", "Parcels take three days.", score=0.6)
TURNS = (Turn("agent", "It comes tomorrow."), Turn("customer", "where is it"))
SITUATION = Situation(TURNS, (PAGE,), {"order": "FK-1"})


class Written:
    name = "fake"

    def __init__(self, *pieces, fails=None):
        self.pieces, self.fails, self.asked = pieces, fails, 0

    def write(self, situation, stop_after_s):
        self.asked += 1
        yield from self.pieces
        if isinstance(self.fails, Exception):
            raise self.fails
        if self.fails:
            raise GenerationFailed(self.fails)


@dataclass
class Found:
    start: int


class Guard:
    """Finds a word that must not be said, and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, text, passages, said, facts, *, whole):
        assert (passages, said, facts) == ((PAGE,), ["where is it"], {"order": "FK-1"})
        self.asked.append(text)
        return [Found(text.index("tomorrow"))] if "tomorrow" in text else []


def answers(generator, fallback=PAGE, **values):
    guard = Guard()
    found = list(answer_with(generator, SITUATION, guard, fallback, **values))
    for answer in found:
        own = answer.text.split("\n\n")[0]
        assert own in (*guard.asked, PAGE.text, HAND_OVER) or own.strip() in guard.asked
    return found


def test_an_answer_grows_by_sentences_that_the_guard_has_seen():
    found = answers(Written("It is on", " its way. It co", "mes soon. By", "e"))
    assert [each.text.strip() for each in found] == [
        "It is on its way.", "It is on its way. It comes soon.",
        "It is on its way. It comes soon. Bye",
    ]  # fmt: skip
    assert (found[-1].step, found[-1].passages, found[-1].hand_over) == ("generate", (PAGE,), False)
    assert 0 <= found[-1].ms["first_token"] <= found[-1].ms["generate"]


def test_a_finding_is_never_shown_and_the_selected_passage_stands_in():
    (only,) = answers(Written("It comes tomorrow. Bye."))
    assert (only.text, only.step, only.hand_over) == (PAGE.text, "generate:guard", False)
    shown, last = answers(Written("I looked. It comes tomorrow. Bye."))
    assert last.text == f"I looked.\n\n{PAGE.text}"
    assert last.text.startswith(shown.text.strip())


EXCLUDED = Passage("returns", "Batteries and candles are excluded from returns.", "Returns")
REFUSED = Situation((Turn("customer", "can I return my candles?"),), (EXCLUDED,), {})


@pytest.mark.parametrize(
    "writer",
    [
        Written("Yes, that is fine. ", "Just pop it in its box and drop it at the shop."),
        Written("Yes, that is fine. ", "It costs £9."),
        Written("Yes, that is fine. ", "Just pop", fails="busy"),
        Written("Yes, that is fine. ", PASS_ON),
    ],
)
def test_a_yes_that_was_shown_is_taken_back_where_the_whole_answer_is_against_a_rule(writer):
    shown, last = answer_with(writer, REFUSED, check, EXCLUDED)
    assert shown.text.strip() == "Yes, that is fine."
    assert last.text in (EXCLUDED.text, HAND_OVER)


def test_what_a_later_sentence_makes_wrong_is_taken_back():
    def guard(text, *_, whole):
        return [Found(2)] if "later" in text else []

    shown, last = answer_with(Written("I looked. ", "See later."), SITUATION, guard, PAGE)
    assert (shown.text.strip(), last.text) == ("I looked.", PAGE.text)


def test_nothing_is_shown_before_the_end_where_it_is_not_streamed():
    (only,) = answers(Written("I looked. It comes tomorrow."), stream=False)
    assert only.text == PAGE.text


def test_without_a_passage_a_person_takes_over_and_the_reason_is_told():
    (last,) = answers(Written("It comes tomorrow."), None)
    assert (last.text, last.hand_over, last.reason) == (HAND_OVER, True, "guard")
    (last,) = answers(Written(fails="unreachable"), None)
    assert (last.hand_over, last.reason, last.step) == (True, "no_answer", "generate:unreachable")


@pytest.mark.parametrize("reason", ["timeout", "cut", "busy", "broken", "too_long", "unfilled"])
def test_a_failure_is_in_the_trace_and_half_a_sentence_is_not_shown(reason):
    (last,) = answers(Written("It comes to", fails=reason))
    assert (last.text, last.step) == (PAGE.text, f"generate:{reason}")


def test_a_writer_that_says_nothing_or_takes_too_long_is_caught_here_too():
    assert answers(Written(" "))[-1].step == "generate:empty"
    assert answers(Written(fails=TimeoutError()))[-1].step == "generate:timeout"
    assert answers(Written("Yes."), stop_after_s=-1)[-1].step == "generate:timeout"


def test_a_model_that_passes_on_gets_a_person_and_no_passage():
    (last,) = answers(Written(PASS_ON.title()))
    assert (last.text, last.reason, last.step) == (HAND_OVER, "no_answer", "generate:no_answer")


def test_the_same_situation_gets_the_same_answer_until_it_is_too_old():
    kept, writer = Remembered(0.3, 2), Written("Yes.")
    first = answers(writer, remembered=kept)[-1]
    (again,) = answer_with(writer, SITUATION, Guard(), PAGE, remembered=kept)
    assert (again.text, again.step, writer.asked) == (first.text, "generate:remembered", 1)
    other = Situation(SITUATION.turns, (PAGE,), {"order": "FK-2"})
    assert kept.get(kept.key("fake", other)) is None
    assert kept.get(kept.key("fake", replace(SITUATION, step="ask_name"))) is None
    deadline = time.monotonic() + 5
    while len(kept) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(kept) == 0, "it is dropped though nobody asks"


def test_the_least_recently_used_answer_is_dropped_and_failures_are_not_kept():
    kept = Remembered(60, 2)
    for key in ("a", "b"):
        kept.put(key, key)
    kept.get("a")
    kept.put("c", "c")
    assert [kept.get(key) for key in "abc"] == ["a", None, "c"]
    failed = Remembered(60, 2)
    answers(Written(fails="cut"), remembered=failed)
    assert len(failed) == 0


LONG = Passage("long", "x " * 400, score=0.9)
GAP = Passage("gap", "Order [order_number] is there.", score=0.9)
NEAR = Passage("near", "Or four.", score=0.58)
FAR = Passage("far", "Or five.", score=0.4)


@pytest.mark.parametrize(
    ("selected", "passages", "facts", "chosen"),
    [
        (None, (), {}, "select"),
        (None, (PAGE,), {}, "generate"),
        (PAGE, (PAGE, FAR), {}, "select"),
        (PAGE, (PAGE, NEAR), {}, "generate"),
        (Passage("page", "Three.", score=0.8), (NEAR, Passage("n", "x", score=0.79)), {}, "select"),
        (LONG, (LONG,), {}, "generate"),
        (GAP, (GAP,), {}, "select"),
        (GAP, (GAP,), {"order_number": "FK-1"}, "generate"),
    ],
)
def test_auto_writes_where_selecting_does_not_do(selected, passages, facts, chosen):
    assert choose("auto", selected, passages, facts, exact=0.75) == chosen


def test_the_other_modes_decide_alone():
    assert choose("select", None, (PAGE,), {}, 0.7) == "select"
    assert choose("generate", PAGE, (PAGE,), {}, 0.1) == "generate"
    assert choose("generate", None, (), {}, 0.1) == "select"


def test_a_config_names_who_writes_and_nobody_does_by_default():
    def opened(path):
        return Written(str(path))

    def made(**values):
        return generator_of(GenerateConfig.model_validate(values), opened)

    assert made() is None
    assert made(run="runs/d").pieces == ("runs/d",)
    assert made(run="runs/d", mode="select") is None
    assert remembered_of(GenerateConfig()) is None
    assert remembered_of(GenerateConfig(remember_minutes=1)) is not None
