import csv
import json

import numpy as np
import pytest

from apps.verbs.mine import mine_log
from data.mining.answers import mine
from data.mining.facts import contradictions, facts_of
from data.mining.faq import propose
from data.schema import Conversation, Turn

GOOD = "You can send it back within 30 days of delivery, and the refund takes 5 working days then."
WRONG = "Returns are open for 14 days of delivery only, so it is too late for that now I am afraid."


class Words:
    """Vectors of the words' letters: the same words are near each other."""

    fingerprint = "words"

    def encode(self, texts):
        vectors = np.zeros((len(texts), 64), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, sum(map(ord, word)) % 64] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def talk(name, *said, **more):
    turns = tuple(Turn("customer" if n % 2 == 0 else "agent", text) for n, text in enumerate(said))
    return Conversation(name, turns, **more)


def test_the_answer_that_was_thanked_for_wins_over_the_one_taken_back():
    log = [talk("a", "can I return it?", WRONG, "but your page says 30 days", f"My mistake. {GOOD}",
                "thanks, sorted", outcome="solved")]  # fmt: skip
    (pair,) = mine(log)
    assert (pair.turn, pair.question) == (3, "can I return it?")
    assert pair.answer.endswith(GOOD)
    assert 0.5 <= pair.chance <= 1


@pytest.mark.parametrize(
    "more", [{"outcome": "handed_over"}, {"outcome": "abandoned"}, {"rating": 1}]
)
def test_a_case_that_ended_badly_teaches_nothing(more):
    assert mine([talk("a", "can I return it?", GOOD, "thanks", **more)]) == []


def test_what_answers_have_in_common_is_learned_from_their_sequels():
    # Answers with a number are thanked for, those without are not; two have no sequel at all.
    vague = "Somebody from one of our teams will look into that and get back in due course then."
    log = [
        talk(f"g{n}", "can I return it?", GOOD, "thanks a lot", outcome="solved") for n in range(30)
    ]
    log += [talk(f"b{n}", "can I return it?", vague, "that is no help", outcome="solved")
            for n in range(30)]  # fmt: skip
    log += [talk("x", "can I return it?", GOOD, outcome="solved"),
            talk("y", "can I return it?", vague, outcome="solved")]  # fmt: skip
    found = {pair.conversation for pair in mine(log)}
    assert found == {f"g{n}" for n in range(30)} | {"x"}


def test_numbers_are_read_with_their_units():
    assert list(facts_of("within 30 days, £4.95 or two working days, 10%, 3 boxes")) == [
        ("day", 30.0), ("£", 4.95), ("day", 2.0), ("%", 10.0),
    ]  # fmt: skip


def test_answers_with_other_numbers_about_the_same_thing_are_found_by_traffic():
    log = [talk(f"r{n}", "?", "Refunds take 5 working days after we have it.") for n in range(4)]
    log += [talk("odd", "?", "Refunds take 10 working days after we have it.")]
    log += [talk("else", "?", "The kettle holds 2 litres and boils in 3 minutes flat.")]
    (found,) = contradictions(log, Words())
    assert {found.first.conversation, found.second.conversation} >= {"odd"}
    assert (found.unit, found.traffic) == ("day", 5)


def test_a_topic_asked_often_becomes_a_proposal_of_the_log_itself():
    asked = ["can I return my lamp", "where is my parcel now", "how do I change my password"]
    log = [
        talk(f"{topic}-{n}", f"{asked[topic]} number {n}", f"{GOOD} {asked[topic]}", "thanks",
             outcome="solved")
        for topic in range(3) for n in range(8)
    ]  # fmt: skip
    pairs = mine(log)
    proposals = propose(pairs, Words())
    assert sum(each.size for each in proposals) <= len(pairs)
    assert {each.answer for each in proposals} <= {pair.answer for pair in pairs}
    assert {each.question for each in proposals} <= {pair.question for pair in pairs}
    assert [each.size for each in proposals] == sorted((p.size for p in proposals), reverse=True)
    assert propose(pairs[:5], Words()) == []


def test_the_command_writes_what_can_be_edited_and_leaves_the_test_split_out(tmp_path, monkeypatch):
    monkeypatch.setattr("apps.build.opened_encoder", lambda name, threads: Words())
    folder = tmp_path / "log"
    folder.mkdir()
    for split in ("train", "validation", "test"):
        rows = [
            {"id": f"{split}{n}", "outcome": "solved", "turns": [
                {"speaker": "customer", "text": f"=can I return {split} {n}"},
                {"speaker": "agent", "text": GOOD}, {"speaker": "customer", "text": "thanks"}]}
            for n in range(12)
        ]  # fmt: skip
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = mine_log(folder, tmp_path / "out", "words", 1)
    assert done["conversations"] == done["pairs"] == 24
    assert "test" not in (tmp_path / "out" / "pairs.jsonl").read_text()
    with (tmp_path / "out" / "faq.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert all(row["question"].startswith("'=can") for row in rows)
