"""`prepare`, `discover` and `mine` as people call them."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from apps.cli import app, main

SAMPLES = Path(__file__).parent.parent / "data" / "samples"


def said(arguments, capsys):
    """The exit code and what stood on stderr."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["deskhand", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
    return stop.value.code, capsys.readouterr().err.strip().splitlines()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["prepare", "LOG", "--out", "o", "--split", "weekday"], "--split weekday: one of"),
        (
            ["prepare", "LOG", "--out", "o", "--engine", "spark"],
            "--engine spark: one of",
        ),
        (["prepare", "LOG", "--out", "o", "--key-file", "KEY"], "3 bytes; it needs 16 or more"),
        (["prepare", "LOG", "--out", "o", "--key-file", "none"], "none: cannot be read"),
        (["prepare", "LOG", "--out", "o", "--ner", "none"], "none"),
        (["prepare", "LOG", "--out", "o", "--region", "XX"], "--region XX: no such region"),
        (["prepare", "LOG", "--out", "o", "--format", "lotus"], "no importer 'lotus'; one of star"),
        (["prepare", "BINARY", "--out", "o"], "photo.bin: no importer fits"),
        (["discover", "--out", "o"], "give PATH --out DIR, or --apply DIR --out FILE"),
        (["discover", "LOG", "--apply", "x", "--out", "o"], "give PATH --out DIR, or --apply DIR"),
        (["mine", "none", "--out", "o"], "none: no such file"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments, line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    files = {"LOG": "log.jsonl", "KEY": "key", "BINARY": "photo.bin"}
    row = {"id": "c1", "turns": [{"speaker": "customer", "text": "hello"}]}
    (tmp_path / "log.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "key").write_bytes(b"abc")
    (tmp_path / "photo.bin").write_bytes(b"\x89PNG\r\n\0\0")
    code, lines = said([files.get(each, each) for each in arguments], capsys)
    assert code == 2
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    assert line in lines[0]
    assert not (tmp_path / "o").exists()


@pytest.mark.slow
def test_a_log_without_labels_becomes_topics_labels_and_an_faq(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        done = CliRunner().invoke(app, [*map(str, arguments), "--json"], catch_exceptions=False)
        assert done.exit_code == 0
        return json.loads(done.stdout)

    whole = (SAMPLES / "conversations.jsonl").read_text("utf-8").splitlines(keepends=True)
    log = tmp_path / "log.jsonl"
    log.write_text("".join(whole[:200]), "utf-8")
    prepared = run("prepare", log, "--out", "logs")
    assert prepared["read"] == 200 == sum(prepared["conversations"].values())
    (tmp_path / "topics").mkdir()
    (tmp_path / "topics" / "topics.csv").write_text("edited by hand")
    found = run("discover", "logs", "--out", "topics", "--topics", 12, "--threads", 1)
    assert (tmp_path / "topics" / "topics.old.csv").read_text() == "edited by hand"
    assert len(found["topics"]) == 12
    with (tmp_path / "topics" / "turns.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == found["turns"]
    assert {row["topic"] for row in rows} == {topic["topic"] for topic in found["topics"]}
    labels = run("discover", "--apply", "topics", "--out", "labels.jsonl")
    assert 2 <= len(labels["labels"]) <= 12
    mined = run("mine", "logs", "--out", "mined", "--threads", 1)
    assert mined["pairs"] > 50
    assert mined["faq"] > 2
    assert mined["contradictions"] > 2
    text = (tmp_path / "mined" / "pairs.jsonl").read_text()
    assert "[order_number]" in text
    page = (tmp_path / "logs" / "report.html").read_text()
    assert found["topics"][0]["name"] in page
    assert "pairs of agents" in page
    assert "Not looked for yet" not in page
