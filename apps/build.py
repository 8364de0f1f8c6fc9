"""From configs to objects: the only place that knows how an app is put together."""

import json
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.app import App
from apps.config import AppConfig
from apps.customer_service.actions import shop
from apps.customer_service.bot import CustomerServiceBot
from apps.customer_service.fitness import Fitness
from apps.customer_service.mood import FURIOUS, anger
from apps.customer_service.workflow import Workflows
from apps.email_triage.email_triage import EmailTriage
from apps.faq.faq import FaqApp
from apps.generation.build import generator_of
from apps.generation.generator import Generator
from apps.generation.prompt import RULES
from apps.generation.writer import AnswerWriter
from apps.guard import check
from apps.predicted import Predict, entities_values, intent_values
from apps.store import Store
from apps.store_ledger import Ledger
from apps.summarizer.moods import by_run, by_words
from apps.summarizer.summarizer import UNTUNED, Summarizer
from apps.summarizer.whole import WholeWriter
from data.encoders import Encoder
from data.errors import RunDirError
from finetune.intent.model import IntentModel
from finetune.ner.model import NerModel
from finetune.run_dir import RunDir
from finetune.serving import encoder_of
from finetune.summary.extractive import ExtractiveModel
from finetune.summary.model import SummaryModel
from retrieval.index import Index, open_index
from retrieval.manifest import read_manifest

if TYPE_CHECKING:
    from apps.review.desk import ReviewDesk


@lru_cache(maxsize=4)
def opened_encoder(name: str, threads: int) -> Encoder:
    """An encoder, opened once however many apps and models share it."""
    return encoder_of(name, threads)


@lru_cache(maxsize=4)
def opened_index(path: Path, threads: int) -> Index:
    """An index with the encoder that its manifest names.

    Raises:
        IndexMismatchError: If there is none, or its encoder has changed.
    """
    manifest = read_manifest(path)
    return open_index(path, opened_encoder(manifest.encoder, threads))


@lru_cache(maxsize=4)
def opened_intents(run: Path, threads: int) -> IntentModel:
    """An intent classifier, opened once.

    Raises:
        RunDirError: If the run tells steps of agents instead.
    """
    model = IntentModel(run, lambda name: opened_encoder(name, threads), threads)
    if model.reads_conversations:
        raise RunDirError(f"{run}: tells an agent's next action; a run of intents is needed here")
    return model


@lru_cache(maxsize=4)
def opened_ner(run: Path, threads: int) -> NerModel:
    """An entity recogniser, opened once."""
    return NerModel(run, threads)


def build_store(config: AppConfig, folder: Path) -> Store:
    """The conversation store; sample orders are copied into a new one."""
    store = Store(config.store)
    if config.orders is not None:
        store.copy_orders(folder / config.orders)
    return store


def build_bot(
    config: AppConfig, folder: Path, store: Store, workflows: Workflows | None = None
) -> CustomerServiceBot:
    """The customer service bot, with the workflows of its file where no others are given."""
    mood = anger
    if config.runs.mood is not None:
        moods = opened_intents(config.runs.mood, config.threads)

        def mood(text: str) -> float:
            return FURIOUS if moods.predict([text])[0].intent.name == "upset" else 0.0

    intents = opened_intents(config.runs.intent, config.threads)
    entities = opened_ner(config.runs.ner, config.threads)
    index = opened_index(config.index, config.threads)
    if workflows is None:
        workflows = Workflows.load(folder / config.workflows, shop(store), Ledger(store))
    return CustomerServiceBot(
        intents,
        entities,
        index,
        workflows,
        config.examples,
        config.hours,
        mood,
        writer=_writer(config, index),
        fitness=Fitness.load(config.answers) if config.answers.exists() else None,
    )


def _writer(config: AppConfig, index: Index) -> AnswerWriter | None:
    """What writes answers, where the config names a run or an endpoint."""

    def open_run(run: Path) -> Generator:
        from apps.generation.run_model import RunModel  # torch, which selecting does without

        return RunModel(run, config.threads)

    generator = generator_of(config.generate, open_run)
    if generator is None:
        return None
    guard = partial(check, system=RULES)
    asked = config.generate.entailment
    if asked is not None:
        from finetune.entailment_model import EntailmentModel

        model = EntailmentModel(asked.model, asked.max_tokens, config.threads)
        guard = partial(guard, entailment=model, entailed=asked.threshold)
    return AnswerWriter(generator, guard, config.generate, index.manifest.threshold)


def build_faq(config: AppConfig, folder: Path, store: Store) -> App:
    """The FAQ app."""
    return FaqApp(opened_index(config.index, config.threads), config.examples)


def build_summarizer(config: AppConfig) -> Summarizer:
    """The summarizer, with what is trained of its scorer, entities and moods; it needs none.

    Raises:
        DeskhandError: If a run is there and cannot serve, or the writer is named and is not there.
    """
    runs, threads = config.runs, config.threads
    ner = opened_ner(runs.ner, threads) if runs.ner.exists() else None
    scorer, writer, made_by = None, None, UNTUNED
    if runs.summary.exists():
        scorer = ExtractiveModel(runs.summary, lambda name: opened_encoder(name, threads), threads)
        made_by = f"scorer {runs.summary}"
    if runs.writer is not None:
        writer = WholeWriter(SummaryModel(runs.writer, threads))
        made_by = f"writer {runs.writer}; {made_by}"
    moods = by_run(opened_intents(runs.sentiment, threads)) if runs.sentiment.exists() else by_words
    return Summarizer(opened_encoder(config.encoder, threads), ner, scorer, writer, moods, made_by)


def build_triage(config: AppConfig) -> EmailTriage:
    """Email triage."""
    return EmailTriage(
        opened_intents(config.runs.intent, config.threads),
        opened_ner(config.runs.ner, config.threads),
        opened_index(config.index, config.threads),
        config.teams,
        config.other_team,
    )


def build_predictors(config: AppConfig) -> dict[str, Predict]:
    """By task, what the runs of an app say of texts."""

    def intents(texts: Sequence[str]) -> list[dict[str, Any]]:
        predictions = opened_intents(config.runs.intent, config.threads).predict(texts)
        return [intent_values(*row) for row in zip(texts, predictions, strict=True)]

    def entities(texts: Sequence[str]) -> list[dict[str, Any]]:
        found = opened_ner(config.runs.ner, config.threads).predict(texts)
        return [entities_values(*row) for row in zip(texts, found, strict=True)]

    return {"intent": intents, "ner": entities}


def build_review(config: AppConfig, store: Store) -> "ReviewDesk":
    """The reviewers' desk; runs and index need not be there.

    Raises:
        ConfigError: If there is no such region.
    """
    from apps.review.desk import ReviewDesk  # redaction and its lists, which no app needs
    from data.redact.digits import check_region

    check_region(config.region, "region")

    def answered() -> Callable[[str], bool] | None:
        if not config.index.exists():
            return None
        return FaqApp(opened_index(config.index, config.threads)).knows

    tags = (tag.partition("-")[2] for tag in _labels(config.runs.ner))
    return ReviewDesk(
        store,
        lambda: opened_encoder(config.encoder, config.threads),
        _labels(config.runs.intent),
        tuple(dict.fromkeys(tag for tag in tags if tag)),
        answered,
        config.region,
    )


def _labels(run: Path) -> tuple[str, ...]:
    """The labels of a run, none where there is no run."""
    file = RunDir(run).labels
    return tuple(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else ()


APPS: dict[str, Callable[[AppConfig, Path, Store], App]] = {
    "customer_service": build_bot,
    "faq": build_faq,
}
