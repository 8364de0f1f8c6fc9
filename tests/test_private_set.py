"""The labelled private values: that the files are sound, and that redaction keeps its level."""

import json

import pytest

from benchmarks.logs import PRIVATE, redaction
from data.redact.spans import KINDS

ROWS = [
    (part, json.loads(line))
    for part in ("development", "test")
    for line in (PRIVATE / f"{part}.jsonl").read_text("utf-8").splitlines()
]


def test_labels_stand_where_they_say_and_no_turn_is_in_both_parts():
    texts = [row["text"] for _, row in ROWS]
    assert len(set(texts)) == len(texts)
    assert sum(part == "test" for part, _ in ROWS) >= 300
    for _, row in ROWS:
        end = 0
        for value in row["private"]:
            assert row["text"][value["start"] : value["end"]] == value["text"]
            assert value["start"] >= end
            end = value["end"]
            assert value["kind"].replace("name", "person") in KINDS


@pytest.mark.parametrize(("row", "least"), [(0, 0.90), (1, 0.70), (2, 0.95)])
def test_redaction_is_no_worse_than_it_was_on_the_development_part(row, least):
    assert float(redaction("development")[row]["value"]) >= least
