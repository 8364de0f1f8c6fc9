"""Answers that say yes where a passage's rule says no, in words that promise nothing known."""

import pytest

from apps.guard import check
from data.schema import Passage

RETURN = "You have 30 days to return what you do not want. It has to be unused."
FURNITURE = "The team carries furniture into your room, but does not assemble it."
WARRANTY = "Limescale, drops and commercial use are excluded from the warranty of 2 years."
CANCEL = "You can cancel an order while it is processing."
LOST = "A parcel counts as lost when 10 working days have passed. We then send it again."
LOCKER = "Parcels up to 60 cm and 15 kg can go to a locker."
KLARNA = "From £60 you can pay in 3 parts with Klarna."
EXPRESS = "Express is not offered to Northern Ireland and the islands."


def kinds(answer, text, said, facts=None, **settings):
    found = check(answer, [Passage("p", text)], [said], facts or {}, **settings)
    return {each.kind for each in found}


@pytest.mark.parametrize(
    ("answer", "text", "said"),
    [
        ("Sure, we're not fussy about that.", RETURN, "I want to return it, I used it twice"),
        ("That's fine, a few days over won't matter.", RETURN, "got it 5 weeks ago, return?"),
        ("Gladly, they'll build it for you.", FURNITURE, "will you assemble my bookshelf"),
        ("Drops happen! It has your back there.", WARRANTY, "I dropped the mixer"),
        ("Consider that settled for your café.", WARRANTY, "the grinder of our café broke"),
        ("There you go, off it goes.", CANCEL, "cancel it please"),
        ("That counts as lost, so pick what you like.", LOST, "8 working days and no parcel"),
        ("Yes, that is fine for the locker.", LOCKER, "is 20 kg ok for the locker"),
        ("Yes, Klarna works for that.", KLARNA, "45 pounds with Klarna?"),
        ("Yes, express gets it to Belfast.", EXPRESS, "express to belfast?"),
    ],
)
def test_a_yes_is_stopped_where_the_case_is_against_the_rule(answer, text, said):
    assert kinds(answer, text, said) == {"promise"}


@pytest.mark.parametrize(
    ("answer", "text", "said"),
    [
        ("I'm afraid not, as you have used it.", RETURN, "I want to return it, I used it twice"),
        ("It can go back as long as it is unused.", RETURN, "got it 2 weeks ago, return?"),
        ("Putting it together is left to you.", FURNITURE, "will you assemble my bookshelf"),
        ("A drop falls outside the warranty, sadly.", WARRANTY, "I dropped the mixer"),
        ("Yes, you can, while it is processing.", CANCEL, "cancel it please"),
        ("Not yet: that takes 10 working days.", LOST, "8 working days and no parcel"),
        ("Up to 15 kg is fine, so that is too heavy.", LOCKER, "is 20 kg ok for the locker"),
        ("Klarna begins at £60.", KLARNA, "45 pounds with Klarna?"),
        ("Express does not reach Belfast, sorry.", EXPRESS, "express to belfast?"),
    ],
)
def test_a_no_or_the_condition_itself_is_sent(answer, text, said):
    assert kinds(answer, text, said) == set()


def test_what_failed_is_not_said_to_have_worked():
    said, facts = "did it work?", {"result": "failed: already dispatched"}
    assert kinds("Yes, it worked.", CANCEL, said, facts) == {"promise"}
    assert kinds("Yes, it worked.", CANCEL, said, {"result": "cancelled"}) == set()
    assert kinds("No, it did not work.", CANCEL, said, facts) == set()


def test_of_a_growing_answer_a_no_may_still_follow():
    answer, said = "Sure, we're not fussy about that.", "I want to return it, I used it twice"
    assert kinds(answer, RETURN, said, whole=False) == set()
    assert kinds(answer, RETURN, said) == {"promise"}


def test_a_fact_about_another_order_backs_nothing():
    facts = {"order_number": "FK-214041", "tracking_number": "PW4472005092"}
    page = "Each parcel has a tracking number."
    answer = "The tracking number of {} is PW4472005092."
    assert kinds(answer.format("FK-214041"), page, "tracking?", facts) == set()
    assert kinds(answer.format("FK-230766"), page, "tracking of FK-230766?", facts) == {"code"}


def test_a_day_that_the_hours_leave_out_is_not_backed_by_the_question():
    hours = "We are here Monday to Saturday from 8:00 to 20:00."
    assert kinds("We are here on Sundays as well.", hours, "open sunday?") == {"date"}
    assert kinds("On Sundays we are closed.", hours, "open sunday?") == set()


def test_a_range_of_days_must_be_the_passages():
    named = "Choose any day from Tuesday to Saturday."
    assert kinds("Any day from Tuesday to Sunday.", named, "which days") == {"date"}
    assert kinds("Tuesday through Saturday.", named, "which days") == set()


def test_a_day_that_is_shut_has_no_hours():
    text = "On 29 December we are here from 9:00 to 17:00. On 31 December we are closed."
    assert "time" in kinds("On 31 December we are here until 17:00.", text, "hours")
    assert kinds("On 29 December we are here until 17:00.", text, "hours") == set()


def test_hours_may_be_told_in_words_alone():
    text = "The team is here Monday to Saturday from 8:00 to 20:00."
    assert kinds("Eight till eight, Monday to Saturday.", text, "hours") == set()
    assert kinds("Nine till eight, Monday to Saturday.", text, "hours") == {"time"}


def test_a_count_below_a_tier_does_not_get_its_percentage():
    text = "From 10 pieces the discount is 8%, from 50 pieces 12%."
    assert "percentage" in kinds("For twenty pieces you get 12%.", text, "20 pieces")
    assert kinds("For sixty pieces the discount is 12%.", text, "60 pieces") == set()


def test_the_question_tells_which_of_two_figures_is_meant():
    text = "The 2-slice toaster is £38 and the 4-slice £58."
    assert kinds("It's £38.", text, "price of the four slice one") == {"price"}
    assert kinds("It's £58.", text, "price of the four slice one") == set()


def test_a_limit_that_has_its_other_side_beside_it_shuts_nobody_out():
    rule = "Things under £20 you may keep; for the others the label is free."
    assert kinds("Yes, the label is free.", rule, "it cost £36") == set()


def test_what_is_not_known_yet_has_not_failed():
    facts = {"result": "not yet known"}
    answer, rule = "It came in, and you hear within 7 days.", "You hear from us within 7 days."
    assert kinds(answer, rule, "any news?", facts) == set()
    assert kinds(answer, rule, "any news?", {"result": "failed"}) == {"promise"}


def test_a_guess_allows_nothing_that_a_passage_denies():
    rule = "Codes do not work with another code in the basket."
    assert kinds("There may have been another code in the basket.", rule, "why not?") == set()


def test_a_condition_of_the_answer_does_not_hide_an_exception_that_the_customer_names():
    answer = "Express is quicker if you order in the morning."
    assert kinds(answer, EXPRESS, "express to belfast") == {"promise"}
    assert kinds(answer, EXPRESS, "express to leeds") == set()
