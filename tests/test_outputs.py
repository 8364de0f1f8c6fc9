"""How results are written, and how a command tells that it goes on."""

import sys

import pytest

from apps.verbs.options import progress
from data.errors import ConfigError
from data.outputs import replacing


def test_a_file_is_there_once_it_is_whole_and_its_folder_is_made(tmp_path):
    out = tmp_path / "new" / "rows.txt"
    with replacing(out) as partial:
        partial.write_text("half")
        assert not out.exists()
    assert out.read_text() == "half"
    assert list(out.parent.iterdir()) == [out]


def test_who_is_stopped_half_way_leaves_the_file_as_it_was(tmp_path):
    out = tmp_path / "rows.txt"
    out.write_text("whole")

    def stopped():
        with replacing(out) as partial:
            partial.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        stopped()
    assert out.read_text() == "whole"


@pytest.mark.parametrize("filename", [None, ".rows.txt.partial"])
def test_a_disk_that_is_full_is_told_with_the_file(tmp_path, filename):
    named = (str(tmp_path / filename),) if filename else ()
    with pytest.raises(ConfigError, match=r"rows.txt: cannot be written \(full\)"):
        with replacing(tmp_path / "rows.txt"):
            raise OSError(28, "full", *named)


def test_a_file_that_cannot_be_read_meanwhile_is_not_told_as_one_that_is_written(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "rows.txt"):
        (tmp_path / "nowhere").read_text()


def test_progress_is_a_bar_on_a_terminal_and_else_a_line_for_so_many(monkeypatch, capsys):
    def count():
        with progress("conversations", 2) as told:
            for done in range(1, 6):
                told(done)
        return capsys.readouterr().err

    assert count() == "2 conversations\n4 conversations\n"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    bar = count()
    assert "5 conversations" in bar
    assert bar.endswith("\n")
