"""`deskhand mine`: what a prepared log teaches, as files to read, edit and index."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from apps.build import opened_encoder
from data.conversations import read_conversations
from data.errors import LogFormatError
from data.log_report import add_to_report
from data.mining.answers import mine
from data.mining.facts import contradictions
from data.mining.faq import propose
from data.outputs import check_folder
from data.rows import write_jsonl
from data.schema import Conversation
from data.split import SPLITS
from data.topics.files import write_table

PAIRS, FAQ, CONTRADICTIONS = "pairs.jsonl", "faq.csv", "contradictions.csv"


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
    check_folder(out)
    log = list(_conversations(path))
    if not log:
        raise LogFormatError(f"{path}: no conversations in it; make some with deskhand prepare")
    opened = opened_encoder(encoder, threads)
    pairs = mine(log, opened)
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


def _conversations(path: Path) -> Iterator[Conversation]:
    if not path.is_dir():
        yield from read_conversations(path)
        return
    for name in SPLITS[:2]:
        file = path / f"{name}.jsonl"
        if file.exists() and file.stat().st_size:
            yield from read_conversations(file)
