"""Days, numbers and choices in an answer: what can be read in one way is, all else is asked for."""

from datetime import date, timedelta

import pytest

from apps.actions import SlotTurn
from apps.customer_service.days import day_in
from apps.customer_service.slots import read_choice, read_date, read_number
from data.schema import Entity

TODAY = date.today()
YEAR = TODAY.year


def answer(text, *entities, asked=True):
    return SlotTurn(text, entities, None, asked)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("it was 2026-06-05", date(2026, 6, 5)),
        ("2026年6月5日送到的", date(2026, 6, 5)),
        ("05/06/2026, in the morning", date(2026, 6, 5)),
        ("05/13/2026", date(2026, 5, 13)),
        ("not today, on 5 May", date(YEAR, 5, 5)),
        ("May 5th at 10:30", date(YEAR, 5, 5)),
        ("Monday the 5th of May 2025", date(2025, 5, 5)),
        ("in 2 weeks", TODAY + timedelta(14)),
        ("I have 2 kids, in 3 days please", TODAY + timedelta(3)),
        ("two days ago", TODAY - timedelta(2)),
        ("the day after tomorrow", TODAY + timedelta(2)),
    ],
)
def test_a_day_that_is_named_is_read(text, day):
    assert read_date(answer(text)) == day.isoformat()


def test_a_weekday_is_the_next_one_unless_it_is_said_to_be_the_last():
    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    for number, name in enumerate(names):
        coming, past = day_in(f"next {name} at 5"), day_in(f"last {name}")
        assert coming.weekday() == past.weekday() == number
        assert TODAY < coming <= TODAY + timedelta(7)
        assert TODAY - timedelta(7) <= past < TODAY
        assert day_in(f"on {name}") == coming


@pytest.mark.parametrize(
    "text",
    [
        "I have 3 kids, any day", "the 5th", "12", "next week", "Friday next week", "in May",
        "31/02/2026", "2026-13-45", "order 204881", "3 or 4 May", "3-5 May", "Friday or Monday",
        "a week on Friday", "not today", "24/7", "the cat sat here", "2 days before 5 May",
    ],
)  # fmt: skip
def test_what_names_no_day_or_several_is_none(text):
    assert read_date(answer(text)) is None


def test_a_day_that_is_not_asked_for_is_one_that_was_found():
    text = "it came on 5 May"
    found = Entity("date", "5 May", 11, 16)
    assert read_date(answer(text, found, asked=False)) == date(YEAR, 5, 5).isoformat()
    assert read_date(answer(text, asked=False)) is None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,500", "1500"), ("about 12,345 pounds", "12345"), ("£1,234.50", "1234.50"),
        ("1,500 so 1500", "1500"), ("1,5", "1.5"), ("0,500", "0.500"), ("it is 20.", "20"),
        ("1.500,00", None), ("1234,567", None), ("1,23,456", None), ("2 and 3", None),
        ("1,5kg", None),
    ],
)  # fmt: skip
def test_a_number_is_read_where_it_can_be_read_in_one_way(text, number):
    assert read_number(answer(text)) == number


@pytest.mark.parametrize(
    ("text", "choices", "choice"),
    [
        ("Other (please say)", ("Too late", "Other (please say)"), "Other (please say)"),
        ("it's too late", ("Too late", "Other (please say)"), "Too late"),
        ("i use c++ a lot", ("C", "C++"), "C++"),
        ("IT BROKE!", ("It broke!", "Late"), "It broke!"),
        ("我要退款", ("退款", "换货"), "退款"),
        ("我要VIP的", ("VIP", "普通"), "VIP"),
        ("退款还是换货", ("退款", "换货"), None),
        ("scared", ("red", "blue"), None),
    ],
)
def test_a_choice_is_the_message_or_stands_in_it(text, choices, choice):
    assert read_choice(answer(text), choices) == choice
