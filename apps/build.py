"""From configs to objects: the only place that knows how an app is put together."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from apps.app import App
from apps.config import AppConfig
from apps.customer_service.bot import CustomerServiceBot
from apps.customer_service.workflow import Workflows
from apps.email_triage.email_triage import EmailTriage
from apps.faq.faq import FaqApp
from apps.store import Store
from apps.summarizer.summarizer import Summarizer
from data.encoders import Encoder
from finetune.intent_model import IntentModel
from finetune.ner_model import NerModel
from finetune.serving import encoder_of
from retrieval.index import Index, open_index
from retrieval.manifest import read_manifest


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
    """An intent classifier, opened once."""
    return IntentModel(run, lambda name: opened_encoder(name, threads), threads)


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


def build_bot(config: AppConfig, folder: Path, store: Store) -> App:
    """The customer service bot."""
    return CustomerServiceBot(
        opened_intents(config.runs.intent, config.threads),
        opened_ner(config.runs.ner, config.threads),
        opened_index(config.index, config.threads),
        Workflows.load(folder / config.workflows, store),
        config.examples,
    )


def build_faq(config: AppConfig, folder: Path, store: Store) -> App:
    """The FAQ app."""
    return FaqApp(opened_index(config.index, config.threads), config.examples)


def build_summarizer(config: AppConfig) -> Summarizer:
    """The summarizer; it lists entities where an ner run exists."""
    ner = opened_ner(config.runs.ner, config.threads) if config.runs.ner.exists() else None
    return Summarizer(opened_encoder(config.encoder, config.threads), ner)


def build_triage(config: AppConfig) -> EmailTriage:
    """Email triage."""
    return EmailTriage(
        opened_intents(config.runs.intent, config.threads),
        opened_ner(config.runs.ner, config.threads),
        opened_index(config.index, config.threads),
        config.teams,
        config.other_team,
    )


APPS: dict[str, Callable[[AppConfig, Path, Store], App]] = {
    "customer_service": build_bot,
    "faq": build_faq,
}
