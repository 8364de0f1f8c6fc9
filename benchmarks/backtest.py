"""The bot on conversations of the sample company that its index was not built from.

The index is the demo's: pages, known questions, and the conversations of the split to train on.
The others are replayed. The judge is fitted on pairs of the conversations to train on, and
measured also on what the bot answered in the others.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from apps.backtest.evidence import evidence_of
from apps.backtest.pairs import JUDGED, Agreement, agreement, fit_likeness, read_pairs
from benchmarks.check_samples import REPLAYED
from benchmarks.shell import ROOT, SAMPLES, deskhand, row
from data.encoders import DEFAULT_ENCODER
from finetune.serving import shared_encoder

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
        settings = [f"runs.{task}={_trained(work, task)}" for task in ("intent", "ner")]
        settings += ["index=index", f"answers={_fitted(work, settings)}"]
        options = [word for setting in settings for word in ("--set", setting)]
        found = {app: deskhand(work, "backtest", app, held_out, *options)[0] for app in _APPS}
    bot = found["customer_service"]
    hours, judge = bot["hours"], bot["judge"]
    orders = sum(
        kinds.get("wrong", 0)
        for step, kinds in bot["steps"].items()
        if step.startswith("workflow:") and step.endswith(":answer:unknown")
    )
    seen, hand, taken = _on_replayed()
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
        row("the judge agrees with a person, the bot's own answers in those conversations",
            seen.accuracy, "", f"Cohen's kappa {seen.kappa:.4f}, {seen.n} answers"),
        row("of those, right by a person · by the judge", f"{hand} · {taken}"),
    ]  # fmt: skip


def _on_replayed() -> tuple[Agreement, int, int]:
    """The judge on answers of the bot in the held-out conversations, judged by a person one by one.

    Also how many are right by the person, and by the judge.
    """
    encoder = shared_encoder(DEFAULT_ENCODER)
    likeness = fit_likeness(read_pairs(JUDGED), encoder)
    pairs = read_pairs(REPLAYED)
    judged = likeness.score(evidence_of(pairs, encoder)) > 0.5
    right = np.array([pair.right for pair in pairs])
    measured = agreement(judged, right, likeness.agreement.fitted_on)
    return measured, int(right.sum()), int(judged.sum())


def _trained(work: Path, task: str) -> Path:
    """The demo's run where it is trained, else one made as the demo makes it."""
    run = ROOT / "runs" / task
    if not run.exists():
        run = work / "runs" / task
        deskhand(work, "train", task, "--data", SAMPLES / "turns", "--out", run)
    return run


def _fitted(work: Path, settings: list[str]) -> Path:
    """How probable an answer must be, also where a person has led: the demo fits without a log."""
    answers = work / "answers.json"
    options = [word for setting in (*settings, "index=index") for word in ("--set", setting)]
    deskhand(
        work, "fit", "customer_service", SAMPLES / "questions" / "fit.jsonl",
        "--log", "logs/train.jsonl", "--out", answers, *options,
    )  # fmt: skip
    return answers


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
