"""What reviewers work with: turns to look at, corrections, gaps, and the export of all labels.

It shows everyone's conversations: it is put together only where `review` is served by name.
"""

import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.app import clean
from apps.feedback import export_feedback
from apps.review.gaps import Gap, gaps_of, write_gaps
from apps.review.marks import entities_in, marked
from apps.store import Store, StoredTurn
from apps.store_review import WHYS, Case, Correction, Reviews, Why
from data.encoders import Encoder
from data.errors import ConfigError, ConversationError
from data.schema import OOS, Entity

MAX_NAME = 64
_INTENT = re.compile(r"[\w-]{1,60}")


@dataclass(frozen=True, slots=True)
class Form:
    """A reviewer's form: the intent ("" is no label), the marked text, and what should be said.

    `label_entities` tells whether the marks are a label.
    """

    intent: str
    marks: str
    label_entities: bool
    answer: str


class ReviewDesk:
    """The desk of one store.

    Args:
        store: Everyone's conversations.
        encoder: Opens what gaps are grouped with; asked when they are looked for.
        intents: Names to choose from, beside those of the store.
        types: Entity types to mark.
        answered: Opens what tells whether a question has an answer by now.
        region: Where phone numbers without a country code are read.
    """

    def __init__(
        self,
        store: Store,
        encoder: Callable[[], Encoder],
        intents: Sequence[str] = (),
        types: Sequence[str] = (),
        answered: Callable[[], Callable[[str], bool] | None] = lambda: None,
        region: str = "GB",
    ) -> None:
        self._store, self._encoder, self._answered = store, encoder, answered
        self._reviews, self._intents = Reviews(store), frozenset(intents) - {OOS}
        self._region, self.types = region, tuple(types)

    def cases(self, whys: Sequence[Why] = WHYS, reviewed: bool = False) -> list[Case]:
        """Turns to look at, the latest first."""
        return self._reviews.cases(whys, reviewed)

    def count(self, whys: Sequence[Why] = WHYS, reviewed: bool = False) -> int:
        """How many turns there are to look at; `cases` gives the latest of very many."""
        return self._reviews.count(whys, reviewed)

    def case(self, turn_id: int) -> tuple[Case, list[StoredTurn]] | None:
        """A turn with its whole conversation."""
        case = self._reviews.case(turn_id)
        return None if case is None else (case, self._store.turns(case.conversation))

    def intents(self) -> list[str]:
        """Names to choose from."""
        return sorted(self._intents | self._reviews.intents() - {OOS})

    def form(self, case: Case) -> Form:
        """What was predicted and said, or what a reviewer said of it before."""
        said, text = case.correction, clean(case.question)
        trace = case.trace
        if said is not None:
            marked_ones = _predicted(trace) if said.entities is None else said.entities
            marks = marked(text, marked_ones)
            return Form(said.intent or "", marks, said.entities is not None,
                        said.answer or case.answer)  # fmt: skip
        if trace.get("confidence") is None:  # an app that reads neither intents nor entities
            return Form("", text, False, case.answer)
        intent = str(trace.get("intent") or OOS)
        return Form(intent, marked(text, _predicted(trace)), True, case.answer)

    def save(self, case: Case, reviewer: str, form: Form) -> Correction:
        """Keep what a reviewer says.

        Raises:
            ConfigError: If nobody says it, or it cannot be kept; its message is for the reviewer.
            ConversationError: If the conversation is gone.
        """
        reviewer = " ".join(reviewer.split())[:MAX_NAME]
        if not reviewer:
            raise ConfigError("Please say who you are; it is kept with the correction.")
        intent = self._intent(form.intent.strip())
        entities = entities_in(form.marks, clean(case.question)) if form.label_entities else None
        self._reviews.save(case.turn_id, reviewer, intent, entities, form.answer)
        return self._saved(case)

    def set_aside(self, case: Case, reviewer: str) -> Correction:
        """Nothing is to be learned from it: it leaves the list without a label."""
        form = self.form(case)
        return self.save(case, reviewer, Form("", form.marks, False, case.answer))

    def take_back(self, case: Case) -> None:
        """It is to be looked at again, and what was said of it is forgotten."""
        self._reviews.take_back(case.turn_id)

    def gaps(self) -> list[Gap]:
        """What nothing answers, the most asked first."""
        asked = self._reviews.unanswered()
        if not asked:
            return []
        return gaps_of(asked, self._encoder(), self._region, self._answered())

    def gaps_table(self, gaps: Sequence[Gap], folder: Path) -> Path:
        """The gaps as `gaps.csv` in a folder."""
        path = folder / "gaps.csv"
        write_gaps(path, gaps)
        return path

    def export(self, folder: Path) -> tuple[dict[str, Any], Path | None]:
        """All labels, redacted, as `labels.zip` in a folder: counts, and None if there are none."""
        with tempfile.TemporaryDirectory() as made:
            done = export_feedback(self._store, Path(made) / "labels", self._region)
            if not done["conversations"]:
                return done, None
            file = shutil.make_archive(str(folder / "labels"), "zip", made, "labels")
        return done, Path(file)

    def _intent(self, written: str) -> str | None:
        """A known name as it is, of whatever letters; a new one in small letters and `_`."""
        if not written or written == OOS or written in self.intents():
            return written or None
        name = written.lower().replace(" ", "_")
        if not _INTENT.fullmatch(name):
            raise ConfigError(
                "A new intent is a short name of letters, digits and _; please change it."
            )
        return name

    def _saved(self, case: Case) -> Correction:
        again = self._reviews.case(case.turn_id)
        if again is None or again.correction is None:
            raise ConversationError("That conversation was deleted meanwhile.")
        return again.correction


def _predicted(trace: Any) -> list[Entity]:  # noqa: ANN401 - out of a JSON trace
    return [Entity(**entity) for entity in trace.get("entities") or ()]
