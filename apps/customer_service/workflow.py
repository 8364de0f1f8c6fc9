"""Workflows: one step of running one. Plain data in, plain data out.

What a step may look up, change and call is in the catalog that it is given; it knows no shop.
"""

import hashlib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from apps.actions import ActionResult, Catalog, Journal, SlotTurn
from apps.customer_service.agreement import agreed, is_reply, says_yes
from apps.customer_service.http_action import call
from apps.customer_service.lacking import lacked, needed
from apps.customer_service.progress import MISSES, Progress, Said, Step, counted
from apps.customer_service.slots import READERS, fits, value_of
from apps.customer_service.workflow_check import read_workflows
from apps.customer_service.workflow_file import (
    BRACES,
    DECLINED,
    FAILED,
    LACKING,
    OK,
    HttpConfig,
    WorkflowConfig,
    WorkflowsConfig,
)
from data.schema import Entity

YES_NO = ("Yes", "No")
_INVALID = "That does not look right."


class Workflows:
    """The workflows of a bot; `moved` moves one on.

    Args:
        config: The file of workflows, checked.
        catalog: What it names.
        journal: Where a call to another system is noted before it is made.
    """

    def __init__(
        self, config: WorkflowsConfig, catalog: Catalog, journal: Journal | None = None
    ) -> None:
        self._config, self._catalog, self._journal = config, catalog, journal
        self._readers = READERS | dict(catalog.readers)
        self._by_intent = {
            intent: name
            for name, workflow in config.workflows.items()
            for intent in workflow.intents
        }
        words = "|".join(re.escape(word) for word in config.cancel_words)
        self._cancel = re.compile(rf"\b(?:{words})\b", re.I) if words else None

    @classmethod
    def load(cls, path: Path, catalog: Catalog, journal: Journal | None = None) -> "Workflows":
        """Read and check a workflows file.

        Raises:
            ConfigError: One line for each mistake.
        """
        return cls(read_workflows(path, catalog), catalog, journal)

    def for_intent(
        self, intent: str | None, entities: Sequence[Entity] | None = None
    ) -> str | None:
        """The workflow that an intent starts, in a message with those entities where told."""
        name = self._by_intent.get(intent or "")
        given = self._config.workflows[name].given if name else ()
        if given and entities is not None:
            return name if any(entity.type in given for entity in entities) else None
        return name

    def changes(self, name: str) -> bool:
        """Whether a workflow changes something, rather than looks it up."""
        return self._config.workflows[name].confirm is not None

    def looked_up(self, kinds: Collection[str]) -> str | None:
        """The intent of the first workflow that looks up what is known by such an entity."""
        for name, flow in self._config.workflows.items():
            if (
                flow.intents
                and not self.changes(name)
                and set(kinds).intersection(self.carried(name))
            ):
                return flow.intents[0]
        return None

    def asks_nothing(self, name: str) -> bool:
        """Whether a workflow acts without a question."""
        flow = self._config.workflows[name]
        return not flow.slots and flow.confirm is None

    def knows(self, name: str) -> bool:
        """Whether there is such a workflow: a stored one may be gone from the file."""
        return name in self._config.workflows

    def question_first(self, name: str) -> bool:
        """Whether a question about the rules is answered before the workflow goes on."""
        return self._config.workflows[name].question_first

    @property
    def out_of_scope(self) -> str | None:
        """What the file says to what is none of its matters."""
        return self._config.out_of_scope

    @property
    def passed_on(self) -> str:
        """What the file says behind a hand-over."""
        return self._config.passed_on

    def grave(self, name: str | None) -> bool:
        """Whether a workflow deals with what else a person must take."""
        return name is not None and self._config.workflows[name].grave

    def carried(self, name: str) -> tuple[str, ...]:
        """Types of what a workflow carries on from earlier."""
        slots = self._config.workflows[name].slots.items()
        return tuple(slot.entity or key for key, slot in slots if slot.carry)

    def begin(self, name: str, values: Mapping[str, str]) -> Progress:
        """A new start, with those values from earlier that its slots carry on."""
        slots: dict[str, str] = {}
        for slot_name, slot in self._config.workflows[name].slots.items():
            kind = slot.entity or slot_name
            if slot.carry and values.get(kind):
                value = values[kind]
                entity = Entity(kind, value, 0, len(value))
                read = value_of(slot, SlotTurn(value, (entity,), None, True), self._readers)
                if read is not None and fits(slot, read):
                    slots[slot_name] = read
        return Progress(name, slots)

    def takes(self, progress: Progress, text: str, entities: Sequence[Entity]) -> bool:
        """Whether the message answers what was asked, rather than raising something else."""
        if self._wants_out(progress, text):
            return True
        said = Said(text, entities)
        slots = self._config.workflows[progress.name].slots
        if progress.asked == "confirm":
            if len(text) < 60 and is_reply(text):
                return True
            return any(self._value(progress, name, said) is not None for name in slots)
        asked = progress.asked or ""
        if asked not in slots:
            return False
        flow = self._config.workflows[progress.name]
        if self._value(progress, asked, said) is not None or self._barred(flow, progress, said):
            return True
        others = (name for way in flow.ways for name in way if name not in progress.slots)
        return any(self._value(progress, name, said) is not None for name in others)

    def read_apart(self, name: str, other: str) -> tuple[str, ...]:
        """The slots with a reader of their own, such as an address, that another workflow lacks."""
        slots = self._config.workflows[name].slots.items()
        others = self._config.workflows[other].slots
        return tuple(key for key, slot in slots if slot.kind not in READERS and key not in others)

    def names_new(
        self,
        progress: Progress,
        text: str,
        entities: Sequence[Entity],
        of: Collection[str] | None = None,
    ) -> bool:
        """Whether the message gives a slot (of those, where told) that is filled another value."""
        said = Said(text, entities)
        names = [name for name in progress.slots if of is None or name in of]
        values = {name: self._value(progress, name, said) for name in names}
        return any(value is not None and value != progress.slots[name]
                   for name, value in values.items())  # fmt: skip

    def moved(self, progress: Progress, said: Said) -> Step:
        """Move a workflow on with the customer's message.

        Args:
            progress: Where it stands; a new one has asked for nothing.
            said: What the customer wrote.
        """
        flow = self._config.workflows[progress.name]
        if self._wants_out(progress, said.text):
            words = "All right, I have stopped that. What else can I do for you?"
            return Step(words, "cancelled", None)
        slots, wrong = dict(progress.slots), ""
        for name, slot in flow.slots.items():
            value = self._value(progress, name, said)
            if value is None:
                continue
            if fits(slot, value):
                slots[name] = value
            elif not wrong:
                wrong = _text(slot.invalid or _INVALID, {**slots, "value": value})
        filled = slots != dict(progress.slots)
        if progress.asked == "confirm" and not filled and not wrong:
            reply = agreed(said.text, flow.confirm or "", self.repeatable(progress))
            if reply is False:
                text = _text(flow.answers[DECLINED], slots)
                return Step(text, f"answer:{DECLINED}", None, slots=slots)
            if reply:
                return self._act(progress.name, flow, slots, said)
        barred = [*progress.lacks, *self._barred(flow, progress, said)]
        lacks = tuple(dict.fromkeys(name for name in barred if not slots.get(name)))
        answered = filled or len(lacks) > len(progress.lacks)
        misses = progress.misses + 1 if progress.asked and not answered else 0
        if misses >= MISSES:
            return Step("", "gave_up", None)
        step = self._next(Progress(progress.name, slots, None, misses, lacks), said)
        step = counted(progress, step)
        return replace(step, text=f"{wrong} {step.text}") if wrong else step

    def resume_question(self, progress: Progress) -> str:
        """How to come back to what was asked, after something else was answered."""
        flow = self._config.workflows[progress.name]
        if progress.asked == "confirm":
            found = self._preview(flow, progress.slots)
            return _text(flow.confirm or "", {**(found.facts if found else {}), **progress.slots})
        slot = flow.slots.get(progress.asked or "")
        return _text(slot.ask, progress.slots) if slot else ""

    def confirmation(self, name: str) -> str:
        """What a workflow asks before it acts, its braces unfilled; nothing where it does not."""
        return self._config.workflows[name].confirm or ""

    def repeatable(self, progress: Progress) -> tuple[str, ...]:
        """Values that a yes may repeat: not those of a whole message, which may hold anything."""
        slots = self._config.workflows[progress.name].slots.items()
        values = (progress.slots.get(name) for name, slot in slots if slot.kind != "text")
        return tuple(value for value in values if value)

    def choices(self, progress: Progress) -> tuple[str, ...]:
        """Answers to what was asked, where they are few."""
        if progress.asked == "confirm":
            return YES_NO
        slot = self._config.workflows[progress.name].slots.get(progress.asked or "")
        return slot.one_of if slot else ()

    def _next(self, progress: Progress, said: Said) -> Step:
        """Ask for what is missing, else ask to confirm, else act."""
        flow, slots = self._config.workflows[progress.name], progress.slots
        filled = [name for name, value in slots.items() if value]
        wanted = needed(flow, filled, progress.lacks)
        if wanted is None:
            if LACKING not in flow.answers:
                return Step("", "gave_up", None)
            step = self._say(progress.name, flow, ActionResult(LACKING), slots, said)
            misses = max(1, progress.misses)  # who goes on without is handed over in the end
            going_on = step.progress and replace(
                step.progress, slots=slots, misses=misses, lacks=progress.lacks
            )
            return replace(step, progress=going_on)
        missing = next((slot for slot in wanted if not slots.get(slot)), None)
        if missing is None and flow.confirm is None:
            return self._act(progress.name, flow, slots, said)
        blocked = self._preview(flow, slots)  # makes further questions pointless: an order sent
        if blocked is not None and blocked.say != OK:
            return self._say(progress.name, flow, blocked, slots, said)
        asked = replace(progress, asked=missing or "confirm")
        if missing is None:
            text = _text(flow.confirm or "", {**(blocked.facts if blocked else {}), **slots})
        else:
            text = _text(flow.slots[missing].ask, slots)
        stage = f"ask:{missing}" if missing else "confirm"
        return Step(text, stage, asked, choices=self.choices(asked))

    def _barred(self, flow: WorkflowConfig, progress: Progress, said: Said) -> list[str]:
        """Slots of ways that the message says the customer does not have."""
        if not flow.ways:
            return []
        of_ways = {name: flow.slots[name] for way in flow.ways for name in way}
        asked = progress.asked if progress.asked in of_ways else None
        found = lacked(of_ways, asked, said.text)
        return [name for name in found if self._value(progress, name, said) is None]

    def _wants_out(self, progress: Progress, text: str) -> bool:
        """Whether a short message stops the workflow: "yes, leave it with the porter" does not."""
        if not progress.asked or progress.asked == "confirm" and says_yes(text):
            return False
        return bool(self._cancel and self._cancel.search(text)) and len(text) < 60

    def _preview(self, flow: WorkflowConfig, slots: Mapping[str, str]) -> ActionResult | None:
        """Whether it can be done; None where nothing looks, or not enough is known."""
        preview = flow.preview
        if preview is None or not all(slots.get(name) for name in preview.needs):
            return None
        if preview.http is not None:
            return call(preview.http, slots)
        return self._catalog.previews[preview.call or ""].run(slots)

    def _act(self, name: str, flow: WorkflowConfig, slots: Mapping[str, str], said: Said) -> Step:
        if isinstance(flow.action, str):
            result = self._catalog.actions[flow.action].run(slots)
        else:
            result = self._called(name, flow.action.http, slots, said)
        return self._say(name, flow, result, slots, said)

    def _called(
        self, name: str, http: HttpConfig, slots: Mapping[str, str], said: Said
    ) -> ActionResult:
        """The call's result, once for one message: noted before it is made, and when it is over."""
        key = _key(said, name, slots)
        if self._journal is None:
            return call(http, slots, key)
        noted = self._journal.begin(key, said.conversation, said.turn, name, slots)
        if noted is not None and noted.result is not None:
            return noted.result
        if noted is not None and not http.repeatable:
            result = ActionResult(FAILED)  # it may have been done: a person is to look
        else:
            result = call(http, slots, key)
        self._journal.finish(key, "failed" if result.say == FAILED else "done", result)
        return result

    def _say(
        self,
        name: str,
        flow: WorkflowConfig,
        result: ActionResult,
        slots: Mapping[str, str],
        said: Said,
    ) -> Step:
        text = _text(flow.answers[result.say], {**slots, **result.facts})
        stage = f"answer:{result.say}"
        again = flow.ask_again.get(result.say)
        if again is not None:  # the customer may have mistyped: ask again instead of giving up
            kept = {key: value for key, value in slots.items() if key != again}
            return Step(text, stage, Progress(name, kept, again, 1), result.effects)
        after = flow.then.get(result.say)
        if after is None:
            return Step(text, stage, None, result.effects, slots=slots)
        known = self._config.workflows[after].slots
        carried = {key: value for key, value in slots.items() if key in known}
        step = self._next(Progress(after, carried), said)
        effects = (*result.effects, *step.effects)
        return replace(step, text=f"{text}\n\n{step.text}", stage=stage, effects=effects)

    def _value(self, progress: Progress, name: str, said: Said) -> str | None:
        slot = self._config.workflows[progress.name].slots[name]
        kind = slot.entity or name
        found = tuple(each for each in said.entities if each.type == kind)
        asked = progress.asked == name
        new = not progress.asked and name not in progress.slots
        if slot.opening and new and len(said.text.split()) >= slot.opening:
            return said.text
        turn = SlotTurn(
            said.text, found, progress.slots.get(name), asked,
            slot.pattern, slot.called, slot.anywhere,
        )  # fmt: skip
        return value_of(slot, turn, self._readers)


def _key(said: Said, name: str, slots: Mapping[str, str]) -> str:
    """The same for the same message however often it is answered, and for no other."""
    parts = [said.conversation, said.turn, name, dict(sorted(slots.items()))]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40]


def _text(text: str, values: Mapping[str, str]) -> str:
    """The text with its braces filled; one without a value is a blank, so that none is shown."""
    return BRACES.sub(lambda match: values.get(match.group(1), ""), text)
