"""The case `star_bank`, on made-up dialogues of a bank and with models of keywords."""

from pathlib import Path

import pytest

from apps.customer_service.bot import CustomerServiceBot
from apps.customer_service.workflow_check import read_workflows
from benchmarks.star import ARCHIVE
from benchmarks.star_bank import case
from benchmarks.star_bank.bot import HERE, STAGES, Bank, Nothing, workflows
from benchmarks.star_bank.dialogues import TASKS, prepared, read
from benchmarks.star_bank.filled import filled, same
from benchmarks.star_bank.learning import intent_rows
from benchmarks.star_bank.next_step import taken
from benchmarks.star_bank.whole import LACKS, play
from data.errors import LogFormatError
from data.split import split_of
from tests.made_files import star_archive
from tests.test_bot import KeywordIntents
from tests.test_bot import index as index  # a fixture

DATASETS = Path("../shared/datasets")
NAMES = ("Ada Ash", "Bob Birch", "Cyd Cedar")


def said(who, text, action=None):
    event = {"Agent": who, "Action": "utter" if who == "User" else "pick_suggestion", "Text": text}
    return {**event, "ActionLabel": action} if action else event


def looked_up(task, item, **values):
    given = [{name: value} for name, value in values.items()]
    asked = {"Agent": "Wizard", "Action": "query", "APIName": task, "Constraints": given}
    return [asked, {"Agent": "KnowledgeBase", "Action": "return_item", "Item": item}]


def balance(number):
    name, account, pin = NAMES[number % 3], f"{71000000 + number}", f"{4000 + number}"
    return "bank_balance", [
        said("User", "what is my balance?"),
        said("Wizard", "Who are you?", "ask_name"),
        said("User", f"I am {name}, my account is {account}"),
        said("Wizard", "And the PIN?", "bank_ask_pin"),
        said("User", f"it's {pin}"),
        *looked_up("bank_balance", {"BankBalance": 12}, FullName=f'"{name} "',
                   AccountNumber=account, PIN=pin),
        said("Wizard", "You have 12.", "bank_inform_balance"),
        said("User", "thanks"),
        said("Wizard", "Anything else?", "anything_else"),
    ]  # fmt: skip


def fraud(number):
    """A customer who forgot the PIN and has nothing else either."""
    name = NAMES[number % 3]
    missing = {"Message": "You must provide more."}
    return "bank_fraud_report", [
        said("User", "somebody stole all of the money that I had, a fraud"),
        said("Wizard", "Who are you?", "ask_name"),
        said("User", name),
        said("Wizard", "The account?", "bank_ask_account_number"),
        said("User", "I forgot that, and the PIN"),
        said("Wizard", "When were you born?", "bank_ask_dob"),
        said("User", "what a nice day"),
        said("Wizard", "I only do fraud here.", "out_of_scope"),
        said("User", "no idea when I was born"),
        *looked_up("bank_fraud_report", missing, FullName=f'"{name}"', FraudReport='"stole money"',
                   PIN="null"),
        said("Wizard", "Then I cannot help.", "bank_inform_cannot_authenticate"),
    ]  # fmt: skip


def dialogue(number, task, events, *, complete=True):
    return {
        "DialogueID": number,
        "AnonymizedUserWorkerID": "u",
        "AnonymizedWizardWorkerID": "w",
        "CompletionLevel": "Complete" if complete else "DialogueIncomplete",
        "Scenario": {
            "Domains": [task.partition("_")[0]],
            "Happy": task == "bank_balance",
            "WizardCapabilities": [{"Task": task}],
        },
        "Events": events,
    }


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    """A folder with an archive of 60 dialogues of the bank, one that broke off, and 40 others."""
    root = tmp_path_factory.mktemp("datasets")
    values = [dialogue(n, *(fraud(n) if n % 2 else balance(n))) for n in range(60)]
    values.append(dialogue(900, *balance(900), complete=False))
    others = [said("User", "book me a room"), said("Wizard", "Which?", "ask_room")]
    values += [dialogue(n, "hotel_book", others) for n in range(1000, 1040)]
    star_archive(root, values)
    return root


@pytest.fixture(scope="module")
def folder(datasets, tmp_path_factory):
    return prepared(datasets, tmp_path_factory.mktemp("kept"))


class BankIntents(KeywordIntents):
    words = {"balance": "bank_balance", "stole": "bank_fraud_report"}


@pytest.fixture
def opened(index):
    bank = Bank()
    return CustomerServiceBot(BankIntents(), Nothing(), index, workflows(bank)), bank


def one(folder, task):
    return next(each for each in read(folder, "train") if each.task == task)


def test_completed_dialogues_of_the_bank_are_kept_by_split_with_their_queries(folder):
    found = {part: read(folder, part) for part in ("train", "validation", "test")}
    assert sum(len(each) for each in found.values()) == 60
    assert all(split_of(d.conversation.id) == part for part, ds in found.items() for d in ds)
    query = one(folder, "bank_balance").queries[0]
    assert (query.turn, query.succeeded, query.item) == (5, True, {"BankBalance": 12})
    assert set(query.slots) == {"full_name", "account_number", "pin"}
    assert query.slots["full_name"] in NAMES
    failed = one(folder, "bank_fraud_report").queries[0]
    assert (failed.succeeded, "pin" in failed.slots) == (False, False)
    assert "book me a room" in (folder / "others.jsonl").read_text()


def test_without_the_archive_a_line_says_so(tmp_path):
    with pytest.raises(LogFormatError, match="--datasets"):
        prepared(tmp_path, tmp_path / "kept")


def test_openings_are_labelled_by_task_and_what_was_out_of_scope(folder):
    dialogues = [one(folder, "bank_balance"), one(folder, "bank_fraud_report")]
    assert {(row["label"], row["text"]) for row in intent_rows(dialogues)} == {
        ("bank_balance", "what is my balance?"),
        ("bank_fraud_report", "somebody stole all of the money that I had, a fraud"),
        ("oos", "what a nice day"),
    }


def test_the_bots_next_step_is_told_where_the_wizard_is(folder, opened):
    app, bank = opened
    found = list(taken(app, bank, [one(folder, "bank_balance"), one(folder, "bank_fraud_report")]))
    assert [(each.wizard, each.bot) for each in found] == [
        ("ask_name", "ask_name"),
        ("bank_ask_pin", "bank_ask_pin"),
        ("bank_inform_balance", "bank_inform_balance"),
        ("anything_else", "anything_else"),
        ("ask_name", "ask_name"),
        ("bank_ask_account_number", "bank_ask_account_number"),
        ("bank_ask_dob", "bank_ask_dob"),
        ("out_of_scope", "bank_ask_dob"),
        ("bank_inform_cannot_authenticate", "bank_inform_cannot_authenticate"),
    ]
    assert list(filled(found)) == [
        ("full_name", True), ("account_number", True), ("pin", True),
        ("full_name", True), ("fraud_details", True),
    ]  # fmt: skip


def test_a_customer_says_what_the_real_one_said_when_asked(folder, opened):
    app, bank = opened
    done, barred = play(app, bank, [one(folder, "bank_balance"), one(folder, "bank_fraud_report")])
    assert (done.right, len(done.messages)) == (True, 3)
    assert (barred.right, barred.called, barred.wanted) == (True, (), None)
    assert LACKS in barred.messages, "the real customer was not asked so often"
    wrong = done.called[0][1] | {"pin": "0000"}
    object.__setattr__(done, "called", (("bank_balance", wrong),))
    assert not done.right


def test_the_case_tells_both_parts(datasets, opened, tmp_path, monkeypatch):
    app, bank = opened
    runs = dict.fromkeys(("intent", "next_action"), tmp_path)
    monkeypatch.setattr(case, "learned", lambda folder, kept: runs)
    monkeypatch.setattr(case, "Bank", lambda: bank)
    monkeypatch.setattr(case, "opened", lambda bank, run, kept: app)
    monkeypatch.setattr(
        case, "next_actions",
        lambda run, dialogues: {(d.conversation.id, 1): "ask_name" for d in dialogues},
    )  # fmt: skip
    rows = {row["what"]: row for row in case.run(datasets, tmp_path / "kept")}
    bot = rows["next step, the bot: accuracy"]
    assert 0.8 < float(bot["value"]) < 1
    assert "happy 1.0000" in bot["beside"]
    model = next(row for what, row in rows.items() if "next_action run" in what)
    assert model["value"] == "1.0000", "told at the places that it knows"
    assert rows["whole dialogues: done, where the wizard got it done"]["value"] == "1.0000"
    assert "out_of_scope / bank_ask_dob" in rows["steps that differ"]["beside"]


@pytest.mark.parametrize(
    ("name", "had", "wanted", "alike"),
    [
        ("full_name", "ada ash.", "Ada Ash", True),
        ("birth_date", "April 5th 1990", "05/04/1990", True),
        ("birth_date", "04/05/1990", "5/4/1990", True),
        ("birth_date", "31/06/1996", "31/06/1996", True),
        ("birth_date", "", "05/04/1990", False),
        ("pin", "0042", "42", False),
        ("fraud_details", "they took 300 dollars at an ATM", "ATM: 300 taken", True),
        ("fraud_details", "my card", "somebody took 300", False),
    ],
)
def test_values_are_compared_however_they_are_written(name, had, wanted, alike):
    assert same(name, had, wanted) == alike


def test_every_question_of_the_workflows_is_a_step_of_the_wizards():
    flows = read_workflows(HERE / "workflows.yaml", Bank().catalog()).workflows
    asked = {stage.removeprefix("ask:") for stage in STAGES.values() if stage.startswith("ask:")}
    assert asked == {slot for flow in flows.values() for slot in flow.slots}
    assert set(flows) == set(TASKS)


def test_stars_own_archive_holds_the_banks_dialogues(tmp_path):
    if not (DATASETS / ARCHIVE).exists():
        pytest.skip(f"{DATASETS / ARCHIVE} is not there")
    folder = prepared(DATASETS, tmp_path)
    test = read(folder, "test")
    assert len(test) > 40
    asked = {turn.action for each in test for turn in each.conversation.turns if turn.action}
    assert set(STAGES) <= asked | {"bank_inform_nothing_found"}
    assert sum(any(q.succeeded for q in each.queries) for each in test) > len(test) / 2
