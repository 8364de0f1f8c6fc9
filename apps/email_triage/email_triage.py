"""A mail → what it wants, its entities, how urgent it is, a suggested answer, and whose it is.

It sends nothing: a colleague, or a helpdesk's rule, acts on the Triage.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol

from apps.app import MAX_CHARS, clean
from apps.customer_service.selection import select
from apps.email_triage.urgency import Urgency, urgency_of
from apps.explain import passage_values
from apps.web.paste import parse_conversation
from data.conversations import entity_values
from data.errors import LogFormatError
from data.own_words import HEADER, header_lines, own_words
from data.schema import Conversation, Entity, Intent, Passage, Turn
from finetune.intent.model import IntentPrediction
from retrieval.filters import Filter
from retrieval.index import Index

FOUND = 8  # passages that the suggestion is selected from
_SUBJECTS = ("subject", "betreff", "主题")
_PASTED = re.compile(r"\s*(?:customer|agent)\s*:", re.I)


class Intents(Protocol):
    """Tells what texts want."""

    def predict(self, texts: Sequence[str]) -> Sequence[IntentPrediction]:
        """One for each text."""


class Entities(Protocol):
    """Finds entities in texts."""

    def predict(self, texts: Sequence[str]) -> Sequence[Sequence[Entity]]:
        """The entities of each text."""


@dataclass(frozen=True, slots=True)
class Triage:
    """What is known of a mail before a person reads it.

    `because` are the words that made it urgent or not, `answer` is the passage that may be said,
    filled with this customer's values, or None where none may. Entities are each listed once;
    their offsets are those in the mail that they stand in, without its quoted history.
    """

    intent: Intent
    entities: tuple[Entity, ...]
    urgency: Urgency
    because: tuple[str, ...]
    answer: Passage | None
    team: str


class EmailTriage:
    """Sorts mail.

    Args:
        intents: The intent run.
        entities: The ner run.
        index: What the company has already said.
        teams: Which team an intent is for.
        other_team: Who gets every other mail.
    """

    title = "Email triage"

    def __init__(
        self,
        intents: Intents,
        entities: Entities,
        index: Index,
        teams: Mapping[str, str],
        other_team: str,
    ) -> None:
        self._intents, self._entities, self._index = intents, entities, index
        self._teams, self._other_team = teams, other_team

    def triage(self, conversation: Conversation) -> Triage:
        """The Triage of the customer's last mail.

        Raises:
            LogFormatError: If the customer has written nothing in it.
        """
        turns = tuple(replace(turn, text=fresh(turn.text)) for turn in conversation.turns)
        mails = [turn.text for turn in turns if turn.speaker == "customer" and turn.text]
        if not mails:
            raise LogFormatError("there is no mail of a customer to sort")
        text, intent = self._wanted(mails)
        found = [entity for row in self._entities.predict(mails) for entity in row]
        unique = {(entity.type, entity.text.lower()): entity for entity in found}
        urgency, because = urgency_of(replace(conversation, turns=turns))
        return Triage(
            intent,
            tuple(unique.values()),
            urgency,
            because,
            self._answer(text, tuple(unique.values())) if intent.name is not None else None,
            self._teams.get(intent.name or "", self._other_team),
        )

    def _wanted(self, mails: Sequence[str]) -> tuple[str, Intent]:
        """The latest mail that says what is wanted: "Any news?" is about the one before it."""
        intents = [
            row.intent for row in self._intents.predict([text[:MAX_CHARS] for text in mails])
        ]
        named = [place for place, intent in enumerate(intents) if intent.name is not None]
        place = named[-1] if named else -1
        return mails[place][:MAX_CHARS], intents[place]

    def _answer(self, text: str, entities: Sequence[Entity]) -> Passage | None:
        self._index = self._index.current()  # someone may have added to it
        found = self._index.search(text, FOUND, where=Filter(valid_on=date.today()))
        if not self._index.answerable(found):
            return None
        values = {entity.type: entity.text for entity in entities}
        products = [entity.text for entity in entities if entity.type == "product"]
        floor = self._index.manifest.threshold
        chosen = select(found, values, floor, products)
        return chosen if chosen is not None and chosen.score >= floor else None


def fresh(text: str) -> str:
    """The mail without its headers, what it quotes and its signature; its subject stays."""
    lines = text.replace("\r\n", "\n").strip().split("\n")
    headers = header_lines(lines, 0)
    subjects = [
        line[found.end() :].strip()
        for line in lines[:headers]
        if (found := HEADER.match(line)) and found["name"].lower() in _SUBJECTS
    ]
    kept, _ = own_words("\n".join(lines[headers:]))
    return clean("\n".join([*subjects, *kept]))


def mail_of(text: str, identity: str = "mail") -> Conversation:
    """One mail, or the mails of a case where the text begins with 'Customer:' or 'Agent:'.

    Raises:
        LogFormatError: If it is too long.
    """
    if _PASTED.match(text):
        return replace(parse_conversation(text, identity), channel="email")
    return Conversation(identity, (Turn("customer", text),), channel="email")


def triage_values(triage: Triage) -> dict[str, Any]:
    """The Triage as JSON values; `text` is the note for a colleague."""
    return {
        "text": note(triage),
        "intent": triage.intent.name,
        "confidence": round(triage.intent.confidence, 4),
        "entities": [entity_values(entity) for entity in triage.entities],
        "urgency": triage.urgency,
        "because": list(triage.because),
        "team": triage.team,
        "answer": passage_values(triage.answer) if triage.answer else None,
    }


def note(triage: Triage) -> str:
    """What a colleague reads above the mail."""
    wanted = triage.intent.name or "not one of the known intents"
    lines = [
        f"Team: {triage.team}",
        f"Wants: {wanted} ({triage.intent.confidence:.0%})",
        f"Urgency: {triage.urgency}"
        + (f" ({', '.join(triage.because)})" if triage.because else ""),
    ]
    if triage.entities:
        named = ", ".join(f"{entity.type} {entity.text}" for entity in triage.entities)
        lines.append(f"Names: {named}")
    if triage.answer is None:
        lines.append("Suggested answer: none")
    else:
        lines.append(f"Suggested answer, from {triage.answer.source}:\n{triage.answer.text}")
    return "\n".join(lines)
