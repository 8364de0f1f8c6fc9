"""Three answers to the same customers, judged blind: a dialogue run's, selection's, the agent's.

    python -m benchmarks.rubric train     the run, and an index without the test conversations
    python -m benchmarks.rubric cases     var/benchmarks/rubric/cases.jsonl, writers hidden

Whoever judges reads cases.jsonl and the company's rules (data/samples/GUIDELINE.md) and writes a
line for each case to judged.jsonl: {"id", "A", "B", "C"}, each of them

    2  as good as a good agent's: it serves this customer now, and nothing in it is wrong
    1  of some use: vague, asks for what is known, or answers a part
    0  wrong, about something else, promises what the rules do not, or says nothing

`python -m benchmarks.rubric keep` lays the judgements beside the answers that they are of, in
benchmarks/judged/answers.jsonl; the case `rubric` tells them. An answer that has changed since is
not judged, and is told as such.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from apps.build import opened_encoder
from benchmarks.shell import ROOT, SAMPLES, deskhand, row
from data.encoders import DEFAULT_ENCODER
from data.rows import read_rows, write_jsonl
from data.schema import Example
from data.split import hash_fraction
from finetune.dialogue.model import DialogueModel
from finetune.reading.dialogues import read_dialogues
from retrieval.index import open_index

KEPT = ROOT / "var" / "benchmarks" / "rubric"
JUDGED = Path(__file__).parent / "judged" / "answers.jsonl"
WRITERS = ("written", "selected", "agent")
NAMES = {
    "written": "a dialogue run, trained on the other conversations",
    "selected": "the best passage of an index without these conversations",
    "agent": "the human agent",
}
CASES = 40
GOOD = 2


def main(steps: Annotated[list[str], typer.Argument(help="train, cases, keep")]) -> None:
    """Do the named steps."""
    for step in steps:
        {"train": train, "cases": write_cases, "keep": keep}[step]()


def train() -> None:
    """Prepare the sample conversations, train the run and build the index, where missing."""
    KEPT.mkdir(parents=True, exist_ok=True)
    if not (KEPT / "logs").exists():
        deskhand(KEPT, "prepare", SAMPLES / "conversations.jsonl", "--out", "logs")
    if not (KEPT / "index").exists():
        deskhand(
            KEPT, "index", SAMPLES / "faq.md", SAMPLES / "policies", "logs/train.jsonl",
            "--out", "index", "--questions", SAMPLES / "questions" / "train.jsonl",
            "--fit", SAMPLES / "questions" / "fit.jsonl",
        )  # fmt: skip
    if not (KEPT / "dialogue").exists():
        deskhand(
            KEPT, "train", "dialogue", "--data", "logs", "--out", "dialogue",
            "--set", "optim.epochs=8", "--set", "optim.patience=2",
        )  # fmt: skip


def write_cases() -> None:
    """The blind cases, for whoever judges."""
    write_jsonl(KEPT / "cases.jsonl", (
        {
            "id": case["id"],
            "conversation": case["conversation"],
            "answers": dict(zip("ABC", (case[name] for name in _order(case["id"])), strict=True)),
        }
        for case in _answered()
    ))  # fmt: skip


def keep() -> None:
    """Join the judgements to the answers that they are of."""
    said = {each.values["id"]: each.values for each in read_rows(KEPT / "judged.jsonl")}
    JUDGED.parent.mkdir(exist_ok=True)
    write_jsonl(JUDGED, (
        {
            "id": case["id"],
            "writer": name,
            "answer": _mark(case[name]),
            "score": said[case["id"]][letter],
        }
        for case in _answered()
        for letter, name in zip("ABC", _order(case["id"]), strict=True)
    ))  # fmt: skip


def run(datasets: Path) -> list[dict[str, Any]]:
    """Shares of good and of bad answers by writer; public data sets are not read."""
    if not (KEPT / "dialogue").exists() or not JUDGED.exists():
        return [row("answers judged as good", "not measured", "", "python -m benchmarks.rubric")]
    judged = {
        (each.values["id"], each.values["writer"], each.values["answer"]): each.values["score"]
        for each in read_rows(JUDGED)
    }
    cases, rows = list(_answered()), []
    scores: dict[str, list[int | None]] = {
        name: [judged.get((case["id"], name, _mark(case[name]))) for case in cases]
        for name in WRITERS
    }
    for name, found in scores.items():
        known = np.array([score for score in found if score is not None])
        rows.append(
            row(f"judged as good: {NAMES[name]}",
                float(np.mean(known == GOOD)) if len(known) else "not judged", "",
                f"of some use {np.mean(known == 1):.4f}, wrong or of no use "
                f"{np.mean(known == 0):.4f}; {len(known)} of {len(cases)} answers judged, blind"
                if len(known) else "")
        )  # fmt: skip
    pairs = [
        (a, b)
        for a, b in zip(scores["written"], scores["selected"], strict=True)
        if a is not None and b is not None
    ]
    better, worse = (sum(sign * a > sign * b for a, b in pairs) for sign in (1, -1))
    rows.append(
        row("written better than selected", better / max(1, len(pairs)), "more than worse",
            f"worse {worse / max(1, len(pairs)):.4f} of {len(pairs)}")
    )  # fmt: skip
    return rows


def _answered() -> Iterator[dict[str, Any]]:
    """Each case with the three answers."""
    chosen = _chosen(read_dialogues(KEPT / "logs" / "test.jsonl"))
    model = DialogueModel(KEPT / "dialogue", threads=1)
    index = open_index(KEPT / "index", opened_encoder(DEFAULT_ENCODER, 1))
    written = model.write_all([each.situation for each in chosen if each.situation])
    for each, text in zip(chosen, written, strict=True):
        assert each.situation is not None
        turns = each.situation.turns
        found = index.search(turns[-1].text, 1)
        yield {
            "id": each.where,
            "conversation": [f"{turn.speaker}: {turn.text}" for turn in turns],
            "written": text,
            "selected": found[0].text if found else "",
            "agent": each.answer,
        }


def _chosen(examples: Sequence[Example]) -> list[Example]:
    """CASES turns, drawn by the hash of their place."""
    whole = [each for each in examples if each.situation is not None]
    return sorted(whole, key=lambda each: hash_fraction(each.where, "rubric"))[:CASES]


def _order(case: str) -> list[str]:
    """Who wrote A, B and C."""
    return sorted(WRITERS, key=lambda name: hash_fraction(f"{case} {name}", "rubric"))


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


if __name__ == "__main__":
    typer.run(main)
