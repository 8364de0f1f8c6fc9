"""The verb that forgets: a customer, or one conversation."""

from dataclasses import asdict
from typing import Annotated

import typer

from apps.verbs.options import AsJson, Overrides, say
from data.errors import ConfigError


def forget(
    app: Annotated[str, typer.Argument(metavar="APP", help="template or config file")],
    customer: Annotated[
        str | None, typer.Option(help="the API's customer, or a visitor's cookie")
    ] = None,
    conversation: Annotated[str | None, typer.Option(help="the id of a conversation")] = None,
    overrides: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Delete what the store holds of a customer or a conversation."""
    from apps.config import app_config
    from apps.owners import owners_of
    from apps.store import existing_store
    from apps.store_forget import forget_conversation, forget_owners, wipe
    from apps.store_opening import shown_url

    if bool(customer) == bool(conversation):
        raise ConfigError("forget: --customer ID or --conversation ID is needed, one of the two")
    config, _ = app_config(app, overrides or ())
    store = existing_store(config.store)
    if customer:
        what = f"--customer {customer}"
        gone = forget_owners(store, owners_of(customer))
    else:
        what = f"--conversation {conversation}"
        gone = forget_conversation(store, conversation or "")
    wipe(store)  # also where nothing is found: the last time may have ended before this
    if not gone.conversations:
        raise ConfigError(
            f"{what}: store {shown_url(config.store)} has nothing of that name; check the id"
        )
    counts = asdict(gone)
    say(counts, as_json, f"deleted: {', '.join(f'{n} {name}' for name, n in counts.items())}")
