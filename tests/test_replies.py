"""What counts as a yes and as a no at a confirmation: the word that leads a message decides."""

from dataclasses import replace

import pytest

from apps.actions import SlotTurn
from apps.customer_service.actions import shop
from apps.customer_service.agreement import agreed, on_condition
from apps.customer_service.bot import CustomerServiceBot
from apps.customer_service.order_details import read_address
from apps.customer_service.phrases import TO_BE_SURE
from apps.customer_service.progress import Progress
from apps.customer_service.questions import clauses
from apps.customer_service.wishes import parts
from apps.customer_service.workflow import Workflows
from tests.test_bot import KeywordIntents, OrderFinder, chat, index  # noqa: F401 - a fixture
from tests.test_workflows import SHIPPED, FakeOrders, order

CANCEL = "Shall I cancel order {order_number}? Please answer yes or no."
SEND = "Shall I send order {order_number} to {address}? Please answer yes or no."
ASKS_OR_WAITS = [
    "are you sure?", "is that correct?", "how do I confirm?", "should I say yes?", "ok?", "yes？",
    "can you confirm the refund amount first?", "please confirm the refund amount", "ok wait",
    "hold on, let me think, ok?", "do it tomorrow", "okay hang on a sec", "yes, but later",
    "ok let me check with my wife first", "could you do that later?", "sure about that?",
    "what does correct mean here", "I was told y", "let me go on thinking", "ok what happens then",
    "I will do it myself", "correct the address to 4 Elm Road", "yes, is that correct?",
    "yes. are you sure?", "yeah, right?", "yeah right", "oh sure, right.",
]  # fmt: skip


@pytest.fixture
def flows():
    orders = FakeOrders(order("FK-100001", "processing"), order("FK-100002", "dispatched"))
    return Workflows.load(SHIPPED, shop(orders))


@pytest.fixture
def bot(index, flows):  # noqa: F811 - the fixture's value
    return CustomerServiceBot(KeywordIntents(), OrderFinder(), index, flows)


@pytest.mark.parametrize("text", ASKS_OR_WAITS)
def test_who_asks_or_puts_it_off_has_not_agreed(flows, text):
    assert agreed(text, CANCEL) is None
    asked = Progress("cancel_order", {"order_number": "FK-100001"}, "confirm")
    step = flows.step(asked, text, [])
    assert (step.stage, step.effects) == ("confirm", ())


@pytest.mark.parametrize(
    "text",
    [
        "yes, cancel that please", "please cancel that", "yes I ordered the wrong one",
        "yes go ahead, I'll keep the other one", "yes leave it with the refund team",
        "sure, why not", "yes n thanks", "yes please, no longer needed", "thank you, yes",
        "hmm ok", "no problem, go ahead", "I'd like to go ahead", "yes please can you stop it?",
        "that's right, yes", "you can go ahead", "I confirm", "of course", "please", "yes, stop it",
        "yeah right, go ahead", "yes please, is that all?", "yes that's right",
    ],
)  # fmt: skip
def test_a_yes_that_leads_is_one_whatever_follows_it(flows, text):
    assert agreed(text, CANCEL) is True
    asked = Progress("cancel_order", {"order_number": "FK-100001"}, "confirm")
    assert flows.step(asked, text, []).stage == "answer:done"


@pytest.mark.parametrize(
    "text",
    [
        "no", "nope, keep it", "please don’t", "please do not", "absolutely not", "ok no",
        "not now", "ok, leave it as it is", "that's not correct", "no, don't go ahead",
        "no, is it gone?", "ok no cancellation then",
    ],
)  # fmt: skip
def test_a_no_is_one_behind_a_fair_word_too(text):
    assert agreed(text, CANCEL) is False


@pytest.mark.parametrize(
    "text",
    [
        "yes, keep it", "yes no", "yes or no", "yes, never mind", "yes, it is wrong", "no go ahead",
        "yes to the shop, do not cancel", "it's not needed, so yes", "yes leave it as it is",
    ],
)  # fmt: skip
def test_a_yes_and_a_no_in_one_are_neither(text):
    assert agreed(text, CANCEL) is None


def test_to_cancel_that_is_a_no_where_something_else_is_asked():
    assert agreed("please cancel that", SEND) is False
    assert agreed("yes, cancel that please", SEND) is None
    assert agreed("could you cancel that", CANCEL) is None


def test_a_question_in_a_yes_is_answered_before_anything_is_done(bot):
    answer = chat(bot, "cancel FK-100001", "ok but how late, how is my parcel late?")
    assert answer.text.startswith("Reports of late parcels")
    assert (answer.text.endswith("yes or no."), answer.effects) == (True, ())
    asked = chat(bot, "cancel FK-100001", "ok so what happens now")
    assert (asked.text.startswith(TO_BE_SURE), asked.effects) == (True, ())
    assert on_condition("yes to the shop, do not cancel", CANCEL)
    assert not on_condition("are you sure?", CANCEL)


def test_a_word_for_stopping_ends_a_workflow_unless_a_plain_yes_leads(flows):
    asked = Progress("cancel_order", {"order_number": "FK-100001"}, "confirm")
    for text in ("ok leave it", "never mind", "please stop"):
        assert flows.step(asked, text, []).stage == "cancelled", text
    assert flows.step(asked, "yes, forget it", []).stage == "confirm"
    number = replace(asked, slots={}, asked="order_number")
    assert flows.step(number, "yes stop that", []).stage == "cancelled"


def test_a_long_message_is_read_in_its_length_and_not_its_square():
    long = 20_000
    assert len(clauses(f"it is late{' ' * long}now")) == 1
    assert [part.text for part in parts(f"cancel it{'?' * long}x")] == [f"cancel it{'?' * long}x"]
    talk = f"our place {'x ' * long}9 Oak Rd, York, YO2 2BB"
    assert read_address(SlotTurn(talk, (), None, asked=True)) == "9 Oak Rd, York, YO2 2BB"
    assert agreed(f"yes{' ;' * long}?", CANCEL) is True
