import subprocess
import sys

import pytest

from data.pairs import CONTEXT_CHARS, best_answer, context_of, merged, reply_examples
from data.schema import Conversation, Entity, Turn

LONG = "You can send it back within thirty days of delivery with the label we printed"
OTHER = "Your refund reaches you five working days after the parcel has come back to us"


def talk(*texts, **more):
    """A conversation of texts in turn; one that starts with `>` is an agent's."""
    turns = [
        Turn("agent", text[1:]) if text.startswith(">") else Turn("customer", text)
        for text in texts
    ]  # fmt: skip
    return Conversation("c1", tuple(turns), **more)


def weights(*texts, **more):
    return [example.weight for example in reply_examples(talk(*texts, **more))]


def test_turns_of_one_speaker_in_a_row_become_one():
    turns = merged(
        [
            Turn("customer", "hi", entities=(Entity("x", "hi", 0, 2),)),
            Turn("customer", "it broke"),
            Turn("agent", "Oh no.", gold="bad"),
            Turn("agent", "Sorry."),
        ]
    )
    assert [(turn.speaker, turn.text, turn.gold) for turn in turns] == [
        ("customer", "hi it broke", None),
        ("agent", "Oh no. Sorry.", "bad"),
    ]
    assert turns[0].entities == ()


def test_an_agent_who_speaks_first_answers_nothing():
    examples = list(
        reply_examples(talk(">Welcome!", "hello", ">Hi, how can I help?", "mugs", ">Ok."))
    )
    assert [(example.text, example.answer) for example in examples] == [
        ("Welcome!\nhello", "Hi, how can I help?"),
        ("hello\nHi, how can I help?\nmugs", "Ok."),
    ]
    assert [example.where for example in examples] == ["c1:2", "c1:4"]


def test_the_group_is_the_brand_or_else_the_conversation():
    assert next(reply_examples(talk("a", ">b", labels={"brand": "Fern"}))).group == "Fern"
    assert next(reply_examples(talk("a", ">b"))).group == "c1"


def test_the_context_loses_its_oldest_words_first():
    turns = [Turn("customer", "dropped"), *(Turn("agent", letter * 400) for letter in "abc")]
    context = context_of(turns)
    assert len(context) == CONTEXT_CHARS
    assert context.endswith("b" * 299 + "\n" + "c" * 400)
    assert context_of(turns[:1] * 5, max_turns=2) == "dropped\ndropped"


def test_thanks_after_an_answer_and_a_good_end_raise_its_weight():
    assert weights("q", ">a", "no", ">b", "still no", ">c") == [1.0, 1.0, 1.25]
    assert weights("q", ">a", "thanks, that worked", ">b", "hm", ">c") == [1.5, 1.0, 1.25]
    assert weights("q", ">a", "ok", ">b", "Cheers!", outcome="solved") == [1.25, 2.0]


@pytest.mark.parametrize("outcome", ["handed_over", "abandoned"])
def test_a_bad_end_and_a_bad_rating_lower_it(outcome):
    assert weights("q", ">a", "no", ">b", outcome=outcome) == [0.5, 0.75]
    assert weights("q", ">a", "thanks", ">b", rating=2) == [0.25, 0.25]
    assert weights("q", ">a", rating=3) == [1.25]


def test_the_best_answer_is_the_one_that_was_thanked():
    said = ("can i send it back", f">{LONG}", "and the money", f">{OTHER}", "thank you", ">Bye.")
    passage = best_answer(talk(*said, "x", labels={"intent": "return_item", "kind": "?"}))
    assert (passage.id, passage.text, passage.title) == ("c1:3", OTHER, "can i send it back")
    assert passage.metadata == {"kind": "conversation", "intent": "return_item"}


def test_the_earlier_answer_wins_a_tie():
    turns = ("q", f">{LONG}", "hm", f">{OTHER}", "a", ">Ok.", "b", ">Bye.")
    assert best_answer(talk(*turns)).text == LONG


def test_an_answer_is_long_enough_and_asks_nothing_at_its_end():
    assert best_answer(talk("q", ">Please restart it.")) is None
    assert best_answer(talk("q", f">{LONG}, will you? ")) is None
    assert best_answer(talk("q", f">Is it cold? {LONG}")).text == f"Is it cold? {LONG}"


@pytest.mark.parametrize(
    "more", [{"outcome": "handed_over"}, {"outcome": "abandoned"}, {"rating": 1}, {"rating": 2}]
)
def test_a_conversation_that_ended_badly_gives_no_answer(more):
    assert best_answer(talk("q", f">{LONG}")) is not None
    assert best_answer(talk("q", f">{LONG}", **more)) is None


def test_a_conversation_without_question_or_answer_gives_none():
    assert best_answer(talk(f">{LONG}", f">{OTHER}")) is None
    assert best_answer(talk("only a question")) is None


def test_what_serving_imports_holds_no_list_of_names_and_no_phone_formats():
    code = (
        "import sys, data.pairs, apps.customer_service.selection; "
        "sys.exit(bool({'faker', 'phonenumbers', 'stdnum'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
