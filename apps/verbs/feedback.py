"""The verb of feedback: what customers and reviewers thought of answers, to train on."""

from typing import Annotated

import typer

from apps.verbs.options import AsJson, Out, say

_URL = "sqlite:///var/deskhand.db"


def feedback(
    out: Out,
    store: Annotated[str, typer.Option("--store", help="database URL")] = _URL,
    region: Annotated[str, typer.Option(help="country of phone numbers without prefix")] = "GB",
    as_json: AsJson = False,
) -> None:
    """Thumbs, corrections and labels → rows to train on, redacted and split."""
    from apps.feedback import KINDS, write_feedback

    done = write_feedback(store, out, region)
    rows = ", ".join(f"{done[kind]} {kind}" for kind in KINDS)
    say(done, as_json, f"{rows} rows of {done['conversations']} conversations → {out}")
