"""The case `star`, on an archive of made-up dialogues and with a tiny encoder."""

import shutil

import pytest
import yaml

from benchmarks import run as cases
from benchmarks import star, star_answers
from benchmarks.star_actions import steps_in
from data.conversations import read_conversations
from data.errors import LogFormatError
from data.split import split_of
from finetune.run_dir import RunDir
from finetune.train import train
from tests.conftest import small
from tests.made_files import star_archive

pytestmark = pytest.mark.usefixtures("here")
DAYS = ("Monday", "Friday", "Sunday")


def said(who, text, action=None):
    event = {"Agent": who, "Action": "utter" if who == "User" else "pick_suggestion", "Text": text}
    return {**event, "ActionLabel": action} if action else event


def dialogue(number, *, complete=True, tasks=("book",)):
    day, hour = DAYS[number % 3], number % 4
    return {
        "DialogueID": number,
        "AnonymizedUserWorkerID": "u",
        "AnonymizedWizardWorkerID": "w",
        "CompletionLevel": "Complete" if complete else "DialogueIncomplete",
        "Scenario": {
            "Domains": ["doctor"],
            "Happy": number % 2 == 0,
            "WizardCapabilities": [{"Task": task} for task in tasks],
        },
        "Events": [
            said("User", f"i need a doctor on {day}"),
            said("Wizard", "Who are you, please?", "ask_name"),
            said("User", "somebody"),
            {"Agent": "KnowledgeBase", "Item": {"Day": day, "Time": f"{hour} pm"}},
            said("Wizard", f"The doctor is free\non {day} at {hour} pm.", "inform_free"),
            said("User", "thanks"),
            said("Wizard", "Goodbye.", "goodbye_1"),
        ],
    }


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    """A folder with the archive: 80 dialogues that are wanted and two that are not."""
    root = tmp_path_factory.mktemp("datasets")
    values = [dialogue(number) for number in range(80)]
    values += [dialogue(900, complete=False), dialogue(901, tasks=("book", "pay"))]
    star_archive(root, values)
    return root


@pytest.fixture(scope="module")
def kept(datasets, tmp_path_factory):
    """Where data and runs lie, with no run yet."""
    folder = tmp_path_factory.mktemp("kept")
    star.prepared(datasets, folder)
    return folder


def by_name(rows):
    return {each["what"]: each for each in rows}


def test_completed_dialogues_of_one_task_are_split_by_their_ids(kept):
    found = {
        name: list(read_conversations(kept / "data" / f"{name}.jsonl"))
        for name in ("train", "train_all", "validation", "test")
    }
    whole = [*found["train_all"], *found["validation"], *found["test"]]
    assert {each.id for each in whole} == {str(number) for number in range(80)}
    assert all(split_of(each.id) == "test" for each in found["test"])
    assert {each.id for each in found["train"]} < {each.id for each in found["train_all"]}
    assert {each.outcome for each in whole} == {"solved"}


def test_a_missing_archive_is_told_in_one_line(tmp_path):
    with pytest.raises(LogFormatError, match="--datasets"):
        star.prepared(tmp_path, tmp_path / "kept")


def test_a_step_has_the_history_and_an_answer_with_its_values(kept):
    step = steps_in(read_conversations(kept / "data" / "test.jsonl"))[1]
    assert step.action == "inform_free"
    assert step.answer.startswith("The doctor is free on ")
    day = step.situation.facts["Day"]
    assert day in step.answer
    assert step.text.splitlines()[1:] == [
        "agent[ask_name]: Who are you, please?",
        "customer: somebody",
        f"looked up: Day={day}; Time={step.situation.facts['Time']}",
    ]


def test_without_runs_the_baselines_are_measured_and_the_rest_is_said_not_to_be(
    datasets, kept, tiny
):
    rows = star.run(datasets, kept, tiny)
    missing = [each for each in rows if each["value"] == star_answers.NOT_MEASURED]
    assert len(missing) == 4
    assert "dialogue" in missing[-1]["beside"]
    found = [row for row in rows if row["what"].startswith("next action, TF-IDF")]
    assert all(float(row["value"]) > 0.9 for row in found)  # the last words tell it here
    assert len(found) == 4


def test_figures_are_those_of_the_answers(datasets, kept, tiny):
    rows = by_name(star.run(datasets, kept, tiny))
    common = next(row for what, row in rows.items() if what.startswith("share of test steps"))
    assert common["value"] == "0.6667"  # two of three steps
    most = rows["answer, most frequent answer: exact match"]
    assert most["value"] == "0.3333"
    assert most["beside"].endswith("template 0.3333")
    assert "happy " in rows["answer, most frequent answer: BLEU-4"]["beside"]
    assert "tok:13a" in rows["answer, most frequent answer: BLEU-4"]["beside"]


def test_a_dialogue_run_is_asked_for_every_step(datasets, kept, tiny, monkeypatch):
    asked = []

    class Writer:
        def __init__(self, run):
            assert run.name == "dialogue"

        def write_all(self, situations):
            asked.append(len(situations))
            assert {each.step for each in situations} == {None}
            return ["Goodbye."] * len(situations)

    monkeypatch.setattr(star_answers, "DialogueModel", Writer)
    (kept / "dialogue").mkdir()
    config = {"train": {"dialogue": {"max_rows": 6000}, "optim": {"epochs": 2.0}}}
    RunDir(kept / "dialogue").config.write_text(yaml.safe_dump(config), encoding="utf-8")
    try:
        rows = by_name(star.run(datasets, kept, tiny))
    finally:
        shutil.rmtree(kept / "dialogue")
    test = len(steps_in(read_conversations(kept / "data" / "test.jsonl")))
    assert asked[-1] == test
    assert (
        rows["answer, written by a dialogue run, 6,000 training answers, 2 passes: exact match"][
            "value"
        ]
        == "0.3333"
    )


def test_a_dialogue_run_that_reads_steps_is_given_the_predicted_ones(
    datasets, kept, tiny, monkeypatch
):
    asked = {}

    class Writer:
        def __init__(self, run):
            pass

        def write_all(self, situations):
            asked[len(asked)] = [each.step for each in situations]
            return ["Goodbye."] * len(situations)

    monkeypatch.setattr(star_answers, "DialogueModel", Writer)
    monkeypatch.setattr(
        star, "predicted", lambda _, steps: {part: ["guessed"] * len(steps[part]) for part in steps}
    )
    (kept / "dialogue").mkdir()
    config = {
        "train": {"dialogue": {"max_rows": 6000, "step": "given"}, "optim": {"epochs": 2.0}}
    }  # fmt: skip
    RunDir(kept / "dialogue").config.write_text(yaml.safe_dump(config), encoding="utf-8")
    try:
        rows = by_name(star.run(datasets, kept, tiny))
    finally:
        shutil.rmtree(kept / "dialogue")
    assert [set(steps) for steps in asked.values()] == [{"guessed"}, {"guessed"}]
    name = "written by a dialogue run with the predicted action, 6,000 training answers, 2 passes"
    assert f"answer, {name}: BLEU-4" in rows


def test_trained_runs_are_measured(datasets, kept, tiny, tmp_path):
    for name in ("validation", "test", "train"):
        (tmp_path / "data").mkdir(exist_ok=True)
        lines = (kept / "data" / f"{name}.jsonl").read_bytes()
        (tmp_path / "data" / f"{name}.jsonl").write_bytes(lines)
    lines = (kept / "data" / "train_all.jsonl").read_bytes()
    (tmp_path / "data" / "train_all.jsonl").write_bytes(lines)
    (tmp_path / "data" / "complete").touch()
    train(small("intent", tiny, "head"), tmp_path / "data", tmp_path / "next_action")
    train(small("reply", tiny), tmp_path / "data", tmp_path / "reply")
    rows = by_name(star.run(datasets, tmp_path, tiny))
    # The last words before a step tell it here.
    assert float(rows["next action, trained run: accuracy"]["value"]) > 0.9
    chosen = rows["answer, answer of the nearest context with the predicted action: exact match"]
    assert float(chosen["value"]) > 0.6
    assert (
        "template"
        in rows["answer, tuned reply run ranks all training answers: exact match"]["beside"]
    )


def test_a_run_that_is_there_is_not_trained_again(datasets, kept, monkeypatch):
    asked = []
    monkeypatch.setattr(star, "deskhand", lambda folder, *words: asked.append(words))
    star.main(["next_action", "reply"], datasets, kept, ["threads=1"])
    assert [words[1] for words in asked] == ["intent", "reply"]
    assert asked[1][-2:] == ("--set", "threads=1")
    (kept / "reply").mkdir()
    try:
        star.main(["reply"], datasets, kept)
    finally:
        (kept / "reply").rmdir()
    assert len(asked) == 2


def test_the_case_is_offered():
    assert cases.CASES["star"][1] is star.run
