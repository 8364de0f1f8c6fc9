"""Yeses with a condition, half corrections, wishes that are none, and pages of other products."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from apps.actions import SlotTurn
from apps.customer_service.actions import shop
from apps.customer_service.agreement import agreed, on_condition
from apps.customer_service.bot import CustomerServiceBot
from apps.customer_service.delivery import is_abroad
from apps.customer_service.order_details import of_longer_number, read_address
from apps.customer_service.phrases import TO_BE_SURE, is_grave
from apps.customer_service.questions import asks_where, clauses, follow_up, rests, single
from apps.customer_service.readings import Message, Readings
from apps.customer_service.remarks import describes, praises
from apps.customer_service.understanding import _signs
from apps.customer_service.wishes import instead, parts
from apps.customer_service.workflow import Workflows
from data.schema import Conversation, Entity, Intent, Passage, Turn
from retrieval.writing import add
from tests.test_bot import KeywordIntents, OrderFinder, chat, index  # noqa: F401 - a fixture
from tests.test_workflows import SHIPPED, TODAY, FakeOrders, order


class Intents(KeywordIntents):
    """Knows a change of address and of an order too; unsure where "perhaps" stands in it."""

    words = {"move it": "change_address", "alter": "change_order", "hmm": "talk_to_human",
             **KeywordIntents.words}  # fmt: skip

    def _one(self, text):
        read = super()._one(text)
        if "perhaps" not in text:
            return read
        return replace(read, intent=Intent(read.intent.name, 0.4))


class Products:
    """Finds pans and knives."""

    def predict(self, texts):
        return [
            [Entity("product", word, at, at + len(word))
             for word in ("pan", "knives") if (at := text.lower().find(word)) >= 0]
            for text in texts
        ]  # fmt: skip


@pytest.fixture
def bot(index):  # noqa: F811 - the fixture's value
    late = replace(order("FK-100003", "dispatched"), dispatched=TODAY - timedelta(days=20))
    orders = FakeOrders(order("FK-100001", "processing"), order("FK-100002", "dispatched"), late)
    flows = Workflows.load(SHIPPED, shop(orders))
    return CustomerServiceBot(Intents(), OrderFinder(), index, flows)


def test_a_yes_on_a_condition_does_nothing_yet_and_its_question_is_answered(bot):
    doubtful = chat(bot, "cancel FK-100001", "yes, as long as nothing is charged")
    assert (doubtful.text.startswith(TO_BE_SURE), doubtful.effects) == (True, ())
    asked = chat(bot, "cancel FK-100001", "yes but how late, how is my parcel late?")
    assert asked.text.startswith("Reports of late parcels")
    assert (asked.text.endswith("yes or no."), asked.effects) == (True, ())
    done = chat(bot, "cancel FK-100001", "yes. how late, how is my parcel late?")
    assert done.effects
    assert "Reports of late parcels" in done.text
    free = ("yes, if it is free", "yes, but only if it's free of charge")
    again = chat(bot, "cancel FK-100001", *free)
    assert (again.text.startswith(TO_BE_SURE), again.effects) == (True, ())
    assert chat(bot, "cancel FK-100001", *free, "only if it is free, yes").effects == ()
    assert chat(bot, "cancel FK-100001", *free, free[0]).reason == "action_failed"
    money = "yes, but only if I get the money back today"
    assert chat(bot, "cancel FK-100001", "hmm I am not sure", money).effects == ()
    assert chat(bot, "cancel FK-100001", *free, "yes").effects
    assert not on_condition("yes, if you could")
    assert not on_condition("not if it costs me")
    assert agreed("yep to the town one, do not stop the other") is None


def test_the_part_of_an_address_that_is_corrected_takes_the_place_of_the_old(bot):
    where = "FK-100001 move it to 14 Elm Way, York, YO1 7AA please"
    house = chat(bot, where, "no, 41 Elm Way", "yes")
    assert house.effects == ({"order": "FK-100001", "address": "41 Elm Way, York, YO1 7AA"},)
    code = chat(bot, where, "wait the postcode is YO1 7AB", "yes")
    assert code.effects == ({"order": "FK-100001", "address": "14 Elm Way, York, YO1 7AB"},)
    other = chat(bot, where, "yes, but send it to 9 Oak Rd, York, YO2 2BB")
    assert "9 Oak Rd, York, YO2 2BB?" in other.text
    kept = chat(bot, where, "no, keep it at 3 Oak Row")
    assert kept.step == "workflow:change_address:answer:declined"


def test_an_address_is_corrected_after_the_end_though_it_looks_like_another_wish(bot):
    where = "FK-100001 move it to 14 Elm Way, York, YO1 7AA please"
    again = "Oh no, I got that wrong! 41 Elm Way, York, YO1 7AA. Could you alter it, sorry"
    assert chat(bot, where, "yes", again).step == "workflow:change_address:confirm"
    assert chat(bot, where, "yes", "no, can you alter it").step.startswith("hand_over")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("not to the old flat, I've moved to 9 Oak Rd, York, YO2 2BB", "9 Oak Rd, York, YO2 2BB"),
        ("it's number 7, so 7 Oak Rd, York, YO2 2BB", "7 Oak Rd, York, YO2 2BB"),
        ("Flat B, 9 Oak Rd, York, YO2 2BB", "Flat B, 9 Oak Rd, York, YO2 2BB"),
        ("9 Oak Rd, York, YO2 2BB, so sorry", "9 Oak Rd, York, YO2 2BB"),
    ],
)
def test_talk_around_an_address_is_not_of_it(text, address):
    assert read_address(SlotTurn(text, (), None, asked=True)) == address


def test_an_irish_postcode_behind_a_district_is_abroad():
    assert is_abroad("5 Shore Road, Dublin 6, D06 A1B2")
    assert not is_abroad("5 Dublin Road, Belfast, BT9 6AA")


def test_of_two_numbers_the_one_behind_a_taking_back_is_meant(bot):
    for text in (
        "cancel FK-100002? no wait, FK-100001",
        "cancel FK-100002, sorry I meant FK-100001",
        "cancel FK-100001, not FK-100002",
    ):
        assert chat(bot, text, "yes").effects == ({"order": "FK-100001", "status": "cancelled"},)


def test_digits_out_of_a_longer_number_are_no_order_number(bot, index):  # noqa: F811
    class Digits:
        def predict(self, texts):
            found = [[*re.finditer(r"\d{6}", text)] for text in texts]
            return [
                [Entity("order_number", m.group(), m.start(), m.end()) for m in each]
                for each in found
            ]

    asked = "workflow:cancel_order:ask:order_number"
    flows = Workflows.load(SHIPPED, shop(FakeOrders(order("FK-100001", "processing"))))
    for each in (bot, CustomerServiceBot(Intents(), Digits(), index, flows)):
        for phone in ("07700 100001", "+44 20 100001", "1000010", "0161-100001"):
            assert chat(each, "cancel it", f"my phone is {phone}").step == asked, phone
        for text in ("100001", "100001 2 of them", "order no. 100001, phone 07700 100002"):
            assert chat(each, "cancel it", text).step.endswith("confirm"), text
    assert chat(each, "cancel it, my phone is 07700 100001").step == asked
    assert not of_longer_number("100001 100002", 0, 6)


def test_what_was_just_done_and_is_wanted_back_goes_to_a_person(bot):
    for text in ("I changed my mind, I'll keep it", "I'd rather keep it. can you undo the cancel"):
        answer = chat(bot, "cancel FK-100001", "yes", text)
        assert (answer.reason, answer.effects) == ("action_failed", ())
    kept = chat(bot, "cancel FK-100001", "no", "I changed my mind, cancel it")
    assert kept.step == "workflow:cancel_order:confirm"


def test_a_hand_over_promises_only_what_the_file_of_workflows_tells(bot, index, tmp_path):  # noqa: F811
    text = chat(bot, "a human please").text
    assert text.endswith("to a colleague, who will read it.")
    path = tmp_path / "workflows.yaml"
    told = "passed_on: We answer by email.\n" + SHIPPED.read_text(encoding="utf-8")
    path.write_text(told, encoding="utf-8")
    other = CustomerServiceBot(
        Intents(), OrderFinder(), index, Workflows.load(path, shop(FakeOrders()))
    )
    assert chat(other, "a human please").text == f"{text} We answer by email."


def test_what_is_not_wished_is_not_done(bot):
    answer = chat(bot, "I don't want to cancel, I only ask where FK-100002 is")
    assert answer.step == "workflow:order_status:answer:dispatched"
    assert instead("I do not want to send it back") == []


def test_a_workflow_that_is_taken_back_is_not_come_back_to(bot):
    answer = chat(bot, "cancel it", "actually no, don't, tell me where FK-100002 is please")
    assert answer.step == "workflow:order_status:answer:dispatched"
    assert answer.state["workflow"] is None


def test_a_lost_parcel_is_neither_refused_at_the_door_nor_returned(bot):
    for text in ("cancel FK-100003", "send back FK-100003"):
        assert chat(bot, text).step.endswith("answer:lost")


def test_a_number_alone_is_looked_up_or_goes_on_from_what_was_asked(bot):
    assert chat(bot, "hi, FK-100002").step == "workflow:order_status:answer:dispatched"
    asked = chat(bot, "is my parcel late?", "FK-100002")
    assert asked.intent.name == "delivery_options"
    assert asks_where("and when's it coming")
    assert not asks_where("when do you open")
    assert not asks_where("when will it be back in blue")


def test_an_order_that_is_only_thought_of_is_not_looked_up(bot):
    answer = chat(bot, "if I order today, where does perhaps the van start")
    assert "order number" not in answer.text
    assert chat(bot, "where is my order, I am going to buy more").step.endswith("ask:order_number")


def test_which_thing_is_meant_is_no_other_matter(bot):
    answer = chat(bot, "cancel it", "the one with the gift tag")
    assert answer.step == "workflow:cancel_order:ask:order_number"
    assert describes("it's the blue one")
    assert not describes("the lamp is broken")
    assert not describes("the lid, how do I clean it")


def test_who_perhaps_wants_a_person_and_says_no_word_of_one_is_answered_first(bot):
    assert chat(bot, "hmm perhaps").reason != "asked_for_person"
    assert chat(bot, "perhaps a human").reason == "asked_for_person"


def test_two_products_side_by_side_are_one_wish():
    text = "cancel my pan and two knives please"
    (found,) = Products().predict([text])
    assert len(parts(text, found)) == 1
    assert len(parts("cancel my pan and also sharpen the knives", found)) == 2


def test_a_name_under_a_message_is_no_value_for_the_account():
    for text in ("erase my data. Regards, A. Moss", "erase my data\nA. Moss", "thanks A. Moss!"):
        at = text.index("A. Moss")
        assert _signs(Entity("person", "A. Moss", at, at + 7), text), text
    assert not _signs(Entity("person", "A. Moss", 18, 25), "change my name to A. Moss")


def test_a_hospital_is_grave_where_something_did_harm():
    assert is_grave("the lid shattered and my son is in hospital")
    assert not is_grave("I am in hospital until Monday, can it come later")
    assert is_grave("I got a text about a fee of £2.50 for my parcel, is it from you?")


def test_a_question_of_another_matter_is_read_apart():
    text = "I never got the mail for my password. also do my points run out?"
    assert single(text) == ["I never got the mail for my password.", "also do my points run out?"]
    assert clauses("got 40 points 🌱 do they expire") == ["got 40 points 🌱", "do they expire"]
    assert rests("what's going on?")
    assert not rests("where is it?")


def test_a_short_message_goes_on_from_what_was_wanted_and_not_from_a_mere_reply():
    said = [Turn("customer", each) for each in ("please stop the lamp", "yes do", "and that?")]
    assert follow_up("and that?", Conversation("c", tuple(said))) == (
        "please stop the lamp and that?"
    )


def test_no_time_is_praise():
    assert praises("the kettle is great, boils in no time")
    assert not praises("the kettle is great, no lid though")


def test_a_page_about_one_product_does_not_answer_for_another(index):  # noqa: F811
    knives = Passage("faq-3", "No, by hand.", "Can knives be washed by machine?", "faq.md#9",
                     {"kind": "faq"})  # fmt: skip
    found = {}
    more = add(index, [knives])
    for text in ("can the pan be washed by machine", "can knives be washed by machine"):
        (read,) = KeywordIntents().predict([text])
        (named,) = Products().predict([text])
        conversation = Conversation("c", (Turn("customer", text),))
        message = Message(text, replace(read, intent=Intent("x", 0.9)), named, conversation, {})
        readings = Readings(KeywordIntents(), Products())
        found[text[4:7]] = [each.id for each in readings.competing(more, message).passages]
    assert knives.id not in found["the"]
    assert knives.id in found["kni"]
