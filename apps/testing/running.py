"""Running written conversations through an app, each in a store of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from apps.app import App
from apps.build import APPS
from apps.config import AppConfig, app_config
from apps.harmless import IN_MEMORY, opened_harmless
from apps.serving import OWNER, last_answer, opened_chat
from apps.store import Store
from apps.testing.checks import Miss, misses
from apps.testing.reading import Suite
from apps.testing.written import WrittenConversation
from data.errors import ConfigError
from data.schema import Answer

Verdict = Literal["passed", "failed", "failed_as_expected", "passed_unexpectedly"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A missed expectation: of which turn, counted from 1, and on which line it stands."""

    turn: int
    line: int
    miss: Miss


@dataclass(frozen=True, slots=True)
class Ran:
    """A conversation as it went: an Answer for each turn, and what was missed."""

    path: Path
    line: int
    conversation: WrittenConversation
    answers: tuple[Answer, ...]
    failures: tuple[Failure, ...]

    @property
    def verdict(self) -> Verdict:
        """How it counts."""
        if self.conversation.expected_failure:
            return "failed_as_expected" if self.failures else "passed_unexpectedly"
        return "failed" if self.failures else "passed"


@dataclass(frozen=True, slots=True)
class Subject:
    """An app with its settings, and all that was run through it."""

    app: str
    settings: tuple[str, ...]
    config: AppConfig
    folder: Path
    ran: tuple[Ran, ...]

    @property
    def name(self) -> str:
        """The app as it was named, and its settings."""
        return " ".join([self.app, *self.settings])


def run_suites(
    suites: Sequence[Suite], overrides: Sequence[str], live: bool = False
) -> list[Subject]:
    """Run all conversations; those of one app with the same settings make a Subject.

    Args:
        suites: What was written.
        overrides: Settings that win over those of the files.
        live: Whether workflows call other systems; else each call fails without being made.

    Business hours hold only where a setting names them: a result must not depend on the clock.

    Raises:
        ConfigError: If a file names an app that is none or holds no conversation.
        DeskhandError: If the app's runs or its index are not what is needed.
    """
    groups: dict[tuple[str, tuple[str, ...]], list[Suite]] = {}
    for suite in suites:
        key = (suite.written.app, (*suite.written.settings, *overrides))
        groups.setdefault(key, []).append(suite)
    configs = [_config(app, settings, found[0]) for (app, settings), found in groups.items()]
    subjects = []
    for (key, found), (config, folder) in zip(groups.items(), configs, strict=True):
        fresh = partial(_opened, config, folder, _sets_hours(key[1]), live)
        ran = tuple(each for suite in found for each in run_suite(suite, fresh))
        subjects.append(Subject(*key, config, folder, ran))
    return subjects


def run_suite(suite: Suite, fresh: Callable[[], tuple[App, Store]]) -> list[Ran]:
    """Run a file's conversations.

    Args:
        suite: What was written.
        fresh: Gives an app and an empty store of its own, which the app reads.
    """
    return [
        _run(suite.path, line, conversation, turns, *fresh())
        for conversation, line, turns in suite.placed()
    ]


def _run(
    path: Path,
    line: int,
    conversation: WrittenConversation,
    lines: Sequence[int],
    app: App,
    store: Store,
) -> Ran:
    """One conversation to its end, whatever was missed on the way."""
    identity = store.new_conversation(OWNER, app.title)
    answers: list[Answer] = []
    failures: list[Failure] = []
    for number, (turn, place) in enumerate(zip(conversation.turns, lines, strict=True), start=1):
        answer = last_answer(app, store, identity, turn.customer)
        answers.append(answer)
        if turn.expect is not None:
            failures += [Failure(number, place, miss) for miss in misses(turn.expect, answer)]
    return Ran(path, line, conversation, tuple(answers), tuple(failures))


def _opened(config: AppConfig, folder: Path, keep_hours: bool, live: bool) -> tuple[App, Store]:
    if not live:
        return opened_harmless(config, folder, keep_hours)
    hours = config.hours if keep_hours else None
    return opened_chat(config.model_copy(update={"store": IN_MEMORY, "hours": hours}), folder)


def _sets_hours(settings: Sequence[str]) -> bool:
    keys = (setting.partition("=")[0] for setting in settings)
    return any(key.split(".")[0] == "hours" for key in keys)


def _config(app: str, settings: Sequence[str], suite: Suite) -> tuple[AppConfig, Path]:
    try:
        config, folder = app_config(app, settings)
    except ConfigError as error:
        raise ConfigError(f"{suite.path}: {error}") from error
    if config.app not in APPS:
        raise ConfigError(
            f"{suite.path}: the app {config.app} holds no conversations; {', '.join(APPS)} do"
        )
    return config, folder
