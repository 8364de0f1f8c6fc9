import time

import pytest

from data.clean import clean_turn, merge_turns
from data.language import language_of
from data.schema import Entity, Turn


@pytest.mark.parametrize(
    ("text", "kept", "cut"),
    [
        ("So?\n\nOn Mon, 3 Mar 2025, Shop <s@shop.example> wrote:\n> hello", "So?",
         "quoted mail"),
        ("New try\n-----Original Message-----\nFrom: x\nSent: y", "New try", "quoted mail"),
        ("Hi\nFrom: A\nSent: Monday\nTo: B\nSubject: Re", "Hi", "quoted mail"),
        ("On Mon… wrote:\n> Which model is it?\n\nIt is the K200, and it still leaks.",
         "It is the K200, and it still leaks.", "quoted mail"),
        ("Yes.\nOn 3 May 2025, Shop <s@shop.example>\nwrote:\n> Blue?\n>\n> Or red?\n\nRed.",
         "Yes.\n\nRed.", "quoted mail"),
        ("From: jo@x.example\nSent: Monday\nTo: shop\n\nIs it late?", "Is it late?", "quoted mail"),
        ("----- Forwarded message -----\nFrom: jo@x.example\nSubject: late\n\nIs it late?",
         "Is it late?", "quoted mail"),
        ("So?\n____________________\nFrom: A\nSent: Monday\nTo: B\nSubject: Re\nOld text", "So?",
         "quoted mail"),
        ("> you said this\nNo I did not", "No I did not", "quoted lines"),
        ("Thanks\n-- \nAnn Lee\nSales", "Thanks", "signature"),
        ("Thanks\nSent from my iPhone", "Thanks", "signature"),
        ("Ok.\nThis email and any files are confidential and intended only for you.", None, None),
        ("Ok.\nThis message is confidential.", "Ok.", "boilerplate"),
        ("a\u200b  b\t c\r\n\r\n\r\n\r\nd", "a b c\n\nd", None),
    ],
)  # fmt: skip
def test_what_nobody_said_is_cut_and_counted(text, kept, cut):
    turn, cuts = clean_turn(Turn("customer", text))
    if kept is not None:
        assert turn is not None
        assert turn.text == kept
    if cut is not None:
        assert cuts[cut] == 1


def test_a_sentence_that_begins_like_a_header_stays():
    text = "From: me\nI want my money back"
    turn, cuts = clean_turn(Turn("customer", text))
    assert turn is not None
    assert (turn.text, dict(cuts)) == (text, {})


@pytest.mark.parametrize(
    "text",
    [
        "From: London\nTo: Paris\nDate: 5 June\nPlease change this booking to the 6th.",
        "Hello,\n__________\nModel: K200\nIt leaks.",
        "On the back somebody wrote:\nK200",
        "My old address\nFrom: jo@x.example\nTo: al@x.example\nis wrong.",
    ],
)
def test_what_only_looks_like_a_quote_stays(text):
    turn, cuts = clean_turn(Turn("customer", text))
    assert turn is not None
    assert (turn.text, dict(cuts)) == (text, {})


def test_two_dashes_end_a_turn_only_where_a_signature_follows():
    stays = clean_turn(
        Turn("customer", "Two things.\n--\nThe lamp leaks and the box was open.\nOk?")
    )
    assert stays[0].text.endswith("Ok?")
    facts = clean_turn(Turn("customer", "Hello,\n--\nModel: K200"))
    assert facts[0].text == "Hello,\nModel: K200"


@pytest.mark.parametrize(
    "text",
    [
        "The agent left the chat before I got an answer! Where is my parcel?",
        "The agent left the chat.",
        "Status changed to delivered but I have nothing. Where is it?",
        "Assigned to nobody", "Chat ended", "I only read: this is an automated message",
        "This is an automated message, is it not?",
    ],
)  # fmt: skip
def test_a_customers_complaint_is_no_line_of_the_helpdesk(text):
    turn, _ = clean_turn(Turn("customer", text))
    assert turn is not None
    assert turn.mark is None


def test_an_absent_customers_mail_and_what_an_app_left_out_are_marked():
    marks = [
        clean_turn(Turn("customer", text))[0].mark
        for text in ("This is an automatic reply: I am away.", "<Media omitted>")
    ]
    assert marks == ["bot", "system"]


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("Ann Lee has joined the chat", "system"), ("Chat ended", "system"),
        ("Assigned to Tier 2", "system"), ("<Media omitted>", "system"),
        ("Hello, I'm your virtual assistant", "bot"),
        ("Status changed from open to solved", "system"),
        ("Ann Lee has left the chat due to inactivity.", "system"),
        ("You are now in the queue. There are 3 people before you", "system"),
        ("Ann left the chat before she could tell you. It comes today.", None),
        ("Status changed to delivered, but I see that you have nothing.", None),
        ("The chat ended before I could answer", None), ("I joined the loyalty club", None),
    ],
)  # fmt: skip
def test_lines_of_the_helpdesk_and_of_bots_are_marked(text, mark):
    turn, _ = clean_turn(Turn("agent", text))
    assert turn is not None
    assert turn.mark == mark


def test_a_turn_with_marked_entities_keeps_its_text_and_an_empty_one_goes():
    marked = Turn("customer", "  FK-1\n-- \nx", entities=(Entity("order_number", "FK-1", 2, 6),))
    assert clean_turn(marked)[0] == marked
    assert clean_turn(Turn("customer", " \n\u200b")) == (None, {"empty turn": 1})


def test_consecutive_turns_of_a_speaker_become_one_with_their_entities_in_place():
    turns = [
        Turn("customer", "hi"),
        Turn("customer", "FK-1 late", entities=(Entity("order_number", "FK-1", 0, 4),)),
        Turn("agent", "joined", mark="system"),
        Turn("agent", "sorry", speaker_id="a"),
        Turn("agent", "done", speaker_id="b"),
    ]
    merged, count = merge_turns(turns)
    assert [turn.text for turn in merged] == ["hi\nFK-1 late", "joined", "sorry", "done"]
    (entity,) = merged[0].entities
    assert merged[0].text[entity.start : entity.end] == "FK-1"
    assert count == 1


def test_turns_are_not_merged_beyond_any_length():
    turns = [Turn("customer", "x" * 30_000) for _ in range(8)]
    merged, count = merge_turns(turns)
    assert [len(turn.text) for turn in merged] == [180_005, 60_001]
    assert count == 6


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("where is my parcel and when can you send it", "en"),
        ("bonjour, je voudrais savoir où est ma commande", "fr"),
        ("我的包裹在哪里", "zh"), ("ok", None), ("12345", None),
    ],
)  # fmt: skip
def test_the_language_is_told_where_there_is_enough_to_tell(text, language):
    assert language_of(text) == language


@pytest.mark.parametrize(
    "text", ["Hello\n--\n" * 20_000, "--\n\n" * 40_000, "From: a\n" * 20_000, "On 3 x\n" * 20_000]
)
def test_a_turn_of_many_lines_that_look_like_a_mails_takes_no_long_time(text):
    began = time.process_time()
    clean_turn(Turn("customer", text))
    assert time.process_time() - began < 5  # seconds; a tenth of one here
