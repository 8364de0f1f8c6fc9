"""The bot with a generator: written answers grow, are guarded, and fall back."""

from functools import partial

import pytest

from apps.customer_service.actions import shop
from apps.customer_service.bot import CustomerServiceBot
from apps.customer_service.workflow import Workflows
from apps.generation.config import GenerateConfig
from apps.generation.generator import GenerationFailed
from apps.generation.prompt import RULES
from apps.generation.writer import AnswerWriter
from apps.guard import check
from data.schema import Conversation, Turn
from tests.test_bot import LATE, KeywordIntents, OrderFinder, chat, index
from tests.test_workflows import SHIPPED, FakeOrders, order

__all__ = ["index"]  # the fixture
ASKED = "is my parcel late, late parcels"


class Says:
    """Writes the given pieces, whatever is asked."""

    name = "fake"

    def __init__(self, *pieces, fails=None):
        self.pieces, self.fails, self.asked = pieces, fails, []

    def write(self, situation, stop_after_s):
        self.asked.append(situation)
        yield from self.pieces
        if self.fails:
            raise GenerationFailed(self.fails)


@pytest.fixture
def bot_with(index):
    orders = FakeOrders(order("FK-100001", "processing"))

    def made(generator, mode="generate"):
        endpoint = {"url": "http://127.0.0.1:9/v1", "model": "none"}
        config = GenerateConfig.model_validate({"mode": mode, "endpoint": endpoint})
        writer = AnswerWriter(generator, partial(check, system=RULES), config, 0.2)
        workflows = Workflows.load(SHIPPED, shop(orders))
        return CustomerServiceBot(KeywordIntents(), OrderFinder(), index, workflows, writer=writer)

    return made


def test_a_written_answer_grows_by_sentences_and_ends_with_state_and_sources(bot_with):
    writes = Says("Late parcels are looked ", "into. They are ", "answered within a day.")
    turn = Conversation("c", (Turn("customer", ASKED),))
    first, *_, last = bot_with(writes).answer(turn, {})
    assert first.text.strip() == "Late parcels are looked into."
    assert first.state == {}
    assert last.text == "Late parcels are looked into. They are answered within a day."
    assert (last.step, last.hand_over) == ("generate", False)
    assert last.intent.name == "delivery_options"
    assert LATE.id in {passage.id for passage in last.passages}
    assert last.state["tried"] == ["generate"]
    assert {"first_token", "total"} <= set(last.ms)
    assert writes.asked[0].turns[-1].text == ASKED


@pytest.mark.parametrize(
    ("writes", "step"),
    [
        (Says("They are answered within 9 days."), "generate:guard"),
        (Says("You will get a full refund."), "generate:guard"),
        (Says(fails="unreachable"), "generate:unreachable"),
        (Says(), "generate:empty"),
    ],
)
def test_what_the_guard_stops_or_fails_is_answered_by_the_selected_passage(bot_with, writes, step):
    answer = chat(bot_with(writes), ASKED)
    assert (answer.text, answer.step, answer.hand_over) == (LATE.text, step, False)


def test_a_model_that_passes_on_hands_over_in_the_bot_s_words(bot_with):
    answer = chat(bot_with(Says("[colleague]")), ASKED)
    assert (answer.hand_over, answer.reason, answer.step) == (
        True, "no_answer", "generate:no_answer")  # fmt: skip
    assert answer.summary
    assert answer.text.startswith("I do not have a reliable answer")


def test_workflows_and_what_nothing_answers_are_not_written(bot_with):
    writes = Says("Anything.")
    bot = bot_with(writes)
    assert chat(bot, "cancel FK-100001").step.startswith("workflow:cancel_order")
    assert chat(bot, "human please").reason == "asked_for_person"
    assert chat(bot, "translate zebra quantum").hand_over
    assert writes.asked == []


def test_a_workflow_that_waits_asks_again_behind_a_written_answer(bot_with):
    answer = chat(bot_with(Says("They are answered within a day.")), "cancel please", ASKED + "?")
    assert answer.step == "generate"
    told, question = answer.text.split("\n\n")
    assert told == "They are answered within a day."
    assert question.startswith("Back to where we were: ")


def test_the_model_reads_the_message_with_its_entities(bot_with):
    writes = Says("They are answered within a day.")
    chat(bot_with(writes), f"{ASKED} FK-100001")
    (entity,) = writes.asked[0].turns[-1].entities
    assert (entity.type, entity.text) == ("order_number", "FK-100001")


def test_auto_selects_what_is_exact(bot_with):
    writes = Says("Anything.")
    answer = chat(bot_with(writes, "auto"), LATE.title)
    assert (answer.text, writes.asked) == (LATE.text, [])
