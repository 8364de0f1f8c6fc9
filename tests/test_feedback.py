"""Thumbs and corrections as rows for preference tuning."""

import json

import pytest
from typer.testing import CliRunner

from apps.cli import app
from apps.feedback import feedback_rows, write_feedback
from apps.store import DEFAULT_URL, Store
from apps.store_forget import forget_owners
from apps.store_review import Reviews
from apps.verbs import feedback as feedback_verb
from data.conversations import from_dict
from data.errors import ConfigError
from data.schema import Answer
from data.split import SPLITS, split_of

MAIL = "dan.miller@gmail.com"
TRACE = {"step": "select:faq", "passages": [{"id": "p", "title": "T", "text": f"Sent to {MAIL}."}]}


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def store(url):
    return Store(url)


def talk(store, said=f"It goes to {MAIL}.", owner="me", identity=None):
    identity = store.new_conversation(owner, "bot", identity)
    turn = store.record(identity, f"I am {MAIL}", Answer(said), TRACE)
    return identity, turn


def edit(store, turn, answer):
    return Reviews(store).save(turn, "Ann", None, None, answer)


def rows(out, kind):
    files = [(out / kind / f"{split}.jsonl").read_text("utf-8") for split in SPLITS]
    return [json.loads(line) for text in files for line in text.splitlines()]


def test_a_thumb_is_a_row_with_what_came_before_it_and_what_was_read(store, url, tmp_path):
    _, up = talk(store)
    _, down = talk(store)
    talk(store)
    store.thumb("me", up, 1)
    store.thumb("me", down, -1)
    done = write_feedback(url, tmp_path / "out")
    assert (done["conversations"], done["kto"], done["dpo"]) == (2, 2, 0)
    found = rows(tmp_path / "out", "kto")
    assert sorted(row["label"] for row in found) == [False, True]
    for row in found:
        assert [turn["speaker"] for turn in row["prompt"]] == ["customer"]
        assert [turn["speaker"] for turn in row["completion"]] == ["agent"]
        assert (row["step"], row["passages"][0]["id"]) == ("select:faq", "p")
        assert from_dict({"id": row["id"], "turns": row["prompt"] + row["completion"]})


def test_a_correction_is_a_pair_and_an_unchanged_text_is_none(store, url, tmp_path):
    _, wrong = talk(store, "It takes 3 days.")
    _, same = talk(store, "It takes 3 days.")
    assert edit(store, wrong, "It takes 5 days.")
    assert edit(store, same, "It takes 3 days. ")
    assert write_feedback(url, tmp_path / "out")["dpo"] == 1
    (row,) = rows(tmp_path / "out", "dpo")
    assert row["chosen"][0]["text"] == "It takes 5 days."
    assert row["rejected"][0]["text"] == "It takes 3 days."


def test_no_private_value_is_written_and_one_has_the_same_stand_in_everywhere(store, url, tmp_path):
    _, turn = talk(store)
    store.thumb("me", turn, 1)
    edit(store, turn, f"We wrote to {MAIL} today.")
    write_feedback(url, tmp_path / "out")
    for file in (tmp_path / "out").rglob("*.jsonl"):
        assert "miller" not in file.read_text("utf-8").lower()
    (kto,), (dpo,) = rows(tmp_path / "out", "kto"), rows(tmp_path / "out", "dpo")
    (mail,) = kto["prompt"][0]["entities"]
    assert mail["type"] == "email"
    for text in (
        kto["completion"][0]["text"], kto["passages"][0]["text"], dpo["chosen"][0]["text"]
    ):  # fmt: skip
        assert mail["text"] in text


def test_a_conversation_is_in_one_split(store, url, tmp_path):
    names = [f"c{number}" for number in range(30)]
    for name in names:
        _, turn = talk(store, identity=name)
        store.thumb("me", turn, 1)
        edit(store, turn, "Other words.")
    write_feedback(url, tmp_path / "out")
    for kind in ("kto", "dpo"):
        for split in SPLITS:
            lines = (tmp_path / "out" / kind / f"{split}.jsonl").read_text("utf-8").splitlines()
            found = {json.loads(line)["id"].partition(":")[0] for line in lines}
            assert found == {name for name in names if split_of(name) == split}


def test_history_holds_what_was_said_not_what_should_have_been(store):
    identity, first = talk(store, "Wrong.")
    second = store.record(identity, "and now?", Answer("Fine."), {})
    edit(store, first, "Right.")
    store.thumb("me", second, 1)
    found = dict(feedback_rows(identity, store.turns(identity), b"k" * 32))
    assert [turn["text"] for turn in found["kto"]["prompt"]][1:] == ["Wrong.", "and now?"]


def test_only_an_agents_turn_is_edited_and_a_forgotten_customer_takes_the_edits_along(store):
    identity, turn = talk(store)
    assert not edit(store, turn - 1, "x"), "a customer's turn"
    assert not edit(store, 999, "x")
    assert edit(store, turn, "x")
    assert edit(store, turn, "y")
    assert [each.edited for each in store.turns(identity)] == [None, "y"]
    edit(store, turn, "")
    assert store.reviewed() == []
    edit(store, turn, "z")
    assert forget_owners(store, ["me"]).conversations == 1
    assert store.reviewed() == []
    _, again = talk(store)
    assert edit(store, again, "the ids of deleted turns may come again")


def test_what_cannot_be_exported_is_one_line(store, url, tmp_path):
    with pytest.raises(ConfigError, match="no such database"):
        write_feedback(f"sqlite:///{tmp_path}/none.db", tmp_path / "out")
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(ConfigError, match="no answer in it"):
        write_feedback(url, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_verb_says_what_it_wrote(store, url, tmp_path):
    _, turn = talk(store)
    store.thumb("me", turn, -1)
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["feedback", "--out", str(out), "--store", url, "--json"])
    assert json.loads(done.output) == {
        "out": str(out), "conversations": 1, "kto": 1, "dpo": 0, "intent": 0, "ner": 0, "reply": 0,
    }  # fmt: skip
    assert rows(out, "kto")[0]["label"] is False


def test_the_verb_reads_the_store_that_the_apps_write():
    assert feedback_verb._URL == DEFAULT_URL
