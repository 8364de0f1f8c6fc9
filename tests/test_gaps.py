"""What nobody could answer, grouped by meaning."""

import csv
import json
from datetime import datetime, timedelta

import pytest
from typer.testing import CliRunner

from apps.cli import app
from apps.review.gaps import gaps_of
from apps.store import DEFAULT_URL, Store
from apps.store_review import Asked, Reviews
from apps.verbs import gaps as gaps_verb
from data.errors import ConfigError
from data.schema import Answer
from tests.fakes import HashEncoder

NOON = datetime(2026, 3, 1, 12)


def asked(*texts):
    """The latest first."""
    return [Asked("faq", text, NOON - timedelta(days=n)) for n, text in enumerate(texts)]


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def store(url):
    return Store(url)


def answered(store, text, app_name="faq", **trace):
    store.record(store.new_conversation("me", app_name), text, Answer("…"), trace)


def test_questions_of_one_meaning_are_one_gap_and_the_most_asked_is_first():
    found = gaps_of(
        asked("do you sell gas hobs", "where are mugs made", "Where are mugs made?",
              "where are blue mugs made"),
        HashEncoder(),
    )  # fmt: skip
    assert [(gap.count, gap.last) for gap in found] == [(3, NOON - timedelta(days=1)), (1, NOON)]
    assert found[0].question == "where are mugs made"
    assert set(found[0].others) == {"Where are mugs made?", "where are blue mugs made"}
    assert found[0].values()["last"] == "2026-02-28T12:00:00"


def test_the_same_words_count_and_are_listed_once():
    (gap,) = gaps_of(asked("Any hobs", "any  HOBS"), HashEncoder())
    assert (gap.count, gap.others) == (2, ())


def test_no_gap_holds_a_private_value():
    (gap,) = gaps_of(asked("do you know dan.miller@gmail.com"), HashEncoder())
    assert gap.question == "do you know [email]"


def test_what_is_answered_by_now_is_left_out():
    found = gaps_of(asked("gas hobs", "mugs"), HashEncoder(), answered=lambda q: "mugs" in q)
    assert [gap.question for gap in found] == ["gas hobs"]
    assert gaps_of([], HashEncoder()) == []


def test_no_answer_counts_in_any_app_also_when_closed_and_out_of_scope_does_not(store):
    answered(store, "hobs", reason="no_answer")
    answered(store, "mugs", "bot", reason="no_answer", hand_over=True, step="hand_over")
    answered(store, "late", "bot", reason="closed", summary="Why: no answer\nWants: mugs")
    answered(store, "angry", "bot", reason="closed", summary="Why: upset")
    answered(store, "weather", reason="out_of_scope")
    for step in ("hand_over:grave", "hand_over:overdue"):
        answered(store, step, "bot", reason="no_answer", step=step)
        answered(store, step, "bot", reason="closed", summary="Why: no answer", step=step)
    answered(store, "fine")
    found = Reviews(store).unanswered()
    assert [(each.app, each.text) for each in found] == [
        ("bot", "late"), ("bot", "mugs"), ("faq", "hobs"),
    ]  # fmt: skip
    assert Reviews(store).unanswered(since=found[0].time + timedelta(days=1)) == []


@pytest.fixture
def by_hash(monkeypatch):
    monkeypatch.setattr("apps.build.opened_encoder", lambda name, threads: HashEncoder())


@pytest.mark.usefixtures("by_hash")
def test_the_verb_prints_one_object_and_writes_a_table_that_no_spreadsheet_runs(
    store, url, tmp_path
):
    for text in ("=hobs", "=hobs", "mugs"):
        answered(store, text, reason="no_answer")
    out = tmp_path / "gaps.csv"
    done = CliRunner().invoke(app, ["gaps", "--store", url, "--out", str(out), "--json"])
    values = json.loads(done.output)
    assert values["questions"] == 3
    assert [(each["question"], each["count"]) for each in values["gaps"]] == [
        ("=hobs", 2), ("mugs", 1),
    ]  # fmt: skip
    with out.open(encoding="utf-8", newline="") as file:
        assert [row["question"] for row in csv.DictReader(file)] == ["'=hobs", "mugs"]
    said = CliRunner().invoke(app, ["gaps", "--store", url]).output
    assert "3 questions without an answer, 2 different ones" in said


@pytest.mark.parametrize(
    "more", [["--out", "x.txt"], ["--since", "monday"], ["--region", "Mars"], ["--store", "none"]]
)
def test_what_cannot_be_read_or_written_is_one_line(more, store, url, tmp_path):
    more = [f"sqlite:///{tmp_path}/none.db" if each == "none" else each for each in more]
    done = CliRunner().invoke(app, ["gaps", "--store", url, *more])
    assert isinstance(done.exception, ConfigError)
    assert more[1] in str(done.exception)


def test_the_verb_reads_the_store_that_the_apps_write():
    assert gaps_verb._URL == DEFAULT_URL
