"""Ids: what names nobody stays, all else becomes the same stand-in everywhere under one key."""

import json

import pytest

from data.prepare import prepare
from data.process import Processed, Settings, processed
from data.redact.conversation import redact_conversation
from data.redact.ids import hidden
from data.schema import Conversation, Turn
from data.split import SPLITS, hash_fraction

KEY = b"k" * 16
NAMING = [
    "Priya", "Kowalczyk", "JaneDoe", "john.smith", "jane_doe_1985", "smith1985", "js1985", "jo85",
    "Zorblax Quintle", "张伟", "447700900123", "13812345678", "2125550123", "4111111111111111",
    "4111111111111111a", "07700 900123", "19850612", "visitor447700900123", "A123456789",
]  # fmt: skip
PLAIN = [
    "a001", "FK-204881", "cu-1042", "35436", "case-17", "INC0012345", "user_8", "agent", "Customer",
    "caae83a2ed59e4959d81", "whatsapp-0123456789abcdef", "123e4567-e89b-12d3-a456-426614174000", "",
]  # fmt: skip


@pytest.mark.parametrize("identity", NAMING)
def test_an_id_that_may_name_a_person_is_hidden_wherever_it_stands(identity):
    said = (Turn("customer", "hi", speaker_id=identity), Turn("agent", "hello", speaker_id="a-7"))
    clean, _ = redact_conversation(Conversation(identity, said, identity), key=KEY)
    assert clean.id == clean.customer_id == clean.turns[0].speaker_id != identity
    assert hidden(identity, KEY) == clean.id
    assert hidden(identity, b"another key 1234") != clean.id
    assert hidden(clean.id, KEY) == clean.id  # a prepared log can be prepared again
    assert clean.turns[1].speaker_id == "a-7"


@pytest.mark.parametrize("identity", PLAIN)
def test_an_id_that_says_nothing_about_a_person_stays(identity):
    clean, _ = redact_conversation(Conversation(identity, (Turn("customer", "hi"),), identity))
    assert (clean.id, clean.customer_id) == (identity, identity)


def test_names_and_numbers_of_a_chat_and_a_table_are_in_no_file(tmp_path):
    chat = tmp_path / "chat.txt"
    chat.write_text("31/10/2025, 22:10 - Priya: is it sent\n31/10/2025, 22:11 - Kowalczyk: yes\n")
    table = tmp_path / "log.csv"
    table.write_text("id,speaker,text,customer_id\nc1,customer,hi,447700900123\nc1,JaneDoe,ok,\n")
    prepare([chat, table], tmp_path / "out", key=KEY)
    for file in (tmp_path / "out").iterdir():
        content = file.read_text("utf-8")
        assert not [name for name in ("Priya", "Kowal", "JaneDoe", "900123") if name in content]
    rows = [
        json.loads(line)
        for split in SPLITS
        for line in (tmp_path / "out" / f"{split}.jsonl").read_text("utf-8").splitlines()
    ]
    customers = {row["customer_id"] for row in rows}
    assert customers == {hidden("Priya", KEY), hidden("447700900123", KEY)}


def test_a_hidden_id_has_the_same_split_under_every_key_and_gives_no_id_away():
    one = Conversation("447700900123", (Turn("customer", "hi"),), "john.smith")
    done = [processed(one, Settings(key)) for key in (KEY, b"another key 1234")]
    assert all(isinstance(each, Processed) for each in done)
    assert done[0].id != done[1].id
    assert done[0].place == done[1].place
    assert done[0].customer_place == done[1].customer_place
    assert abs(done[0].place / 2**64 - hash_fraction("447700900123")) < 2**-12
    assert done[0].place % 2**52 == done[0].customer_place % 2**52 == 0
