from dataclasses import replace

import pytest

from benchmarks.check_samples import wrong_cases
from benchmarks.guideline import fresh_bots, played, rows, run
from benchmarks.guideline_cases import CASES, read_cases
from benchmarks.guideline_customer import MOST, play
from benchmarks.guideline_verdict import judged
from data.errors import ConfigError
from data.schema import Answer

CANCEL = """
- name: too quick
  wish: order FK-100001 stopped
  says: stop my order
  asked: {order_number: its FK-100001, confirm: yes}
  then: [how long do I have to send things back]
  right:
    must_say: [["30 days", "thirty days"]]
    must_not_say: ["14 days"]
    effects: [{order: FK-100001, status: cancelled}]
    hand_over: no
"""
ASKS = Answer("Which order?", step="workflow:cancel_order:ask:order_number",
              state={"workflow": {"name": "cancel_order", "asked": "order_number"}})  # fmt: skip
CONFIRM = Answer("Shall I?", step="workflow:cancel_order:confirm",
                 state={"workflow": {"name": "cancel_order", "asked": "confirm"}})  # fmt: skip
DONE = Answer("Done.", step="workflow:cancel_order:answer:done",
              effects=({"order": "FK-100001", "status": "cancelled"},))  # fmt: skip
DAYS = Answer("You have Thirty  days from delivery.", step="select:faq")
OTHER = Answer("Sprigs expire after 12 months.", step="select:faq")
PASSED = Answer("A colleague.", step="hand_over", hand_over=True, reason="no_answer")
WHAT = Answer("Could you put it in other words?", step="out_of_scope")


@pytest.fixture
def case(tmp_path):
    """Gives the case of a YAML text, some of its `right` replaced."""

    def made(text=CANCEL, **right):
        path = tmp_path / "cases.yaml"
        path.write_text(text, encoding="utf-8")
        (found,) = read_cases(path)
        return found.model_copy(update={"right": found.right.model_copy(update=right)})

    return made


def played_with(case, *answers):
    """The case with a bot that gives these answers, the last of them for ever."""
    given = list(answers)
    return play(case, lambda text: given.pop(0) if len(given) > 1 else given[0])


def outcome(case, *answers):
    return judged(played_with(case, *answers)).outcome


def test_a_customer_answers_what_is_asked_and_goes_on_when_the_matter_is_closed(case):
    talk = played_with(case(), ASKS, CONFIRM, DONE, DAYS)
    assert talk.messages == (
        "stop my order", "its FK-100001", "yes", "how long do I have to send things back",
    )  # fmt: skip
    assert judged(talk).outcome == "success"


def test_a_customer_stops_at_a_hand_over_and_after_a_dozen_messages(case):
    assert played_with(case(), ASKS, PASSED).messages == ("stop my order", "its FK-100001")
    chatty = case().model_copy(update={"then": tuple(map(str, range(50)))})
    assert len(played_with(chatty, DONE).messages) == MOST


def test_who_has_no_words_for_what_is_asked_says_so_and_loses_patience(case):
    mute = case().model_copy(update={"asked": {"other": "what?"}, "then": ()})
    said = played_with(mute, ASKS).messages
    assert said[:3] == ("stop my order", "what?", "I don't have that to hand, sorry")
    assert len(said) == 4
    assert played_with(mute, DONE, CONFIRM).messages == ("stop my order",)
    assert played_with(mute, WHAT).messages == ("stop my order", "what?")


def test_who_corrected_something_agrees_when_that_is_to_be_confirmed(case):
    anew = replace(CONFIRM, text="Shall I do the other one?")
    corrects = case().model_copy(update={"asked": {"confirm": "no, the other one"}, "then": ()})
    said = played_with(corrects, CONFIRM, anew, DONE).messages
    assert said[1:] == ("no, the other one", "yes, that's right")
    assert played_with(corrects, CONFIRM).messages[1:3] == ("no, the other one",) * 2


def test_an_offer_behind_an_answer_waits_for_what_is_left_to_say(case):
    offer = Answer("30 days. Which order?", step="select:faq", state=ASKS.state)
    talk = played_with(case(), offer, DONE)
    assert talk.messages == ("stop my order", "how long do I have to send things back")
    without = case().model_copy(update={"asked": {}, "then": ()})
    assert played_with(without, offer).messages == ("stop my order",)


def test_success_needs_every_effect_every_fact_and_no_needless_person(case):
    assert outcome(case(), ASKS, CONFIRM, DONE, DAYS) == "success"
    missing = judged(played_with(case(), DAYS))
    assert missing.why == ("not done: {'order': 'FK-100001', 'status': 'cancelled'}",)
    assert outcome(case(), ASKS, CONFIRM, DONE, PASSED) == "handed_over"
    assert outcome(case(hand_over="either"), ASKS, CONFIRM, DONE, DAYS) == "success"


def test_what_must_not_be_done_or_said_is_wrong(case):
    twice = Answer("Gone.", step="workflow:x:answer:done",
                   effects=({"order": "FK-200002", "status": "cancelled"},))  # fmt: skip
    assert outcome(case(), ASKS, CONFIRM, DONE, twice) == "wrong"
    lie = Answer("You have 30 days, or 14 days.", step="select:faq")
    assert outcome(case(), ASKS, CONFIRM, DONE, lie) == "wrong"


def test_an_answer_that_holds_nothing_of_what_is_wanted_is_wrong_even_before_a_person(case):
    assert outcome(case(), ASKS, CONFIRM, DONE, OTHER) == "wrong"
    assert outcome(case(), OTHER, PASSED) == "wrong"
    person = {"hand_over": "yes", "must_say": (), "effects": ()}
    assert outcome(case(**person, reason=("no_answer",)), OTHER, PASSED) == "success"
    assert outcome(case(**person), OTHER, DAYS) == "wrong"
    weather = case(hand_over="either", must_say=(), effects=())
    assert outcome(weather, OTHER) == "wrong"
    assert outcome(weather, WHAT) == outcome(weather, PASSED) == "success"


def test_a_question_left_open_and_a_refusal_are_no_answers(case):
    mute = case().model_copy(update={"asked": {}, "then": ()})
    assert outcome(mute, ASKS) == "unfinished"
    assert outcome(mute, WHAT) == "declined"


@pytest.mark.parametrize(
    ("needed", "reasons", "reason", "fits"),
    [
        ("yes", ("upset",), "upset", True),
        ("yes", ("upset",), "no_answer", False),
        ("yes", (), "low_confidence", True),
        ("no", (), "no_answer", True),
        ("no", (), "asked_for_person", False),
        ("no", (), "action_failed", False),
    ],
)
def test_a_reason_fits_the_case(case, needed, reasons, reason, fits):
    passed = Answer("A colleague.", step="hand_over", hand_over=True, reason=reason)
    wanted = case(hand_over=needed, reason=reasons, must_say=(), effects=())
    verdict = judged(played_with(wanted, passed))
    assert verdict.reason_fits == fits
    assert verdict.outcome == ("success" if needed == "yes" and fits else "handed_over")


def test_an_action_may_fail_after_a_workflow_began(case):
    failed = Answer("A colleague.", step="hand_over", hand_over=True, reason="action_failed")
    assert judged(played_with(case(), ASKS, failed)).reason_fits


@pytest.mark.parametrize(
    ("wanted", "made", "same"),
    [
        ({"address": "1 High St, York, YO1 1AA"}, {"address": "1 high st york YO11AA"}, True),
        ({"address": "1 High St, York, YO1 1AA"}, {"address": "2 high st york YO11AA"}, False),
        ({"status": "returned"}, {"returning": "mugs"}, True),
        ({"returning": "Fennel mugs"}, {"returning": "the mugs"}, True),
        ({"returning": "Fennel mugs"}, {"returning": "throw"}, False),
    ],
)
def test_effects_are_the_same_as_a_customer_would_say(case, wanted, made, same):
    answer = Answer("Done.", step="workflow:x:answer:done", effects=({"order": "FK-1", **made},))
    right = case(effects=({"order": "FK-1", **wanted},), must_say=())
    assert outcome(right, answer) == ("success" if same else "wrong")


def test_a_mistake_in_a_file_of_cases_is_told_with_its_case(tmp_path):
    with pytest.raises(ConfigError, match=r"missing\.yaml: no such file of cases"):
        read_cases(tmp_path / "missing.yaml")
    path = tmp_path / "cases.yaml"
    path.write_text(CANCEL + "    mood: bad\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"case 0: right\.mood: Extra inputs"):
        read_cases(path)
    path.write_text(CANCEL + CANCEL, encoding="utf-8")
    with pytest.raises(ConfigError, match="named twice: too quick"):
        read_cases(path)


def test_each_case_has_a_bot_and_a_store_of_its_own(case):
    opened = []

    class Store:
        def new_conversation(self, owner, app):
            opened.append(self)
            return "c"

    class App:
        title = "fake"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.guideline.last_answer", lambda *_: PASSED)
        found = played([case(), case()], lambda: (App(), Store()))
    assert len(set(map(id, opened))) == 2
    told = {each["what"]: (each["value"], each["beside"]) for each in rows("development", found)}
    assert told["development: handed over without success"] == (
        "1.0000", "2 of 2 with a reason that fits",
    )  # fmt: skip
    assert told["development: success"][0] == "0.0000"


def test_the_case_says_which_set_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.guideline.CASES", tmp_path)
    with pytest.raises(ConfigError, match=r"holds neither development\.yaml nor causes\.yaml"):
        run(tmp_path)
    (tmp_path / "development.yaml").write_text(CANCEL, encoding="utf-8")
    monkeypatch.setattr("benchmarks.guideline.fresh_bots", lambda: None)
    monkeypatch.setattr(
        "benchmarks.guideline.played",
        lambda cases, _: [(t := played_with(cases[0], PASSED), judged(t))],
    )
    *_, last = run(tmp_path)
    wanted = ("held_out: success", "not measured: no held_out.yaml")
    assert (last["what"], last["value"]) == wanted


def test_a_fresh_bot_needs_the_demos_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception, match="runs/intent"):
        fresh_bots()()


def test_cases_that_are_few_or_name_no_order_are_told(tmp_path):
    assert wrong_cases(tmp_path) == []
    (tmp_path / "development.yaml").write_text(CANCEL, encoding="utf-8")
    assert wrong_cases(tmp_path) == [
        "cases/development.yaml: too quick: no order FK-100001",
        "cases/development.yaml: 1 cases, at least 60 are needed",
    ]
    assert wrong_cases(CASES) == []
