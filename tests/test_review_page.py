"""The review tab: who is served it, what it shows and keeps, and the tab in headless Chromium."""

import asyncio
import csv
import json
import logging
import os
import subprocess
import sys
import zipfile

import gradio as gr
import pytest

from apps import serving
from apps.cli import app as command
from apps.config import app_config
from apps.review.desk import Form, ReviewDesk
from apps.store import Store
from apps.store_forget import forget_owners
from apps.web.failure import SORRY
from apps.web.page import build_page
from apps.web.review_html import conversation_html, gaps_html, title_of
from apps.web.review_tab import ReviewTab
from data.errors import ConfigError
from data.schema import Answer
from tests.browser import chromium, needs_browser, served
from tests.fakes import HashEncoder

EVIL = "<img src=x onerror=alert(1)>"
MAIL = "dan.miller@gmail.com"


@pytest.fixture
def store(tmp_path):
    return Store(f"sqlite:///{tmp_path}/store.db")


@pytest.fixture
def desk(store):
    return ReviewDesk(store, HashEncoder, ("cancel_order", "oos"), ("order_number",))


@pytest.fixture
def tab(desk):
    return ReviewTab(desk)


def talk(store, text, said="I hand you over.", app="customer_service", **trace):
    values = {
        "text": said, "intent": "order_status", "confidence": 0.9, "step": "hand_over",
        "hand_over": True, "reason": "low_confidence",
        "entities": [{"type": "order_number", "text": text[:4], "start": 0, "end": 4,
                      "confidence": 0.8}],
    } | trace  # fmt: skip
    return store.record(store.new_conversation("somebody", app), text, Answer(said), values)


# Who is served it


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_on_this_machine_review_may_stand_beside_other_apps(host):
    serving.check_review(["customer_service", "review"], host)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "desk.example.com", "::", ""])  # noqa: S104
def test_customers_on_the_network_do_not_reach_it_and_alone_it_is_warned_of(host, caplog):
    with pytest.raises(ConfigError, match="everyone's conversations"):
        serving.check_review(["customer_service", "review"], host)
    with caplog.at_level(logging.WARNING):
        serving.check_review(["review"], host)
    assert "everyone's conversations" in caplog.text


@pytest.mark.parametrize(("host", "on"), [("127.0.0.1", True), ("0.0.0.0", False)])  # noqa: S104
def test_the_demo_has_it_on_this_machine_alone(host, on, monkeypatch):
    from typer.testing import CliRunner

    asked = []
    monkeypatch.setattr("apps.verbs.demo.ensure_trained", lambda: None)
    monkeypatch.setattr(serving, "serve_apps", lambda apps, *rest: asked.append(apps))
    CliRunner().invoke(command, ["demo", "--host", host])
    assert [("review" in apps) for apps in asked] == [on]


def test_the_page_has_no_review_unless_it_is_given_a_desk(store, desk):
    async def ids(*more):  # where no event loop runs, gradio makes some and never closes them
        page = build_page({}, None, store, *more)
        return {str(block.elem_id) for block in page.blocks.values()}

    assert not any("review" in each for each in asyncio.run(ids()))
    assert "review-save" in asyncio.run(ids(desk))


def test_a_page_without_review_loads_nothing_that_only_review_needs():
    code = (
        "import sys, apps.serving, apps.web.page;"
        "assert not {'faker', 'phonenumbers', 'scipy.cluster'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_review_answers_no_message():
    with pytest.raises(ConfigError, match="deskhand serve review"):
        serving.ask_app("review", "hello", None, ())


def test_the_desk_of_a_config_knows_the_labels_of_its_runs_and_needs_none(tmp_path, store):
    from apps.build import build_review

    for run, labels in (("intent", ["cancel_order", "oos"]), ("ner", ["O", "B-city", "I-city"])):
        (tmp_path / run).mkdir()
        (tmp_path / run / "labels.json").write_text(json.dumps(labels))
    given = [f"runs.{run}={tmp_path / run}" for run in ("intent", "ner")]
    desk = build_review(app_config("review", given)[0], store)
    assert (desk.intents(), desk.types) == (["cancel_order"], ("city",))
    none = [f"runs.{run}={tmp_path / 'none'}" for run in ("intent", "ner")]
    assert build_review(app_config("review", none)[0], store).types == ()
    with pytest.raises(ConfigError, match="no such region"):
        build_review(app_config("review", ["region=Mars"])[0], store)


# What it shows and keeps


def test_everything_that_people_wrote_is_escaped(store, desk):
    turn = talk(store, EVIL, EVIL, entities=[], intent=EVIL, summary=EVIL)
    desk.save(desk.case(turn)[0], EVIL, Form("", EVIL, False, EVIL))
    case, turns = desk.case(turn)
    html = conversation_html(case, turns)
    assert "<img" not in html
    assert html.count("&lt;img") >= 4
    talk(store, EVIL, reason="no_answer")
    assert "<img" not in gaps_html(desk.gaps())


def test_the_form_has_what_was_predicted_and_then_what_was_said(store, desk):
    case, _ = desk.case(talk(store, "FK-1 please"))
    assert desk.form(case) == Form(
        "order_status", "[FK-1](order_number) please", True, "I hand you over."
    )
    desk.save(case, "Ann", Form("Cancel order", "FK-1 please", True, "Done."))
    case, _ = desk.case(case.turn_id)
    assert desk.form(case) == Form("cancel_order", "FK-1 please", True, "Done.")
    assert desk.intents() == ["cancel_order", "order_status"]
    out_of_scope, _ = desk.case(talk(store, "hello", intent=None, entities=[]))
    assert desk.form(out_of_scope).intent == "oos"
    faq, _ = desk.case(talk(store, "hello", intent=None, confidence=None, entities=[]))
    assert desk.form(faq) == Form("", "hello", False, "I hand you over.")


@pytest.mark.parametrize(
    ("predicted", "kept"),
    [
        ("Refund_not_showing_up", "Refund_not_showing_up"),
        ("reverted_card_payment?", "reverted_card_payment?"),
        ("Order Status", "Order Status"),
        ("rückgabe", "rückgabe"),
    ],
)
def test_a_form_that_nobody_touched_keeps_the_labels_as_they_are(predicted, kept, store, desk):
    mark = {"type": "order-number", "text": "FK-1", "start": 0, "end": 4, "confidence": 0.8}
    case, _ = desk.case(talk(store, "FK-1 please", intent=predicted, entities=[mark]))
    saved = desk.save(case, "Ann", desk.form(case))
    assert saved.intent == kept
    assert [(each.type, each.text) for each in saved.entities] == [("order-number", "FK-1")]


def test_of_very_many_turns_the_latest_are_listed_and_all_are_counted(store, tab, monkeypatch):
    for number in range(3):
        talk(store, f"FK-{number}")
    assert tab.refresh("all", False)[0]["label"] == "To review: 3"
    cases = tab._desk.cases
    monkeypatch.setattr(tab._desk, "cases", lambda *which: cases(*which)[:2])
    monkeypatch.setattr(tab._desk, "count", lambda *which: 1240)
    listed = tab.refresh("all", False)[0]
    assert listed["label"] == "To review: 2 of 1,240"
    assert len(listed["choices"]) == 2


def test_a_store_that_fails_is_a_polite_line(store, tab, monkeypatch, caplog):
    turn = talk(store, "FK-1")

    def full(*args):
        raise OSError("secret: no space left")

    monkeypatch.setattr(tab._desk, "save", full)
    *_, line, _ = tab.save(str(turn), "Ann", "oos", "FK-1", True, "", "all", False)
    assert SORRY in line
    assert "OSError" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("who", "form"),
    [
        (" ", Form("", "FK-1", False, "")),
        ("Ann", Form("a|b", "FK-1", False, "")),
        ("Ann", Form("", "other words", True, "")),
    ],
)
def test_what_cannot_be_kept_is_a_polite_line_and_keeps_nothing(who, form, store, desk):
    case, _ = desk.case(talk(store, "FK-1"))
    with pytest.raises(ConfigError):
        desk.save(case, who, form)
    assert desk.case(case.turn_id)[0].correction is None


def test_a_saved_turn_makes_room_for_the_next_one_and_can_be_taken_back(store, tab):
    first, second = talk(store, "FK-1 one"), talk(store, "FK-2 two")
    listed, talked, *_ = tab.refresh("all", False)
    assert [value for _, value in listed["choices"]] == [str(second), str(first)]
    assert "FK-2 two" in talked
    saved = tab.save(
        str(second), "Ann", "cancel_order", "FK-2 two", True, "Cancelled.", "all", False
    )
    assert [value for _, value in saved[0]["choices"]] == [str(first)]
    assert "intent cancel order" in saved[-2]
    assert saved[-1] == "Ann"
    reviewed, talked, *_, back = tab.refresh("all", True)
    assert [value for _, value in reviewed["choices"]] == [str(second)]
    assert "reviewed by Ann" in talked
    assert back["visible"] is True
    tab.take_back(str(second), "Ann", "all", True)
    tab.set_aside(str(first), "Ann", "all", False)
    listed, *_ = tab.refresh("all", False)
    assert [value for _, value in listed["choices"]] == [str(second)]
    forget_owners(store, ["somebody"])
    assert "gone" in tab.save(str(second), "Ann", "", "", False, "", "all", False)[-2]
    refused = tab.refresh("thumbs_down", False)
    assert (refused[0]["choices"], refused[2]["visible"]) == ([], False)


def test_a_mistake_leaves_the_form_as_it_is(store, tab):
    turn = talk(store, "FK-1")
    *rest, said, _ = tab.save(str(turn), "", "x", "FK-1", True, "", "all", False)
    assert "who you are" in said
    assert all(each == gr.skip() for each in rest)


def test_what_fails_while_gaps_are_looked_for_is_a_polite_line_without_their_text(store, caplog):
    def fails():
        raise RuntimeError("secret")

    talk(store, "any hobs", reason="no_answer")
    *_, (said, made) = ReviewTab(ReviewDesk(store, fails)).gaps()
    assert "Sorry" in said
    assert made["visible"] is False
    assert "secret" not in caplog.text


def test_the_title_tells_why_and_is_cut(store, desk):
    case, _ = desk.case(talk(store, "word " * 50))
    assert title_of(case).startswith("Handed over, Unsure · word word")
    assert title_of(case).endswith("…")


# In a browser


@pytest.mark.browser
@needs_browser
# gradio 6.31 counts its events with what pandas 3 has marked old, behind every queued one.
@pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated")
@pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")
def test_a_reviewer_corrects_an_answer_reads_the_gaps_and_exports(store, desk, tmp_path):
    talk(store, f"FK-1 one, I am {MAIL}")
    talk(store, "any gas hobs", app="faq", reason="no_answer", hand_over=False, step="no_answer",
         intent=None, confidence=None, entities=[])  # fmt: skip
    with served(lambda: build_page({}, None, store, desk)) as url, chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(url)
        page.locator("#review-talk .dh-here").wait_for(timeout=60_000)
        marks = page.locator("#review-marks textarea")
        assert marks.input_value() == f"[FK-1](order_number) one, I am {MAIL}"
        marks.fill("other words")
        page.locator("#review-who textarea, #review-who input").fill("Ann")
        page.locator("#review-save").click()
        page.locator("#review-said", has_text="leave the customer's words").wait_for(timeout=60_000)
        marks.fill(f"[FK-1](order_number) one, I am [{MAIL}](email)")
        page.locator("#review-answer textarea").fill("It is on its way.")
        if picture := os.environ.get("DESKHAND_SCREENSHOT"):
            page.screenshot(path=picture, full_page=True)
        page.locator("#review-save").click()
        page.locator("#review-said", has_text="Saved: intent order status").wait_for(timeout=60_000)
        page.locator("#review-talk", has_text="Nothing to look at").wait_for(timeout=60_000)
        page.reload()
        page.locator("#review-done input").check()
        page.locator("#review-talk", has_text="reviewed by Ann").wait_for(timeout=60_000)
        assert page.locator("#review-who textarea, #review-who input").input_value() == "Ann"
        page.get_by_role("tab", name="Gaps").click()
        page.locator("#review-gaps td", has_text="any gas hobs").wait_for(timeout=60_000)
        with page.expect_download() as download:
            page.locator("#review-gaps-download").click()
        download.value.save_as(tmp_path / "gaps.csv")
        page.get_by_role("tab", name="Export").click()
        page.locator("#review-export").click()
        page.locator("#review-exported", has_text="1 ner").wait_for(timeout=60_000)
        with page.expect_download() as download:
            page.locator("#review-export-download").click()
        download.value.save_as(tmp_path / "labels.zip")
    with (tmp_path / "gaps.csv").open(encoding="utf-8", newline="") as file:
        assert [row["question"] for row in csv.DictReader(file)] == ["any gas hobs"]
    with zipfile.ZipFile(tmp_path / "labels.zip") as made:
        texts = [made.read(name).decode() for name in made.namelist() if name.endswith(".jsonl")]
    assert any("It is on its way." in text for text in texts)
    assert all(MAIL not in text for text in texts)
