"""The summarizer as people use it: its parts, its ticket, and files of conversations."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from apps.build import build_summarizer
from apps.config import AppConfig, app_config
from apps.growing_file import partial_of
from apps.summarizer.batch import summarize_file
from apps.summarizer.moods import by_words
from apps.summarizer.summarizer import UNTUNED, Summarizer
from apps.summarizer.summary import markdown_of, subject_of
from apps.summarizer.whole import WholeWriter, parts_of
from apps.verbs.summarize import decided_by
from benchmarks.check_samples import wrong_summaries
from benchmarks.shell import SAMPLES
from data.conversations import read_conversations
from data.errors import ConfigError, LogFormatError, RunDirError
from data.schema import Conversation, Entity, Turn
from finetune.reading.summaries import read_summaries
from finetune.summary.extractive import Extract
from tests.conftest import write_lines
from tests.fakes import HashEncoder

ROOT = Path(__file__).parents[1]
TURNS = (
    Turn("customer", "Hello! This is ridiculous, my kettle arrived broken.",
         entities=(Entity("product", "kettle", 34, 40),)),
    Turn("agent", "Sorry. Have you tried another socket for the kettle? Please check the fuse."),
    Turn("customer", "I did both, the kettle is still broken."),
    Turn("agent", "We will send a new kettle on Friday. Could you confirm your address?"),
)  # fmt: skip


def talk(outcome="unknown", turns=TURNS):
    return Conversation("c1", turns, customer_id="7", outcome=outcome)


@pytest.fixture
def summarizer():
    return Summarizer(HashEncoder())


def rows(count=5):
    return [
        {
            "id": f"c{number}",
            "turns": [
                {"speaker": "customer", "text": f"=my lamp number {number} broke today"},
                {"speaker": "agent", "text": "we send another lamp to you"},
            ],
        }
        for number in range(count)
    ]


# One conversation


def test_what_was_tried_and_what_is_open_are_quoted(summarizer):
    found = summarizer.summarize(talk())
    said = " ".join(turn.text for turn in TURNS)
    assert found.tried
    assert all(each in said for each in (*found.tried, *found.open, found.wanted, found.done))
    assert found.done not in found.tried
    assert "Could you confirm your address?" in found.open
    assert "We will send a new kettle on Friday." in found.open
    assert found.short.startswith("Customer: ")
    assert "Agent: " in found.short
    assert found.made_by == UNTUNED


def test_a_solved_case_keeps_no_promise_open_and_a_last_question_of_the_customer_does(summarizer):
    assert summarizer.summarize(talk("solved")).open == ()
    more = (*TURNS, Turn("customer", "When is that?"))
    assert summarizer.summarize(talk("solved", more)).open == ("When is that?",)


def test_the_helpdesks_own_lines_and_quoted_mail_are_in_no_summary(tmp_path, summarizer):
    said = [
        {"speaker": "agent", "text": "Conversation was resolved by the night rule"},
        {"speaker": "customer", "text": "My lamp broke.\n> Which lamp is the broken lamp?"},
        {"speaker": "agent", "text": "We send another lamp."},
    ]
    path = write_lines(tmp_path / "a.jsonl", [{"id": "c1", "turns": said}])
    summarize_file(path, tmp_path / "out.jsonl", summarizer.summarize)
    (ticket,) = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert ticket["done"] == "We send another lamp."
    assert "night rule" not in json.dumps(ticket)
    assert "Which lamp" not in json.dumps(ticket)


def test_moods_follow_the_customers_turns(summarizer):
    turns = (*TURNS, Turn("customer", "Thank you so much!"), Turn("customer", " "))
    moods = summarizer.summarize(talk(turns=turns)).moods
    assert moods == ((0, "negative"), (2, "neutral"), (4, "positive"))
    assert by_words(["not happy, thanks so much", ""]) == ["negative", "neutral"]


def test_a_scorer_says_what_to_quote_and_a_writer_the_two_sentences():
    class Scorer:
        def extract(self, turns):
            return Extract("short.", {"customer": ("a wish",), "agent": ("an answer", "and more")})

    class Writer:
        def write(self, turns):
            return f"{len(turns)} turns."

    found = Summarizer(HashEncoder(), scorer=Scorer(), made_by="scorer x").summarize(talk())
    assert (found.wanted, found.done, found.short) == ("a wish", "an answer and more", "short.")
    assert found.made_by == "scorer x"
    found = Summarizer(HashEncoder(), scorer=Scorer(), writer=Writer()).summarize(talk())
    assert (found.wanted, found.short) == ("a wish", "4 turns.")


def test_the_ticket_has_the_keys_that_the_page_documents(summarizer):
    ticket = summarizer.summarize(talk()).ticket(talk())
    page = (ROOT / "docs/summaries.md").read_text(encoding="utf-8")
    documented = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert list(ticket) == documented
    assert json.loads(json.dumps(ticket)) == ticket
    assert ticket["entities"] == [{"type": "product", "text": "kettle"}]
    assert ticket["sentiment"]["first"] == "negative"
    assert (ticket["turns"], ticket["customer_id"]) == (4, "7")


def test_nobody_who_says_a_word_has_a_ticket_without_any(summarizer):
    empty = Conversation("e", (Turn("customer", " "), Turn("agent", "")))
    ticket = summarizer.summarize(empty).ticket(empty)
    assert ticket["summary"] == ticket["wanted"] == ""
    assert ticket["sentiment"] == {"first": None, "last": None, "by_turn": []}
    assert "Nothing was said." in markdown_of(ticket)


def test_the_text_of_a_page_cannot_be_markup(summarizer):
    evil = talk(turns=(Turn("customer", "<script>alert(1)</script> [x](y) `z` **b**\n# head"),))
    page = markdown_of(summarizer.summarize(evil).ticket(evil))
    assert "<script" not in page.replace("\\<", "")
    assert "\n# head" not in page
    assert subject_of("word " * 40).endswith("…")
    assert len(subject_of("word " * 40)) <= 81


# A model that reads a limited text


class Echo:
    """Writes the first two words of each text; a word is a token."""

    most_tokens = 8

    def __init__(self):
        self.read = []

    def tokens(self, text):
        return len(text.split())

    def write(self, texts):
        self.read += texts
        return [" ".join(text.split()[:2]) for text in texts]


def test_a_long_conversation_is_written_in_parts_and_merged():
    model = Echo()
    turns = [Turn("customer", f"word{n} more words of it") for n in range(9)]
    turns.append(Turn("agent", " ".join(f"long{n}" for n in range(40))))
    text = WholeWriter(model).write(turns)
    assert text == "customer: word0"
    assert all(model.tokens(each) <= model.most_tokens for each in model.read)
    seen = " ".join(model.read)
    assert all(f"word{n} " in seen for n in range(9))
    assert all(f"long{n}" in seen for n in range(40))
    assert WholeWriter(Echo()).write([]) == ""


def test_parts_keep_the_order_and_never_cut_a_word():
    size = len
    parts = parts_of(["aaa bbb", "c", "d" * 20], size, 9)
    assert parts == ["aaa bbb\nc", "d" * 20]


# From a config


def test_without_runs_the_shipped_config_summarizes_and_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("apps.build.opened_encoder", lambda name, threads: HashEncoder())
    config, _ = app_config("summarizer")
    assert build_summarizer(config).summarize(talk()).made_by == UNTUNED


def test_a_writer_that_is_not_there_is_an_error_of_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = AppConfig.model_validate({"app": "summarizer", "runs": {"writer": "runs/no"}})
    with pytest.raises(RunDirError, match="no such run"):
        build_summarizer(config)


def test_the_samples_summaries_are_of_their_conversations_and_as_the_guideline_wants():
    talks = {each.id: each for each in read_conversations(SAMPLES / "conversations.jsonl")}
    assert wrong_summaries(talks) == []
    parts = [read_summaries(SAMPLES / f"summaries/{name}.jsonl") for name in ("train", "test")]
    assert [len(part) for part in parts] == [32, 8]
    assert not {row.text for row in parts[0]} & {row.text for row in parts[1]}
    assert len(wrong_summaries({})) == 40


# Files of conversations


def test_a_file_becomes_tickets_of_each_kind(tmp_path, summarizer):
    path = write_lines(tmp_path / "in" / "a.jsonl", rows())
    told = []
    done = summarize_file(path, tmp_path / "o.jsonl", summarizer.summarize, told.append)
    assert (done.tickets, done.before, len(done.bad)) == (5, 0, 0)
    assert told == [1, 2, 3, 4, 5]
    lines = (tmp_path / "o.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == [f"c{number}" for number in range(5)]
    summarize_file(path, tmp_path / "o.csv", summarizer.summarize)
    with (tmp_path / "o.csv").open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    assert [each["id"] for each in table] == [f"c{number}" for number in range(5)]
    assert table[0]["wanted"].startswith("'=my lamp")  # no formula
    summarize_file(path.parent, tmp_path / "o.md", summarizer.summarize)
    assert (tmp_path / "o.md").read_text(encoding="utf-8").count("\n## ") == 5
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in", "o.csv", "o.jsonl", "o.md"]


def test_what_stopped_goes_on_behind_the_last_whole_ticket(tmp_path, summarizer):
    path, out = write_lines(tmp_path / "a.jsonl", rows()), tmp_path / "o.jsonl"
    seen = []

    def stopping(conversation):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(conversation.id)
        return summarizer.summarize(conversation)

    with pytest.raises(KeyboardInterrupt):
        summarize_file(path, out, stopping)
    assert not out.exists()
    with partial_of(out).open("a", encoding="utf-8") as file:
        file.write('{"id": "torn')
    seen.clear()

    def noting(conversation):
        seen.append(conversation.id)
        return summarizer.summarize(conversation)

    done = summarize_file(path, out, noting)
    assert (done.before, done.tickets, seen) == (2, 5, ["c2", "c3", "c4"])
    ids = [json.loads(line)["id"] for line in out.read_text(encoding="utf-8").splitlines()]
    assert ids == [f"c{number}" for number in range(5)]
    assert not partial_of(out).exists()


def test_a_half_written_file_of_other_input_or_settings_is_not_gone_on_with(tmp_path, summarizer):
    path, out = write_lines(tmp_path / "a.jsonl", rows()), tmp_path / "o.jsonl"
    for change in ("settings", "input"):
        with pytest.raises(KeyboardInterrupt):
            summarize_file(path, out, interrupted)
        if change == "input":
            write_lines(path, rows(6))
        with pytest.raises(ConfigError, match="other input or settings; remove it"):
            summarize_file(path, out, summarizer.summarize, settings=change)
        partial_of(out).unlink()
    partial_of(out).write_text("somebody's own notes\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="remove it"):
        summarize_file(path, out, summarizer.summarize)
    assert partial_of(out).read_text(encoding="utf-8") == "somebody's own notes\n"


def interrupted(conversation):
    raise KeyboardInterrupt


def test_bad_rows_are_counted_and_named_and_the_others_are_summarized(tmp_path, summarizer):
    path = write_lines(tmp_path / "a.jsonl", [rows()[0], {"id": "x", "turns": []}, rows()[1]])
    done = summarize_file(path, tmp_path / "o.jsonl", summarizer.summarize)
    assert (done.tickets, len(done.bad)) == (2, 1)
    assert done.bad.lines[0].startswith(f"{path}:2: ")


@pytest.mark.parametrize(
    ("content", "name", "error", "why"),
    [
        ("", "o.jsonl", LogFormatError, "the file is empty"),
        ('{"id": "a", "turns": []}\n', "o.jsonl", LogFormatError, "no conversation could be read"),
        ("hello\n", "o.jsonl", LogFormatError, "not valid JSON"),
        ("hello\n", "o.txt", ConfigError, "ends in .jsonl, .csv, .md"),
    ],
)
def test_where_nothing_can_be_read_there_is_one_line_and_no_file(
    content, name, error, why, tmp_path, summarizer
):
    path = tmp_path / "a.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(error, match=why) as caught:
        summarize_file(path, tmp_path / name, summarizer.summarize)
    assert "\n" not in str(caught.value)
    assert [each.name for each in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_file_that_no_importer_fits_leaves_nothing_behind(tmp_path, summarizer):
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(LogFormatError, match="no importer fits"):
        summarize_file(path, tmp_path / "o.md", summarizer.summarize)
    assert [each.name for each in tmp_path.iterdir()] == ["a.bin"]
    with pytest.raises(ConfigError, match="no importer 'pigeon'"):
        summarize_file(path, tmp_path / "o.md", summarizer.summarize, importer="pigeon")
    assert [each.name for each in tmp_path.iterdir()] == ["a.bin"]


def test_the_output_may_not_lie_in_what_is_read(tmp_path, summarizer):
    write_lines(tmp_path / "a.jsonl", rows())
    with pytest.raises(ConfigError, match="write it elsewhere"):
        summarize_file(tmp_path, tmp_path / "sub" / "o.md", summarizer.summarize)


@pytest.mark.slow
def test_the_verb_is_stopped_by_ctrl_c_and_keeps_what_is_done(tmp_path):
    path = write_lines(tmp_path / "a.jsonl", rows(20_000))
    command = [sys.executable, "-m", "apps.cli", "summarize", str(path), "--out", "o.csv"]
    child = subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # What a shell starts in the background inherits that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    partial = partial_of(tmp_path / "o.csv")
    end = time.monotonic() + 120
    while not (partial.exists() and partial.read_bytes().count(b"\n") > 20):
        assert time.monotonic() < end, "no ticket was written"
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 2
    assert "the same command goes on behind it" in said.splitlines()[-1]
    assert "Traceback" not in said
    for line in partial.read_text(encoding="utf-8").splitlines()[1:20]:
        assert json.loads(line)["wanted"]


def test_a_second_process_does_not_write_the_same_file(tmp_path, summarizer):
    path, out = write_lines(tmp_path / "a.jsonl", rows()), tmp_path / "o.jsonl"

    def beside(conversation):
        with pytest.raises(ConfigError, match="another process is writing this file"):
            summarize_file(path, out, summarizer.summarize)
        return summarizer.summarize(conversation)

    assert summarize_file(path, out, beside).tickets == 5
    assert {each.name for each in tmp_path.iterdir()} == {"a.jsonl", "o.jsonl"}


def test_what_decides_a_summary_is_stamped(tmp_path, monkeypatch, summarizer):
    monkeypatch.chdir(tmp_path)
    config, _ = app_config("summarizer", ["runs.ner=ner"])
    before = decided_by(config)
    (tmp_path / "ner").mkdir()
    (tmp_path / "ner" / "config.yaml").write_text("trained anew\n", encoding="utf-8")
    assert decided_by(config) != before
    path, out = write_lines(tmp_path / "a.jsonl", rows()), tmp_path / "o.jsonl"
    with pytest.raises(KeyboardInterrupt):
        summarize_file(path, out, interrupted)
    with pytest.raises(ConfigError, match="other input or settings"):
        summarize_file(path, out, summarizer.summarize, importer="jsonl")
