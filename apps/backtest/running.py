"""A log replayed and judged, conversation by conversation, resumable where it has a file."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from apps.app import App
from apps.backtest.judging import Judge, Kind, Verdict
from apps.backtest.replaying import Replayed, replay
from apps.growing_file import begun, check_out, partial_of, stamp
from data.errors import ConfigError, LogFormatError
from data.logs import read_export
from data.outputs import alone, replacing
from data.rows import BadRows, write_jsonl
from data.schema import Conversation
from data.sources import of_path

SUFFIX = ".jsonl"


@dataclass(frozen=True, slots=True)
class Judged:
    """A customer's message that a person answered, what the app would have said, and its verdict.

    `turn` is the person's, counted from 0; `time` when the person answered (ISO 8601, or empty),
    `wait_s` how many seconds after the customer.
    """

    conversation: str
    turn: int
    question: str
    human: str
    answer: str
    step: str
    kind: Kind
    why: str
    score: float | None = None
    time: str = ""
    wait_s: float | None = None


@dataclass(slots=True)
class Backtest:
    """All that was judged; `before` counts conversations that an earlier start had done."""

    turns: list[Judged] = field(default_factory=list)
    conversations: int = 0
    before: int = 0
    bad: BadRows = field(default_factory=BadRows)

    def of(self, kind: Kind) -> list[Judged]:
        """Those of one kind."""
        return [turn for turn in self.turns if turn.kind == kind]


def backtest_file(
    path: Path,
    app: App,
    judge: Judge,
    out: Path | None = None,
    limit: int | None = None,
    settings: str = "",
    importer: str | None = None,
    told: Callable[[int], None] = lambda done: None,
) -> Backtest:
    """Replay every conversation of a log through an app.

    Args:
        path: What `deskhand prepare` reads or writes.
        app: A chat app without side effects.
        judge: Tells what an answer counts as.
        out: Gets every judged turn, a line each; what is done by then is kept when it stops.
        limit: So many conversations at most.
        settings: What the answers depend on beside the log; other ones begin no resume.
        importer: Its name in `data.logs`; None tells it by the content.
        told: Told after each conversation how many there are.

    Raises:
        ConfigError: If `out` cannot be written, another process writes it, a half-written one is
            of something else, or there is no such importer.
        LogFormatError: If the log has no conversation, or none that a person answered.
    """
    if out is not None:
        check_out(path, out, (SUFFIX,))
    with nullcontext() if out is None else alone(out):
        return _backtested(path, app, judge, out, limit, settings, importer, told)


def _backtested(
    path: Path,
    app: App,
    judge: Judge,
    out: Path | None,
    limit: int | None,
    settings: str,
    importer: str | None,
    told: Callable[[int], None],
) -> Backtest:
    """See backtest_file."""
    source, found = of_path(path), Backtest()
    done: Iterator[list[Judged]] = iter(())
    if out is not None:
        head = {
            "input": str(path.resolve()), "stamp": stamp(path), "importer": importer or "",
            "settings": settings,
        }  # fmt: skip
        found.before = begun(partial_of(out), head)
        done = _lines(partial_of(out))
    try:
        for conversation in islice(read_export(source, importer, {}, found.bad), limit):
            found.conversations += 1
            if found.conversations <= found.before:
                found.turns += next(done)
                continue
            judged = list(judged_turns(app, conversation, judge))
            found.turns += judged
            if out is not None:
                _write(partial_of(out), judged)
            told(found.conversations)
        _check(path, found)
    except (ConfigError, LogFormatError):
        if out is not None and not found.turns:
            partial_of(out).unlink()  # nothing is in it
        raise
    if out is not None:
        _finish(out, found)
    return found


def judged_turns(app: App, conversation: Conversation, judge: Judge) -> Iterator[Judged]:
    """The judged turns of one conversation."""
    verdicts: list[Verdict] = []

    def agrees(replayed: Replayed) -> bool:
        verdicts.append(judge(replayed))
        return verdicts[-1].agrees

    for replayed in replay(app, [conversation], agrees):
        verdict, asked, human = verdicts[-1], replayed.point.before.turns[-1], replayed.human
        wait = None
        if asked.time is not None and human.time is not None:
            try:
                wait = (human.time - asked.time).total_seconds()
            except TypeError:  # one tells its zone, the other does not
                wait = None
        yield Judged(
            conversation.id,
            replayed.point.place,
            asked.text,
            human.text,
            replayed.answer.text,
            replayed.answer.step,
            verdict.kind,
            verdict.why,
            None if verdict.score is None else round(verdict.score, 4),
            human.time.isoformat() if human.time else "",
            wait,
        )


def _check(path: Path, found: Backtest) -> None:
    if not found.conversations:
        first = f"; the first at {found.bad.lines[0]}" if found.bad.rows else ""
        raise LogFormatError(
            f"{path}: no conversation could be read ({len(found.bad)} bad rows{first})"
        )
    if not len(found.turns) - len(found.of("left_out")):
        raise LogFormatError(
            f"{path}: in none of {found.conversations} conversations did a person answer a "
            "customer; a log with agents' turns is needed"
        )


def _write(partial: Path, judged: list[Judged]) -> None:
    line = json.dumps([asdict(turn) for turn in judged], ensure_ascii=False)
    try:
        with partial.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise ConfigError(f"{partial}: cannot be written ({error.strerror})") from error


def _lines(partial: Path) -> Iterator[list[Judged]]:
    lines = partial.read_text(encoding="utf-8").split("\n")[1:-1]
    for line in lines:
        values: list[Mapping[str, Any]] = json.loads(line)
        yield [Judged(**each) for each in values]


def _finish(out: Path, found: Backtest) -> None:
    """Write a line for each turn, then give the file its name."""
    with replacing(out) as made:
        write_jsonl(made, map(asdict, found.turns))
    partial_of(out).unlink()
