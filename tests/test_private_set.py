"""The labelled private values: that the files are sound, and that redaction keeps its level."""

import json

import pytest

from benchmarks.logs import PRIVATE, redaction
from data.redact.spans import KINDS

ROWS = [
    (part, json.loads(line))
    for part in ("development", "development2a", "development2b", "development3", "test")
    for line in (PRIVATE / f"{part}.jsonl").read_text("utf-8").splitlines()
]


def test_labels_stand_where_they_say_and_no_turn_is_in_both_parts():
    # A short answer may stand in two conversations; a turn without one stands once.
    texts = [row["text"] for _, row in ROWS if "conversation" not in row]
    assert len(set(texts)) == len(texts)
    assert sum(part == "test" for part, _ in ROWS) >= 300
    for _, row in ROWS:
        end = 0
        for value in row["private"]:
            assert row["text"][value["start"] : value["end"]] == value["text"]
            assert value["start"] >= end
            end = value["end"]
            assert value["kind"].replace("name", "person") in KINDS


@pytest.mark.parametrize("part", ["development", "development2a", "development2b", "development3"])
def test_redaction_is_no_worse_than_it_was_on_the_development_parts(part):
    structured, names, precision = (float(row["value"]) for row in redaction(part))
    assert structured >= 0.95
    assert names >= 0.92
    assert precision >= 0.96
