"""What counts as a yes and as a no at a confirmation: only a bare yes does anything."""

from dataclasses import replace

import pytest

from apps.actions import SlotTurn
from apps.customer_service.actions import shop
from apps.customer_service.agreement import agreed, on_condition
from apps.customer_service.bot import CustomerServiceBot
from apps.customer_service.order_details import read_address
from apps.customer_service.phrases import TO_BE_SURE
from apps.customer_service.progress import Progress, Said
from apps.customer_service.questions import clauses
from apps.customer_service.wishes import parts
from apps.customer_service.workflow import Workflows
from apps.customer_service.workflow_file import SlotConfig
from tests.test_bot import KeywordIntents, OrderFinder, chat, index  # noqa: F401 - a fixture
from tests.test_workflows import SHIPPED, FakeOrders, order

CANCEL = "Shall I cancel order {order_number}? Please answer yes or no."
SEND = "Shall I send order {order_number} to {address}? Please answer yes or no."
ASKS_OR_WAITS = [
    "are you sure?",
    "is that correct?",
    "how do I confirm?",
    "should I say yes?",
    "ok?",
    "yes？",
    "can you confirm the refund amount first?",
    "please confirm the refund amount",
    "ok wait",
    "hold on, let me think, ok?",
    "do it tomorrow",
    "okay hang on a sec",
    "yes, but later",
    "ok let me check with my wife first",
    "could you do that later?",
    "sure about that?",
    "what does correct mean here",
    "I was told y",
    "let me go on thinking",
    "ok what happens then",
    "I will do it myself",
    "correct the address to 4 Elm Road",
    "yes, is that correct?",
    "yes. are you sure?",
    "yeah, right?",
    "yeah right",
    "oh sure, right.",
]
HAS_MORE = [
    "perfect then it can stay", "great, so it isn't cancelled", "lovely, keep everything as is",
    "yes leave order as is", "fine I'll call instead", "ok nothing then", "ok thanks bye",
    "yes, scrap that", "yes next week", "yes on Friday please", "yes, can it stay?",
    "yes once my new one is ordered", "yes cancel the mugs only", "yes, just the milk frother",
    "yes I want my order", "ok order it", "yes, what if I keep one?", "yes. But.", "yes, correct?",
    "yes I ordered the wrong one", "yes go ahead, I'll keep the other one", "ok and then?",
    "yes leave it with the refund team", "yes please, is it only the mugs?", "yes if it's free",
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
    step = flows.moved(asked, Said(text))
    assert (step.stage, step.effects) == ("confirm", ())


@pytest.mark.parametrize(
    "text",
    [
        "yes, cancel that please", "please cancel that", "Yes, FK-100001, cancel",
        "yes I'd like to cancel my order please", "go ahead with the cancellation, thank you",
        "yes please cancel order 100001", "yes please! when do I get my money?", "yes you can",
        "sure, why not", "yes n thanks", "yes please, no longer needed", "thank you, yes",
        "hmm ok", "no problem, go ahead", "I'd like to go ahead", "yes please can you stop it?",
        "that's right, yes", "you can go ahead", "I confirm", "of course", "please", "yes, stop it",
        "yeah right, go ahead", "yes please, is that all?", "yes that's right",
    ],
)  # fmt: skip
def test_a_yes_with_kind_words_and_what_was_asked_is_one(flows, text):
    assert agreed(text, CANCEL, ["FK-100001"]) is True
    asked = Progress("cancel_order", {"order_number": "FK-100001"}, "confirm")
    assert flows.moved(asked, Said(text)).stage == "answer:done"


@pytest.mark.parametrize("text", HAS_MORE)
def test_a_yes_with_anything_else_to_it_does_nothing_and_is_asked_once_more(bot, text):
    assert agreed(text, CANCEL, ["FK-100001"]) is None
    asked = chat(bot, "cancel FK-100001", text)
    assert (asked.text.startswith(TO_BE_SURE), asked.effects) == (True, ())


def test_a_yes_repeats_no_whole_message(flows):
    flow = flows._config.workflows["cancel_order"]
    reason = SlotConfig(ask="Why?", kind="text")
    with_reason = flow.model_copy(update={"slots": {**flow.slots, "reason": reason}})
    workflows = {**flows._config.workflows, "cancel_order": with_reason}
    flows._config = flows._config.model_copy(update={"workflows": workflows})
    slots = {"order_number": "FK-100001", "reason": "too late, cancel only the mugs"}
    asked = Progress("cancel_order", slots, "confirm")
    assert flows.moved(asked, Said("yes, only the mugs")).stage == "confirm"
    assert flows.moved(asked, Said("yes, FK-100001")).stage == "answer:done"


def test_what_a_yes_repeats_is_what_was_asked(flows):
    slots = {"order_number": "FK-100001", "address": "Flat 2, 14 Elm Way, York, YO1 7AA"}
    for text in ("yes, 14 Elm Way, York", "yes send it to 14 elm way", "yes please, FK-100001"):
        assert agreed(text, SEND, slots.values()) is True, text
    for text in ("yes, 2 Elm Way", "yes 14 York", "yes, 4 Elm Way", "yes, order FK-100002"):
        assert agreed(text, SEND, slots.values()) is None, text
    assert agreed("yes, the plates", "Shall I return the {product}?", ["plates and bowls"]) is None
    assert agreed("yes, the plates", "Shall I return the {product}?", ["blue plates"]) is True


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
        assert flows.moved(asked, Said(text)).stage == "cancelled", text
    assert flows.moved(asked, Said("yes, forget it")).stage == "confirm"
    number = replace(asked, slots={}, asked="order_number")
    assert flows.moved(number, Said("yes stop that")).stage == "cancelled"


def test_a_long_message_is_read_in_its_length_and_not_its_square():
    long = 20_000
    assert len(clauses(f"it is late{' ' * long}now")) == 1
    assert [part.text for part in parts(f"cancel it{'?' * long}x")] == [f"cancel it{'?' * long}x"]
    talk = f"our place {'x ' * long}9 Oak Rd, York, YO2 2BB"
    assert read_address(SlotTurn(talk, (), None, asked=True)) == "9 Oak Rd, York, YO2 2BB"
    assert agreed(f"yes{' ;' * long}", CANCEL) is True
    for more in (" ;", " that is", " the order", " order 100001", " x", ", when is it?"):
        assert agreed(f"yes{more * long}k", CANCEL, ["FK-100001"]) is None
