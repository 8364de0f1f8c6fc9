"""Values out of a conversation before a model reads it, and back into what it wrote."""

from dataclasses import replace

import pytest
from transformers import AutoTokenizer

from data.clean import merge_turns
from data.dialogue import fill, hide, hide_in_answer, situations
from data.schema import Entity, Passage, Situation, Turn
from finetune.dialogue.surface import as_written, written_forms
from finetune.dialogue.text import fitting_messages, fitting_text, hidden_messages, hidden_text

BANK = Situation(
    (
        Turn("customer", "my order FK-204881 cost 12.50", entities=(
            Entity("order_number", "FK-204881", 9, 18),)),
        Turn("agent", "And the 3rd?"),
        Turn("customer", "take it from Penn Bank, pin 1234"),
    ),
    facts={"BankName": "Penn Bank", "Balance": "5703", "Open": "True"},
    passages=(Passage("p", "Send it back within 30 days.", title="Returns"),),
)  # fmt: skip


def test_a_value_is_named_by_its_fact_its_entity_or_a_letter_latest_turn_first():
    hidden = hide(BANK)
    assert [text for _, text in hidden.turns] == [
        "my order {order_number} cost {c}",
        "And the {b}?",
        "take it from Penn Bank, pin {a}",
    ]
    assert hidden.facts[0] == ("BankName", "{BankName}", "Penn Bank")
    assert hidden.facts[2] == ("Open", "", "True")  # a word that answers anything is no value
    assert hidden.passages == ("Returns. Send it back within {d} days.",)


@pytest.mark.parametrize("entity", ["", "code", "the code that is printed on the back of the card"])
def test_a_conversation_may_hold_very_many_values(entity):
    numbers = [str(1000 + n) for n in range(800)]
    marked = [(Entity(entity, each, 0, 4),) if entity else () for each in numbers]
    turns = (Turn("customer", n, entities=e) for n, e in zip(numbers, marked, strict=True))
    hidden = hide(Situation(tuple(turns)))
    assert sorted(hidden.values.values()) == numbers
    assert fill(" ".join(text for _, text in hidden.turns), hidden.values) == " ".join(numbers)
    if not entity:
        assert [text for _, text in hidden.turns][-27:-25] == ["{aa}", "{z}"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Your penn bank account holds £5703.", "Your {BankName} account holds £{Balance}."),
        ("Order FK-204881 was 12.50.", "Order {order_number} was {c}."),
        ("You have 30 days.", "You have {d} days."),
        ("Hello!", "Hello!"),
        ("You have 31 days.", None),
        ("That is 123.", None),  # a part of 1234 is not it
        ("It was 12.50.75", None),
        ("See www.example.com/a", None),
        ("In braces: {x} and {a}", "In braces: {x} and {a}"),
    ],
)
def test_an_answer_has_the_placeholders_of_its_conversation_or_is_refused(answer, expected):
    assert hide_in_answer(answer, hide(BANK)) == expected


def test_a_marked_name_that_nobody_said_makes_an_answer_refused():
    entity = (Entity("person", "Ada", 3, 6),)
    assert hide_in_answer("Hi Ada", hide(BANK), entity) is None
    assert hide_in_answer("Hi Ada", hide(BANK)) == "Hi Ada"


def test_what_was_written_is_filled_however_the_model_splits_a_placeholder():
    values = hide(BANK).values
    assert (
        fill("it holds { balance } of { order _ number }", values) == "it holds 5703 of FK-204881"
    )
    assert fill("no {such thing}", values) is None
    assert fill("plain", values) == "plain"


def test_values_of_one_name_and_of_one_text_are_told_apart():
    turns = (Turn("customer", "Ann or Bob 77", entities=(
        Entity("person", "Ann", 0, 3), Entity("person", "Bob", 7, 10))),)  # fmt: skip
    hidden = hide(Situation(turns, facts={"a": "55", "b": "55", "c": "x" * 90 + " 88"}))
    assert hidden.turns[0][1] == "{person} or {person a} {b}"
    assert hidden.facts[:2] == (("a", "{a}", "55"), ("b", "{a}", "55"))
    assert hidden.facts[2][2].endswith("{c}")  # a long fact is a text: its values are lettered
    assert set(hidden.values.values()) == {"Ann", "Bob", "77", "55", "88"}


def test_a_thousand_values_have_each_a_name():
    hidden = hide(Situation((Turn("customer", " ".join(map(str, range(1000, 2000)))),)))
    assert len(hidden.values) == 1000
    assert (hidden.known["1000"], hidden.known["1701"], hidden.known["1702"]) == (
        "{a}", "{zz}", "{aaa}"
    )  # fmt: skip


@pytest.mark.parametrize("length", [38, 39, 40, 60])
def test_values_of_one_long_name_are_told_apart_when_they_are_put_back(length):
    name = "n" * length
    turns = (Turn("customer", "Ann or Bob", entities=(
        Entity(name, "Ann", 0, 3), Entity(name, "Bob", 7, 10))),)  # fmt: skip
    hidden = hide(Situation(turns))
    assert fill(hidden.turns[0][1], hidden.values) == "Ann or Bob"


def test_only_agent_turns_after_a_customer_s_are_situations():
    turns = (Turn("agent", "Hi"), Turn("customer", "a"), Turn("agent", "b", facts={"x": "1"}),
             Turn("agent", "c"))  # fmt: skip
    found = list(situations(merge_turns(list(turns))[0]))
    assert [(place, dict(each.facts)) for place, each in found] == [(2, {"x": "1"})]


def test_the_step_of_a_situation_is_the_one_that_the_agent_took_in_it():
    turns = (Turn("customer", "a"), Turn("agent", "b", action="ask_name"), Turn("customer", "c"),
             Turn("agent", "d"))  # fmt: skip
    assert [each.step for _, each in situations(turns)] == ["ask_name", None]


def test_a_text_ends_with_what_must_not_be_cut_and_messages_alternate():
    text = hidden_text(hide(BANK))
    assert text.splitlines()[-2] == "facts: {BankName} Penn Bank; {Balance} 5703; Open True"
    assert text.splitlines()[-1].startswith("passage: Returns.")
    double = Situation((Turn("customer", "a"), Turn("customer", "b"), Turn("agent", "c"),
                        Turn("customer", "d")))  # fmt: skip
    roles = [(m["role"], m["content"]) for m in hidden_messages(hide(double), "be brief")]
    assert roles == [("system", "be brief"), ("user", "a\nb"), ("assistant", "c"), ("user", "d")]


def test_passages_never_push_the_customer_out(tiny):
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokenizer.truncation_side = "left"
    long = tuple(Passage(str(n), "parcel " * 60) for n in range(3))
    said = (Turn("customer", "refund now"),)
    text = fitting_text(hide(Situation(said, long)), tokenizer, 40)
    ids = tokenizer(text, truncation=True, max_length=40)["input_ids"]
    read = tokenizer.decode(ids, skip_special_tokens=True)
    assert "refund now" in read
    assert 10 <= read.count("parcel") <= 20
    messages, _ = fitting_messages(Situation(said, long), _Words(), 130)
    assert "refund now" in messages[-1]["content"]
    assert messages[-1]["content"].count("passage:") == 1


@pytest.mark.parametrize("long", [(), tuple(Passage(str(n), "parcel " * 60) for n in range(3))])
def test_a_step_stands_last_as_words_and_is_never_cut(long, tiny):
    asked = Situation((Turn("customer", "refund " * 90),), long, {"thing": "shoes"}, "ask_name ")
    whole = hidden_text(hide(asked))
    assert whole.endswith("\nstep: ask name")
    assert hidden_text(hide(replace(asked, step=None))) == whole.removesuffix("\nstep: ask name")
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    tokenizer.truncation_side = "left"
    ids = tokenizer(fitting_text(hide(asked), tokenizer, 40), truncation=True, max_length=40)
    read = tokenizer.decode(ids["input_ids"], skip_special_tokens=True)
    alone = tokenizer.decode(tokenizer("step: ask name", add_special_tokens=False)["input_ids"])
    assert read.endswith(alone)
    messages, _ = fitting_messages(asked, _Words(), 130)
    assert messages[-1]["content"].endswith("\nstep: ask name")


class _Words:
    """A tokenizer whose tokens are words."""

    def apply_chat_template(self, messages, add_generation_prompt):
        return " ".join(each["content"] for each in messages).split()


def test_words_are_written_as_the_company_writes_them():
    forms = written_forms(["Ask Dr. Smith (UK): it's at the Hi-Fi desk.", "It's Dr. Smith's."])
    said = as_written("it ' s dr . smith at the hi - fi desk ( uk ) ! for $ {price} .", forms)
    assert said == "It's Dr. Smith at the Hi-Fi desk (UK)! For ${price}."


def test_a_sentence_that_is_written_again_and_again_is_written_as_it_was():
    text = "Ok, your Hotel {a}-{b} is booked... Bye."
    often = ["OK, that hotel is OK.", "OK, this hotel is OK.", "OK, a hotel!"] * 2
    forms = written_forms([*often, *[text] * 3])
    said = as_written("well , ok . ok , your hotel {a} - {b} is booked . . . bye . a hotel", forms)
    assert said == "Well, OK. Ok, your Hotel {a}-{b} is booked... Bye. A hotel"
    seldom = written_forms([*often, *[text] * 2])
    assert as_written("ok , your hotel {a} - {b} is booked . . .", seldom) == (
        "OK, your hotel {a} - {b} is booked..."
    )


def test_a_phrase_is_not_put_into_the_middle_of_a_sentence():
    often = ["it is a great thing and a day"] * 6
    forms = written_forms([*["Have a Great Day!"] * 3, *often])
    assert as_written("have a great day !", forms) == "Have a Great Day!"
    assert as_written("i hope you have a great day !", forms) == "I hope you have a great day!"


def test_quotes_stand_at_what_they_quote():
    text = "the flight ' {id} ' isn ' t there , she said \" come in \" and it ' s ( nearly ) full"
    assert as_written(text, {}) == (
        "The flight '{id}' isn't there, she said \"come in\" and it's (nearly) full"
    )
