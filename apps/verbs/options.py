"""What several commands share: their options, and how they print a result."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

Overrides = Annotated[
    list[str] | None, typer.Option("--set", help="key.of.config=value, last word")
]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object and nothing else")]
Out = Annotated[Path, typer.Option("--out", help="where to write")]


def say(values: Any, as_json: bool, text: str) -> None:  # noqa: ANN401 - whatever JSON holds
    """Print a result: the values as one line of JSON, or the text for people."""
    typer.echo(json.dumps(values, ensure_ascii=False) if as_json else text)
