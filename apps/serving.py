"""Apps put together and opened: one message from the command line, or the page."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from socket import gethostname
from threading import Thread
from typing import Any

from fastapi import APIRouter, FastAPI
from threadpoolctl import threadpool_limits

from apps.api.key import VARIABLE, api_key
from apps.app import App
from apps.build import (
    APPS,
    build_predictors,
    build_review,
    build_store,
    build_summarizer,
    build_triage,
)
from apps.chat import exchange, recover
from apps.config import AppConfig, AppName, app_config
from apps.customer_service.bot import CustomerServiceBot
from apps.email_triage.email_triage import mail_of, triage_values
from apps.explain import answer_values
from apps.listening import bound
from apps.local import is_local
from apps.retention import keep_days
from apps.store import Store
from apps.summarizer.summary import Summary, summary_values
from apps.web.paste import parse_conversation
from data.errors import ConfigError
from data.schema import Answer, Conversation

logger = logging.getLogger(__name__)
Configs = Mapping[AppName, tuple[AppConfig, Path]]
OWNER = "command line"  # whose conversations `ask` holds
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?")


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
        return summary_values(build_summarizer(config).summarize(talk), talk)
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


def check_review(apps: Sequence[str], host: str, allowed: Sequence[str] = ()) -> None:
    """Keep everyone's conversations from customers: review is for colleagues alone.

    Args:
        apps: What the page has.
        host: The address that it listens on.
        allowed: Names that a proxy serves it under.

    Raises:
        ConfigError: If customers would reach the page that it is on.
    """
    if is_local(host) and not allowed:
        return
    told = f"--host {host}" if not is_local(host) else f"--allow-host {allowed[0]}"
    if len(apps) > 1:
        raise ConfigError(
            f"{told}: review shows everyone's conversations, and others would open that "
            f"page; serve it alone, on another port, or leave {told.split()[0]} out"
        )
    logger.warning("review with %s shows everyone's conversations to whoever can open it", told)


def names_of(host: str, allowed: Sequence[str] = ()) -> list[str]:
    """Names that a page is reached by, beside `localhost` and IP addresses.

    Args:
        host: The address that it listens on. Where the network reaches that, this machine's own
            names count too.
        allowed: Further names, of a proxy.

    Raises:
        ConfigError: If one is no bare name.
    """
    for name in allowed:
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"--allow-host {name}: a bare name such as desk.example.com is needed, without "
                "https:// and port"
            )
    if is_local(host):
        return [*allowed]
    machine = gethostname()
    return [*allowed, host, machine, machine.partition(".")[0], f"{machine}.local"]


def api_offered(host: str, allowed: Sequence[str], key: str | None) -> bool:
    """Whether the server has an API: without a key it is for this machine alone, which is told."""
    if key is None and (allowed or not is_local(host)):
        logger.warning(
            "no API on %s: without a key whoever reaches it could use it; --api-key-file FILE or "
            "%s gives it one",
            allowed[0] if allowed else host,
            VARIABLE,
        )
        return False
    return True


def tell_address(host: str, port: int, with_api: bool, key: str | None) -> None:
    """Log where the page is, and the API, once they are there."""
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    logger.info("the page is at %s", url)
    if with_api:
        who = "programs of this machine, without a key" if key is None else "who shows the key"
        logger.info("the API is at %s/api for %s", url, who)


def leave_cores_to_models() -> None:
    """One thread for numpy's products from now on, in the whole process.

    They are small beside a model's, and OpenBLAS's idle threads spin for a while on the cores that
    the next model needs; the benchmark `turn` tells what that costs.
    """
    threadpool_limits(limits=1, user_api="blas")


def serve_apps(
    apps: Sequence[str],
    host: str,
    port: int,
    overrides: Sequence[str],
    allowed: Sequence[str] = (),
    api_key_file: Path | None = None,
) -> None:
    """Serve the page, a tab for each app, and the API, until it is stopped.

    Args:
        apps: Templates or config files.
        host: The address to listen on.
        port: Its port.
        overrides: `key=value` for the configs.
        allowed: Names that a proxy serves it under.
        api_key_file: Holds the API's key; None: DESKHAND_API_KEY does, or there is none.

    Raises:
        DeskhandError: If an app, its runs, its index or the API's key are not what is needed, or
            nothing can be served on that host and port.
    """
    names = names_of(host, allowed)
    key = api_key(api_key_file)
    configs = {
        config.app: (config, folder)
        for config, folder in (app_config(app, overrides) for app in apps)
    }
    if len(configs) < len(apps):
        raise ConfigError(f"{', '.join(apps)}: each app can be served once")
    if "review" in configs:
        check_review(apps, host, allowed)
    with_api = api_offered(host, allowed, key)
    if "email_triage" in configs and not with_api:
        raise ConfigError(
            "email_triage has no tab, and there is no API without a key; deskhand ask email_triage "
            "MAIL sorts a mail"
        )
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
        beyond = bool(allowed) or not is_local(host)
        server = _server(configs, store, names, with_api, key, unexplained(configs, beyond))
        from apps.web.server import serve

        keep_days(store, configs[owner][0].store_days)
        listened_on = sockets[0].getsockname()[1]  # of port 0: the one that was free
        serve(server, sockets, lambda: tell_address(host, listened_on, with_api, key))


def unexplained(configs: Configs, beyond: bool) -> list[AppName]:
    """The apps whose visitors are not shown how an answer came about.

    Args:
        configs: Of the page's apps.
        beyond: Whether others than this machine reach the page: customers, perhaps.
    """
    return [
        name for name, (config, _) in configs.items()
        if not (config.explain if config.explain is not None else not beyond)
    ]  # fmt: skip


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


def _server(
    configs: Configs,
    store: Store,
    names: Sequence[str],
    with_api: bool,
    key: str | None,
    quiet: Sequence[AppName],
) -> FastAPI:
    """The page and the API of opened apps; messages that were left unanswered are answered."""
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
    summarize = summarizer.summarize if summarizer else None
    from apps.web.page import build_page
    from apps.web.server import create_server

    desk = build_review(configs["review"][0], store) if "review" in configs else None
    page = build_page(chats, summarize, store, desk, quiet)
    routers = [_api(configs, store, chats, summarize, key)] if with_api else []
    return create_server(page, routers, hosts=names)


def _api(
    configs: Configs,
    store: Store,
    chats: Mapping[str, App],
    summarize: Callable[[Conversation], Summary] | None,
    key: str | None,
) -> APIRouter:
    from apps.api.routes import Served, api_router

    triage = build_triage(configs["email_triage"][0]).triage if "email_triage" in configs else None
    with_runs = configs.get("customer_service") or configs.get("email_triage")
    predictors = build_predictors(with_runs[0]) if with_runs else {}
    return api_router(Served(store, chats, summarize, triage, predictors), key)
