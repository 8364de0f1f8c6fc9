"""The verb `index`: make one, change it, or look what no longer holds in it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from apps.verbs.options import AsJson, say
from data.errors import ConfigError


def index(
    out: Annotated[Path, typer.Option("--out", help="the index directory")],
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH…", help="FAQ, policies, prepared conversations"),
    ] = None,
    questions: Annotated[
        Path | None, typer.Option(help="known questions with the ids that answer them")
    ] = None,
    fit_questions: Annotated[
        Path | None, typer.Option("--fit", help="labelled questions for fusion and threshold")
    ] = None,
    topics: Annotated[
        Path | None, typer.Option(help="labelled turns (text, label): topics that --fit weighs")
    ] = None,
    encoder: Annotated[str | None, typer.Option(help="encoder or reply run")] = None,
    add: Annotated[
        bool, typer.Option("--add", help="add PATH… to the index; what a file lost goes too")
    ] = False,
    delete: Annotated[
        list[str] | None,
        typer.Option("--delete", metavar="ID…", help="delete passages; reads no PATH"),
    ] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="bring back the version before this one")
    ] = False,
    compact: Annotated[
        bool, typer.Option("--compact", help="merge what adding and deleting has left")
    ] = False,
    forget: Annotated[
        bool,
        typer.Option("--forget", help="with --compact: keep no version that holds deleted text"),
    ] = False,
    stale: Annotated[
        bool,
        typer.Option(
            "--stale",
            help="list passages past their day; with all its PATH…, of changed and gone files too",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a searchable index of what the company has answered, or change one."""
    names = paths or []
    asked = {
        "--add": add, "--delete": bool(delete), "--rollback": rollback, "--compact": compact,
        "--stale": stale,
    }  # fmt: skip
    act = _chosen([name for name, is_asked in asked.items() if is_asked], names)
    if act not in ("", "--add") and (questions or fit_questions or encoder):
        raise ConfigError(f"{act} reads no questions and no encoder; leave those options out")
    _check_pairs(act, forget, topics, fit_questions)
    _warn_of_rows(questions, fit_questions)
    from apps.verbs import indexing

    files = [Path(name) for name in names]
    given = indexing.Given(files, questions, fit_questions, topics, encoder)
    match act:
        case "--delete":  # the shell gives what follows the first id as PATH
            made, text = indexing.delete_passages(out, delete or (), names)
        case "--rollback":
            made, text = indexing.roll_back(out)
        case "--compact":
            made, text = indexing.compact_index(out, forget)
        case "--stale":
            made, text = indexing.stale_passages(out, files)
        case "--add":
            made, text = indexing.add_passages(given, out)
        case _:
            made, text = indexing.make_index(given, out)
    say(made, as_json, text)


def _check_pairs(act: str, forget: bool, topics: Path | None, fit_questions: Path | None) -> None:
    """Refuse an option without the one that it belongs to."""
    if topics and not fit_questions:
        raise ConfigError("--topics is for a fit: give --fit, questions with and without an answer")
    if forget and act != "--compact":
        raise ConfigError("--forget is for --compact: give both, once what goes is deleted")


def _warn_of_rows(questions: Path | None, fit_questions: Path | None) -> None:
    if questions and fit_questions and questions.resolve() == fit_questions.resolve():
        typer.echo(
            f"warning: --fit {fit_questions}: its questions are rows of the index too, which finds "
            "them better than others; fit on other ones",
            err=True,
        )


def _chosen(acts: Sequence[str], given: Sequence[str]) -> str:
    """What is asked for beside making an index, of which there is at most one."""
    if len(acts) > 1:
        raise ConfigError(f"{' and '.join(acts)}: one at a time")
    act = acts[0] if acts else ""
    if act in ("", "--add") and not given:
        raise ConfigError("give PATH…: FAQ, policies or prepared conversations to index")
    if act in ("--rollback", "--compact") and given:
        typer.echo(f"warning: {act} reads no PATH: {' '.join(given)} is passed over", err=True)
    return act
