"""TweetSumm: a dialogue run's perplexity, and the true answer among ten by its likelihood.

    python -m benchmarks.tweetsumm_dialogue [--datasets DIR]

trains the run on the training conversations and keeps it under var/benchmarks/retrieval/tweetsumm/;
the case `tweetsumm_dialogue` measures it. The validation file is the test set here: how likelihoods
are made into a rank is chosen on a part of the training file.

The nine others are drawn from the same part's answers that have no value of their own, for nothing
in a foreign conversation could show one.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.retrieval_tuned import COLLECTIONS, NOT_MEASURED, prepared
from benchmarks.shell import ROOT, deskhand, row
from data.dialogue import VALUE
from data.encoders import DEFAULT_ENCODER
from data.schema import Example, Situation, Turn
from finetune.dialogue.model import DialogueModel
from finetune.reading.dialogues import read_dialogues
from finetune.run_dir import RunDir
from finetune.serving import encoder_of

TWEETSUMM = COLLECTIONS["tweetsumm"]
RUN = TWEETSUMM.folder / "dialogue"
ROWS, OTHERS = 200, 9
SEED = 0
NOBODY = Situation((Turn("customer", "hello"),))  # what an answer is likely after, said to anyone


def main(
    datasets: Annotated[Path, typer.Option(help="public data sets")] = Path("../shared/datasets"),
    overrides: Annotated[list[str] | None, typer.Option("--set", help="of the training")] = None,
) -> None:
    """Prepare the logs and train the run, where they are missing."""
    prepared(TWEETSUMM, datasets)
    if not RUN.exists():
        options = [word for each in overrides or () for word in ("--set", each)]
        test = TWEETSUMM.folder / "held_out.jsonl"
        test.write_text("".join(path.read_text("utf-8") for path in _parts("held_out")), "utf-8")
        deskhand(ROOT, "train", "dialogue", "--data", TWEETSUMM.folder / "logs", "--eval", test,
                 "--out", RUN, *options)  # fmt: skip


def run(datasets: Path) -> list[dict[str, Any]]:
    """Perplexity before and after tuning, and how often the true answer is the likeliest."""
    if not RUN.exists():
        return [row("perplexity of the agents' answers, tuned", NOT_MEASURED, "",
                    "python -m benchmarks.tweetsumm_dialogue")]  # fmt: skip
    prepared(TWEETSUMM, datasets)
    test = json.loads(RunDir(RUN).metrics.read_text(encoding="utf-8"))["test"]
    before, after = test["before"], test["after"]
    model = DialogueModel(RUN, threads=1)
    parts = {
        "validation": read_dialogues(TWEETSUMM.folder / "logs" / "validation.jsonl"),
        "test": [each for path in _parts("held_out") for each in read_dialogues(path)],
    }
    found = {name: _ranks(model, *_drawn(examples)) for name, examples in parts.items()}
    best = max(found["validation"], key=lambda way: float(np.mean(found["validation"][way] == 1)))
    frozen = _by_cosine(*_drawn(parts["test"]))
    return [
        row("perplexity of the agents' answers, tuned", float(after["perplexity"]), "",
            f"before {before['perplexity']:.0f}; {after['n']:g} answers, placeholders for values"),
        row("written answers, BLEU-4 · ROUGE-L", f"{after['bleu']:.2f} · {after['rougeL']:.4f}", "",
            f"answer to the nearest known conversation {before['bleu']:.2f} · "
            f"{before['rougeL']:.4f}"),
        *(
            row(f"true answer first of {OTHERS + 1} by {way}", _first(ranks), "",
                f"validation {_first(found['validation'][way]):.4f}"
                + (", chosen there" if way == best else ""))
            for way, ranks in found["test"].items()
        ),
        row(f"true answer first of {OTHERS + 1} by cosine, frozen encoder", _first(frozen), "",
            f"{len(frozen)} conversations' turns, the same candidates"),
    ]  # fmt: skip


def _parts(folder: str) -> list[Path]:
    names = ("train", "validation", "test")
    return [TWEETSUMM.folder / folder / f"{name}.jsonl" for name in names]


def _drawn(examples: Sequence[Example]) -> tuple[list[Example], list[list[str]]]:
    """Examples, and for each its own answer and OTHERS of the same part, its own first."""
    plain = [each for each in examples if each.answer and not VALUE.search(each.answer)]
    generator = np.random.default_rng(SEED)
    chosen = [plain[place] for place in generator.permutation(len(plain))[:ROWS]]
    answers = list(dict.fromkeys(each.answer or "" for each in plain))
    candidates = []
    for each in chosen:
        others = [answers[place] for place in generator.permutation(len(answers))[: OTHERS + 1]]
        rest = [text for text in others if text != each.answer][:OTHERS]
        candidates.append([each.answer or "", *rest])
    return chosen, candidates


def _ranks(
    model: DialogueModel, examples: Sequence[Example], candidates: Sequence[Sequence[str]]
) -> dict[str, NDArray[np.int_]]:
    """The own answer's rank (n,) by each way to compare likelihoods.

    The last way is maximum mutual information: how much likelier an answer is here than anywhere.
    Source: Li et al. 2016, https://aclanthology.org/N16-1014
    """
    many = [each.situation or NOBODY for each in examples for _ in range(OTHERS + 1)]
    answers = [text for texts in candidates for text in texts]
    here, anywhere = (
        model.nats(where, answers).reshape(len(examples), OTHERS + 1, 2)
        for where in (many, [NOBODY] * len(answers))
    )
    nats, tokens = here[..., 0], np.maximum(here[..., 1], 1)
    ways = {
        "likelihood": nats,
        "likelihood by token": nats / tokens,
        "gain in likelihood over no conversation": nats - anywhere[..., 0],
        "gain in likelihood by token": (nats - anywhere[..., 0]) / tokens,
    }
    return {way: 1 + (cost[:, 1:] <= cost[:, :1]).sum(axis=1) for way, cost in ways.items()}


def _by_cosine(
    examples: Sequence[Example], candidates: Sequence[Sequence[str]]
) -> NDArray[np.int_]:
    encoder = encoder_of(DEFAULT_ENCODER)
    contexts = encoder.encode([each.text for each in examples])
    vectors = encoder.encode([text for texts in candidates for text in texts])
    near = np.einsum("nd,nkd->nk", contexts, vectors.reshape(len(examples), OTHERS + 1, -1))
    return np.asarray(1 + (near[:, 1:] >= near[:, :1]).sum(axis=1))


def _first(ranks: NDArray[np.int_]) -> float:
    return float(np.mean(ranks == 1))


if __name__ == "__main__":
    typer.run(main)
