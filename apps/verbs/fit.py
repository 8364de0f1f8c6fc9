"""The verb that fits how sure the customer service bot must be of an answer."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apps.verbs.options import AsJson, Overrides, say
from data.errors import ConfigError

if TYPE_CHECKING:
    from apps.config import AppConfig
    from apps.customer_service.fitting import Labelled
    from finetune.intent.model import IntentModel
    from finetune.ner.model import NerModel
    from retrieval.index import Index


def fit(
    app: Annotated[str, typer.Argument(metavar="APP", help="customer_service or a config file")],
    questions: Annotated[
        Path,
        typer.Argument(metavar="QUESTIONS", help="labelled ones, some that nothing answers"),
    ],
    log: Annotated[
        Path | None,
        typer.Option("--log", help="past conversations with people, such as the indexed ones"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="the file; the config's `answers` if not given")
    ] = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """How probable an answer must be before the bot gives it, fitted on labelled questions.

    A log tells besides how probable one must be in the midst of a conversation that a person leads.
    """
    from apps.build import opened_index, opened_intents, opened_ner
    from apps.config import app_config
    from apps.customer_service import fitting
    from data.outputs import check_file
    from retrieval.questions import read_questions

    config, folder = app_config(app, overrides or ())
    if config.app != "customer_service":
        raise ConfigError(f"{app}: only customer_service weighs its answers so")
    target = out or config.answers
    check_file(target)
    asked = read_questions(questions)
    index = opened_index(config.index, config.threads)
    missing = index.missing({identity for each in asked for identity in each.relevant})
    if missing:
        raise ConfigError(f"{questions}: {min(missing)!r} is not in {config.index}; index it first")
    models = (
        index,
        opened_intents(config.runs.intent, config.threads),
        opened_ner(config.runs.ner, config.threads),
    )
    rows, name = fitting.labelled(asked, *models), questions.name
    past = _of_log(log, config, folder, models) if log is not None else []
    made = fitting.fit(rows, f"{name}, {log.name}" if log else name, config.costs, past)
    made.fitness.save(target)
    say(
        made.values(), as_json,
        f"of {made.answerable} questions {made.right:.0%} are answered rightly, {made.wrong:.0%} "
        f"wrongly; of {made.unanswerable} that nothing answers {made.refused:.0%} are refused "
        f"→ {target}",
    )  # fmt: skip


def _of_log(
    log: Path,
    config: "AppConfig",
    folder: Path,
    models: "tuple[Index, IntentModel, NerModel]",
) -> "list[Labelled]":
    """The messages of a log that the bot would look up, with what served as the person's answer."""
    from apps.backtest.judging import serves_by
    from apps.backtest.pairs import JUDGED, fit_likeness, read_pairs
    from apps.build import build_store, opened_encoder
    from apps.customer_service.actions import shop
    from apps.customer_service.fitting import labelled_log
    from apps.customer_service.workflow_check import read_workflows
    from apps.harmless import IN_MEMORY
    from data.logs import read_export
    from data.rows import BadRows
    from data.sources import of_path

    store = build_store(config.model_copy(update={"store": IN_MEMORY}), folder)
    workflows = read_workflows(folder / config.workflows, shop(store)).workflows
    acted = {"talk_to_human", *(name for each in workflows.values() for name in each.intents)}
    encoder = opened_encoder(config.encoder, config.threads)
    serves = serves_by(fit_likeness(read_pairs(JUDGED), encoder), encoder)
    conversations = read_export(of_path(log), None, {}, BadRows())
    return list(labelled_log(conversations, *models, serves, acted))
