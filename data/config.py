"""Typed YAML configs: frozen, unknown keys refused, overrides last, all mistakes at once."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from data.errors import ConfigError


class Config(BaseModel):
    """Base for every config: unknown keys are errors, values never change after load.

    No setting means anything at infinity, or where it is no number.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


C = TypeVar("C", bound=BaseModel)


def load_config(
    kind: type[C],
    path: Path,
    overrides: Sequence[str] = (),
    usual: Mapping[str, Any] | None = None,
    **values: Any,  # noqa: ANN401
) -> C:
    """Read a YAML file into `kind`.

    Args:
        kind: The config class.
        path: A YAML file that holds a mapping.
        overrides: `section.key=value` strings, values in YAML.
        usual: Top-level values where the file has none.
        values: Top-level values that win over the file and lose to the overrides.

    Raises:
        ConfigError: One line for each mistake.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise ConfigError(f"{path}: no such config; check --config") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: nested too deeply; mend it") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: bytes, or a day that is none
        where = getattr(error, "problem_mark", None)
        line = f":{where.line + 1}" if where else ""
        raise ConfigError(f"{path}{line}: not valid YAML{_why(error)}; mend that line") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: a mapping of keys to values is needed")
    raw = {**(usual or {}), **raw, **values}
    for override in overrides:
        _override(raw, override)
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        lines = [f"{path} is not a valid {kind.__name__}:"]
        for mistake in error.errors():
            key = ".".join(map(str, mistake["loc"])) or "config"
            got = "" if isinstance(mistake["input"], dict) else f" (got {mistake['input']!r})"
            lines.append(f"  {key}: {mistake['msg']}{got}")
        raise ConfigError("\n".join(lines)) from error


def _override(raw: dict[str, Any], override: str) -> None:
    key, sign, value = override.partition("=")
    if not sign or not key:
        raise ConfigError(f"--set {override}: key=value is needed")
    *sections, last = key.split(".")
    place = raw
    for section in sections:
        inner = place.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"--set {override}: {section} is not a section")
        place = inner
    try:
        place[last] = yaml.safe_load(value)
    except RecursionError as error:
        raise ConfigError(f"--set {override}: nested too deeply") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"--set {override}: the value is not valid YAML{_why(error)}") from error


def _why(error: Exception) -> str:
    """What a date or the like is wrong in, which no line is told of."""
    told = not isinstance(error, yaml.YAMLError | UnicodeDecodeError)
    return f" ({error})" if told else ""
