"""The vocabulary of every layer: one name for one idea.

All are frozen. Offsets are half-open character positions, confidences and scores lie in the ranges
that their docstrings state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Speaker = Literal["customer", "agent"]  # agent: whoever answers, human or model
Outcome = Literal["solved", "handed_over", "abandoned", "unknown"]
Gold = Literal["good", "bad"]
Mark = Literal["bot", "system"]
Reason = Literal[
    "out_of_scope",
    "low_confidence",
    "asked_for_person",
    "upset",
    "action_failed",
    "guard",
    "no_answer",
    "closed",
]
OOS = "oos"  # the label of an out-of-scope row in a data file; in code an Intent whose name is None


@dataclass(frozen=True, slots=True)
class Entity:
    """A typed span: characters [start, end) of a turn's text, confidence in [0, 1]."""

    type: str
    text: str
    start: int
    end: int
    confidence: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(
                f"entity {self.type!r} needs 0 <= start < end, got [{self.start}, {self.end})"
            )


@dataclass(frozen=True, slots=True)
class Intent:
    """What the customer wants; `name` is None when it is out of scope, confidence is in [0, 1]."""

    name: str | None
    confidence: float


@dataclass(frozen=True, slots=True)
class Turn:
    """One message.

    `gold` says whether an annotator found an agent's answer good or bad; `mark` that no person
    wrote it: a bot did, or the helpdesk itself (`system`: assigned, closed, on hold). Of an agent's
    turn, `action` names the step that was taken, and `facts` are what the agent had looked up
    before it (name to value), where the log tells; `passages` are what the company's pages say to
    it, best first. `id` is that of a message which a store received: the same, however often it is
    answered.
    """

    speaker: Speaker
    text: str
    time: datetime | None = None
    speaker_id: str | None = None
    rating: int | None = None
    entities: tuple[Entity, ...] = ()
    gold: Gold | None = None
    mark: Mark | None = None
    action: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    passages: "tuple[Passage, ...]" = ()
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """One case: its turns in order, how it ended, and labels where they are known.

    `rating` is the customer's, 1 (bad) to 5 (good). `labels` holds what is known of the whole
    case, such as `intent` or `brand`.
    """

    id: str
    turns: tuple[Turn, ...]
    customer_id: str | None = None
    channel: str | None = None
    outcome: Outcome = "unknown"
    rating: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece that retrieval can return.

    `text` is what a customer may read, `title` the question or heading above it, `source` the file
    and place it came from. `score` is in [0, 1] and comparable within one index.
    """

    id: str
    text: str
    title: str = ""
    source: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Situation:
    """A conversation at the moment when an agent is to write.

    `turns` end with the customer's; `passages` are what was retrieved for it, best first, and
    `facts` what was looked up or is known of the customer, name to value. `step` names what the
    agent is to do now, as `action` of a Turn does, where a log, a workflow or a model tells it.
    """

    turns: tuple[Turn, ...]
    passages: tuple[Passage, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    step: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an app says, what it says it from, and how it came to it.

    `step` names the stage that decided (`workflow:return_item:ask`, `faq`, `select`, `hand_over`,
    …), `ms` gives the milliseconds of each stage, `state` is the app's memory for the next turn
    (plain JSON values; only the last Answer of a turn carries it), `effects` are the changes that
    an action asks the store to make in the same transaction. `choices` are answers that the
    customer may choose from, `summary` tells a colleague who takes over what has happened,
    `related` are further questions that have an answer.
    """

    text: str
    passages: tuple[Passage, ...] = ()
    intent: Intent | None = None
    entities: tuple[Entity, ...] = ()
    hand_over: bool = False
    reason: Reason | None = None
    step: str = ""
    ms: Mapping[str, float] = field(default_factory=dict)
    state: Mapping[str, Any] = field(default_factory=dict)
    effects: tuple[Mapping[str, Any], ...] = ()
    choices: tuple[str, ...] = ()
    summary: str = ""
    related: tuple[str, ...] = ()


TRAITS = ("channel", "language", "customer_group")  # by which a report parts the rows


@dataclass(frozen=True, slots=True)
class Example:
    """One training row of a task; a task fills the fields that it knows.

    `text` is the input (for `reply`, the conversation so far; for `qa`, the question), `label` the
    intent (`OOS` for an out-of-scope row) or relation, `entities` the spans to find, `answer` the
    reply to rank first, `group` what the row belongs to (a brand, a conversation, an article),
    `where` the file and line it came from. `labels` are the intents of a row that may have several,
    none where it is out of scope. `pair` is the head and tail of a relation, of type ""
    where none is given. `passage` is the text that a question is put to, and `spans` the
    characters [start, end) of it that answer: any one of them, and none where nothing does.
    `targets` are the texts that may be written for this one: any one of them. `situation` is what
    the answer was written from, for a task that needs more of it than a text. `traits` are what
    else is known of the row, (name, value) of TRAITS, to tell of whom a model is worse.
    """

    text: str
    label: str | None = None
    entities: tuple[Entity, ...] = ()
    answer: str | None = None
    group: str | None = None
    weight: float = 1.0
    where: str = ""
    labels: tuple[str, ...] = ()
    pair: tuple[Entity, Entity] | None = None
    passage: str | None = None
    spans: tuple[tuple[int, int], ...] = ()
    targets: tuple[str, ...] = ()
    situation: Situation | None = None
    traits: tuple[tuple[str, str], ...] = ()
