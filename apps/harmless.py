"""An app that can do no harm: orders are a copy in memory, and no other system is called."""

from dataclasses import replace
from pathlib import Path

from apps.actions import Action, ActionResult, Catalog
from apps.app import App
from apps.build import APPS, build_bot, build_store
from apps.config import AppConfig
from apps.customer_service.actions import shop
from apps.customer_service.workflow import Workflows
from apps.customer_service.workflow_check import read_workflows
from apps.customer_service.workflow_file import FAILED, WorkflowsConfig
from apps.store import Store
from data.errors import ConfigError

IN_MEMORY = "sqlite://"  # a database that ends with its app
_NOT_CALLED = "not called"


def opened_harmless(config: AppConfig, folder: Path, keep_hours: bool = False) -> tuple[App, Store]:
    """A chat app, and the store of its own that it reads.

    Args:
        config: Of the app.
        folder: Where the config lies.
        keep_hours: Whether its hours hold; else it is open at any hour.

    Raises:
        DeskhandError: If it is no chat app, or its runs or its index are not what is needed.
    """
    if config.app not in APPS:
        raise ConfigError(f"the app {config.app} answers no customers; {', '.join(APPS)} do")
    hours = config.hours if keep_hours else None
    config = config.model_copy(update={"store": IN_MEMORY, "hours": hours})
    store = build_store(config, folder)
    if config.app != "customer_service":
        return APPS[config.app](config, folder, store), store
    catalog = shop(store)
    workflows = read_workflows(folder / config.workflows, catalog)
    return build_bot(config, folder, store, without_calls(workflows, catalog)), store


def without_calls(config: WorkflowsConfig, catalog: Catalog) -> Workflows:
    """The workflows, where each call to another system fails without being made."""
    told = {
        name: workflow.model_copy(
            update={
                "action": workflow.action if isinstance(workflow.action, str) else _NOT_CALLED,
                "preview": workflow.preview
                if workflow.preview is not None and workflow.preview.http is None
                else None,
            }
        )
        for name, workflow in config.workflows.items()
    }
    actions = {
        **catalog.actions,
        _NOT_CALLED: Action(lambda slots: ActionResult(FAILED), (FAILED,)),
    }
    return Workflows(
        config.model_copy(update={"workflows": told}), replace(catalog, actions=actions)
    )
