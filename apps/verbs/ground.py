"""The verb `ground`: beside each agent's answer of a log, what an index says to it.

A dialogue model that is to answer from passages must have seen some while it was trained.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apps.verbs.options import THREADS, AsJson, Out, progress, say
from data.errors import ConfigError, LogFormatError
from data.outputs import check_file, check_folder, replacing

if TYPE_CHECKING:
    from data.schema import Conversation
    from retrieval.index import Index

BATCH = 64  # questions whose vectors are made at once
_EACH = 1000  # conversations a line of progress


def ground(
    path: Annotated[Path, typer.Argument(help="prepared folder or conversations")],
    index: Annotated[Path, typer.Option("--index", help="what the answers may rest on")],
    out: Out,
    most: Annotated[int, typer.Option("-k", min=1, max=10, help="passages of an answer")] = 3,
    as_json: AsJson = False,
) -> None:
    """Conversations → the same with what an index says to each answer, for `train dialogue`."""
    from apps.build import opened_index

    opened = opened_index(index, THREADS)
    with progress("conversations", _EACH) as told:
        done = ground_log(path, out, opened, most, told)
    say(
        {"out": str(out), **done},
        as_json,
        f"{done['conversations']} conversations → {out}; {done['grounded']} of {done['answers']} "
        "answers have passages beside them",
    )


def ground_log(
    path: Path,
    out: Path,
    index: "Index",
    most: int = 3,
    told: Callable[[int], None] = lambda done: None,
) -> dict[str, int]:
    """Write the conversations of a prepared folder or a file to `out`, with passages.

    An agent's turn that follows a customer's gets those that the index finds for the customer's, at
    most `most`, and none where it has no answer, as in an app. What comes from the same
    conversation is left out: a model would learn to copy it.

    Args:
        path: A folder of `prepare`, or a file of conversations.
        out: A folder or file of the same kind.
        index: What is searched.
        most: Passages of a turn.
        told: Called with the number of conversations that are done.

    Returns:
        Counts: `conversations`, `answers` and those of them that are `grounded`.

    Raises:
        ConfigError: If `out` is `path`, or cannot be written.
        LogFormatError: If there is no conversation.
    """
    from data.conversations import read_conversations, to_dict
    from data.rows import require_file, write_jsonl
    from data.split import SPLITS

    require_file(path)
    if out.resolve() == path.resolve():
        raise ConfigError(f"--out {out}: it is what is read; name another")
    (check_folder if path.is_dir() else check_file)(out)
    files = [(path, out)]
    if path.is_dir():
        there = [path / f"{split}.jsonl" for split in SPLITS]
        files = [(each, out / each.name) for each in there if each.exists()]
        if not files:
            raise LogFormatError(
                f"{path}: no {SPLITS[0]}.jsonl in it; `deskhand prepare` writes it"
            )
    counts = {"conversations": 0, "answers": 0, "grounded": 0}

    def rows(source: Path) -> Iterator[dict[str, object]]:
        for conversation in read_conversations(source):
            found = _grounded(conversation, index, most)
            answered = [turn for turn in found.turns if turn.speaker == "agent"]
            counts["conversations"] += 1
            counts["answers"] += len(answered)
            counts["grounded"] += sum(bool(turn.passages) for turn in answered)
            told(counts["conversations"])
            yield to_dict(found)

    for source, target in files:
        with replacing(target) as partial:
            write_jsonl(partial, rows(source))
    if not counts["conversations"]:
        raise LogFormatError(f"{path}: no conversation in it")
    return counts


def _grounded(conversation: "Conversation", index: "Index", most: int) -> "Conversation":
    """The conversation with the passages of each answer."""
    from data.schema import Passage

    turns = list(conversation.turns)
    places = [
        place
        for place in range(1, len(turns))
        if turns[place].speaker == "agent" and turns[place - 1].speaker == "customer"
    ]
    for first in range(0, len(places), BATCH):
        chosen = places[first : first + BATCH]
        vectors = index.vectors_of([turns[place - 1].text for place in chosen])
        for place, vector in zip(chosen, vectors, strict=True):
            own = f"conversation {conversation.id}"
            found = index.search(turns[place - 1].text, most + 2, vector=vector)
            others = [each for each in found if each.source != own][:most]
            said = others if index.answerable(others) else []
            kept = tuple(Passage(each.id, each.text, each.title) for each in said)
            turns[place] = replace(turns[place], passages=kept)
    return replace(conversation, turns=tuple(turns))
