"""Search by words: BM25 through bm25s."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

import bm25s

logging.getLogger("bm25s").setLevel(logging.WARNING)  # importing it has set DEBUG
_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """Lower-cased words and numbers, plural `s` cut."""
    return [
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
        for word in _WORD.findall(text.lower())
    ]


class LexicalIndex:
    """BM25 over texts (Robertson & Zaragoza 2009; Lucene's variant, bm25s' default)."""

    def __init__(self, bm25: bm25s.BM25, size: int) -> None:
        self._bm25 = bm25
        self.size = size

    @classmethod
    def build(cls, texts: Sequence[str]) -> "LexicalIndex":
        """Index texts in their order."""
        bm25 = bm25s.BM25()
        bm25.index([words_of(text) or ["∅"] for text in texts], show_progress=False)
        return cls(bm25, len(texts))

    def search(self, question: str, k: int) -> list[tuple[int, float]]:
        """(row, score at least 0) of up to `k` rows that share a word, best first."""
        words = [word for word in words_of(question) if word in self._bm25.vocab_dict]
        if not words:
            return []
        rows, scores = self._bm25.retrieve([words], k=min(k, self.size), show_progress=False)
        return [
            (int(row), float(score))
            for row, score in zip(rows[0], scores[0], strict=True)
            if score > 0
        ]

    def save(self, folder: Path) -> None:
        """Write its arrays and vocabulary."""
        self._bm25.save(str(folder), show_progress=False)

    @classmethod
    def load(cls, folder: Path) -> "LexicalIndex":
        """Read what `save` wrote."""
        bm25 = bm25s.BM25.load(str(folder), load_corpus=False, show_progress=False)
        return cls(bm25, int(bm25.scores["num_docs"]))
