"""Reading the first candidates again with a cross-encoder: does it help, and at what weight?

    python -m benchmarks.rerank stackfaq sample [--datasets DIR] [--folds 0,1]

Runs of `train reply` go to var/benchmarks/rerank/; one that is there is not trained again. The case
`rerank` measures those that are there and says of the others that they are not measured.

StackFAQ: five runs, each on the questions of four fifths of the threads with their answers; every
question searches all threads. The sample company: a run on the known questions, and five on those
of the sections that are left in.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.ranking import fit
from benchmarks.retrieval_tuned import write_pairs
from benchmarks.shell import ROOT, SAMPLES, deskhand, row
from benchmarks.stackfaq import KeptVectors, Stack, indexed, read_stackfaq
from data.encoders import DEFAULT_ENCODER
from data.schema import Passage
from finetune.reply.reranker import RerankerModel
from finetune.serving import encoder_of
from retrieval.cutoff import curve_of, fit_decision
from retrieval.folds import groups_of
from retrieval.index import Index
from retrieval.passages import embedding_text, read_passages
from retrieval.protocols import Reranker
from retrieval.questions import Question, read_questions
from retrieval.rerank import Scores, fit_weight, mixed, reciprocal, second_look

NOT_MEASURED = "not measured"
DEPTH = 8  # passages that are read again
KEPT = ROOT / "var" / "benchmarks" / "rerank"
CONFIG = ROOT / "finetune" / "configs" / "reply_cross.yaml"
# Chosen for their time: a run of five is minutes on one core.
SETTINGS = ("max_tokens=192", "reply.random_negatives=1", "threads=1", "optim.batch_size=16")
SAMPLE_RUN = KEPT / "sample" / "reply"
A_TEXT = 3  # questions put to each answer: `train reply` takes no more


def main(
    names: Annotated[list[str], typer.Argument(help="stackfaq, sample")],
    datasets: Annotated[Path, typer.Option(help="public data sets")] = Path("../shared/datasets"),
    folds: Annotated[str, typer.Option(help="of StackFAQ, by commas")] = "0,1,2,3,4",
) -> None:
    """Train what is missing."""
    for name in names:
        if name == "stackfaq":
            stack = read_stackfaq(datasets / "stackfaq")
            for fold in folds.split(","):
                train_stack(stack, int(fold))
        elif name == "sample":
            trained(SAMPLE_RUN, sample_pairs())
        else:
            raise typer.BadParameter(f"no set {name!r}; stackfaq, sample")


def stack_run(fold: int) -> Path:
    """The run that saw no thread of this fold."""
    return KEPT / f"stackfaq-{fold}" / "reply"


def train_stack(stack: Stack, fold: int) -> None:
    """Train the run of a fold where it is missing."""
    trained(stack_run(fold), stack_pairs(stack, stack.folds != fold))


def trained(run: Path, pairs: Sequence[tuple[str, str, str]]) -> None:
    """Train on (group, question, text) where the run is missing; see `held_out`."""
    if run.exists():
        return
    held = held_out(pairs)
    data = run.parent / "pairs"
    write_pairs(data / "train.jsonl", [pair for pair in pairs if pair[0] not in held])
    write_pairs(data / "validation.jsonl", [pair for pair in pairs if pair[0] in held])
    settings = [word for each in SETTINGS for word in ("--set", each)]
    deskhand(ROOT, "train", "reply", "--config", CONFIG, "--data", data, "--out", run, *settings)


def held_out(pairs: Sequence[tuple[str, str, str]]) -> set[str]:
    """A tenth of the groups, but ten: the scale of the scores and their weight are fitted on them.

    `train reply` does not score fewer than ten different answers.
    """
    groups = sorted({group for group, *_ in pairs})
    return set(groups[:: min(max(len(groups) // 10, 1), 10)])


def stack_pairs(stack: Stack, chosen: NDArray[np.bool_]) -> list[tuple[str, str, str]]:
    """(thread, question, answer) of the chosen questions, in a drawn order."""
    texts = {passage.id: passage.text for passage in stack.answers}
    asked: dict[str, list[str]] = {}
    for question, taken in zip(stack.questions, chosen, strict=True):
        if taken:
            asked.setdefault(next(iter(question.relevant)), []).append(question.text)
    return _drawn(asked, texts)


def sample_pairs() -> list[tuple[str, str, str]]:
    """(entry, question, its text) of the sample company's known questions, in a drawn order."""
    texts = {passage.id: embedding_text(passage) for passage in read_passages([SAMPLES / "faq.md"])}
    asked: dict[str, list[str]] = {}
    for question in read_questions(SAMPLES / "questions" / "train.jsonl"):
        for identity in sorted(question.relevant & texts.keys()):
            asked.setdefault(identity, []).append(question.text)
    return _drawn(asked, texts)


def _drawn(
    asked: Mapping[str, Sequence[str]], texts: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    """At most A_TEXT questions of each text, in a drawn order."""
    generator = np.random.default_rng(0)
    pairs = [
        (identity, questions[place], texts[identity])
        for identity, questions in asked.items()
        for place in generator.permutation(len(questions))[:A_TEXT]
    ]
    return [pairs[place] for place in generator.permutation(len(pairs))]


def run(datasets: Path) -> list[dict[str, Any]]:
    """Measure what was trained, with weights of 8 bits as an app would serve it."""
    with tempfile.TemporaryDirectory() as name:
        return [
            *stack_rows(read_stackfaq(datasets / "stackfaq"), Path(name)),
            *sample_rows(Path(name)),
        ]


def stack_rows(stack: Stack, work: Path) -> list[dict[str, Any]]:
    """Each form of StackFAQ: the questions of the folds whose run is there."""
    folds = [int(fold) for fold in np.unique(stack.folds) if stack_run(int(fold)).exists()]
    if not folds:
        return [row("StackFAQ, reranked", NOT_MEASURED, "", "python -m benchmarks.rerank stackfaq")]
    encoder = KeptVectors(encoder_of(DEFAULT_ENCODER))
    rows = []
    for what, passages in (("StackFAQ", stack.full), ("StackFAQ, answers alone", stack.answers)):
        index = indexed(passages, encoder, work / what, titles=True)
        parts = [_stack_fold(stack, index, fold) for fold in folds]
        first, second, both = (
            np.concatenate([found[place] for found, _ in parts]) for place in range(3)
        )
        more = " + 0.03" if what.endswith("alone") else ""
        weights = ", ".join(str(weight) for _, weight in parts)
        rows.append(
            row(
                f"{what}, {DEPTH} reranked, mixed by a fitted weight: MRR",
                float(both.mean()),
                f"{first.mean():.4f}{more}",
                f"not reranked {first.mean():.4f}, by the cross-encoder alone {second.mean():.4f}; "
                f"weights {weights}; {len(both)} questions of {len(folds)} of 5 folds",
            )  # fmt: skip
        )
    return rows


def _stack_fold(
    stack: Stack, index: Index, fold: int
) -> tuple[tuple[NDArray[np.float64], ...], float]:
    """Reciprocal ranks of a fold's questions: not reranked, by the reranker, mixed; the weight.

    The weight is fitted on the questions of the threads that the run was not trained on either.
    """
    reranker = RerankerModel(stack_run(fold), int8=True)
    pairs = stack_pairs(stack, stack.folds != fold)
    held = held_out(pairs)
    fitting = [q for q in stack.questions if q.relevant & held]
    weight = fit_weight(*looked_twice(index, fitting, reranker))
    asked = [q for q, of in zip(stack.questions, stack.folds, strict=True) if of == fold]
    looked = looked_twice(index, asked, reranker)
    return tuple(ranks(looked, each) for each in (0.0, 1.0, weight)), weight


Looked = tuple[list[list[Passage]], list[Scores], list[frozenset[str]]]


def looked_twice(index: Index, questions: Sequence[Question], reranker: Reranker) -> Looked:
    """What the search finds for each question, what the reranker says of it, and what answers."""
    found = [index.search(question.text, DEPTH) for question in questions]
    second = [
        second_look(question.text, passages, reranker)
        for question, passages in zip(questions, found, strict=True)
    ]
    return found, second, [question.relevant for question in questions]


def ranks(looked: Looked, weight: float) -> NDArray[np.float64]:
    """Reciprocal ranks (n,) under a weight of the second look."""
    return np.array(
        [
            reciprocal(mixed(passages, scores, weight), ids)
            for passages, scores, ids in zip(*looked, strict=True)
        ]
    )


def sample_rows(work: Path) -> list[dict[str, Any]]:
    """The sample company's FAQ: weight and decision are fitted on the questions to fit on."""
    if not SAMPLE_RUN.exists():
        return [row("sample FAQ, reranked", NOT_MEASURED, "", "python -m benchmarks.rerank sample")]
    folder = SAMPLES / "questions"
    known, fitting, testing, other = (
        read_questions(folder / f"{name}.jsonl")
        for name in ("train", "fit", "test", "test_unanswerable")
    )
    passages = read_passages([SAMPLES / "faq.md"])
    ids = {passage.id for passage in passages}
    known, fitting = (
        [replace(q, relevant=q.relevant & ids) for q in each] for each in (known, fitting)
    )
    encoder = KeptVectors(encoder_of(DEFAULT_ENCODER))
    rows = [q for q in known if q.relevant]
    index = fit(indexed(passages, encoder, work / "sample", rows, titles=True), fitting, "fit")
    reranker = RerankerModel(SAMPLE_RUN, int8=True)
    fitted = looked_twice(index, fitting, reranker)
    found, second, relevant = fitted
    answered = [place for place, ids in enumerate(relevant) if ids]
    weight = fit_weight(
        [found[place] for place in answered],
        [second[place] for place in answered],
        [relevant[place] for place in answered],
    )
    looked = looked_twice(index, [*testing, *other], reranker)
    rows_out = []
    for label, each in (("not reranked", 0.0), ("by the cross-encoder", 1.0), ("mixed", weight)):
        told = _decided(fitted, looked, each, groups_of(fitting))
        rows_out.append(
            row(
                f"sample FAQ, {label}: first",
                told[0],
                "",
                f"in the first 3 {told[1]:.4f}; refused "
                f"{told[2]:.4f} with {told[3]:.4f} answered, {told[4]:.4f} where 0.90 are answered"
                + (f"; weight {each}" if label == "mixed" else ""),
            )  # fmt: skip
        )
    return rows_out


def _decided(
    fitted: Looked, looked: Looked, weight: float, groups: NDArray[np.int64]
) -> tuple[float, float, float, float, float]:
    """First, in the first 3, refused, answered, refused where 0.90 are answered; each in [0, 1]."""
    orders, reciprocals = [], []
    for found, second, ids in (fitted, looked):
        pairs = zip(found, second, strict=True)
        orders.append([mixed(passages, scores, weight) for passages, scores in pairs])
        of = zip(orders[-1], ids, strict=True)
        reciprocals.append(np.array([reciprocal(passages, each) for passages, each in of]))
    known = [np.array([bool(each) for each in part[2]]) for part in (fitted, looked)]
    decision = fit_decision(orders[0], reciprocals[0] == 1, known[0], groups)
    values = np.array([decision.value(passages) for passages in orders[1]])
    given = values >= decision.threshold
    asked = reciprocals[1][known[1]]
    return (
        float(np.mean(asked == 1)), float(np.mean(asked >= 1 / 3)),
        float(np.mean(~given[~known[1]])), float(np.mean(given[known[1]])),
        curve_of(values, reciprocals[1] == 1, known[1]).refused_at(0.9),
    )  # fmt: skip


if __name__ == "__main__":
    typer.run(main)
