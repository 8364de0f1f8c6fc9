"""What callers of the API send, and what they get: the models behind /api/openapi.json."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from apps.app import MAX_SENT_CHARS
from apps.owners import MAX_CUSTOMER_CHARS
from apps.web.paste import MAX_PASTED_CHARS
from data.schema import Speaker, Turn


def _storable(text: str) -> str:
    """The text, if it can be stored and sent back.

    Raises:
        ValueError: If it holds what no UTF-8 text or no database holds.
    """
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("holds a NUL or half a character (a lone surrogate)")
    return text


Text = Annotated[str, AfterValidator(_storable)]
Customer = Annotated[Text, Field(min_length=1, max_length=MAX_CUSTOMER_CHARS)]


class Body(BaseModel):
    """What is sent: a field that is not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class MessageBody(Body):
    """One message of a customer."""

    message: Annotated[Text, Field(max_length=MAX_SENT_CHARS)]
    conversation: Annotated[Text, Field(max_length=40)] | None = Field(
        None, description="go on in this one; null begins one"
    )
    id: Annotated[str | None, Field(pattern=r"^[!-~]{1,64}$")] = Field(
        None, description="the caller's id of the message: sent twice, it is answered once"
    )
    customer: Customer | None = Field(
        None, description="whose conversation it is; no other customer can read it"
    )


class TurnBody(Body):
    """One turn of a conversation."""

    speaker: Speaker
    text: Annotated[Text, Field(max_length=MAX_SENT_CHARS)]
    time: datetime | None = None

    @property
    def turn(self) -> Turn:
        """The Turn."""
        return Turn(self.speaker, self.text, self.time)


class CaseBody(Body):
    """A conversation or a mail, as turns or as one text."""

    text: Annotated[Text, Field(max_length=MAX_PASTED_CHARS)] | None = Field(
        None, description="lines that begin with Customer: and Agent:; of triage, a mail, too"
    )
    turns: Annotated[list[TurnBody], Field(min_length=1, max_length=2000)] | None = None
    id: Annotated[Text, Field(min_length=1, max_length=200)] | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "CaseBody":
        if (self.text is None) == (self.turns is None):
            raise ValueError("needs text or turns, one of the two")
        return self


class TextsBody(Body):
    """Texts for a run of the served bot."""

    run: Literal["intent", "ner"] = "intent"
    texts: list[Annotated[Text, Field(max_length=MAX_SENT_CHARS)]] = Field(
        min_length=1, max_length=256
    )


class Told(BaseModel):
    """What is answered; it may hold more than is named here."""

    model_config = ConfigDict(extra="allow")


class Answered(Told):
    """A complete Answer, with the keys of `deskhand ask --json`."""

    conversation: str
    text: str
    intent: str | None
    confidence: float | None
    entities: list[dict[str, Any]]
    passages: list[dict[str, Any]]
    hand_over: bool
    reason: str | None
    step: str
    choices: list[str]
    summary: str
    related: list[str]
    ms: dict[str, float]


class StoredTurnTold(Told):
    """A turn of a stored conversation."""

    speaker: Speaker
    text: str
    time: datetime


class ConversationTold(Told):
    """A stored conversation."""

    conversation: str
    turns: list[StoredTurnTold]


class Predictions(Told):
    """A row for each text, with the keys of `deskhand predict --json`."""

    predictions: list[dict[str, Any]]


class Problem(BaseModel):
    """What went wrong, where, and what to do, in one line."""

    error: str
