import re
from dataclasses import replace

import numpy as np
import pytest

from apps.app import MAX_CHARS, clean
from apps.customer_service.actions import shop
from apps.customer_service.bot import CustomerServiceBot, growing
from apps.customer_service.selection import fill, select
from apps.customer_service.workflow import Workflows
from apps.faq.faq import UNKNOWN, FaqApp, related
from apps.summarizer.summarizer import Summarizer
from data.schema import Answer, Conversation, Entity, Intent, Passage, Turn
from finetune.confidence.trust import Levels
from finetune.intent.model import IntentPrediction
from retrieval.writing import add, build_index, delete
from tests.fakes import HashEncoder, by_hand
from tests.test_workflows import SHIPPED, FakeOrders, order

ORDER = re.compile(r"FK-\d{6}")
LATE = Passage("faq-1", "Reports of late parcels are answered within a day.", "Is my parcel late?",
               "faq.md#1", {"kind": "faq"})  # fmt: skip
WINDOW = Passage("faq-2", "You have 30 days from delivery.", "How long do I have to send back?",
                 "faq.md#5", {"kind": "faq"})  # fmt: skip
AGENT = Passage("c1:1", "I have refunded your card today.", "my refund gift card is missing",
                "conversation c1", {"kind": "conversation"})  # fmt: skip


class KeywordIntents:
    """The intent whose keyword stands in the text; none: out of scope."""

    levels = Levels(sure=0.8, doubtful=0.5)
    words = {"cancel": "cancel_order", "where": "order_status", "send back": "return_item",
             "human": "talk_to_human", "late": "delivery_options", "gift": "gift_card"}  # fmt: skip

    def predict(self, texts, vectors=None):
        return [self._one(text) for text in texts]

    def _one(self, text):
        name = next((intent for word, intent in self.words.items() if word in text.lower()), None)
        return IntentPrediction(
            Intent(name, 0.9 if name else 0.2), ((name or "gift_card", 0.9),), 0.9
        )


class OrderFinder:
    def predict(self, texts):
        return [
            [Entity("order_number", m.group(), m.start(), m.end()) for m in ORDER.finditer(text)]
            for text in texts
        ]


@pytest.fixture
def index(tmp_path):
    built = build_index([LATE, WINDOW, AGENT], HashEncoder(), "hash", tmp_path / "index")
    return built.refit(by_hand(0.5, 0.2))


@pytest.fixture
def bot(index):
    orders = FakeOrders(order("FK-100001", "processing"), order("FK-100002", "dispatched"))
    return CustomerServiceBot(
        KeywordIntents(), OrderFinder(), index, Workflows.load(SHIPPED, shop(orders))
    )


def chat(app, *texts):
    """The last Answer of a conversation in which the customer writes these texts."""
    turns, state, answer = (), {}, None
    for text in texts:
        turns += (Turn("customer", text),)
        answers = list(app.answer(Conversation("c", turns), state))
        answer = answers[-1]
        assert all(answer.text.startswith(each.text) for each in answers), "answers only grow"
        assert all(not each.effects for each in answers[:-1])
        state, turns = answer.state, (*turns, Turn("agent", answer.text))
    return answer


def test_a_workflow_is_followed_over_several_turns(bot):
    done = chat(bot, "please cancel it", "FK-100001", "yes")
    assert done.step == "workflow:cancel_order:answer:done"
    assert done.effects == ({"order": "FK-100001", "status": "cancelled"},)


def test_an_order_number_is_remembered_for_the_next_wish(bot):
    answer = chat(bot, "where is FK-100001", "ok cancel it then")
    assert answer.step == "workflow:cancel_order:confirm"
    assert "FK-100001" in answer.text


def test_a_question_in_between_is_answered_and_the_workflow_asks_again(bot):
    answer = chat(
        bot,
        "please cancel it",
        "is my parcel late?",
    )
    assert answer.text.startswith("Reports of late parcels")
    assert "order" in answer.text.split("Back to where we were")[1]
    assert chat(bot, "please cancel it", "is my parcel late?", "FK-100001").step.endswith("confirm")


def test_the_customer_may_change_the_subject_to_another_workflow(bot):
    answer = chat(bot, "please cancel it", "no wait, where is FK-100002?")
    assert answer.step == "workflow:order_status:answer:dispatched"


def test_a_question_about_the_rules_is_answered_before_the_workflow_begins(bot):
    answer = chat(bot, "how long do I have to send back?")
    assert answer.text.startswith("You have 30 days")
    assert answer.state["workflow"]["asked"] == "order_number"


def test_a_question_about_the_rules_of_the_workflow_that_goes_on_is_answered_in_between(bot):
    answer = chat(bot, "please cancel FK-100001", "how late can I cancel, is my parcel late?")
    assert answer.text.startswith("Reports of late parcels")
    assert "Shall I cancel order FK-100001" in answer.text.split("Back to where we were")[1]


def test_who_only_repeats_the_wish_is_asked_again_and_then_given_to_a_person(bot):
    wish = "please cancel it"
    assert chat(bot, wish, wish, wish).step == "workflow:cancel_order:ask:order_number"
    assert chat(bot, wish, wish, wish, wish).reason == "action_failed"


def test_a_person_is_called_when_asked_for(bot):
    answer = chat(bot, "a human please")
    assert (answer.hand_over, answer.reason) == (True, "asked_for_person")


def test_a_person_asked_for_in_a_workflow_is_called_whatever_else_is_said(bot):
    for text in ("no, a human please", "human, somebody real"):
        answer = chat(bot, "please cancel FK-100001", text)
        assert (answer.hand_over, answer.reason) == (True, "asked_for_person")
        assert not answer.effects
    answer = chat(bot, "please cancel FK-100001", "yes please, most human of you")
    assert answer.hand_over


def test_out_of_scope_is_declined_once_and_then_handed_over(bot):
    first = chat(bot, "what is the capital of Peru")
    assert (first.hand_over, first.reason, first.intent.name) == (False, "out_of_scope", None)
    second = chat(bot, "what is the capital of Peru", "and of Chile")
    assert (second.hand_over, second.reason) == (True, "out_of_scope")


def test_nothing_close_enough_is_handed_over_with_its_reason(bot, index):
    index.refit(by_hand(0.5, 0.99))
    answer = chat(bot, "gift wrap for zebras")
    assert (answer.hand_over, answer.reason) == (True, "no_answer")


def test_what_was_done_for_somebody_else_is_never_said_again(bot):
    answer = chat(bot, "my refund gift card is missing")
    assert "refunded your card" not in answer.text


@pytest.mark.parametrize("text", ["", "  \n ", "😀🎉", "x" * (MAX_CHARS + 1), "\x00\x07"])
def test_what_no_model_should_read_gets_a_polite_answer_and_changes_nothing(bot, text):
    answer = chat(bot, "please cancel it", text)
    assert answer.step == "not_read"
    assert answer.state["workflow"]["name"] == "cancel_order"


def test_greetings_and_thanks_are_answered_in_kind(bot):
    assert chat(bot, "Hi there!").step == "small_talk"
    assert "welcome" in chat(bot, "thanks, bye").text


def test_control_characters_are_cut_and_markup_is_left_as_text():
    assert clean(" <b>hi</b>\x00\x1b[31m\n there ") == "<b>hi</b>[31m\n there"


def test_every_answer_tells_its_time_and_sources(bot):
    answer = chat(bot, "is my parcel late?")
    assert {"intent", "entities", "search", "total"} <= set(answer.ms)
    assert answer.passages[0].source == "faq.md#1"


def test_placeholders_are_filled_with_this_customers_values():
    assert fill("Hi [person], order [order_number] is fine.", {"order_number": "FK-1"}) == (
        "order FK-1 is fine."
    )
    assert fill("Your order [order_number] is fine.", {}) is None


def test_the_companys_own_address_is_never_filled_with_the_customers():
    assert fill("Write to [email].", {"email": "ada@example.com"}) is None


def test_the_companys_own_page_wins_over_an_agents_answer_nearly_as_close():
    page = Passage("a", "Thirty days.", score=0.60, metadata={"kind": "faq"})
    agent = Passage("b", "Fourteen days.", score=0.65, metadata={"kind": "conversation"})
    assert select([agent, page], {}).id == "a"


def test_an_agents_answer_must_be_close_and_about_the_same_product():
    agent = Passage("b", "It measures 26 cm.", "how wide is the skillet", score=0.6,
                    metadata={"kind": "conversation"})  # fmt: skip
    assert select([agent], {}, floor=0.4, products=["Bramble skillet"]).id == "b"
    assert select([agent], {}, floor=0.4, products=["tarn wok"]) is None
    assert select([agent], {}, floor=0.5) is None


def test_a_correction_at_the_confirmation_is_taken_and_asked_again(bot):
    answer = chat(bot, "please cancel FK-999999", "FK-100001", "FK-100001")
    assert answer.step.endswith("confirm")
    answer = chat(bot, "please cancel FK-100001", "oh FK-100002 it was")
    assert answer.step == "workflow:cancel_order:answer:dispatched"


def test_the_faq_app_answers_from_entries_alone_or_says_that_it_does_not_know(index):
    app = FaqApp(index)
    answer = chat(app, "how long do I have to send back?")
    assert (answer.text, answer.passages[0].source) == (WINDOW.text, WINDOW.source)
    unknown = chat(app, "zebra")
    assert (unknown.text, unknown.reason) == (UNKNOWN, "no_answer")
    assert all(p.metadata["kind"] == "faq" for p in answer.passages)


def test_under_an_answer_are_related_questions_of_other_entries_that_are_near_enough(index):
    index.manifest = replace(index.manifest, threshold=0.3)
    more = [Passage(f"n{n}", text, title, f"faq.md#{n}", {"kind": kind}) for n, (title, text, kind)
            in enumerate([
                ("How long do I have to send back a gift?", "Sixty days.", "faq"),
                ("How do I send back a parcel?", "By post.", "faq"),
                ("How long do I have to send back?", "The same question twice.", "faq"),
                ("Where do you send?", "To the islands.", "policy"),
            ])]  # fmt: skip
    add(index, more)
    app = FaqApp(index)
    answer = chat(app, "how long do I have to send back")
    assert "How do I send back a parcel?" in answer.related
    assert answer.passages[0].title not in answer.related
    assert "Where do you send?" not in answer.related
    assert chat(app, "zebra").related == ()
    assert (app.knows("how long do I have to send back"), app.knows("zebra"), app.knows("")) == (
        True, False, False,
    )  # fmt: skip


def test_a_question_far_from_the_answer_is_not_related():
    near = [
        replace(WINDOW, id=str(score), title=f"q{score}", score=score) for score in (0.9, 0.5, 0.4)
    ]
    assert related(near, 0.0) == ("q0.5",)
    assert related(near, 0.6) == ()
    assert len(related([WINDOW] + [replace(WINDOW, title=f"q{n}") for n in range(9)], 0.0)) == 3


def test_without_faq_entries_the_faq_app_answers_from_what_agents_said(tmp_path):
    said = Passage("c1:1", "Two working days to the islands.", "how long will it be to Orkney",
                   "conversation c1", {"kind": "conversation"})  # fmt: skip
    personal = replace(said, id="c2:1", text="Two days, [person].", title="how long to Orkney")
    app = FaqApp(build_index([personal, said], HashEncoder(), "hash", tmp_path / "log"))
    assert chat(app, "how long to Orkney").text == said.text


def test_an_index_whose_faq_entries_are_all_deleted_is_searched_whole(tmp_path):
    said = Passage("c1:1", "Two working days to the islands.", "how long will it be to Orkney",
                   "conversation c1", {"kind": "conversation"})  # fmt: skip
    entry = Passage("f", "Yes.", "do you sell kettles", "faq.md#1", {"kind": "faq"})
    index = build_index([said, entry], HashEncoder(), "hash", tmp_path / "log")
    app = FaqApp(index)
    delete(index, ["f"])
    assert chat(app, "how long to Orkney").text == said.text


def test_an_app_that_runs_sees_what_is_added_and_not_what_is_past_its_day(index):
    app = FaqApp(index)
    old = Passage("old", "Ten pounds.", "how much is a zebra", "faq.md#9",
                  {"kind": "faq", "valid_until": "2001-01-31"})  # fmt: skip
    add(index, [old])
    assert chat(app, "how much is a zebra").text == UNKNOWN
    add(index, [replace(old, id="new", text="Twelve pounds.", metadata={"kind": "faq"})])
    assert chat(app, "how much is a zebra").text == "Twelve pounds."


def test_a_summary_quotes_what_was_wanted_and_done():
    turns = (
        Turn("customer", "Hello! My kettle arrived broken and I want a new kettle."),
        Turn("agent", "Sorry. We are sending a new kettle today."),
        Turn("customer", "Thank you"),
    )
    summary = Summarizer(HashEncoder()).summarize(Conversation("c", turns, outcome="solved"))
    assert summary.wanted == "My kettle arrived broken and I want a new kettle."
    assert summary.done == "We are sending a new kettle today."
    assert summary.ended == "Solved."


def test_a_conversation_without_words_has_an_empty_summary():
    summary = Summarizer(HashEncoder()).summarize(Conversation("c", (Turn("agent", "…"),)))
    assert summary.wanted == ""
    assert np.isfinite(len(summary.text))


def test_only_a_wish_that_the_intent_run_is_sure_of_interrupts_a_workflow(bot):
    bot._intents.levels = Levels(sure=0.95, doubtful=0.5)
    answer = chat(bot, "please cancel it", "no wait, where is FK-100002?")
    assert answer.step.startswith("workflow:cancel_order")


def test_a_confidence_that_is_more_often_wrong_than_right_is_the_reason_of_a_hand_over(bot, index):
    index.refit(by_hand(0.5, 0.99))
    bot._intents.levels = Levels(sure=0.95, doubtful=0.92)
    assert chat(bot, "gift wrap for zebras").reason == "low_confidence"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Dr. Smith has it. It is new!", ["Dr. Smith has it. "]),
        ("好的。可以退货！请看这里。", ["好的。", "好的。可以退货！"]),
        ("One line", []),
        ("", []),
    ],
)
def test_an_answer_grows_by_whole_sentences_and_the_last_alone_has_its_state(text, shown):
    *early, last = growing(Answer(text, state={"step": "a"}))
    assert [each.text for each in early] == shown
    assert all(each.state == {} for each in early)
    assert (last.text, last.state) == (text, {"step": "a"})
