"""What facts are facts of, what an answer waves through, and what is somebody else's to decide."""

import pytest

from apps.guard import check
from data.schema import Passage

REFUNDS = Passage("m", "We refund you 5 working days after the parcel reaches us.")
RETURN = Passage("r", "You have 30 days. The item must be unused.")
CARE = Passage("c", "The warranty of 3 years does not cover damage from the dishwasher.")
LENDER = Passage("l", "From £60 you can pay with Florin in parts. Florin decides whether to agree.")


def kinds(answer, *passages, said=(), facts=None):
    return {each.kind for each in check(answer, passages, said, facts or {})}


DAYS = {"ordered_on": "3 May", "dispatched_on": "5 May", "delivered_on": "8 May"}


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ("It was sent off on 5 May.", set()),
        ("It was sent off on 3 May.", {"date"}),
        ("It reached you on 8 May.", set()),
        ("It reached you on 5 May.", {"date"}),
        ("You bought it on 3 May.", set()),
        ("You bought it on 8 May.", {"date"}),
        ("Ordered on 3 May, it was with you on 8 May.", set()),
    ],
)
def test_a_day_is_told_of_what_happened_on_it(answer, wrong):
    assert kinds(answer, REFUNDS, facts=DAYS) == wrong


def test_where_the_answer_leaves_it_out_the_question_says_which_day_is_meant():
    facts = {"parcel_received": "3 May", "refunded": "10 May"}
    assert kinds("That was on 10 May.", REFUNDS, said=["when was the refund"], facts=facts) == set()
    assert kinds("That was on 3 May.", REFUNDS, said=["when was the refund"], facts=facts) == {
        "date"
    }


def test_a_fact_of_another_thing_is_told_by_the_rest_of_its_name():
    facts = {"back_in_stock": "4 July", "lamp_back_in_stock": "14 July"}
    assert kinds("The rug is back in stock on 4 July.", facts=facts, said=["rug?"]) == set()
    assert kinds("The rug is back in stock on 14 July.", facts=facts, said=["rug?"]) == {"date"}


def test_a_fact_that_an_order_names_is_that_orders_alone():
    facts = {"AB-10020": "https://example.com/b/1", "AB-10030": "https://example.com/b/2"}
    said = ["the bill for AB-10020"]
    assert kinds("Here it is: https://example.com/b/1", facts=facts, said=said) == set()
    assert kinds("Here it is: https://example.com/b/2", facts=facts, said=said) == {"link"}
    days = {"AB-10020": "sent on 3 May", "AB-10030": "sent on 5 May"}
    assert kinds("AB-10020 left on 3 May and AB-10030 on 5 May.", facts=days) == set()
    assert kinds("AB-10020 left on 5 May and AB-10030 on 3 May.", facts=days) == {"date"}


@pytest.mark.parametrize(
    ("answer", "passage"),
    [
        ("Even opened, we have it back.", RETURN),
        ("A washed shirt is fine, too.", RETURN),
        ("Dishwasher or no dishwasher, your knife is looked after.", CARE),
        ("The dishwasher doesn't matter.", CARE),
    ],
)
def test_what_a_rule_turns_on_is_not_waved_through(answer, passage):
    assert kinds(answer, passage) == {"promise"}


@pytest.mark.parametrize(
    ("answer", "passage"),
    [
        ("Even unopened, it has to come within 30 days.", RETURN),
        ("That's no problem, you have 30 days.", RETURN),
        ("A dishwasher is a problem for any knife.", CARE),
        ("The dishwasher is not covered, even once.", CARE),
        ("Having thrown away the box is no problem.", Passage("b", "You need not keep the box.")),
    ],
)
def test_what_no_rule_turns_on_may_be_waved_through(answer, passage):
    assert kinds(answer, passage) == set()


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ("Florin will surely agree.", {"promise"}),
        ("There's no risk that Florin turns you down.", {"promise"}),
        ("You're certain to be taken by Florin.", {"promise"}),
        ("Whether Florin agrees is up to Florin.", set()),
        ("Florin will decide whether they agree.", set()),
    ],
)
def test_what_somebody_else_decides_is_not_foretold(answer, wrong):
    assert kinds(answer, LENDER) == wrong
