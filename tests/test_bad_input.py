"""Input that training must survive or refuse in one clear line."""

import json
import logging
import time

import pyarrow
import pyarrow.parquet
import pytest

from data.errors import LogFormatError
from data.rows import BadRows, read_rows
from finetune.reading import (
    read_entities,
    read_labelled,
    read_splits,
)


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def lines(path, rows):
    return write(path, "".join(json.dumps(row) + "\n" for row in rows))


def refused(path, why, read=read_labelled):
    """The one line that a file is refused with."""
    with pytest.raises(LogFormatError, match=why) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    return str(caught.value)


def table(labels, rows):
    return [{"text": f"text {label} {n}", "label": f"l{label}"}
            for label in range(labels) for n in range(rows)]  # fmt: skip


def test_ten_thousand_labels_are_read_and_split_in_seconds(tmp_path):
    path = lines(tmp_path / "r.jsonl", table(10_000, 3))
    start = time.process_time()
    splits = read_splits(path, None, read_labelled)
    assert time.process_time() - start < 10
    assert len(splits.validation) == 3000  # the share, though a tenth of each label is no row
    assert len({row.label for row in splits.validation}) == 3000
    assert len({row.label for row in splits.train}) == 10_000


def test_a_column_of_ids_is_refused_though_validation_is_given(tmp_path):
    path = lines(tmp_path / "train.jsonl", table(10_000, 1))
    lines(tmp_path / "validation.jsonl", table(10, 1))
    with pytest.raises(LogFormatError, match="10,000 of 10,000 labels have one training row") as e:
        read_splits(tmp_path, None, read_labelled)
    assert str(e.value).startswith(f"{path}: ")
    assert "--label-column" in str(e.value)


def test_one_row_a_label_trains_with_a_warning_where_validation_is_given(tmp_path, caplog):
    lines(tmp_path / "train.jsonl", table(5, 1))
    lines(tmp_path / "validation.jsonl", table(5, 1))
    with caplog.at_level(logging.WARNING):
        assert len(read_splits(tmp_path, None, read_labelled).train) == 5
    assert "5 of 5 labels have one training row" in caplog.text
    caplog.clear()
    lines(tmp_path / "train.jsonl", table(5, 2))
    read_splits(tmp_path, None, read_labelled)
    assert "labels have one" not in caplog.text


def test_one_row_a_label_leaves_nothing_to_validate_on(tmp_path):
    path = lines(tmp_path / "r.jsonl", table(5, 1))
    refused(path, "no validation rows; more", lambda path: read_splits(path, None, read_labelled))


def test_labels_with_commas_and_quotes_survive(tmp_path):
    path = write(
        tmp_path / "r.csv", 'text,label\nhi,"refund, partial"\nho,"so-called ""urgent"""\n'
    )
    assert [row.label for row in read_labelled(path)] == ["refund, partial", 'so-called "urgent"']


@pytest.mark.parametrize("broken", ["a\nb", "a\r\nb", "a\u2028b"])
def test_a_label_of_several_lines_is_refused(tmp_path, broken):
    path = lines(tmp_path / "r.jsonl", [{"text": "a", "label": broken}])
    refused(path, r":1: line break in 'label'")
    path = write(tmp_path / "r.csv", f'text,label\nho,b\nhi,"{broken}"\n')
    refused(path, r":3: line break in 'label'")


@pytest.mark.parametrize("value", [["a", "b"], {"a": 1}])
def test_a_list_is_no_label(tmp_path, value):
    refused(
        lines(tmp_path / "r.jsonl", [{"text": "a", "label": value}]),
        ":1: 'label' holds a .*; a text is needed",
    )


@pytest.mark.parametrize("name", ["r.jsonl", "r.parquet"])
@pytest.mark.parametrize("column", ["text", "label"])
def test_nan_is_neither_text_nor_label(tmp_path, name, column):
    rows = [{"text": "a", "label": "b"}, {"text": "a", "label": "b"} | {column: float("nan")}]
    path = tmp_path / name
    if name.endswith("jsonl"):
        lines(path, rows)
        assert "NaN" in path.read_text()
    else:
        rows = [{column: float("nan"), "label" if column == "text" else "text": "a"}] * 2
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    refused(path, f"no value in column '{column}'")


def test_a_megabyte_in_one_cell_is_refused_with_its_row_at_once(tmp_path):
    big = "word " * 200_000
    start = time.process_time()
    refused(lines(tmp_path / "r.jsonl", [{"text": "a", "label": "b"}, {"text": big, "label": "b"}]),
            ":2: 1,000,000 characters in 'text', at most 100,000")  # fmt: skip
    refused(lines(tmp_path / "s.jsonl", [{"text": "a", "label": big}]), ":1: .*'label'")
    refused(lines(tmp_path / "e.jsonl", [{"text": big}]), ":1: 1,000,000", read_entities)
    path = write(tmp_path / "r.csv", f"text,label\na,b\n{big},b\nc,d\n")
    refused(path, r":3: not valid CSV \(field larger than field limit")
    bad = BadRows()
    assert [row.values["text"] for row in read_rows(path, bad)] == ["a", "c"]
    assert [where for where, _ in bad.rows] == [f"{path}:3"]
    assert time.process_time() - start < 5


def test_a_windows_byte_in_a_utf_8_table_is_named_by_its_line(tmp_path):
    table = "text,label\ncafé,a\n".encode() + "it’s,b\n".encode("cp1252") + b"c,d\n"
    refused(write(tmp_path / "r.csv", table), ":3: not UTF-8")
    refused(
        write(tmp_path / "r.txt", b"caf\xc3\xa9 O\nit\x92s O\n"), ":2: not UTF-8", read_entities
    )
    row = b'{"text": "caf\xc3\xa9", "label": "a"}\n{"text": "it\x92s", "label": "b"}\n'
    refused(write(tmp_path / "r.jsonl", row), ":2: not valid JSON .not UTF-8 at byte 12")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_marked_table_of_any_unicode_is_read(tmp_path, encoding):
    for ending in ("\n", "\r\n"):
        text = ending.join(["text\tlabel", "crème 😀\ta", '"two\nlines"\tb', ""])
        rows = read_labelled(write(tmp_path / "r.tsv", text.encode(encoding)))
        assert [(row.text, row.label) for row in rows] == [("crème 😀", "a"), ("two\nlines", "b")]
    both = "﻿text,label\na,b\n".encode("utf-16-be")
    assert read_labelled(write(tmp_path / "r.csv", both))[0].label == "b"
    words = write(tmp_path / "r.txt", "Zoë B-PER\n".encode(encoding))
    assert read_entities(words)[0].entities[0].text == "Zoë"


def test_utf_16_without_its_mark_and_in_json_is_refused(tmp_path):
    for encoding in ("utf-16-le", "utf-16-be"):
        refused(
            write(tmp_path / "r.csv", "text,label\na,b\n".encode(encoding)), "not text, or UTF-16"
        )
    refused(write(tmp_path / "r.jsonl", '{"text": "a"}'.encode("utf-16")), "UTF-16; JSON is UTF-8")
    refused(write(tmp_path / "cut.csv", "text,label\na,b\n".encode("utf-16")[:-1]), "not UTF-")


def test_a_conll_line_that_lost_a_column_is_refused_though_its_last_looks_like_a_tag(tmp_path):
    path = write(tmp_path / "r.txt", "Dan NNP B-NP B-PER\n\nO NN O\n")
    refused(path, ":3: 3 columns, the first line has 4; a column is missing", read_entities)
    path = write(tmp_path / "r.txt", "-DOCSTART- O\n\nDan NNP B-PER\nNew York NNP B-LOC\n")
    refused(path, ":4: 4 columns, the first line has 3", read_entities)


def test_tabs_divide_columns_where_there_are_any(tmp_path):
    tabs = read_entities(write(tmp_path / "tabs.txt", "Dan\tB-PER\n in \tO\nNew York\tB-LOC\n"))
    spaces = read_entities(write(tmp_path / "spaces.txt", "Dan   B-PER \r\nin O\r\nBern B-LOC\r\n"))
    assert [each.text for each in tabs[0].entities] == ["Dan", "New York"]
    assert [each.text for each in spaces[0].entities] == ["Dan", "Bern"]
    mixed = write(tmp_path / "mixed.txt", "Dan\tB-PER\nin O\nBern\tB-LOC\n")
    assert read_entities(mixed)[0].text == "Dan in Bern"
    refused(
        write(tmp_path / "none.txt", "Dan\tB-PER\n\tO\n"), ":2: a word and its tag", read_entities
    )
    refused(write(tmp_path / "none.txt", "Dan\tB-PER\nin\t\n"), ":2: a word and", read_entities)


@pytest.mark.parametrize("start", [float("inf"), float("nan"), "one", None, -1])
def test_an_offset_that_is_no_place_in_the_text_is_refused(tmp_path, start):
    row = {"text": "to Bern", "entities": [{"type": "city", "start": start, "end": 7}]}
    refused(lines(tmp_path / "r.jsonl", [row]), ":1: ", read_entities)


def test_a_folder_without_its_training_file_is_refused_by_name(tmp_path):
    lines(tmp_path / "test.jsonl", table(2, 2))
    refused(tmp_path, "no train file", lambda path: read_splits(path, None, read_labelled))
