import tracemalloc
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from data.logs import mail, whatsapp
from data.rows import BadRows
from data.sources import of_path

ANDROID = """31/10/2017, 22:09 - Messages and calls are end-to-end encrypted. Nobody else reads.
31/10/2017, 22:10 - Ann Lee: hello, my order: 17
it was for 3/10
31/10/2017, 22:11 - Shop: We look into it
31/10/2017, 22:12 - Ann Lee: <Media omitted>
31/10/2017, 22:12 - Ann Lee: This message was deleted
31/10/2017, 22:13 - Shop changed the subject to "help: now"
01/11/2017, 08:00 - Ann Lee: thanks <This message was edited>
03/11/2017, 08:01 - Shop: anything else
03/11/2017, 09:00 - Ann Lee: no
"""
IPHONE = (
    "\ufeff[10/31/17, 10:09:05\u202fPM] Shop: \u200eMessages and calls are end-to-end encrypted\r\n"
    "[10/31/17, 10:10:06\u202fPM] ~\u202fAnn Lee: hello, my order: 17\r\n"
    "it was for 3/10\r\n"
    "[10/31/17, 10:11:00\u202fPM] Shop: We look into it\r\n"
    "\u200e[10/31/17, 10:12:00\u202fPM] ~\u202fAnn Lee: \u200eimage omitted\r\n"
    "\u200e[10/31/17, 10:12:00\u202fPM] ~\u202fAnn Lee: \u200eThis message was deleted.\r\n"
    "[10/31/17, 10:13:00\u202fPM] Shop: \u200eMissed voice call, Tap to call back\r\n"
    "[11/1/17, 8:00:00\u202fAM] ~\u202fAnn Lee: thanks \u200e<This message was edited>\r\n"
    "[11/3/17, 8:01:00\u202fAM] Shop: anything else\r\n"
    "[11/3/17, 9:00:00\u202fAM] ~\u202fAnn Lee: no\r\n"
)


def read(importer, path, columns=None):
    bad = BadRows()
    source = of_path(path)
    assert importer.fits(source)
    return list(importer.read(source, columns or {}, bad)), bad


def said(conversation):
    return [(turn.speaker, turn.text) for turn in conversation.turns]


@pytest.mark.parametrize("content", [ANDROID, IPHONE], ids=["android", "iphone"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_whatsapp_chat_is_read_from_both_kinds_of_phone(tmp_path, content, encoding):
    path = tmp_path / "_chat.txt"
    path.write_bytes(content.encode(encoding))
    (one, two), bad = read(whatsapp, path)
    assert said(one) == [
        ("customer", "hello, my order: 17\nit was for 3/10"),
        ("agent", "We look into it"),
        ("customer", "thanks"),
    ]
    assert one.turns[0].time.replace(second=0) == datetime(2017, 10, 31, 22, 10)
    assert one.turns[2].time == datetime(2017, 11, 1, 8, 0)
    assert (one.channel, one.customer_id, one.turns[1].speaker_id) == (
        "whatsapp", "Ann Lee", "Shop")  # fmt: skip
    assert [turn.text for turn in two.turns] == ["anything else", "no"]
    assert bad.left_out == {"notice of the app": 2, "attachment": 1, "deleted message": 1}
    assert not bad


@pytest.mark.parametrize(
    ("line", "time"),
    [
        ("[31.10.17, 22:10:05] Ann: hi", datetime(2017, 10, 31, 22, 10, 5)),
        ("31.10.17, 22:10 - Ann: hi", datetime(2017, 10, 31, 22, 10)),
        ("3/4/25, 9:05 p.\u00a0m. - Ann: hi", datetime(2025, 4, 3, 21, 5)),
        ("2017/03/04, 22:10 - Ann: hi", datetime(2017, 3, 4, 22, 10)),
        ("2017-10-31 22.10 - Ann: hi", datetime(2017, 10, 31, 22, 10)),
    ],
)
def test_times_of_many_phones_are_understood(tmp_path, line, time):
    path = tmp_path / "chat.txt"
    path.write_text(line + "\n", encoding="utf-8")
    ((conversation,), _) = read(whatsapp, path)
    assert (conversation.turns[0].text, conversation.turns[0].time) == ("hi", time)


def test_the_companys_people_can_be_named_and_ids_tell_no_name(tmp_path):
    path = tmp_path / "WhatsApp Chat with Ann Lee.txt"
    path.write_text(ANDROID, encoding="utf-8")
    (one, two), _ = read(whatsapp, path, {"agent": "shop"})
    assert [turn.speaker for turn in two.turns] == ["agent", "customer"]
    assert one.id != two.id
    assert one.id.startswith("whatsapp-")
    path.rename(tmp_path / "chat.txt")
    assert read(whatsapp, tmp_path / "chat.txt")[0][0].id == one.id


def test_a_text_that_is_no_chat_does_not_fit(tmp_path):
    for number, content in enumerate([b"Dear Ann: hello\n", b"\0\1\2\n", b"22:10 - Ann: hi\n"]):
        path = tmp_path / f"{number}.txt"
        path.write_bytes(content)
        assert not whatsapp.fits(of_path(path))


def mail_of(number, sender, to, text, *, subject="Order 17", date=None, answers=None, **headers):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = f"<{number}@mail>"
    message["Date"] = date or f"Mon, {number:02d} Sep 2025 10:00:00 +0000"
    if answers:
        message["In-Reply-To"] = f"<{answers[-1]}@mail>"
        message["References"] = " ".join(f"<{one}@mail>" for one in answers)
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    if text is not None:
        message.set_content(text)
    return message


def mbox(tmp_path, *mails, name="support.mbox"):
    path = tmp_path / name
    with path.open("wb") as out:
        for one in mails:
            raw = one if isinstance(one, bytes) else one.as_bytes()
            out.write(b"From x@y Mon Sep 01 10:00:00 2025\n" + raw.replace(b"\nFrom ", b"\n>From "))
            out.write(b"\n")
    return path


ANN, SHOP, CY = "Ann Lee <ann@gmail.com>", "Shop <help@shop.com>", "Cy <cy@x.org>"
MAILS = [
    mail_of(3, ANN, SHOP, "thanks", answers=[1, 2]),
    mail_of(1, ANN, SHOP, "where is it\n\nFrom here I see nothing"),
    mail_of(4, CY, SHOP, "refund please", subject="Refund"),
    mail_of(2, SHOP, ANN, "on its way", answers=[1]),
    mail_of(5, "Bo <bo@shop.com>", CY, "of course", answers=[4], subject="Re: Refund"),
    mail_of(6, CY, SHOP, "great", answers=[99, 5], subject="Re: Refund"),
    mail_of(7, "news@letter.com", SHOP, "buy now", subject="News", Precedence="bulk"),
    mail_of(8, "news@letter.com", SHOP, "buy more", subject="News 2", Precedence="bulk"),
    mail_of(2, SHOP, ANN, "on its way", answers=[1]),
    mail_of(9, SHOP, CY, "we are closed", answers=[6], Auto_Submitted="auto-replied"),
    mail_of(10, "di@x.org", SHOP, "hello", subject="A question"),
    mail_of(11, SHOP, "di@x.org", "hello Di", subject="RE: AW: a question"),
]


@pytest.mark.parametrize("pass_bytes", [1 << 20, 1000])
def test_mails_become_threads_and_whoever_writes_in_most_is_the_company(
    tmp_path, monkeypatch, pass_bytes
):
    monkeypatch.setattr("data.logs.mail_threads.PASS_BYTES", pass_bytes)
    found, bad = read(mail, mbox(tmp_path, *MAILS))
    threads = {one.turns[0].speaker_id: one for one in found if one.turns[0].mark is None}
    assert {name: said(one) for name, one in threads.items()} == {
        "ann@gmail.com": [("customer", "where is it\n\nFrom here I see nothing"),
                          ("agent", "on its way"), ("customer", "thanks")],
        "cy@x.org": [("customer", "refund please"), ("agent", "of course"), ("customer", "great"),
                     ("agent", "we are closed")],
        "di@x.org": [("customer", "hello"), ("agent", "hello Di")],
    }  # fmt: skip
    assert threads["cy@x.org"].turns[3].mark == "bot"
    assert threads["cy@x.org"].turns[0].time == datetime(2025, 9, 4, 10, tzinfo=UTC)
    assert {one.channel for one in found} == {"email"}
    assert threads["ann@gmail.com"].customer_id == "ann@gmail.com"
    assert len(found) == 5
    assert bad.left_out == {"the same mail again": 1}
    assert len({one.id for one in found}) == 5
    assert not bad


def test_two_mails_of_one_subject_are_two_threads_unless_an_answer_joins_them(tmp_path):
    found, _ = read(mail, mbox(tmp_path, mail_of(1, ANN, SHOP, "a"), mail_of(2, ANN, SHOP, "b")))
    assert len(found) == 2


def test_the_companys_addresses_can_be_named(tmp_path):
    found, _ = read(mail, mbox(tmp_path, mail_of(1, SHOP, ANN, "a")), {"agent": "@SHOP.com"})
    assert said(found[0]) == [("agent", "a")]
    found, _ = read(mail, mbox(tmp_path, mail_of(1, SHOP, ANN, "a")))
    assert said(found[0]) == [("customer", "a")]


def test_plain_text_comes_before_html_and_attachments_are_counted(tmp_path):
    both = mail_of(1, ANN, SHOP, "plain")
    both.add_alternative("<p>rich</p>", subtype="html")
    both.add_attachment(b"\x89PNG" * 100_000, maintype="image", subtype="png", filename="a.png")
    both.add_attachment("a,b\n", subtype="csv", filename="a.csv")
    ((one,), bad) = read(mail, mbox(tmp_path, both))
    assert said(one) == [("customer", "plain")]
    assert bad.left_out == {"attachment": 2}
    assert not bad


def test_a_mail_of_html_only_is_read_as_text(tmp_path):
    pytest.importorskip("data.logs.html_text")
    rich = mail_of(1, ANN, SHOP, None)
    rich.set_content("<p>My &amp; order</p><style>p{}</style>", subtype="html")
    ((one,), _) = read(mail, mbox(tmp_path, rich))
    assert said(one) == [("customer", "My & order")]


@pytest.mark.parametrize(
    ("charset", "raw", "text"),
    [
        ("utf-8", "schöne Grüße aus der größten Straße".encode("cp1252"), "schöne Grüße"),
        ("x-unknown", "schöne Grüße".encode(), "schöne Grüße"),
        ("gb2312", "你好，我的订单在哪里".encode("gb2312"), "你好"),
        ("us-ascii", "dépôt".encode(), "dépôt"),
    ],
)
def test_a_wrong_charset_is_mended(tmp_path, charset, raw, text):
    head = f"From: a@x.org\nMessage-ID: <1@x>\nContent-Type: text/plain; charset={charset}\n\n"
    ((one,), bad) = read(mail, mbox(tmp_path, head.encode() + raw + b"\n"))
    assert one.turns[0].text.startswith(text)
    assert bad.mended.total() == (charset != "gb2312")


BROKEN = [
    b"From: \xff\xfe <<<>>>@@\nDate: never 07700 900123\nSubject: =?utf-8?b?!!?=\n\nbroken\n",
    b"Content-Type: multipart/mixed; boundary=\n\n--\n--\n",
    b"From: a@b\nTo: x: y; z <\nReferences: <<<a> <b\nMessage-ID: [bad\n\nsome text\n",
    b"no header at all\n",
    b"From: a@b\nContent-Type: text/plain; charset*=utf-8''\n"
    b"Content-Transfer-Encoding: base64\n\n!!!!\n",
]


def test_broken_mails_raise_nothing_and_tell_no_text(tmp_path):
    found, bad = read(mail, mbox(tmp_path, *BROKEN, *MAILS[:2]))
    assert any(said(one) == [("customer", "where is it\n\nFrom here I see nothing"),
                             ("customer", "thanks")] for one in found)  # fmt: skip
    assert any("some text" in turn.text for one in found for turn in one.turns)
    assert not any("07700" in line for line in bad.lines)
    assert sum(len(one.turns) for one in found) + bad.left_out.total() + len(bad) >= 7


def test_single_mails_and_folders_of_them_are_read(tmp_path):
    for number, one in enumerate(MAILS[:4]):
        (tmp_path / f"{number}.eml").write_bytes(one.as_bytes())
    (tmp_path / "notes.pdf").write_bytes(b"%PDF")
    found, _ = read(mail, tmp_path / "1.eml")
    assert said(found[0]) == [("customer", "where is it\n\nFrom here I see nothing")]
    found, bad = read(mail, tmp_path)
    assert sorted(len(one.turns) for one in found) == [1, 3]
    assert bad.left_out == {"file that is no mail": 1}


def test_a_mailbox_of_large_attachments_takes_little_memory(tmp_path):
    line = b"A" * 76 + b"\n"
    head = MAILS[0].as_bytes().replace(b"\n\nthanks\n", b"\n\nsee the picture\n\n")
    path = tmp_path / "big.mbox"
    with path.open("wb") as out:
        for number in range(3):
            out.write(b"From x@y Mon Sep 01 10:00:00 2025\n")
            out.write(head.replace(b"<3@mail>", b"<big%d@mail>" % number))
            for _ in range(12):
                out.write(line * 2000)
            out.write(b"\n")
    assert path.stat().st_size > 5 << 20
    tracemalloc.start()
    found, bad = read(mail, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(len(one.turns) for one in found) == 3
    assert peak < 2 << 20
    assert not bad
