import json

import pytest

from apps.verbs.discover import apply_topics, discover_log
from data.errors import ConfigError, LogFormatError
from data.rows import read_rows
from data.topics.files import (
    neutral,
    plain,
    read_placed,
    read_topics,
    training_rows,
    write_table,
)
from data.topics.known import read_known
from data.topics.texts import check_turns, mere, read_turns
from tests.conftest import write_lines
from tests.fakes import HashEncoder

TEXTS = [
    f"{theme} {thing}"
    for theme in ("refund money back", "parcel courier late", "password login account")
    for thing in "shoes coat lamp desk mug ring book chair kettle phone hat tent".split()
]


@pytest.fixture
def encoder(monkeypatch):
    monkeypatch.setattr("apps.build.opened_encoder", lambda name, threads: HashEncoder())


def log_of(path, texts=TEXTS):
    return write_lines(path, [{"text": text} for text in texts])


def edited(folder, topics, turns, topic_columns=("topic", "name"), turn_columns=("text", "topic")):
    write_table(folder / "topics.csv", topic_columns,
                [dict(zip(topic_columns, row, strict=True)) for row in topics])  # fmt: skip
    write_table(folder / "turns.csv", turn_columns,
                [dict(zip(turn_columns, row, strict=True)) for row in turns])  # fmt: skip
    return folder


@pytest.mark.parametrize(
    "cell", ["=1+1", "+44 20", "-", "@all", "\tx", "\rx", "'=x", "''+x", "'quoted'", "plain", ""]
)
def test_a_cell_comes_back_and_is_no_formula(cell):
    assert plain(neutral(cell)) == cell
    assert not neutral(cell).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_a_formula_in_a_turn_is_harmless_in_the_file_and_whole_in_the_rows(tmp_path):
    folder = edited(tmp_path, [("1", "=name")], [("=HYPERLINK(1)", "1")])
    assert "\n'=HYPERLINK(1)," in (folder / "turns.csv").read_text(encoding="utf-8")
    assert training_rows(folder) == [{"text": "=HYPERLINK(1)", "label": "=name"}]


def test_discover_writes_a_row_for_each_turn_and_topic(tmp_path, encoder):
    done = discover_log(log_of(tmp_path / "log.jsonl"), tmp_path / "out", encoder="fake")
    topics = [row.values for row in read_rows(tmp_path / "out" / "topics.csv")]
    turns = [row.values for row in read_rows(tmp_path / "out" / "turns.csv")]
    assert list(topics[0])[:3] == ["topic", "name", "size"]
    assert list(turns[0])[:2] == ["text", "topic"]
    assert [row["text"] for row in turns] == TEXTS
    assert {row["topic"] for row in turns} == {row["topic"] for row in topics}
    assert sum(int(row["size"]) for row in topics) == len(TEXTS) == done["turns"]
    assert topics[0]["questions"].count(" | ") == 2
    assert turns[0]["where"].endswith("log.jsonl:1")
    assert json.loads(json.dumps(done))["topics"][0]["name"] == topics[0]["name"]


def test_a_second_run_on_more_rows_carries_on(tmp_path, encoder):
    first, second = tmp_path / "first", tmp_path / "second"
    discover_log(log_of(tmp_path / "a.jsonl", TEXTS[:24]), first, encoder="fake")
    done = discover_log(log_of(tmp_path / "b.jsonl"), second, encoder="fake", before=first)
    old = dict(read_placed(first, read_topics(first)))
    now = dict(read_placed(second, read_topics(second)))
    assert {text: now[text] for text in old} == old
    assert [topic["state"] for topic in done["topics"] if topic["topic"] not in old.values()] == [
        "new"
    ]


def test_known_rows_need_two_of_a_label(tmp_path, encoder):
    known = write_lines(tmp_path / "known.jsonl", [{"text": "a", "label": "x"}])
    with pytest.raises(LogFormatError, match="no label has two rows"):
        read_known(known)
    wrong = write_lines(tmp_path / "wrong.jsonl", [{"text": "a", "intent": "x"}])
    with pytest.raises(LogFormatError, match=r"wrong.jsonl:1: no column 'label'"):
        read_known(wrong)


def test_edited_names_merge_and_drop(tmp_path):
    folder = edited(
        tmp_path,
        [("1", "money"), ("2", " money "), ("3", "-"), ("4", ""), ("5", "login")],
        [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("e", "5"), ("a", "1")],
    )
    assert training_rows(folder) == [
        {"text": "a", "label": "money"},
        {"text": "b", "label": "money"},
        {"text": "e", "label": "login"},
    ]
    done = apply_topics(folder, tmp_path / "rows.jsonl")
    assert (done["rows"], done["labels"]) == (3, ["login", "money"])
    assert len(list(read_rows(tmp_path / "rows.jsonl"))) == 3


def test_what_a_spreadsheet_saves_is_read(tmp_path):
    (tmp_path / "topics.csv").write_text('\ufefftopic;name;size\r\n1;"a;b";2\r\n', "utf-8")
    (tmp_path / "turns.csv").write_text("text;topic\r\nhi;1\r\n", "utf-8")
    assert training_rows(tmp_path) == [{"text": "hi", "label": "a;b"}]


@pytest.mark.parametrize(
    ("topics", "turns", "said"),
    [
        ([("1", "a"), ("1", "b")], [("x", "1")], "topics.csv:3: topic '1' stands twice"),
        ([("", "a")], [("x", "1")], "topics.csv:2: no value in 'topic'"),
        ([("1", "a")], [("x", "2")], "turns.csv:2: topic '2' is not in"),
        ([("1", "-")], [("x", "1")], "every topic is left out"),
        ([("1", "a")], [], "no turn in it"),
        ([], [("x", "1")], "no topic in it"),
    ],
)
def test_a_table_that_does_not_fit_is_one_line(tmp_path, topics, turns, said):
    with pytest.raises(LogFormatError, match=said) as caught:
        training_rows(edited(tmp_path, topics, turns))
    assert "\n" not in str(caught.value)


def test_a_missing_column_or_file_is_named(tmp_path):
    edited(tmp_path, [("1", "a")], [("x", "1")], topic_columns=("topic", "title"))
    with pytest.raises(
        LogFormatError, match=r"topics.csv:2: no column 'name'; found: topic, title"
    ):
        training_rows(tmp_path)
    with pytest.raises(LogFormatError, match=r"topics.csv: no such file"):
        training_rows(tmp_path / "nowhere")


def test_training_rows_go_to_a_jsonl_file(tmp_path):
    folder = edited(tmp_path, [("1", "a")], [("x", "1")])
    with pytest.raises(ConfigError, match=r"ends in .jsonl"):
        apply_topics(folder, tmp_path / "rows.csv")


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["a", "b"], "2 different texts, at least 10 are needed"),
        (["same"] * 30, "all 30 texts are the same"),
        (["Same", " same "], "all 2 texts are the same"),
    ],
)
def test_too_few_texts_are_refused(tmp_path, encoder, texts, said):
    path = log_of(tmp_path / "log.jsonl", texts)
    with pytest.raises(LogFormatError, match=said):
        discover_log(path, tmp_path / "out", encoder="fake")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the file is empty"),
        ('{"text": ""}\n{"text": null}\n{"text": NaN}\n', "no customer text in it"),
        ('{"body": "x"}\n', "log.jsonl:1: no column 'text'; found: body"),
        ('{"text": ["x"]}\n', "log.jsonl:1: 'text' holds a list"),
        ('{"turns": [{"speaker": "bot", "text": "x"}]}\n', "log.jsonl:1: unknown 'speaker'"),
    ],
)
def test_bad_input_is_one_line_with_its_place(tmp_path, content, said):
    path = tmp_path / "log.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(LogFormatError, match=said) as caught:
        read_turns(path)
    assert "\n" not in str(caught.value)


def test_empty_texts_among_others_are_passed_over(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text('text,other\n"",1\nhello there,2\n"  ",3\n', encoding="utf-8")
    assert [(turn.text, turn.where) for turn in read_turns(path)] == [("hello there", f"{path}:3")]


def test_the_customers_turns_of_conversations_are_read_without_mere_thanks(tmp_path):
    turns = [
        ("customer", "hi"), ("customer", "where is my parcel"), ("agent", "on its way"),
        ("customer", "ok thank you so much"), ("agent", "anything else?"),
        ("customer", "yes, can i change the address"), ("agent", "done"), ("customer", "Thanks!"),
    ]  # fmt: skip
    row = {"id": "1", "turns": [{"speaker": who, "text": text} for who, text in turns]}
    for name in ("train", "validation"):
        write_lines(tmp_path / f"{name}.jsonl", [row])
    (tmp_path / "test.jsonl").touch()  # of a small log a split may be empty
    assert [turn.text for turn in read_turns(tmp_path)] == [
        "hi where is my parcel", "yes, can i change the address",
    ] * 2  # fmt: skip


def test_lines_of_a_text_file_are_turns_and_a_folder_needs_splits(tmp_path):
    path = tmp_path / "log.txt"
    path.write_text("one\n\ntwo\n", encoding="utf-8")
    assert [turn.text for turn in read_turns(path)] == ["one", "two"]
    with pytest.raises(LogFormatError, match=r"no train.jsonl, validation.jsonl or test.jsonl"):
        read_turns(tmp_path)
    check_turns(path, read_turns(log_of(tmp_path / "log.jsonl")))


@pytest.mark.parametrize("text", ["Thanks!", "yes please", "ok, that's great", "", "👍"])
def test_mere_thanks_ask_for_nothing(text):
    assert mere(text)


@pytest.mark.parametrize("text", ["yes, cancel it", "thanks but where is it", "no refund yet"])
def test_a_request_with_thanks_is_more_than_thanks(text):
    assert not mere(text)


def test_out_must_not_be_a_file(tmp_path, encoder):
    path = log_of(tmp_path / "log.jsonl")
    with pytest.raises(ConfigError, match="is a file; choose a folder"):
        discover_log(path, path, encoder="fake")
