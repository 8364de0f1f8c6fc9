"""The verb `demo`, from nothing to a page: what is missing is trained on the sample logs."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from apps.verbs.options import Port
from data.errors import DeskhandError

logger = logging.getLogger(__name__)
SAMPLES = Path(__file__).parents[2] / "data" / "samples"
INTENT, NER, ANSWERS = Path("runs/intent"), Path("runs/ner"), Path("runs/answers.json")
PREPARED, INDEX = Path("var/samples"), Path("indexes/support")
_THREADS = 2  # of one training, where there are cores for them


def demo(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Port = 7860,
) -> None:
    """Train on the sample logs if needed, then open the chat page."""
    from apps.local import is_local
    from apps.serving import serve_apps

    ensure_trained()
    # Whoever reaches a page with the review tab reads everyone's conversations.
    review = ["review"] if is_local(host) else []
    serve_apps(["customer_service", "faq", "summarizer", *review], host, port, [])


@dataclass(frozen=True, slots=True)
class Step:
    """A verb of the command line, for what is not made yet; what trains is told its threads."""

    label: str
    made: Path
    arguments: Sequence[str]
    trains: bool = False


def ensure_trained() -> None:
    """Run the command line's own verbs for what is not there yet.

    Each runs in a process of its own, so that the page keeps none of the memory that training took.
    Entities are trained beside the rest: two trainings on a core each take less time than one after
    the other on both.

    Raises:
        DeskhandError: If a step fails.
    """
    from finetune.run_dir import RunDir
    from retrieval.manifest import MANIFEST

    turns = str(SAMPLES / "turns")
    conversations = str(SAMPLES / "conversations.jsonl")
    train = ("--data", turns, "--out")
    knowledge = ("faq.md", "policies", "questions/train.jsonl", "questions/fit.jsonl")
    faq, policies, known, labelled = (str(SAMPLES / name) for name in knowledge)
    logs = str(PREPARED / "train.jsonl")
    index = ("index", faq, policies, logs, "--questions", known, "--fit", labelled)
    fit = ("fit", "customer_service", labelled, "--out", str(ANSWERS))
    intents = RunDir(INTENT).metrics
    lanes = (
        (Step("entities", RunDir(NER).metrics, ("train", "ner", *train, str(NER)), trains=True),),
        (
            Step("intents", intents, ("train", "intent", *train, str(INTENT)), trains=True),
            Step("logs", Path(logs), ("prepare", conversations, "--out", str(PREPARED))),
            Step("index", INDEX / MANIFEST, (*index, "--out", str(INDEX))),
        ),
    )
    _run_beside(lanes)
    _run_beside([[Step("answers", ANSWERS, fit)]])


def _run_beside(lanes: Sequence[Sequence[Step]]) -> None:
    """Run what is missing, the lanes beside each other, the steps of a lane one after another."""
    missing = [[step for step in lane if not step.made.exists()] for lane in lanes]
    missing = [lane for lane in missing if lane]
    if not missing:
        return
    threads = max(1, min(_THREADS, (os.cpu_count() or 1) // len(missing)))
    with ThreadPoolExecutor(len(missing)) as pool:
        list(pool.map(lambda lane: _run(lane, threads), missing))


def _run(lane: Sequence[Step], threads: int) -> None:
    for step in lane:
        logger.info("preparing %s", step.label)
        start = time.perf_counter()
        told = ("--set", f"threads={threads}") if step.trains else ()
        command = [sys.executable, "-m", "apps.cli", *step.arguments, *told]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            for line in process.stderr or ():
                sys.stderr.write(f"{step.label}: {line}")
        if process.returncode:
            raise DeskhandError(
                f"preparing {step.label} failed: deskhand {' '.join(step.arguments)}"
            )
        logger.info("%s took %.0f s", step.label, time.perf_counter() - start)
