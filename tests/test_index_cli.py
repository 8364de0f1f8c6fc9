"""The verbs of an index, through the command line's own main, on vectors of a fake encoder."""

import json
import os
import sys

import pytest

import apps.build
import apps.cli
import apps.verbs.index_fit
import apps.verbs.indexing
from apps.verbs.index import index as index_verb
from data.errors import LogFormatError
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
        return HashEncoder("other-64") if name == "other" else HashEncoder()

    apps.build.opened_index.cache_clear()
    monkeypatch.setattr(apps.build, "opened_encoder", encoder)
    monkeypatch.setattr(apps.verbs.indexing, "opened_encoder", encoder)
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


def test_a_line_put_in_above_keeps_what_leads_to_the_passages_below(run, tmp_path, monkeypatch):
    (tmp_path / "known.jsonl").write_text('{"question": "zebra", "relevant": ["refund"]}\n')
    result(run, "faq.md", "--out", "i", "--questions", "known.jsonl")
    (tmp_path / "faq.md").write_text("All that people ask.\n\n" + FAQ, "utf-8")
    encoded = []

    class Counting(HashEncoder):
        def encode(self, texts):
            encoded.extend(texts)
            return super().encode(texts)

    monkeypatch.setattr(apps.verbs.indexing, "opened_encoder", lambda *_: Counting())
    told = result(run, "faq.md", "--out", "i", "--add")
    assert (told["added"], told["replaced"], told["unchanged"]) == (1, 0, 3)
    assert all("All that people ask" in text or text == "faq" for text in encoded)
    assert asked(run, "zebra", "-k", 1) == ["refund"]
    found = run("search", "i", "zebra", "-k", 1, "--json")[1]
    assert json.loads(found)["passages"][0]["source"] == "faq.md#7"


def test_known_questions_are_added_to_what_is_there_and_stay_with_it(run, tmp_path):
    known = tmp_path / "known.jsonl"
    known.write_text('{"question": "zebra", "relevant": ["refund"]}\n')
    result(run, "faq.md", "--out", "i", "--questions", "known.jsonl")
    known.write_text('{"question": "giraffe", "relevant": ["refund", "gift"]}\n')
    told = result(run, "gifts.md", "--out", "i", "--add", "--questions", "known.jsonl")
    assert (told["added"], told["replaced"], told["unchanged"]) == (1, 0, 0)
    assert asked(run, "zebra", "-k", 1) == ["refund"]
    assert sorted(asked(run, "giraffe", "-k", 2)) == ["gift", "refund"]
    again = result(run, "gifts.md", "--out", "i", "--add", "--questions", "known.jsonl")
    assert again["version"] == told["version"]
    known.write_text('{"question": "giraffe", "relevant": ["nowhere"]}\n')
    says = refused(run, "index", "gifts.md", "--out", "i", "--add", "--questions", "known.jsonl")
    assert "'nowhere' is not indexed" in says


def test_an_id_of_another_file_is_refused_with_both_names(run, tmp_path):
    (tmp_path / "shop.csv").write_text("id,question,answer\n1,Can I return it?,Yes.\n")
    (tmp_path / "care.csv").write_text("id,question,answer\n1,How is it cleaned?,By hand.\n")
    result(run, "shop.csv", "--out", "i")
    says = refused(run, "index", "care.csv", "--out", "i", "--add")
    assert says.startswith("error: care.csv: passage id '1' is one of shop.csv in the index")
    assert asked(run, "Can I return it?") == ["1"]
    (tmp_path / "shop.csv").write_text("id,question,answer\n2,Can I return it?,Yes.\n")
    told = result(run, "care.csv", "shop.csv", "--out", "i", "--add")  # the entry has moved
    assert (told["added"], told["replaced"], told["passages"]) == (1, 1, 2)


def test_a_file_that_lost_its_text_loses_its_passages(run, tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / f"{name}.md").write_text(f"# What is {name}?\n<!-- id: {name} -->\nA word.\n")
    result(run, "docs", "--out", "i")
    (folder / "a.md").write_text("")
    (folder / "b.md").write_text("<!-- to be written -->\n")
    told = result(run, "docs", "--out", "i", "--add")
    assert (told["deleted"], told["passages"]) == (2, 1)
    assert asked(run, "What is a?") == ["c"]


FIT = """\
{"question": "parcel where", "relevant": ["parcel"]}
{"question": "refund when", "relevant": ["refund"]}
{"question": "bicycles sold", "relevant": []}
"""


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--fit", "none.jsonl"], "no such file"),
        (["--fit", "bad.jsonl"], "relevant id 'nothing' is not in the index"),
        (["--fit", "faq.md"], "unknown kind of file"),
        (["--fit", "fit.jsonl", "--topics", "none.jsonl"], "no such file"),
        (["--fit", "fit.jsonl", "--topics", "fit.jsonl"], "need a text and a label"),
    ],
)
@pytest.mark.parametrize("add", [[], ["--add"]])
def test_a_mistake_in_what_is_fitted_on_leaves_the_index_and_its_fit(
    run, tmp_path, options, says, add
):
    (tmp_path / "fit.jsonl").write_text(FIT)
    (tmp_path / "bad.jsonl").write_text('{"question": "x", "relevant": ["nothing"]}\n')
    result(run, "faq.md", "--out", "i", "--fit", "fit.jsonl")
    before = (tmp_path / "i" / "manifest.json").read_text()
    (tmp_path / "faq.md").write_text(FAQ.replace("Two years", "Three years"))
    assert says in refused(run, "index", "faq.md", "--out", "i", *add, *options)
    assert (tmp_path / "i" / "manifest.json").read_text() == before


def test_a_fit_that_fails_leaves_the_index_as_it_was(run, tmp_path, monkeypatch):
    (tmp_path / "fit.jsonl").write_text(FIT)
    result(run, "faq.md", "--out", "i", "--fit", "fit.jsonl")
    names = {path.name for path in (tmp_path / "i").iterdir()}

    def fails(*_, **__):
        raise LogFormatError("this cannot be fitted on")

    monkeypatch.setattr(apps.verbs.index_fit, "fitted", fails)
    for add in ([], ["--add"]):
        words = ("faq.md", "gifts.md", "--out", "i", "--fit", "fit.jsonl", *add)
        assert "cannot be fitted on" in refused(run, "index", *words)
        assert {path.name for path in (tmp_path / "i").iterdir()} == names


def test_making_an_index_again_without_a_fit_says_what_is_lost(run, tmp_path):
    (tmp_path / "fit.jsonl").write_text(FIT)
    assert run("index", "faq.md", "--out", "i", "--fit", "fit.jsonl")[2] == ""
    code, _, err = run("index", "faq.md", "--out", "i")
    assert code == 0
    assert err.startswith("warning: i: what was fitted (on fit.jsonl: 2 answerable, 1 unanswerable")
    assert err.count("\n") == 1
    assert run("index", "faq.md", "--out", "i")[2] == ""


def test_a_fit_looks_at_the_faq_where_that_answers_all_and_else_at_everything(run, tmp_path):
    (tmp_path / "rules.md").write_text("# Returns\n<!-- id: rules -->\nKeep every receipt.\n")
    fits = {"faq": FIT, "all": FIT + '{"question": "keep every receipt", "relevant": ["rules"]}\n'}
    seen = {}
    for name, text in fits.items():
        (tmp_path / "fit.jsonl").write_text(text)
        with pytest.MonkeyPatch.context() as patch:
            real = apps.verbs.index_fit.fitted
            patch.setattr(
                apps.verbs.index_fit, "fitted",
                lambda *words, kinds, **more: seen.update({name: kinds})  # noqa: B023
                or real(*words, kinds=kinds, **more),  # noqa: B023
            )  # fmt: skip
            told = result(run, "faq.md", "rules.md", "--out", "i", "--fit", "fit.jsonl")
        assert told["threshold"] > 0
    assert seen == {"faq": {"faq"}, "all": None}
    code, out, _ = run("search", "i", "keep every receipt", "--json")
    assert json.loads(out)["answerable"]


def test_rows_that_do_not_say_what_answers_are_refused(run, tmp_path):
    rows = {
        "bare": '{"question": "parcel"}\n',
        "null": '{"question": "parcel", "relevant": null}\n',
        "none": '{"question": "parcel", "relevant": []}\n',
    }
    for name, text in rows.items():
        (tmp_path / f"{name}.jsonl").write_text(text)
    for name in ("bare", "null"):
        for option in ("--fit", "--questions"):
            says = refused(run, "index", "faq.md", "--out", "i", option, f"{name}.jsonl")
            assert "list of ids as relevant, which is [] where nothing answers" in says
    says = refused(run, "index", "faq.md", "--out", "i", "--questions", "none.jsonl")
    assert "none.jsonl:1: a known question leads to a passage" in says


def test_what_pairs_writes_is_read_as_labelled_and_as_known_questions(run, tmp_path):
    assert run("pairs", "faq.md", "--out", "pairs.jsonl")[0] == 0
    assert not list(tmp_path.glob(".*.partial"))
    code, out, err = run(
        "index", "faq.md", "--out", "i", "--questions", "pairs.jsonl", "--fit", "pairs.jsonl",
        "--json",
    )  # fmt: skip
    assert code == 0
    assert json.loads(out)["threshold"] == 0  # nothing that is unanswerable was given
    assert err.startswith("warning: --fit pairs.jsonl: its questions are rows of the index too")


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


def test_what_was_deleted_can_be_forgotten(made, tmp_path):
    result(made, "--out", "i", "--delete", "refund")
    assert result(made, "--out", "i", "--compact", "--forget")["passages"] == 2
    files = [path for path in (tmp_path / "i").rglob("*") if path.is_file()]
    assert not any(b"Five working days" in path.read_bytes() for path in files)
    assert "no earlier version" in refused(made, "index", "--out", "i", "--rollback")


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
        (["index", "faq.md", "--out", "faq.md"], "is a file; choose a folder"),
        (["index", "--out", "faq.md", "--compact"], "no index here"),
        (["index", "--out", "mistyped", "--rollback"], "no index here"),
        (["index", "--out", "i", "--rollback", "--forget"], "--forget is for --compact"),
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
    for option in ("--add", "--delete", "--rollback", "--compact", "--forget", "--stale"):
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
