"""What a question, or another turn of the conversation, says of a value."""

import json

import pytest

from benchmarks.logs import PRIVATE
from data.redact import addresses, addresses_europe, digits, repeats
from data.redact.announced import WORD, words_of
from data.redact.asked import asked
from data.redact.conversation import redact_conversation
from data.redact.find import find, find_all
from data.redact.likeness import unknown_name
from data.redact.spans import with_placeholders
from data.schema import Conversation, Entity, Turn


def values(text, before="", region="GB"):
    return [(text[start:end], kind) for start, end, kind in find(text, region, before=before)]


@pytest.mark.parametrize(
    ("before", "answer", "expected"),
    [
        ("May I have your name?", "okonjo", [("okonjo", "person")]),
        ("And the name on the booking?", "sure, its thandi vance", [("thandi vance", "person")]),
        ("请问怎么称呼您？", "小王", [("小王", "person")]),
        ("What's the order number?", "4471-98", [("4471-98", "order_number")]),
        ("Could you give me his account number?", "0098 2217", [("0098 2217", "account_number")]),
        ("Which address is it going to?", "flat 3, the old mill",
         [("flat 3, the old mill", "address")]),
        ("And your postcode?", "LS6 2QB", [("LS6 2QB", "address")]),
        ("请问地址是哪里？", "安慧里四区9号楼1604", [("安慧里四区9号楼1604", "address")]),
    ],
)  # fmt: skip
def test_an_answer_is_what_was_asked_for(before, answer, expected):
    assert values(answer, before) == expected


@pytest.mark.parametrize(
    ("before", "answer"),
    [
        ("May I have your name?", "why do you need that"),
        ("May I have your name?", "sure"),
        ("Sent. What is the 6-digit code?", "554108"),
        ("Which size do you take?", "12 or 14"),
        ("When did you order it?", "12/05/2026"),
        ("How many people are coming?", "4 adults, 2 children"),
        ("Which app name does it show?", "not sure what you mean"),
        ("What is the order total?", "£4120"),
    ],
)
def test_an_answer_that_names_nobody_stays(before, answer):
    assert values(answer, before) == []


def test_a_turn_that_asks_for_nothing_says_nothing_of_the_next():
    assert asked("Your name is on the list. Have a nice day") == frozenset()
    assert values("4471-98", "Have a nice day") == []


def test_a_name_once_known_is_found_wherever_it_stands():
    texts = ["Who am I speaking with?", "ffarquhar", "ok FFARQUHAR, so is ffarquhar's card lost?"]
    spans = find_all(texts)
    assert [texts[2][start:end] for start, end, _ in spans[2]] == ["FFARQUHAR", "ffarquhar"]


def test_a_name_that_is_a_word_is_not_looked_for_again():
    assert find_all(["My name is Grace", "you have a grace period of 30 days"])[1] == []


def test_a_number_that_is_called_a_part_is_no_order_in_any_turn():
    assert find_all(["what is part 93-117-B?", "93-117-B is the seal"]) == [[], []]
    assert find_all(["what is 93-117-B?", "93-117-B is your order"])[0] != []


def test_a_value_said_again_has_the_same_stand_in():
    said = ("May I have your name?", "okonjo", "Thank you okonjo, all done")
    turns = tuple(
        Turn("agent" if place % 2 == 0 else "customer", text) for place, text in enumerate(said)
    )
    clean, counts = redact_conversation(Conversation("c1", turns))
    name = clean.turns[1].text
    assert name != "okonjo"
    assert name in clean.turns[2].text
    assert counts == {"person": 2}
    assert with_placeholders(clean.turns[2]).text == "Thank you [person], all done"


def test_what_was_looked_up_is_as_private_as_what_was_said():
    told = {"order number": "448-1923", "mail": "jo.bell@example.com", "status": "packed",
            "for": "Thandi Vance", "note": "vance rang twice"}  # fmt: skip
    turns = (
        Turn("customer", "Hello, my name is Thandi Vance, order 448-1923"),
        Turn("agent", "It is packed, Thandi.", facts=told),
    )
    clean, counts = redact_conversation(Conversation("c1", turns))
    facts = clean.turns[1].facts
    assert list(facts) == list(told)
    assert facts["status"] == "packed"
    assert not any(value in str(facts) for value in ("1923", "bell", "Thandi", "ance"))
    said = {entity.text for turn in clean.turns for entity in turn.entities}
    assert facts["order number"] in said  # the same stand-in in both
    assert counts["email"] == 0  # counts are those of turns


@pytest.mark.parametrize(
    "text",
    [
        "meet me at Baker Street", "the Winston or the Madison desk", "in Heather Gray please",
        "John Lewis took 2 days", "is it in Ivory or Jade", "小米14和红米K70", "康师傅来一箱",
        "ISBN 9780143037057", "2 miles down the road", "Hope Street, level 2",
    ],
)  # fmt: skip
def test_things_that_are_called_as_persons_are_stay(text):
    assert values(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Rose Cottage, Back Lane, Chagford", "address"),
        ("Am Alten Hafen 7, 04229 Leipzig", "address"),
        ("résidence Les Tilleuls, bâtiment C, 35000 Rennes", "address"),
        ("和平家园12-3-501", "address"),
        ("p-a-p-a-d-a-k-i-s", "person"),
    ],
)
def test_a_whole_text_that_is_one_value_is_found_as_one(text, expected):
    assert values(text) == [(text, expected)]


def test_an_unknown_name_is_told_from_a_misspelt_word():
    assert unknown_name("keerthanam")
    assert not any(map(unknown_name, ("thankyou", "delivry", "adress", "router", "wifi")))


def labelled_texts():
    for file in sorted(PRIVATE.glob("development*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            yield json.loads(line)["text"]


def test_the_quick_ways_to_look_find_what_the_plain_ways_do():
    pairs = [
        (lambda text: addresses_europe.at_digits(addresses._ENGLISH, text),
         addresses._ENGLISH.finditer),
        (addresses._postcodes, addresses._CODE.finditer),
        (digits._bare, digits._ORDER_BARE.finditer),
        (lambda text: digits._said(digits._ORDER_SAID, digits._ORDER_BEGINS, text),
         digits._ORDER_SAID.finditer),
        (lambda text: digits._said(digits._ACCOUNT_SAID, digits._ACCOUNT_BEGINS, text),
         digits._ACCOUNT_SAID.finditer),
        (lambda text: digits._said(digits._TRACKING_SAID, digits._TRACKING_BEGINS, text),
         digits._TRACKING_SAID.finditer),
        (words_of, WORD.finditer),
    ]  # fmt: skip
    found = 0
    for text in labelled_texts():
        for quick, plain in pairs:
            spans = [match.span(match.lastindex or 0) for match in quick(text)]
            assert spans == [match.span(match.lastindex or 0) for match in plain(text)]
            found += len(spans)
    assert found > 5000


class KnowsNames:
    """Finds one name wherever it stands, as a `ner` run would."""

    def __init__(self, name):
        self.name = name

    def predict(self, texts):
        places = [text.find(self.name) for text in texts]
        return [
            [Entity("person", self.name, at, at + len(self.name))] if at >= 0 else []
            for at in places
        ]


def test_a_label_hides_what_the_turns_show_to_be_private():
    said = ("Who am I speaking with?", "zorblax quintle, about 448-19-AB")
    turns = (Turn("agent", said[0]), Turn("customer", said[1]))
    labels = {
        "subject": "Refund for Quintle (448-19-ab)",
        "tags": "vip|zorblax",
        "intent": "refund",
    }
    told = Conversation("c1", turns, channel="mail of quintle", labels=labels)
    clean, _ = redact_conversation(told)
    assert clean.labels == {
        "subject": "Refund for [person] ([order_number])",
        "tags": "vip|[person]",
        "intent": "refund",
    }
    assert clean.channel == "mail of [person]"
    silent, _ = redact_conversation(Conversation("c2", (Turn("customer", "hi"),), labels=labels))
    assert silent.labels["tags"] == "vip|zorblax"  # another conversation told it


def test_a_label_hides_what_a_model_finds_in_it():
    told = Conversation("c1", (Turn("customer", "hi"),), labels={"tags": "a|qo", "intent": "qo"})
    clean, _ = redact_conversation(told, finder=KnowsNames("qo"))
    assert clean.labels == {"tags": "a|[person]", "intent": "qo"}


def test_many_values_are_found_again_as_few_are(monkeypatch):
    said = ["Order FK-204881, #3311 of 5512-88 and card 4111 1111 1111 1111"]
    said.append(
        "FK-204881x, fk-204881; 5512-88, 5512-889. 4111 1111 1111 1111, 93-117-B, xFK-204881"
    )
    said.append("what is part 93-117-B?")
    few = find_all(said)
    monkeypatch.setattr(repeats, "_MANY", 0)
    assert find_all(said) == few
    assert {said[1][start:end] for start, end, _ in few[1]} >= {"fk-204881"}
    assert "93-117-B" not in {said[1][start:end] for start, end, _ in few[1]}
