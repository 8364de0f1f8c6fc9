"""Past conversations replayed through an app and judged by what people answered."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from apps.actions import Catalog
from apps.backtest.evidence import Pair, evidence_of
from apps.backtest.judging import judge_by
from apps.backtest.pairs import JUDGED, Agreement, agreement, fit_likeness, halves, read_pairs
from apps.backtest.passing import passed_on
from apps.backtest.replaying import Point, Replayed, points, replay
from apps.backtest.report import page_html
from apps.backtest.results import hours_of, result_lines, result_values
from apps.backtest.running import backtest_file
from apps.build import APPS
from apps.cli import main
from apps.config import AppConfig
from apps.customer_service.progress import Said
from apps.customer_service.workflow_check import read_workflows
from apps.harmless import without_calls
from apps.verbs.backtest import decided_by
from benchmarks.check_samples import wrong_pairs
from benchmarks.shell import SAMPLES
from data.conversations import read_conversations, to_dict
from data.errors import ConfigError, LogFormatError
from data.outputs import alone
from data.schema import Answer, Conversation, Passage, Turn
from tests.conftest import write_lines
from tests.fakes import HashEncoder

CONVERSATIONS = SAMPLES / "conversations.jsonl"


def customer(text, **more):
    return Turn("customer", text, **more)


def agent(text, **more):
    return Turn("agent", text, **more)


TALK = Conversation(
    "c1",
    (
        customer("my kettle broke"),
        customer("order FK-100200"),
        agent("Sorry! Is it still in its box?"),
        customer("yes it is"),
        agent("Then send it back, it is free."),
        customer("thanks"),
    ),
)


class Listens:
    """Answers what it is told to, and keeps what it was shown."""

    title, examples = "Listens", ()

    def __init__(self, answer):
        self.answers, self.seen = answer, []

    def answer(self, conversation, state):
        self.seen.append((conversation, dict(state)))
        said = self.answers(conversation, state)
        number = len(self.seen)
        yield replace(said, text=said.text[:1])
        yield replace(said, state={"workflow": number, "values": {"order_number": "FK-1"}})


def test_the_app_sees_what_people_had_answered_never_its_own_answers():
    app = Listens(lambda conversation, state: Answer("my own words"))
    found = list(replay(app, [TALK]))
    assert [each.human.text for each in found] == [
        "Sorry! Is it still in its box?",
        "Then send it back, it is free.",
    ]
    assert [each.answer.text for each in found] == ["my own words"] * 2
    assert [[turn.text for turn in seen.turns] for seen, _ in app.seen] == [
        ["my kettle broke\norder FK-100200"],
        [
            "my kettle broke",
            "order FK-100200",
            "Sorry! Is it still in its box?",
            "yes it is",
        ],
    ]


def test_state_is_kept_while_the_answers_agree_and_else_only_what_the_customer_said():
    for agreed, state in (
        (True, {"workflow": 1, "values": {"order_number": "FK-1"}}),
        (False, {"values": {"order_number": "FK-1"}}),
    ):
        app = Listens(lambda conversation, state: Answer("mine"))
        found = list(replay(app, [TALK], lambda each, agreed=agreed: agreed))
        assert [each.kept for each in found] == [True, agreed]
        assert [state for _, state in app.seen] == [{}, state]


def test_what_no_person_wrote_is_no_answer_to_compare_with():
    turns = (
        customer("hello"),
        agent("I am a bot", mark="bot"),
        customer("a person please"),
        agent("assigned to Tom", mark="system"),
        agent("Tom here."),
        agent("How can I help?", gold="bad"),
    )
    (point,) = points(Conversation("c2", turns, outcome="solved"))
    assert point.human.text == "Tom here.\nHow can I help?"
    assert (point.human.gold, point.place, point.last) == ("bad", 4, True)
    assert [turn.text for turn in point.before.turns] == ["hello", "I am a bot", "a person please"]
    assert point.before.outcome == "unknown"


def test_the_action_that_the_log_names_is_compared_with_the_step():
    def kept(step):
        turns = (
            customer("cancel"), agent("Which one?", action="ask:order_number"),
            customer("FK-1"), agent("Done"),
        )  # fmt: skip
        app = Listens(lambda conversation, state: Answer("Number?", step=step))
        return list(replay(app, [Conversation("c3", turns)]))[1].kept

    assert kept("workflow:cancel_order:ask:order_number")
    assert not kept("workflow:cancel_order:confirm")
    assert not kept("")


def talk(number, question="where is my parcel", answer="It comes on Monday by van"):
    said = f"{answer} {number}0."
    return Conversation(
        f"t{number}",
        (
            customer(question, time=datetime(2026, 1, 1 + number, 9, 0)),
            agent(said, time=datetime(2026, 1, 1 + number, 9, 4)),
        ),
    )


class Says:
    """Says one thing to everybody."""

    title, examples = "Says", ()

    def __init__(self, text, **more):
        self.said = Answer(text, step="says", **more)

    def answer(self, conversation, state):
        yield self.said


class Repeats:
    """Says what the person of the log said."""

    title, examples = "Repeats", ()

    def __init__(self, conversations):
        self.said = {each.id: [t.text for t in each.turns] for each in conversations}

    def answer(self, conversation, state):
        yield Answer(self.said[conversation.id][len(conversation.turns)], step="repeats")


def judged_pairs(count=48):
    """Every other one says the same with other words around it, the others something else."""
    same = "you can send it back within {} days"
    pairs = []
    for number in range(count):
        right = number // 2 % 2 == 0
        other = same.format(30) if right else f"we sell {number} red kettles and green lamps"
        pairs.append(Pair("how long", same.format(30), f"hello {other}", right, f"c{number}:1"))
    return pairs


@pytest.fixture(scope="module")
def likeness():
    return fit_likeness(judged_pairs(), HashEncoder())


@pytest.fixture
def judge(likeness):
    return judge_by(likeness, HashEncoder())


def log(path, conversations):
    write_lines(path, [to_dict(each) for each in conversations])
    return path


def test_an_app_that_repeats_the_person_is_right_every_time(tmp_path, judge):
    talks = [talk(number) for number in range(5)]
    found = backtest_file(log(tmp_path / "log.jsonl", talks), Repeats(talks), judge)
    assert [turn.kind for turn in found.turns] == ["right"] * 5
    hours = hours_of(found, minutes=6)
    assert (hours.saved, hours.all, hours.wait_minutes) == (0.5, 0.5, 4)
    assert hours.weeks == pytest.approx(4 / 7)


def test_an_app_that_says_something_else_is_wrong_every_time(tmp_path, judge):
    path = log(tmp_path / "log.jsonl", [talk(number) for number in range(5)])
    found = backtest_file(path, Says("we sell 7 red kettles and green lamps"), judge)
    assert [turn.kind for turn in found.turns] == ["wrong"] * 5
    assert hours_of(found, minutes=6).saved == 0


@pytest.mark.parametrize(
    ("human", "answer", "kind", "why"),
    [
        (agent("One moment."), Answer("I pass you on.", hand_over=True), "handed_over",
         "person_answered"),
        (agent("I will pass you to my colleague."), Answer("Bye.", hand_over=True), "handed_over",
         "as_the_person"),
        (agent("I will pass you to my colleague."), Answer("It is free."), "wrong",
         "person_passed_on"),
        (agent("It is free.", action="transfer"), Answer("It is free."), "wrong",
         "person_passed_on"),
        (agent("It is free."), Answer("I do not know.", reason="no_answer"), "handed_over",
         "person_answered"),
        (agent("Which?", action="ask:order"), Answer("Number?", step="workflow:x:ask:order"),
         "right", "same_action"),
        (agent("Hello! Send it back, it costs nothing at all. Bye!"),
         Answer("Yes.", passages=(Passage("p", "Send it back; it costs you nothing."),)),
         "wrong", "unlike"),
        (agent("Hello! Send it back, it costs you nothing. Bye!"),
         Answer("Yes.", passages=(Passage("p", "Send it back; it costs you nothing."),)),
         "right", "same_words"),
        (agent("It is free.", gold="bad"), Answer("It is free."), "left_out", "judged_bad"),
    ],
)  # fmt: skip
def test_what_an_answer_counts_as(judge, human, answer, kind, why):
    before = Conversation("c", (customer("can I send it back"),))
    verdict = judge(Replayed(Point(before, human, 1), answer, True))
    assert (verdict.kind, verdict.why) == (kind, why)


def test_people_pass_on_in_many_words():
    for text in (
        "I'm passing you to the trade team.",
        "Sorry, passing this to Priya.",
        "I have now passed your case and photo to them.",
        "My manager will ring you before noon.",
        "Let me put you through.",
    ):
        assert passed_on(agent(text)), text
    for text in (
        "I've put it on the van, they pass by tomorrow.",
        "Managers don't do chats.",
        "You can hand the parcel over to the driver.",
        "The delivery team will telephone you to book a day.",
    ):
        assert not passed_on(agent(text)), text


def test_a_rule_is_fitted_on_half_of_the_conversations_and_measured_on_the_others(likeness):
    fit, other = halves(judged_pairs())
    assert not {pair.where for pair in fit} & {pair.where for pair in other}
    assert likeness.agreement == Agreement(len(other), 1.0, 1.0, 1.0, 1.0, len(fit))
    told = agreement(np.array([True, True, False, False]), np.array([True, False, True, False]), 9)
    assert told == Agreement(4, 0.5, 0.0, 0.5, 0.5, 9)


def test_another_number_is_evidence_against_an_answer():
    pair = Pair("is it 9", "Two weeks, £1,452.00 and 9", "14 days, £1452 and 9", False)
    (evidence,) = evidence_of([pair], HashEncoder())
    assert (evidence.missing, evidence.other, evidence.done) == (1, 1, 0)
    (done,) = evidence_of([replace(pair, human="I've cancelled it.")], HashEncoder())
    assert done.done == 1


def test_a_stopped_run_goes_on_where_it_was(tmp_path, judge):
    talks = [talk(number) for number in range(4)]
    path, out = log(tmp_path / "log.jsonl", talks), tmp_path / "turns.jsonl"

    class Stops(Repeats):
        def answer(self, conversation, state):
            if conversation.id == "t2":
                raise KeyboardInterrupt
            yield from super().answer(conversation, state)

    with pytest.raises(KeyboardInterrupt):
        backtest_file(path, Stops(talks), judge, out)
    assert not out.exists()
    with pytest.raises(ConfigError, match="other input or settings"):
        backtest_file(path, Repeats(talks), judge, out, settings="others")
    found = backtest_file(path, Repeats(talks), judge, out)
    assert (found.before, found.conversations, len(found.turns)) == (2, 4, 4)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["conversation"] for row in rows] == ["t0", "t1", "t2", "t3"]
    assert not out.with_name("turns.jsonl.partial").exists()


def test_results_add_up_and_the_report_has_no_script(tmp_path, likeness, judge):
    talks = [talk(number) for number in range(3)]
    talks.append(talk(3, question="<script>alert(1)</script>", answer="I pass you to Tom, no."))
    found = backtest_file(log(tmp_path / "log.jsonl", talks), Repeats(talks), judge)
    hours = hours_of(found, 3)
    values = result_values(found, hours, likeness.agreement)
    assert (values["turns"], values["right"], values["wrong"], values["handed_over"]) == (
        4,
        3,
        1,
        0,
    )
    assert values["right_share"] + values["wrong_share"] + values["handed_over_share"] == 1
    assert values["wrong_ones"][0]["conversation"] == "t3"
    lines = list(result_lines(found, hours, likeness.agreement))
    assert lines[0].startswith("WRONG t3, turn 1, repeats: the person passed it on")
    assert any("75.0% rightly, wrongly 25.0%, handed over 0.0%" in line for line in lines)
    assert any("3 minutes (an assumption" in line for line in lines)
    page = page_html("t", found, hours, likeness.agreement)
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_call_to_another_system_is_not_made(tmp_path, monkeypatch):
    monkeypatch.setenv("SHOP", "key")
    calls = tmp_path / "workflows.yaml"
    calls.write_text(
        "workflows:\n  cancel:\n    intents: [cancel]\n    slots: {}\n"
        "    action:\n"
        "      http: {method: POST, url: 'http://127.0.0.1:9/cancel', say: {200: done}}\n"
        "    answers: {done: Done., failed: Sorry.}\n"
    )
    catalog = Catalog({})
    workflows = without_calls(read_workflows(calls, catalog), catalog)
    monkeypatch.setattr("apps.customer_service.workflow.call", None)  # calling it would raise
    step = workflows.moved(workflows.begin("cancel", {}), Said("cancel it"))
    assert (step.stage, step.text) == ("answer:failed", "Sorry.")


@pytest.mark.parametrize(
    ("app", "rows", "told"),
    [
        ("faq", None, "no such file"),
        ("faq", [], "the file is empty"),
        ("faq", [{"id": "c", "turns": [{"speaker": "customer", "text": "hi"}]}], "did a person"),
        ("summarizer", [{"id": "c", "turns": [{"speaker": "customer", "text": "hi"}]}],
         "answers no customers"),
        ("nonsense", [{"id": "c", "turns": [{"speaker": "customer", "text": "hi"}]}],
         "no such app"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(tmp_path, monkeypatch, capsys, app, rows, told, likeness):
    monkeypatch.setattr("apps.backtest.pairs.fit_likeness", lambda pairs, encoder: likeness)
    monkeypatch.setattr("apps.build.opened_encoder", lambda name, threads: HashEncoder())
    monkeypatch.setitem(APPS, "faq", lambda config, folder, store: Says("hello"))
    path = tmp_path / "log.jsonl"
    if rows is not None:
        write_lines(path, rows)
    monkeypatch.setattr("sys.argv", ["deskhand", "backtest", app, str(path)])
    with pytest.raises(SystemExit) as stopped:
        main()
    errors = [line for line in capsys.readouterr().err.splitlines() if "fitting" not in line]
    assert stopped.value.code == 2
    assert len(errors) == 1
    assert told in errors[0]


def test_the_command_writes_one_json_object_and_a_page(tmp_path, monkeypatch, capsys, likeness):
    monkeypatch.setattr("apps.backtest.pairs.fit_likeness", lambda pairs, encoder: likeness)
    monkeypatch.setattr("apps.build.opened_encoder", lambda name, threads: HashEncoder())
    monkeypatch.setitem(
        APPS, "faq", lambda config, folder, store: Says("It comes on Monday by van")
    )
    path = log(tmp_path / "log.jsonl", [talk(number) for number in range(3)])
    page = tmp_path / "page.html"
    arguments = ["--limit", "2", "--minutes-per-answer", "30", "--report", str(page), "--json"]
    monkeypatch.setattr("sys.argv", ["deskhand", "backtest", "faq", str(path), *arguments])
    main()
    values = json.loads(capsys.readouterr().out)
    assert (values["turns"], values["conversations"], values["app"]) == (2, 2, "faq")
    assert values["hours"]["minutes"] == 30
    assert page.read_text().startswith("<!doctype html>")


def test_judged_pairs_that_cannot_be_used_are_told_with_their_line(tmp_path):
    path = tmp_path / "pairs.jsonl"
    row = {"question": "q", "human": "h", "bot": "b", "right": True, "where": "c1:1"}
    write_lines(path, [row, row | {"right": "maybe"}])
    with pytest.raises(LogFormatError, match=r"pairs.jsonl:2: a judged pair needs"):
        read_pairs(path)
    write_lines(path, [row])
    with pytest.raises(LogFormatError, match="each half of the conversations needs"):
        read_pairs(path)


def test_the_shipped_pairs_are_balanced_and_of_the_sample_conversations():
    pairs = read_pairs(JUDGED)
    assert (len(pairs), sum(pair.right for pair in pairs)) == (200, 100)
    assert wrong_pairs({each.id: each for each in read_conversations(CONVERSATIONS)}) == []


def test_a_pair_that_is_not_what_its_turn_holds_is_told():
    talks = {each.id: each for each in read_conversations(CONVERSATIONS)}
    first = read_pairs(JUDGED)[0].where
    name = first.rpartition(":")[0]
    told = wrong_pairs(talks | {name: TALK})
    assert told
    assert all("is not that turn" in line and f"{name}:" in line for line in told)


@pytest.mark.parametrize("name", ["answers.json", "orders.csv", "flows.yaml"])
def test_what_decides_an_answer_is_stamped(name, tmp_path):
    config = AppConfig(
        app="customer_service", answers=tmp_path / "answers.json", orders=Path("orders.csv"),
        workflows=Path("flows.yaml"),
    )  # fmt: skip
    before = decided_by(config, tmp_path, JUDGED)
    (tmp_path / name).write_text("another", encoding="utf-8")
    assert decided_by(config, tmp_path, JUDGED) != before


def test_a_second_process_does_not_write_the_same_file(tmp_path, judge):
    talks = [talk(0)]
    path, out = log(tmp_path / "log.jsonl", talks), tmp_path / "turns.jsonl"
    with alone(out), pytest.raises(ConfigError, match="another process is writing this file"):
        backtest_file(path, Repeats(talks), judge, out)
    assert backtest_file(path, Repeats(talks), judge, out).conversations == 1
