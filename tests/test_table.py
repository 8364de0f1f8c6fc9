import gzip
import json
import logging
import tracemalloc
from datetime import UTC, datetime, timedelta

import pyarrow
import pyarrow.parquet
import pytest

from data.errors import LogFormatError
from data.logs import table
from data.logs.transcript import is_transcript, said_in
from data.rows import BadRows
from data.sources import of_path

HEADER = "id,speaker,text,time\n"


def file(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path, columns=None):
    bad = BadRows()
    return list(table.read(of_path(path), columns or {}, bad)), bad


def said(conversation):
    return [(turn.speaker, turn.text) for turn in conversation.turns]


@pytest.mark.parametrize(
    ("times", "first"),
    [
        (["2025-04-03T22:10:00Z", "2025-04-03T22:11:00Z"],
         datetime(2025, 4, 3, 22, 10, tzinfo=UTC)),
        (["2025-04-03 22:10:00 UTC", "2025-04-03 22:11:00 UTC"],
         datetime(2025, 4, 3, 22, 10, tzinfo=UTC)),
        (["3.4.2025 22:10", "13.4.2025 22:11"], datetime(2025, 4, 3, 22, 10)),
        (['"4/3/25, 10:10 PM"', '"4/13/25, 10:11 PM"'], datetime(2025, 4, 3, 22, 10)),
        (["2025/04/03 22:10", "2025/04/03 22:11"], datetime(2025, 4, 3, 22, 10)),
        (["Thu Apr 03 22:10:00 +0000 2025", "Thu Apr 03 22:11:00 +0000 2025"],
         datetime(2025, 4, 3, 22, 10, tzinfo=UTC)),
        (['"Thu, 3 Apr 2025 22:10:00 +0200"', '"Thu, 3 Apr 2025 22:11:00 +0200"'],
         datetime(2025, 4, 3, 20, 10, tzinfo=UTC)),
        (["1743718200", "1743718260"], datetime(2025, 4, 3, 22, 10, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_dates_of_many_kinds_put_late_rows_in_order(tmp_path, times, first):
    content = HEADER + f"c1,agent,late,{times[1]}\nc1,customer,early,{times[0]}\n"
    ((conversation,), bad) = read(file(tmp_path, "log.csv", content))
    assert said(conversation) == [("customer", "early"), ("agent", "late")]
    assert conversation.turns[0].time == first
    assert not bad


@pytest.mark.parametrize("time", ["5", "10:22", "soon", "31/31/2025"])
def test_what_is_no_whole_date_is_no_time(tmp_path, time):
    ((conversation,), _) = read(file(tmp_path, "log.csv", HEADER + f"c1,agent,hi,{time}\n"))
    assert conversation.turns[0].time is None


def many(tmp_path, name="log.csv"):
    """Forty conversations of six turns whose rows lie forty rows apart."""
    start = datetime(2025, 1, 1, tzinfo=UTC)
    rows = [
        f"case {case},{'agent' if turn % 2 else 'customer'},turn {turn} of {case},"
        f"{(start + timedelta(minutes=turn)).isoformat()}\n"
        for turn in (3, 0, 5, 1, 4, 2)
        for case in range(40)
    ]
    content = HEADER + "".join(rows) + "broken,row\n"
    path = tmp_path / name
    path.write_bytes(gzip.compress(content.encode()) if name.endswith(".gz") else content.encode())
    return path


def test_rows_that_lie_apart_give_the_same_conversations_in_three_passes_as_in_one(
    tmp_path, monkeypatch
):
    path = many(tmp_path)
    one, bad_of_one = read(path)
    monkeypatch.setattr(table, "passes_over", lambda source: 3)
    three, bad_of_three = read(path)
    assert sorted(one, key=lambda c: c.id) == sorted(three, key=lambda c: c.id)
    assert [c.id for c in one] != [c.id for c in three]  # it did take several passes
    assert len(one) == 40
    assert said(one[7]) == [
        ("agent" if turn % 2 else "customer", f"turn {turn} of 7") for turn in range(6)
    ]
    assert bad_of_one.rows == bad_of_three.rows == [(f"{path}:242", "2 columns, the header has 4")]


def test_a_gzip_file_that_is_cut_off_gives_what_came_before(tmp_path):
    path = many(tmp_path, "log.csv.gz")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    found, bad = read(path)
    assert 0 < sum(len(one.turns) for one in found) < 240
    assert sum("cut off" in why for _, why in bad.rows) == 1


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_line_of_80_megabytes_is_noted_and_never_held(tmp_path, suffix):
    path = tmp_path / f"log.{suffix}"
    rows = [("c1", "customer", "before"), None, ("c1", "agent", "after")]
    with path.open("w", encoding="utf-8") as out:
        out.write("id,speaker,text\n" if suffix == "csv" else "")
        for row in rows:
            if row is None:
                for _ in range(80):
                    out.write("x" * (1 << 20))
                out.write("\n")
            elif suffix == "csv":
                out.write(",".join(row) + "\n")
            else:
                out.write(json.dumps(dict(zip(("id", "speaker", "text"), row, strict=True))) + "\n")
    tracemalloc.start()
    (conversation,), bad = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert said(conversation) == [("customer", "before"), ("agent", "after")]
    assert bad.lines == [f"{path}:{3 if suffix == 'csv' else 2}: a line of more than 16 MiB"]
    assert peak < 60 << 20


def test_lines_of_another_encoding_among_utf_8_are_mended(tmp_path):
    answer = "übrigens kostet das Öl für Ihren Wagen jetzt 5 € mehr als früher"
    lines = ["c1,customer,grüße aus köln,", f"c1,agent,{answer},", *["c2,customer,schön,"] * 30]
    raw = [line.encode("cp1252" if number == 1 else "utf-8") for number, line in enumerate(lines)]
    found, bad = read(file(tmp_path, "log.csv", b"\n".join([HEADER.strip().encode(), *raw])))
    assert said(found[0]) == [("customer", "grüße aus köln"), ("agent", answer)]
    assert bad.mended["bytes of another encoding"] == 1
    assert not bad


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_a_whole_file_of_another_encoding_is_read(tmp_path, encoding):
    content = HEADER + "c1,customer,die Lieferung ist beschädigt und völlig durchnässt,\n" * 9
    ((conversation,), bad) = read(file(tmp_path, "log.csv", content.encode(encoding)))
    assert conversation.turns[0].text == "die Lieferung ist beschädigt und völlig durchnässt"
    assert not bad


def test_a_row_that_an_export_holds_twice_is_one_turn(tmp_path):
    row = "c1,customer,hello,2025-01-02T10:00:00\n"
    content = HEADER + row + "c1,customer,hello,2025-01-02T10:05:00\n" + row + "c2,agent,ok,\n" * 2
    (one, two), bad = read(file(tmp_path, "log.csv", content))
    assert (len(one.turns), len(two.turns)) == (2, 2)  # without a time nobody can know
    assert bad.left_out == {"the same row again": 1}


def test_cells_that_a_spreadsheet_would_run_are_text(tmp_path):
    content = (
        'id,speaker,text\n"=""00042""",customer,"=HYPERLINK(""http://x"",""y"")"\n'
        "00042,agent,'-10% today\n00042,customer,'tis late\n"
    )
    (conversation,), bad = read(file(tmp_path, "log.csv", content))
    assert conversation.id == "00042"
    assert [turn.text for turn in conversation.turns] == [
        '=HYPERLINK("http://x","y")', "-10% today", "'tis late"]  # fmt: skip
    assert not bad


CONTENT = [
    ("Fall-17", "Kunde", "Wo ist mein Paket", "03.01.2025 10:00"),
    ("Fall-18", "Kunde", "Die Lampe geht nicht", "03.01.2025 10:01"),
    ("Fall-17", "Mitarbeiter", "Es kommt morgen an", "03.01.2025 10:02"),
    ("Fall-18", "Mitarbeiter", "Wir tauschen sie um", "03.01.2025 10:03"),
    ("Fall-17", "Kunde", "Vielen Dank dafür", "14.01.2025 10:04"),
    ("Fall-19", "Kunde", "Ich brauche eine Rechnung", "14.01.2025 10:05"),
]


def test_columns_that_no_name_tells_are_told_by_what_stands_in_them(tmp_path, caplog):
    rows = "".join(f"{number},{','.join(row)}\n" for number, row in enumerate(CONTENT))
    path = file(tmp_path, "log.csv", "nr,Vorgang,Wer hat,Inhalt,Wann war das\n" + rows)
    with caplog.at_level(logging.INFO, logger="data.logs.table"):
        found, bad = read(path)
    assert not bad
    assert [one.id for one in found] == ["Fall-17", "Fall-18", "Fall-19"]
    assert said(found[1]) == [
        ("customer", "Die Lampe geht nicht"),
        ("agent", "Wir tauschen sie um"),
    ]
    assert found[0].turns[0].time == datetime(2025, 1, 3, 10, 0)
    assert "id=Vorgang" in caplog.text
    assert "speaker=Wer hat" in caplog.text
    assert "Paket" not in caplog.text


PEOPLE = [
    (ticket, who, f"{text} about {ticket}", f"2025-01-0{ticket}T10:0{minute}:00")
    for ticket in (1, 2, 3, 4)
    for minute, (who, text) in enumerate(
        [(f"cust{ticket}@x.org", "a question"), ("ann@shop.com", "an answer"),
         (f"cust{ticket}@x.org", "some thanks")]
    )
]  # fmt: skip


@pytest.mark.parametrize("header", ["id,author,text,time", "a,b,c,d"])
def test_people_instead_of_roles_are_told_by_who_opened(tmp_path, header):
    rows = "".join(",".join(map(str, row)) + "\n" for row in PEOPLE)
    found, bad = read(file(tmp_path, "log.csv", f"{header}\n{rows}"))
    assert not bad
    assert [one.id for one in found] == ["1", "2", "3", "4"]
    assert [turn.speaker for turn in found[2].turns] == ["customer", "agent", "customer"]
    assert [turn.speaker_id for turn in found[2].turns] == [
        "cust3@x.org", "ann@shop.com", "cust3@x.org"]  # fmt: skip


def test_people_of_the_company_can_be_named(tmp_path):
    rows = "7,ann@shop.com,good morning,\n7,cust@x.org,hello,\n"
    ((one,), _) = read(file(tmp_path, "l.csv", HEADER + rows), {"agent": "bob,@SHOP.com"})
    assert [turn.speaker for turn in one.turns] == ["agent", "customer"]


def test_words_and_names_mixed_leave_the_names_the_other_side(tmp_path):
    rows = "7,Customer,hi,\n7,Ann,hello,\n7,bot,wait,\n7,System,assigned,\n"
    ((one,), _) = read(file(tmp_path, "log.csv", HEADER + rows))
    assert [(turn.speaker, turn.mark, turn.speaker_id) for turn in one.turns] == [
        ("customer", None, None), ("agent", None, "Ann"), ("agent", "bot", None),
        ("agent", "system", None)]  # fmt: skip


@pytest.mark.parametrize(
    ("column", "customer"), [("inbound", "True"), ("is_agent", "false"), ("direction", "incoming")]
)
def test_yes_and_no_mean_what_their_column_says(tmp_path, column, customer):
    other = {"True": "False", "false": "true", "incoming": "outgoing"}[customer]
    rows = f"7,{customer},hi\n7,{other},hello\n"
    ((one,), _) = read(file(tmp_path, "log.csv", f"id,{column},text\n{rows}"))
    assert [turn.speaker for turn in one.turns] == ["customer", "agent"]


def test_internal_notes_are_left_out_and_counted(tmp_path):
    rows = "7,agent,hello,true\n7,agent,he lies,false\n"
    ((one,), bad) = read(file(tmp_path, "log.csv", "id,speaker,text,public\n" + rows))
    assert said(one) == [("agent", "hello")]
    assert bad.left_out == {"internal note": 1}


def test_a_row_may_be_a_question_and_its_answer(tmp_path):
    content = (
        "Ticket ID,Customer Email,Ticket Type,Ticket Description,Ticket Status,Resolution,"
        "Customer Satisfaction Rating,Ticket Channel\n"
        "1,a@x.org,Refund,I want my money back,Closed,It is on its way,3.0,Chat\n"
        "2,b@x.org,Fault,My lamp is broken,Open,,,Email\n"
        "3,c@x.org,Fault,,Open,,,Email\n"
    )
    path = file(tmp_path, "tickets.csv", content)
    (one, two), bad = read(path)
    assert said(one) == [("customer", "I want my money back"), ("agent", "It is on its way")]
    assert (one.outcome, one.rating, one.channel, one.customer_id, one.labels) == (
        "solved", 3, "Chat", "a@x.org", {"intent": "Refund"})  # fmt: skip
    assert said(two) == [("customer", "My lamp is broken")]
    assert bad.lines == [f"{path}:4: no value in column 'Ticket Description'"]


def test_pairs_without_an_id_are_numbered_and_pairs_of_one_id_joined(tmp_path):
    content = "instruction,response,intent\nhow do I pay,by card,pay\nand cash,no cash,pay\n"
    found, _ = read(file(tmp_path, "pairs.csv", content))
    assert [one.id for one in found] == [f"{tmp_path.name}/pairs:1", f"{tmp_path.name}/pairs:2"]
    content = "id,question,answer\n1,how do I pay,by card\n1,and cash,no cash\n"
    (one,), _ = read(file(tmp_path, "joined.csv", content))
    assert [turn.text for turn in one.turns] == ["how do I pay", "by card", "and cash", "no cash"]


TALK = (
    "[10:01] Customer: my order\nOrder number: 17\n[10:02:11] Agent (Ann): see https://x.org\n\nBye"
)


@pytest.mark.parametrize("cell", [TALK, TALK.replace("\n", "<br/>"), TALK.replace("\n", "\\n")])
def test_a_cell_may_hold_a_whole_conversation(tmp_path, cell):
    content = (
        f'nr,created_at,gespraech\n1,2025-01-02,"{cell}"\n2,2025-01-03,"Customer: hi\nAgent: ho"\n'
        '3,,nothing\n4,,"Customer: a\nAgent: b"\n5,,"Customer: c\nBot: d"\n'
    )
    path = file(tmp_path, "log.csv", content)
    found, bad = read(path)
    assert said(found[0]) == [
        ("customer", "my order\nOrder number: 17"),
        ("agent", "see https://x.org\nBye"),
    ]
    assert [turn.time for turn in found[0].turns] == [datetime(2025, 1, 2), None]
    assert found[3].turns[1].mark == "bot"
    assert [why for _, why in bad.rows] == ["no turns in column 'gespraech'"]


def test_a_cell_may_hold_a_list_of_turns(tmp_path):
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    path = file(tmp_path, "log.jsonl", json.dumps({"id": "a", "messages": turns}) + "\n")
    ((one,), _) = read(path)
    assert (one.id, said(one)) == ("a", [("customer", "hi"), ("agent", "hello")])
    parquet = tmp_path / "log.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([{"messages": turns}]), parquet)
    ((one,), _) = read(parquet)
    assert said(one) == [("customer", "hi"), ("agent", "hello")]


def test_names_in_a_transcript_are_those_that_begin_several_lines():
    talk = "Ann Lee: hi\nBob: hello\nRef: 17\nAnn Lee: bye\nBob: bye"
    assert said_in(talk) == [
        ("Ann Lee", "hi"),
        ("Bob", "hello\nRef: 17"),
        ("Ann Lee", "bye"),
        ("Bob", "bye"),
    ]
    assert not is_transcript(talk)  # no word says who is the customer: only --map can
    assert not is_transcript("I wrote to support: nobody answered\nContact: 07700 900123")


def test_a_file_of_a_header_only_has_no_conversation_and_no_error(tmp_path):
    assert read(file(tmp_path, "log.csv", HEADER)) == ([], BadRows())


@pytest.mark.parametrize("content", ["not json\n", "{\n", "[1]\n"])
def test_rows_that_cannot_be_read_at_all_are_noted(tmp_path, content):
    found, bad = read(file(tmp_path, "log.jsonl", content))
    assert (found, len(bad)) == ([], 1)


def test_a_mapped_transcript_of_names_is_read(tmp_path):
    path = file(tmp_path, "log.csv", 'id,log\n1,"Ann: hi\nBob: ho\nAnn: so\nBob: oh"\n')
    ((one,), _) = read(path, {"transcript": "log", "agent": "Bob"})
    assert [turn.speaker for turn in one.turns] == ["customer", "agent", "customer", "agent"]
    with pytest.raises(LogFormatError, match="no column for speaker; found: id, log"):
        read(path)


def test_a_date_far_down_tells_which_stands_first_day_or_month(tmp_path):
    late, early = "03/04/2025 10:01", "02/05/2025 10:00"  # 4 March, 5 February
    rows = [f"c{n},customer,hi,01/01/2025 10:00\n" for n in range(250)]
    rows[0] = f"c0,agent,late,{late}\nc0,customer,early,{early}\n"
    rows[-1] = "c249,customer,hi,01/31/2025 10:00\n"
    found, bad = read(file(tmp_path, "log.csv", HEADER + "".join(rows)))
    assert said(found[0]) == [("customer", "early"), ("agent", "late")]
    assert found[0].turns[1].time == datetime(2025, 3, 4, 10, 1)
    assert not bad


def test_a_boolean_that_became_a_number_is_one(tmp_path):
    content = (
        "id,is_agent,text,is_private\nc1,0.0,hi,0.0\nc1,1.0,he is angry,1.0\nc1,1.0,hello,0.0\n"
    )
    ((one,), bad) = read(file(tmp_path, "log.csv", content))
    assert said(one) == [("customer", "hi"), ("agent", "hello")]
    assert bad.left_out == {"internal note": 1}


@pytest.mark.parametrize("odd", ["9", "0.0", "6"])
def test_ratings_of_another_scale_are_left_out_and_it_is_said(tmp_path, odd):
    rows = [f"c{n},customer,hi,{n % 5 + 1}\n" for n in range(250)]
    path = file(tmp_path, "log.csv", "id,speaker,text,rating\n" + "".join(rows))
    assert {one.rating for one in read(path)[0]} == {1, 2, 3, 4, 5}
    rows[-1] = f"c249,customer,hi,{odd}\n"
    found, bad = read(file(tmp_path, "log.csv", "id,speaker,text,rating\n" + "".join(rows)))
    assert {one.rating for one in found} == {None}
    assert bad.left_out == {"rating column of another scale than 1 to 5": 1}
