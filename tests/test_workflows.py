from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from apps.actions import Order
from apps.customer_service.actions import return_item, shop
from apps.customer_service.items import holds
from apps.customer_service.order_details import new_value, order_number
from apps.customer_service.progress import Progress, Said
from apps.customer_service.workflow import Workflows
from data.errors import ConfigError
from data.schema import Entity

SHIPPED = Path(__file__).parent.parent / "apps" / "customer_service" / "workflows.yaml"
TODAY = date.today()
ITEMS = "Moss hand blender x 1; Clover throw x 1; Fennel mugs x 1; Fennel bowls x 1"


def order(number, status, delivered_days=None):
    delivered = TODAY - timedelta(days=delivered_days) if delivered_days is not None else None
    sent = TODAY if status in ("dispatched", "delivered") else None
    tracking = "PW1234567890" if sent else ""
    return Order(
        number, "Ada Moss", "ada@example.com", "Leeds", "1 Elm Row", status, TODAY, sent, delivered,
        tracking, "Moss hand blender x 1", 35.0,
    )  # fmt: skip


class FakeOrders:
    def __init__(self, *orders):
        self.orders = {each.number: each for each in orders}

    def find(self, number):
        return self.orders.get(number)


@pytest.fixture
def workflows():
    return Workflows.load(
        SHIPPED,
        shop(
            FakeOrders(
                order("FK-100001", "processing"),
                order("FK-100002", "dispatched"),
                replace(order("FK-100003", "delivered", 5), items=ITEMS),
                order("FK-100004", "delivered", 31),
                order("FK-100005", "cancelled"),
            )
        ),
    )


def number(text, value):
    start = text.index(value)
    return Entity("order_number", value, start, start + len(value))


def say(workflows, name, *texts, entities=()):
    """The step that the last of several messages leads to; known numbers are found in them."""
    progress, step = Progress(name), None
    for text in texts:
        found = [number(text, word) for word in text.split() if word.startswith("FK-")]
        step = workflows.moved(progress, Said(text, [*found, *entities]))
        progress = step.progress or Progress(name)
    return step


def test_a_missing_order_number_is_asked_for_and_then_used(workflows):
    asked = say(workflows, "order_status", "where is it")
    assert asked.stage == "ask:order_number"
    done = say(workflows, "order_status", "where is it", "FK-100002")
    assert done.stage == "answer:dispatched"
    assert "PW1234567890" in done.text
    assert done.progress is None


@pytest.mark.parametrize("typed", ["fk100002", "#100002", "100002", "FK-100002", "fk 100002"])
def test_an_order_number_is_read_as_people_type_it(typed):
    assert order_number(typed) == "FK-100002"


def test_nothing_changes_before_the_customer_says_yes(workflows):
    asked = say(workflows, "cancel_order", "cancel FK-100001")
    assert asked.stage == "confirm"
    assert not asked.effects
    done = say(workflows, "cancel_order", "cancel FK-100001", "yes please do")
    assert done.effects == ({"order": "FK-100001", "status": "cancelled"},)


def test_a_no_at_the_confirmation_changes_nothing(workflows):
    declined = say(workflows, "cancel_order", "cancel FK-100001", "no")
    assert declined.stage == "answer:declined"
    assert not declined.effects


@pytest.mark.parametrize("text", ["no problem, go ahead", "no worries, do it", "sure"])
def test_no_problem_is_not_a_no(workflows, text):
    assert say(workflows, "cancel_order", "cancel FK-100001", text).stage == "answer:done"


@pytest.mark.parametrize("text", ["that's not correct", "please don’t", "no thats not ok"])
def test_a_yes_word_that_is_denied_is_a_no(workflows, text):
    assert say(workflows, "cancel_order", "cancel FK-100001", text).stage == "answer:declined"


@pytest.mark.parametrize("text", ["hm i'm not sure", "I don't know", "maybe, not so sure yet"])
def test_who_is_not_sure_is_asked_again_and_nothing_changes(workflows, text):
    asked = say(workflows, "cancel_order", "cancel FK-100001", text)
    assert asked.stage == "confirm"
    assert not asked.effects
    assert workflows.takes(asked.progress, text, [])


def product(text, value):
    start = text.index(value)
    return Entity("product", value, start, start + len(value))


def test_of_the_item_named_before_and_another_the_other_is_meant(workflows):
    progress = Progress("return_item", {"order_number": "FK-100003", "product": "cover"}, "confirm")
    text = "actually not the cover, I meant the throw"
    found = [product(text, "cover"), product(text, "throw")]
    assert workflows.takes(progress, text, found)
    step = workflows.moved(progress, Said(text, found))
    assert (step.stage, step.progress.slots["product"]) == ("confirm", "throw")


def test_of_the_number_given_before_and_another_the_other_is_meant(workflows):
    progress = Progress("cancel_order", {"order_number": "FK-100005"}, "confirm")
    text = "not FK-100005, I meant FK-100001"
    step = workflows.moved(
        progress, Said(text, [number(text, "FK-100005"), number(text, "FK-100001")])
    )
    assert (step.stage, step.progress.slots["order_number"]) == ("confirm", "FK-100001")


def test_which_item_is_asked_where_several_were_named(workflows):
    text = "the bowls and mugs came in FK-100003, and I send back the mugs"
    found = [number(text, "FK-100003"), product(text, "bowls"), product(text, "mugs")]
    asked = workflows.moved(Progress("return_item"), Said(text, found))
    assert asked.stage == "ask:product"
    other = "mugs, not bowls"
    both = workflows.moved(
        asked.progress, Said(other, [product(other, "mugs"), product(other, "bowls")])
    )
    assert both.progress.slots["product"] == "mugs"


def test_of_several_new_values_the_first_is_wanted_or_none():
    assert new_value(["a", "b", "A"], None, one=True) == "a"
    assert new_value(["a", "b"], None, one=False) is None
    assert new_value(["b", "A", "B"], "a", one=False) == "b"
    assert new_value(["A"], "a", one=True) == "a"


def test_a_question_is_not_taken_for_the_item(workflows):
    asked = say(workflows, "return_item", "return from FK-100003").progress
    assert not workflows.takes(asked, "what does that cost", [])
    assert not workflows.takes(asked, "a label too?", [])
    assert workflows.takes(asked, "the hand blender", [])


def test_a_corrected_order_number_is_taken_at_the_confirmation(workflows):
    asked = say(workflows, "cancel_order", "cancel FK-100001", "sorry I meant FK-100003")
    assert asked.stage == "answer:delivered"
    assert not asked.effects


@pytest.mark.parametrize(
    ("name", "number_", "stage"),
    [
        ("cancel_order", "FK-100002", "answer:dispatched"),
        ("cancel_order", "FK-100005", "answer:already"),
        ("return_item", "FK-100004", "answer:too_late"),
        ("return_item", "FK-100002", "answer:not_delivered"),
        ("change_address", "FK-100002", "answer:dispatched"),
        ("change_address", "FK-100003", "answer:already"),
        ("order_status", "FK-999999", "answer:unknown"),
    ],
)
def test_what_cannot_be_done_is_said_at_once(workflows, name, number_, stage):
    assert say(workflows, name, f"about FK-{number_[3:]}").stage == stage


def test_an_unknown_number_may_be_typed_again(workflows):
    done = say(workflows, "order_status", "FK-999999", "FK-100003")
    assert done.stage == "answer:delivered"


def test_a_return_asks_for_the_item_and_registers_it(workflows):
    asked = say(workflows, "return_item", "return from FK-100003")
    assert asked.stage == "ask:product"
    done = say(workflows, "return_item", "return from FK-100003", "the hand blender", "yes")
    assert done.effects == ({"order": "FK-100003", "returning": "the hand blender"},)


def test_only_what_the_order_holds_is_returned(workflows):
    known = "return from FK-100003"
    asked = say(workflows, "return_item", known, "the toaster")
    assert (asked.stage, asked.progress.asked) == ("answer:not_in_order", "product")
    assert "Moss hand blender" in asked.text
    assert say(workflows, "return_item", known, "toaster", "blenders", "yes").effects
    given_up = say(workflows, "return_item", known, "toaster", "two helicopters", "a lamp")
    assert given_up.stage == "gave_up"


@pytest.mark.parametrize(
    ("items", "product", "held"),
    [
        ("Heron knife block x 1", "toaster", False),
        ("Heron knife block x 1", "the knives", True),
        ("Larkspur cafetière x 1", "cafetiere", True),
        ("Pebble electric kettle x 1", "my kettel", True),
        ("Fennel mugs (set of 4) x 1", "a drum set", False),
        ("Fennel mugs (set of 4) x 1", "both of them", True),
        ("", "toaster", True),
    ],
)
def test_an_item_is_known_by_a_word_of_it(items, product, held):
    assert holds(items, product) is held


def test_a_second_return_stands_beside_the_first():
    first = replace(order("FK-100003", "delivered", 5), items="Moss bowls x 1; Moss mugs x 1")
    for before, after in (("", "bowls"), ("mugs", "mugs; bowls"), ("Bowls", "Bowls")):
        orders = FakeOrders(replace(first, returning=before))
        done = return_item(orders, {"order_number": "FK-100003", "product": "bowls"})
        assert done.effects == ({"order": "FK-100003", "returning": after},)


def test_a_new_address_is_read_out_of_a_sentence(workflows):
    done = say(
        workflows, "change_address",
        "change FK-100001", "please send it to 4 Mill Lane, York, YO1 7AA", "yes",
    )  # fmt: skip
    assert done.effects == ({"order": "FK-100001", "address": "4 Mill Lane, York, YO1 7AA"},)


@pytest.mark.parametrize("lead", ["sorry, ", "oh no wait, it's ", "no, send it to "])
def test_the_words_before_a_corrected_address_are_no_part_of_it(workflows, lead):
    done = say(
        workflows, "change_address",
        "change FK-100001", "4 Mill Lane, York, YO1 7AA",
        f"{lead}6 Mill Lane, York, YO1 7AA", "yes",
    )  # fmt: skip
    assert done.effects == ({"order": "FK-100001", "address": "6 Mill Lane, York, YO1 7AA"},)


def test_the_customer_can_stop(workflows):
    stopped = say(workflows, "cancel_order", "cancel my order", "never mind")
    assert stopped.stage == "cancelled"
    assert stopped.progress is None


def test_three_answers_that_are_none_end_the_workflow(workflows):
    given_up = say(workflows, "cancel_order", "cancel it", "what", "hmm", "dunno")
    assert given_up.stage == "gave_up"


def test_another_subject_is_not_taken_for_an_answer(workflows):
    progress = Progress("cancel_order", {}, "order_number")
    assert not workflows.takes(progress, "do you deliver to Belfast?", [])
    assert workflows.takes(progress, "100001", [])
    assert workflows.takes(progress, "forget it", [])


def test_progress_survives_the_store():
    progress = Progress("return_item", {"order_number": "FK-1"}, "product", 1)
    assert Progress.from_dict(progress.to_dict()) == progress
    assert Progress.from_dict(None) is None


def test_a_workflow_may_answer_questions_about_the_rules_first(workflows):
    assert workflows.question_first("return_item")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"action": "fly"}, "action 'fly' does not exist"),
        ({"answers": {"done": "x"}}, "needs the answer 'declined'"),
        ({"sloths": {}}, r"yaml:\d+: workflows.cancel_order.sloths: unknown key"),
    ],
)
def test_a_wrong_workflow_is_refused_at_load(tmp_path, change, words):
    values = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    values["workflows"]["cancel_order"] |= change
    path = tmp_path / "workflows.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    with pytest.raises(ConfigError, match=words):
        Workflows.load(path, shop(FakeOrders()))


def test_two_workflows_cannot_start_on_one_intent(tmp_path):
    values = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    values["workflows"]["cancel_order"]["intents"] = ["order_status"]
    path = tmp_path / "workflows.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    with pytest.raises(ConfigError, match="starts both"):
        Workflows.load(path, shop(FakeOrders()))
