"""The store as reviewers use it: turns to look at, what they say of them, what nobody could answer.

It reads everyone's conversations. Only what is shown to colleagues may use it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, delete, func, or_, select
from sqlalchemy.orm import Session, aliased

from apps.store import Store
from apps.store_tables import ConversationRow, CorrectionRow, EditRow, TurnRow, utc_now
from data.conversations import entity_values
from data.schema import Entity

Why = Literal["thumbs_down", "handed_over", "low_confidence"]
WHYS: tuple[Why, ...] = ("thumbs_down", "handed_over", "low_confidence")
UNSURE = 0.5  # confidence is calibrated: below it the intent is rather wrong than right
# Steps in which no intent decides: what answers a workflow's question need not have one.
_WITHOUT_INTENT = ("workflow:", "small_talk", "not_read", "hand_over", "out_of_scope")


@dataclass(frozen=True, slots=True)
class Correction:
    """What a reviewer says: None where it is not labelled, "oos" for an intent out of scope.

    The entities' offsets count in the customer's turn as `apps.app.clean` leaves it. `answer` is
    what should have been said, where that is not what was said.
    """

    intent: str | None
    entities: tuple[Entity, ...] | None
    answer: str | None
    reviewer: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Case:
    """An agent's turn to look at: why, what the customer had written, and how it was answered."""

    turn_id: int
    conversation: str
    app: str
    question: str
    answer: str
    trace: Mapping[str, Any]
    time: datetime
    why: tuple[Why, ...]
    correction: Correction | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that got no answer."""

    app: str
    text: str
    time: datetime


class Reviews:
    """Everyone's turns, and what reviewers say of them.

    Args:
        store: Where they are.
    """

    def __init__(self, store: Store) -> None:
        self._engine = store.engine

    def cases(
        self, whys: Sequence[Why] = WHYS, reviewed: bool = False, limit: int = 200
    ) -> list[Case]:
        """Turns to look at, the latest first.

        Args:
            whys: For which reasons.
            reviewed: Those that a reviewer has saved, instead of the others.
            limit: How many at most.
        """
        wanted = _wanted(whys, reviewed).order_by(TurnRow.id.desc()).limit(limit)
        return self._read(wanted)

    def count(self, whys: Sequence[Why] = WHYS, reviewed: bool = False) -> int:
        """How many turns there are to look at, as `cases` without its limit."""
        found = _wanted(whys, reviewed).with_only_columns(func.count(TurnRow.id))
        with Session(self._engine) as session:
            return session.scalar(found) or 0

    def case(self, turn_id: int) -> Case | None:
        """One agent's turn, whether there is a reason to look at it or not."""
        return next(iter(self._read(_cases().where(TurnRow.id == turn_id))), None)

    def corrected(self) -> list[Case]:
        """All turns that reviewers saved, in order."""
        wanted = _cases().where(CorrectionRow.turn_id.is_not(None)).order_by(TurnRow.id)
        return self._read(wanted)

    def save(
        self,
        turn_id: int,
        reviewer: str,
        intent: str | None,
        entities: Sequence[Entity] | None,
        answer: str | None,
    ) -> bool:
        """Keep what a reviewer says in one transaction, in the place of what was said before.

        Args:
            turn_id: The agent's turn.
            reviewer: Who says it.
            intent: What the customer wanted; None: not labelled.
            entities: Of the customer's turn; None: not labelled.
            answer: What should have been said; None: what was said stays.

        Returns:
            False if it is no agent's turn.
        """
        with Session(self._engine) as session, session.begin():
            row = session.get(TurnRow, turn_id)
            if row is None or row.speaker != "agent":
                return False
            for table in (CorrectionRow, EditRow):
                session.execute(delete(table).where(table.turn_id == turn_id))
            session.add(
                CorrectionRow(
                    turn_id=turn_id, intent=intent, reviewer=reviewer,
                    entities=None if entities is None else [entity_values(e) for e in entities],
                    time=utc_now(),
                )
            )  # fmt: skip
            if answer is not None and answer.strip() and answer.strip() != row.text.strip():
                session.add(EditRow(turn_id=turn_id, text=answer))
            return True

    def take_back(self, turn_id: int) -> None:
        """Forget what was said of a turn: it is to be looked at again."""
        with Session(self._engine) as session, session.begin():
            for table in (CorrectionRow, EditRow):
                session.execute(delete(table).where(table.turn_id == turn_id))

    def intents(self) -> set[str]:
        """The intents that answers or reviewers named."""
        traced = select(TurnRow.trace["intent"].as_string()).distinct()
        said = select(CorrectionRow.intent).distinct()
        with Session(self._engine) as session:
            return {name for query in (traced, said) for name in session.scalars(query) if name}

    def unanswered(self, since: datetime | None = None, limit: int = 5000) -> list[Asked]:
        """What was in scope and is answered by nothing that is known, the latest first.

        Args:
            since: From when on, UTC without a zone.
            limit: How many at most.
        """
        asked = aliased(TurnRow)
        wanted = (
            select(ConversationRow.app, asked.text, asked.time)
            .select_from(TurnRow)
            .join(asked, asked.id == _before())
            .join(ConversationRow, ConversationRow.id == TurnRow.conversation_id)
            .where(TurnRow.speaker == "agent", _NO_ANSWER)
            .order_by(TurnRow.id.desc())
            .limit(limit)
        )
        if since is not None:
            wanted = wanted.where(TurnRow.time >= since)
        with Session(self._engine) as session:
            return [Asked(app, text, time) for app, text, time in session.execute(wanted)]

    def _read(self, wanted: Any) -> list[Case]:  # noqa: ANN401 - as `_cases` gives it
        with Session(self._engine) as session:
            return [
                Case(turn.id, turn.conversation_id, app, question or "", turn.text, turn.trace,
                     turn.time, _why(turn), _correction(correction, edited))
                for turn, app, question, correction, edited in session.execute(wanted)
            ]  # fmt: skip


def _before() -> Any:  # noqa: ANN401 - a scalar subquery
    """The id of the turn before an agent's in its conversation."""
    earlier = aliased(TurnRow)
    return (
        select(func.max(earlier.id))
        .where(earlier.conversation_id == TurnRow.conversation_id, earlier.id < TurnRow.id)
        .correlate(TurnRow)
        .scalar_subquery()
    )


def _cases() -> Any:  # noqa: ANN401 - a select of five columns
    asked = aliased(TurnRow)
    return (
        select(TurnRow, ConversationRow.app, asked.text, CorrectionRow, EditRow.text)
        .select_from(TurnRow)
        .join(ConversationRow, ConversationRow.id == TurnRow.conversation_id)
        .outerjoin(asked, asked.id == _before())
        .outerjoin(CorrectionRow, CorrectionRow.turn_id == TurnRow.id)
        .outerjoin(EditRow, EditRow.turn_id == TurnRow.id)
        .where(TurnRow.speaker == "agent")
    )


def _wanted(whys: Sequence[Why], reviewed: bool) -> Any:  # noqa: ANN401 - as `_cases`
    said = CorrectionRow.turn_id
    return (
        _cases()
        .where(or_(*(_CONDITIONS[why] for why in whys)))
        .where(said.is_not(None) if reviewed else said.is_(None))
    )


_TRACE = TurnRow.trace
_REASON, _STEP = _TRACE["reason"].as_string(), _TRACE["step"].as_string()
_CONDITIONS: dict[Why, ColumnElement[bool]] = {
    "thumbs_down": TurnRow.thumb < 0,
    "handed_over": or_(_TRACE["hand_over"].as_boolean(), _REASON == "closed"),
    "low_confidence": or_(
        _REASON == "low_confidence",
        and_(
            _TRACE["confidence"].as_float() < UNSURE,
            *(_STEP.not_like(f"{name}%") for name in _WITHOUT_INTENT),
        ),
    ),
}
# A person takes these whatever is known: they ask for no page. See `Colleagues.take`.
_NO_GAP = ("hand_over:grave", "hand_over:overdue")
# A bot that is closed says so instead; the colleague's card has what it would have said.
_NO_ANSWER = and_(
    or_(
        _REASON == "no_answer",
        and_(_REASON == "closed", _TRACE["summary"].as_string().like("Why: no answer%")),
    ),
    or_(_STEP.is_(None), _STEP.not_in(_NO_GAP)),
)


def _why(turn: TurnRow) -> tuple[Why, ...]:
    """As `_CONDITIONS`, of a row that was read."""
    trace = turn.trace
    reason, step = trace.get("reason"), str(trace.get("step") or "")
    confidence = trace.get("confidence")
    unsure = confidence is not None and confidence < UNSURE
    found: dict[Why, bool] = {
        "thumbs_down": turn.thumb < 0,
        "handed_over": bool(trace.get("hand_over")) or reason == "closed",
        "low_confidence": reason == "low_confidence"
        or (unsure and not step.startswith(_WITHOUT_INTENT)),
    }
    return tuple(why for why in WHYS if found[why])


def _correction(row: CorrectionRow | None, edited: str | None) -> Correction | None:
    if row is None:
        return None
    entities = None if row.entities is None else tuple(Entity(**each) for each in row.entities)
    return Correction(row.intent, entities, edited, row.reviewer, row.time)
