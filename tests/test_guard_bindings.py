"""Figures and names in the guard: written in other ways, beside others, or with another thing."""

import time

import pytest

from apps.guard import check
from data.schema import Passage

TRADE = Passage("t", "You get 8% off from 10 of one item and 12% off from 50 of one item.")
HOURS = Passage("h", "Our team is here Monday to Saturday, 8:00 to 20:00.")
VOUCHER = Passage(
    "v",
    "Write a review with a photo and we give you a £5 voucher, valid for 6 months on orders of "
    "£30 or more.",
)
STUDENTS = Passage(
    "s", "Prove that you study and your code, valid for 90 days, arrives within 15 minutes."
)
SPRIGS = [
    Passage("e", "You earn 1 Sprig for every pound you spend while signed in."),
    Passage("w", "100 Sprigs are worth £2."),
]


def kinds(answer, *passages, said=(), facts=None):
    return {each.kind for each in check(answer, passages, said, facts or {})}


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("Change it twice a year.", "Change the filter every 6 months."),
        ("Every half-year is right.", "Change the filter every 6 months."),
        ("Do it monthly.", "Do it once a month."),
        ("Nothing is sent on Christmas Day.", "Nothing is sent on 25 December."),
        ("Report it no later than 14 days.", "Report it within 14 days."),
        ("It is gone after 30 days at the latest.", "Deleting takes up to 30 days."),
        ("Cancel a week or more before.", "You can cancel up to 7 days before."),
        ("Below £50 you pay £3.95, above that nothing.", "Delivery is £3.95, nothing from £50."),
        ("It is the dearest of the three.", "There is a table lamp, a floor lamp and a bulb."),
        ("Everyday wear is left out.", "Wear is left out."),
        ("It opens at nine, and at ten on Sundays.", "Open from 9:00, on Sunday from 10:00."),
        ("Roast it at up to 220 degrees.", "It is safe up to 220°C."),
        ("Give between five and a hundred and twenty pounds.", "Choose from £5 to £120."),
        ("We are away on the 25th and 26th.", "We are closed on 25 and 26 December."),
        ("They open at half nine.", "They open at 9:30."),
        ("Do come before ten.", "Come before 10:00."),
        ("The deposit is a quarter.", "We ask for a deposit of 25%."),
        ("It is Saturday today, so do ring us.", "We are here on Saturdays."),
        ("Every day but Sunday we are here.", "We are here Monday to Saturday."),
        ("It came on the eleventh of May.", "It came on 11 May."),
        ("You have until the last day of May.", "You have until 31 May."),
        ("Come at 09.30 in the morning.", "Come at 9:30."),
        ("A word or two will do.", "Tell us about it."),
        ("That is a one-off, so double-check it.", "Check it."),
        (
            "On 24 December we close at 1 pm.",
            "On 24 December we are open until 13:00. On 27 December we close at 16:00.",
        ),
    ],
)
def test_a_figure_in_another_writing_is_backed(answer, text):
    assert kinds(answer, Passage("p", text)) == set()


@pytest.mark.parametrize(
    ("answer", "text", "kind"),
    [
        ("Change it twice a year.", "Change the filter every 3 months.", "number"),
        ("Nothing is sent on Boxing Day.", "Nothing is sent on 25 December.", "date"),
        ("You need no less than 14 days.", "Report it within 14 days.", "number"),
        ("We are here on Sundays.", HOURS.text, "date"),
        ("It opens at nine and closes at four.", "Open from 9:00 to 17:00.", "time"),
        ("Roast it at up to 250 degrees.", "It is safe up to 220°C.", "number"),
        ("We are away on the 25th and 28th.", "We are closed on 25 and 26 December.", "date"),
        ("The deposit is a third.", "We ask for a deposit of 25%.", "percentage"),
    ],
)
def test_another_figure_in_another_writing_is_found(answer, text, kind):
    assert kinds(answer, Passage("p", text)) == {kind}


def test_the_day_that_a_week_leaves_out_may_be_named():
    assert kinds("We are closed on Sundays.", HOURS) == set()
    assert kinds("We are here daily except Sundays.", HOURS) == set()
    assert kinds("We are open on Sundays.", HOURS) == {"date"}


def test_two_figures_of_a_clause_must_stand_together():
    assert kinds("You get 12% off from 50 pieces.", TRADE) == set()
    assert kinds("You get 12% off from 10 pieces.", TRADE) & {"percentage", "number"}


def test_a_figure_that_the_clause_says_as_well_is_no_rival():
    answer = "A review with a photo earns you a £5 voucher for orders of £30 and up."
    assert kinds(answer, VOUCHER) == set()
    assert kinds("The code arrives within 15 minutes. It is good for 90 days.", STUDENTS) == set()
    answer = "For every pound you earn one Sprig, and a hundred of them are worth £2."
    assert kinds(answer, *SPRIGS) == set()


def test_the_day_and_the_time_of_a_time_stamp_are_no_code():
    facts = {"delivered": "2026-11-23T11:40:00"}
    assert kinds("It came on Monday, 23 November at 11:40.", facts=facts) == set()
    assert kinds("It came on Tuesday, 24 November at 11:40.", facts=facts) == {"date"}


@pytest.mark.parametrize(
    "answer",
    [
        "Parcelway texts you a code.",
        "Your Sprigs stay alive.",
        "If Parcelway hasn't come, please wait.",
        "Klarna splits £60 into three parts.",
        "You get one Sprig per pound.",
        "We cannot deliver to France.",
    ],
)
def test_what_follows_a_name_may_be_what_it_does(answer):
    passage = Passage(
        "p",
        "Choose a Parcelway locker. The Sprigs balance and the Klarna limit of £60 in 3 parts "
        "show there; 1 Sprig point is a pound.",
    )
    assert "product" not in kinds(answer, passage)


def test_a_name_of_a_fact_stays_with_its_thing():
    facts = {"items": "Tarn non-stick frying pan x 1"}
    assert "product" in kinds("You ordered a Tarn wok.", facts=facts)
    assert kinds("You ordered a Tarn pan.", facts=facts) == set()


@pytest.mark.parametrize("unit", ["your order ", "we will not ", "free of the ", "it is sent, "])
def test_a_long_answer_of_one_phrase_takes_no_long_time(unit):
    begun = time.perf_counter()
    check((unit * 400)[:4000], [TRADE, HOURS], ["hello"], {"status": "sent"})
    assert time.perf_counter() - begun < 10


PAGES = Passage(
    "u",
    "Send something back: https://shop.example.com/returns. Follow a parcel: "
    "https://shop.example.com/parcels.",
)
PARTS = Passage("p", "Bag VB-310 fits the vacuum cleaner, and bag VB-320 fits the shop cleaner.")
LINES = Passage(
    "l",
    "Ring 020 7946 0011 or write to help@example.com. Bookings of fitters are on 0161 496 0022. "
    "Schools write to schools@example.com with the name of the teacher.",
)


@pytest.mark.parametrize(
    ("answer", "passage", "kind"),
    [
        ("You can send it back at https://shop.example.com/{}.", PAGES, "link"),
        ("For the vacuum cleaner please take bag VB-3{}.", PARTS, "code"),
        ("To ask about the booking of your fitters ring 0{}.", LINES, "phone"),
        ("The school writes to {}@example.com with the teacher's name.", LINES, "email"),
    ],
)
def test_a_mark_must_belong_to_what_it_is_said_of(answer, passage, kind):
    right, wrong = {
        "link": ("returns", "parcels"),
        "code": ("10", "20"),
        "phone": ("161 496 0022", "20 7946 0011"),
        "email": ("schools", "help"),
    }[kind]
    assert kinds(answer.format(right), passage) == set()
    assert kinds(answer.format(wrong), passage) == {kind}


def test_a_fact_about_another_order_backs_nothing_said_of_this_one():
    facts = {"order_number": "AB-100200", "total": "£85.00", "other_order": "AB-100300, £113.00"}
    assert kinds("Order AB-100200 came to £85.00.", facts=facts) == set()
    assert kinds("Order AB-100300 came to £113.00.", facts=facts) == set()
    assert kinds("Order AB-100200 came to £113.00.", facts=facts) == {"price"}


def test_a_figure_that_the_customer_asks_for_must_still_be_the_things():
    pans = Passage("p", "The frying pan is safe up to 180°C. The roasting tin is safe up to 230°C.")
    said = ["what can go in at 230°C"]
    assert kinds("The roasting tin is safe at 230°C.", pans, said=said) == set()
    assert kinds("The frying pan is safe at 230°C.", pans, said=said) == {"number"}


def test_what_something_is_only_compared_with_is_not_what_a_figure_is_of():
    parts = Passage("p", "The motor is covered for 5 years, and the belt is covered for 1 year.")
    assert kinds("The belt is covered for one year, unlike the motor.", parts) == set()
    assert kinds("The belt is covered for five years, just like the motor.", parts) == {"number"}


def test_a_price_that_only_the_customer_says_is_not_offered():
    said = ["the other shop has it for £31"]
    assert "price" in kinds("You can have it for £31.", Passage("p", "We are glad to."), said=said)
    assert kinds("It is £31 there.", Passage("p", "We are glad to."), said=said) == set()


def test_a_number_of_pieces_is_no_percentage_of_another_tier():
    assert kinds("Twelve lamps are enough for 8% off.", TRADE, said=["12 lamps"]) == set()
    assert kinds("Twelve lamps get 12% off.", TRADE, said=["12 lamps"]) == {"percentage"}


@pytest.mark.parametrize("answer", ["A Bramble piece can be ordered.", "Bramble starts at £40."])
def test_a_general_word_or_a_verb_behind_a_name_is_no_other_thing(answer):
    assert kinds(answer, Passage("p", "Bramble pans can be ordered from £40.")) == set()
