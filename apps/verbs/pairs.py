"""The verb `pairs`: what `train reply` tunes an encoder for search on."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from apps.verbs.options import AsJson, say
from data.errors import ConfigError
from data.outputs import check_file, replacing


def pairs(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help="as of index")],
    out: Annotated[Path, typer.Option("--out", help="a .jsonl file")],
    questions: Annotated[
        Path | None, typer.Option(help="known questions with the ids that answer them")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Questions and passages that `train reply` tunes an encoder for search on."""
    made = write_pairs(paths, out, questions)
    say(made, as_json, f"{made['pairs']} pairs → {out}")


def write_pairs(paths: Sequence[Path], out: Path, questions: Path | None) -> dict[str, Any]:
    """Write question-passage pairs that `deskhand train reply` tunes an encoder on.

    Args:
        paths: As of `make_index`.
        out: A JSONL file.
        questions: Known questions; not those that an index is measured on.

    Raises:
        DeskhandError: If a file is wrong, or `out` is no JSONL file.
    """
    from apps.verbs.indexing import read_files
    from data.rows import write_jsonl
    from retrieval.pairs import training_pairs
    from retrieval.questions import read_known_questions

    if out.suffix.lower() != ".jsonl" or out.is_dir():
        raise ConfigError(f"{out}: pairs are JSONL; give --out the name of a .jsonl file")
    if any(out.resolve() == path.resolve() for path in (*paths, questions) if path is not None):
        raise ConfigError(f"{out}: is read too; choose another --out")
    check_file(out)
    passages, _, _ = read_files(paths)
    known = read_known_questions(questions) if questions is not None else []
    rows = list(training_pairs(passages, known))
    with replacing(out) as partial:
        count = write_jsonl(partial, rows)
    return {"out": str(out), "pairs": count}
