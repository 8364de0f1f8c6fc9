"""Segments whose vectors are in inverted lists."""

import os
import zlib

import numpy as np
import pytest

import retrieval.dense
from retrieval.filters import Filter
from retrieval.index import open_index
from retrieval.writing import add, build_index, compact, delete
from tests.shop import faq, ids


@pytest.fixture(autouse=True)
def no_wait_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def few_exact_rows(monkeypatch):
    """Segments of more than 300 rows have inverted lists."""
    monkeypatch.setattr(retrieval.dense.write_vectors, "__defaults__", (300,))
    monkeypatch.setattr(retrieval.dense, "_FEW", 20)


class WideEncoder:
    """A random direction of 32 for each text, the same each time; near texts are not near."""

    fingerprint = "wide"

    def encode(self, texts):
        rows = [np.random.default_rng(zlib.crc32(text.encode())).normal(size=32) for text in texts]
        vectors = np.array(rows, dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_large_segment_finds_nearly_what_an_exact_one_finds(
    tmp_path, few_exact_rows, monkeypatch
):
    passages = [faq(str(n), f"title {n}", kind=("faq", "rare")[n % 50 == 0]) for n in range(2000)]
    large = build_index(passages, WideEncoder(), "wide", tmp_path / "large")
    monkeypatch.setattr(retrieval.dense.write_vectors, "__defaults__", (5000,))
    exact = build_index(passages, WideEncoder(), "wide", tmp_path / "exact")
    assert (large.root / large.manifest.segments[0].name / "vectors.faiss").exists()
    again = open_index(large.root, WideEncoder())
    assert again.search("title 7", 5, where=Filter.of({"kind": "none"})) == []
    for where in (None, Filter.of({"kind": "rare"}), Filter.of({"kind": "faq"})):
        hits = []
        for number in range(30):
            near = ids(exact.search(f"question {number}", 10, where=where))
            got = ids(again.search(f"question {number}", 10, where=where))
            hits.append(len({*near} & {*got}) / 10)
        assert np.mean(hits) >= 0.93
    assert again.search("title 7\nYes.", 1)[0].score == pytest.approx(1, abs=0.01)
    assert len(again.search("question", 1999)) == 1999


def test_a_large_segment_is_merged_and_deleted_from_like_others(tmp_path, few_exact_rows):
    passages = [faq(str(n), f"title {n}") for n in range(400)]
    index = build_index(passages, WideEncoder(), "wide", tmp_path / "index")
    index = compact(delete(add(index, [faq("new", "something new")]), ["7", "8"]))
    assert len(index) == 399
    assert index.search("something new\nYes.", 1)[0].id == "new"
    assert index.search("title 9\nYes.", 1)[0].id == "9"
    assert "7" not in ids(index.search("title 7\nYes.", 50))
