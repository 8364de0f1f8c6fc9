"""A run's card: what it is, from what, how good, and its limits."""

from collections.abc import Mapping, Sequence
from typing import Any

from finetune.report.fitted import fitted_note


def card_markdown(
    name: str, config: Mapping[str, Any], metrics: Mapping[str, Any], notes: Sequence[str] = ()
) -> str:
    """The model card: data, use, limits, licence; `notes` are sentences that warn."""
    train = config["train"]
    split = "test" if "test" in metrics else "validation"
    sure = metrics[split].get("intervals") or {}
    rows = "\n".join(
        f"- {key}: {value}{_interval(sure.get(key))}"
        for key, value in metrics[split]["after"].items()
    )
    fitted = fitted_note(config, split)
    note = f"{fitted}\n\n" if fitted else ""
    warnings = "".join(f"**Warning:** {note}\n\n" for note in notes)
    return (
        f"# {name}\n\n"
        f"A {train['task']} model tuned by Deskhand ({train['method']}) on `{config['data']}`, "
        f"{config['rows']['train']} rows, from the encoder {train['encoder']}.\n\n"
        f"## Measured on {split}\n\n{rows}\n\n{note}"
        "## Limits\n\n"
        f"{warnings}"
        "It knows the language, products and habits of the log it was trained on, and no others. "
        "Its confidences hold for texts like those of its validation rows.\n\n"
        "## Licence\n\n"
        "The weights inherit the base encoder's licence (all-MiniLM-L6-v2: Apache-2.0) and the "
        "terms of the data above; add those here before passing the model on.\n"
    )


def _interval(found: Mapping[str, Any] | None) -> str:
    if not found or "after" not in found:
        return ""
    low, high = found["after"]
    return f" (95%: {low:.4f} to {high:.4f})"
