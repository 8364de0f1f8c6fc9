"""The shipped logs keep to data/samples/GUIDELINE.md, so that what is measured on them is true."""

import csv
import json
import re
from collections import Counter
from pathlib import Path

import pytest

from data.redact.find import redact
from retrieval.passages import read_passages
from retrieval.questions import read_questions

SAMPLES = Path("data/samples")
GUIDELINE = (SAMPLES / "GUIDELINE.md").read_text("utf-8")
TURN_FILES = sorted((SAMPLES / "turns").glob("*.jsonl"))
INTENTS = re.findall(r"^\| `(\w+)` \|", GUIDELINE, re.MULTILINE)[:24]
ENTITIES = {"order_number", "tracking_number", "product", "amount", "date", "person", "email",
            "phone", "city"}  # fmt: skip
INVENTED = re.compile(r"0(?:7700900|2079460|1134960|1614960)\d{3}")
CATALOGUE = {
    name.strip(): int(price)
    for line in GUIDELINE.split("### Catalogue")[1].split("### Rules")[0].splitlines()[1:]
    for name, price in re.findall(r"([^·£]+?) £(\d+)", line)
}


def rows(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


CONVERSATIONS = rows(SAMPLES / "conversations.jsonl")
LABELLED = [
    (f"{path.name}:{line}", row)
    for path in TURN_FILES
    for line, row in enumerate(rows(path), start=1)
]
SAID = LABELLED + [
    (f"{conversation['id']} turn {place}", turn)
    for conversation in CONVERSATIONS
    for place, turn in enumerate(conversation["turns"])
]


def marked():
    return [(where, row, entity) for where, row in SAID for entity in row.get("entities", [])]


def texts():
    """Every text that a person or a page of the shop wrote, with its place."""
    pages = [SAMPLES / "faq.md", *(SAMPLES / "policies").glob("*.md")]
    for where, row in SAID:
        yield where, row["text"]
    for path in pages:
        yield path.name, path.read_text("utf-8")
    for path in (SAMPLES / "questions").glob("*.jsonl"):
        yield from ((path.name, row["question"]) for row in rows(path))
    for path in (SAMPLES / "relations").glob("*.jsonl"):
        yield from ((f"relations/{path.name}", row["text"]) for row in rows(path))


def test_the_guideline_was_read():
    assert len(INTENTS) == 24
    assert len(CATALOGUE) > 40
    assert len(TURN_FILES) == 3


def test_every_entity_stands_where_its_offsets_say():
    assert len(marked()) > 3000
    wrong = [
        (where, entity)
        for where, row, entity in marked()
        if row["text"][entity["start"] : entity["end"]] != entity["text"]
    ]
    assert not wrong


def test_entities_have_known_types_clean_ends_and_never_overlap():
    wrong = [
        (where, entity)
        for where, _, entity in marked()
        if entity["type"] not in ENTITIES or entity["text"].strip(" .,;:!?\n") != entity["text"]
    ]
    for where, row in SAID:
        spans = sorted((e["start"], e["end"]) for e in row.get("entities", []))
        wrong += [(where, b) for a, b in zip(spans, spans[1:], strict=False) if b[0] < a[1]]
    assert not wrong


def test_the_training_turns_show_every_intent_often_enough():
    counts = Counter(row["label"] for row in rows(SAMPLES / "turns" / "train.jsonl"))
    assert set(counts) == {*INTENTS, "oos"}
    assert {label: count for label, count in counts.items() if count < 40} == {}


def test_the_tests_know_the_labels_of_training_and_share_no_turn_with_it():
    train = {row["text"].strip().lower() for row in rows(SAMPLES / "turns" / "train.jsonl")}
    for path in TURN_FILES:
        if path.stem != "train":
            for row in rows(path):
                assert row["label"] in {*INTENTS, "oos"}
                assert row["text"].strip().lower() not in train


def test_the_label_sentiment_and_text_of_every_turn_are_there():
    wrong = [
        where
        for where, row in LABELLED
        if not row["text"].strip() or row["sentiment"] not in ("negative", "neutral", "positive")
    ]
    assert not wrong


@pytest.mark.parametrize("name", ["train", "fit", "test", "test_unanswerable"])
def test_questions_are_answered_by_entries_that_exist(name):
    ids = {passage.id for passage in read_passages([SAMPLES / "faq.md", SAMPLES / "policies"])}
    questions = read_questions(SAMPLES / "questions" / f"{name}.jsonl")
    assert not {one for question in questions for one in question.relevant} - ids
    answerable = {bool(question.relevant) for question in questions}
    expected = {"train": {True}, "fit": {True, False}, "test": {True}, "test_unanswerable": {False}}
    assert answerable == expected[name]


# Questions that stand in two files and should not: drop one here once it is gone from one there.
def test_questions_to_learn_and_fit_on_are_not_those_to_test_on():
    files = (SAMPLES / "questions").glob("*.jsonl")
    texts = {file.stem: {one.text.lower() for one in read_questions(file)} for file in files}
    tests = texts["test"] | texts["test_unanswerable"]
    assert not (texts["fit"] | texts["train"]) & tests
    assert not texts["fit"] & texts["train"]


def test_every_span_begins_where_it_says_and_its_context_is_the_policy():
    data = json.loads((SAMPLES / "spans" / "test.json").read_text("utf-8"))["data"]
    count = 0
    for article in data:
        page = (SAMPLES / "policies" / article["title"]).read_text("utf-8")
        for paragraph in article["paragraphs"]:
            context = paragraph["context"]
            assert context.strip() in page
            for question in paragraph["qas"]:
                for answer in question["answers"]:
                    start = answer["answer_start"]
                    assert context[start : start + len(answer["text"])] == answer["text"], question
                    count += 1
    assert count >= 100


@pytest.mark.parametrize("name", ["train", "test"])
def test_the_two_ends_of_a_relation_stand_where_their_offsets_say(name):
    for row in rows(SAMPLES / "relations" / f"{name}.jsonl"):
        for end in (row["head"], row["tail"]):
            assert row["text"][end["start"] : end["end"]] == end["text"], row


@pytest.mark.parametrize(("name", "each"), [("train", 120), ("test", 51)])
def test_a_relation_ties_a_product_date_or_amount_to_an_order_number(name, each):
    found = rows(SAMPLES / "relations" / f"{name}.jsonl")
    counts = Counter(row["label"] for row in found)
    assert counts == dict.fromkeys(["product_of", "date_of", "amount_of", "none"], each)
    assert {row["tail"]["type"] for row in found} == {"order_number"}
    for row in found:
        head = row["head"]["type"]
        assert head in ("product", "date", "amount")
        assert row["label"] in (f"{head}_of", "none"), row


def test_no_text_of_the_relations_to_test_on_is_nearly_one_of_those_to_learn_from():
    def words(text):
        return frozenset(re.findall(r"\w+", text.lower()))

    files = {name: rows(SAMPLES / "relations" / f"{name}.jsonl") for name in ("train", "test")}
    texts = {name: {row["text"] for row in found} for name, found in files.items()}
    assert not texts["train"] & texts["test"]
    known = {words(text) for text in texts["train"]}
    near = [
        text
        for text in texts["test"]
        if any(len(words(text) & one) >= 0.8 * len(words(text) | one) for one in known)
    ]
    assert not near


def test_contradictions_are_an_agents_turns():
    turns = {conversation["id"]: conversation["turns"] for conversation in CONVERSATIONS}
    found = rows(SAMPLES / "contradictions.jsonl")
    assert len(found) >= 15
    wrong = [row for row in found if turns[row["conversation"]][row["turn"]]["speaker"] != "agent"]
    assert not wrong


def test_conversations_have_four_to_fourteen_turns_and_their_own_id():
    lengths = {conversation["id"]: len(conversation["turns"]) for conversation in CONVERSATIONS}
    assert len(lengths) == len(CONVERSATIONS) > 300
    assert {name: length for name, length in lengths.items() if not 4 <= length <= 14} == {}


def test_the_intent_of_a_conversation_is_one_of_the_guideline():
    found = {conversation["labels"]["intent"] for conversation in CONVERSATIONS}
    assert found <= {*INTENTS, "oos"}
    assert len(found) >= 24


def orders():
    with (SAMPLES / "orders.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("column", "form"),
    [("order_number", r"FK-\d{6}"), ("tracking_number", r"PW\d{10}")],
)
def test_order_and_tracking_numbers_are_well_formed_and_unique(column, form):
    numbers = [order[column] for order in orders() if order[column]]
    assert len(numbers) == len(set(numbers)) > 20
    assert [number for number in numbers if not re.fullmatch(form, number)] == []


def test_an_orders_total_is_its_items_and_a_delivery_that_the_shop_offers():
    wrong = []
    for order in orders():
        pairs = [item.rsplit(" x ", 1) for item in order["items"].split("; ")]
        items = sum(CATALOGUE[name] * int(count) for name, count in pairs)
        furniture = any(name.startswith("Alder") for name, _ in pairs)
        standard = 0.0 if items >= 50 else 3.95
        fees = {29.0} if furniture else {standard, 7.95, 9.95, 2.95}
        if round(float(order["total"]) - items, 2) not in fees:
            wrong.append((order["order_number"], items, order["total"]))
    assert not wrong


def test_an_order_was_placed_before_it_left_and_left_before_it_came():
    for order in orders():
        days = [order[f"{step}_days_ago"] for step in ("placed", "dispatched", "delivered")]
        known = [int(day) for day in days if day]
        assert known == sorted(known, reverse=True), order
        expected = {"processing": 1, "cancelled": 1, "dispatched": 2, "delivered": 3, "returned": 3}
        assert len(known) == expected[order["status"]], order


def test_every_email_and_phone_is_an_invented_one():
    found = [(f"order {order['order_number']}", order["email"]) for order in orders()]
    found += [(f"order {order['order_number']}", order["phone"]) for order in orders()]
    found += [(w, e["text"]) for w, _, e in marked() if e["type"] in ("email", "phone")]
    for where, text in texts():
        found += [(where, email) for email in re.findall(r"[\w.+'-]+@[\w.-]*\w", text)]
        found += [(where, phone) for phone in re.findall(r"(?<!\w)(?:\+44|0)[\d ()-]{9,}\d", text)]
    wrong = []
    for where, value in found:
        if "@" in value:
            if not value.endswith(("@example.com", "@example.org", "@example.net")):
                wrong.append((where, value))
        else:
            digits = re.sub(r"^(?:44|0044)0?", "0", re.sub(r"\D", "", value))
            if not INVENTED.fullmatch(digits):
                wrong.append((where, value))
    assert len(found) > 300
    assert not wrong


def test_every_marked_private_value_is_redacted():
    private = {"email", "phone", "order_number", "tracking_number"}
    left = []
    for where, row, entity in marked():
        if entity["type"] in private and entity["text"] in redact(row["text"]).text:
            left.append((where, entity["text"]))
    assert not left
