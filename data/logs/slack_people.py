"""The people of a Slack export, and what their messages say once mentions have names."""

import re
from collections.abc import Mapping
from html import unescape
from typing import Any, NamedTuple

from data.logs.helpdesk import fields, is_true, word

_LINK = re.compile(r"<([^<>|\s][^<>|]*)(?:\|([^<>]*))?>")


class Person(NamedTuple):
    """What users.json says of one."""

    name: str  # as it is shown
    called: tuple[str, ...]  # the names and addresses by which `--map agent=…` may name them
    is_bot: bool


def person_of(values: Mapping[str, Any]) -> Person:
    """A person of users.json."""
    profile = fields(values.get("profile"))
    shown = [word(profile.get(key)) for key in ("display_name", "real_name")]
    names = [*shown, word(values.get("real_name")), word(values.get("name"))]
    called = tuple(name for name in (*names, word(profile.get("email"))) if name)
    is_bot = is_true(values.get("is_bot")) or word(values.get("id")) == "USLACKBOT"
    return Person(next(filter(None, names), word(values.get("id"))), called, is_bot)


def text_of_slack(text: str, people: Mapping[str, Person]) -> str:
    """The text with names for mentions, words for links, and `&` for `&amp;`."""

    def shown(found: re.Match[str]) -> str:
        target, label = found[1], (found[2] or "").strip()
        kind, rest = target[0], target[1:]
        if kind == "@":
            return f"@{people[rest].name if rest in people else label or rest}"
        if kind == "#":
            return f"#{label or rest}"
        if kind == "!":  # <!here>, <!subteam^S1|@helpers>, <!date^…|a day>
            return label or f"@{rest.split('^')[0]}"
        return label or target.removeprefix("mailto:").removeprefix("tel:")

    return unescape(_LINK.sub(shown, text)).strip()
