"""The command line: a contract that scripts rely on. Each verb is a file of `apps/verbs/`."""

import io
import logging
import os
import sys

import typer

from apps.verbs.ask import ask
from apps.verbs.backtest import backtest
from apps.verbs.demo import demo
from apps.verbs.discover import discover
from apps.verbs.evaluate import evaluate
from apps.verbs.extend import extend
from apps.verbs.feedback import feedback
from apps.verbs.fit import fit
from apps.verbs.forget import forget
from apps.verbs.gaps import gaps
from apps.verbs.ground import ground
from apps.verbs.index import index
from apps.verbs.mine import mine
from apps.verbs.pairs import pairs
from apps.verbs.predict import predict
from apps.verbs.prepare import prepare
from apps.verbs.search import search
from apps.verbs.serve import serve
from apps.verbs.summarize import summarize
from apps.verbs.test import run_tests
from apps.verbs.train import train
from apps.verbs.tune import tune
from data.errors import DeskhandError

app = typer.Typer(
    name="deskhand",
    help="From a company's own support logs to a working, measured, private support assistant.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


for verb in (
    demo, prepare, discover, mine, ground, train, tune, extend, evaluate, predict, index, search,
    pairs, feedback, fit, gaps, backtest, summarize, forget, ask, serve,
):  # fmt: skip
    app.command()(verb)
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
    # OpenBLAS's idle threads spin, and a fit is thousands of small products: two threads take
    # several times as long as one (`benchmarks/few_cores.py`). Read when numpy is imported, later.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file's name may hold what no encoding has
        sys.stdout.reconfigure(errors="backslashreplace")
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_DISABLE", "1")  # bars are for terminals, not for log files


def _fail(message: str) -> None:
    typer.echo(f"error: {message}", err=True)
    sys.exit(2)


if __name__ == "__main__":
    main()
