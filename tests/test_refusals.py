"""What a command refuses before it works for long: one line that says what and where."""

import gc
import io
import socket
import sys

import pytest

from apps import cli, serving
from apps.customer_service.fitness import Fitness
from apps.listening import bound
from apps.verbs.predict import read_texts
from data.errors import ConfigError, LogFormatError


@pytest.fixture
def refused(monkeypatch, capsys, tmp_path):
    """Runs a command in a folder of its own; the one line that it is refused with."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "_settle", lambda: None)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["deskhand", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        assert ended.value.code == 2, told
        assert told.out == ""
        [line] = told.err.splitlines()
        assert line.startswith("error: ")
        return line

    return run


def test_a_day_that_is_none_is_no_value_of_a_config(refused, tmp_path):
    assert "index=2026-02-30" in refused("ask", "faq", "hi", "--set", "index=2026-02-30")
    (tmp_path / "hours.yaml").write_text(
        'app: faq\nhours: {week: {monday: "08:00-20:00"}, holidays: [2026-02-30]}\n',
        encoding="utf-8",
    )
    line = refused("ask", "hours.yaml", "hi")
    assert "hours.yaml" in line
    assert "day is out of range" in line


def test_what_lies_under_a_file_is_not_there_and_cannot_be_written(refused, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "log.jsonl").write_text("{}\n", encoding="utf-8")
    assert "file/x.yaml" in refused("ask", "file/x.yaml", "hi")
    assert "store" in refused("ask", "faq", "hi", "--set", f"store=sqlite:///{tmp_path}/file/x.db")
    for arguments in (
        ["feedback", "--store", "sqlite:///own.db"],
        ["mine", "log.jsonl"],
        ["discover", "log.jsonl"],
        ["prepare", "log.jsonl"],
        ["index", "log.jsonl"],
        ["train", "intent", "--data", "log.jsonl"],
    ):
        if arguments[0] == "feedback":
            serving.Store("sqlite:///own.db")
        assert "file" in refused(*arguments, "--out", "file/x")
    for arguments in (["gaps"], ["fit", "customer_service", "log.jsonl"], ["pairs", "log.jsonl"]):
        name = "file/x.csv" if arguments == ["gaps"] else "file/x.jsonl"
        assert f"{name}: cannot be written" in refused(*arguments, "--out", name)
    assert "file/r.html: cannot be written" in refused(
        "test", "log.jsonl", "--report", "file/r.html"
    )
    gc.collect()  # what SQLite keeps beside a file goes when the last that has it open is gone
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file", "log.jsonl", "own.db"]


def test_what_a_disk_refuses_is_told_with_its_file(refused, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "out/train.jsonl")

    monkeypatch.setattr("apps.feedback.write_feedback", full)
    assert refused("feedback", "--out", "out").endswith("out/train.jsonl: No space left on device")


@pytest.mark.parametrize(
    "arguments",
    [
        ["ask", "faq", "caf\udce9"],
        ["ask", "faq", "hi", "--conversation", "x\udce9"],
        ["search", "idx", "caf\udce9"],
        ["predict", "run", "good", "caf\udce9"],
    ],
)
def test_words_that_are_no_utf_8_are_refused(arguments, refused):
    assert "not UTF-8" in refused(*arguments)


def test_standard_input_that_is_no_utf_8_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"caf\xe9\n"), encoding="utf-8"))
    with pytest.raises(LogFormatError, match="standard input: not UTF-8"):
        read_texts(None)


def test_a_port_that_is_none_or_taken_and_a_host_that_is_none_are_refused(refused):
    assert "--port" in refused("serve", "faq", "--port", "99999")
    assert "--port" in refused("demo", "--port", "-1")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = refused("serve", "faq", "--port", port)
    assert f"--port {port}" in line
    assert "in use" in line


def test_a_free_port_is_bound_and_given_back():
    with bound("127.0.0.1", 0) as [one]:
        port = one.getsockname()[1]
        one.listen()
        with pytest.raises(ConfigError, match="in use"), bound("127.0.0.1", port):
            raise AssertionError("bound twice")
    with bound("127.0.0.1", port):
        pass


def test_alone_the_command_shows_its_verbs(monkeypatch, capsys):
    monkeypatch.setattr(cli, "_settle", lambda: None)
    monkeypatch.setattr(sys, "argv", ["deskhand"])
    cli.main()
    told = capsys.readouterr()
    assert "Usage" in told.out
    assert told.err == ""


def test_options_that_would_be_ignored_are_refused(refused):
    assert "--input in.txt" in refused("predict", "run", "text", "--input", "in.txt")
    talk = "Customer: where is it?\nAgent: on its way"
    assert "--conversation" in refused("ask", "summarizer", talk, "--conversation", "x")


def test_a_page_whose_apps_name_other_stores_is_refused(refused, tmp_path):
    faq = "app: faq\nstore: sqlite:///faq.db\n"
    (tmp_path / "other.yaml").write_text(faq, encoding="utf-8")
    line = refused("serve", "customer_service", "other.yaml", "--port", "0")
    assert "faq" in line
    assert "store" in line
    both = ["--set", "store=sqlite:///one.db"]
    assert "store" not in refused("serve", "customer_service", "other.yaml", "--port", "0", *both)


def test_texts_of_a_table_are_read_whatever_case_its_name_has(tmp_path):
    table = tmp_path / "in.CSV"
    table.write_text("text,more\nhello,1\n", encoding="utf-8")
    assert read_texts(table) == ["hello"]


@pytest.mark.parametrize("value", ["null", "[1]", "NaN", '{"a": 1}'])
def test_a_text_that_is_none_is_refused_with_its_line(value, tmp_path):
    rows = tmp_path / "in.jsonl"
    rows.write_text(f'{{"text": "hello"}}\n{{"text": {value}}}\n', encoding="utf-8")
    with pytest.raises(LogFormatError, match=r"in\.jsonl:2: no text"):
        read_texts(rows)


def test_weights_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    fitness = Fitness({}, 0.5, 0.5, 0.5)
    path = tmp_path / "answers.json"
    fitness.save(path)
    before = path.read_text(encoding="utf-8")

    def cut_off(self, other):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", cut_off)
    with pytest.raises(ConfigError, match="No space left"):
        Fitness({}, 0.9, 0.9, 0.9).save(path)
    assert path.read_text(encoding="utf-8") == before
