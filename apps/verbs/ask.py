"""The verb `ask`: one message through an app, no server."""

from typing import Annotated

import typer

from apps.verbs.options import AsJson, Overrides, in_utf8, say


def ask(
    app_name: Annotated[str, typer.Argument(metavar="APP", help="template or config file")],
    message: Annotated[str, typer.Argument(help="what the customer writes", callback=in_utf8)],
    conversation: Annotated[
        str | None, typer.Option(help="go on in this conversation", callback=in_utf8)
    ] = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """One message through an app, no server."""
    from apps.serving import ask_app

    result = ask_app(app_name, message, conversation, overrides or ())
    say(result, as_json, str(result["text"]))
