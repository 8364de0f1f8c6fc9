"""How people are: several wishes, second thoughts, anger, and hours at which nobody is there."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from apps.customer_service.actions import shop
from apps.customer_service.bot import CustomerServiceBot
from apps.customer_service.mood import ANGRY, FURIOUS, anger, upset
from apps.customer_service.wishes import parts, same_for_others
from apps.customer_service.workflow import Workflows
from apps.hours import HoursConfig, is_open, next_open, told
from data.schema import Entity, Intent
from tests.test_bot import KeywordIntents, OrderFinder, chat, index  # noqa: F401 - a fixture
from tests.test_workflows import SHIPPED, FakeOrders, order

SUNDAY = datetime(2026, 11, 29, 12, tzinfo=UTC)
WEEK = {day: "08:00-20:00" for day in ("monday", "tuesday", "saturday")}


@pytest.fixture
def built(index):  # noqa: F811 - the fixture's value
    def built(**values):
        orders = FakeOrders(*(order(f"FK-10000{n}", "processing") for n in range(4)))
        flows = Workflows.load(SHIPPED, shop(orders))
        return CustomerServiceBot(KeywordIntents(), OrderFinder(), index, flows, **values)

    return built


def test_the_second_of_two_orders_comes_after_the_first(built):
    first = chat(built(), "cancel FK-100001 and FK-100002", "yes")
    assert first.effects == ({"order": "FK-100001", "status": "cancelled"},)
    assert "Shall I cancel order FK-100002" in first.text
    assert first.choices == ("Yes", "No")
    second = chat(built(), "cancel FK-100001 and FK-100002", "yes", "yes")
    assert second.effects == ({"order": "FK-100002", "status": "cancelled"},)


def test_another_wish_of_the_message_is_remembered(built):
    asked = chat(built(), "cancel FK-100001 and tell me where FK-100002 is")
    assert (asked.step, asked.state["wishes"]) == (
        "workflow:cancel_order:confirm", ["tell me where FK-100002 is"],
    )  # fmt: skip
    done = chat(built(), "cancel FK-100001 and tell me where FK-100002 is", "yes")
    assert "FK-100001 is cancelled" in done.text
    assert "Order FK-100002" in done.text
    assert (done.state["wishes"], done.state["workflow"]) == ([], None)


def test_a_wish_that_names_an_order_counts_though_it_is_not_sure(built):
    class Doubting(KeywordIntents):
        def _one(self, text):
            read = super()._one(text)
            doubts = "stop" in text and "gift" not in text
            return replace(read, intent=Intent("cancel_order", 0.7)) if doubts else read

    def said(words):
        flows = built()
        flows._understanding._intents = flows._intents = Doubting()
        return chat(flows, words)

    asked = said("please stop FK-100001, and tell me about gift cards")
    assert (asked.step, asked.state["wishes"]) == (
        "workflow:cancel_order:confirm", ["tell me about gift cards"],
    )  # fmt: skip
    for less in ("please stop it", "it is about stopping FK-100001"):  # no order, no wish
        assert said(f"{less}, and tell me about gift cards").state["wishes"] == []


def test_a_workflow_that_was_left_is_come_back_to_unless_the_other_is_wanted_instead(built):
    back = chat(built(), "please cancel FK-100001", "wait, where is FK-100002?")
    assert "Back to where we were: Shall I cancel order FK-100001" in back.text
    assert back.state["workflow"]["asked"] == "confirm"
    gone = chat(built(), "please cancel FK-100001", "rather tell me where FK-100002 is please")
    assert gone.state["workflow"] is None


def test_a_correction_after_the_end_asks_for_the_other_order(built):
    for reply in ("yes", "no"):
        answer = chat(built(), "cancel FK-100001", reply, "no, I meant FK-100002")
        assert answer.step == "workflow:cancel_order:confirm"
        assert "FK-100002" in answer.text
        assert not answer.effects


def test_a_furious_customer_is_handed_over_with_a_summary_and_nothing_is_changed(built):
    answer = chat(built(), "cancel FK-100001", "you are useless, the worst shop")
    assert (answer.hand_over, answer.reason, answer.effects) == (True, "upset", ())
    assert "Wants: cancel order" in answer.summary
    assert "order number FK-100001" in answer.summary
    assert "Tried: cancel order: confirm" in answer.summary


def test_anger_counts_words_that_are_not_denied_and_noise():
    assert anger("where is my parcel?") == 0
    assert anger("I am not angry") == 0
    assert anger("this is awful") == ANGRY
    assert anger("WHERE HAS THE PARCEL GONE?!") == ANGRY
    assert anger("useless and pathetic") == FURIOUS
    assert anger("half my pans are useless on it") == 0
    assert anger("I'm useless at this") == 0
    assert anger("my order is a disgrace") == ANGRY
    assert anger("fobbed off twice, absolute joke of a company") == FURIOUS
    assert upset(ANGRY, ANGRY, 0)
    assert upset(ANGRY, 0, 1)
    assert not upset(ANGRY, 0, 0)


def test_out_of_hours_a_hand_over_says_when_people_are_back(built):
    hours = HoursConfig(timezone="Europe/London", week=WEEK)
    answer = chat(built(hours=hours, now=lambda: SUNDAY), "a human please")
    assert (answer.hand_over, answer.reason) == (True, "asked_for_person")
    assert "We are back on Monday 30 November at 08:00" in answer.text
    closed = HoursConfig(timezone="Europe/London", week=WEEK, wait=False)
    answer = chat(built(hours=closed, now=lambda: SUNDAY), "a human please")
    assert (answer.hand_over, answer.reason) == (False, "closed")
    open_ = chat(built(hours=hours, now=lambda: SUNDAY.replace(day=30)), "a human please")
    assert "back on" not in open_.text


def test_hours_know_zones_and_holidays():
    hours = HoursConfig(timezone="Asia/Tokyo", week=WEEK, holidays=("2026-11-30",))
    assert told(next_open(hours, SUNDAY)) == "Tuesday 1 December at 08:00"
    assert is_open(hours, datetime(2026, 11, 30, 23, 30, tzinfo=UTC))  # Tuesday morning there
    never = HoursConfig(week={"monday": "08:00-09:00"}, holidays=())
    assert not is_open(never, SUNDAY)


def test_a_day_may_be_open_up_to_its_end():
    night = HoursConfig(week={"sunday": "22:00-24:00", "monday": "00:00 - 24:00"})
    late = SUNDAY.replace(hour=23, minute=59, second=59, microsecond=999_999)
    assert is_open(night, late)
    assert not is_open(night, SUNDAY)
    assert is_open(night, late.replace(day=30))
    assert not is_open(night, SUNDAY.replace(month=12, day=1))
    assert next_open(night, SUNDAY) == SUNDAY.replace(hour=22)


@pytest.mark.parametrize(
    "wrong", [{"timezone": "Mars/Base"}, {"week": {"monday": "9-17"}}, {"week": {}},
              {"week": {"monday": "20:00-08:00"}}, {"week": {"monday": "08:00Z-20:00Z"}},
              {"week": {"monday": "08:00-20:00+01:00"}}, {"week": {"monday": "24:00-24:00"}}]
)  # fmt: skip
def test_hours_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="hours|zone|closes|at least"):
        HoursConfig.model_validate({"week": WEEK} | wrong)


def test_a_story_is_not_cut_into_wishes():
    story = "I bought a lamp and a rug and a cup and a bed and a wok and it all came and broke"
    assert len(parts(story)) == 1
    assert [p.text for p in parts("cancel it please and also send me a bill")] == [
        "cancel it please", "send me a bill",
    ]  # fmt: skip


def test_values_that_do_not_stand_side_by_side_are_no_list():
    text = "not FK-1 but FK-2"
    found = [Entity("order_number", "FK-1", 4, 8), Entity("order_number", "FK-2", 13, 17)]
    assert same_for_others(text, found, "order_number") == (text, [])
