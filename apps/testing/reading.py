"""Reading files of written conversations; each mistake is told with its file and line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from apps.testing.written import WrittenConversation, WrittenFile
from apps.yaml_places import keys_twice, line_of
from data.errors import ConfigError

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Suite:
    """A file of conversations; `lines` has the line of each conversation, then of its turns."""

    path: Path
    written: WrittenFile
    lines: tuple[tuple[int, tuple[int, ...]], ...]

    def placed(self) -> Iterator[tuple[WrittenConversation, int, tuple[int, ...]]]:
        """Each conversation with its line and the lines of its turns."""
        for conversation, (line, turns) in zip(self.written.conversations, self.lines, strict=True):
            yield conversation, line, turns


def read_suites(path: Path) -> list[Suite]:
    """The suites of a file, or of every YAML file in a folder and the folders in it, by name.

    Raises:
        ConfigError: If there is none, or with one line for each mistake in all files.
    """
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES)
        if not files:
            raise ConfigError(f"{path}: no file of conversations; put a .yaml file there")
    else:
        files = [path]
    suites: list[Suite] = []
    mistakes: list[str] = []
    for file in files:
        try:
            suites.append(_read(file))
        except _MistakesError as found:
            mistakes += found.lines
    if len(mistakes) == 1:
        raise ConfigError(mistakes[0])
    if mistakes:
        told = "\n".join(f"  {mistake}" for mistake in mistakes)
        raise ConfigError(
            f"{path}: {len(mistakes)} mistakes; docs/testing.md has the keys:\n{told}"
        )
    return suites


class _MistakesError(Exception):
    """The mistakes of one file, each a line."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__(*lines)
        self.lines = lines


def _read(path: Path) -> Suite:
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        raw = yaml.safe_load(text)
    except OSError as error:
        raise _MistakesError([f"{path}: cannot be read; give a YAML file or a folder"]) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: bytes, or a date
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise _MistakesError([f"{path}{line}: not valid YAML; mend that line"]) from error
    if not isinstance(node, yaml.MappingNode) or not isinstance(raw, dict):
        raise _MistakesError([f"{path}:1: a mapping with app and conversations is needed"])
    mistakes = [(line, f"{key!r} is there twice; keep one") for line, key in keys_twice(node)]
    try:
        written = WrittenFile.model_validate(raw)
    except ValidationError as error:
        mistakes += [
            (line_of(node, mistake["loc"]), _told(mistake["loc"], mistake["msg"], mistake))
            for mistake in error.errors()
        ]
    else:
        mistakes += _named_twice(node, written)
    if mistakes:
        raise _MistakesError([f"{path}:{line}: {told}" for line, told in sorted(mistakes)])
    lines = tuple(
        (
            line_of(node, ("conversations", number)),
            tuple(
                line_of(node, ("conversations", number, "turns", turn))
                for turn in range(len(conversation.turns))
            ),
        )
        for number, conversation in enumerate(written.conversations)
    )
    return Suite(path, written, lines)


def _told(loc: Sequence[int | str], message: str, mistake: Any) -> str:  # noqa: ANN401
    """A mistake in words: its key, what is wrong, and what was given where that is short."""
    key = ".".join(map(str, loc)) or "file"
    message = message.removeprefix("Value error, ")
    if mistake["type"] == "extra_forbidden":
        return f"{key}: unknown key"
    got = mistake["input"]
    if isinstance(got, dict | list | tuple):
        return f"{key}: {message}"
    quote = "; put it into quotes" if mistake["type"] == "string_type" and got is not None else ""
    return f"{key}: {message} (got {got!r}{quote})"


def _named_twice(node: yaml.Node, written: WrittenFile) -> Iterator[tuple[int, str]]:
    seen: set[str] = set()
    for number, conversation in enumerate(written.conversations):
        if conversation.name in seen:
            line = line_of(node, ("conversations", number, "name"))
            yield line, f"two conversations are named {conversation.name!r}; rename one"
        seen.add(conversation.name)
