"""Retrieval before and after tuning: what takes long is trained once and kept.

    python -m benchmarks.retrieval_tuned stackfaq tweetsumm star [--datasets DIR]

Runs of `train reply` go to var/benchmarks/retrieval/; one that is there is not trained again. The
case `retrieval_tuned` measures those that are there and says of the others that they are not
measured.

StackFAQ: five runs, each on the questions of four fifths of the threads with their titles and
answers. TweetSumm and STAR: contexts of held-out conversations, the right answer among the answers
of the whole held-out collection, after training on at most MOST other conversations.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.ranking import rank_table
from benchmarks.shell import ROOT, deskhand, row
from benchmarks.stackfaq import KeptVectors, Stack, fitted, indexed, read_stackfaq
from data.encoders import DEFAULT_ENCODER, Encoder
from data.schema import Example, Passage
from finetune.reading import read_replies
from finetune.serving import encoder_of
from retrieval.folds import groups_of
from retrieval.fusion import FUSIONS

KEPT = ROOT / "var" / "benchmarks" / "retrieval"
# Tuned with 64 tokens at 2e-4 the search got worse than untuned; answers are longer than that.
STACK_SETTINGS = ("--set", "method=top_layers", "--set", "optim.lr=4e-5")
A_TEXT = 3  # questions put to each title and each answer: `train reply` takes no more
COLLECTION = 2000  # contexts that are ranked at most
MOST = 800  # conversations that are trained on; TweetSumm has fewer
NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Collection:
    """Conversations to train on and others to measure on."""

    name: str
    training: str
    measured: str | None

    @property
    def folder(self) -> Path:
        """Where its prepared logs and its run are kept."""
        return KEPT / self.name

    @property
    def run(self) -> Path:
        """The tuned run."""
        return self.folder / "reply"


COLLECTIONS = {
    "tweetsumm": Collection(
        "tweetsumm",
        "tweetsumm/tweetsumm_joined_train.jsonl",
        "tweetsumm/tweetsumm_joined_valid.jsonl",
    ),
    "star": Collection("star", "star/star_data_json.tar.gz", None),
}


def main(
    names: Annotated[list[str], typer.Argument(help="stackfaq, tweetsumm, star")],
    datasets: Annotated[Path, typer.Option(help="public data sets")] = Path("../shared/datasets"),
) -> None:
    """Train what is missing."""
    for name in names:
        if name == "stackfaq":
            train_stack(read_stackfaq(datasets / "stackfaq"))
        elif name in COLLECTIONS:
            train_collection(COLLECTIONS[name], datasets)
        else:
            raise typer.BadParameter(f"no set {name!r}; stackfaq, {', '.join(COLLECTIONS)}")


def run(datasets: Path) -> list[dict[str, Any]]:
    """Measure what was trained."""
    stack = read_stackfaq(datasets / "stackfaq")
    with tempfile.TemporaryDirectory() as name:
        rows = stack_rows(stack, Path(name))
    return rows + collection_rows(datasets, encoder_of(DEFAULT_ENCODER))


def stack_run(fold: int) -> Path:
    """The run that saw no thread of this fold."""
    return KEPT / f"stackfaq-{fold}" / "reply"


def train_stack(stack: Stack) -> None:
    """Train the five runs of StackFAQ that are missing."""
    for fold in np.unique(stack.folds):
        run = stack_run(int(fold))
        if run.exists():
            continue
        pairs = stack_pairs(stack, stack.folds != fold)
        data = run.parent / "pairs"
        # A tenth of the threads decides nothing but the recorded validation figures.
        held = sorted({thread for thread, *_ in pairs})[::10]
        write_pairs(data / "train.jsonl", [pair for pair in pairs if pair[0] not in held])
        write_pairs(data / "validation.jsonl", [pair for pair in pairs if pair[0] in held])
        deskhand(ROOT, "train", "reply", "--data", data, "--out", run, *STACK_SETTINGS)


def stack_pairs(stack: Stack, chosen: NDArray[np.bool_]) -> list[tuple[str, str, str]]:
    """(thread, question, title or answer) of the chosen questions, in a drawn order."""
    texts = {passage.id: (passage.title, passage.text) for passage in stack.full}
    generator = np.random.default_rng(0)
    asked: dict[str, list[str]] = {}
    for question, taken in zip(stack.questions, chosen, strict=True):
        if taken:
            asked.setdefault(next(iter(question.relevant)), []).append(question.text)
    pairs = [
        (thread, questions[place], text)
        for thread, questions in asked.items()
        for text in texts[thread]
        for place in generator.permutation(len(questions))[:A_TEXT]
    ]
    return [pairs[place] for place in generator.permutation(len(pairs))]


def train_collection(each: Collection, datasets: Path) -> None:
    """Prepare the logs of a collection and train its run, where they are missing."""
    prepared(each, datasets)
    if not each.run.exists():
        data = each.folder / "pairs"
        data.mkdir(exist_ok=True)
        for split, most in (("train", MOST), ("validation", MOST // 10)):
            lines = (each.folder / "logs" / f"{split}.jsonl").read_bytes().splitlines(keepends=True)
            evenly = lines[:: max(len(lines) // most, 1)][:most]
            (data / f"{split}.jsonl").write_bytes(b"".join(evenly))
        deskhand(each.folder, "train", "reply", "--data", data, "--out", each.run)


def prepared(each: Collection, datasets: Path) -> list[Example]:
    """The contexts and answers of the conversations that are measured on; nothing is trained."""
    each.folder.mkdir(parents=True, exist_ok=True)
    root = datasets.resolve()
    for out, source in (("logs", each.training), ("held_out", each.measured)):
        if source is not None and not (each.folder / out).exists():
            deskhand(each.folder, "prepare", root / source, "--out", out)
    if each.measured is None:
        return read_replies(each.folder / "logs" / "test.jsonl")[:COLLECTION]
    splits = ("train", "validation", "test")
    found = [read_replies(each.folder / "held_out" / f"{split}.jsonl") for split in splits]
    return [example for examples in found for example in examples][:COLLECTION]


def collection_rows(datasets: Path, untuned: Encoder) -> list[dict[str, Any]]:
    """The right answer among the first ten of the whole collection, before and after tuning."""
    found = []
    for each in COLLECTIONS.values():
        examples = prepared(each, datasets)
        before = answer_ranks(untuned, examples)
        after = answer_ranks(encoder_of(str(each.run)), examples) if each.run.exists() else None
        found.append(
            row(
                f"{each.name}: right answer in the first 10 of {len(examples)}, tuned",
                NOT_MEASURED if after is None else float(np.mean(after <= 10)),
                "",
                f"before {np.mean(before <= 10):.4f}, its MRR {np.mean(1 / before):.4f}"
                + ("" if after is None else f", after {np.mean(1 / after):.4f}"),
            )
        )
    return found


def answer_ranks(encoder: Encoder, examples: Sequence[Example]) -> NDArray[np.int64]:
    """The place of each context's own answer among all different answers (n,), from 1."""
    texts = list(dict.fromkeys(example.answer or "" for example in examples))
    place = {text: number for number, text in enumerate(texts)}
    own = np.array([place[example.answer or ""] for example in examples])
    scores = encoder.encode([example.text for example in examples]) @ encoder.encode(texts).T
    of_own = scores[np.arange(len(examples)), own]
    return np.asarray(1 + (scores > of_own[:, None]).sum(axis=1), dtype=np.int64)


def stack_rows(stack: Stack, work: Path) -> list[dict[str, Any]]:
    """StackFAQ under the tuned runs: all threads searched, and as a check the unseen ones alone.

    A run has seen four fifths of the passages: the check tells what it learned from what it knows
    of them.
    """
    if not all(stack_run(int(fold)).exists() for fold in np.unique(stack.folds)):
        return [row("StackFAQ, tuned", NOT_MEASURED, "first 0.955",
                    "python -m benchmarks.retrieval_tuned stackfaq")]  # fmt: skip
    forms: dict[str, Sequence[Passage]] = {"": stack.full, ", answers alone": stack.answers}
    return [
        found
        for form, passages in forms.items()
        for found in _stack_form(stack, passages, f"StackFAQ{form}", work)
    ]


def _stack_form(
    stack: Stack, passages: Sequence[Passage], what: str, work: Path
) -> list[dict[str, Any]]:
    groups, folds = groups_of(stack.questions), stack.folds
    threads = {next(iter(q.relevant)): f for q, f in zip(stack.questions, folds, strict=True)}
    tuned, check, before = (np.zeros(len(folds)) for _ in range(3))
    untuned = KeptVectors(encoder_of(DEFAULT_ENCODER))
    for fold in np.unique(folds):
        encoder = KeptVectors(encoder_of(str(stack_run(int(fold)))))
        index = indexed(passages, encoder, work / f"{what}-{fold}", titles=True)
        table = rank_table(index, stack.questions, FUSIONS)
        # Weights are those of the other folds' questions under this run.
        tuned[folds == fold] = fitted(table, groups, folds)[0][folds == fold]
        few = [passage for passage in passages if threads[passage.id] == fold]
        own = [q for q, f in zip(stack.questions, folds, strict=True) if f == fold]
        for encoded, into in ((encoder, check), (untuned, before)):
            small = indexed(few, encoded, work / f"{what}-{fold}-few", titles=True)
            into[folds == fold] = rank_table(small, own, FUSIONS[:1])[0]
    return [
        row(f"{what}, tuned: MRR", float(tuned.mean()), "", f"first {np.mean(tuned == 1):.4f}"),
        row(f"{what}, tuned, unseen threads alone: MRR", float(check.mean()), "",
            f"untuned {before.mean():.4f}"),
    ]  # fmt: skip


def write_pairs(path: Path, pairs: Sequence[tuple[str, str, str]]) -> None:
    """Write (group, question, answer) as conversations of two turns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "id": f"{thread}-{number}",
            "labels": {"brand": thread},
            "turns": [
                {"speaker": "customer", "text": question},
                {"speaker": "agent", "text": text},
            ],
        }
        for number, (thread, question, text) in enumerate(pairs)
    ]
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
