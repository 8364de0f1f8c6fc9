"""Rules turned round, days of other events, and figures that are vague or very many."""

import pytest

from apps.guard import check
from data.schema import Passage

UNUSED = Passage("u", "Unused items can be returned within 30 days of delivery.")
UNOPENED = Passage("o", "Unopened tins and unworn shirts may be sent back. Gift cards can be used.")
EITHER = Passage("e", "Unused items can be returned. Used items can be repaired.")
REFUND = Passage("m", "We refund you 5 working days after the parcel reaches us.")
COUPLE = Passage("c", "You have a couple of months, and a repair takes a few weeks.")


def kinds(answer, *passages, said=(), facts=None):
    return {each.kind for each in check(answer, passages, said, facts or {})}


@pytest.mark.parametrize(
    ("answer", "passage"),
    [
        ("Used items can be returned within 30 days of delivery.", UNUSED),
        ("Yes, items that were used can be returned.", UNUSED),
        ("An opened tin may be sent back.", UNOPENED),
        ("Worn shirts are fine to send back.", UNOPENED),
    ],
)
def test_what_holds_for_unused_things_is_not_said_of_used_ones(answer, passage):
    assert kinds(answer, passage) == {"promise"}


@pytest.mark.parametrize(
    ("answer", "passage"),
    [
        ("Unused items can be returned within 30 days of delivery.", UNUSED),
        ("Items that have not been used can be returned within 30 days of delivery.", UNUSED),
        ("Used items cannot be returned.", UNUSED),
        ("Gift cards can be used.", UNOPENED),
        ("Used items can be repaired.", EITHER),
        ("Used items can be repaired.", Passage("r", "Unopened tins may be sent back.")),
    ],
)
def test_used_things_may_be_spoken_of_where_no_rule_is_turned_round(answer, passage):
    assert kinds(answer, passage) == set()


@pytest.mark.parametrize(
    ("answer", "said", "wrong"),
    [
        ("Order FK-1 was delivered on 3 May.", (), {"date"}),
        ("Order FK-1 was dispatched on 3 May.", (), set()),
        ("It left us on 3 May and will soon be delivered.", (), set()),
        ("That was on 3 May.", (), set()),
        ("It was delivered on 3 May.", ("it was delivered on 3 May",), set()),
    ],
)
def test_a_day_of_one_event_backs_no_other(answer, said, wrong):
    facts = {"order": "FK-1", "dispatched_on": "2026-05-03"}
    assert kinds(answer, REFUND, said=said, facts=facts) == wrong


def test_what_is_covered_by_the_company_is_free():
    assert kinds("Return postage is covered by us.", UNUSED) == {"promise"}
    assert kinds("Return postage is paid for by us.", UNUSED) == {"promise"}
    free = Passage("f", "Return postage is free.")
    assert kinds("Return postage is covered by us.", free) == set()


@pytest.mark.parametrize(
    ("answer", "passage", "wrong"),
    [
        ("You have a couple of months to send it back.", UNUSED, {"number"}),
        ("You have a few months to send it back.", UNUSED, {"number"}),
        ("You have a couple of months.", COUPLE, set()),
        ("You have two months.", COUPLE, set()),
        ("A repair takes a few weeks.", COUPLE, set()),
        ("A repair takes six weeks.", COUPLE, {"number"}),
    ],
)
def test_a_couple_and_a_few_are_numbers(answer, passage, wrong):
    assert kinds(answer, passage) == wrong


@pytest.mark.parametrize("piece", ["a@b.", "Monday ", "£1 ", "FK-10001 "])
def test_an_answer_of_very_many_figures_is_stopped_without_comparing_them(piece):
    answer = piece * (2000 // len(piece))
    assert kinds(answer, UNUSED) == {"unsupported"}
