"""What every retriever must do. A new one is a line in BACKENDS."""

import os

import pytest

from data.schema import Passage
from retrieval.filters import Filter
from retrieval.fusion import Fusion
from retrieval.living import LivingIndex
from retrieval.writing import build_index
from tests.fakes import HashEncoder, by_hand
from tests.shop import SHOP, asked, faq, ids


def ours(folder):
    return LivingIndex(build_index([], HashEncoder(), "hash", folder / "index"))


def ours_with_words(folder):
    index = build_index([], HashEncoder(), "hash", folder / "index")
    return LivingIndex(index.refit(by_hand(0.5, 0.0)))


def milvus(folder, fusion=None):
    module = pytest.importorskip("retrieval.milvus")
    pytest.importorskip("pymilvus", reason="needs pymilvus and milvus-lite")
    return module.MilvusPassages(str(folder / "milvus.db"), HashEncoder(), fusion=fusion)


def milvus_with_words(folder):
    return milvus(folder, Fusion(0.5))


BACKENDS = {
    "deskhand": ours,
    "deskhand, words fused": ours_with_words,
    "milvus": milvus,
    "milvus, words fused": milvus_with_words,
}


@pytest.fixture(autouse=True)
def no_wait_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture(params=BACKENDS)
def empty(request, tmp_path):
    """A retriever that holds nothing, on the 64-wide vectors of HashEncoder."""
    return BACKENDS[request.param](tmp_path)


@pytest.fixture
def filled(empty):
    empty.add(SHOP)
    return empty


def test_nothing_indexed_gives_nothing(empty):
    assert empty.search("where is my parcel") == []
    assert len(empty) == 0
    empty.delete(["parcel"])
    assert empty.search("", 3, where=Filter.of({"kind": "faq"})) == []


def test_the_best_comes_first_at_most_k_with_scores_from_0_to_1(filled):
    for k in (1, 3, 99):
        found = filled.search("where is my parcel", k)
        assert found[0].id == "parcel"
        assert len(found) == min(k, len(SHOP))
        scores = [passage.score for passage in found]
        assert scores == sorted(scores, reverse=True)
        assert 0 <= scores[-1] <= scores[0] <= 1


def test_what_is_found_is_what_was_added(empty):
    passage = Passage(
        "p:1", "Yes — “within” 30 days.\n退货 🙂", "Can I?", "rules.md#4",
        {"kind": "policy", "language": "en", "valid_until": "2031-01-01"},
    )  # fmt: skip
    empty.add([passage])
    (found,) = empty.search("can i")
    assert (found.id, found.text, found.title) == (passage.id, passage.text, passage.title)
    assert (found.source, dict(found.metadata)) == (passage.source, dict(passage.metadata))


def test_what_is_added_later_is_found(filled):
    assert "repair" not in ids(filled.search("who mends a broken lamp", 99))
    filled.add([faq("repair", "who mends a broken lamp", "We do.")])
    assert filled.search("who mends a broken lamp", 1)[0].text == "We do."
    assert len(filled) == len(SHOP) + 1


def test_a_known_id_replaces_its_passage(filled):
    filled.add([faq("parcel", "can i buy a boat", "No.")])
    assert len(filled) == len(SHOP)
    assert filled.search("can i buy a boat", 1)[0].text == "No."
    assert "See the tracking page." not in [p.text for p in filled.search("where is my parcel", 9)]


def test_an_id_that_stands_twice_in_one_add_counts_as_given_last(empty):
    empty.add([faq("x", "first words", "One."), faq("x", "second words", "Two.")])
    assert len(empty) == 1
    assert [passage.text for passage in empty.search("first words", 9)] == ["Two."]


def test_what_is_deleted_is_not_found_and_unknown_ids_are_passed_over(filled):
    filled.delete(["parcel", "nothing"])
    assert len(filled) == len(SHOP) - 1
    assert "parcel" not in ids(filled.search("where is my parcel", 99))
    filled.add([SHOP[1]])
    assert filled.search("where is my parcel", 1)[0].id == "parcel"
    filled.delete(ids(SHOP))
    assert filled.search("where is my parcel") == []


def test_passages_are_given_by_their_ids_in_order(filled):
    assert ids(filled.get(["parcel", "nothing", "gift", "parcel"])) == ["parcel", "gift"]
    (parcel,) = filled.get(["parcel"])
    assert (parcel.text, parcel.source) == ("See the tracking page.", "faq.md#1")
    assert filled.get([]) == []


def test_a_filter_admits_any_of_its_values_and_all_of_its_keys(empty):
    empty.add(
        [
            Passage("a", "mug", metadata={"kind": "faq", "language": "en"}),
            Passage("b", "mug", metadata={"kind": "policy", "language": "de"}),
            Passage("c", "mug", metadata={"kind": "policy"}),
            Passage("d", "mug", source="x.md#4"),
        ]
    )

    def admitted(**values):
        return set(ids(empty.search("mug", 9, where=Filter.of(values))))

    assert admitted() == {"a", "b", "c", "d"}
    assert admitted(kind="policy") == {"b", "c"}
    assert admitted(kind={"faq", "policy"}) == {"a", "b", "c"}
    assert admitted(kind="policy", language="en") == {"c"}  # without a language: for all
    assert admitted(language="en") == {"a", "c", "d"}
    assert admitted(source="x.md") == {"d"}
    assert admitted(colour="red") == set()


@pytest.mark.parametrize(
    "question",
    ["", " ", "?!", "\0", "where\0is my\0parcel", "parcel " * 1500, "x" * 10_000,
     "订单在哪里", "🙂", "\ud83d where is my parcel", "İ ß ﬁ ①", "where is\nmy\tparcel\r\n"],
)  # fmt: skip
def test_any_text_is_a_question(filled, question):
    found = filled.search(question, 3)
    assert len(found) == 3
    assert all(0 <= passage.score <= 1 for passage in found)


def test_any_text_is_a_passage(empty):
    texts = ["", "\0", "x" * 10_000, "订单在哪里", "\ud83d half", "line\u2028end\nnext"]
    empty.add([Passage(f"p{place}\0é", text, text) for place, text in enumerate(texts)])
    found = {passage.id: passage.text for passage in empty.search("half", 9)}
    assert found == {f"p{place}\0é": text for place, text in enumerate(texts)}
    empty.delete(["p1\0é"])
    assert len(empty) == len(texts) - 1


def test_milvus_finds_k_passages_where_one_has_very_many_known_questions(tmp_path):
    store = milvus(tmp_path)
    known = [asked(f"question {number} about a refund", "refund") for number in range(300)]
    store.add(SHOP, known)
    assert len(store.search("a question about a refund", 3)) == 3
    store.add([SHOP[0]], known[:2])
    assert len(store) == len(SHOP)
    assert len(store._rows_of(["refund"])) == 3  # its own, and those of two questions


def test_a_write_to_milvus_that_fails_loses_nothing(tmp_path, monkeypatch):
    store = milvus(tmp_path)
    store.add(SHOP)

    def fails(*_, **__):
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(store._client, "upsert", fails)
        with pytest.raises(ConnectionError):
            store.add([faq("parcel", "where is my parcel", "Ask us.")])
    assert store.search("where is my parcel", 1)[0].text == "See the tracking page."
