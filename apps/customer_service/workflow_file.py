"""The file of workflows: what may stand in it."""

import re
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from data.config import Config

BRACES = re.compile(r"\{(\w+)\}")
OK = "ok"  # what a preview says where nothing stands in the way
FAILED = "failed"  # what an HTTP action says where no other answer is known
DECLINED = "declined"
LACKING = "lacking"  # what is said where the customer has no way to give what is needed
_HOST = re.compile(r"https?://[\w.-]+(?::\d+)?(?:/.*)?")
_LIMIT = re.compile(r"today(?:[+-]\d+)?|\d{4}-\d\d-\d\d")


class SlotConfig(Config):
    """A value that a workflow needs."""

    ask: str = Field(min_length=1, description="the question when it is missing")
    kind: str = Field("entity", description="how it is read: a name in READERS or of the template")
    entity: str | None = Field(None, description="type of the ner run; the slot's name if not set")
    carry: bool = Field(False, description="taken from earlier in the conversation")
    pattern: str | None = Field(None, description="the whole value, in any case")
    one_of: tuple[str, ...] = Field((), description="choices, shown as buttons")
    min: float | None = Field(None, description="of a number")
    max: float | None = Field(None, description="of a number")
    earliest: str | None = Field(None, description="of a date: today, today-30 or YYYY-MM-DD")
    latest: str | None = Field(None, description="of a date")
    invalid: str | None = Field(None, description="said before the question where a check fails")
    called: tuple[str, ...] = Field(
        (), description="what customers call it, where they give it unasked or lack it"
    )
    anywhere: bool = Field(False, description="of kind matching: taken unasked too, uncalled")
    opening: int | None = Field(
        None, ge=1, description="of a text: taken from a first message of at least so many words"
    )

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return value

    @field_validator("earliest", "latest")
    @classmethod
    def _a_day(cls, value: str | None) -> str | None:
        if value is not None and not _LIMIT.fullmatch(value):
            raise ValueError("today, today+30, today-30 or YYYY-MM-DD is needed")
        return value

    @model_validator(mode="after")
    def _of_its_kind(self) -> "SlotConfig":
        if (self.min is not None or self.max is not None) and self.kind != "number":
            raise ValueError("min and max are for kind: number")
        if (self.earliest or self.latest) and self.kind != "date":
            raise ValueError("earliest and latest are for kind: date")
        if self.opening is not None and self.kind != "text":
            raise ValueError("opening is for kind: text")
        if self.anywhere and self.kind != "matching":
            raise ValueError("anywhere is for kind: matching")
        if self.kind == "matching" and self.pattern is None:
            raise ValueError("kind: matching needs a pattern")
        return self


class FieldSay(Config):
    """The answer that a field of the reply names."""

    field: str = Field(min_length=1, description="path in the reply's JSON: order.status, items.0")
    values: dict[str, str] = Field(min_length=1, description="value of the field: answer")


class HttpConfig(Config):
    """A call to another system."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: str = Field(description="the host is fixed; {slots} after it are percent-encoded")
    headers: dict[str, str] = Field({}, description="${NAME} is an environment variable")
    body: Any = Field(None, alias="json", description="JSON with {slots} in its texts")
    timeout_s: float = Field(5.0, gt=0, le=60, description="of one try, whole")
    retries: int = Field(2, ge=0, le=5, description="after a dead line, 429 or 5xx")
    idempotency_header: str | None = Field(
        "Idempotency-Key", description="carries the action's key; null: it is never sent twice"
    )
    say: dict[int, str | FieldSay] = Field(min_length=1, description="status: answer, or its field")
    facts: dict[str, str] = Field({}, description="name in the texts: path in the reply's JSON")

    @field_validator("url")
    @classmethod
    def _fixed_host(cls, value: str) -> str:
        if not _HOST.fullmatch(value):
            raise ValueError("http(s)://host/path is needed, without braces in the host")
        return value

    @model_validator(mode="after")
    def _safe(self) -> "HttpConfig":
        once = self.method in ("POST", "PATCH") and self.idempotency_header is None
        if once and self.retries and "retries" in self.model_fields_set:
            raise ValueError(f"{self.method} is retried only with an idempotency_header")
        return self

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice does it once."""
        return self.idempotency_header is not None or self.method in ("GET", "PUT", "DELETE")

    def says(self) -> tuple[str, ...]:
        """Every answer that it can name."""
        named = [
            name
            for say in self.say.values()
            for name in ([say] if isinstance(say, str) else say.values.values())
        ]
        return tuple(dict.fromkeys([*named, FAILED]))


class CallConfig(Config):
    """An action by HTTP."""

    http: HttpConfig


class PreviewConfig(Config):
    """What tells, before anything is asked further or changed, whether the action can be done."""

    call: str | None = Field(None, description="a Python preview")
    http: HttpConfig | None = None
    needs: tuple[str, ...] = Field(min_length=1, description="slots that must be known first")

    @model_validator(mode="after")
    def _one(self) -> "PreviewConfig":
        if (self.call is None) == (self.http is None):
            raise ValueError("either call or http is needed")
        if self.http is not None and self.http.method != "GET":
            raise ValueError("a preview changes nothing: method GET")
        return self


class WorkflowConfig(Config):
    """One workflow."""

    intents: tuple[str, ...] = ()
    slots: dict[str, SlotConfig]
    ways: tuple[tuple[str, ...], ...] = Field(
        (), description="groups of slots, one of which is enough: who lacks one is asked the next"
    )
    given: tuple[str, ...] = Field(
        (), description="types of entities; it starts only where the message holds one of them"
    )
    grave: bool = Field(
        False, description="deals with harm, law or fraud itself, where else a person takes over"
    )
    preview: PreviewConfig | None = None
    action: str | CallConfig
    confirm: str | None = None
    question_first: bool = Field(
        False, description="answer a question about the rules before the workflow goes on"
    )
    ask_again: dict[str, str] = Field({}, description="answer: slot that is asked for once more")
    then: dict[str, str] = Field({}, description="answer: workflow that follows")
    answers: dict[str, str] = Field(min_length=1)


class WorkflowsConfig(Config):
    """The file of workflows."""

    cancel_words: tuple[str, ...] = ()
    out_of_scope: str | None = Field(None, description="said first to what is none of its matters")
    passed_on: str = Field("", description="said behind a hand-over: how a person will answer")
    workflows: dict[str, WorkflowConfig] = Field(min_length=1)


def stages(config: WorkflowsConfig) -> dict[str, tuple[str, ...]]:
    """What each workflow can come to: its questions, its answers, and how else it can end.

    One that asks ends early where the customer stops it (`cancelled`) or a person takes over
    (`hand_over`), as after the answer `failed`.
    """
    return {
        name: (
            *(f"ask:{slot}" for slot in workflow.slots),
            *(("confirm",) if workflow.confirm is not None else ()),
            *(f"answer:{say}" for say in workflow.answers if say != FAILED),
            *(("cancelled", "hand_over") if workflow.slots or workflow.confirm is not None else ()),
        )
        for name, workflow in config.workflows.items()
    }
