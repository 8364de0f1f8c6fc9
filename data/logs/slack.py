"""A Slack export: a folder or archive with users.json and a folder of days for each channel.

A thread is a conversation; so is a message that nobody answered. Threads go on over days.

Source: https://slack.com/help/articles/220556107-How-to-read-Slack-data-exports
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from data.errors import LogFormatError
from data.json_items import first_item, json_items
from data.logs.grouping import PASS_BYTES, grouped
from data.logs.helpdesk import case, leave_out_empty, moment, word, words
from data.logs.roles import AGENT, named_agents, speakers
from data.logs.slack_people import Person, person_of, text_of_slack
from data.rows import BadRows, Row
from data.schema import Conversation, Mark, Outcome, Speaker, Turn
from data.sources import Source

_DAY = re.compile(r"\d{4}-\d\d-\d\d\.json(?:\.gz)?")
_TS = re.compile(r"\d{9,10}(?:\.\d{1,9})?")  # seconds; what stands behind the dot tells two apart
_PEOPLE = ("users.json", "org_users.json")
_LISTS = {
    *_PEOPLE, "channels.json", "groups.json", "dms.json", "mpims.json", "integration_logs.json",
    "canvases.json", "lists.json", "file_conversations.json",
}  # fmt: skip
_LOOKED_AT = 100  # files that are looked at for a first message
_SAID = ("", "bot_message", "me_message", "thread_broadcast", "file_share", "reply_broadcast")
_DELETED = ("tombstone", "message_deleted")
_DONE = {"white_check_mark", "heavy_check_mark", "ballot_box_with_check"}  # reactions
_ONE = tuple[str, str]  # channel, and when its first message was sent
FIELDS = (AGENT,)  # of --map


class _Message(NamedTuple):
    ts: str
    user: str
    text: str
    mark: Mark | None
    done: bool


def fits(source: Source) -> bool:
    """Whether a file called by a day holds messages with Slack's times."""
    if not source.holds_members:
        return _is_day(source) and "ts" in (first_item(source) or {})
    members = islice(source.members(lambda where, why: None), _LOOKED_AT)
    return any(_is_day(member) and "ts" in (first_item(member) or {}) for member in members)


def read(source: Source, columns: Mapping[str, str], bad: BadRows) -> Iterator[Conversation]:
    """Yield the threads, and the messages that nobody answered."""
    people, size = _people(source, bad)
    by_name = named_agents(columns, bad.heard)

    def is_agent(user: str) -> bool:
        called = people[user].called if user in people else ()
        return by_name is not None and any([by_name(name) for name in (user, *called)])

    def messages(bad: BadRows) -> Iterator[tuple[_ONE, _Message]]:
        return _messages(source, people, bad)

    passes = max(1, -(-size // PASS_BYTES))
    for (channel, first), said in grouped(messages, passes, bad):
        once = {message.ts: message for message in said}
        if len(once) < len(said):
            bad.left_out["the same message again"] += len(said) - len(once)
        thread = sorted(once.values(), key=lambda message: float(message.ts))
        if len(thread) == 1 and (mark := thread[0].mark):
            bad.left_out[f"message of a {mark} that nobody answered"] += 1
            continue
        turns = _turns(thread, is_agent if by_name else None)
        outcome: Outcome = "solved" if any(message.done for message in thread) else "unknown"
        found = Conversation(
            f"slack-{channel}-{first}",
            turns,
            channel="slack",
            outcome=outcome,
            labels={"room": channel},
        )
        yield from case(f"{source.name}: {channel} {first}", found, bad)


def _turns(thread: Sequence[_Message], is_agent: Callable[[str], bool] | None) -> tuple[Turn, ...]:
    people = [message.user for message in thread if message.mark is None]
    sides = iter(speakers(people, is_agent))
    turns = []
    for message in thread:
        speaker: Speaker = next(sides) if message.mark is None else "agent"
        time = moment(message.ts)
        turns.append(Turn(speaker, message.text, time, message.user or None, mark=message.mark))
    return tuple(turns)


def _people(source: Source, bad: BadRows) -> tuple[dict[str, Person], int]:
    """The people by their ids, and how many bytes all days have."""
    people: dict[str, Person] = {}
    size = 0
    for member in _files(source, BadRows(sink=lambda where, why: None)):
        if _is_day(member):
            size += _size(member)
        elif PurePosixPath(_path(member)).name in _PEOPLE:
            for row in _items(member, bad):
                people[word(row.values.get("id"))] = person_of(row.values)
    return people, size


def _messages(
    source: Source, people: Mapping[str, Person], bad: BadRows
) -> Iterator[tuple[_ONE, _Message]]:
    """((channel, its thread), message) of each message with a text."""
    for member in _files(source, bad):
        if not _is_day(member):
            if PurePosixPath(_path(member)).name not in _LISTS:
                bad.left_out["file that is no day of a channel"] += 1
            continue
        channel = PurePosixPath(_path(member)).parent.name
        for row in _items(member, bad):
            message = _message(row.where, row.values, people, bad)
            if message is not None:
                yield (channel, word(row.values.get("thread_ts")) or message.ts), message


def _message(
    where: str, values: Mapping[str, Any], people: Mapping[str, Person], bad: BadRows
) -> _Message | None:
    ts, text = word(values.get("ts")), values.get("text")
    kind = word(values.get("subtype"))
    if not _TS.fullmatch(ts) or not isinstance(text, str | None):
        bad.add(where, "needs a ts, and a text")
        return None
    if kind in _DELETED:
        bad.left_out["deleted message"] += 1
        return None
    text = text_of_slack(text or "", people)
    if not text:
        leave_out_empty(values, bad)
        return None
    user = word(values.get("user")) or word(values.get("bot_id"))
    mark: Mark | None = None
    if kind not in _SAID:
        mark = "system"
    elif values.get("bot_id") or kind == "bot_message" or (user in people and people[user].is_bot):
        mark = "bot"
    return _Message(ts, user, text, mark, not _DONE.isdisjoint(words(values.get("reactions"))))


def _items(source: Source, bad: BadRows) -> Iterator[Row]:
    """The objects of one file; one that is no JSON costs the export only itself."""
    try:
        yield from json_items(source, (), bad)
    except LogFormatError as error:
        bad.add(source.name, str(error).removeprefix(f"{source.name}: "))


def _files(source: Source, bad: BadRows) -> Iterator[Source]:
    """The export's files, or the one day that it is."""
    if not source.holds_members:
        yield source
        return
    for member in source.members(bad.add):
        if member.is_archive:
            bad.add(member.name, "an archive in an export; unpack it first")
        else:
            yield member


def _path(source: Source) -> str:
    return source.name.replace("\\", "/").replace(":", "/")


def _is_day(source: Source) -> bool:
    return not source.holds_members and bool(_DAY.fullmatch(PurePosixPath(_path(source)).name))


def _size(source: Source) -> int:
    if source.path is not None:
        return source.path.stat().st_size
    return sum(len(line) for _, line in source.lines(lambda where, why: None))
