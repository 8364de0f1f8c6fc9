import io
import json

import pytest

from data.errors import LogFormatError
from data.json_items import first_item, items_beside, json_items
from data.logs import importer_for
from data.rows import BadRows
from data.sources import Source


def source(content, name="a.json"):
    content = content if isinstance(content, bytes) else content.encode()
    return Source(name, lambda: io.BytesIO(content))


def test_a_list_in_an_object_is_found_behind_other_lists():
    one = source(json.dumps({"users": [{"id": 1}], "tickets": [{"id": 2}, 3], "audits": [{}]}))
    bad = BadRows()
    assert [row.values for row in json_items(one, ("tickets",), bad)] == [{"id": 2}]
    assert list(items_beside(one, "users")) == [{"id": 1}]
    assert list(items_beside(one, "macros")) == []
    assert bad.lines == ["a.json:2: a JSON object is needed for each case"]


def test_the_first_item_is_told_by_the_beginning_of_a_large_file():
    big = {"id": 1, "comments": [{"body": "x" * 1000}] * 2000}
    content = json.dumps({"count": 9, "tickets": [big]}).encode()
    read = []

    class Counted(io.BytesIO):
        def read1(self, size=-1):
            read.append(size)
            return super().read1(size)

    item = first_item(Source("a.json", lambda: Counted(content)), ("tickets",))
    assert item["id"] == 1
    assert 0 < len(item["comments"]) < 2000
    assert sum(read) < len(content) / 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_json_of_windows_is_read(encoding):
    text = json.dumps([{"id": 1, "body": "café à Genève"}], ensure_ascii=False)
    (row,) = json_items(source(text.encode(encoding)), (), BadRows())
    assert row.values["body"] == "café à Genève"


def test_lines_longer_than_the_head_are_lines_still():
    case = {"id": 1, "requester_id": 2, "submitter_id": 2, "description": "x" * 300_000}
    one = source(f"{json.dumps(case)}\n{json.dumps(case)}\n")
    bad = BadRows()
    assert len(list(importer_for(one).read(one, {}, bad))) == 2
    assert not bad


@pytest.mark.parametrize("begin", ["[", '{"a":', '[{"a":'])
def test_json_nested_without_end_is_refused_and_costs_no_memory(begin):
    one = source(begin * 200_000)
    first_item(one)
    with pytest.raises(LogFormatError, match="lists too deep"):
        list(json_items(one, (), BadRows()))


def test_brackets_in_texts_are_no_nesting():
    texts = ["[" * 500, '"[' * 300, "\\[" * 300, "[\\", '["'] * 40
    one = source(json.dumps([{"id": 1, "body": text} for text in texts]))
    assert [row.values["body"] for row in json_items(one, (), BadRows())] == texts
