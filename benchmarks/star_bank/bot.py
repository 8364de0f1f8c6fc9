"""The customer service bot on the bank's workflows, with the bank's data as its actions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from apps.actions import Action, ActionResult, Catalog
from apps.app import App
from apps.build import opened_index, opened_intents
from apps.customer_service.bot import CustomerServiceBot
from apps.customer_service.phrases import ANYTHING_ELSE, GOODBYE, HELLO, WELCOME
from apps.customer_service.workflow import Workflows
from benchmarks.shell import deskhand
from benchmarks.star_bank.dialogues import TASKS, Dialogue
from data.schema import Answer, Entity
from finetune.ner.model import NerModel

HERE = Path(__file__).parent
# What the wizard does, as the end of a workflow's step.
STAGES = {
    "ask_name": "ask:full_name",
    "bank_ask_account_number": "ask:account_number",
    "bank_ask_pin": "ask:pin",
    "bank_ask_dob": "ask:birth_date",
    "bank_ask_mothers_maiden_name": "ask:mothers_maiden_name",
    "bank_ask_childhood_pets_name": "ask:pets_name",
    "bank_ask_fraud_details": "ask:fraud_details",
    "bank_inform_balance": "bank_balance:answer:done",
    "bank_inform_fraud_report_submitted": "bank_fraud_report:answer:done",
    "bank_inform_nothing_found": "answer:unknown",
    "bank_inform_cannot_authenticate": "answer:lacking",
}
SMALL_TALK = {
    HELLO: "hello",
    WELCOME: "anything_else",
    ANYTHING_ELSE: "anything_else",
    GOODBYE: "goodbye_1",
}


class Bank:
    """The bank's data in one dialogue: what the wizard was told there when it asked.

    A query that no wizard made there finds nothing.
    """

    def __init__(self) -> None:
        self._found: Mapping[str, Mapping[str, Any]] = {}
        self.called: list[tuple[str, dict[str, str]]] = []

    def open(self, dialogue: Dialogue) -> None:
        """Turn to a dialogue's data."""
        self._found = {each.task: each.item for each in dialogue.queries if each.succeeded}
        self.called = []

    def catalog(self) -> Catalog:
        """What the workflows name."""
        return Catalog({task: self._action(task) for task in TASKS})

    def _action(self, task: str) -> Action:
        def run(slots: Mapping[str, str]) -> ActionResult:
            self.called.append((task, dict(slots)))
            item = self._found.get(task)
            if item is None:
                return ActionResult("unknown")
            return ActionResult("done", {"balance": str(item.get("BankBalance", ""))})

        return Action(run, ("done", "unknown"), ("full_name",), ("balance",))


def opened(bank: Bank, intents: Path, kept: Path) -> App:
    """The bot; its index is one page of ours."""
    index = kept / "index"
    if not index.exists():
        deskhand(kept, "index", HERE / "page.md", "--out", index)
    return CustomerServiceBot(
        opened_intents(intents, 1),
        cast(NerModel, Nothing()),  # slots are read by their kinds
        opened_index(index, 1),
        workflows(bank),
    )


class Nothing:
    """Stands for an ner run, and finds nothing."""

    def predict(self, texts: Sequence[str]) -> list[list[Entity]]:
        """None for each of n texts."""
        return [[] for _ in texts]


def workflows(bank: Bank) -> Workflows:
    """The bank's workflows on its data."""
    return Workflows.load(HERE / "workflows.yaml", bank.catalog())


def action_of(answer: Answer) -> str:
    """The wizard's action that the bot's answer comes to; its step where no wizard has such."""
    if answer.step == "small_talk":
        return SMALL_TALK[answer.text]
    found = [action for action, stage in STAGES.items() if answer.step.endswith(f":{stage}")]
    return found[0] if found else answer.step
