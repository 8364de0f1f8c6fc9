r"""Entities marked in a text as `[text](type)`, in and out.

A bracket that the customer wrote has a backslash before it: `\[`. A type is any name without round
brackets and line breaks.
"""

import re
from collections.abc import Sequence

from data.errors import ConfigError
from data.schema import Entity

_MARK = re.compile(r"\[((?:\\.|[^\[\]\\])+)\]\(([^()\n]+)\)")
_ESCAPED = re.compile(r"\\([\[\]\\])")
_SIGN = re.compile(r"[\[\]\\]")


def marked(text: str, entities: Sequence[Entity]) -> str:
    """The text with its entities marked; of two that overlap, the first."""
    pieces, at = [], 0
    for entity in sorted(entities, key=lambda entity: entity.start):
        if entity.start < at or entity.end > len(text):
            continue
        pieces.append(_escaped(text[at : entity.start]))
        pieces.append(f"[{_escaped(text[entity.start : entity.end])}]({entity.type})")
        at = entity.end
    pieces.append(_escaped(text[at:]))
    return "".join(pieces)


def entities_in(written: str, text: str) -> tuple[Entity, ...]:
    """The entities of a marked text.

    Args:
        written: What the reviewer left.
        text: The customer's words, which are to be the same.

    Raises:
        ConfigError: If the words are not the same, or a span has spaces at an end. Its message is
            for the reviewer.
    """
    found: list[Entity] = []
    plain, at = "", 0
    for mark in _MARK.finditer(written):
        plain += _plain(written[at : mark.start()])
        value, kind = _plain(mark[1]), mark[2].strip()
        if not kind:
            raise ConfigError(f"[{value}](): please name what it is between the brackets.")
        if value != value.strip():
            raise ConfigError(f"[{value}]({kind}): please mark no spaces at the ends.")
        found.append(Entity(kind, value, len(plain), len(plain) + len(value)))
        plain, at = plain + value, mark.end()
    plain += _plain(written[at:])
    if plain != text:
        raise ConfigError(
            "Please leave the customer's words as they are, and only put [ ](type) around some."
        )
    return tuple(found)


def _escaped(text: str) -> str:
    return _SIGN.sub(r"\\\g<0>", text)


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
