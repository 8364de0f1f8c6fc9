"""A file of workflows that is wrong is refused with file and line, a line for each mistake."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from apps.actions import Action, ActionResult, Catalog, SlotTurn
from apps.customer_service.actions import ACTIONS, PREVIEWS, shop
from apps.customer_service.progress import Progress, Said
from apps.customer_service.slots import READERS, fits, value_of
from apps.customer_service.workflow import Workflows
from apps.customer_service.workflow_file import SlotConfig
from data.errors import ConfigError
from data.schema import Entity
from tests.test_workflows import FakeOrders, order

GOOD = """\
workflows:
  book:
    intents: [book]
    slots:
      day: {ask: "Which day?", kind: date, earliest: today}
      size: {ask: "Small or large?", one_of: [small, large]}
    action: book
    confirm: "Book a {size} one for {day}?"
    then: {full: wait}
    answers:
      done: "Booked, {code}."
      full: "Full on {day}."
      declined: "Not booked."
  wait:
    slots:
      day: {ask: "Which day?", kind: date}
    action: wait
    answers: {done: "You wait for {day}."}
"""
CATALOG = Catalog(
    {
        "book": Action(lambda slots: ActionResult("full" if slots["size"] == "large" else "done",
                                                  {"code": "C1"}),
                       ("done", "full"), ("day", "size"), ("code",)),
        "wait": Action(lambda slots: ActionResult("done"), ("done",), ("day",)),
    }
)  # fmt: skip


def load(tmp_path, text, catalog=CATALOG):
    path = tmp_path / "flows.yaml"
    path.write_text(text, encoding="utf-8")
    return Workflows.load(path, catalog)


HTTP = 'action: {http: {url: "%s", say: {200: done}}}'


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("    confirm", "    confrim", 8, "workflows.book.confrim: unknown key"),
        ("action: book", "action: fly", 7, "action 'fly' does not exist; one of book, wait"),
        ("      full: ", "      fall: ", 10, "needs the answer 'full'"),
        ("      full: ", "      fall: ", 12, "unreachable"),
        ("{code}", "{coed}", 11, "{coed} is neither a slot nor a fact"),
        ("Booked, {code}", "Take {10% off", 11, "'{10% off.' in a text: braces hold the name of"),
        ("Booked, {code}", "Take 10%} off", 11, "'}' in a text: braces hold the name of a slot"),
        ("{code}", "{}", 11, "'{}' in a text"),
        ("{code}", "{{code}}", 11, "'{}' in a text"),
        ("{code}", "{code.x}", 11, "'{code.x}' in a text"),
        ("{code}", "{code:d}", 11, "'{code:d}' in a text"),
        ("for {day}?", "for { day }?", 8, "'{ day }' in a text"),
        ("Which day?", "Which day, {!r}?", 5, "'{!r}' in a text"),
        ("  wait:\n", "  wait:\n    intents: [book]\n", 15, "starts both 'book' and 'wait'"),
        ("then: {full: wait}", "then: {full: wiat}", 9, "workflow 'wiat' does not exist"),
        ("then: {full: wait}", "then: {}", 14, "unreachable: no intent starts it"),
        ("    action: wait", "    then: {done: book}\n    action: wait", 9, "a loop"),
        ("kind: date, earliest", "kind: dtae, earliest", 5, "earliest and latest are for"),
        ("one_of: [small, large]", "kind: smell", 6, "slot kind 'smell' does not exist"),
        ("one_of: [small, large]", 'pattern: "("', 6, "not a regular expression"),
        ("      size:", "      sise:", 7, "book needs the slot 'size'"),
        ("action: book", HTTP % "http://{day}/x", 7, "without braces in the host"),
        ("action: book", HTTP % "http://a.example/{dya}", 7, "{dya} is no slot"),
        ("action: book", HTTP % "http://a.example/{day}", 10, "needs the answer 'failed'"),
        ("action: book", 'action: {http: {url: "http://a/", headers: {A: "${NO_SUCH_1}"}, '
         "say: {200: done}}}", 7, "the environment has no NO_SUCH_1"),
        ("    action: book", "    action: book\n    action: wait", 8, "'action' is there twice"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path, old, new, line, told):
    assert old in GOOD
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, GOOD.replace(old, new, 1))
    lines = str(refused.value).splitlines()
    assert any(f"flows.yaml:{line}: " in each and told in each for each in lines), lines


@pytest.mark.parametrize("text", ["", "- a", "workflows: {", "workflows: {}"])
def test_what_is_no_file_of_workflows_is_one_line(tmp_path, text):
    with pytest.raises(ConfigError, match=r"^\S*flows.yaml(:\d+)?: [^\n]*$"):
        load(tmp_path, text)


def test_two_mistakes_are_two_lines(tmp_path):
    text = GOOD.replace("{code}", "{coed}").replace("action: wait", "action: wiat")
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, text)
    assert len(str(refused.value).splitlines()) >= 2


def test_an_answer_leads_into_the_workflow_that_follows_it_with_its_slots(tmp_path):
    flows = load(tmp_path, GOOD)
    progress = Progress("book", {"day": "2099-01-02", "size": "large"}, "confirm")
    step = flows.moved(progress, Said("yes"))
    assert (step.text, step.progress) == ("Full on 2099-01-02.\n\nYou wait for 2099-01-02.", None)


def test_a_day_that_is_past_is_asked_for_again_and_choices_are_offered(tmp_path):
    flows = load(tmp_path, GOOD)
    asked = flows.moved(Progress("book"), Said("book me in")).progress
    early = flows.moved(asked, Said("2 January 2001"))
    assert early.stage == "ask:day"
    later = flows.moved(asked, Said("tomorrow"))
    assert later.progress.slots["day"] == (date.today() + timedelta(days=1)).isoformat()
    assert later.choices == ("small", "large")
    assert flows.moved(later.progress, Said("a LARGE one")).stage == "confirm"


@pytest.mark.parametrize(
    ("slot", "text", "value", "good"),
    [
        ({"kind": "number", "min": 1, "max": 9}, "make it 4 please", "4", True),
        ({"kind": "number", "max": 9}, "12", "12", False),
        ({"kind": "number"}, "2 or 3", None, True),
        ({"kind": "date", "latest": "today"}, "03/04/2020", "2020-04-03", True),
        ({"kind": "date", "latest": "today-1"}, "today", date.today().isoformat(), False),
        ({"kind": "text", "pattern": "[a-z]{3}"}, "ABC", "ABC", True),
        ({"kind": "text", "pattern": "[a-z]{3}"}, "ABCD", "ABCD", False),
        ({"one_of": ("red", "dark red")}, "the dark red one", "dark red", True),
        ({"one_of": ("red", "blue")}, "red or blue", None, True),
    ],
)
def test_a_slot_is_read_and_checked_by_its_kind(slot, text, value, good):
    config = SlotConfig.model_validate({"ask": "?"} | slot)
    found = value_of(config, SlotTurn(text, (), None, True), READERS)
    assert found == value
    if found is not None:
        assert fits(config, found) is good


def test_a_value_from_earlier_is_carried_where_the_file_says_so(tmp_path):
    flows = load(tmp_path, GOOD.replace("earliest: today}", "carry: true}"))
    values = {"day": "2099-01-02", "size": "small"}
    assert flows.begin("book", values).slots == {"day": "2099-01-02"}


def test_the_shops_actions_say_nothing_that_they_do_not_declare():
    states = [("processing", None), ("dispatched", None), ("delivered", 5), ("delivered", 31),
              ("cancelled", None), ("returned", 3)]  # fmt: skip
    orders = FakeOrders(
        *(order(f"FK-{n}", status, days) for n, (status, days) in enumerate(states)),
        replace(order("FK-6", "dispatched"), dispatched=date.today() - timedelta(days=20)),
    )
    catalog = shop(orders)
    slots = [{"order_number": f"FK-{n}", "product": "x", "address": "y"} for n in range(8)]
    slots.append({"order_number": "FK-0", "product": "x", "address": "1 Elm Row, Dublin"})
    slots.append({"order_number": "FK-2", "product": "lamp", "address": "y"})
    for kind in (catalog.actions, catalog.previews):
        for name, action in kind.items():
            results = [action.run(values) for values in slots]
            assert {result.say for result in results} == set(action.says), name
            assert {fact for result in results for fact in result.facts} <= set(action.facts)
    assert set(PREVIEWS) <= set(ACTIONS)


def test_a_copied_template_brings_its_own_kind_of_slot(tmp_path):
    catalog = Catalog(CATALOG.actions, {}, {"code": lambda turn: turn.text[-2:]})
    flows = load(tmp_path, GOOD.replace("one_of: [small, large]", "kind: code"), catalog)
    progress = Progress("book", {"day": "2099-01-02"}, "size")
    step = flows.moved(progress, Said("it is Q7", [Entity("x", "Q7", 6, 8)]))
    assert step.progress.slots["size"] == "Q7"
