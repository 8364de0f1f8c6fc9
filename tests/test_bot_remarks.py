"""What a customer takes back, only tells, or wants of somebody else than us."""

from dataclasses import replace

import pytest

from apps.chat import exchange
from apps.customer_service.actions import shop
from apps.customer_service.bot import CustomerServiceBot
from apps.customer_service.delivery import is_abroad
from apps.customer_service.mood import ANGRY, anger
from apps.customer_service.phrases import GLAD, OWN_PEOPLE, TO_BE_SURE, UNDERSTOOD
from apps.customer_service.questions import clauses
from apps.customer_service.remarks import bare, overdue, praises
from apps.customer_service.wishes import instead
from apps.customer_service.workflow import Workflows
from apps.store import Store
from apps.store_review import Reviews
from data.schema import Conversation, Entity, Intent, Turn
from tests.test_bot import KeywordIntents, OrderFinder, chat, index  # noqa: F401 - a fixture
from tests.test_workflows import SHIPPED, FakeOrders, order


class Intents(KeywordIntents):
    """Knows more of what is said here; unsure where "perhaps" stands in it."""

    words = {"my sister": "talk_to_human", "move it to": "change_address", **KeywordIntents.words,
             "my account": "account_details", "refund": "refund_status",
             "shift it": "change_address"}  # fmt: skip

    def _one(self, text):
        read = super()._one(text)
        if "perhaps" not in text:
            return read
        top = (("delivery_options", 0.4), ("order_status", 0.3))
        return replace(read, intent=Intent("delivery_options", 0.4), top=top)


class Finder(OrderFinder):
    """Finds addresses of the net too, and takes the digits of a postcode for an order's."""

    def predict(self, texts):
        found = super().predict(texts)
        for text, spans in zip(texts, found, strict=True):
            for kind, word in (("email", "jo@example.com"), ("order_number", "7 1")):
                if (at := text.find(word)) >= 0:
                    spans.append(Entity(kind, word, at, at + len(word)))
        return found


@pytest.fixture
def bot(index):  # noqa: F811 - the fixture's value
    orders = FakeOrders(order("FK-100001", "processing"), order("FK-100002", "dispatched"))
    flows = Workflows.load(SHIPPED, shop(orders))
    return CustomerServiceBot(Intents(), Finder(), index, flows)


def test_of_a_wish_that_is_taken_back_the_other_is_done(bot):
    wish = "cancel FK-100001... no wait scrap that! just move it to 4 Mill Lane, York, YO1 7AA"
    answer = chat(bot, wish)
    assert answer.step == "workflow:change_address:confirm"
    assert "FK-100001 to 4 Mill Lane, York, YO1 7AA" in answer.text
    kept = chat(bot, "cancel FK-100001, no wait, it is FK-100002")
    assert kept.step.startswith("workflow:cancel_order")
    assert [part.text for part in instead("cancel it, no wait, keep it! move it to York")] == [
        "keep it! move it to York", "move it to York",
    ]  # fmt: skip
    assert instead("cancel it please") == []


def test_what_is_taken_back_leaves_no_entity_behind(bot):
    text = "cancel FK-100002... no wait! just shift it to 4 Mill Lane, York, for FK-100001"
    turn = bot._understanding.of(text, Conversation("c", (Turn("customer", text),)), {})
    assert turn.text.startswith("just shift")
    understood = turn.said.entities
    assert [turn.text[each.start : each.end] for each in understood] == [
        each.text for each in understood
    ]
    assert "FK-100002" not in [each.text for each in understood]
    assert turn.values["order_number"] == "FK-100001"


def test_the_marks_of_a_message_stand_where_they_are_in_the_whole_of_it(bot):
    for text in (
        "I want to cancel FK-100001, actually no, don't, tell me where is FK-100002 please",
        "where is FK-100002 and cancel FK-100001",
        "cancel FK-100001 and FK-100002",
    ):
        marks = chat(bot, text).entities
        assert sorted(mark.text for mark in marks) == ["FK-100001", "FK-100002"]
        assert all(text[mark.start : mark.end] == mark.text for mark in marks), text


def test_digits_of_a_postcode_are_no_order_number(bot):
    answer = chat(bot, "move it to 4 Mill Lane, York, YO7 1AA")
    assert answer.step == "workflow:change_address:ask:order_number"


def test_who_talks_to_people_of_their_own_gets_nobody_of_ours(bot):
    answer = chat(bot, "cancel FK-100001", "hm, I will talk to my sister before I decide. not now.")
    assert (answer.step, answer.effects) == ("workflow:cancel_order:answer:declined", ())
    assert OWN_PEOPLE.search("I'll run it past my wife")
    assert not OWN_PEOPLE.search("I want to speak to a manager")
    for text in (
        "I want a human to check my order",
        "Can I discuss my refund with a human?",
        "could someone check with my order number",
        "run my question past a human",
    ):
        assert not OWN_PEOPLE.search(text), text


def test_a_yes_to_something_else_is_asked_once_more(bot):
    doubtful = chat(bot, "cancel FK-100001", "yes, send back that")
    assert doubtful.text.startswith(TO_BE_SURE)
    assert doubtful.effects == ()
    sure = chat(bot, "cancel FK-100001", "yes, send back that", "yes")
    assert sure.effects == ({"order": "FK-100001", "status": "cancelled"},)
    again = chat(bot, "cancel FK-100001", "yes, send back that", "yes, send back that")
    assert again.effects == ()


def test_an_address_abroad_is_refused_and_nothing_changed(bot):
    answer = chat(bot, "FK-100001 move it to York please", "14 Long Street, Dublin 6")
    assert answer.step == "workflow:change_address:answer:abroad"
    assert answer.effects == ()


def test_a_new_value_for_the_account_is_for_a_person_and_the_way_to_do_it_is_told(bot):
    given = chat(bot, "put jo@example.com on my account")
    assert (given.hand_over, given.reason) == (True, "action_failed")
    assert "My details" in given.text
    how = chat(bot, "something about my account")
    assert how.reason == "no_answer"  # no page of this index tells it


def test_an_order_is_looked_up_where_that_is_only_likely(bot):
    assert chat(bot, "perhaps FK-100002 still").step == "hand_over"
    answer = chat(bot, "still on the sofa for FK-100002. perhaps slow")
    assert answer.step == "workflow:order_status:answer:dispatched"


def test_where_a_person_leads_nothing_is_asked_that_they_know(bot):
    def led(text):
        turns = Turn("customer", "hello"), Turn("agent", "Hello."), Turn("customer", text)
        return list(bot.answer(Conversation("c", turns=turns), {}))[-1]

    for text in ("cancel it", "cancel FK-777777"):  # no number, and one that is not known
        answer = led(text)
        assert (answer.hand_over, answer.reason) == (True, "action_failed")
        assert not chat(bot, text).hand_over
    assert led("cancel FK-100001").step == "workflow:cancel_order:confirm"


def test_what_a_person_takes_whatever_is_known_is_no_gap(bot, tmp_path):
    store = Store(f"sqlite:///{tmp_path}/store.db")
    late = "my refund was promised two weeks ago and nothing came"
    harm = "the lid shattered and my son is in hospital"
    for text in (late, harm):
        *_, (answer, _) = exchange(bot, store, store.new_conversation("me", "bot"), text)
        assert (answer.hand_over, answer.reason) == (True, "no_answer")
    assert Reviews(store).unanswered() == []


def test_a_wait_past_its_time_goes_to_a_person_unless_a_rule_is_asked_for(bot):
    text = "my refund was promised two weeks ago and nothing came"
    answer = chat(bot, text)
    assert (answer.hand_over, answer.reason) == (True, "no_answer")
    assert overdue(text)
    assert not overdue("I sent it back two weeks ago")
    assert not overdue("there is nothing in the box")


def test_praise_and_a_bare_remark_are_no_questions(bot):
    assert chat(bot, "just wanted to say the mugs are lovely").text == GLAD
    assert chat(bot, "ok it's the late one").text == UNDERSTOOD
    assert chat(bot, "is my parcel late?", "ok it's the late one").text != UNDERSTOOD
    assert not praises("love it but the lid is cracked")
    assert not praises("the pan is great, how do I clean it")
    assert not bare("ok so where is it")
    assert not bare("it's the blue one that broke")


def test_a_wish_among_praise_is_not_thanked_for(bot):
    assert not praises("just wanted to let you know my new address is 4 Elm Road, York")
    for text in (
        "I love the mug, it arrived in pieces",
        "love it, mine has a dent",
        "the bowls are lovely, one short in the box",
        "the kettle is great, leaking now",
    ):
        assert not praises(text), text
    assert praises("well done on the packaging, lovely touch")
    assert chat(bot, "I love it! now cancel FK-100001").step == "workflow:cancel_order:confirm"
    assert chat(bot, "I love it, please send another one").text != GLAD


@pytest.mark.parametrize(
    ("address", "abroad"),
    [
        ("12 Cork Street, London", False),
        ("5 Dublin Road, Belfast", False),
        ("9 Melbourne Avenue, Sheffield", False),
        ("3 rue Haute, Paris", True),
        ("14 Shore Road, Dublin 4", True),
        ("2 Quay Lane, Cork, T12 AB34, please", True),
    ],
)
def test_a_street_named_after_a_place_abroad_is_at_home(address, abroad):
    assert is_abroad(address) is abroad


@pytest.mark.parametrize("text", ["my last delivery was horrible", "our second order is terrible"])
def test_anger_about_an_order_counts_and_about_ones_own_things_does_not(text):
    assert anger(text) == ANGRY
    assert anger("half my pans are useless") == 0


def test_an_abbreviation_ends_no_sentence():
    text = "Please ask Mr. Smith at St. Albans to call me, approx. three is fine"
    assert clauses(text) == [text]
    assert clauses("it is late. where is it") == ["it is late.", "where is it"]
