"""The page of a prepared log: in order, escaped, and open to what is found later."""

import json

import pytest

from data.errors import LogFormatError
from data.log_report import PAGE, REPORT, add_to_report, report_html, write_report

REPORT_VALUES = {
    "conversations": {"train": 90, "validation": 5, "test": 5}, "read": 101, "turns": 600,
    "turns_read": 640, "rows_dropped": 1, "near_duplicates": 2, "turns_per_second": 5000.0,
    "outcome": {"solved": 60, "unknown": 40},
    "answered": {"later": 50, "within 1 hour": 30, "within 1 minute": 20},
    "month": {"2026-02": 60, "2026-01": 40}, "intent": {"where_is_it": 60, "refund": 3},
}  # fmt: skip
TOPICS = [
    {"name": "late <parcel>", "size": 40, "questions": ["Where is it?", "Is it lost & gone?"]}
]


def order(page, *words):
    places = [page.index(word) for word in words]
    return places == sorted(places)


def test_no_script_runs_in_it_and_it_fetches_nothing():
    page = report_html("a <log>", REPORT_VALUES)
    assert "http-equiv=Content-Security-Policy content=\"default-src 'none'" in page
    assert "<title>a &lt;log&gt;</title>" in page


def test_waiting_times_and_months_stand_in_the_order_of_time():
    page = report_html("log", REPORT_VALUES)
    assert order(page, "within 1 minute", "within 1 hour", "later")
    assert order(page, "2026-01", "2026-02")


def test_it_says_what_the_log_is_enough_for_and_the_minutes():
    page = report_html("log", REPORT_VALUES)
    assert "1 with 50 conversations or more, 1 with fewer than 10" in page
    assert "minutes on one CPU core" in page
    more = report_html("log", REPORT_VALUES | {"turns": 600_000})
    assert "enough to tune a reply model" in more
    assert "3,000 minutes" in more


def test_topics_and_contradictions_are_added_to_a_prepared_folder(tmp_path):
    write_report(tmp_path, "log", REPORT_VALUES)
    assert (tmp_path / PAGE).read_text().count("Not looked for yet") == 2
    assert add_to_report(tmp_path, topics=TOPICS)
    assert add_to_report(
        tmp_path, contradictions=[{"traffic": 7, "first": "In 3 days.", "second": "In 5 days."}]
    )
    page = (tmp_path / PAGE).read_text()
    assert "Not looked for yet" not in page
    assert "late &lt;parcel&gt;" in page
    assert "Is it lost &amp; gone?" in page
    assert order(page, "In 3 days.", "In 5 days.")
    assert json.loads((tmp_path / REPORT).read_text())["topics"] == TOPICS


def test_a_folder_without_report_is_left_alone(tmp_path):
    assert not add_to_report(tmp_path, topics=TOPICS)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["[]", "{}", "{"])
def test_a_foreign_report_is_one_line_and_stays(tmp_path, text):
    (tmp_path / REPORT).write_text(text)
    with pytest.raises(LogFormatError, match="prepare the log again"):
        add_to_report(tmp_path, topics=TOPICS)
    assert (tmp_path / REPORT).read_text() == text
