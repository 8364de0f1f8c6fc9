"""A WhatsApp chat exported as text, from Android or an iPhone.

One file is one chat; a pause of more than a day begins another conversation.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from data.errors import LogFormatError
from data.logs.roles import AGENT, named_agents, speakers
from data.logs.text_lines import first_lines, text_lines
from data.logs.times import day_comes_first, time_of
from data.rows import BadRows
from data.schema import Conversation, Turn
from data.sources import Source

PAUSE = timedelta(hours=24)
MAX_TURN_LINES = 2000  # one person's message; what goes on longer is no chat
_INVISIBLE = dict.fromkeys(map(ord, "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\ufeff"))
_WHEN = (
    r"(?P<date>\d{1,4}[./-]\d{1,2}[./-]\d{1,4}),?\s+"
    r"(?P<time>\d{1,2}[:.]\d{2}(?:[:.]\d{2})?)(?:\s*(?P<half>[ap])\.?\s?m\.?)?"
)
_START = re.compile(rf"(?:\[{_WHEN}\]\s?|{_WHEN.replace('?P<', '?P<_')}\s-\s)(?P<rest>.*)", re.I)
_SAID = re.compile(r"(?P<who>[^:\"“„«]{1,60}): ?(?P<text>.*)", re.DOTALL)
# <Media omitted>, image omitted, <attached: 1-PHOTO.jpg>, IMG-1.jpg (file attached), in whatever
# language the phone speaks: one pair of angle brackets, or a file's name with a remark.
_MEDIA = re.compile(
    r"<[^<>]{3,80}>|[\w ]{2,20} (?:omitted|weggelassen|ausgeschlossen|omitid[oa]|omess[oa]|omise?)"
    r"|[\w-]+\.\w{3,4} \([^()]{3,40}\)(?:\n.*)?",
    re.IGNORECASE | re.DOTALL,
)
_DELETED = re.compile(r"(?:This message was|You) deleted(?: this message)?\.?|null", re.IGNORECASE)
_EDITED = re.compile(r"\s*<This message was edited>$", re.IGNORECASE)
_NOTICE = re.compile(
    r"Messages (?:and calls|to this (?:chat|group)).*encrypt.*|Missed (?:voice|video) call.*"
    r"|(?:Waiting for this message|This business|Your security code).*",
    re.IGNORECASE | re.DOTALL,
)
FIELDS = (AGENT,)  # of --map


@dataclass(slots=True)
class _Message:
    """One message as it stands in the file."""

    where: str
    date: str
    clock: str
    who: str
    lines: list[str] = field(default_factory=list)


def fits(source: Source) -> bool:
    """Whether a text file's first line is a message with its time."""
    if source.holds_members or source.suffix != ".txt":
        return False
    try:
        return any(_START.match(_plain(line)) for line in first_lines(source, 1))
    except LogFormatError:
        return False


def read(source: Source, columns: Mapping[str, str], bad: BadRows) -> Iterator[Conversation]:
    """Yield the chat's conversations."""
    silent = BadRows(sink=lambda where, why: None)
    day_first = day_comes_first(message.date for message in _messages(source, silent))
    is_agent = named_agents(columns, bad.heard)
    turns: list[tuple[datetime | None, str, str]] = []
    last: datetime | None = None
    for message in _messages(source, bad):
        text = _text(message, bad)
        if text is None:
            continue
        time = _time(message, day_first)
        if time is None:
            bad.mended["a time that cannot be read"] += 1
        elif last is not None and time - last > PAUSE and turns:
            yield _conversation(turns, is_agent)
            turns = []
        last = time or last
        turns.append((time, message.who, text))
    if turns:
        yield _conversation(turns, is_agent)


def _messages(source: Source, bad: BadRows) -> Iterator[_Message]:
    """The messages with their lines; a line without a time goes on with the one before it."""
    message: _Message | None = None
    for number, line in text_lines(source, bad):
        start = _START.match(_plain(line))
        if start is None:
            where = f"{source.name}:{number}"
            if message is None:
                bad.add(where, "stands before the first message with a time")
            elif len(message.lines) < MAX_TURN_LINES:
                message.lines.append(_plain(line))
            elif len(message.lines) == MAX_TURN_LINES:
                bad.add(where, f"a message of more than {MAX_TURN_LINES} lines is cut here")
                message.lines.append("")
            continue
        if message is not None:
            yield message
        date, clock, half = (start[name] or start[f"_{name}"] for name in ("date", "time", "half"))
        said = _SAID.fullmatch(start["rest"])
        message = _Message(
            f"{source.name}:{number}",
            date,
            clock.replace(".", ":") + (f" {half}m" if half else ""),
            said["who"].strip(" ~") if said else "",
            [said["text"] if said else start["rest"]],
        )
    if message is not None:
        yield message


def _text(message: _Message, bad: BadRows) -> str | None:
    """What a person wrote; None, and counted, where nobody wrote it."""
    text = "\n".join(message.lines).strip()
    if not message.who or _NOTICE.fullmatch(text):
        bad.left_out["notice of the app"] += 1
    elif _DELETED.fullmatch(text):
        bad.left_out["deleted message"] += 1
    elif _MEDIA.fullmatch(text):
        bad.left_out["attachment"] += 1
    elif text := _EDITED.sub("", text):
        return text
    else:
        bad.left_out["empty message"] += 1
    return None


def _plain(line: str) -> str:
    """The line without marks of direction, and with plain spaces."""
    return line.translate(_INVISIBLE).replace("\u202f", " ").replace("\xa0", " ")


def _time(message: _Message, day_first: bool) -> datetime | None:
    date = re.sub(r"[./]", "-", message.date)
    year_first = len(date.partition("-")[0]) == 4
    return time_of(f"{date} {message.clock}", day_first and not year_first)


def _conversation(
    said: Sequence[tuple[datetime | None, str, str]], is_agent: Callable[[str], bool] | None
) -> Conversation:
    sides = speakers([who for _, who, _ in said], is_agent)
    turns = tuple(
        Turn(side, text, time, speaker_id=who)
        for side, (time, who, text) in zip(sides, said, strict=True)
    )
    customer = next((turn.speaker_id for turn in turns if turn.speaker == "customer"), None)
    # The id must neither change with a later export nor tell who wrote.
    first = f"{said[0][0]} {said[0][1]} {said[0][2]}"
    digest = hashlib.blake2b(first.encode("utf-8", "replace"), digest_size=8).hexdigest()
    return Conversation(f"whatsapp-{digest}", turns, customer_id=customer, channel="whatsapp")
