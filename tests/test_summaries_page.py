"""The summarizer's tab in headless Chromium: a pasted conversation, and a file of them."""

import csv
import os
import threading
import time
from types import SimpleNamespace

import pytest

from apps.store import Store
from apps.summarizer.summarizer import Summarizer
from apps.web.batch_panel import ROWS, BatchPanel, table_html
from apps.web.page import build_page
from apps.web.summary_tab import SummaryTab
from tests.browser import chromium, needs_browser, served
from tests.conftest import write_lines
from tests.fakes import HashEncoder

PAGE = SimpleNamespace(session_hash="page")


def rows(count):
    turns = [
        {"speaker": "customer", "text": "my lamp broke today, this is ridiculous"},
        {"speaker": "agent", "text": "Did you check the fuse of the lamp? We send you another."},
    ]
    return [{"id": f"c{number}", "turns": turns} for number in range(count)]


def last(panel, *given):
    *_, found = panel.summarize_file(*given, PAGE)
    return found


def test_the_tab_shows_all_parts_of_a_summary():
    tab = SummaryTab(Summarizer(HashEncoder()).summarize)
    html = tab.summarize(
        "Customer: my lamp broke, this is ridiculous\nAgent: Did you check the fuse of the lamp?\n"
        "Agent: We send another lamp."
    )
    for part in ("In short", "wanted", "done", "ended", "Still open", "negative", "Chosen by"):
        assert part in html


def test_an_upload_is_removed_and_what_is_no_log_gets_a_line(tmp_path, caplog):
    tab = BatchPanel(Summarizer(HashEncoder()).summarize)
    assert "choose a file" in last(tab, None, ".csv")[0]
    assert "choose the file again" in last(tab, str(tmp_path / "gone.csv"), ".csv")[0]
    path = write_lines(tmp_path / "secret-folder" / "a.jsonl", [{"id": "a", "turns": []}])
    said, made, *_ = last(tab, str(path), ".csv")
    assert "no conversation could be read" in said
    assert "secret-folder" not in said
    assert made["visible"] is False
    assert not path.exists()

    def fails(conversation):
        raise RuntimeError("secret")

    path = write_lines(tmp_path / "a.jsonl", rows(1))
    assert "Sorry" in last(BatchPanel(fails), str(path), ".md")[0]
    assert not path.exists()
    assert "secret" not in caplog.text


def test_a_run_that_is_stopped_ends_keeps_nothing_and_the_next_one_runs(tmp_path):
    summarizer, read = Summarizer(HashEncoder()), []

    def summarize(conversation):
        read.append(conversation.id)
        if len(read) == 3:
            panel.stop(SimpleNamespace(session_hash="another page"))
            assert not panel._runs["page"].stop.is_set()
            panel.stop(PAGE)
        return summarizer.summarize(conversation)

    panel = BatchPanel(summarize)
    path = write_lines(tmp_path / "a.jsonl", rows(9))
    began, *_, (said, made, table, start, stop, file) = panel.summarize_file(
        str(path), ".csv", PAGE
    )
    assert "so far" in began[0]
    assert (began[3]["interactive"], began[4]["visible"]) == (False, True)
    assert "Stopped after 3" in said
    assert (made["visible"], table, start["interactive"], stop["visible"], file) == (
        False, "", True, False, None,
    )  # fmt: skip
    assert not path.exists()
    path = write_lines(tmp_path / "b.jsonl", rows(2))
    assert "2 summaries" in last(panel, str(path), ".csv")[0]


def test_a_page_that_is_closed_ends_its_run(tmp_path):
    summarizer, read = Summarizer(HashEncoder()), []

    def summarize(conversation):
        read.append(conversation.id)
        return summarizer.summarize(conversation)

    panel = BatchPanel(summarize)
    path = write_lines(tmp_path / "a.jsonl", rows(5000))
    run = panel.summarize_file(str(path), ".csv", PAGE)
    next(run)
    run.close()
    assert len(read) < 5000
    assert not path.exists()
    assert panel._runs == {}


def test_the_table_shows_the_first_rows_escaped_and_says_that_there_are_more(tmp_path):
    panel = BatchPanel(Summarizer(HashEncoder()).summarize)
    many = [{**row, "id": f"<b>{n}"} for n, row in enumerate(rows(ROWS + 1))]
    said, made, table, *_ = last(panel, str(write_lines(tmp_path / "a.jsonl", many)), ".jsonl")
    assert f"first {ROWS} are shown" in said
    assert table.count("<tr>") == ROWS + 1
    assert "&lt;b&gt;0" in table
    assert "<b>" not in table
    assert table_html([]).count("<tr>") == 1


@pytest.fixture
def url(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/page.db")
    with served(lambda: build_page({}, Summarizer(HashEncoder()).summarize, store)) as address:
        yield address


@pytest.mark.browser
@needs_browser
# gradio 6.31 counts its events with what pandas 3 has marked old, behind every queued one.
@pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated")
@pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")
def test_a_file_is_uploaded_summarized_and_downloaded(url, tmp_path):
    path = write_lines(tmp_path / "log.jsonl", [*rows(30), {"id": "bad", "turns": 1}])
    with chromium() as browser:
        page = browser.new_page()
        page.goto(url)
        page.locator("#summarizer-example").click()
        page.locator("#summarizer-run").click()
        page.locator("#summarizer-summary", has_text="In short").wait_for(timeout=60_000)
        page.get_by_text("Many at once").click()
        page.locator("#summarizer-file input[type=file]").set_input_files(str(path))
        page.locator("#summarizer-file a[download]").wait_for(timeout=60_000)
        page.locator("#summarizer-start").click()
        page.locator("#summarizer-said", has_text="30 summaries").wait_for(timeout=60_000)
        assert "1 rows that could not be read" in page.locator("#summarizer-said").inner_text()
        assert page.locator("#summarizer-table tbody tr").count() == 30
        with page.expect_download() as download:
            page.locator("#summarizer-download").click()
        download.value.save_as(tmp_path / "made.csv")
        if picture := os.environ.get("DESKHAND_SCREENSHOT"):
            page.screenshot(path=picture, full_page=True)
    with (tmp_path / "made.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [each["id"] for each in csv.DictReader(file)] == [f"c{n}" for n in range(30)]


@pytest.mark.browser
@needs_browser
@pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated")
@pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")
def test_a_run_is_stopped_and_a_bad_file_gets_a_polite_line(tmp_path):
    summarizer, go_on = Summarizer(HashEncoder()), threading.Event()

    def summarize(conversation):
        if conversation.id == "c2":
            go_on.wait(60)
        elif go_on.is_set():
            time.sleep(1)  # the click is there before the last of them
        return summarizer.summarize(conversation)

    store = Store(f"sqlite:///{tmp_path}/page.db")
    path = write_lines(tmp_path / "log.jsonl", rows(30))
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"PK no archive")
    photo = tmp_path / "photo.bin"
    photo.write_bytes(bytes(range(256)))
    with served(lambda: build_page({}, summarize, store)) as url, chromium() as browser:
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.goto(url)
        page.get_by_text("Many at once").click()
        upload = page.locator("#summarizer-file input[type=file]")
        upload.set_input_files(str(path))
        page.locator("#summarizer-file a[download]").wait_for(timeout=60_000)
        page.locator("#summarizer-start").click()
        page.locator("#summarizer-said", has_text="2 conversations so far").wait_for(timeout=60_000)
        page.locator("#summarizer-stop").click()
        go_on.set()
        page.locator("#summarizer-said", has_text="Stopped after").wait_for(timeout=60_000)
        page.locator("#summarizer-file a[download]").wait_for(state="detached", timeout=60_000)
        for file, told in ((bad, "bad.zip"), (photo, "No conversations could be found")):
            upload.set_input_files(str(file))
            page.locator("#summarizer-file a[download]").wait_for(timeout=60_000)
            page.locator("#summarizer-start").click()
            page.locator("#summarizer-said .dh-error", has_text=told).wait_for(timeout=60_000)
            page.locator("#summarizer-file a[download]").wait_for(state="detached", timeout=60_000)
        assert page.locator("#summarizer-table tr").count() == 0
