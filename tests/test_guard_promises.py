"""Promises in the guard: told in other words, implied, for another case, or denied by a passage."""

import functools
import gc

import pytest

from apps.guard import check
from apps.guard.synonyms import plainly
from apps.guard.words import content
from data.schema import Passage

RETURNS = Passage(
    "r",
    "We take £2.95 off your refund for the return label. Furniture that we collect costs £19. "
    "Returning a damaged, faulty or wrong item is free.",
    "What does it cost to send something back?",
)
BROKEN = Passage(
    "b",
    "Tell us within 7 days and send a photo of the damage. We will send a replacement or refund "
    "you. You need not send back items under £20.",
    "My item arrived damaged. What should I do?",
)
REFUNDS = Passage(
    "m",
    "For a return, we refund you 5 working days after the parcel reaches us. The money goes back "
    "to the original payment.",
    "When will I get my refund?",
)
CANCEL = Passage(
    "c",
    'You can cancel free of charge while your order is "processing". Once it has been dispatched '
    "we cannot stop it.",
    "How do I cancel my order?",
)
DELIVERY = Passage("d", "Standard delivery costs £3.95 and is free from £50.", "Delivery?")
LOST = Passage(
    "l",
    "A parcel that has not been delivered 10 working days after dispatch counts as lost. We will "
    "send the order again or refund you, as you prefer.",
)
BOOK = Passage("f", "We ring you to book the day.", "Furniture")


def stopped(answer, *passages, said="", facts=None):
    return "promise" in {each.kind for each in check(answer, passages, [said], facts or {})}


@pytest.mark.parametrize(
    ("answer", "passage", "said"),
    [
        ("We'll either send you another one or give you your money back.", BROKEN, "it is broken"),
        (
            "As the toaster was faulty, the return won't cost you a thing.",
            RETURNS,
            "faulty toaster",
        ),
        ("The money will be back on your card 5 working days later.", REFUNDS, "refund?"),
        ("We'll call you to agree on a day.", BOOK, "when does my bookshelf come"),
        ("We can reship it or give you your money back.", LOST, "my parcel is lost"),
        ("If it can't be found after ten working days, we refund you.", LOST, "still nothing"),
        ("Spend £50 and the postage is on us.", DELIVERY, "postage?"),
    ],
)
def test_a_rule_in_other_words_is_no_new_promise(answer, passage, said):
    assert not stopped(answer, passage, said=said)


@pytest.mark.parametrize(
    "answer",
    [
        "Your money is on its way.",
        "A brand new one is already in the post.",
        "Leave it with me, I'll get that refunded.",
        "I've gone ahead and cancelled that for you.",
        "That's all taken care of, it is sorted.",
        "You'll have it by the end of the week.",
        "It gets there before your party, we'll make sure.",
        "Consider it refunded.",
        "I'm lifting the lock on your account now.",
        "I'm cancelling order FK-204881.",
        "I've pulled FK-204881 back.",
        "I've knocked ten pounds off.",
        "I've slipped extras in.",
        "We have axed delivery charges for you.",
        "I'm upgrading delivery to express.",
        "We're crediting £5 to your card.",
        "We'll cover the return postage.",
        "I'll throw in a tea towel to say sorry.",
        "We can make an exception for you.",
        "We are going to redirect it.",
        "You'll get every penny back.",
        "Return it whenever you like, there is no deadline.",
    ],
)
def test_an_implied_promise_needs_ground_too(answer):
    assert stopped(answer, REFUNDS, DELIVERY, said="what now?")


@pytest.mark.parametrize(
    ("answer", "passage", "said"),
    [
        ("Sending it back is free.", RETURNS, "i do not like the colour"),
        ("No need to send it back, you can keep it.", BROKEN, "broken pan, it cost 60 quid"),
        ("We will send you a replacement.", BROKEN, "it broke three weeks ago"),
        ("Delivery is free for you.", DELIVERY, "my order is £20"),
    ],
)
def test_a_promise_whose_condition_the_case_does_not_meet_is_found(answer, passage, said):
    assert stopped(answer, passage, said=said)


@pytest.mark.parametrize(
    ("answer", "passage", "said"),
    [
        ("Sending it back is free.", RETURNS, "the bowl came damaged"),
        ("No need to send it back, you can keep it.", BROKEN, "broken mug, it cost 9 quid"),
        ("We will send you a replacement.", BROKEN, "it broke three days ago, damaged"),
        ("Delivery is free for your order of £64.", DELIVERY, "my order is £64"),
    ],
)
def test_a_promise_whose_condition_the_case_meets_may_be_made(answer, passage, said):
    assert check(answer, [passage], [said], {}) == ()


def test_what_is_possible_until_dispatch_is_not_once_it_is_dispatched():
    answer = "You can still cancel it."
    assert stopped(answer, CANCEL, said="cancel please", facts={"status": "dispatched"})
    assert not stopped(answer, CANCEL, said="cancel please", facts={"status": "processing"})


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("Your code also works on gift cards.", "Students get 10% off everything but gift cards."),
        ("Personalised boards can be returned.", "We cannot take back personalised goods."),
        ("You can use the voucher for gift cards.", "Vouchers are valid but not on gift cards."),
        ("Klarna will accept your payment.", "Klarna decides whether to accept the payment."),
        ("Dishwasher damage is covered.", "Dishwasher damage is not covered by the warranty."),
    ],
)
def test_what_a_passage_denies_may_not_be_allowed(answer, text):
    assert stopped(answer, Passage("p", text), said="is that possible?")


@pytest.mark.parametrize(
    ("answer", "passage"),
    [
        ("It counts as lost 10 working days after dispatch.", LOST),
        ("We charge you on dispatch.", Passage("p", "We do not charge you until dispatch.")),
        ("We refund you once the parcel reaches us.", REFUNDS),
        ("Engraved knives are excluded.", Passage("p", "Engraved knives cannot be returned.")),
        ("We cannot cancel it once it has been dispatched.", CANCEL),
    ],
)  # fmt: skip
def test_a_no_about_something_else_or_a_shared_no_stops_nothing(answer, passage):
    assert check(answer, [passage], ["and now?"], {}) == ()


@pytest.mark.parametrize(
    "answer",
    [
        "You mentioned a refund, but I cannot see one here.",
        "We don't pay for taxis, sorry.",
        "I'd love to give you a discount, but there is none.",
        "I'd be happy to check the refund for you.",
        "I've passed your photos on to a colleague.",
        "I'm connecting you with a colleague now.",
        "Whether it is a replacement or a refund is for the workshop to decide.",
        "It is most likely on its way.",
        "I can reassure you that we have your message.",
        "We'd rather wait another day.",
        "You'll get an email once your refund is on its way.",
        "We have limited stock of that mug.",
        "We have dedicated staff for that.",
        "We are currently experiencing delays.",
        "We are facing a busy week.",
        "I am helping as fast as I can.",
    ],
)
def test_what_only_speaks_of_a_promise_makes_none(answer):
    assert not stopped(answer, Passage("p", "We write to you by email."), said="hello")


def test_a_claim_of_the_customer_backs_no_promise_but_a_told_reason_is_none():
    promised = "As you said, a colleague promised you a refund, so you will get it."
    assert stopped(promised, DELIVERY, said="your colleague promised me a refund")
    reason = "Because the order was cancelled, we refund you."
    rule = Passage("p", "For a cancelled order, we refund you.")
    assert not stopped(reason, rule, said="the order got cancelled")
    assert stopped("The order was cancelled.", rule, said="please cancel the order")


def test_what_is_on_its_way_must_be_what_a_fact_speaks_of():
    sent = {"status": "dispatched", "carrier": "Parcelway"}
    assert not stopped("Your parcel is on its way.", facts=sent)
    assert stopped("Your money is on its way.", facts=sent)
    assert not stopped("Your money is on its way.", facts={"refund": "made"})
    assert not stopped("The swap is arranged.", facts={"result": "exchange registered"})


@pytest.mark.parametrize(
    "text",
    ["the candle wick is too short", "can I return my jersey", "I bought it at John Lewis",
     "time to mull it over", "press the button", "it came through the door"],
)  # fmt: skip
def test_everyday_words_are_no_places_and_no_trades(text):
    assert not content(text) & content("highlands islands journalist entry")


def test_a_place_and_a_trade_are_what_a_rule_calls_them():
    assert content("do you send it to Wick?") & content("highlands")
    assert content("a lamp to skye, a rug for us in Jersey") & content("islands")
    assert content("this is a press enquiry") & content("journalist")
    assert content("what do I pay at the door") & content("entry")


def test_words_that_mean_the_same_are_one():
    assert content("fixed the photographs") == content("mending a picture")
    assert content("put it together") == content("assemble")
    assert "return" in plainly("send the pan back")
    assert content("it'll") == content("we've") == frozenset()


CODE = Passage("w", "HELLO gives new customers 10% off their first order, not later ones.")
FITTERS = Passage("t", "The two-person team carries it in. They do not put furniture together.")


@pytest.mark.parametrize(
    ("answer", "passage", "said"),
    [
        ("Twelve pounds will be taken off your next order.", RETURNS, "Ann promised me £12"),
        ("Type HELLO and 10% comes off this one too.", CODE, "it is my third order"),
        ("The £2.95 won't be taken off this time.", RETURNS, "i do not like it"),
        ("Your basket of £30 is sent, and we won't charge you anything for that.", DELIVERY, ""),
        ("We will send the lost parcel again.", LOST, "dispatched 4 working days ago and nothing"),
        ("The two-person team will put it together for you.", FITTERS, ""),
        ("The £3.95 will be returned to you.", DELIVERY, "it took a week"),
        ("I've had another one sent out to you.", BROKEN, "it is broken"),
        ("Even after 40 days we will take it back.", BOOK, ""),
        ("We won't ask you to pay for that.", DELIVERY, ""),
        ("您的退款已经处理好了。", REFUNDS, "退款呢"),
        ("You've been taken off the list.", BOOK, "stop the letters"),
        ("You're bound to get it.", BOOK, ""),
        ("It will be in your hall tomorrow morning.", BOOK, "tomorrow?"),
        ("I've had the £2.95 for the label put back.", RETURNS, "i do not like it"),
        ("There won't be any deduction.", RETURNS, "i do not like it"),
        ("The courier has been told to bring it to your work.", BOOK, ""),
        ("If Ann told you 15% off, then that stands.", CODE, "Ann said 15% off"),
        ("The label is our treat.", RETURNS, "i do not like it"),
        ("I've added the points.", Passage("p", "Your points are added after 30 days."), ""),
    ],
)
def test_a_promise_in_another_shape_needs_its_ground_as_well(answer, passage, said):
    assert stopped(answer, passage, said=said)


@pytest.mark.parametrize(
    ("answer", "passage", "said"),
    [
        ("We will send the lost parcel again.", LOST, "dispatched 14 working days ago and nothing"),
        ("With HELLO 10% comes off your first order.", CODE, "i am a new customer"),
        ("£2.95 comes off what you get back.", RETURNS, "i do not like it"),
        ("Please keep wool out of the dryer.", Passage("k", "Never tumble-dry wool."), ""),
        ("A colleague takes over from here.", BOOK, ""),
        ("The driver will have a second go.", Passage("v", "The driver tries it twice."), ""),
        ("Please keep the pan unused and in its box.", RETURNS, ""),
        ("I'm sorry that you stayed in for nothing.", LOST, "waited all day"),
        ("Once ten working days are over, we send it again.", LOST, "sent 4 working days ago"),
        ("We'll dig into it.", BOOK, ""),
        ("They could save you a trip.", BOOK, ""),
        ("£2.95 comes off the refund.", RETURNS, "i do not like it"),
        ("We'll put it right: another one or your money back.", BROKEN, "it is broken"),
        ("Twenty per cent off, and it's yours.", Passage("s", "You get 20% off."), ""),
    ],
)
def test_what_stands_in_another_shape_may_be_said(answer, passage, said):
    assert not stopped(answer, passage, said=said)


def test_a_fact_that_says_no_backs_no_deed():
    answer = "Your money is on its way."
    assert stopped(answer, REFUNDS, facts={"refund_made": "no"})
    assert not stopped(answer, REFUNDS, facts={"refund_made": "yes, credited"})


def test_what_a_fact_tells_may_be_said_in_other_words():
    facts = {"order": "AB-10020", "status": "cancelled"}
    assert not stopped("AB-10020 is off the books.", CANCEL, facts=facts)
    assert stopped("AB-10020 is off the books.", CANCEL, facts={"status": "dispatched"})
    opened = {"action": "open_claim", "result": "opened"}
    assert not stopped("The claim with Florin is open now.", BOOK, facts=opened)
    assert not stopped("We've got your lamp back.", REFUNDS, facts={"parcel_received": "6 May"})
    assert stopped("We've got your lamp back.", REFUNDS)


def test_a_dispatch_is_no_second_parcel():
    facts = {"status": "dispatched", "dispatched": "4 working days ago"}
    assert stopped("We'll send the lot again.", LOST, said="nothing came", facts=facts)


def test_a_condition_that_stands_apart_counts_too():
    period = Passage("r", "We give you your money back within 30 days. The item must be unused.")
    assert stopped("You get your money back.", period, said="I have used it, I want a refund")
    assert not stopped("You get your money back.", period, said="I want a refund")


def test_no_text_of_a_check_is_kept_behind_it():
    assert check("We will refund you £45.", [REFUNDS, DELIVERY], ["it broke"], {})
    texts = [
        f"{each.__module__}.{each.__name__}"
        for each in gc.get_objects()
        if type(each)
        is functools._lru_cache_wrapper  # isinstance asks lazy modules for their class
        and each.__module__.startswith("apps.guard")
        and each.__name__ != "meaning"  # of single words
        and each.cache_info().currsize
    ]
    assert texts == []
