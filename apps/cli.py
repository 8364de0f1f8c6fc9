"""The command line: a contract that scripts rely on. Heavy imports stand inside the commands."""

import io
import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from apps.testing.command import run_tests
from apps.verbs.backtest import backtest
from apps.verbs.feedback import feedback
from apps.verbs.fit import fit
from apps.verbs.forget import forget
from apps.verbs.gaps import gaps
from apps.verbs.index import index, pairs, search
from apps.verbs.logs import discover, ground, mine, prepare
from apps.verbs.options import AsJson, Overrides, Port, in_utf8, say
from apps.verbs.runs import evaluate, extend, predict, train, tune
from apps.verbs.summaries import summarize
from data.errors import DeskhandError

app = typer.Typer(
    name="deskhand",
    help="From a company's own support logs to a working, measured, private support assistant.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def demo(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Port = 7860,
) -> None:
    """Train on the sample logs if needed, then open the chat page."""
    from apps.local import is_local
    from apps.serving import serve_apps
    from apps.verbs.demo import ensure_trained

    ensure_trained()
    # Whoever reaches a page with the review tab reads everyone's conversations.
    review = ["review"] if is_local(host) else []
    serve_apps(["customer_service", "faq", "summarizer", *review], host, port, [])


for verb in (
    prepare, discover, mine, ground, train, tune, extend, evaluate, predict, index, search, pairs,
    feedback, fit, gaps, backtest,
    summarize, forget,
):  # fmt: skip
    app.command()(verb)


@app.command()
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


@app.command()
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


app.command("test")(run_tests)


def main() -> None:
    """Run a command; a user's mistake becomes one line on stderr and exit code 2."""
    _settle()
    try:
        app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except typer.Exit as done:
        sys.exit(done.exit_code)
    except DeskhandError as error:
        _fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # who reads has gone away
    except OSError as error:  # a disk that is full, a file that cannot be read, …
        where = f"{error.filename}: " if error.filename else ""
        _fail(f"{where}{error.strerror or error}")
    except Exception as error:
        if hasattr(error, "format_message"):  # click's own: a wrong option or a missing argument
            _fail(f"{error.format_message()} (deskhand --help shows the commands)")
        raise


def _settle() -> None:
    """What holds for the whole process: what is logged, how it prints, what libraries may do."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for ours in ("apps", "data", "finetune", "retrieval"):
        logging.getLogger(ours).setLevel(logging.INFO)
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file's name may hold what no encoding has
        sys.stdout.reconfigure(errors="backslashreplace")
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_DISABLE", "1")  # bars are for terminals, not for log files


def _fail(message: str) -> None:
    typer.echo(f"error: {message}", err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
