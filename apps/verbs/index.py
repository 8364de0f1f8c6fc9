"""The verbs of an index: make it, change it, look what no longer holds in it, search it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from apps.verbs.options import AsJson, Overrides, say
from data.errors import ConfigError

_SHOWN = 20  # stale passages that people are shown


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
    overrides: Overrides = None,
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
    given = paths or []
    asked = {
        "--add": add, "--delete": bool(delete), "--rollback": rollback, "--compact": compact,
        "--stale": stale,
    }  # fmt: skip
    verb = _chosen([name for name, is_asked in asked.items() if is_asked], given)
    if verb not in ("", "--add") and (questions or fit_questions or encoder or overrides):
        raise ConfigError(f"{verb} reads no questions and no encoder; leave those options out")
    _check_pairs(verb, forget, topics, fit_questions)
    _warn_of_rows(questions, fit_questions)
    from apps.verbs import indexing

    files = [Path(name) for name in given]
    if verb == "--delete":
        # The shell gives what follows the first id as PATH.
        made, passed = indexing.delete_passages(out, delete or (), given)
        for name in passed:
            typer.echo(f"warning: --delete reads no PATH: {name} is passed over", err=True)
        text = f"{made['deleted']} passages deleted, {made['passages']} left → {out}"
    elif verb == "--rollback":
        made = indexing.roll_back(out)
        text = f"{made['passages']} passages, as before → {out} (version {made['version']})"
    elif verb == "--compact":
        made = indexing.compact_index(out, forget)
        text = f"{made['passages']} passages in {made['segments']} segments → {out}"
    elif verb == "--stale":
        made = indexing.stale_passages(out, files)
        rows = [f"  {each['why']}: {each['id']}  [{each['source']}]" for each in made["stale"]]
        more = [f"  … {len(rows) - _SHOWN} more (--json lists all)"] if len(rows) > _SHOWN else []
        looked = "" if files else "; give PATH… to compare files too"
        text = "\n".join([f"{len(rows)} stale passages{looked}", *rows[:_SHOWN], *more])
    elif verb == "--add":
        made = indexing.add_passages(
            files, out, questions, fit_questions, encoder, overrides or (), topics
        )
        text = (
            f"{made['added']} passages added, {made['replaced']} replaced, {made['deleted']} "
            f"deleted, {made['unchanged']} as they were; {made['passages']} → {out}"
        )
    else:
        before = indexing.fit_of(out)
        made = indexing.make_index(
            files, out, questions, fit_questions, encoder, overrides or (), topics
        )
        kinds = ", ".join(f"{count} {kind}" for kind, count in made["kinds"].items())
        text = f"{made['passages']} passages ({kinds}) → {out}"
        _warn_of_lost(None if fit_questions else before, out)
    say(made, as_json, text)


def _check_pairs(verb: str, forget: bool, topics: Path | None, fit_questions: Path | None) -> None:
    """Refuse an option without the one that it belongs to."""
    if topics and not fit_questions:
        raise ConfigError("--topics is for a fit: give --fit, questions with and without an answer")
    if forget and verb != "--compact":
        raise ConfigError("--forget is for --compact: give both, once what goes is deleted")


def _warn_of_rows(questions: Path | None, fit_questions: Path | None) -> None:
    if questions and fit_questions and questions.resolve() == fit_questions.resolve():
        typer.echo(
            f"warning: --fit {fit_questions}: its questions are rows of the index too, which finds "
            "them better than others; fit on other ones",
            err=True,
        )


def _warn_of_lost(fitted_on: str | None, out: Path) -> None:
    if fitted_on is not None:
        typer.echo(
            f"warning: {out}: what was fitted (on {fitted_on}) is gone, every question counts as "
            "answerable; give --fit again",
            err=True,
        )


def _chosen(verbs: Sequence[str], given: Sequence[str]) -> str:
    """What is asked for beside making an index, of which there is at most one."""
    if len(verbs) > 1:
        raise ConfigError(f"{' and '.join(verbs)}: one at a time")
    verb = verbs[0] if verbs else ""
    if verb in ("", "--add") and not given:
        raise ConfigError("give PATH…: FAQ, policies or prepared conversations to index")
    if verb in ("--rollback", "--compact") and given:
        typer.echo(f"warning: {verb} reads no PATH: {' '.join(given)} is passed over", err=True)
    return verb
