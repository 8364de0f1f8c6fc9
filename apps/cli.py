"""The command line: a contract that scripts rely on. Heavy imports stand inside the commands."""

import json
import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from apps.index_verbs import index, pairs, search
from apps.options import AsJson, Out, Overrides, say
from apps.testing.command import run_tests
from data.errors import ConfigError, DeskhandError, LogFormatError

app = typer.Typer(
    name="deskhand",
    help="From a company's own support logs to a working, measured, private support assistant.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def demo(
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port of the page")] = 7860,
) -> None:
    """Train on the sample logs if needed, then open the chat page."""
    from apps.demo import ensure_trained
    from apps.serving import serve_apps

    ensure_trained()
    serve_apps(["customer_service", "faq", "summarizer"], host, port, [])


@app.command()
def prepare(
    logs: Annotated[list[Path], typer.Argument(help="exports: files, folders or archives")],
    out: Out,
    format_: Annotated[str | None, typer.Option("--format", help="importer by name")] = None,
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="field=column of a table; agent=names")
    ] = None,
    region: Annotated[str, typer.Option(help="country of phone numbers without prefix")] = "GB",
    split: Annotated[str, typer.Option(help="by conversation, customer or time")] = "conversation",
    ner: Annotated[Path | None, typer.Option(help="a ner run, which finds further names")] = None,
    engine: Annotated[str, typer.Option(help="local, or ray (a cluster)")] = "local",
    key_file: Annotated[
        Path | None, typer.Option(help="16 bytes or more: the same stand-ins each time")
    ] = None,
    max_bad: Annotated[int, typer.Option(help="bad rows that still count as success")] = 0,
    as_json: AsJson = False,
) -> None:
    """Any export → conversations, redacted, split, with a report."""
    from apps.prepare import prepare_logs

    columns = dict(_pair(entry, "--map") for entry in map_ or ())
    done = prepare_logs(
        logs, out, format_, columns, region=region, split=split, ner=ner, engine=engine,
        key_file=key_file,
    )  # fmt: skip
    total = sum(done.conversations.values())
    splits = ", ".join(f"{count} {name}" for name, count in done.conversations.items())
    redacted = ", ".join(f"{count} {kind}" for kind, count in done.redacted.items()) or "nothing"
    say(
        {"out": str(out), **done.report},
        as_json,
        f"{total} conversations, {done.turns} turns → {out} ({splits}); redacted: {redacted}",
    )
    for line in done.bad[:20]:
        typer.echo(f"warning: {line}", err=True)
    if done.rows_dropped > max_bad:
        raise LogFormatError(
            f"{done.rows_dropped} rows could not be read or were dropped, the first at "
            f"{done.bad[0]}; everything else was written to {out}, the places are in "
            f"{out / 'dropped.jsonl'} (--max-bad N accepts some)"
        )


@app.command()
def discover(
    path: Annotated[
        Path | None, typer.Argument(help="prepared folder, conversations, table or lines")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="where to write")] = None,
    known: Annotated[Path | None, typer.Option("--known", help="labelled rows")] = None,
    before: Annotated[
        Path | None, typer.Option("--before", help="an earlier run, whose topics go on")
    ] = None,
    topics: Annotated[int | None, typer.Option("--topics", help="how many, if you know")] = None,
    encoder: Annotated[str, typer.Option("--encoder", help="name, path or run")] = "",
    text_column: Annotated[str, typer.Option(help="column of the text")] = "text",
    threads: Annotated[int, typer.Option("--threads", help="CPU threads")] = 2,
    apply: Annotated[
        Path | None, typer.Option("--apply", help="an edited run → labelled rows in --out FILE")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Unlabelled turns → topics to look at, edit, and train on."""
    from apps.discover import apply_topics
    from apps.discover import discover as run
    from data.encoders import DEFAULT_ENCODER

    if out is None or (path is None) == (apply is None):
        raise ConfigError("give PATH --out DIR, or --apply DIR --out FILE")
    if apply is not None:
        done = apply_topics(apply, out)
        text = f"{done['rows']} rows of {len(done['labels'])} labels → {out}"
    else:
        assert path is not None
        done = run(
            path, out, encoder=encoder or DEFAULT_ENCODER, known=known, before=before,
            topics=topics, text_column=text_column, threads=threads,
        )  # fmt: skip
        text = "\n".join(
            [f"{done['turns']} turns, {len(done['topics'])} topics → {out}"]
            + [f"  {each['size']:>6}  {each['name']}  ({each['state']})"
               for each in done["topics"][:20]]
        )  # fmt: skip
    say(done, as_json, text)


@app.command()
def mine(
    path: Annotated[Path, typer.Argument(help="prepared folder or conversations")],
    out: Out,
    encoder: Annotated[str, typer.Option("--encoder", help="name, path or run")] = "",
    threads: Annotated[int, typer.Option("--threads", help="CPU threads")] = 2,
    as_json: AsJson = False,
) -> None:
    """Solved conversations → best answers, an FAQ to edit, and answers that contradict."""
    from apps.mine import mine_log
    from data.encoders import DEFAULT_ENCODER

    done = mine_log(path, out, encoder or DEFAULT_ENCODER, threads)
    text = (
        f"{done['pairs']} answers, {done['faq']} FAQ proposals, {done['contradictions']} "
        f"contradictions from {done['conversations']} conversations → {out}"
    )
    say(done, as_json, text)


@app.command()
def train(
    task: Annotated[str, typer.Argument(help="intent, ner, reply, …")],
    data: Annotated[Path, typer.Option("--data", help="labelled file, or folder of splits")],
    out: Out,
    evaluation: Annotated[
        Path | None, typer.Option("--eval", help="a test set, reported only")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", help="YAML")] = None,
    overrides: Overrides = None,
    text_column: Annotated[str | None, typer.Option(help="column of the text")] = None,
    label_column: Annotated[str | None, typer.Option(help="column of the label")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="go on from the last checkpoint")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be done")] = False,
    as_json: AsJson = False,
) -> None:
    """Fine-tune one model and write a run directory."""
    from finetune.config import train_config
    from finetune.methods import METHODS

    if task not in METHODS:
        raise ConfigError(f"no task {task!r}; one of {', '.join(METHODS)}")
    columns = {"text_column": text_column, "label_column": label_column}
    given = {key: value for key, value in columns.items() if value is not None}
    resolved = train_config(task, config, overrides or (), **given)
    from finetune.train import describe
    from finetune.train import train as run

    if dry_run:
        plan = describe(resolved, data, evaluation)
        say(
            plan,
            as_json,
            f"{task} by {plan['method']} ({plan['because']}): {plan['summary']}",
        )
        return
    try:
        done = run(resolved, data, out, evaluation, resume)
    except KeyboardInterrupt as stop:
        raise DeskhandError(f"stopped; {out} is as it was, go on with --resume") from stop
    if not done.metrics:  # one of the processes that only helped
        return
    split = "test" if "test" in done.metrics else "validation"
    lines = [f"{out}: {split}"] + [
        f"  {key}: {done.metrics[split]['before'].get(key)} before, {value} after"
        for key, value in done.metrics[split]["after"].items()
    ]
    say({"run": str(out), **done.metrics}, as_json, "\n".join(lines))


@app.command()
def tune(
    task: Annotated[str, typer.Argument(help="intent, ner, reply, …")],
    data: Annotated[Path, typer.Option("--data", help="labelled file, or folder of splits")],
    out: Out,
    trials: Annotated[int, typer.Option("--trials", help="trainings to try, of all workers")],
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="of the search; the last training is more")
    ] = None,
    evaluation: Annotated[
        Path | None, typer.Option("--eval", help="a test set, reported once")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", help="YAML")] = None,
    space: Annotated[Path | None, typer.Option("--space", help="YAML of what may vary")] = None,
    overrides: Overrides = None,
    storage: Annotated[
        str | None, typer.Option("--storage", help="URL of a database that workers share")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="the last training goes on from its checkpoint")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Search for the settings of a training, then train with the best of them."""
    from finetune.config import train_config
    from finetune.methods import METHODS

    if task not in METHODS:
        raise ConfigError(f"no task {task!r}; one of {', '.join(METHODS)}")
    resolved = train_config(task, config, overrides or ())
    from finetune.search import load_space
    from finetune.search import tune as run

    wanted = load_space(resolved, space)
    try:
        done = run(resolved, data, out, wanted, trials, minutes, storage, evaluation, resume)
    except KeyboardInterrupt as stop:
        raise DeskhandError(f"stopped; {out} is as it was, go on with --resume") from stop
    lines = [f"{out}: best of {done.trials} trials, {done.metric} {done.value:.4f} on validation"]
    lines += [f"  {name}: {value}" for name, value in done.best.items()]
    if "test" in done.metrics:
        reached = done.metrics["test"]["after"][done.metric]
        lines.append(f"  test: {done.metric} {reached:.4f}")
    say({"run": str(out), **done.to_dict()}, as_json, "\n".join(lines))


@app.command()
def extend(
    run: Annotated[Path, typer.Argument(help="an intent run")],
    data: Annotated[Path, typer.Option("--data", help="labelled rows of new intents alone")],
    out: Out,
    as_json: AsJson = False,
) -> None:
    """Add new intents to a trained run from some ten rows each, in seconds."""
    from apps.measure import extend_run

    done = extend_run(run, data, out)
    added = ", ".join(f"{name} ({count} rows)" for name, count in done["added"].items())
    held = done["held_out"]
    found = (
        f"held out in turn, {held['recall']:.0%} of them are found; they take "
        f"{held['taken_from_old']:.1%} of the old rows that the run remembers"
    )
    say(done, as_json, f"{out}: {added}; {found}; {done['seconds']} s")


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="a run or an index")],
    data: Annotated[Path, typer.Option("--data", help="labelled file")],
    report: Annotated[
        Path | None, typer.Option("--report", help="of an index: an HTML page, too")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Metrics of a run or an index on a labelled file."""
    from apps.measure import evaluate_path

    metrics = evaluate_path(run, data, report)
    say(metrics, as_json, "\n".join(f"{key}: {value}" for key, value in metrics.items()))


@app.command()
def predict(
    run: Annotated[Path, typer.Argument(help="a run")],
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            help="texts (qa: a question and a passage); none: --input or standard input"
        ),
    ] = None,
    input_: Annotated[
        Path | None, typer.Option("--input", help="a text a line, or a table")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="which words drove it")] = False,
    as_json: AsJson = False,
) -> None:
    """What a model says of texts."""
    from apps.measure import explained, predict_given, read_texts

    given = list(texts or ())
    rows = (
        explained(run, given or read_texts(input_))
        if explain
        else predict_given(run, given, input_)
    )
    for row in rows:
        typer.echo(json.dumps(row, ensure_ascii=False) if as_json else _readable(row))


app.command()(index)
app.command()(search)
app.command()(pairs)


@app.command()
def ask(
    app_name: Annotated[str, typer.Argument(metavar="APP", help="template or config file")],
    message: Annotated[str, typer.Argument(help="what the customer writes")],
    conversation: Annotated[str | None, typer.Option(help="go on in this conversation")] = None,
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
    port: Annotated[int, typer.Option(help="port")] = 7860,
    overrides: Overrides = None,
) -> None:
    """Serve the page, a tab for each app."""
    from apps.serving import serve_apps

    serve_apps(apps, host, port, overrides or ())


app.command("test")(run_tests)


def main() -> None:
    """Run a command; a user's mistake becomes one line on stderr and exit code 2."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for ours in ("apps", "data", "finetune", "retrieval"):
        logging.getLogger(ours).setLevel(logging.INFO)
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_DISABLE", "1")  # bars are for terminals, not for log files
    try:
        app(standalone_mode=False)
    except typer.Exit as done:
        sys.exit(done.exit_code)
    except DeskhandError as error:
        _fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # who reads has gone away
    except Exception as error:
        if hasattr(error, "format_message"):  # click's own: a wrong option or a missing argument
            _fail(f"{error.format_message()} (deskhand --help shows the commands)")
        raise


def _fail(message: str) -> None:
    typer.echo(f"error: {message}", err=True)
    sys.exit(2)


def _pair(entry: str, option: str) -> tuple[str, str]:
    key, sign, value = entry.partition("=")
    if not (key and sign and value):
        raise ConfigError(f"{option} {entry}: field=column is needed")
    return key, value


def _readable(row: dict[str, Any]) -> str:
    if "words" in row:
        said = {key: value for key, value in row.items() if not key.startswith("words")}
        ranked = sorted(row["words"], key=lambda word: -abs(word[3]))
        why = ", ".join(f"{word} {weight:+.2f}" for word, _, _, weight in ranked)
        return f"{_readable(said)}\n  because of: {why or 'no words'}"
    if "intent" in row:
        name = row["intent"] or "out of scope"
        return f"{name} ({row['confidence']:.2f})  {row['text']}"
    if "entities" in row:
        found = ", ".join(f"{e['type']}={e['text']}" for e in row["entities"]) or "no entities"
        return f"{found}  {row['text']}"
    if "head" in row and "label" in row:
        head, tail = (row["text"][row[end]["start"] : row[end]["end"]] for end in ("head", "tail"))
        return f"{head} → {tail}: {row['label']} ({row['confidence']:.2f})  {row['text']}"
    if "question" in row:
        answer = "no answer" if row["answer"] is None else row["answer"]
        return f"{answer} ({row['confidence']:.2f})  {row['question']}"
    if "summary" in row:
        return str(row["summary"])
    return json.dumps(row, ensure_ascii=False)


if __name__ == "__main__":
    main()
