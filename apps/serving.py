"""Apps put together and opened: one message from the command line, or the page."""

import logging
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from socket import socket
from threading import Thread
from typing import Any

from threadpoolctl import threadpool_limits

from apps.app import App
from apps.build import APPS, build_review, build_store, build_summarizer, build_triage
from apps.chat import exchange, recover
from apps.config import AppConfig, AppName, app_config
from apps.customer_service.bot import CustomerServiceBot
from apps.email_triage.email_triage import mail_of, triage_values
from apps.explain import answer_values
from apps.listening import bound
from apps.store import Store
from apps.web.paste import parse_conversation
from data.conversations import entity_values
from data.errors import ConfigError
from data.schema import Answer

logger = logging.getLogger(__name__)
OWNER = "command line"  # whose conversations `ask` holds


def ask_app(
    app: str, message: str, conversation: str | None, overrides: Sequence[str]
) -> dict[str, Any]:
    """One message through an app; its Answer as plain values, with the conversation's id.

    Raises:
        DeskhandError: If the app, its runs or its index are not what is needed.
    """
    config, folder = app_config(app, overrides)
    if conversation is not None and config.app not in APPS:
        raise ConfigError(f"--conversation: {config.app} holds none; leave it out")
    if config.app == "summarizer":
        talk = parse_conversation(message)
        summary = build_summarizer(config).summarize(talk)
        return {
            **summary.ticket(talk),
            "text": summary.text,
            "entities": [entity_values(entity) for entity in summary.entities],
        }
    if config.app == "email_triage":
        return triage_values(build_triage(config).triage(mail_of(message)))
    if config.app == "review":
        raise ConfigError("review answers nothing; deskhand serve review opens it")
    built, store = opened_chat(config, folder)
    identity = store.conversation_of(OWNER, config.app, conversation)
    answer = last_answer(built, store, identity, message)
    return {**answer_values(answer), "conversation": identity}


def opened_chat(config: AppConfig, folder: Path) -> tuple[App, Store]:
    """A chat app, and the store that it reads and that its exchanges go to.

    Raises:
        DeskhandError: If its runs, its index or its store are not what is needed.
    """
    store = build_store(config, folder)
    return APPS[config.app](config, folder, store), store


def last_answer(app: App, store: Store, conversation: str, message: str) -> Answer:
    """The complete Answer to a message, after it was stored."""
    *_, (answer, _turn) = exchange(app, store, conversation, message)
    return answer


def is_local(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def check_review(apps: Sequence[str], host: str) -> None:
    """Keep everyone's conversations from customers: review is for colleagues alone.

    Raises:
        ConfigError: If customers would reach the page that it is on.
    """
    if is_local(host):
        return
    if len(apps) > 1:
        raise ConfigError(
            f"--host {host}: review shows everyone's conversations, and others would open that "
            "page; serve it alone, on another port, or leave --host out"
        )
    logger.warning("review on %s shows everyone's conversations to whoever can open it", host)


def leave_cores_to_models() -> None:
    """One thread for numpy's products from now on, in the whole process.

    They are small beside a model's, and OpenBLAS's idle threads spin for a while on the cores that
    the next model needs; the benchmark `turn` tells what that costs.
    """
    threadpool_limits(limits=1, user_api="blas")


def serve_apps(apps: Sequence[str], host: str, port: int, overrides: Sequence[str]) -> None:
    """Serve the page, a tab for each app, until it is stopped.

    Raises:
        DeskhandError: If an app, its runs or its index are not what is needed, or nothing can be
            served on that host and port.
    """
    configs = {
        config.app: (config, folder)
        for config, folder in (app_config(app, overrides) for app in apps)
    }
    if len(configs) < len(apps):
        raise ConfigError(f"{', '.join(apps)}: each app can be served once")
    if "email_triage" in configs:
        raise ConfigError("email_triage has no tab; deskhand ask email_triage MAIL sorts a mail")
    if "review" in configs:
        check_review(apps, host)
    # The bot's store has the orders; all apps of a page share one store.
    owner = "customer_service" if "customer_service" in configs else next(iter(configs))
    _check_stores([config for config, _ in configs.values()], configs[owner][0])
    with bound(host, port) as sockets:  # before all that takes long
        store = build_store(*configs[owner])
        if store.in_memory:
            raise ConfigError(
                f"store {configs[owner][0].store!r}: lives in one thread's memory, and a page "
                "answers in many; name a file, such as sqlite:///var/deskhand.db"
            )
        _serve(configs, store, sockets)


def _check_stores(configs: Sequence[AppConfig], owner: AppConfig) -> None:
    """Refuse a page of which one app's config names another store than the one it would use.

    Raises:
        ConfigError: If one does.
    """
    for config in configs:
        if "store" in config.model_fields_set and config.store != owner.store:
            raise ConfigError(
                f"{config.app}: names another store than {owner.app}, and a page has one; name the "
                "same in both, or --set store=URL for all"
            )


def _serve(
    configs: Mapping[AppName, tuple[AppConfig, Path]], store: Store, sockets: Sequence[socket]
) -> None:
    chats: dict[str, App] = {
        name: APPS[name](config, folder, store)
        for name, (config, folder) in configs.items()
        if name in APPS
    }
    leave_cores_to_models()  # after what brings such a library is imported
    recover(chats, store)
    for chat in chats.values():
        if isinstance(chat, CustomerServiceBot):  # the page need not wait for it
            Thread(target=chat.read_ahead, daemon=True).start()
    summarizer = build_summarizer(configs["summarizer"][0]) if "summarizer" in configs else None
    from apps.web.page import build_page
    from apps.web.server import create_server, serve

    desk = build_review(configs["review"][0], store) if "review" in configs else None
    page = build_page(chats, summarizer.summarize if summarizer else None, store, desk)
    serve(create_server(page), sockets)
