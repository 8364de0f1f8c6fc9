"""The verb that fits how sure the customer service bot must be of an answer."""

from pathlib import Path
from typing import Annotated

import typer

from apps.options import AsJson, Overrides, say
from data.errors import ConfigError


def fit(
    app: Annotated[str, typer.Argument(metavar="APP", help="customer_service or a config file")],
    questions: Annotated[
        Path,
        typer.Argument(metavar="QUESTIONS", help="labelled ones, some that nothing answers"),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="the file; the config's `answers` if not given")
    ] = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """How probable an answer must be before the bot gives it, fitted on labelled questions."""
    from apps.build import opened_index, opened_intents, opened_ner
    from apps.config import app_config
    from apps.customer_service import fitting
    from retrieval.questions import read_questions

    config, _ = app_config(app, overrides or ())
    if config.app != "customer_service":
        raise ConfigError(f"{app}: only customer_service weighs its answers so")
    asked = read_questions(questions)
    index = opened_index(config.index, config.threads)
    missing = index.missing({identity for each in asked for identity in each.relevant})
    if missing:
        raise ConfigError(f"{questions}: {min(missing)!r} is not in {config.index}; index it first")
    rows = fitting.labelled(
        asked,
        index,
        opened_intents(config.runs.intent, config.threads),
        opened_ner(config.runs.ner, config.threads),
    )
    made = fitting.fit(rows, questions.name)
    target = out or config.answers
    made.fitness.save(target)
    say(
        made.values(), as_json,
        f"of {made.answerable} questions {made.right:.0%} are answered rightly, {made.wrong:.0%} "
        f"wrongly; of {made.unanswerable} that nothing answers {made.refused:.0%} are refused "
        f"→ {target}",
    )  # fmt: skip
