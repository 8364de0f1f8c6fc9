"""Continued pre-training on the sample company's conversations: what it gives the task after it.

Encoders that were made to compare texts often lose by guessing words; the table says so.
"""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.shell import ROOT, SAMPLES, deskhand, row

HEAD = ROOT / "finetune" / "configs" / "intent_head.yaml"
KEYS = ("accuracy_no_refusal", "macro_f1")


def run(datasets: Path) -> list[dict[str, Any]]:
    """A logistic head on the frozen encoder: as it came, and after each objective."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        deskhand(work, "prepare", SAMPLES / "conversations.jsonl", "--out", "logs")
        plain = _head(work, "plain", [])
        for objective in ("masked", "denoising"):
            made, seconds = deskhand(
                work, "train", "pretrain", "--data", "logs", "--out", f"runs/{objective}",
                "--set", f"pretrain.objective={objective}",
            )  # fmt: skip
            tuned = _head(work, objective, ["--set", f"encoder=runs/{objective}"])
            before, after = made["validation"]["before"], made["validation"]["after"]
            rows += [
                row(f"{objective}: intent {key.replace('_', ' ')}, head on the frozen encoder",
                    tuned[key], "",
                    f"without pre-training {plain[key]:.4f}: {_verdict(plain[key], tuned[key])}")
                for key in KEYS
            ]  # fmt: skip
            rows += [
                row(f"{objective}: {key.replace('_', ' ')}, validation", after[key], "",
                    f"before {before[key]:.4f}")
                for key in ("masked_accuracy", "perplexity", "halves_recall_at_1")
            ]  # fmt: skip
            rows.append(row(f"{objective}: pre-training, s", f"{seconds:.0f}"))
    return rows


def _head(work: Path, name: str, options: list[str | Path]) -> dict[str, float]:
    """Test metrics of a head without the words beside it, which would hide the encoder's part."""
    made, _ = deskhand(
        work, "train", "intent", "--config", HEAD, "--data", SAMPLES / "turns",
        "--out", f"runs/head_{name}", "--set", "words=false", *options,
    )  # fmt: skip
    metrics: dict[str, float] = made["test"]["after"]
    return metrics


def _verdict(plain: float, tuned: float) -> str:
    return "better" if tuned > plain else "worse" if tuned < plain else "the same"
