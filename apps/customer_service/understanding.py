"""Reading a message: what the models find in it, what is remembered, and where wishes are cut."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from apps.app import State, since
from apps.customer_service.bot_turn import BotTurn
from apps.customer_service.order_details import of_longer_number
from apps.customer_service.phrases import OWN_PEOPLE, PERSON, WISHES
from apps.customer_service.progress import Progress, Said
from apps.customer_service.questions import (
    WHEREABOUTS,
    asks_anything,
    asks_where,
    clauses,
    follow_up,
    rests,
)
from apps.customer_service.readings import without
from apps.customer_service.wishes import (
    Part,
    instead,
    parts,
    same_for_others,
    wishes_something,
    within,
)
from apps.customer_service.workflow import Workflows
from data.schema import Conversation, Entity, Intent
from finetune.intent.model import IntentModel, IntentPrediction
from finetune.ner.model import NerModel

PERHAPS = 0.15  # so likely a wish to have an order looked up is met, which changes nothing
_LEAD = 60  # characters before a name that may lead up to it
DIGITS = 4  # at least, of an order's or a parcel's number
_NUMBERS = ("order_number", "tracking_number")
_SIGNED = re.compile(
    r"(?:\b(?:regards|wishes|sincerely|faithfully|truly|thanks|thank you|thx|cheers|ta|love|yours)"
    r"|[.!?\n])\W*(?:mrs?\W+|ms\W+|dr\W+)?$",
    re.I,
)


class Understanding:
    """Turns a message into a BotTurn.

    Args:
        intents: The intent run.
        entities: The ner run.
        workflows: What intents start, and what they carry on.
        mood: Anger of a message.
    """

    def __init__(
        self,
        intents: IntentModel,
        entities: NerModel,
        workflows: Workflows,
        mood: Callable[[str], float],
    ) -> None:
        self._intents, self._entities = intents, entities
        self._workflows, self._mood = workflows, mood

    def of(self, text: str, conversation: Conversation, state: State) -> BotTurn:
        """Intent and entities of the message, and what is remembered."""
        # What is the same when the message is answered again, and of no other one.
        anchor = conversation.turns[-1].id or str(len(conversation.turns))
        progress, last = (Progress.from_dict(state.get(key)) for key in ("workflow", "last"))
        waiting = [Progress(**each) for each in state.get("waiting", ())]
        turn = self.read(text, conversation, anchor, dict(state.get("values", {})))
        turn.progress, turn.last = self._known(progress), self._known(last)
        turn.waiting = [each for each in waiting if self._known(each)]
        turn.wishes, turn.tried = list(state.get("wishes", ())), list(state.get("tried", ()))
        turn.misses = int(state.get("misses", 0))
        turn.told = tuple(state.get("told", ()))
        turn.person = self._asks_for_person(turn)
        turn.anger = (self._mood(text), float(state.get("anger", 0.0)))
        if turn.progress is None:
            self._in_context(turn)
            self._taken_back(turn, anchor)
            self._cut(turn, anchor)
            self._of_an_order(turn)
        turn.values |= {entity.type: entity.text for entity in turn.said.entities}
        return turn

    def read(
        self, text: str, conversation: Conversation, anchor: str, values: dict[str, str]
    ) -> BotTurn:
        """What the models find in a text."""
        ms: dict[str, float] = {}
        clock = time.perf_counter()
        read = self._read_intents([text])[0]
        ms["intent"] = since(clock)
        clock = time.perf_counter()
        entities = self._found_in(text)
        ms["entities"] = since(clock)
        said = Said(text, entities, conversation.id, anchor)
        return BotTurn(text, read, entities, values, None, 0, said, conversation, ms=ms)

    def _found_in(self, text: str) -> tuple[Entity, ...]:
        found = self._entities.predict([text])[0]
        return tuple(
            each
            for each in found
            if _may_be(each) and not _signs(each, text) and not _of_a_phone(each, text)
        )

    def _read_intents(self, texts: Sequence[str]) -> list[IntentPrediction]:
        """Intents of texts; who wants to talk to people of their own asks for nobody of ours."""
        return [
            replace(read, intent=replace(read.intent, name=None))
            if read.intent.name == "talk_to_human" and OWN_PEOPLE.search(text)
            else read
            for text, read in zip(texts, self._intents.predict(texts), strict=True)
        ]

    def _known(self, progress: Progress | None) -> Progress | None:
        """The progress, unless its workflow is gone from the file."""
        return progress if progress and self._workflows.knows(progress.name) else None

    def _in_context(self, turn: BotTurn) -> None:
        """Read a message that is not clear alone with the one that it goes on from."""
        sure = self._intents.levels.sure
        bare = self._bare(turn)
        whole = follow_up(turn.text, turn.conversation, bare)
        if whole and (turn.intent.name is None or turn.intent.confidence < sure):
            read = self._read_intents([whole])[0]
            name = self._workflows.for_intent(read.intent.name)
            # A question behind what was just done is about it, and does not want it again.
            asked = turn.last is not None and name == turn.last.name and asks_anything(turn.text)
            if read.intent.name is not None and read.intent.confidence >= sure and not asked:
                turn.read = read
                return
        looked_up = self._workflows.looked_up(_NUMBERS)
        asks = bare or turn.intent.confidence < sure and asks_where(turn.text)
        if looked_up is not None and asks and (bare or not whole):
            turn.read = replace(turn.read, intent=Intent(looked_up, turn.intent.confidence))

    def _bare(self, turn: BotTurn) -> bool:
        """Whether a message is a number and nothing else: it tells no wish."""
        numbers = [each for each in turn.entities if each.type in _NUMBERS]
        return bool(numbers) and not re.search(r"[^\W\d_]{3,}", without(turn.text, numbers))

    def _asks_for_person(self, turn: BotTurn) -> bool:
        """Whether one sentence of several wants a person, whatever the others tell."""
        found = clauses(turn.text)
        named = [
            part
            for part in found
            if len(found) > 1 and PERSON.search(part) and not OWN_PEOPLE.search(part)
        ]
        return any(
            each.intent.name == "talk_to_human"
            and each.intent.confidence >= self._intents.levels.sure
            for each in self._intents.predict(named)
        )

    def _taken_back(self, turn: BotTurn, anchor: str) -> None:
        """Of a wish that is taken back in the same breath keep what is wished instead."""
        first = self._workflows.for_intent(turn.intent.name, turn.entities)
        for part in instead(turn.text) if first else ():
            read = self._intents.predict([part.text])[0]
            found = within(part, turn.entities)
            other = self._workflows.for_intent(read.intent.name, found)
            likely = read.intent.confidence >= self._intents.levels.doubtful
            if other not in (None, first) and likely:
                turn.values |= {entity.type: entity.text for entity in turn.entities}
                turn.text, turn.read = part.text, read
                turn.said = Said(part.text, found, turn.conversation.id, anchor)
                return

    def _of_an_order(self, turn: BotTurn) -> None:
        """Read a message that is unclear as a whole by the sentence that surely is about an order.

        Only where the message names what that workflow works on.
        """
        if turn.intent.name is not None and turn.intent.confidence >= self._intents.levels.sure:
            return
        found = clauses(turn.text)
        types = {entity.type for entity in turn.said.entities}
        if not types:
            return
        clear = [part for part in found if not rests(part)] if len(found) > 1 else []
        for read in self._intents.predict(clear):
            name = self._workflows.for_intent(read.intent.name)
            taken = self._workflows.carried(name) if name else ()
            if types.intersection(taken) and read.intent.confidence >= self._intents.levels.sure:
                turn.read = read
                return
        if turn.intent.confidence >= self._intents.levels.doubtful:
            return
        if len(found) < 2 and not WHEREABOUTS.search(turn.text):
            return
        for intent, chance in turn.read.top:
            name = self._workflows.for_intent(intent)
            if name is None or chance < PERHAPS or self._workflows.changes(name):
                continue
            if types.intersection(self._workflows.carried(name)):
                turn.read = replace(turn.read, intent=Intent(intent, chance))
                return

    def _cut(self, turn: BotTurn, anchor: str) -> None:
        """Of several wishes keep the first, and remember the others."""
        entities = turn.said.entities
        name = self._workflows.for_intent(turn.intent.name, entities)
        for kind in self._workflows.carried(name) if name else ():
            text, others = same_for_others(turn.text, entities, kind)
            if others:
                turn.wishes += others
                found_in = self._found_in(text)
                turn.text, turn.said = text, replace(turn.said, text=text, entities=found_in)
                return
        found = parts(turn.text, entities)
        if len(found) < 2:
            return
        clock = time.perf_counter()
        each = self._intents.predict([part.text for part in found])
        turn.ms["wishes"] = since(clock)
        wanted = [
            (part, read)
            for part, read in zip(found, each, strict=True)
            if self._wanted(read.intent, part, entities) and wishes_something(part.text)
        ]
        names = list(dict.fromkeys(read.intent.name for _, read in wanted))
        kept = [next(part for part, read in wanted if read.intent.name == name) for name in names]
        starts = [
            self._workflows.for_intent(name, within(part, entities))
            for name, part in zip(names, kept, strict=True)
        ]
        if len(names) < 2 or not any(starts) or "talk_to_human" in (turn.intent.name, *names):
            return
        first = kept[0]
        turn.values |= _only_ones(entities)
        turn.text, turn.read = first.text, wanted[0][1]
        turn.said = Said(first.text, within(first, entities), turn.conversation.id, anchor)
        turn.wishes += [part.text for part in kept[1:]]

    def _wanted(self, intent: Intent, part: Part, entities: Sequence[Entity]) -> bool:
        """Whether a part's intent is sure, or is wished for by the name of what it is done to."""
        if intent.name is None:
            return False
        inside = within(part, entities)
        started = self._workflows.for_intent(intent.name, inside)
        taken = self._workflows.carried(started) if started else ()
        named = any(entity.type in taken for entity in inside)
        levels = self._intents.levels
        wished = named and WISHES.search(part.text)
        return intent.confidence >= (levels.doubtful if wished else levels.sure)


def _only_ones(entities: Sequence[Entity]) -> dict[str, str]:
    """What a message names once of its type: it is meant in each of its wishes."""
    found: dict[str, set[str]] = {}
    for each in entities:
        found.setdefault(each.type, set()).add(each.text)
    return {kind: texts.pop() for kind, texts in found.items() if len(texts) == 1}


def _signs(entity: Entity, text: str) -> bool:
    """Whether it is the name that a message ends with, after a greeting or a line of its own."""
    if entity.type != "person" or any(map(str.isalnum, text[entity.end :])):
        return False
    return bool(_SIGNED.search(text[max(0, entity.start - _LEAD) : entity.start]))


def _of_a_phone(entity: Entity, text: str) -> bool:
    """Whether an order number is digits out of a longer number."""
    digits = re.fullmatch(r"\D*?(\d.*?)\D*", entity.text)
    bare = entity.type == "order_number" and not re.search(r"[^\W\d_]", entity.text)
    start, end = digits.span(1) if bare and digits else (0, 0)
    return end > 0 and of_longer_number(text, entity.start + start, entity.start + end)


def _may_be(entity: Entity) -> bool:
    """Whether a span may be what the ner run takes it for: a postcode's digits are no number."""
    least = DIGITS if entity.type in _NUMBERS else 0
    digits = sum(map(str.isdigit, entity.text))
    return digits >= least and any(map(str.isalnum, entity.text))
