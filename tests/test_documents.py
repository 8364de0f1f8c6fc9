import hashlib

import pyarrow
import pyarrow.parquet
import pytest

from data.conversations import to_dict
from data.errors import LogFormatError
from data.rows import BadRows, write_jsonl
from data.schema import Conversation, Turn
from retrieval.documents import READERS
from retrieval.documents.folders import SUFFIXES
from retrieval.passages import fingerprints, markdown_passages, read_passages

PAGE = """\
---
title: House rules
language: en
product: [Kettle, Toaster]
valid_from: 2026-01-01
owner: nobody
---
Read this first.

# Returns #

All our rules.

## How long?
<!-- id: faq-7 -->
Thirty days.

<!-- Ask Ann
before you change this. -->
## Costs

```
# not a heading
pay   now
```

| Item | Price |
|---|---|
| Mug | £3 |

Old style
---------
1. one
2. two
   goes on
"""


def write(path, text):
    path.write_text(text, "utf-8")
    return path


def read(path, text):
    return read_passages([write(path, text)])


def ids(passages):
    return [passage.id for passage in passages]


# Markdown


def test_a_page_in_markdown_is_read_with_all_that_it_says_of_itself(tmp_path):
    passages = read(tmp_path / "rules.md", PAGE)
    assert [(p.id, p.title, p.text, p.source) for p in passages] == [
        ("rules.md", "House rules", "Read this first.", "rules.md#8"),
        ("rules.md#returns", "Returns", "All our rules.", "rules.md#10"),
        ("faq-7", "How long?", "Thirty days.", "rules.md#14"),
        ("rules.md#returns/costs", "Returns › Costs",
         "```\n# not a heading\npay   now\n```\n\n| Item | Price |\n|---|---|\n| Mug | £3 |",
         "rules.md#20"),
        ("rules.md#returns/old-style", "Returns › Old style", "1. one\n2. two goes on",
         "rules.md#31"),
    ]  # fmt: skip
    assert passages[2].metadata == {
        "language": "en", "product": "Kettle|Toaster", "valid_from": "2026-01-01", "kind": "faq",
        "path": "Returns › How long?", "file": "rules.md", "line": "14",
    }  # fmt: skip
    assert all(isinstance(value, str) for p in passages for value in p.metadata.values())


def test_yaml_makes_nothing_else_of_the_values_of_front_matter(tmp_path):
    (passage,) = read(tmp_path / "a.md", "---\nlanguage: no\nvalid_until: 2026-02-28\n---\nText.")
    assert passage.metadata["language"] == "no"
    assert passage.metadata["valid_until"] == "2026-02-28"


def test_a_rule_at_the_beginning_of_a_page_is_no_front_matter(tmp_path):
    assert [p.text for p in read(tmp_path / "a.md", "---\nSome text.\n\nMore.\n")] == [
        "Some text.\n\nMore."]  # fmt: skip
    (passage,) = read(tmp_path / "b.md", "---\nHello there\n---\nText.\n")
    assert passage.text == "Text."
    assert passage.title == "Hello there"


@pytest.mark.parametrize(
    ("front", "message"),
    [
        ("valid_from: 2026-13-01", "a.md:1: valid_from '2026-13-01' is no date; write it as 2026"),
        ("valid_until: soon", "a.md:1: valid_until 'soon' is no date"),
        ("valid_until: 20260131", "is no date"),
        ("valid_from: 2026-02-01\nvalid_until: 2026-01-01", "2026-01-01 is before valid_from 2026"),
        ("title: [", "a.md:2: the front matter is not valid YAML; mend it or remove it"),
    ],
)
def test_wrong_front_matter_is_one_line(tmp_path, front, message):
    with pytest.raises(LogFormatError) as caught:
        read(tmp_path / "a.md", f"---\n{front}\n---\nText.\n")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_never_closed_does_not_eat_the_page():
    for opening in ("```", "<!-- a comment", "---\ntitle: x"):
        page = f"{opening}\nText.\n\n# Heading\nBelow.\n"
        assert "Below." in [p.text for p in markdown_passages(page, "a.md")], opening


# Ids


def test_ids_hold_when_other_parts_of_a_file_change(tmp_path):
    before = read(tmp_path / "a.md", "# A\nOne.\n\n# B\nTwo.\n")
    after = read(tmp_path / "a.md", "New words first.\n\n# A\nOne.\nMore.\n\n# C\nX.\n# B\nTwo.\n")
    assert ids(before) == ["a.md#a", "a.md#b"]
    assert ids(after) == ["a.md", "a.md#a", "a.md#c", "a.md#b"]


def test_headings_that_occur_again_are_told_apart():
    page = (
        "# Note\nOne.\n# Note\nTwo.\n# Note 2\nThree.\n# !\nFour.\n# Note\n<!-- id: n -->\nFive.\n"
    )
    assert ids(markdown_passages(page, "a.md")) == [
        "a.md#note", "a.md#note-2", "a.md#note-2-2", "a.md#section", "n"]  # fmt: skip


def test_words_are_whole_however_a_file_writes_them(tmp_path):
    name, heading, text = "Ru\u0308ckgabe.md", "U\u0308ber Ru\u0308ckgabe", "Cafe\u0301."
    (passage,) = read(tmp_path / name, f"---\nproduct: Ko\u0308nig\n---\n# {heading}\n{text}\n")
    assert (passage.id, passage.title) == ("Rückgabe.md#über-rückgabe", "Über Rückgabe")
    assert (passage.text, passage.source) == ("Café.", "Rückgabe.md#4")
    assert passage.metadata["product"] == "König"
    assert fingerprints([tmp_path]).keys() == {passage.metadata["file"]}


def test_signs_of_a_letter_belong_to_it_in_an_id():
    page = "# हिन्दी में वापसी\nA.\n# ❤️ Gifts 1️⃣\nB.\n"
    assert ids(markdown_passages(page, "a.md")) == ["a.md#हिन्दी-में-वापसी", "a.md#gifts-1"]


def test_a_named_section_that_grows_too_long_keeps_its_name_for_its_first_piece():
    page = "# Long?\n<!-- id: long -->\n" + "This is one more sentence of it. " * 60
    found = ids(markdown_passages(page, "a.md"))
    assert found == ["long", *(f"long.{number}" for number in range(2, len(found) + 1))]
    assert len(found) > 2


def test_files_of_one_name_in_two_kinds_have_ids_of_their_own(tmp_path):
    write(tmp_path / "a.md", "# A\nOne.\n")
    write(tmp_path / "a.html", "<h1>A</h1><p>One.")
    assert ids(read_passages([tmp_path])) == ["a.html#a", "a.md#a"]


def test_the_second_use_of_an_id_is_noted_or_refused(tmp_path):
    for name in ("one.md", "two.md"):
        write(tmp_path / name, "# A?\n<!-- id: x -->\nYes.\n\n# B\nText.\n")
    bad = BadRows()
    assert ids(read_passages([tmp_path], bad)) == ["x", "one.md#b", "two.md#b"]
    why = "passage id 'x' occurs twice (also in one.md#1); give each its own"
    assert bad.rows == [(str(tmp_path / "two.md"), why)]
    with pytest.raises(LogFormatError, match="occurs twice"):
        read_passages([tmp_path])


# Tables


def test_the_columns_of_a_table_are_metadata_and_wrong_rows_are_counted(tmp_path):
    path = write(
        tmp_path / "faq.csv",
        "Question,Answer,id,Valid From,audience\n"
        "cancel my order,Yes.,c1,2026-01-31,staff\n"
        "Why?,Because.,,soon,\n"
        "What?,,,,\n"
        '"Who\nis it?","1. You.\n2. Me.",,,\n',
    )
    bad = BadRows()
    first, last = read_passages([path], bad)
    assert (first.id, first.title, first.text, first.source) == (
        "c1", "cancel my order", "Yes.", "faq.csv#2")  # fmt: skip
    assert first.metadata == {
        "kind": "faq", "valid_from": "2026-01-31", "audience": "staff", "path": "cancel my order",
        "file": "faq.csv", "line": "2",
    }  # fmt: skip
    assert (last.id, last.title, last.text) == (
        "faq.csv#who-is-it", "Who is it?", "1. You.\n2. Me.")  # fmt: skip
    assert bad.rows == [
        (f"{path}:3", "valid_from 'soon' is no date; write it as 2026-01-31"),
        (f"{path}:4", "no question or no answer"),
    ]
    with pytest.raises(LogFormatError, match=r"faq\.csv:3: valid_from"):
        read_passages([path])


def test_jsonl_and_parquet_tables_are_read_alike(tmp_path):
    rows = [{"question": "How?", "answer": "So.", "language": "en"}]
    write_jsonl(tmp_path / "faq.jsonl", rows)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "faq.parquet")
    for name, source in (("faq.jsonl", "faq.jsonl#1"), ("faq.parquet", "faq.parquet#1")):
        (passage,) = read_passages([tmp_path / name])
        assert (passage.title, passage.text, passage.source) == ("How?", "So.", source)
        assert passage.metadata["language"] == "en"


def test_an_answer_of_a_table_too_long_for_one_passage_keeps_its_id_for_the_first(tmp_path):
    answer = " ".join(f"This is step {number} of the answer." for number in range(60))
    write_jsonl(tmp_path / "faq.jsonl", [{"question": "How?", "answer": answer, "id": "h"}])
    passages = read_passages([tmp_path / "faq.jsonl"], overlap=0)
    assert ids(passages)[:2] == ["h", "h.2"]
    assert " ".join(passage.text for passage in passages) == answer


# Text


def test_headings_of_a_text_are_guessed_and_its_lists_are_not_taken_for_them(tmp_path):
    text = """\
Harbour & Hearth
================

RETURNS

You may return most
things within 30 days.

1. Opening the parcel

Do this with care. You need:

1. A knife
2. A table

1.1 Knives
Keep them sharp.

2. Refunds

To get one:

1. Sign in to your account

2. Choose a return

3. Print it

NOTE THAT NOTHING HERE IS LAW.
IT IS ONLY WHAT WE DO.

Contact us
----------
Call.

LAST LINE
"""
    title = "Harbour & Hearth › "
    assert [(p.title, p.text) for p in read(tmp_path / "a.txt", text)] == [
        (title + "RETURNS", "You may return most things within 30 days."),
        (title + "RETURNS › 1. Opening the parcel",
         "Do this with care. You need:\n1. A knife\n2. A table"),
        (title + "RETURNS › 1. Opening the parcel › 1.1 Knives", "Keep them sharp."),
        (title + "RETURNS › 2. Refunds",
         "To get one:\n1. Sign in to your account\n2. Choose a return\n3. Print it\n\n"
         "NOTE THAT NOTHING HERE IS LAW. IT IS ONLY WHAT WE DO."),
        (title + "Contact us", "Call.\n\nLAST LINE"),
    ]  # fmt: skip


def test_a_chinese_text_in_its_old_encoding_has_chapters_and_points(tmp_path):
    path = tmp_path / "a.txt"
    text = (
        "第一章 总则\n\n本手册适用于所有员工。请仔细\n阅读！\n\n"
        "第二章 退货\n\n一、时间\n三十天内可以退货。\n二、费用\n免费。\n"
    )
    path.write_bytes(text.encode("gb18030"))
    assert [(p.id, p.title, p.text) for p in read_passages([path], BadRows())] == [
        ("a.txt#第一章-总则", "第一章 总则", "本手册适用于所有员工。请仔细阅读！"),
        ("a.txt#第二章-退货/一-时间", "第二章 退货 › 一、时间", "三十天内可以退货。"),
        ("a.txt#第二章-退货/二-费用", "第二章 退货 › 二、费用", "免费。"),
    ]


# Files and folders


def test_every_suffix_has_a_reader():
    assert set(SUFFIXES) == set(READERS)
    assert {".md", ".html", ".txt", ".pdf", ".docx", ".csv", ".tsv", ".jsonl", ".parquet"} <= set(
        SUFFIXES
    )


def test_a_folder_gives_all_that_it_holds_and_counts_what_is_left_out(tmp_path):
    (tmp_path / "sub").mkdir()
    write(tmp_path / "sub" / "Page.HTML", "<p>One.")
    write(tmp_path / "notes.txt", "Two.")
    write(tmp_path / "README.md", "Not this.")
    write(tmp_path / ".hidden.md", "Nor this.")
    write(tmp_path / "~$notes.docx", "Nor this.")
    write(tmp_path / "photo.jpg", "x")
    (tmp_path / "empty.md").touch()
    bad = BadRows()
    passages = read_passages([tmp_path], bad)
    assert ids(passages) == ["notes.txt", "sub/Page.HTML"]
    assert bad.left_out == {"files of another kind": 1, "empty files": 1}
    assert not bad.rows


def test_a_file_of_a_folder_that_cannot_be_read_is_noted_and_one_that_was_named_is_refused(
    tmp_path,
):
    write(tmp_path / "a.md", "Text.")
    broken = write(tmp_path / "b.pdf", "no")
    bad = BadRows()
    assert ids(read_passages([tmp_path], bad)) == ["a.md"]
    assert bad.rows == [(str(broken), "not a PDF; export it again")]
    for bad in (None, BadRows()):
        with pytest.raises(LogFormatError, match=r"b\.pdf: not a PDF"):
            read_passages([broken], bad)


def test_conversations_are_read_as_before_and_name_their_file(tmp_path):
    answer = "You can send it back within thirty days of delivery with the label we printed"
    turns = (Turn("customer", "too small"), Turn("agent", answer))
    write_jsonl(tmp_path / "log.jsonl", [to_dict(Conversation("c1", turns))])
    (passage,) = read_passages([tmp_path / "log.jsonl"])
    assert (passage.title, passage.text) == ("too small", answer)
    assert (passage.metadata["kind"], passage.metadata["file"]) == ("conversation", "log.jsonl")


def test_fingerprints_change_with_their_file_alone(tmp_path):
    (tmp_path / "sub").mkdir()
    write(tmp_path / "a.md", "One.")
    write(tmp_path / "sub" / "b.txt", "Two.")
    write(tmp_path / "c.jpg", "x")
    before = fingerprints([tmp_path])
    assert before == {
        "a.md": hashlib.sha256(b"One.").hexdigest(),
        "sub/b.txt": hashlib.sha256(b"Two.").hexdigest(),
    }
    assert {passage.metadata["file"] for passage in read_passages([tmp_path])} == set(before)
    write(tmp_path / "a.md", "One!")
    after = fingerprints([tmp_path])
    assert after["sub/b.txt"] == before["sub/b.txt"]
    assert after["a.md"] != before["a.md"]


def test_two_files_given_under_one_name_share_a_fingerprint_that_either_changes(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "faq.md", f"Text {name}.")
    paths = [tmp_path / "one" / "faq.md", tmp_path / "two" / "faq.md"]
    seen = [fingerprints(paths)]
    for path in paths:
        write(path, "Changed.")
        seen.append(fingerprints(paths))
    assert len({tuple(one.items()) for one in seen}) == 3
    assert set(seen[0]) == {"faq.md"}
