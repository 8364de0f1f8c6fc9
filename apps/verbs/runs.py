"""The verbs of a run: train one, search for its settings, add intents, measure, predict."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from apps.verbs.options import (
    AsJson,
    LabelColumn,
    Out,
    Overrides,
    TextColumn,
    columns_named,
    in_utf8,
    say,
)
from data.errors import ConfigError, DeskhandError


def train(
    task: Annotated[str, typer.Argument(help="intent, ner, reply, …")],
    data: Annotated[Path, typer.Option("--data", help="labelled file, or folder of splits")],
    out: Out,
    evaluation: Annotated[
        Path | None, typer.Option("--eval", help="a test set, reported only")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", help="YAML")] = None,
    overrides: Overrides = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
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
    columns = columns_named(text_column, label_column)
    resolved = train_config(task, config, overrides or (), **columns)
    from finetune.report import fitted_note
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
    if note := fitted_note(done.run.read_config(), split):
        lines.append(note)
    say({"run": str(out), **done.metrics}, as_json, "\n".join(lines))


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
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
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
    columns = columns_named(text_column, label_column)
    resolved = train_config(task, config, overrides or (), **columns)
    from finetune.search import load_space
    from finetune.search import tune as run

    wanted = load_space(resolved, space)
    try:
        done = run(resolved, data, out, wanted, trials, minutes, storage, evaluation, resume)
    except KeyboardInterrupt as stop:
        raise DeskhandError(f"stopped; {out} is as it was, go on with --resume") from stop
    place = out if done.metrics else "another worker trains it"
    lines = [f"{place}: best of {done.trials} trials, {done.metric} {done.value:.4f} on validation"]
    lines += [f"  {name}: {value}" for name, value in done.best.items()]
    if "test" in done.metrics:
        reached = done.metrics["test"]["after"][done.metric]
        lines.append(f"  test: {done.metric} {reached:.4f}")
    say({"run": str(out) if done.metrics else None, **done.to_dict()}, as_json, "\n".join(lines))


def extend(
    run: Annotated[Path, typer.Argument(help="an intent run")],
    data: Annotated[Path, typer.Option("--data", help="labelled rows of new intents alone")],
    out: Out,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    as_json: AsJson = False,
) -> None:
    """Add new intents to a trained run from some ten rows each, in seconds."""
    from apps.verbs.measure import extend_run

    done = extend_run(run, data, out, columns_named(text_column, label_column))
    added = ", ".join(f"{name} ({count} rows)" for name, count in done["added"].items())
    held = done["held_out"]
    found = (
        f"held out in turn, {held['recall']:.0%} of them are found; they take "
        f"{held['taken_from_old']:.1%} of the old rows that the run remembers"
    )
    say(done, as_json, f"{out}: {added}; {found}; {done['seconds']} s")


def evaluate(
    run: Annotated[Path, typer.Argument(help="a run or an index")],
    data: Annotated[Path, typer.Option("--data", help="labelled file")],
    report: Annotated[
        Path | None, typer.Option("--report", help="of an index: an HTML page, too")
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    as_json: AsJson = False,
) -> None:
    """Metrics of a run or an index on a labelled file."""
    from apps.verbs.measure import evaluate_path

    metrics = evaluate_path(run, data, report, columns_named(text_column, label_column))
    say(metrics, as_json, "\n".join(f"{key}: {value}" for key, value in metrics.items()))


def predict(
    run: Annotated[Path, typer.Argument(help="a run")],
    texts: Annotated[
        list[str] | None,
        typer.Argument(
            help="texts (qa: a question and a passage); none: --input or standard input",
            callback=in_utf8,
        ),
    ] = None,
    input_: Annotated[
        Path | None, typer.Option("--input", help="a text a line, or a table")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="which words drove it")] = False,
    as_json: AsJson = False,
) -> None:
    """What a model says of texts."""
    from apps.verbs.measure import explained, predict_given, texts_for

    given = list(texts or ())
    if given and input_ is not None:
        raise ConfigError(f"--input {input_}: texts are given too; give the one or the other")
    rows = (
        explained(run, texts_for(run, given, input_))
        if explain
        else predict_given(run, given, input_)
    )
    for row in rows:
        typer.echo(json.dumps(row, ensure_ascii=False) if as_json else readable(row))


def readable(row: dict[str, Any]) -> str:
    """What a model says of one text, for people."""
    if "words" in row:
        said = {key: value for key, value in row.items() if not key.startswith("words")}
        ranked = sorted(row["words"], key=lambda word: -abs(word[3]))
        why = ", ".join(f"{word} {weight:+.2f}" for word, _, _, weight in ranked)
        return f"{readable(said)}\n  because of: {why or 'no words'}"
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
    if "summary" in row or set(row) == {"text", "answer"}:
        return str(row.get("summary", row.get("answer")))
    return json.dumps(row, ensure_ascii=False)
