"""Answers that are close but wrong, from which reply models learn."""

import sys
import tracemalloc

import datasets
import pytest
from sentence_transformers import SentenceTransformer

from data.encoders import DEFAULT_ENCODER, resolve_encoder
from data.schema import Example
from finetune.reply.ranking import draw
from finetune.reply.rows import with_negatives
from tests.conftest import small

THINGS = "lamp desk chair book mug ring kettle phone coat sofa pillow blanket".split()
WISHES = "is broken|is late|has the wrong colour|cannot be returned|needs a new battery".split("|")
ANSWERS = (
    "we repair the {}|the lorry with your {} left today|we swap the colour of your {}|"
    "here is a label for the {}|a battery for the {} is in the post"
).split("|")
PAIRS = datasets.Dataset.from_dict(
    {
        "anchor": [f"my {thing} {wish}" for thing in THINGS for wish in WISHES],
        "positive": [answer.format(thing) for thing in THINGS for answer in ANSWERS],
    }
)


@pytest.mark.parametrize("watched", [True, False])
def test_a_wrong_answer_stands_beside_each_right_one_and_bars_only_on_a_terminal(
    tiny, watched, capsys, monkeypatch
):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: watched)
    # A random encoder finds all texts alike, and then nothing is surely wrong.
    model = SentenceTransformer(str(resolve_encoder(DEFAULT_ENCODER).path), device="cpu")
    capsys.readouterr()
    rows = with_negatives(PAIRS, model, small("reply", tiny, reply={"hard_negatives": 1}))
    assert ("Batches" in capsys.readouterr().err) == watched
    assert len(rows) >= 30
    right = dict(zip(PAIRS["anchor"], PAIRS["positive"], strict=True))
    for row in rows:
        assert row["positive"] == right[row["anchor"]]
        assert row["negative_1"] in right.values()
        assert row["negative_1"] != row["positive"]
    assert "encode" not in vars(model)


def test_few_pairs_are_left_as_they_are(tiny):
    few = PAIRS.select(range(20))
    assert with_negatives(few, None, small("reply", tiny)) is few


def test_one_very_long_answer_does_not_lengthen_the_others():
    answers = ["a" * 100_000, *(f"answer {n}" for n in range(300))]
    rows = [Example("q", answer=each, where=f"c{n}:0") for n, each in enumerate(answers)]
    tracemalloc.start()
    draw(rows, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 2**20
