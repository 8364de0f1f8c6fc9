"""A reranker's second look at what was found."""

from dataclasses import replace

import numpy as np
import pytest

from retrieval.rerank import fit_weight, reciprocal, reranked
from tests.shop import SHOP, ids


class ByLength:
    """Likes long passages, and keeps what it was shown."""

    def scores(self, question, passages):
        self.seen = [question, *passages]
        return np.array([len(passage) / 100 for passage in passages])


def test_the_reranker_decides_the_order_and_the_scores():
    reader = ByLength()
    found = reranked("how long", list(reversed(SHOP)), reader, 2)
    assert ids(found) == ["refund", "parcel"]
    assert found[0].score == len(reader.seen[-1]) / 100
    assert reader.seen[0] == "how long"
    assert reader.seen[-1] == "when does my refund arrive\nFive working days."


def test_equal_scores_leave_the_order_of_the_search():
    class Same:
        def scores(self, question, passages):
            return np.full(len(passages), 0.5)

    assert ids(reranked("x", SHOP, Same(), 9)) == ids(SHOP)
    assert reranked("x", [], Same(), 3) == []


def test_a_weight_mixes_both_scores_and_none_leaves_the_search_as_it_was():
    found = [replace(SHOP[0], score=0.8), replace(SHOP[1], score=0.6)]

    class Other:
        def scores(self, question, passages):
            return np.array([0.1, 0.9])

    half = reranked("x", found, Other(), 2, 0.5)
    assert [each.id for each in half] == [SHOP[1].id, SHOP[0].id]
    assert [each.score for each in half] == pytest.approx([0.75, 0.45])
    assert reranked("x", found, Other(), 2, 0.0) == found


def test_a_weight_is_fitted_where_the_second_look_helps_and_is_none_where_it_does_not():
    found = [[replace(SHOP[0], score=0.8), replace(SHOP[1], score=0.7)]] * 4
    better, worse = np.array([0.1, 0.9]), np.array([0.9, 0.1])
    second = [frozenset({SHOP[1].id})] * 4
    assert fit_weight(found, [better] * 4, second) == 0.15  # the least that changes the order
    assert fit_weight(found, [worse] * 4, second) == 0.0
    assert fit_weight(found, [better] * 4, [frozenset({"elsewhere"})] * 4) == 0.0


def test_a_passage_that_is_not_found_is_worth_nothing():
    assert reciprocal(SHOP, frozenset({SHOP[1].id})) == 0.5
    assert reciprocal(SHOP, frozenset({"elsewhere"})) == 0.0
