"""The verb `mine`: what a prepared log teaches, as files to read, edit and index."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apps.verbs.options import AsJson, Out, say
from data.errors import LogFormatError

if TYPE_CHECKING:
    from data.schema import Conversation

PAIRS, FAQ, CONTRADICTIONS = "pairs.jsonl", "faq.csv", "contradictions.csv"


def mine(
    path: Annotated[Path, typer.Argument(help="prepared folder or conversations")],
    out: Out,
    encoder: Annotated[str, typer.Option("--encoder", help="name, path or run")] = "",
    threads: Annotated[int, typer.Option("--threads", help="CPU threads", min=1)] = 2,
    as_json: AsJson = False,
) -> None:
    """Solved conversations → best answers, an FAQ to edit, and answers that contradict."""
    from data.encoders import DEFAULT_ENCODER

    done = mine_log(path, out, encoder or DEFAULT_ENCODER, threads)
    text = (
        f"{done['pairs']} answers, {done['faq']} FAQ proposals, {done['contradictions']} "
        f"contradictions from {done['conversations']} conversations → {out}"
    )
    if not done["pairs"]:
        text += (
            "\nNo conversation has a question of the customer's that an agent answered well: "
            "see who speaks in report.html of the prepared folder"
        )
    say(done, as_json, text)


def mine_log(path: Path, out: Path, encoder: str, threads: int) -> dict[str, Any]:
    """Write `pairs.jsonl`, `faq.csv` and `contradictions.csv` into `out`; what `--json` prints.

    The report of a prepared folder shows the contradictions from then on.

    Args:
        path: Conversations JSONL, or a folder that `prepare` wrote: its test split is left out, so
            that nothing of it is in an index that is measured on it.
        out: The folder to write.
        encoder: Name, path or run.
        threads: CPU threads of the encoder.

    Raises:
        DeskhandError: If the path holds no conversations, or `out` cannot be written.
    """
    from apps.build import opened_encoder
    from data.log_report import add_to_report
    from data.mining.answers import mine as mined
    from data.mining.facts import contradictions
    from data.mining.faq import propose
    from data.outputs import check_folder
    from data.rows import write_jsonl
    from data.topics.files import write_table

    check_folder(out)
    log = list(_conversations(path))
    if not log:
        raise LogFormatError(f"{path}: no conversations in it; make some with deskhand prepare")
    opened = opened_encoder(encoder, threads)
    pairs = mined(log, opened)
    proposals = propose(pairs, opened)
    against = contradictions(log, opened)
    write_jsonl(out / PAIRS, (asdict(pair) for pair in pairs))
    write_table(
        out / FAQ, ("question", "answer", "size", "chance", "conversation"),
        ({**asdict(each), "chance": f"{each.chance:.2f}"} for each in proposals),
    )  # fmt: skip
    write_table(
        out / CONTRADICTIONS,
        ("traffic", "unit", "first", "first_conversation", "second", "second_conversation"),
        (
            {
                "traffic": each.traffic, "unit": each.unit, "first": each.first.text,
                "first_conversation": f"{each.first.conversation}:{each.first.turn}",
                "second": each.second.text,
                "second_conversation": f"{each.second.conversation}:{each.second.turn}",
            }
            for each in against
        ),
    )  # fmt: skip
    add_to_report(
        path,
        contradictions=[
            {"traffic": each.traffic, "first": each.first.text, "second": each.second.text}
            for each in against
        ],
    )
    return {
        "out": str(out),
        "conversations": len(log),
        "pairs": len(pairs),
        "faq": len(proposals),
        "contradictions": len(against),
    }


def _conversations(path: Path) -> "Iterator[Conversation]":
    from data.conversations import read_conversations
    from data.split import SPLITS

    if not path.is_dir():
        yield from read_conversations(path)
        return
    for name in SPLITS[:2]:
        file = path / f"{name}.jsonl"
        if file.exists() and file.stat().st_size:
            yield from read_conversations(file)
