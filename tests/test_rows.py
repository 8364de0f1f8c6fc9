import json

import pyarrow
import pyarrow.parquet
import pytest

from data.errors import LogFormatError
from data.rows import BadRows, first_row, read_rows, write_jsonl

SECRET = "call me on 07700 900123"


def file(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def places(rows):
    return [row.where.rsplit(":", 1)[1] for row in rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_told_from_the_header_line(tmp_path, delimiter):
    lines = [["id", "speaker", "text"], ["c1", "customer", "two, or three; who knows"]]
    quoted = "\n".join(delimiter.join(f'"{value}"' for value in line) for line in lines)
    rows = list(read_rows(file(tmp_path, "log.csv", quoted)))
    assert [dict(row.values) for row in rows] == [
        {"id": "c1", "speaker": "customer", "text": "two, or three; who knows"}
    ]


def test_a_tsv_keeps_commas_in_its_header_and_cells(tmp_path):
    path = file(tmp_path, "log.tsv", "a,b,c\ttext\n1\thello, you\n")
    assert [dict(row.values) for row in read_rows(path)] == [{"a,b,c": "1", "text": "hello, you"}]


@pytest.mark.parametrize(
    ("name", "content"), [("a.csv", "id,text\nc1,hé\n"), ("a.jsonl", '{"id": "c1", "text": "hé"}')]
)
def test_a_byte_order_mark_is_no_part_of_the_first_value(tmp_path, name, content):
    path = file(tmp_path, name, b"\xef\xbb\xbf" + content.encode())
    assert [dict(row.values) for row in read_rows(path)] == [{"id": "c1", "text": "hé"}]


def test_a_suffix_in_capitals_is_read_too(tmp_path):
    assert len(list(read_rows(file(tmp_path, "LOG.CSV", "id,text\nc1,hi\n")))) == 1


def test_rows_are_counted_in_lines_where_texts_hold_newlines(tmp_path):
    path = file(
        tmp_path, "log.csv", 'id,text\nc1,"one\ntwo\nthree"\n\nc2,four\nc3,"five\r\nsix"\nc4,x\n'
    )
    rows = list(read_rows(path))
    assert places(rows) == ["2", "6", "7", "9"]
    assert rows[0].values["text"] == "one\ntwo\nthree"


def test_bad_json_is_named_by_its_line_and_never_quoted(tmp_path):
    lines = [json.dumps({"id": number, "text": SECRET}) for number in range(20)]
    lines[16] = lines[16][:-1]
    path = file(tmp_path, "log.jsonl", "\n".join(lines))
    with pytest.raises(LogFormatError) as error:
        list(read_rows(path))
    assert str(error.value).startswith(f"{path}:17: ")
    assert "07700" not in str(error.value)
    bad = BadRows()
    assert len(list(read_rows(path, bad))) == 19
    assert [where for where, _ in bad.rows] == [f"{path}:17"]


@pytest.mark.parametrize(
    "line", [b'["a", "list"]', b'{"n": ' + b"1" * 5000 + b"}", b"[" * 100_000 + b"]" * 100_000]
)  # fmt: skip
def test_a_line_that_is_no_readable_object_is_noted_and_the_next_is_read(tmp_path, line):
    bad = BadRows()
    rows = list(read_rows(file(tmp_path, "log.jsonl", line + b'\n{"id": "c2"}\n'), bad))
    assert places(rows) == ["2"]
    assert len(bad) == 1


def test_bytes_of_another_encoding_are_mended_and_counted(tmp_path):
    lines = [b'{"text": "caf\xe9"}', '{"text": "café"}'.encode(), b'{"text": "plain"}']
    bad = BadRows()
    path = file(tmp_path, "log.jsonl", b"\n".join(lines))
    assert [row.values["text"] for row in read_rows(path, bad)] == ["café", "café", "plain"]
    assert (len(bad), dict(bad.mended)) == (0, {"bytes of another encoding": 1})
    with pytest.raises(LogFormatError, match=r"log\.jsonl:1: not valid JSON \(not UTF-8 at byte"):
        list(read_rows(path))


def test_half_an_emoji_is_mended_and_a_whole_one_kept(tmp_path):
    path = file(tmp_path, "log.jsonl", r'{"text": "cut \ud83d", "more": ["\ud83d\ude00 ok"]}')
    (row,) = read_rows(path)
    assert row.values == {"text": "cut �", "more": ["😀 ok"]}
    assert write_jsonl(tmp_path / "out.jsonl", [row.values]) == 1


def test_a_row_with_another_number_of_columns_is_noted_with_its_line(tmp_path):
    path = file(tmp_path, "log.csv", f'id,text\nc1,"a\nb"\nc2,{SECRET},more\nc3\nc4,d\n')
    bad = BadRows()
    assert places(read_rows(path, bad)) == ["2", "6"]
    assert bad.lines == [
        f"{path}:4: 3 columns, the header has 2",
        f"{path}:5: 1 columns, the header has 2",
    ]
    with pytest.raises(LogFormatError, match=r"log\.csv:4: 3 columns"):
        list(read_rows(path))


def test_a_quote_that_never_closes_is_noted_instead_of_swallowing_the_rest(tmp_path):
    path = file(tmp_path, "log.csv", f'id,text\nc1,a\nc2,"{SECRET}\nc3,b\n')
    bad = BadRows()
    assert places(read_rows(path, bad)) == ["2"]
    assert [where for where, _ in bad.rows] == [f"{path}:3"]
    assert "07700" not in bad.lines[0]


@pytest.mark.parametrize("name", ["log.csv", "log.tsv", "log.jsonl", "log.parquet"])
def test_an_empty_and_a_missing_file_say_so(tmp_path, name):
    with pytest.raises(LogFormatError, match="no such file"):
        list(read_rows(tmp_path / name))
    with pytest.raises(LogFormatError, match="the file is empty"):
        list(read_rows(file(tmp_path, name, "")))


def test_a_table_without_header_says_so(tmp_path):
    with pytest.raises(LogFormatError, match=r"log\.csv:1: no header row"):
        list(read_rows(file(tmp_path, "log.csv", "\n\nc1,hello\n")))


def test_an_unknown_kind_of_file_lists_the_known_ones(tmp_path):
    with pytest.raises(LogFormatError, match=r"known: \.csv, \.tsv, \.jsonl, \.parquet"):
        list(read_rows(file(tmp_path, "log.xlsx", "x")))


def test_a_latin_1_table_is_refused_with_what_to_do(tmp_path):
    path = file(tmp_path, "log.csv", "id,text\nc1,crème brûlée\n".encode("latin-1"))
    with pytest.raises(LogFormatError, match="not UTF-8.*save it as UTF-8"):
        list(read_rows(path))


def test_a_parquet_file_gives_its_rows_by_number(tmp_path):
    path = tmp_path / "log.parquet"
    values = [{"id": f"c{number}", "text": None if number == 1 else "hi"} for number in range(2500)]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(values), path)
    rows = list(read_rows(path))
    assert [row.values for row in rows] == values
    assert rows[2000].where == f"{path}:2001"


def test_what_is_no_parquet_file_is_refused_in_one_line(tmp_path):
    with pytest.raises(LogFormatError, match="not a Parquet file"):
        list(read_rows(file(tmp_path, "log.parquet", "id,text\n")))


def test_what_is_written_is_read_back(tmp_path):
    values = [{"id": "c1", "text": "line\nbreak \u2028 and “quotes”"}, {"id": "c2", "n": [1, None]}]
    path = tmp_path / "new" / "rows.jsonl"
    assert write_jsonl(path, values) == 2
    assert [row.values for row in read_rows(path)] == values


def test_the_first_readable_row_tells_the_kind_of_a_file_that_begins_badly(tmp_path):
    row = first_row(file(tmp_path, "log.jsonl", 'oops\n\n{"turns": []}\n'))
    assert row is not None
    assert row.values == {"turns": []}
    assert first_row(file(tmp_path, "bad.jsonl", "oops\n")) is None
