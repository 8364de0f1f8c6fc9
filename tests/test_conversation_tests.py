"""Written conversations: reading them, checking answers, running, counting, and the verb."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from apps import build, harmless
from apps.actions import ActionResult
from apps.cli import app as command_line
from apps.customer_service.actions import shop
from apps.customer_service.bot import CustomerServiceBot
from apps.customer_service.workflow import Workflows
from apps.customer_service.workflow_file import WorkflowsConfig, stages
from apps.faq.faq import FaqApp
from apps.store import Store
from apps.store_ledger import Ledger
from apps.testing.checks import CHECKS, misses
from apps.testing.coverage import measure
from apps.testing.reading import read_suites
from apps.testing.running import run_suite
from apps.testing.written import Expected
from data.config import load_config
from data.errors import ConfigError, DeskhandError
from data.schema import Answer, Entity, Intent, Passage
from retrieval.writing import build_index
from tests.fakes import HashEncoder, by_hand
from tests.test_bot import LATE, WINDOW, KeywordIntents, OrderFinder
from tests.test_workflows import SHIPPED

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "data" / "samples"
ANSWER = Answer(
    "Order FK-1 isn’t\nhere   yet.",
    passages=(Passage("faq-1", "…"), Passage("faq-2", "…")),
    intent=Intent("order_status", 0.9),
    entities=(Entity("product", "Kettle", 0, 6), Entity("product", "mugs", 7, 11)),
    step="workflow:order_status:answer:dispatched",
    state={"workflow": {"name": "cancel_order", "slots": {"order_number": "FK-1"},
                        "asked": "confirm", "misses": 0}},
    effects=({"order": "FK-1", "status": "cancelled"},),
)  # fmt: skip
CANCELLED = """\
app: customer_service
conversations:
  - name: first
    turns:
      - customer: please cancel FK-204881
        expect: {step: "workflow:cancel_order:confirm", effects: []}
      - customer: "yes"
        expect: {effects: [{order: FK-204881, status: cancelled}], workflow: null}
  - name: second
    turns:
      - customer: cancel FK-204881
        expect: {step: "workflow:cancel_order:confirm"}
"""
SUNDAY = datetime(2026, 3, 1, 12, tzinfo=UTC)
MONDAYS = '{week: {monday: "09:00-17:00"}, wait: false}'
HELLO = "conversations:\n  - name: a\n    turns: [{customer: hi, expect: {hand_over: true}}]\n"
WRONG = CANCELLED.replace("second", "wrong").replace(':confirm"}', ':answer:done", intent: null}')


def missed(**expected):
    return [(miss.what, miss.expected, miss.got) for miss in misses(Expected(**expected), ANSWER)]


def write(folder, text, name="tests.yaml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(folder, text):
    with pytest.raises(ConfigError) as refused:
        read_suites(write(folder, text))
    return [line.strip() for line in str(refused.value).splitlines()]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("index")
    built = build_index([LATE, WINDOW], HashEncoder(), "hash", folder / "index")
    return built.refit(by_hand(0.5, 0.2))


@pytest.fixture
def fresh(index):
    """Gives a bot of fakes, and a store of its own with the sample orders."""

    def fresh():
        store = Store("sqlite://")
        store.copy_orders(SAMPLES / "orders.csv")
        flows = Workflows.load(SHIPPED, shop(store))
        return CustomerServiceBot(KeywordIntents(), OrderFinder(), index, flows), store

    return fresh


@pytest.fixture
def deskhand(index, tmp_path, monkeypatch):
    """The verb in an empty folder, its apps made of fakes."""

    def bot(config, folder, store, workflows=None):
        flows = workflows or Workflows.load(folder / config.workflows, shop(store), Ledger(store))
        return CustomerServiceBot(
            KeywordIntents(), OrderFinder(), index, flows, hours=config.hours, now=lambda: SUNDAY
        )

    monkeypatch.setitem(build.APPS, "customer_service", bot)
    monkeypatch.setattr(harmless, "build_bot", bot)
    monkeypatch.setitem(build.APPS, "faq", lambda config, folder, store: FaqApp(index))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "intent").mkdir(parents=True)
    labels = ["cancel_order", "order_status", "talk_to_human"]
    (tmp_path / "runs" / "intent" / "labels.json").write_text(json.dumps(labels))

    def run(text, *options):
        path = write(tmp_path, text)
        return CliRunner().invoke(command_line, ["test", path.name, *options])

    return run


@pytest.mark.parametrize(
    "expected",
    [
        {"intent": "order_status"},
        {"entities": {"product": ["mugs", "kettle"]}},
        {"entities": {"city": []}},
        {"step": "workflow:order_status"},
        {"step": "workflow:order_status:answer:dispatched"},
        {"hand_over": False},
        {"reason": None},
        {"passage": "faq-1"},
        {"passage": ["faq-9", "faq-1"]},
        {"must_say": ["ORDER fk-1", "isn't here yet"]},
        {"must_not_say": "refund"},
        {"workflow": {"name": "cancel_order"}},
        {"workflow": {"name": "cancel_order", "asked": "confirm",
                      "slots": {"order_number": "fk-1"}}},
        {"effects": [{"order": "FK-1", "status": "cancelled"}]},
    ],
)  # fmt: skip
def test_an_expectation_that_is_met_misses_nothing(expected):
    assert missed(**expected) == []


@pytest.mark.parametrize(
    ("expected", "what"),
    [
        ({"intent": None}, ("intent", None, "order_status")),
        ({"entities": {"product": "mugs"}}, ("entities.product", ["mugs"], ["Kettle", "mugs"])),
        ({"entities": {"city": "Leeds"}}, ("entities.city", ["Leeds"], [])),
        ({"step": "work"}, ("step", "work", ANSWER.step)),
        ({"step": f"{ANSWER.step}:x"}, ("step", f"{ANSWER.step}:x", ANSWER.step)),
        ({"hand_over": True}, ("hand_over", True, False)),
        ({"reason": "upset"}, ("reason", "upset", None)),
        ({"passage": "faq-2"}, ("passage", ["faq-2"], "faq-1")),
        ({"passage": []}, ("passage", [], "faq-1")),
        ({"must_say": "refund"}, ("must_say", "refund", ANSWER.text)),
        ({"must_not_say": "HERE yet"}, ("must_not_say", "HERE yet", ANSWER.text)),
        ({"workflow": None}, ("workflow", None, "cancel_order")),
        ({"workflow": {"name": "x"}}, ("workflow.name", "x", "cancel_order")),
        ({"workflow": {"name": "cancel_order", "asked": "product"}},
         ("workflow.asked", "product", "confirm")),
        ({"workflow": {"name": "cancel_order", "slots": {"address": "x"}}},
         ("workflow.slots.address", "x", None)),
        ({"effects": []}, ("effects", [], [{"order": "FK-1", "status": "cancelled"}])),
    ],
)  # fmt: skip
def test_an_expectation_that_is_not_met_tells_what_was_got(expected, what):
    assert missed(**expected) == [what]


def test_everything_that_can_be_expected_is_checked():
    assert set(CHECKS) == set(Expected.model_fields)


def test_a_workflow_that_should_go_on_and_does_not_is_told():
    (miss,) = misses(Expected(workflow={"name": "cancel_order"}), Answer("hello"))
    assert (miss.expected, miss.got) == ("cancel_order", None)


def test_every_mistake_is_told_with_file_and_line(tmp_path):
    text = """\
app: customer_service
conversations:
  - name: one
    turns:
      - customer: hello
        expects: {step: small_talk}
      - customer: hello
        expect:
          intnet: order_status
          reason: angry
          must_say: [yes, fine]
  - name: one
    turns: []
"""
    header, *lines = mistakes(tmp_path, text)
    path = tmp_path / "tests.yaml"
    assert "5 mistakes" in header
    assert [line.split(": ")[0] for line in lines] == [f"{path}:{n}" for n in (6, 9, 10, 11, 13)]
    assert "expects: unknown key" in lines[0]
    assert "quotes" in lines[3]


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("app: [", ":1", "not valid YAML"),
        ("- a\n- b\n", ":1", "a mapping"),
        ("", ":1", "a mapping"),
        ("app: faq\n", ":1", "conversations: Field required"),
        (CANCELLED.replace("second", "first"), ":9", "named 'first'"),
        (CANCELLED.replace("name: second", "name: second\n    name: third"), ":10", "there twice"),
        ("app: faq\nconversations:\n  - name: a\n    turns: [{customer: hi}]\n", ":3",
         "no turn expects anything"),
        ("app: faq\nconversations:\n  - name: a\n    turns: [{customer: hi, expect: {}}]\n", ":4",
         "nothing is expected"),
        ("app: faq\nconversations:\n  - name: a\n    turns: [{customer: 12}]\n", ":4", "quotes"),
        ("a: &a [*a]\n", ":1", "a: unknown key"),
        ("app: 2026-02-30\n", "", "not valid YAML"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_refused_where_it_is_wrong(tmp_path, text, line, told):
    lines = mistakes(tmp_path, text)
    assert any(f"tests.yaml{line}: " in each and told in each for each in lines), lines


def test_a_folder_is_read_with_the_folders_in_it_and_mistakes_of_all_files_are_told(tmp_path):
    (tmp_path / "inner").mkdir()
    write(tmp_path, CANCELLED, "a.yaml")
    write(tmp_path / "inner", CANCELLED, "b.yml")
    write(tmp_path, "not for us", "notes.txt")
    assert [suite.path.name for suite in read_suites(tmp_path)] == ["a.yaml", "b.yml"]
    write(tmp_path, "x: 1", "c.yaml")
    write(tmp_path, "y: 1", "d.yaml")
    with pytest.raises(ConfigError, match=r"c\.yaml:1: (?s:.*)d\.yaml:1: "):
        read_suites(tmp_path)


def test_a_folder_without_files_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="no file of conversations"):
        read_suites(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_suites(tmp_path / "nowhere.yaml")


def test_conversations_do_not_mix(tmp_path, fresh):
    (suite,) = read_suites(write(tmp_path, CANCELLED))
    first, second = run_suite(suite, fresh)
    assert (first.verdict, second.verdict) == ("passed", "passed")
    assert first.answers[-1].effects
    assert second.answers[0].step == "workflow:cancel_order:confirm", "not cancelled yet for it"


def test_a_conversation_goes_on_after_a_miss_and_each_has_its_turn_and_line(tmp_path, fresh):
    text = CANCELLED.replace("effects: []}", "hand_over: true}")
    text = text.replace("workflow: null}", "reason: guard}")
    (suite,) = read_suites(write(tmp_path, text))
    first, _ = run_suite(suite, fresh)
    assert [(each.turn, each.line, each.miss.what) for each in first.failures] == [
        (1, 5, "hand_over"),
        (2, 7, "reason"),
    ]


def test_coverage_counts_what_was_reached_and_intents_that_were_expected(tmp_path, fresh):
    text = CANCELLED.replace('{step: "workflow:cancel_order:confirm"}', "{intent: order_status}")
    text += "      - customer: a human please\n        expect: {hand_over: true, intent: null}\n"
    (suite,) = read_suites(write(tmp_path, text))
    known = stages(load_config(WorkflowsConfig, SHIPPED))
    found = measure(known, ["cancel_order", "order_status", "oos"], run_suite(suite, fresh))
    cancel = found.workflows["cancel_order"]
    assert cancel.reached == ("confirm", "answer:done", "hand_over")
    assert set(cancel.reached + cancel.missed) == set(known["cancel_order"])
    assert found.workflows["return_item"].reached == ()
    assert (found.intents.reached, found.intents.missed) == (
        ("order_status", "oos"),
        ("cancel_order",),
    )


def test_the_stages_of_a_workflow_are_its_questions_answers_and_endings():
    known = stages(load_config(WorkflowsConfig, SHIPPED))
    assert "confirm" not in known["order_status"]
    assert known["account_details"] == ()  # it asks nothing that could be stopped
    assert {"ask:order_number", "ask:address", "confirm", "answer:done", "answer:unknown",
            "cancelled", "hand_over"} <= set(known["change_address"])  # fmt: skip


def test_the_verb_prints_counts_and_coverage_and_leaves_the_database_alone(deskhand, tmp_path):
    done = deskhand(CANCELLED)
    assert done.exit_code == 0, done.output
    assert "2 conversations: 2 passed, 0 failed" in done.stdout
    assert "workflow cancel_order: 2 of 11 steps and endings reached; never: ask:" in done.stdout
    assert "0 of 4 intents expected somewhere" in done.stdout
    assert not (tmp_path / "var").exists()


def test_the_verb_prints_a_line_for_each_missed_expectation_and_ends_with_1(deskhand):
    done = deskhand(WRONG)
    assert done.exit_code == 1
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert failed == [
        "FAILED tests.yaml:11: wrong, turn 1: intent: expected null, got cancel_order",
        "FAILED tests.yaml:11: wrong, turn 1: step: expected workflow:cancel_order:answer:done, "
        "got workflow:cancel_order:confirm",
    ]
    assert "2 conversations: 1 passed, 1 failed" in done.stdout


def test_the_verb_prints_one_object_for_programs(deskhand):
    done = deskhand(WRONG, "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert (found["n"], found["passed"], found["turns"]) == (2, 1, 3)
    (failed,) = found["failed"]
    assert (failed["conversation"], failed["file"], failed["line"]) == ("wrong", "tests.yaml", 9)
    assert failed["failures"][0] == {
        "turn": 1, "line": 11, "what": "intent", "expected": None, "got": "cancel_order",
    }  # fmt: skip
    covered = found["coverage"]["customer_service"]
    assert covered["workflows"]["cancel_order"]["reached"] == ["confirm", "answer:done"]
    assert covered["intents"] == {
        "reached": ["oos"],
        "missed": ["cancel_order", "order_status", "talk_to_human"],
    }


def test_an_expected_failure_is_counted_and_an_unexpected_pass_is_told(deskhand):
    why = "\n    expected_failure: not learned yet"
    done = deskhand(WRONG.replace("name: first", f"name: first{why}").replace(
        "name: wrong", f"name: wrong{why}"))  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "expected failure tests.yaml:10: wrong: not learned yet" in done.stdout
    assert "UNEXPECTED PASS tests.yaml:3: first: take its expected_failure out" in done.stdout
    assert "2 conversations: 1 passed, 0 failed, 1 failed as expected, 1 of those" in done.stdout


def test_the_report_is_one_page_that_shows_every_conversation_escaped(deskhand, tmp_path):
    text = WRONG.replace("please cancel", "<script>alert(1)</script> cancel")
    done = deskhand(text, "--report", "out/report.html")
    assert done.exit_code == 1
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert page.index("wrong: <b class=bad>failed") < page.index("first: <span class=good>passed")
    assert "expected workflow:cancel_order:answer:done" in page
    assert "answer:declined" in page, "what was never reached is listed"
    assert "http" not in page.replace("http-equiv", "")
    assert not list((tmp_path / "out").glob(".*"))


def test_the_faq_app_is_tested_too_and_has_no_coverage(deskhand):
    done = deskhand(
        "app: faq\nconversations:\n  - name: a\n    turns:\n"
        "      - {customer: how long do I have to send back, expect: {passage: faq-2}}\n",
        "--json",
    )
    found = json.loads(done.stdout)
    assert (done.exit_code, found["passed"]) == (0, 1)
    assert found["coverage"]["faq"]["workflows"] == {}


def test_settings_of_a_file_reach_the_app_and_those_of_the_command_win(deskhand, tmp_path):
    flows = SHIPPED.read_text(encoding="utf-8").replace("Shall I cancel", "Must I cancel")
    (tmp_path / "mine.yaml").write_text(flows, encoding="utf-8")
    said = CANCELLED.replace("effects: []}", "must_say: Must I cancel}")
    setting = f"workflows={tmp_path}/mine.yaml"
    assert deskhand(said).exit_code == 1
    assert deskhand(said.replace("conv", f"settings: [{setting}]\nconv", 1)).exit_code == 0
    nowhere = said.replace("conv", "settings: [workflows=/nowhere.yaml]\nconv", 1)
    assert deskhand(nowhere, "--set", setting).exit_code == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("app: nosuch\n", "tests.yaml: nosuch: no such app"),
        ("app: summarizer\n", "summarizer holds no conversations"),
        ("app: faq\nsettings: [indexx=a]\n", "indexx"),
        ("app: faq\n", "indexes/support"),
    ],
)
def test_what_is_missing_is_refused(tmp_path, monkeypatch, text, told):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, text + HELLO)
    done = CliRunner().invoke(command_line, ["test", str(path)])
    assert isinstance(done.exception, DeskhandError)
    assert told in str(done.exception)


def test_a_missing_run_is_one_line_and_exit_code_2(tmp_path):
    write(tmp_path, "app: customer_service\n" + HELLO)
    done = subprocess.run(
        [sys.executable, "-m", "apps.cli", "test", "tests.yaml"], cwd=tmp_path, check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "runs/intent" in line


def test_the_conversations_of_the_sample_company_can_be_read():
    suites = read_suites(SAMPLES / "tests")
    assert sum(len(suite.written.conversations) for suite in suites) >= 40


CALLS = """\
workflows:
  cancel_order:
    intents: [cancel_order]
    slots: {}
    action:
      http: {method: POST, url: "http://127.0.0.1:9/cancel", say: {200: done}}
    answers: {done: Done., failed: "Sorry, that failed."}
"""


@pytest.mark.parametrize(
    ("options", "step", "calls"),
    [([], "hand_over", 0), (["--live"], "workflow:cancel_order:answer:done", 1)],
)
def test_other_systems_are_called_only_where_that_is_asked_for(
    options, step, calls, deskhand, tmp_path, monkeypatch
):
    made = []
    monkeypatch.setattr(
        "apps.customer_service.workflow.call",
        lambda *what: made.append(what) or ActionResult("done"),
    )
    write(tmp_path, CALLS, "flows.yaml")
    write(tmp_path, "app: customer_service\nworkflows: flows.yaml\n", "mine.yaml")
    done = deskhand(
        "app: mine.yaml\nconversations:\n  - name: a\n    turns:\n      - customer: please cancel\n"
        f"        expect: {{step: '{step}'}}\n",
        *options,
    )
    assert done.exit_code == 0, done.output
    assert len(made) == calls


def test_hours_hold_only_where_a_test_sets_them(deskhand, tmp_path):
    config = f"app: customer_service\nworkflows: {SHIPPED}\nhours: {MONDAYS}\n"
    write(tmp_path, config, "mine.yaml")
    text = (
        "app: mine.yaml\nsettings: [threads=1]\nconversations:\n  - name: a\n    turns:\n"
        "      - customer: let me talk to a human\n        expect: {reason: asked_for_person}\n"
    )
    assert deskhand(text).exit_code == 0
    closed = text.replace("threads=1", f"'hours={MONDAYS}'")
    done = deskhand(closed.replace("asked_for_person", "closed"))
    assert done.exit_code == 0, done.output
