"""What the bot would do next where a wizard did something, the dialogue so far being the wizard's.

After each turn the bot is put where the wizard's action leads: at the question that the wizard
asked, or at a workflow's end. What it has read in the customer's words it keeps.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.app import App
from apps.backtest.replaying import Replayed, replay
from benchmarks.star_bank.bot import STAGES, Bank, action_of
from benchmarks.star_bank.dialogues import Dialogue


@dataclass(frozen=True, slots=True)
class Taken:
    """What wizard and bot did at one place; the wizard's is empty where it wrote freely.

    `before` is the wizard's last step that has a name.
    """

    dialogue: Dialogue
    place: int
    said: str
    before: str
    wizard: str
    bot: str
    slots: Mapping[str, str]  # that the bot had read by then


def taken(app: App, bank: Bank, dialogues: Iterable[Dialogue]) -> Iterator[Taken]:
    """Each place in each dialogue."""
    for dialogue in dialogues:
        bank.open(dialogue)
        teacher, before = _Teacher(dialogue.task), ""
        for each in replay(app, [dialogue.conversation], followed=teacher.followed):
            text, action = each.point.before.turns[-1].text, each.human.action or ""
            yield Taken(
                dialogue, each.point.place, text, before, action, action_of(each.answer),
                dict(teacher.slots),
            )  # fmt: skip
            before = action or before


@dataclass(slots=True)
class _Teacher:
    """Where a dialogue stands, by what the wizard did."""

    task: str
    slots: dict[str, str] = field(default_factory=dict)
    lacks: list[str] = field(default_factory=list)
    asked: str | None = None

    def followed(self, replayed: Replayed) -> Mapping[str, Any]:
        """The bot's state, had it done what the wizard did."""
        state = dict(replayed.answer.state)
        running = state["workflow"]
        self._read(running or state["last"] or {})
        stage = STAGES.get(replayed.human.action or "", "")
        if stage.startswith("ask:"):
            self.asked = stage.removeprefix("ask:")
        elif stage.endswith("lacking"):
            self.asked = "account_number"  # as the file says of what follows this answer
        elif stage:
            ended = {"name": self.task, "slots": self.slots}
            self.asked = None
            return state | {"workflow": None, "last": ended, "waiting": [], "misses": 0}
        if self.asked is None:
            return state
        stands = {"name": self.task, "slots": self.slots, "asked": self.asked, "lacks": self.lacks}
        return state | {"workflow": stands, "last": None, "waiting": [], "misses": 0}

    def _read(self, progress: Mapping[str, Any]) -> None:
        self.slots |= progress.get("slots", {})
        self.lacks = [
            name
            for name in dict.fromkeys([*self.lacks, *progress.get("lacks", ())])
            if name not in self.slots
        ]
