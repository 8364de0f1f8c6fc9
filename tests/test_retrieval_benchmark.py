import json
from collections import Counter

import numpy as np
import pytest

from benchmarks import rerank
from benchmarks.no_answer import _within
from benchmarks.retrieval import _sections
from benchmarks.retrieval_tuned import answer_ranks, stack_pairs
from benchmarks.stackfaq import (
    KeptVectors,
    fitted,
    indexed,
    orders,
    ranks_of,
    read_stackfaq,
    reciprocal_rank_fusion,
)
from data.schema import Example
from retrieval.fusion import DENSE_ONLY, FUSIONS
from retrieval.questions import Question
from tests.fakes import HashEncoder


@pytest.fixture
def stack(tmp_path):
    threads = [
        {"question": f"how to paint {thing}", "answer": [f"take a brush to the {thing}", "other"],
         "rephr": [f"painting a {thing}", "*", None, f"{thing} in red"]}
        for thing in "wall door roof fence boat car".split()
    ]  # fmt: skip
    path = tmp_path / "stackExchange-FAQ.json"
    path.write_text(json.dumps({"root": {"qapair": threads}}), encoding="utf-8")
    return read_stackfaq(tmp_path)


def test_threads_become_passages_and_separators_no_questions(stack):
    assert len(stack.full) == len(stack.answers) == 6
    assert len(stack.questions) == 12
    assert stack.full[0].title == "how to paint wall"
    assert (stack.answers[0].title, stack.answers[0].text) == ("", "take a brush to the wall")
    for passage in stack.full:
        of_thread = [passage.id in question.relevant for question in stack.questions]
        assert len(set(stack.folds[of_thread])) == 1


def test_tuning_on_a_fold_sees_no_question_and_no_text_of_its_threads(stack):
    chosen = stack.folds != 0
    left_out = {next(iter(stack.questions[at].relevant)) for at in np.flatnonzero(~chosen)}
    assert left_out
    pairs = stack_pairs(stack, chosen)
    assert not {thread for thread, *_ in pairs} & left_out
    hidden = {passage.text for passage in stack.full if passage.id in left_out}
    assert not {text for _, _, text in pairs} & hidden


def test_a_second_look_is_trained_and_weighed_on_threads_of_other_folds(stack):
    chosen = stack.folds != 0
    left_out = {next(iter(stack.questions[at].relevant)) for at in np.flatnonzero(~chosen)}
    pairs = rerank.stack_pairs(stack, chosen)
    assert not {thread for thread, *_ in pairs} & left_out
    assert rerank.held_out(pairs) <= {thread for thread, *_ in pairs}
    assert all("how to" not in text for *_, text in pairs)  # answers, not titles


def test_at_least_ten_groups_are_held_out_where_there_are_as_many():
    for groups in (60, 100, 15):
        pairs = [(f"{group:03d}", "q", "a") for group in range(groups)]
        assert 10 <= len(rerank.held_out(pairs)) <= 15


def test_known_questions_of_the_sample_company_train_a_second_look_at_most_three_a_text():
    pairs = rerank.sample_pairs()
    counts = Counter(text for *_, text in pairs)
    assert len(counts) > 50
    assert set(counts.values()) <= {1, 2, 3}


def test_an_order_holds_every_passage_and_the_right_one_has_its_place(stack, tmp_path):
    index = indexed(stack.full, KeptVectors(HashEncoder()), tmp_path / "index", titles=True)
    found = orders(index, stack.questions, DENSE_ONLY)
    assert all(len(set(ids)) == 6 for ids in found)
    assert ranks_of([["a", "b"], ["b", "a"]], [Question("q", frozenset({"a"}))] * 2).tolist() == [
        1,
        2,
    ]


def test_reciprocal_rank_fusion_prefers_what_both_orders_have_early():
    assert reciprocal_rank_fusion("abc", "cab")[0] == "a"
    assert reciprocal_rank_fusion("abc", "abc") == ["a", "b", "c"]


def test_each_fold_gets_what_the_others_choose():
    table = np.full((len(FUSIONS), 50), 0.5)
    table[5] = 0.9
    folds = np.arange(50) % 5
    table[7, folds == 0] = 1.0  # best on this fold alone: it must not be chosen for it
    found, chosen = fitted(table, np.arange(50), folds)
    assert set(found) == {0.9}
    assert chosen == [FUSIONS[5]] * 5


def test_vectors_are_kept_and_each_text_is_encoded_once():
    class Counting(HashEncoder):
        seen = ()

        def encode(self, texts):
            self.seen = (*self.seen, *texts)
            return super().encode(texts)

    inner = Counting()
    encoder = KeptVectors(inner)
    first = encoder.encode(["a b", "c", "a b"])
    assert np.array_equal(encoder.encode(["c", "a b"]), first[[1, 0]])
    assert inner.seen == ("a b", "c")


def test_questions_lose_the_ids_that_are_left_out(stack):
    questions = [Question("a", frozenset({"thread-000", "thread-001"})),
                 Question("b", frozenset({"thread-005"})), Question("c", frozenset())]  # fmt: skip
    few = stack.full[:1]
    assert _within(questions, few) == [Question("a", frozenset({"thread-000"}))]
    assert [q.relevant for q in _within(questions, few, keep=True)[1:]] == [frozenset()] * 2


def test_entries_have_the_section_above_them():
    text = "# FAQ\n\n## A\n\n### q?\n<!-- id: x -->\nyes\n\n## B\n\n### r?\n<!-- id: y -->\nno\n"
    assert _sections(text) == {"x": "A", "y": "B"}


def test_an_answer_is_ranked_among_all_different_answers():
    examples = [
        Example("where is my coat", answer="your coat is here", where="a:1"),
        Example("where is my coat", answer="bye", where="b:1"),
        Example("thanks", answer="bye", where="c:1"),
    ]
    ranks = answer_ranks(HashEncoder(), examples)
    assert ranks[0] == 1
    assert ranks[1] == 2
