"""The bot where it was fitted how probable an answer must be."""

from dataclasses import replace
from datetime import date, timedelta
from threading import Event

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from apps import serving
from apps.actions import SlotTurn
from apps.customer_service.actions import shop
from apps.customer_service.agreement import agreed
from apps.customer_service.bot import CustomerServiceBot
from apps.customer_service.delivery import is_abroad, return_terms, usual_time, working_days
from apps.customer_service.fitness import Fitness, named
from apps.customer_service.order_details import read_address
from apps.customer_service.phrases import GRAVE, GREETING, THANKS
from apps.customer_service.questions import questions, rule_questions, single
from apps.customer_service.workflow import Workflows
from data.schema import Conversation, Turn
from retrieval.writing import build_index
from tests.fakes import HashEncoder, by_hand
from tests.test_bot import AGENT, LATE, WINDOW, KeywordIntents, OrderFinder, chat
from tests.test_workflows import SHIPPED, FakeOrders, order

TODAY = date(2026, 6, 15)  # a Monday
WEIGHTS = named([10, 2, 10, -20, 10, 2, 10, 10, -1])
FITNESS = Fitness(WEIGHTS, threshold=0.5, led=0.5, beside=0.1)


@pytest.fixture
def bot(tmp_path):
    index = build_index([LATE, WINDOW, AGENT], HashEncoder(), "hash", tmp_path / "index")
    orders = FakeOrders(order("FK-100001", "processing"), order("FK-100002", "dispatched"))
    return CustomerServiceBot(
        KeywordIntents(), OrderFinder(), index.refit(by_hand(0.5, 0.2)),
        Workflows.load(SHIPPED, shop(orders)), fitness=FITNESS,
    )  # fmt: skip


def test_what_most_probably_answers_is_said_and_nothing_where_it_is_too_improbable(bot):
    assert chat(bot, "is my parcel late?").text == LATE.text
    unknown = chat(bot, "late afternoon gift wrapping paper ribbons")
    assert (unknown.hand_over, unknown.reason) == (True, "no_answer")


def test_the_page_leaves_the_cores_to_the_models_and_reads_ahead(bot, tmp_path, monkeypatch):
    served, ahead = [], Event()
    monkeypatch.setitem(serving.APPS, "customer_service", lambda *_: bot)
    monkeypatch.setattr(bot._known, "read_ahead", ahead.set)
    monkeypatch.setattr("apps.web.page.build_page", lambda *_: None)
    monkeypatch.setattr("apps.web.server.create_server", lambda *_, hosts: None)
    monkeypatch.setattr(
        "apps.web.server.serve", lambda _, on, up: served.append(on[0].getsockname()[0])
    )
    store = f"store=sqlite:///{tmp_path}/page.db"
    with threadpool_limits(limits=2, user_api="blas"):  # which sets back what is changed in it
        serving.serve_apps(["customer_service"], "127.0.0.1", 0, [store])
        blas = [each for each in threadpool_info() if each["user_api"] == "blas"]
        assert {each["num_threads"] for each in blas} == {1}
    assert ahead.wait(10)
    assert served == ["127.0.0.1"]


def test_titles_that_were_read_ahead_are_not_read_in_a_turn(bot, monkeypatch):
    read = []
    predict = KeywordIntents.predict
    monkeypatch.setattr(
        KeywordIntents, "predict", lambda self, texts: [read.extend(texts), predict(self, texts)][1]
    )
    bot.read_ahead()
    assert {LATE.title, WINDOW.title} <= set(read)
    read.clear()
    assert chat(bot, "is my parcel late?").text == LATE.text
    assert set(read) == {"is my parcel late?"}


def test_an_answer_must_be_more_probable_where_a_person_has_led_the_conversation(bot):
    bot._known._fitness = replace(FITNESS, led=0.999)
    turns = [
        Turn("customer", "late"),
        Turn("agent", "Which one?"),
        Turn("customer", "late blue one"),
    ]
    *_, remark = bot.answer(Conversation("c", turns=tuple(turns)), {})
    assert (remark.hand_over, remark.reason) == (True, "no_answer")
    own = chat(bot, "late", "my parcel is late")  # the bot itself has answered before
    assert own.text == LATE.text


def test_a_question_out_of_scope_is_answered_where_a_page_surely_does(bot):
    known = chat(bot, "how long do i have to send")
    assert known.intent.name is None
    assert known.text == WINDOW.text
    assert chat(bot, "how long is a piece of string").step == "out_of_scope"


def test_the_question_at_the_end_of_a_story_is_answered(bot):
    story = "My neighbour met the driver, who had lost his way twice. Is my parcel late then?"
    assert chat(bot, story).text == LATE.text


def test_an_order_and_a_rule_in_one_message_are_both_told(bot):
    answer = chat(bot, "where is FK-100002, how long do I have to send?")
    assert answer.step == "workflow:order_status:answer:dispatched"
    assert "was dispatched on" in answer.text
    assert WINDOW.text in answer.text
    asked = chat(bot, "please cancel FK-100001. how long do I have to send?")
    assert asked.step == "workflow:cancel_order:confirm"
    assert asked.text.startswith(WINDOW.text)
    assert asked.text.endswith("yes or no.")


def test_a_question_that_no_page_answers_starts_no_workflow_that_is_doubtful(bot):
    class Doubting(KeywordIntents):
        confidence = 0.4

        def _one(self, text):
            read = super()._one(text)
            return replace(read, intent=replace(read.intent, confidence=self.confidence))

    bot._understanding._intents = bot._intents = doubting = Doubting()
    asked = "cancel FK-100001? how many ribbons go around it?"
    unclear = chat(bot, asked)
    assert (unclear.step, unclear.reason) == ("hand_over", "low_confidence")
    doubting.confidence = 0.6
    assert chat(bot, asked).step == "workflow:cancel_order:confirm"


def test_what_a_workflow_does_not_understand_is_asked_again_and_not_declined(bot):
    answer = chat(bot, "please cancel FK-100001", "the moon is made of cheese")
    assert answer.step == "workflow:cancel_order:confirm"
    assert not answer.effects


def test_who_lacks_the_number_is_passed_on_at_once(bot):
    answer = chat(bot, "please cancel it", "sorry I can't find the email")
    assert (answer.hand_over, answer.reason) == (True, "action_failed")
    assert chat(bot, "please cancel it", "I don't know, FK-100001?").step.endswith("confirm")


def test_harm_and_crime_go_to_a_person_whatever_page_is_close(bot):
    answer = chat(bot, "is my parcel late, it burnt my hand and I was in hospital")
    assert (answer.hand_over, answer.reason) == (True, "no_answer")
    assert not GRAVE.search("the old hoover died in a cloud of smoke, the battery is burnt out")


def test_who_is_angry_about_what_nobody_can_answer_is_told_so(bot):
    answer = chat(bot, "your weather service is utterly useless")
    assert (answer.hand_over, answer.reason) == (True, "upset")


def test_one_sentence_that_asks_for_a_person_is_enough(bot):
    answer = chat(bot, "My gift card is late. Get me a human person.")
    assert (answer.hand_over, answer.reason) == (True, "asked_for_person")


def test_a_change_that_only_a_person_can_make_is_passed_on(bot):
    class Changes(KeywordIntents):
        words = {"quantity": "change_order"}

    bot = CustomerServiceBot(
        Changes(), OrderFinder(), bot._known._index,
        Workflows.load(SHIPPED, shop(FakeOrders(order("FK-100001", "processing")))),
    )  # fmt: skip
    answer = chat(bot, "another quantity in FK-100001")
    assert (answer.hand_over, answer.reason) == (True, "action_failed")
    assert "still being packed" in answer.text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A van came. How long will the depot keep it?", ["How long will the depot keep it?"]),
        ("if it comes back, what do you charge for this?", ["what do you charge for this?"]),
        ("when will my towels turn up", []),
        ("is it on a van yet?", []),
        ("when does it count as lost?", ["when does it count as lost?"]),
        ("Parcelway have gone quiet. What happens now?", []),
        ("what is it?", ["what is it?"]),
        (
            "got a card. will he come again, and if not how long do they keep it?",
            ["and if not how long do they keep it?"],
        ),
        ("Unopened. Would swapping it cost me anything?", ["Would swapping it cost me anything?"]),
        ("can you keep it?", []),
        ("cancel it please", []),
    ],
)
def test_questions_about_the_rules_are_told_from_those_about_one_order(text, found):
    assert rule_questions(text) == found


def test_a_message_of_several_questions_is_read_once_for_each():
    text = "got 500 points. what r they worth to me and do they go off"
    assert single(text) == [
        "got 500 points. what r they worth to me", "got 500 points. and do they go off",
    ]  # fmt: skip
    assert single("got 500 points. what are they worth?") == []
    assert single("which is how I came to buy it, and when I saw it I cried. is it late?") == []
    both = "Do you take cards? How long is the wait?"
    assert single(both, ["Do you take cards?"]) == []


def test_each_question_of_several_gets_its_answer(bot):
    answer = chat(bot, "Hello there. is my parcel late and how long do I have to send")
    assert LATE.text in answer.text
    assert WINDOW.text in answer.text
    half = chat(bot, "is my parcel late, and how long is a piece of string?")
    assert half.text == LATE.text


def test_what_a_further_wish_was_told_counts_as_said(bot):
    answer = chat(bot, "cancel FK-100001 and tell me is my parcel late", "yes")
    assert LATE.text in answer.text
    assert answer.state["told"] == [LATE.id]


def test_who_asks_again_for_what_was_said_is_told_it_again(bot):
    assert chat(bot, "is my parcel late?", "so is my parcel late then?").text == LATE.text


def test_any_question_may_be_looked_up():
    assert questions("Nice. Could somebody please wrap that up?") == [
        "Could somebody please wrap that up?"
    ]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("nobody home. Send it to work instead: Unit 3, 14 Loom Yard, York, YO1 4TD. Cheers",
         "Unit 3, 14 Loom Yard, York, YO1 4TD"),
        ("to my brother's place, 14 Elm Fold, York, YO1 6RT", "14 Elm Fold, York, YO1 6RT"),
        ("order 210897 needs to come to 5 Elm Way, York, YO1 8SA", "5 Elm Way, York, YO1 8SA"),
        ("we moved. Could it go to our new place? 8 Elm View, York, YO1 3GH",
         "8 Elm View, York, YO1 3GH"),
        ("old one was 3 Elm Rd YO1 1AA, new one is 9 Oak Rd, York, YO2 2BB",
         "9 Oak Rd, York, YO2 2BB"),
        ("The Old Dairy, High St, York, YO5 1FD", "The Old Dairy, High St, York, YO5 1FD"),
        ("5 Elm Road YO1 4AB please", "5 Elm Road YO1 4AB"),
        ("the postcode should read YO8 4PM", None),
        ("14 Elm Fold, York, YO1 6RT. Oops, 41 Elm Fold of course", None),
        ("sorry, I meant 41 Elm Fold, York, YO1 6RT", "41 Elm Fold, York, YO1 6RT"),
        ("to work rather than home: 2nd Floor, 8 Elm Way, York, YO1 3GH",
         "2nd Floor, 8 Elm Way, York, YO1 3GH"),
        ("send it to my aunt's at Elm Cottage, Mill Lane, York, YO7 1AB",
         "Elm Cottage, Mill Lane, York, YO7 1AB"),
    ],
)  # fmt: skip
def test_an_address_is_cut_out_of_the_talk_around_it(text, address):
    assert read_address(SlotTurn(text, (), None, asked=True)) == address


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("aye that's right", True),
        ("yesss thats it", True),
        ("yes, no need to rush", True),
        ("please", True),
        ("could you please tell me where it is", None),
        ("what's that great smell", None),
        ("not just now, thank you", False),
        ("actually keep it", False),
        ("not yet, thank you", False),
    ],
)
def test_people_say_yes_and_no_in_many_ways(text, reply):
    assert agreed(text) is reply


def test_who_only_asks_for_help_is_asked_what_for():
    for text in ("hello", "Hi there", "can you help me please", "hi, i have a question"):
        assert GREETING.match(text), text
    for text in (
        "help with my parcel",
        "i have a question about my refund",
        "can you help return it",
    ):
        assert not GREETING.match(text), text


def test_closing_words_are_no_question():
    assert all(map(THANKS.match, ("ok", "thanks that's all", "perfect, thank you x", "great")))
    assert not any(map(THANKS.match, ("fine, where is it", "that's great, when will it come")))


def test_working_days_leave_weekends_out():
    friday = date(2026, 6, 12)
    assert working_days(friday, TODAY) == 1
    assert working_days(friday, friday) == 0
    assert working_days(TODAY - timedelta(days=14), TODAY) == 10


def test_the_usual_time_depends_on_where_it_goes_and_what_it_is():
    plain = replace(order("FK-1", "dispatched"), dispatched=TODAY)
    waiting = replace(plain, dispatched=None)
    assert usual_time(waiting, TODAY) == usual_time(plain, TODAY)
    assert usual_time(plain, TODAY) == "Standard delivery takes 3 to 5 working days."
    far = replace(plain, address="1 Elm Row, Belfast, BT6 9QJ")
    assert "5 to 7" in usual_time(far, TODAY)
    assert "ring you" in usual_time(replace(plain, items="Alder shoe rack x 1"), TODAY)
    late = replace(plain, dispatched=TODAY - timedelta(days=8))
    assert "counts as lost" in usual_time(late, TODAY)
    assert "counts as lost" not in usual_time(replace(late, address=far.address), TODAY)


def test_abroad_is_what_is_named_so_and_has_no_british_postcode():
    assert is_abroad("27 Mulberry Close, Rathmines, Dublin 6")
    assert not is_abroad("8 Elm Row, Belfast, Northern Ireland")
    assert not is_abroad("3 Paris Road, York, YO1 4TD")


def test_the_terms_of_a_return_depend_on_what_is_returned():
    plain = order("FK-1", "delivered", 3)
    assert "£2.95" in return_terms(plain)
    assert "£19" in return_terms(replace(plain, items="Alder side table x 1"))
    assert "opened" in return_terms(replace(plain, items="Finch replacement filter x 1"))
