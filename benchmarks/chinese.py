"""Chinese questions: by words (jieba) and by the default encoder, which was made for English."""

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.shell import SAMPLES, row
from benchmarks.stackfaq import indexed
from data.encoders import Encoder
from data.schema import Passage
from retrieval.evaluate import evaluate
from retrieval.fusion import DENSE_ONLY, WORDS_ONLY
from retrieval.highlight import pieces
from retrieval.passages import read_passages
from retrieval.questions import Question, read_questions

CHINESE = re.compile(r"[\u3400-\u9fff]")
PAIRS = 1500  # rows of BQ's test file: encoding all ten thousand would take long


class OneVector:
    """Stands for an encoder where words alone are searched."""

    fingerprint = "one vector"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See Encoder."""
        return np.ones((len(texts), 1), dtype=np.float32)


def read_bq(folder: Path) -> tuple[list[Passage], list[Question]]:
    """Second sentences as passages; first sentences as questions, with all that mean the same."""
    path = folder / "BQ_corpus" / "test.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))[:PAIRS]
    ids: dict[str, str] = {}
    for each in rows:
        ids.setdefault(each["sentence2"], f"s{len(ids)}")
    passages = [Passage(identity, text, "", "BQ") for text, identity in ids.items()]
    same: dict[str, set[str]] = {}
    for each in rows:
        if each["label"] == "1":
            same.setdefault(each["sentence1"], set()).add(ids[each["sentence2"]])
    return passages, [Question(text, frozenset(found)) for text, found in same.items()]


def compared(
    passages: Sequence[Passage], questions: Sequence[Question], encoder: Encoder, root: Path
) -> dict[str, dict[str, float]]:
    """Metrics of the vectors alone, and of three ways to cut Chinese into words for BM25 alone."""
    plain = indexed(passages, encoder, root / "vectors", titles=True)
    found = {"vectors": evaluate(plain.weighted(DENSE_ONLY), questions)}
    for name, cut in (("words", str), ("pairs", _pairs), ("characters", _characters)):
        apart = [replace(p, text=cut(p.text), title=cut(p.title)) for p in passages]
        index = indexed(apart, OneVector(), root / name, titles=True)
        asked = [Question(cut(q.text), q.relevant) for q in questions]
        found[name] = evaluate(index.weighted(WORDS_ONLY), asked)
    return found


def rows(datasets: Path, encoder: Encoder, work: Path) -> list[dict[str, Any]]:
    """BQ and the sample company's Chinese FAQ."""
    passages, questions = read_bq(datasets / "zh_sentence_pairs")
    found = compared(passages, questions, encoder, work / "bq")
    faq = read_passages([SAMPLES / "zh" / "faq.md"])
    own = read_questions(SAMPLES / "zh" / "questions" / "test.jsonl")
    ours = compared(faq, own, encoder, work / "zh")
    counts = f"{len(questions)} questions over {len(passages)} sentences"
    return [
        _row(f"BQ, {counts}, words cut by jieba", found["words"]),
        _row("BQ, pairs of characters", found["pairs"]),
        _row("BQ, characters and their pairs", found["characters"]),
        _row("BQ, all-MiniLM-L6-v2 (English)", found["vectors"]),
        _row(
            "sample company in Chinese, 120 questions over 40 entries, words cut by jieba",
            ours["words"],
        ),
        _row("sample company in Chinese, pairs of characters", ours["pairs"]),
        _row("sample company in Chinese, characters and their pairs", ours["characters"]),
        _row("sample company in Chinese, all-MiniLM-L6-v2 (English)", ours["vectors"]),
    ]


def _row(what: str, found: dict[str, float]) -> dict[str, str]:
    beside = f"first {found['recall_at_1']:.4f}, in the first 5 {found['recall_at_5']:.4f}"
    return row(f"{what}: MRR", found["mrr"], "", beside)


def _pairs(text: str) -> str:
    return " ".join(piece for piece, _, _ in pieces(text))


def _characters(text: str) -> str:
    return " ".join([*filter(CHINESE.match, text), _pairs(text)])
