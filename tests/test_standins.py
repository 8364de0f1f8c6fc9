import re

import pytest

from data.redact.conversation import redact_conversation
from data.redact.find import find
from data.redact.spans import with_placeholders
from data.redact.standins import stand_in
from data.schema import Conversation, Entity, Turn

KEY, OTHER = b"k" * 32, b"o" * 32
VALUES = {
    "email": "jo.o'neil@shop.example.org",
    "phone": "+44 7700 900123",
    "card": "4111 1111 1111 1111",
    "iban": "GB40 MIDL 6645 0134 0891 44",
    "national_id": "110105199003076371",
    "ip": "10.20.30.40",
    "address": "36 Ferndale Avenue, Wallsend, NE28 7AB",
    "order_number": "FK-204881",
    "account_number": "20-45-77",
    "tracking_number": "PW4471902285",
    "link": "https://shop.example.net/reset?token=9f3c1e",
    "person": "Priya Raman",
}


def shape(text):
    return re.sub(r"[a-z]+", "a", re.sub(r"[A-Z]+", "A", re.sub(r"\d", "9", text)))


@pytest.mark.parametrize("kind", VALUES)
def test_a_stand_in_is_another_value_and_the_same_for_the_same_key_and_scope(kind):
    value = VALUES[kind]
    told = stand_in(kind, value, KEY, "c1")
    assert told != value
    assert told == stand_in(kind, value, KEY, "c1")
    assert {stand_in(kind, value, key, scope) for key, scope in ((OTHER, "c1"), (KEY, "c2"))} != {
        told
    }


@pytest.mark.parametrize(
    "kind", ["phone", "card", "iban", "national_id", "order_number", "address"]
)
def test_a_stand_in_has_the_shape_of_its_value(kind):
    assert shape(stand_in(kind, VALUES[kind], KEY, "c1")) == shape(VALUES[kind])


def test_what_tells_the_kind_stays():
    assert stand_in("order_number", "FK-204881", KEY, "c").startswith("FK-")
    assert "Avenue" in stand_in("address", VALUES["address"], KEY, "c")
    assert stand_in("email", VALUES["email"], KEY, "c").endswith("@example.org")
    assert stand_in("person", "王女士", KEY, "c").endswith("女士")
    assert stand_in("person", "PRIYA", KEY, "c").isupper()
    assert stand_in("person", "priya", KEY, "c").islower()


def conversation(*texts, name="c1"):
    turns = tuple(Turn("customer" if n % 2 == 0 else "agent", text) for n, text in enumerate(texts))
    return Conversation(name, turns)


def test_a_value_has_one_stand_in_in_a_conversation_and_another_elsewhere():
    text = "Order FK-204881 for priya@shop.example"
    first, counts = redact_conversation(conversation(text, "FK-204881 is on its way"), key=KEY)
    second, _ = redact_conversation(conversation(text, name="c2"), key=KEY)
    number = first.turns[0].entities[0].text
    assert number in first.turns[1].text
    assert number not in second.turns[0].text
    assert counts == {"order_number": 2, "email": 1}
    assert "204881" not in repr(first)


def test_stand_ins_are_marked_as_entities_and_can_become_placeholders():
    clean, _ = redact_conversation(conversation("I'm Priya Raman, FK-204881"), key=KEY)
    turn = clean.turns[0]
    assert [entity.type for entity in turn.entities] == ["person", "order_number"]
    for entity in turn.entities:
        assert turn.text[entity.start : entity.end] == entity.text
    assert with_placeholders(turn).text == "I'm [person], [order_number]"


def test_a_finder_adds_what_no_rule_knows():
    class Finder:
        def predict(self, texts):
            found = [Entity("person", "zork", 8, 12), Entity("product", "lamp", 0, 4)]
            return [found if "zork" in text else [] for text in texts]

    clean, counts = redact_conversation(
        conversation("lamp of zork came", "hello"), key=KEY, finder=Finder()
    )
    assert counts == {"person": 1}
    assert clean.turns[0].text.startswith("lamp of ")
    assert "zork" not in clean.turns[0].text


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("mail jane dot doe at gmail dot com", ["email"]),
        ("tom[at]example[dot]org", ["email"]),
        ("oh seven seven double oh nine one two three four five", ["phone"]),
        ("我叫张伟，手机13812345670", ["person", "phone"]),
        ("寄到北京市朝阳区望京西路48号院3号楼1204室", ["address"]),
        ("GB40 MIDL 6645 0134 0891 44 please", ["iban"]),
        ("from 10.20.30.40", ["ip"]), ("firmware 2.10.4.1", []),
        ("https://example.com/help", []), ("https://example.com/reset?token=a1b2", ["link"]),
        ("policy number H0-4471-88213", ["account_number"]),
        ("my husband Tom Barker came", ["person"]), ("thanks Amazon", []),
        ("Will it come in May?", []), ("error code 80070005", []), ("Rose Gold or Jet Black?", []),
        ("DNI 14759342N", ["national_id"]), ("DNI 14759342A", []),
    ],
)  # fmt: skip
def test_each_kind_is_found_by_what_makes_it_one(text, kinds):
    assert [kind for _, _, kind in find(text)] == kinds
