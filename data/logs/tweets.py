"""Tweets to and from brands, one a row, in threads by what each replies to.

The columns are those of "Customer Support on Twitter" (Kaggle, thoughtvector). Threads of millions
of tweets are found with 16 bytes a tweet and a sort; their texts are read in passes.
"""

import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.errors import LogFormatError
from data.logs.grouping import grouped, passes_over
from data.logs.table import seconds
from data.logs.times import time_of
from data.logs.tweetsumm import clean_tweet
from data.rows import BadRows, Row, first_row, read_rows
from data.schema import Conversation, Speaker, Turn
from data.sources import Source

_COLUMNS = {"tweet_id", "author_id", "inbound", "created_at", "text", "in_response_to_tweet_id"}
_NONE = -1  # no tweet has this id
_BRAND = re.compile(r"@(\w*[A-Za-z]\w*)")  # customers' handles are numbers
_CREATED = "%a %b %d %H:%M:%S %z %Y"
FIELDS: tuple[str, ...] = ()  # of --map


class _Tweet(NamedTuple):
    """A row's text values: less memory than a turn while it waits for its thread."""

    id: int
    author: str
    inbound: bool
    created: str
    text: str


def fits(source: Source) -> bool:
    """Whether it is a table with the columns of tweets and their replies."""
    if source.holds_members or source.suffix not in (".csv", ".tsv"):
        return False
    try:
        first = first_row(source)
    except LogFormatError:
        return False  # reading it as a table tells what is wrong
    return first is not None and first.values.keys() >= _COLUMNS


def read(source: Source, columns: Mapping[str, str], bad: BadRows) -> Iterator[Conversation]:
    """Yield the threads.

    Raises:
        LogFormatError: If a column is missing.
    """
    first = first_row(source)
    if first is not None and not first.values.keys() >= _COLUMNS:
        raise LogFormatError(
            f"{source.name}:1: no column {', '.join(sorted(_COLUMNS - first.values.keys()))}; "
            "import it as a table, with --format table"
        )
    roots = _roots(source, bad)

    def tweets(bad: BadRows) -> Iterator[tuple[int, _Tweet]]:
        # Both readings yield the same tweets in the same order: no id has to be looked up.
        for (tweet, _), root in zip(_tweets(source, bad), roots, strict=True):
            yield int(root), tweet

    for root, thread in grouped(tweets, passes_over(source), bad):
        turns = tuple(_turns(thread, bad))
        if not turns:
            bad.add(f"{source.name}: tweet {root}", "no text is left after cleaning")
            continue
        brand = _brand(thread)
        yield Conversation(
            str(root),
            turns,
            customer_id=next((tweet.author for tweet in thread if tweet.inbound), None),
            channel="twitter",
            labels={"brand": brand} if brand else {},
        )


def _tweets(source: Source, bad: BadRows) -> Iterator[tuple[_Tweet, int]]:
    """(tweet, the id of the one it replies to) of each row."""
    for row in read_rows(source, bad):
        try:
            yield _tweet(row), _id(row.values["in_response_to_tweet_id"] or str(_NONE))
        except (ValueError, OverflowError, TypeError):
            bad.add(row.where, "needs tweet_id and in_response_to_tweet_id as numbers")


def _tweet(row: Row) -> _Tweet:
    values = row.values
    return _Tweet(
        _id(values["tweet_id"]),
        values["author_id"].strip(),
        values["inbound"].strip().casefold() in ("true", "1"),
        values["created_at"],
        values["text"],
    )


def _id(value: str) -> int:
    """A 64-bit id; tables that went through pandas write `1234.0`, and `nan` for none."""
    text = value.strip().removesuffix(".0")
    number = _NONE if text.casefold() == "nan" else int(text)
    if not _NONE <= number < 1 << 63:
        raise ValueError("no tweet's id")
    return number


def _roots(source: Source, bad: BadRows) -> NDArray[np.int64]:
    """The id of the oldest tweet that can be reached from each, in order of the rows."""
    own, replied_to = array("q"), array("q")
    for tweet, parent in _tweets(source, BadRows(sink=lambda where, why: None)):
        own.append(tweet.id)
        replied_to.append(parent)
    ids = np.frombuffer(own, dtype=np.int64)
    if not len(ids):
        return ids
    # Each tweet's place among the sorted ids, and that of its parent: itself where there is none.
    known = np.unique(ids)
    parents = np.arange(len(known))
    wanted = np.frombuffer(replied_to, dtype=np.int64)
    found = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    there = known[found] == wanted
    parents[np.searchsorted(known, ids[there])] = found[there]
    reached = parents
    for _ in range(len(known).bit_length()):  # each jump is twice as long as the last one
        reached = reached[reached]
    circle = parents[reached] != reached
    if circle.any():
        bad.mended["tweets that reply in a circle"] += int(circle.sum())
        reached = np.where(circle, np.arange(len(known)), reached)
    return known[reached[np.searchsorted(known, ids)]]


def _turns(thread: Sequence[_Tweet], bad: BadRows) -> Iterator[Turn]:
    """Cleaned turns in order of time, each tweet once."""
    once = {tweet.id: tweet for tweet in reversed(thread)}
    if len(once) < len(thread):
        bad.left_out["the same tweet again"] += len(thread) - len(once)
    timed = [(_time(tweet.created), tweet) for tweet in reversed(once.values())]
    if all(time for time, _ in timed):
        timed.sort(key=lambda pair: seconds(pair[0]) if pair[0] else 0.0)
    for time, tweet in timed:
        speaker: Speaker = "customer" if tweet.inbound else "agent"
        text = clean_tweet(tweet.text, speaker)
        if text:
            yield Turn(speaker, text, time, speaker_id=tweet.author)
        else:
            bad.left_out["tweet of handles and links only"] += 1


def _time(created: str) -> datetime | None:
    try:
        return datetime.strptime(created, _CREATED)  # ten times as fast as guessing
    except ValueError:
        return time_of(created)


def _brand(thread: Sequence[_Tweet]) -> str | None:
    """The first agent's name, else the first handle with a letter that a customer writes to."""
    for tweet in thread:
        if not tweet.inbound:
            return tweet.author
    handles = (handle for tweet in thread if (handle := _BRAND.search(tweet.text)))
    return next((handle[1] for handle in handles), None)
