"""A reranker's second look at what was found."""

import numpy as np

from retrieval.rerank import reranked
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
