"""Workflows that take one of several groups of slots, and what customers say that they lack."""

from dataclasses import replace

import pytest

from apps.actions import Action, ActionResult, Catalog, SlotTurn
from apps.customer_service.bot import CustomerServiceBot
from apps.customer_service.lacking import lacked
from apps.customer_service.phrases import ANYTHING_ELSE, GOODBYE, WELCOME, small_talk
from apps.customer_service.progress import MISSES, Progress, Said
from apps.customer_service.slots import read_matching, read_named, read_text
from apps.customer_service.workflow import Workflows
from apps.customer_service.workflow_file import SlotConfig
from data.errors import ConfigError
from data.schema import Entity
from tests.test_bot import KeywordIntents, OrderFinder, chat
from tests.test_bot import index as index  # a fixture

FILE = """\
out_of_scope: "Only lost passes, please."
workflows:
  lost_pass:
    intents: [lost]
    grave: true
    slots:
      name: {ask: "Your name?", kind: named}
      pass_number:
        {ask: "Which number?", kind: matching, pattern: "P\\\\d{3}", called: [number, pass]}
      code: {ask: "Which code?", kind: matching, pattern: "\\\\d{4}"}
      street: {ask: "Which street?", kind: named}
      story: {ask: "What happened?", kind: text, opening: 6}
    ways: [[pass_number, code], [street]]
    action: block
    ask_again: {lacking: code}
    answers: {done: "Blocked.", lacking: "Who are you?"}
"""
BLOCK = Action(lambda slots: ActionResult("done"), ("done",), ("name", "story"))
CATALOG = Catalog({"block": BLOCK})
LONG = "someone took my pass on the bus today"


def load(tmp_path, text=FILE, catalog=CATALOG):
    path = tmp_path / "flows.yaml"
    path.write_text(text, encoding="utf-8")
    return Workflows.load(path, catalog)


def said(flows, *texts):
    """The steps of a workflow that a customer takes through with these messages."""
    steps, progress = [], Progress("lost_pass")
    for text in texts:
        steps.append(flows.moved(progress, Said(text)))
        progress = steps[-1].progress
    return [step.stage for step in steps], steps[-1]


def test_the_first_way_is_asked_for_and_is_enough(tmp_path):
    stages, last = said(load(tmp_path), LONG, "Ann", "P123", "0042")
    assert stages == ["ask:name", "ask:pass_number", "ask:code", "answer:done"]
    assert last.slots == {"name": "Ann", "pass_number": "P123", "code": "0042", "story": LONG}


@pytest.mark.parametrize("lacks", ["I forgot it", "sorry, I don't have the number"])
def test_who_lacks_a_slot_is_asked_for_the_next_way(tmp_path, lacks):
    stages, _ = said(load(tmp_path), LONG, "Ann", lacks, "Mill Lane")
    assert stages == ["ask:name", "ask:pass_number", "ask:street", "answer:done"]


def test_what_is_lacked_may_be_told_before_it_is_asked_for(tmp_path):
    flows = load(tmp_path)
    named = [Entity("name", "Ann", 5, 8)]
    start = flows.moved(Progress("lost_pass"), Said(LONG))
    step = flows.moved(start.progress, Said("I am Ann but I forgot my code", named))
    assert (step.stage, step.progress.lacks) == ("ask:street", ("code",))


def test_a_way_that_was_given_unasked_is_enough(tmp_path):
    flows = load(tmp_path)
    start = Progress("lost_pass", {"name": "Ann", "story": LONG}, "pass_number")
    street = [Entity("street", "Mill Lane", 10, 19)]
    assert flows.takes(start, "I live in Mill Lane", street)
    assert flows.moved(start, Said("I live in Mill Lane", street)).stage == "answer:done"


def test_who_has_no_way_is_told_so_may_still_remember_and_is_handed_over_in_the_end(tmp_path):
    flows = load(tmp_path)
    barred = (LONG, "Ann", "I forgot it", "no idea")
    stages, last = said(flows, *barred)
    assert (stages[-1], last.text) == ("answer:lacking", "Who are you?")
    assert set(last.progress.lacks) == {"pass_number", "street"}
    stages, last = said(flows, *barred, "it is 0042", "ah, and the number was P123")
    assert stages[-2:] == ["answer:lacking", "answer:done"]
    stages, last = said(flows, *barred, *["hm"] * (MISSES - 1))
    assert stages[-1] == "gave_up"


def test_what_was_lacked_and_is_remembered_counts(tmp_path):
    flows = load(tmp_path)
    progress = Progress("lost_pass", {"name": "Ann", "pass_number": "P123", "story": LONG},
                        "street", lacks=("code",))  # fmt: skip
    found = [Entity("code", "0042", 21, 25)]
    assert flows.moved(progress, Said("now I know the code, 0042", found)).stage == "answer:done"


def test_without_an_answer_for_it_a_person_takes_over(tmp_path):
    text = FILE.replace("    ask_again: {lacking: code}\n", "").replace(
        ', lacking: "Who are you?"', ""
    )
    assert said(load(tmp_path, text), LONG, "Ann", "I forgot it", "no idea")[0][-1] == "gave_up"


def test_progress_keeps_what_is_lacked_through_the_store():
    progress = Progress("lost_pass", {"name": "Ann"}, "street", 1, ("code",))
    assert Progress.from_dict(progress.to_dict()) == progress
    assert Progress.from_dict({"name": "lost_pass"}) == Progress("lost_pass"), "stored before"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[street]]", "[road]]", "slot 'road' does not exist"),
        ("    ways: [[pass_number, code], [street]]\n", "", "'lacking' is never said"),
        ("[street]]", "[story]]", "block needs the slot 'story', which a way does without"),
        ("kind: text, opening", "kind: named, opening", "opening is for kind: text"),
        (', pattern: "\\\\d{4}"', "", "kind: matching needs a pattern"),
    ],
)
def test_a_mistake_in_ways_is_told(tmp_path, old, new, told):
    with pytest.raises(ConfigError, match=r"flows\.yaml:\d+: .*" + told.replace("'", "'")):
        load(tmp_path, FILE.replace(old, new))


def test_a_short_opening_is_no_story(tmp_path):
    assert said(load(tmp_path), "lost pass", "Ann", "P123", "0042")[0][-1] == "ask:story"


def test_lacked_is_what_is_named_in_the_clause_or_else_what_was_asked():
    slots = {name: SlotConfig(ask="?") for name in ("pin", "birth_date")}
    assert lacked(slots, "birth_date", "I can't remember my pin") == {"pin"}
    assert lacked(slots, "birth_date", "no idea, but my pin is 1234") == {"birth_date"}
    assert lacked(slots, None, "no idea") == set()
    assert lacked(slots, "pin", "I forgot to say hello") == set()


def test_what_is_lacked_is_no_name_and_no_text():
    turn = SlotTurn("I don't remember it", (), None, True)
    assert (read_named(turn), read_text(turn)) == (None, None)
    assert read_text(replace(turn, text="I don't know who it was but money is gone"))


@pytest.mark.parametrize(
    ("text", "found", "value"),
    [
        ("it is 4711 I think", (), "4711"),
        ("account 47114711", (), None),
        ("4711 or 4712", (), "4711"),
        ("account 607182 and pin 4711", ("607182", "4711"), "4711"),
    ],
)
def test_what_fits_the_pattern_is_read(text, found, value):
    entities = tuple(Entity("pin", e, text.index(e), text.index(e) + len(e)) for e in found)
    assert read_matching(SlotTurn(text, entities, None, True, r"\d{4}")) == value
    unasked = read_matching(SlotTurn(text, entities, None, False, r"\d{4}"))
    assert unasked == (value if found else None)


class LostIntents(KeywordIntents):
    words = {"lost": "lost"}


def test_a_workflow_may_deal_with_grave_matters_itself(tmp_path, index):
    bots = [
        CustomerServiceBot(LostIntents(), OrderFinder(), index, load(tmp_path, text))
        for text in (FILE, FILE.replace("grave: true", "grave: false"))
    ]
    first = "I lost it, and the police are looking for it"
    assert chat(bots[0], first).step == "workflow:lost_pass:ask:name"
    assert chat(bots[1], first).hand_over
    assert chat(bots[0], "the police are here").hand_over, "no workflow deals with that"


def test_the_file_says_what_is_in_scope(tmp_path, index):
    bot = CustomerServiceBot(LostIntents(), OrderFinder(), index, load(tmp_path))
    assert chat(bot, "how tall is the moon").text == "Only lost passes, please."


def test_who_says_that_it_is_all_is_not_asked_for_more():
    assert small_talk("no thanks, that's all", False) == GOODBYE
    assert small_talk("bye", False) == GOODBYE
    assert small_talk("thanks", False) == WELCOME


def test_what_is_said_of_a_finished_workflow_is_not_out_of_scope(tmp_path, index):
    bot = CustomerServiceBot(LostIntents(), OrderFinder(), index, load(tmp_path))
    done = ("I lost it on the bus today", "Ann", "P123", "0042")
    assert chat(bot, *done).text == "Blocked."
    assert chat(bot, *done, "wow, that was quick").text == ANYTHING_ELSE
    assert chat(bot, *done, "wow, that was quick", "and so easy").text == GOODBYE
    assert chat(bot, *done, "no, have a great day").text == GOODBYE
    assert chat(bot, *done, "how tall is the moon?").step == "out_of_scope"


@pytest.mark.parametrize(
    ("text", "asked", "value"),
    [
        ("hi, my name is Ada Ash and I lost it", False, "Ada Ash"),
        ("the name was ash, I think", False, "ash"),
        ("my name is not your business", False, None),
        ("Ada Ash and my number is 12", True, "Ada Ash"),
        ("Ada Ash and my number is 12", False, None),
        ("well I would rather not tell you that", True, None),
    ],
)
def test_a_name_follows_what_it_is_called_or_begins_the_answer(text, asked, value):
    assert read_named(SlotTurn(text, (), None, asked, called=("name",))) == value


def test_what_may_stand_anywhere_is_taken_unasked():
    turn = SlotTurn("Ada Ash, 60718293, no PIN", (), None, False, r"\d{6,14}")
    assert read_matching(turn) is None
    assert read_matching(replace(turn, anywhere=True)) == "60718293"
    assert read_matching(replace(turn, text="PIN is 60718293", called=("pin",))) == "60718293"
