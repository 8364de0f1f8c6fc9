"""What several commands share: their options, and how they tell progress and results."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from data.errors import ConfigError

THREADS = 2  # of what a command without an option for them loads

Overrides = Annotated[
    list[str] | None, typer.Option("--set", help="key.of.config=value, last word")
]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object and nothing else")]
Port = Annotated[int, typer.Option(help="port of the page", min=0, max=65535)]
TextColumn = Annotated[str | None, typer.Option("--text-column", help="column of the text")]
LabelColumn = Annotated[str | None, typer.Option("--label-column", help="column of the label")]
Out = Annotated[Path, typer.Option("--out", help="where to write")]


def columns_named(text: str | None, label: str | None) -> dict[str, str]:
    """The columns that were named, as settings."""
    given = {"text_column": text, "label_column": label}
    return {key: value for key, value in given.items() if value is not None}


def say(values: Any, as_json: bool, text: str) -> None:  # noqa: ANN401 - whatever JSON holds
    """Print a result: the values as one line of JSON, or the text for people."""
    typer.echo(json.dumps(values, ensure_ascii=False) if as_json else text)


@contextmanager
def progress(unit: str, each: int) -> Iterator[Callable[[int], None]]:
    """Give what is told how many are done, and says so on stderr.

    Args:
        unit: What is counted, in the plural.
        each: Where stderr is no terminal, a line is written for so many of them; else a bar grows.
    """
    from tqdm import tqdm

    live = sys.stderr.isatty()
    with tqdm(unit=f" {unit}", file=sys.stderr, disable=not live) as bar:

        def told(done: int) -> None:
            if live:
                bar.update(done - bar.n)
            elif done % each == 0:
                typer.echo(f"{done} {unit}", err=True)

        yield told


T = TypeVar("T", str, str | None, list[str] | None)


def in_utf8(parameter: typer.CallbackParam, given: T) -> T:
    """A text, or several, as it was given.

    Raises:
        ConfigError: If the terminal or the script sent bytes that are not UTF-8.
    """
    for text in [given] if isinstance(given, str) else given or ():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ConfigError(
                f"{parameter.name}: is not UTF-8 at character {error.start + 1}; "
                "convert it, or set the terminal to UTF-8"
            ) from error
    return given
