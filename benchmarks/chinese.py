"""Chinese questions: by words and characters, and by the default encoder, made for English."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.shell import SAMPLES, row
from benchmarks.stackfaq import indexed
from data.encoders import Encoder
from data.schema import Passage
from retrieval.evaluate import measure
from retrieval.fusion import DENSE_ONLY, WORDS_ONLY
from retrieval.passages import read_passages
from retrieval.questions import Question, read_questions

PAIRS = 1500  # rows of BQ's test file: encoding all ten thousand would take long


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
    """Metrics of words alone and of the vectors alone."""
    index = indexed(passages, encoder, root, titles=True)
    return {
        "words": measure(index.weighted(WORDS_ONLY), questions).metrics,
        "vectors": measure(index.weighted(DENSE_ONLY), questions).metrics,
    }


def rows(datasets: Path, encoder: Encoder, work: Path) -> list[dict[str, Any]]:
    """BQ and the sample company's Chinese FAQ."""
    passages, questions = read_bq(datasets / "zh_sentence_pairs")
    found = compared(passages, questions, encoder, work / "bq")
    faq = read_passages([SAMPLES / "zh" / "faq.md"])
    own = read_questions(SAMPLES / "zh" / "questions" / "test.jsonl")
    ours = compared(faq, own, encoder, work / "zh")
    counts = f"{len(questions)} questions over {len(passages)} sentences"
    cut = "words and characters"
    return [
        _row(f"BQ, {counts}, {cut}", found["words"]),
        _row("BQ, all-MiniLM-L6-v2 (English)", found["vectors"]),
        _row(f"sample company in Chinese, 120 questions over 40 entries, {cut}", ours["words"]),
        _row("sample company in Chinese, all-MiniLM-L6-v2 (English)", ours["vectors"]),
    ]


def _row(what: str, found: dict[str, float]) -> dict[str, str]:
    beside = f"first {found['recall_at_1']:.4f}, in the first 5 {found['recall_at_5']:.4f}"
    return row(f"{what}: MRR", found["mrr"], "", beside)
