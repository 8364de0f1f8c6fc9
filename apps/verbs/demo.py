"""The verb `demo`, from nothing to a page: what is missing is trained on the sample logs."""

import logging
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from apps.verbs.options import Port
from data.errors import DeskhandError

logger = logging.getLogger(__name__)
SAMPLES = Path(__file__).parents[2] / "data" / "samples"
INTENT, NER, ANSWERS = Path("runs/intent"), Path("runs/ner"), Path("runs/answers.json")
PREPARED, INDEX = Path("var/samples"), Path("indexes/support")


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


def ensure_trained() -> None:
    """Run the command line's own verbs for what is not there yet.

    Each runs in a process of its own, so that the page keeps none of the memory that training took.

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
    index = ["index", faq, policies, logs, "--questions", known, "--fit", labelled]
    fit = ["fit", "customer_service", labelled]
    steps = [
        ("intents", RunDir(INTENT).metrics, ["train", "intent", *train, str(INTENT)]),
        ("entities", RunDir(NER).metrics, ["train", "ner", *train, str(NER)]),
        ("the logs", Path(logs), ["prepare", conversations, "--out", str(PREPARED)]),
        ("the index", INDEX / MANIFEST, [*index, "--out", str(INDEX)]),
        ("the answers", ANSWERS, [*fit, "--out", str(ANSWERS)]),
    ]
    for label, made, arguments in steps:
        if made.exists():
            continue
        logger.info("preparing %s", label)
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "apps.cli", *arguments], check=False)
        if done.returncode:
            raise DeskhandError(f"preparing {label} failed: deskhand {' '.join(arguments)}")
        logger.info("%s took %.0f s", label, time.perf_counter() - start)
