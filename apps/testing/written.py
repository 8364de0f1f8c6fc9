"""What somebody writes: conversations, and what each answer in them is expected to be."""

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from data.config import Config
from data.schema import Reason

T = TypeVar("T")


def _listed(value: Any) -> Any:  # noqa: ANN401 - whatever YAML holds
    return (value,) if isinstance(value, str) else value


def _filled(value: tuple[T, ...]) -> tuple[T, ...]:
    """Not Field(min_length=1): that counts what is valid, and tells of an item's mistake twice."""
    if not value:
        raise ValueError("at least one is needed")
    return value


Some = Annotated[tuple[T, ...], AfterValidator(_filled)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_listed)]  # one text, or a list of them


class ExpectedWorkflow(Config):
    """The workflow that goes on after an answer; what is not given is not looked at."""

    name: str
    asked: str = Field("", min_length=1, description="the slot asked for, or `confirm`")
    slots: dict[str, str] = Field({}, description="those named have these values")


class Expected(Config):
    """What an answer is expected to be; only what is given is looked at."""

    intent: str | None = Field(None, description="null: out of scope")
    entities: dict[str, Texts] = Field(
        {}, description="type: all texts of that type, in any case and order; []: none of it"
    )
    step: str = Field("", min_length=1, description="the whole step, or its first parts")
    hand_over: bool = False
    reason: Reason | None = None
    passage: Texts = Field((), description="id of the first one cited, one of these; []: none")
    must_say: Texts = Field((), description="each stands in the answer, in any case")
    must_not_say: Texts = Field((), description="none stands in the answer, in any case")
    workflow: ExpectedWorkflow | None = Field(None, description="null: none goes on")
    effects: tuple[dict[str, str], ...] = Field((), description="changes to orders; []: none")

    @model_validator(mode="after")
    def _something(self) -> "Expected":
        if not self.model_fields_set:
            raise ValueError("nothing is expected; give at least one thing")
        return self


class WrittenTurn(Config):
    """What the customer says, and what is expected of the answer."""

    customer: str
    expect: Expected | None = None


class WrittenConversation(Config):
    """One conversation, in a store of its own."""

    name: str = Field(min_length=1)
    turns: Some[WrittenTurn]
    expected_failure: str = Field("", min_length=1, description="why the app gets it wrong today")

    @model_validator(mode="after")
    def _expects(self) -> "WrittenConversation":
        if all(turn.expect is None for turn in self.turns):
            raise ValueError("no turn expects anything")
        return self


class WrittenFile(Config):
    """A file of conversations with one app."""

    app: str = Field(min_length=1, description="a template's name or a config file")
    settings: tuple[str, ...] = Field((), description="key=value, as with --set")
    conversations: Some[WrittenConversation]
