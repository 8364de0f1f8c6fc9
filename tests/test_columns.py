"""Tables whose columns have names of their own: every verb that reads one takes them."""

import sys

import pytest

from apps import cli
from apps.verbs.evaluate import evaluate_path
from apps.verbs.predict import predict_given, read_texts
from data.errors import LogFormatError
from finetune.intent.extend import extend
from finetune.train import train
from tests.conftest import intent_rows, open_encoder, small, write_lines

pytestmark = pytest.mark.usefixtures("here")


def named(rows, text, label):
    return [{text: row["text"], label: row["label"]} for row in rows]


def test_a_run_reads_its_own_columns_and_others_by_name(tiny, tmp_path):
    mine = write_lines(tmp_path / "mine.jsonl", named(intent_rows(), "body", "topic"))
    config = small("intent", tiny, "head", text_column="body", label_column="topic")
    train(config, mine, tmp_path / "run")
    own = evaluate_path(tmp_path / "run", mine)

    other = write_lines(tmp_path / "other.jsonl", named(intent_rows(), "what", "is"))
    with pytest.raises(LogFormatError, match="no column 'body'.* --text-column"):
        evaluate_path(tmp_path / "run", other)
    columns = {"text_column": "what", "label_column": "is"}
    assert evaluate_path(tmp_path / "run", other, columns=columns) == own

    said = list(predict_given(tmp_path / "run", [], mine))
    assert [row["text"] for row in said] == [row["text"] for row in intent_rows()]

    rows = [{"text": f"the {n} arrived broken in two", "label": "damage"} for n in range(4)]
    new = write_lines(tmp_path / "new.jsonl", named(rows, "what", "is"))
    done = extend(tmp_path / "run", new, tmp_path / "more", open_encoder, 1, columns)
    assert done.added == {"damage": 4}


def test_a_table_without_the_column_may_have_its_texts_in_text(tmp_path):
    table = tmp_path / "in.csv"
    table.write_text("text,body\nhello,there\n", encoding="utf-8")
    assert read_texts(table, "body") == ["there"]
    assert read_texts(table, "words") == ["hello"]
    table.write_text("what\nhello\n", encoding="utf-8")
    with pytest.raises(LogFormatError, match="no column 'body'; found: what"):
        read_texts(table, "body")


@pytest.mark.parametrize(
    "command",
    [
        ["tune", "intent", "--out", "run", "--trials", "1"],
        ["extend", "none", "--out", "run"],
        ["evaluate", "none"],
    ],
)
def test_what_a_message_names_is_an_option(command, monkeypatch, capsys):
    monkeypatch.setattr(cli, "_settle", lambda: None)
    given = ["--data", "none.csv", "--text-column", "body", "--label-column", "topic"]
    monkeypatch.setattr(sys, "argv", ["deskhand", *command, *given])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "no such" in capsys.readouterr().err
