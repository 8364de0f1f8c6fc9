"""How good retrieval is: one encoder, all ways of searching side by side.

StackFAQ in two forms (passages with their question, and answers alone), refusal of topics that are
left out, Chinese questions. What is fitted is fitted on other threads than those it
is measured on, and each question searches all 125.
"""

import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import chinese
from benchmarks.no_answer import PARTS, LeftOut, left_out
from benchmarks.ranking import fit, rank_table
from benchmarks.shell import SAMPLES, row
from benchmarks.stackfaq import (
    DEEP,
    KeptVectors,
    Stack,
    fitted,
    indexed,
    orders,
    ranks_of,
    read_stackfaq,
    reciprocal_rank_fusion,
)
from data.encoders import DEFAULT_ENCODER
from data.schema import Passage
from finetune.serving import shared_encoder
from retrieval.evaluate import measure
from retrieval.folds import groups_of
from retrieval.fusion import FUSIONS, HALVES, WORDS_ONLY
from retrieval.passages import read_passages
from retrieval.questions import Question, read_questions
from retrieval.topics import read_labelled_turns

_SECTION = re.compile(r"^## (.+)$|^<!-- id: (\S+) -->$", re.MULTILINE)


def run(datasets: Path) -> list[dict[str, Any]]:
    """Measure everything with the default encoder."""
    encoder = KeptVectors(shared_encoder(DEFAULT_ENCODER))
    stack = read_stackfaq(datasets / "stackfaq")
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        return [
            *_ranking("StackFAQ", stack, stack.full, encoder, work / "full", (0.960, 0.723)),
            *_ranking("StackFAQ, answers alone", stack, stack.answers, encoder, work / "answers"),
            *_stack_refusals(stack, encoder),
            *_sample_refusals(encoder),
            *chinese.rows(datasets, encoder, work / "chinese"),
        ]


def _ranking(
    what: str,
    stack: Stack,
    passages: Sequence[Passage],
    encoder: KeptVectors,
    work: Path,
    known: tuple[float, float] | None = None,
) -> list[dict[str, Any]]:
    """Rows of one form: vectors, words, reciprocal-rank fusion, ours with and without sentences."""
    questions = stack.questions
    plain = indexed(passages, encoder, work / "plain")
    vectors = orders(plain, questions, HALVES[0])
    words = orders(plain, questions, WORDS_ONLY)
    both = [reciprocal_rank_fusion(*pair) for pair in zip(vectors, words, strict=True)]
    better = max(_mrr(vectors, questions), _mrr(words, questions))
    rows = [
        _row(f"{what}: untuned encoder", 1 / ranks_of(vectors, questions)),
        _row(f"{what}: BM25", 1 / ranks_of(words, questions)),
        _row(f"{what}: reciprocal-rank fusion", 1 / ranks_of(both, questions)),
    ]
    groups = groups_of(questions)
    for label, with_sentences in (("titles", False), ("titles and sentences", True)):
        index = indexed(passages, encoder, work / label, (), True, with_sentences)
        table = rank_table(index, questions, FUSIONS, depth=DEEP)
        found, chosen = fitted(table, groups, stack.folds)
        weights = ", ".join(f"{fusion.dense}/{fusion.whole}" for fusion in chosen)
        aim = f"at least {better:.4f}" if known else f"{better:.4f} + 0.03"
        rows.append(_row(f"{what}: ours, rows for {label}", found, aim, f"vectors/whole {weights}"))
    return rows


def _stack_refusals(stack: Stack, encoder: KeptVectors) -> list[dict[str, Any]]:
    """Threads left out by fold; the paraphrases are known, fitted on and measured on in thirds."""
    parts = {
        passage: int(fold)
        for question, fold in zip(stack.questions, stack.folds, strict=True)
        for passage in question.relevant
    }
    thirds: list[list[Question]] = [[], [], []]
    seen: dict[frozenset[str], int] = {}
    for question in stack.questions:
        place = seen.get(question.relevant, 0)
        seen[question.relevant] = place + 1
        thirds[place % 3].append(question)
    known, fitting, testing = thirds
    alone = left_out(stack.full, parts, fitting, testing, encoder)
    helped = left_out(stack.full, parts, fitting, testing, encoder, known)
    return [
        _refusal("StackFAQ, threads left out", alone),
        _refusal("StackFAQ, threads left out, 3 or 4 known questions a thread", helped),
    ]


def topics(datasets: Path) -> list[dict[str, Any]]:
    """The sample company's refusals and first passages, without and with labelled turns."""
    encoder = KeptVectors(shared_encoder(DEFAULT_ENCODER))
    sample = _sample()
    file = SAMPLES / "turns" / "train.jsonl"
    turns = read_labelled_turns(file, encoder)
    found = left_out(
        sample.passages, sample.parts, sample.fitting, sample.testing, encoder, sample.known, turns
    )
    rows = [_refusal("sample company, sections left out, topics of labelled turns", found)]
    everything = [*sample.testing, *sample.other]
    for label, taught in (("no turns", None), ("topics of labelled turns", turns)):
        with tempfile.TemporaryDirectory() as name:
            index = indexed(sample.passages, encoder, Path(name) / "i", sample.known, titles=True)
            fit(index, sample.fitting, "fit", turns=taught)
            told = measure(index, everything).metrics
            asked = sample.testing[: len(sample.testing) // 2]
            vectors = encoder.encode([question.text for question in asked])
            start = time.perf_counter()
            for question, vector in zip(asked, vectors, strict=True):
                index.search(question.text, vector=vector)
            each_ms = (time.perf_counter() - start) / len(asked) * 1000
        rows.append(row(
            f"sample company, nothing left out, {label}: right FAQ entry first",
            told["recall_at_1"], "",
            f"in the first 3 {told['recall_at_3']:.4f}, answered {told['answered']:.4f}; "
            f"84 others refused {told['refused']:.4f}; a search {each_ms:.2f} ms, not encoded",
        ))  # fmt: skip
    return rows


@dataclass(frozen=True, slots=True)
class _Sample:
    """The sample company's FAQ and its questions; `parts` by the sections of the entries' ids."""

    passages: list[Passage]
    parts: dict[str, int]
    known: list[Question]
    fitting: list[Question]
    testing: list[Question]
    other: list[Question]


def _sample() -> _Sample:
    faq = SAMPLES / "faq.md"
    sections = _sections(faq.read_text(encoding="utf-8"))
    numbers = {name: number for number, name in enumerate(dict.fromkeys(sections.values()))}
    parts = {identity: numbers[name] % PARTS for identity, name in sections.items()}
    known, fitting, testing, other = (
        read_questions(SAMPLES / "questions" / f"{name}.jsonl")
        for name in ("train", "fit", "test", "test_unanswerable")
    )
    passages = read_passages([faq])
    ids = {passage.id for passage in passages}
    fitting = [replace(q, relevant=q.relevant & ids) for q in fitting]
    return _Sample(passages, parts, known, fitting, testing, other)


def _sample_refusals(encoder: KeptVectors) -> list[dict[str, Any]]:
    """Sections of the sample company's FAQ left out."""
    sample = _sample()
    found, more = (
        left_out(sample.passages, sample.parts, sample.fitting, testing, encoder, sample.known)
        for testing in (sample.testing, [*sample.testing, *sample.other])
    )
    return [
        _refusal("sample company, sections left out", found),
        _refusal("the same, and 84 questions that no page answers", more),
    ]


def _sections(text: str) -> dict[str, str]:
    """The section of each entry's id."""
    found: dict[str, str] = {}
    section = ""
    for heading, identity in _SECTION.findall(text):
        section = heading or section
        if identity:
            found[identity] = section
    return found


def _refusal(what: str, found: LeftOut) -> dict[str, str]:
    return row(
        f"{what}: refused", found.refused, "0.85, with 0.90 answered",
        f"answered {found.answered:.4f} (right {found.right:.4f}); refused where 0.90 are answered "
        f"{found.refused_at_90:.4f}; margins {found.margins}",
    )  # fmt: skip


def _row(
    what: str, reciprocal: NDArray[np.float64], target: str = "", beside: str = ""
) -> dict[str, str]:
    first = f"first {np.mean(reciprocal == 1):.4f}, in the first 5 {np.mean(reciprocal >= 0.2):.4f}"
    return row(
        f"{what}: MRR", float(np.mean(reciprocal)), target, "; ".join(filter(None, [first, beside]))
    )


def _mrr(found: Sequence[Sequence[str]], questions: Sequence[Question]) -> float:
    return float(np.mean(1 / ranks_of(found, questions)))
