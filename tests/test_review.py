"""What reviewers look at, what they say of it, and the files that are made of that."""

import pytest

from apps.feedback import export_feedback
from apps.review.marks import entities_in, marked
from apps.store import Store
from apps.store_forget import forget_owners
from apps.store_review import Reviews
from data.errors import ConfigError
from data.schema import Answer, Entity
from data.split import SPLITS
from finetune.reading import read_entities, read_labelled, read_replies, read_splits
from tests.test_feedback import rows


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def store(url):
    return Store(url)


def talk(store, text="where is FK-1", said="There.", identity=None, owner="me", **trace):
    identity = store.new_conversation(owner, "bot", identity)
    values = {"step": "select:faq", "intent": "order_status", "confidence": 0.9, **trace}
    return store.record(identity, text, Answer(said), values)


# Marks


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("where is FK-1?", [Entity("order_number", "FK-1", 9, 13)]),
        ("priya\nfrom Leeds", [Entity("person", "priya", 0, 5), Entity("city", "Leeds", 11, 16)]),
        ("see [this](link) \\ and FK-1", [Entity("order_number", "FK-1", 23, 27)]),
        ("a [b] c", [Entity("x", "[b]", 2, 5)]),
        ("is FK-1 it", [Entity("order-number", "FK-1", 3, 7), Entity("地址", "it", 8, 10)]),
        ("4111 and 99", [Entity("card.number", "4111", 0, 4), Entity("2fa code", "99", 9, 11)]),
        ("nothing", []),
        ("", []),
    ],
)  # fmt: skip
def test_marks_lead_back_to_the_text_and_its_entities(text, entities):
    assert list(entities_in(marked(text, entities), text)) == entities


def test_of_two_entities_that_overlap_the_first_is_marked():
    found = [Entity("a", "abc", 0, 3), Entity("b", "cd", 2, 4), Entity("c", "zz", 90, 92)]
    assert marked("abcd", found) == "[abc](a)d"


@pytest.mark.parametrize(
    "written", ["where is it", "where is [FK-1]( )", "where is FK-2", "where is [ FK-1](x)", ""]
)
def test_other_words_and_spaces_at_the_ends_are_refused_politely(written):
    with pytest.raises(ConfigError, match="[Pp]lease"):
        entities_in(written, "where is FK-1")


# What is to be looked at


def test_unsure_disliked_and_handed_over_turns_are_listed_the_latest_first(store):
    talk(store)
    unsure = talk(store, confidence=0.3)
    doubtful = talk(store, reason="low_confidence", hand_over=True, step="hand_over")
    disliked = talk(store)
    store.thumb("me", disliked, -1)
    closed = talk(store, reason="closed", step="hand_over", confidence=0.1)
    asked = talk(store, step="workflow:return_item:ask:order_number", confidence=0.1)
    found = {case.turn_id: case.why for case in Reviews(store).cases()}
    assert list(found) == [closed, disliked, doubtful, unsure]
    assert found[doubtful] == ("handed_over", "low_confidence")
    assert found[closed] == ("handed_over",)
    assert found[unsure] == ("low_confidence",)
    assert asked not in found
    assert [case.turn_id for case in Reviews(store).cases(["thumbs_down"])] == [disliked]
    assert len(Reviews(store).cases(limit=2)) == 2
    assert Reviews(store).count() == 4
    assert Reviews(store).count(["thumbs_down"]) == 1
    Reviews(store).save(unsure, "Ann", None, None, None)
    assert (Reviews(store).count(), Reviews(store).count(reviewed=True)) == (3, 1)


def test_a_case_has_the_question_before_it(store):
    identity = store.new_conversation("me", "bot", "c")
    store.record(identity, "first", Answer("one"), {"confidence": 0.9})
    turn = store.record(identity, "second", Answer("two"), {"hand_over": True})
    (case,) = Reviews(store).cases()
    assert (case.turn_id, case.question, case.answer, case.app) == (turn, "second", "two", "bot")


def test_a_correction_outlives_a_restart_with_who_and_when_and_leaves_the_list(store, url):
    turn = talk(store, hand_over=True)
    marks = (Entity("order_number", "FK-1", 9, 13),)
    assert Reviews(store).save(turn, "Ann", "cancel_order", marks, "It is here.")
    again = Reviews(Store(url))
    assert again.cases() == []
    (case,) = again.cases(reviewed=True)
    said = case.correction
    assert (said.intent, said.entities, said.answer) == ("cancel_order", marks, "It is here.")
    assert said.reviewer == "Ann"
    assert said.time >= case.time
    assert again.intents() == {"order_status", "cancel_order"}
    again.save(turn, "Ben", None, None, "There.")
    said = again.case(turn).correction
    assert (said.reviewer, said.intent, said.entities, said.answer) == ("Ben", None, None, None)
    again.take_back(turn)
    assert len(again.cases()) == 1


def test_only_an_agents_turn_is_corrected_and_nothing_is_left_of_a_forgotten_customer(store):
    turn = talk(store, hand_over=True)
    reviews = Reviews(store)
    assert not reviews.save(turn - 1, "Ann", "x", (), None), "a customer's turn"
    assert not reviews.save(999, "Ann", "x", (), None)
    assert reviews.save(turn, "Ann", "x", (), "y")
    assert forget_owners(store, ["me"]).conversations == 1
    again = talk(store, hand_over=True)
    assert again == turn, "the ids of deleted turns come again"
    assert reviews.case(again).correction is None


def test_a_save_that_fails_leaves_what_was_there(store):
    turn = talk(store, hand_over=True)
    reviews = Reviews(store)
    reviews.save(turn, "Ann", "x", None, "Better.")
    with pytest.raises(UnicodeEncodeError):
        reviews.save(turn, "Ann", "y", None, "half an emoji: \ud83d")
    assert reviews.case(turn).correction.intent == "x"
    assert reviews.case(turn).correction.answer == "Better."


# What is made of it


def test_labels_are_files_that_training_reads_and_hold_no_private_value(store, tmp_path):
    for number in range(20):
        text = f"I am priya nair, where is FK-20488{number % 10}, the kettle"
        turn = talk(store, text, identity=f"c{number}")
        at = text.index("FK-"), text.index("kettle")
        marks = (Entity("order_number", text[at[0] : at[0] + 9], at[0], at[0] + 9),
                 Entity("product", "kettle", at[1], at[1] + 6))  # fmt: skip
        Reviews(store).save(turn, "Ann", "order_status", marks, "It is on its way to you.")
    done = export_feedback(store, tmp_path / "out")
    assert [done[kind] for kind in ("intent", "ner", "reply", "dpo")] == [20] * 4
    for file in (tmp_path / "out").rglob("*.jsonl"):
        assert "priya" not in file.read_text("utf-8").lower()
    for split in SPLITS:
        intents, spans, replies = (
            tmp_path / "out" / kind / f"{split}.jsonl" for kind in ("intent", "ner", "reply")
        )
        if not intents.stat().st_size:
            continue
        assert {row.label for row in read_labelled(intents)} == {"order_status"}
        for row in read_entities(spans):
            assert [each.type for each in row.entities] == ["order_number", "product"]
            assert row.entities[0].text.startswith("FK-")
            assert "FK-20488" not in row.text
            assert row.entities[1].text == "kettle"
        assert {row.answer for row in read_replies(replies)} == {"It is on its way to you."}
    for kind, read in (("intent", read_labelled), ("ner", read_entities), ("reply", read_replies)):
        splits = read_splits(tmp_path / "out" / kind, None, read)
        assert len(splits.train) + len(splits.validation) + len(splits.test) == 20
    assert {row["entities"][0]["type"] for row in rows(tmp_path / "out", "ner")} == {"order_number"}


def test_an_answer_nobody_checked_is_not_learned_and_no_label_is_made_up(store, tmp_path):
    identity = store.new_conversation("me", "bot", "c")
    store.record(identity, "where is it", Answer("No idea."), {})
    turn = store.record(identity, "and now", Answer("Still none."), {"hand_over": True})
    Reviews(store).save(turn, "Ann", None, None, "It left today.")
    done = export_feedback(store, tmp_path / "out")
    assert (done["intent"], done["ner"], done["reply"]) == (0, 0, 1)
    ((file, _),) = [
        (path, path.stat().st_size)
        for path in (tmp_path / "out" / "reply").iterdir()
        if path.stat().st_size
    ]
    assert [row.answer for row in read_replies(file)] == ["It left today."]


def test_nothing_is_written_where_nothing_was_reviewed(store, tmp_path):
    turn = talk(store, hand_over=True)
    Reviews(store).save(turn, "Ann", None, None, None)
    assert export_feedback(store, tmp_path / "out")["conversations"] == 0
    assert not (tmp_path / "out").exists()
