"""A customer's case, written from the company's guideline alone, and reading a file of them."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from benchmarks.shell import SAMPLES
from data.config import Config
from data.errors import ConfigError
from data.schema import Reason

CASES = SAMPLES / "cases"
SETS = ("development", "causes", "test", "test_2", "test_3", "held_out")


def _said(value: Any) -> Any:  # noqa: ANN401 - whatever YAML holds
    """What somebody writes: YAML reads a bare yes or no as a truth, and digits as a number."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int | float) else value


def _whether(value: Any) -> Any:  # noqa: ANN401
    return _said(value) if isinstance(value, bool) else value


Words = Annotated[str, BeforeValidator(_said)]


class Right(Config):
    """What a right treatment of the case comes to."""

    must_say: tuple[tuple[Words, ...], ...] = Field(
        (), description="of every group, one text stands in something the bot says"
    )
    must_not_say: tuple[Words, ...] = ()
    effects: tuple[dict[str, Words], ...] = ()
    hand_over: Annotated[Literal["no", "yes", "either"], BeforeValidator(_whether)]
    reason: tuple[Reason, ...] = Field((), description="acceptable ones of a hand-over")


class Case(Config):
    """One customer: what they want, say, and answer when they are asked."""

    name: Words
    wish: Words
    says: Words
    asked: dict[str, Words] = Field(
        {}, description="slot, `confirm`, or `other` for anything else: what is answered"
    )
    then: tuple[Words, ...] = Field((), description="further messages, each when one is closed")
    right: Right


def read_cases(path: Path) -> list[Case]:
    """The cases of a file.

    Raises:
        ConfigError: If it is missing, or with one line for each mistake in it.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such file of cases; {', '.join(SETS)} are needed") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    try:
        cases = TypeAdapter(list[Case]).validate_python(raw)
    except ValidationError as error:
        told = "\n".join(
            f"  case {mistake['loc'][0] if mistake['loc'] else ''}: "
            f"{'.'.join(map(str, mistake['loc'][1:]))}: {mistake['msg']}"
            for mistake in error.errors()
        )
        raise ConfigError(f"{path} is not a list of cases:\n{told}") from error
    names = [case.name for case in cases]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{path}: named twice: {', '.join(twice)}; rename one")
    return cases
