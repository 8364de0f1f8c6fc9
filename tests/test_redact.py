import itertools
import random

import pytest

from data.redact import find
from data.redact.conversation import redact_conversation
from data.redact.find import redact
from data.redact.standins import stand_in
from data.schema import Conversation, Entity, Turn


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail bob.smith+fk@mail.example.co.uk.", "mail [email]."),
        ("it's o'brien@example.com", "it's [email]"),
        ("(JO@EXAMPLE.ORG)", "([email])"),
        ("see https://fk.example/track?mail=bob@example.com&t=1!", "see [link]!"),
        ("at www.example.com/a?u=7, please", "at [link], please"),
        ("card 4111 1111 1111 1111 12/27 123", "card [card] 12/27 123"),
        ("4111111111111111", "[card]"),
        ("amex 3782-822463-10005.", "amex [card]."),
        ("4111 1111 1111 1111 123", "[card] 123"),
        ("call 07700 900123 or +44 (0)161 496 0123", "call [phone] or [phone]"),
        ("07700900123/0113 496 0007", "[phone]/[phone]"),
        ("(020) 7946 0018", "[phone]"),
        ("0044 7700 900 123", "[phone]"),
        ("555-123-4567 is my number", "[phone] is my number"),
        ("PW4471902285 is stuck", "[tracking_number] is stuck"),
        ("tracking pw 4471 9022 85", "tracking [tracking_number]"),
        ("FK-204881, fk204881 and fk 204881", "[order_number], [order_number] and [order_number]"),
        ("#204881 please", "[order_number] please"),
        ("cancel 305518 and 305519", "cancel [order_number] and [order_number]"),
        ("Order number: 2048", "Order number: [order_number]"),
        ("order no. 20488", "order no. [order_number]"),
        ("Hi Priya, thanks", "Hi [person], thanks"),
        ("Dear Mrs Okafor-Hill,", "Dear Mrs [person],"),
        ("My name is Dan Okafor Could you help", "My name is [person] Could you help"),
        ("Kind regards,\nElin", "Kind regards,\n[person]"),
    ],
)  # fmt: skip
def test_a_private_value_becomes_the_name_of_its_kind(text, expected):
    assert redact(text).text == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pay GB29-NWBK-6016-1331-9268-19", "pay [iban]"),
        ("AB12 GB29 NWBK\n6016 1331 9268 19, ok", "AB12 [iban], ok"),
        ("4111 1111\n1111 1111 or 4111_1111_1111_1111", "[card] or [card]"),
        ("3782\n822463\n10005 from 2024\n4111–1111–1111–1111", "[card] from 2024\n[card]"),
        ("４１１１　１１１１　１１１１　１１１１", "[card]"),
        ("打１３８１２３４５６７８，谢谢", "打[phone]，谢谢"),
        ("身份证１１０１０５１９４９１２３１００２Ｘ", "身份证[national_id]"),
        ("jane.doe＠gmail.com", "[email]"),
        ("ｊａｎｅ＠ｇｍａｉｌ．ｃｏｍ，好", "[email]，好"),
        ("٤١١١١١١١١١١١١١١١", "[card]"),
        ("my tracking number is 1Z999AA10123456784", "my tracking number is [tracking_number]"),
        ("1Z 999 AA1 01 2345 6784", "[tracking_number]"),
        ("tracking: TBA123456789012", "tracking: [tracking_number]"),
        ("parcel number 12345678", "parcel number [tracking_number]"),
        ("see shop.com/u/jane?sid=abc123, ok", "see [link], ok"),
        ("shop.com/reset/abcd1234efgh", "[link]"),
    ],
)  # fmt: skip
def test_a_value_in_another_writing_is_found_too(text, expected):
    assert redact(text).text == expected


@pytest.mark.parametrize(
    "text",
    ["parcel 2 of 3 came on 12/05/2025", "delivery: 12 05 2025", "shop.com/help?lang=en",
     "is it late.When/if?no", "news.example.org/today", "tracking since 2019"],
)  # fmt: skip
def test_dates_of_parcels_and_public_pages_stay(text):
    assert redact(text).text == text


def test_a_letter_that_is_two_in_lower_case_moves_no_place():
    said = ("İİİ who is it?", "İİİ my name is Zorblaxin, İİİ it is Zorblaxin's")
    spans = find.find_all(said)[1]
    assert {said[1][start:end] for start, end, _ in spans} == {"Zorblaxin"}
    assert len(spans) == 2


@pytest.mark.parametrize(
    ("kind", "value"),
    [("email", "ｊａｎｅ＠ｇｍａｉｌ．ｃｏｍ"), ("link", "shop.com/u/жанна?имя=жанна"),
     ("order_number", "ＡＢ－４４１９")],
)  # fmt: skip
def test_a_stand_in_keeps_no_letter_of_another_writing(kind, value):
    drawn = stand_in(kind, value, b"k" * 16, "c1")
    assert drawn.isascii()


@pytest.mark.parametrize(
    "text",
    [
        "£79, £1,234.50, 12000 pounds and £ 250000", "it cost 12000 with 20000 points",
        "3 March 2026, 12/05/2025 14:00 and 2026-01-02", "from 01/02/2025 to 03/04/2025",
        "20260105", "in 1999, catalogues 2019 2020 2021", "order 5 plates", "sizes 10 12 14 16 18",
        "open 9:00-17:30, 7 days, 24/7", "900 lockers, 10,000,000 parcels", "4-slice, 2.5 kg",
        "Hi I’m having trouble", "Hi I'm late", "Good morning. Hi Good people", "Dear Sirs, hello",
        "Thanks Again", "World's Best Grandad mug", "email me @ noon", "4111 1111 1111 1112",
    ],
)  # fmt: skip
def test_prices_dates_counts_and_words_stay(text):
    result = redact(text)
    assert result.text == text
    assert not result.counts


@pytest.fixture
def small_windows(monkeypatch):
    monkeypatch.setattr(find, "WINDOW", 300)
    monkeypatch.setattr(find, "OVERLAP", 120)


def test_a_text_of_any_length_is_searched_to_its_end():
    text = "the lamp is late. " * 12_000 + "write to jo@example.com"
    assert redact(text).text.endswith("write to [email]")


def test_a_value_that_a_window_cuts_through_is_found_whole(small_windows):
    for before in range(200, 320):
        text = f"{'a ' * (before // 2)}{'.' * (before % 2)} ring 07700 900123 now {'so ' * 60}"
        assert redact(text).text == text.replace("07700 900123", "[phone]")


def test_windows_find_what_the_whole_text_gives(small_windows, monkeypatch):
    line = "Hi Priya, it is FK-204881 for jo@example.com.\nCard 4111 1111 1111 1111 [email], yes. "
    text = line * 20
    in_windows = find.find(text, more=[(0, 2, "person")])
    monkeypatch.setattr(find, "WINDOW", len(text))
    assert in_windows == find.find(text, more=[(0, 2, "person")])
    assert len(in_windows) == 81


def test_redacting_twice_changes_nothing():
    once = redact("Hi Priya, FK-204881, jo@example.com, 07700 900123, PW4471902285, #2048").text
    assert redact(once).text == once


def test_what_was_redacted_is_counted_by_kind():
    counts = redact("jo@example.com, al@example.com, fk204881").counts
    assert counts == {"email": 2, "order_number": 1}


def test_the_region_says_how_a_national_number_is_read():
    assert redact("ring 600 700 800", region="PL").text == "ring [phone]"
    assert redact("ring 600 700 800", region="US").text == "ring 600 700 800"


def pieces():
    """Pieces of texts: (text, entity type or None, placeholder or None)."""
    return [
        ("hello there ", None, None), ("£45.50", "amount", None), (" for the ", None, None),
        ("blue throw", "product", None), (" 😀 ", None, None),
        ("FK-204881", "order_number", "[order_number]"), (", ", None, None),
        ("jo.o'neil@example.com", "email", "[email]"), (" or ", None, None),
        ("07700 900123", "phone", "[phone]"), (" on ", None, None), ("12/05", "date", None),
        ("\n", None, None), ("PW4471902285", "tracking_number", "[tracking_number]"),
        (" thanks, ", None, None), ("4111 1111 1111 1111", "card", "[card]"), (" é ", None, None),
    ]  # fmt: skip


def test_entities_move_with_the_text_and_keep_what_they_mark():
    shuffle = random.Random(13).sample
    for _ in range(300):
        text, entities, expected = "", [], []
        for piece, kind, placeholder in shuffle(pieces(), 12):
            if kind:
                text += " . "  # pieces of one kind beside each other could read as one number
                entities.append(Entity(kind, piece, len(text), len(text) + len(piece)))
                expected.append((kind, placeholder or piece))
                text += piece + " . "
            else:
                text += piece
        result = redact(text, entities)
        assert [(entity.type, entity.text) for entity in result.entities] == expected
        for entity in result.entities:
            assert result.text[entity.start : entity.end] == entity.text


def test_an_entity_that_a_placeholder_cuts_through_takes_all_of_it():
    text = "ring 0161 496 0123 now"
    for start, end in itertools.combinations(range(len(text) + 1), 2):
        result = redact(text, [Entity("x", text[start:end], start, end)])
        (entity,) = result.entities
        assert result.text == "ring [phone] now"
        assert result.text[entity.start : entity.end] == entity.text
        assert ("[phone]" in entity.text) == (start < 18 and end > 5)


def test_two_entities_inside_one_replaced_span_never_overlap():
    text = "ring 0161 496 0123"
    found = redact(text, [Entity("a", "496", 10, 13), Entity("b", "0161", 5, 9)]).entities
    assert [(entity.type, entity.text) for entity in found] == [("b", "[phone]")]


def test_ids_and_labels_that_are_private_leave_with_the_same_pseudonym():
    conversation = Conversation(
        id="jo@example.com",
        turns=(Turn("customer", "hi", speaker_id="jo@example.com"), Turn("agent", "hello")),
        customer_id="+44 7700 900123",
        channel="mail to jo@example.com",
        labels={"intent": "order_status", "subject": "call 07700 900123"},
    )
    clean, _ = redact_conversation(conversation)
    assert "example" not in repr(clean)
    assert "900123" not in repr(clean)
    assert clean.id == clean.turns[0].speaker_id != clean.customer_id
    assert clean.labels == {"intent": "order_status", "subject": "call [phone]"}
    assert redact_conversation(conversation)[0] == clean
