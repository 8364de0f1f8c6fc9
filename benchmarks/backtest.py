"""The bot on conversations of the sample company that its index was not built from.

The index is the demo's: pages, known questions, and the conversations of the split to train on. The
others are replayed. The judge's pairs are of conversations to train on alone.
"""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.shell import ROOT, SAMPLES, deskhand, row

_HELD_OUT = ("validation.jsonl", "test.jsonl")
_APPS = ("customer_service", "faq")


def run(datasets: Path) -> list[dict[str, Any]]:
    """Index as the demo does, then replay the rest through the bot, and through the FAQ app."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        deskhand(work, "prepare", SAMPLES / "conversations.jsonl", "--out", "logs")
        logs, questions = work / "logs", SAMPLES / "questions"
        deskhand(
            work, "index", SAMPLES / "faq.md", SAMPLES / "policies", logs / "train.jsonl",
            "--questions", questions / "train.jsonl", "--fit", questions / "fit.jsonl",
            "--out", "index",
        )  # fmt: skip
        held_out = work / "held_out.jsonl"
        held_out.write_bytes(b"".join((logs / each).read_bytes() for each in _HELD_OUT))
        runs = [f"runs.{task}={_trained(work, task)}" for task in ("intent", "ner")]
        options = [word for setting in ("index=index", *runs) for word in ("--set", setting)]
        found = {app: deskhand(work, "backtest", app, held_out, *options)[0] for app in _APPS}
    bot = found["customer_service"]
    hours, judge = bot["hours"], bot["judge"]
    orders = sum(
        kinds.get("wrong", 0)
        for step, kinds in bot["steps"].items()
        if step.startswith("workflow:") and step.endswith(":answer:unknown")
    )
    rows = [
        line
        for app, told in (("bot", bot), ("FAQ alone", found["faq"]))
        for line in _shares(app, told)
    ]
    return [
        *rows,
        row("of the bot's wrong answers, to an order that the demo's orders lack", orders, "",
            f"of {bot['wrong']} wrong ones"),
        row("hours saved at 3 minutes an answer (assumed)", f"{hours['saved']:.1f}", "",
            f"of {hours['all']:.1f} in {hours['weeks']:.0f} weeks"),
        row("the judge agrees with a person, pairs not fitted on", judge["accuracy"], "",
            f"Cohen's kappa {judge['kappa']:.4f}, {judge['n']} pairs; "
            f"fitted on {judge['fitted_on']}"),
        row("of what the judge calls right, right", judge["precision"], "",
            f"of what is right, called so {judge['recall']:.4f}"),
    ]  # fmt: skip


def _trained(work: Path, task: str) -> Path:
    """The demo's run where it is trained, else one made as the demo makes it."""
    run = ROOT / "runs" / task
    if not run.exists():
        run = work / "runs" / task
        deskhand(work, "train", task, "--data", SAMPLES / "turns", "--out", run)
    return run


def _shares(app: str, told: dict[str, Any]) -> list[dict[str, Any]]:
    passed = told["handed_over"]
    beside = f"{told['turns']} answered messages, {told['conversations']} conversations"
    return [
        row(f"{app}: answered rightly", told["right_share"], "", beside),
        row(f"{app}: answered wrongly", told["wrong_share"], "",
            f"{told['left_out']} left out: the person's answer is marked as bad"),
        row(f"{app}: handed over, or said that it does not know", told["handed_over_share"], "",
            f"{told['handed_over_as_the_person']} of {passed} where the person did so too"),
    ]  # fmt: skip
