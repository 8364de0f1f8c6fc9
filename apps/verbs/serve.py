"""The verb `serve`: the page, a tab for each app, and the HTTP API."""

from pathlib import Path
from typing import Annotated

import typer

from apps.verbs.options import Overrides, Port


def serve(
    apps: Annotated[list[str], typer.Argument(help="templates or config files")],
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Port = 7860,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="a name a proxy serves it under; repeat"),
    ] = None,
    overrides: Overrides = None,
    api_key_file: Annotated[
        Path | None, typer.Option(help="file of the API's key; else DESKHAND_API_KEY")
    ] = None,
) -> None:
    """Serve the page, a tab for each app, and the HTTP API."""
    from apps.serving import serve_apps

    serve_apps(apps, host, port, overrides or (), allow_host or (), api_key_file=api_key_file)
