"""The verbs of an index, through the command line's own main, on vectors of a fake encoder."""

import json
import os
import sys

import pytest

import apps.build
import apps.cli
import apps.verbs.indexing
import apps.verbs.measure
from apps.verbs.index import index as index_verb
from tests.fakes import HashEncoder

FAQ = """\
# Where is my parcel?
<!-- id: parcel -->
See the tracking page.

# When does my refund arrive?
<!-- id: refund -->
Five working days.

# How long is the warranty?
<!-- id: warranty -->
Two years.
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs a command; gives exit code, standard output and standard error."""

    def command(*words):
        monkeypatch.setattr(sys, "argv", ["deskhand", *map(str, words)])
        code = 0
        try:
            apps.cli.main()
        except SystemExit as done:
            code = done.code or 0
        out, err = capsys.readouterr()
        return code, out, err

    def encoder(name, threads):
        return HashEncoder()

    apps.build.opened_index.cache_clear()
    monkeypatch.setattr(apps.build, "opened_encoder", encoder)
    monkeypatch.setattr(apps.verbs.indexing, "opened_encoder", encoder)
    monkeypatch.setattr(apps.verbs.measure, "opened_encoder", encoder)
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "faq.md").write_text(FAQ, "utf-8")
    (tmp_path / "gifts.md").write_text("# Can I buy a gift card?\n<!-- id: gift -->\nYes.\n")
    yield command
    apps.build.opened_index.cache_clear()


@pytest.fixture
def made(run):
    assert run("index", "faq.md", "--out", "i")[0] == 0
    return run


def asked(run, *words):
    """What a search finds, as the newest version of the index has it."""
    apps.build.opened_index.cache_clear()  # every command is a process of its own
    code, out, err = run("search", "i", *words, "--json")
    assert code == 0, err
    return [passage["id"] for passage in json.loads(out)["passages"]]


def result(run, *words):
    code, out, err = run("index", *words, "--json")
    assert code == 0, err
    return json.loads(out)


def refused(run, *words):
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1
    return err


def test_files_are_added_to_an_index(made):
    told = result(made, "gifts.md", "--out", "i", "--add")
    assert (told["added"], told["replaced"], told["deleted"], told["passages"]) == (1, 0, 0, 4)
    assert asked(made, "Can I buy a gift card? Yes.", "-k", 1) == ["gift"]
    assert len(asked(made, "parcel")) == 4


def test_a_file_that_is_added_again_is_taken_as_it_is_now(made, tmp_path):
    text = FAQ.replace("Five", "Seven").replace("# How long is the warranty?", "# Lost it?")
    (tmp_path / "faq.md").write_text(text.replace("id: warranty", "id: lost"), "utf-8")
    told = result(made, "faq.md", "--out", "i", "--add")
    assert (told["added"], told["deleted"], told["passages"]) == (1, 1, 3)
    assert (told["replaced"], told["unchanged"]) == (1, 1)
    assert sorted(asked(made, "parcel")) == ["lost", "parcel", "refund"]


def test_what_is_added_unchanged_is_no_new_version_and_keeps_its_known_questions(run, tmp_path):
    (tmp_path / "known.jsonl").write_text('{"question": "zebra", "relevant": ["refund"]}\n')
    result(run, "faq.md", "--out", "i", "--questions", "known.jsonl")
    result(run, "gifts.md", "--out", "i", "--add")
    told = result(run, "faq.md", "gifts.md", "--out", "i", "--add")
    assert (told["added"], told["replaced"], told["unchanged"], told["version"]) == (0, 0, 4, 2)
    (tmp_path / "faq.md").write_text(FAQ.replace("Two years", "Three years"), "utf-8")
    assert result(run, "faq.md", "--out", "i", "--add")["replaced"] == 1
    assert asked(run, "zebra", "-k", 1) == ["refund"]


def test_an_index_and_pairs_in_the_folder_that_is_indexed_are_not_read_again(run, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "faq.md").rename(tmp_path / "site" / "faq.md")
    for _ in range(2):
        assert result(run, "site", "--out", "site/i")["passages"] == 3
        assert run("pairs", "site", "--out", "site/pairs.jsonl")[0] == 0
    assert result(run, "site", "--out", "site/i", "--add")["unchanged"] == 3
    assert "site/i: an index; give the files" in refused(run, "index", "site/i", "--out", "j")


def test_a_page_that_asks_too_little_to_be_an_faq_is_told_when_it_is_added(run, tmp_path, caplog):
    page = "# Late?\nYes.\n# Lost?\nNo.\n# Costs\nNone.\n"
    (tmp_path / "faq.md").write_text(page, "utf-8")
    result(run, "faq.md", "--out", "i")
    assert not caplog.records
    assert asked(run, "late yes", "--where", "kind=faq") == ["faq.md#late", "faq.md#lost"]
    (tmp_path / "faq.md").write_text(f"{page}# Stores\nTwo.\n# Staff\nTen.\n", "utf-8")
    result(run, "faq.md", "--out", "i", "--add")
    assert "taken for policy" in caplog.text
    assert asked(run, "late yes", "--where", "kind=faq") == []


def test_passages_are_deleted_by_their_ids(made):
    told = result(made, "--out", "i", "--delete", "parcel", "refund")
    assert (told["deleted"], told["passages"]) == (2, 1)
    assert asked(made, "where is my parcel") == ["warranty"]
    assert "no passage 'parcel'" in refused(made, "index", "--out", "i", "--delete", "parcel")


def test_a_file_beside_ids_to_delete_is_passed_over_with_a_warning(made):
    code, out, err = made("index", "faq.md", "--out", "i", "--delete", "parcel")
    assert code == 0
    assert out.startswith("1 passages deleted, 2 left")
    assert err == "warning: --delete reads no PATH: faq.md is passed over\n"


def test_a_step_is_rolled_back_and_again(made):
    result(made, "--out", "i", "--delete", "parcel")
    assert result(made, "--out", "i", "--rollback")["passages"] == 3
    assert asked(made, "where is my parcel", "-k", 1) == ["parcel"]
    assert result(made, "--out", "i", "--rollback")["passages"] == 2


def test_an_index_with_no_earlier_version_is_not_rolled_back(made):
    assert "no earlier version" in refused(made, "index", "--out", "i", "--rollback")


def test_segments_are_merged_on_request(made):
    result(made, "gifts.md", "--out", "i", "--add")
    result(made, "--out", "i", "--delete", "refund")
    told = result(made, "--out", "i", "--compact")
    assert (told["segments"], told["passages"]) == (1, 3)
    assert sorted(asked(made, "parcel")) == ["gift", "parcel", "warranty"]


def test_passages_of_changed_and_vanished_files_are_listed(made, tmp_path):
    result(made, "gifts.md", "--out", "i", "--add")
    assert result(made, "--out", "i", "--stale", "faq.md", "gifts.md")["stale"] == []
    (tmp_path / "gifts.md").write_text("# Gifts?\n<!-- id: gift -->\nNo more.\n", "utf-8")
    (row,) = result(made, "faq.md", "gifts.md", "--out", "i", "--stale")["stale"]
    assert row == {
        "id": "gift", "why": "changed", "title": "Can I buy a gift card?", "source": "gifts.md#1"
    }  # fmt: skip
    code, out, _ = made("index", "gifts.md", "--out", "i", "--stale")
    assert code == 0
    assert "4 stale passages" in out
    assert "gone: parcel  [faq.md#1]" in out


def test_a_search_keeps_to_where_and_to_so_many_of_a_source(made):
    result(made, "gifts.md", "--out", "i", "--add")
    assert asked(made, "parcel", "--where", "source=gifts.md") == ["gift"]
    either = asked(made, "parcel", "--where", "source=gifts.md", "--where", "source=faq.md")
    assert len(either) == 4
    assert asked(made, "parcel", "--where", "kind=policy") == []
    assert len(asked(made, "parcel", "--where", "valid_on=2026-01-31")) == 4
    assert asked(made, "parcel", "--per-source", "1")[1] == "gift"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["index", "--out", "i"], "give PATH"),
        (["index", "faq.md", "--out", "i", "--add", "--rollback"], "--add and --rollback: one"),
        (["index", "--out", "i", "--rollback", "--encoder", "x"], "no encoder"),
        (["index", "faq.md", "--out", "none", "--add"], "no index here"),
        (["index", "faq.md", "--out", "i", "--add", "--encoder", "other"], "index again"),
        (["index", "faq.md", "--out", "faq.md"], "is not an index"),
        (["index", "--out", "faq.md", "--compact"], "no index here"),
        (["search", "i", "x", "--where", "kind"], "key=value"),
        (["search", "i", "x", "--where", "valid_on=soon"], "a date is needed"),
    ],
)
def test_what_is_wrong_is_one_line(made, words, says):
    assert says in refused(made, *words)


def test_every_mode_is_in_the_help(run):
    code, out, _ = run("index", "--help")
    assert code == 0
    assert index_verb.__doc__ in out
    for option in ("--add", "--delete", "--rollback", "--compact", "--stale"):
        assert option in out


@pytest.mark.parametrize("name", ["q.jsonl", "i", "page.txt"])
def test_a_report_is_written_over_nothing_that_is_no_page(made, tmp_path, name):
    questions = tmp_path / "q.jsonl"
    questions.write_text('{"question": "where is my parcel", "relevant": ["parcel"]}\n')
    code, _, err = made("evaluate", "i", "--data", "q.jsonl", "--report", name)
    assert (code, err.count("\n")) == (2, 1)
    assert "--report" in err
    assert questions.read_text().startswith('{"question"')
    assert made("evaluate", "i", "--data", "q.jsonl", "--report", "out/page.html")[0] == 0
    assert "<html" in (tmp_path / "out" / "page.html").read_text()


def test_pairs_are_not_written_over_what_they_are_made_of(run, tmp_path):
    known = tmp_path / "q.jsonl"
    known.write_text('{"question": "where is my parcel", "relevant": ["parcel"]}\n')
    code, _, err = run("pairs", "faq.md", "--questions", "q.jsonl", "--out", "q.jsonl")
    assert code == 2
    assert "is read too" in err
    assert run("pairs", "faq.md", "--questions", "q.jsonl", "--out", "p.jsonl")[0] == 0
    rows = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    assert [row["passage"] for row in rows] == ["parcel", "parcel", "refund", "warranty"]


def test_an_empty_question_and_an_empty_filter_say_so(made):
    code, _, err = made("search", "i", "  ")
    assert (code, "the question is empty" in err) == (2, True)
    assert "no passage passes the filter" in made("search", "i", "x", "--where", "kind=none")[1]


def test_topics_are_for_a_fit_and_are_told_where_one_weighs_them(run, tmp_path):
    turns = [
        {"text": f"thing{n} {word}", "label": word}
        for n in range(40)
        for word in ("parcel", "refund", "warranty")
    ]
    (tmp_path / "turns.jsonl").write_text("\n".join(map(json.dumps, turns)), "utf-8")
    made = ("index", "faq.md", "--out", "mine", "--topics", "turns.jsonl")
    code, _, err = run(*made)
    assert (code, "give --fit" in err) == (2, True)
    asked = [
        {"question": f"new{n} {word}", "relevant": [word]}
        for n in range(4)
        for word in ("parcel", "refund", "warranty")
    ]
    (tmp_path / "fit.jsonl").write_text("\n".join(map(json.dumps, asked)), "utf-8")
    code, out, _ = run(*made, "--fit", "fit.jsonl", "--json")
    assert code == 0
    assert json.loads(out)["topics"] >= 0
