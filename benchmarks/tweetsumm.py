"""TweetSumm: from raw logs without labels to a tuned ranker, an index and a search.

The validation file is the test set here; choices are made on a slice of the training file. Handles,
links and agents' initials are cut by the importer, for they give the answer away.
"""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.shell import deskhand, row


def run(datasets: Path) -> list[dict[str, Any]]:
    """Prepare, train reply, index and search."""
    folder = (datasets / "tweetsumm").resolve()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        report, _ = deskhand(
            work, "prepare", folder / "tweetsumm_joined_train.jsonl", "--out", "logs"
        )
        deskhand(work, "prepare", folder / "tweetsumm_joined_valid.jsonl", "--out", "held_out")
        # Every held-out conversation is a test row, whichever split its id would fall in.
        test = work / "test.jsonl"
        parts = [(work / "held_out" / f"{s}.jsonl") for s in ("train", "validation", "test")]
        test.write_text("".join(part.read_text(encoding="utf-8") for part in parts), "utf-8")
        result, seconds = deskhand(
            work, "train", "reply", "--data", "logs", "--eval", test, "--out", "reply"
        )
        made, indexing = deskhand(
            work, "index", "logs/train.jsonl", "--out", "answers", "--encoder", "reply"
        )
        found, _ = deskhand(work, "search", "answers", "my music app keeps crashing on my phone")
    before, after = result["test"]["before"], result["test"]["after"]
    gain = after["recall_at_1_of_10"] - before["recall_at_1_of_10"]
    same = "recall_at_1_of_10_same_group"
    return [
        row("conversations imported", sum(report["conversations"].values()), "",
            f"{report['rows_dropped']} rows dropped"),
        row("right answer first of 10, others random", after["recall_at_1_of_10"],
            "before + 0.05", f"before {before['recall_at_1_of_10']:.4f}, gain {gain:+.4f}"),
        row("right answer first of 10, others of the same brand", after[same], "",
            f"before {before[same]:.4f}"),
        row("mean reciprocal rank of 10", after["mrr"], "", f"before {before['mrr']:.4f}"),
        row("training and scoring, s", round(seconds)),
        row("passages indexed", made["passages"], "", f"{indexing:.0f} s"),
        row("score of the best passage for one question", found["passages"][0]["score"]),
    ]  # fmt: skip
