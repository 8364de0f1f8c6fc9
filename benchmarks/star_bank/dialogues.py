"""STAR's bank dialogues: what was said, and what the wizard asked the bank's data for."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.star import archive_in
from data.conversations import from_dict, to_dict
from data.errors import LogFormatError
from data.logs import star
from data.rows import BadRows, write_jsonl
from data.schema import Conversation
from data.sources import MAX_LINE, Source, of_path
from data.split import hash_fraction, split_of

TASKS = ("bank_balance", "bank_fraud_report")
OTHERS = 0.12  # of the training dialogues of other domains, whose openings are out of scope
# A field of the bank's data, and the slot that holds it.
FIELDS = {
    "FullName": "full_name",
    "AccountNumber": "account_number",
    "PIN": "pin",
    "DateOfBirth": "birth_date",
    "SecurityAnswer1": "mothers_maiden_name",
    "SecurityAnswer2": "pets_name",
    "FraudReport": "fraud_details",
}


@dataclass(frozen=True, slots=True)
class Query:
    """What the wizard asked for: before which turn, with which slots, and what was found."""

    task: str
    turn: int
    slots: Mapping[str, str]
    item: Mapping[str, Any]

    @property
    def succeeded(self) -> bool:
        """Whether the bank did it, rather than missing what tells who the customer is."""
        return bool(self.item) and "Message" not in self.item


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A completed dialogue; `task` is empty where it has several."""

    conversation: Conversation
    task: str
    queries: tuple[Query, ...]

    @property
    def happy(self) -> bool:
        """Whether the customer was told to do nothing unexpected."""
        return self.conversation.labels.get("path") == "happy"


def prepared(datasets: Path, kept: Path) -> Path:
    """A folder with the bank's dialogues by split, and openings of other domains (`others`).

    Raises:
        LogFormatError: If the archive is missing, or holds no dialogue of a bank.
    """
    folder = kept / "data"
    if (folder / "complete").exists():
        return folder
    archive = archive_in(datasets)
    found: dict[str, list[dict[str, Any]]] = {"train": [], "validation": [], "test": []}
    others: list[dict[str, Any]] = []
    for dialogue in _completed(of_path(archive)):
        conversation = dialogue.conversation
        split = split_of(conversation.id)
        if dialogue.task in TASKS or (dialogue.queries and split == "train"):
            kept_as = asdict(dialogue) | {"conversation": to_dict(conversation)}
            found[split].append(kept_as)
        elif split == "train" and "bank" not in conversation.labels.get("domain", ""):
            others.append({"text": openings(conversation)[0]})
    if not all(found.values()):
        raise LogFormatError(f"{archive}: a split has no completed dialogue of a bank's task")
    for name, rows in (found | {"others": others}).items():
        write_jsonl(folder / f"{name}.jsonl", rows)
    (folder / "complete").touch()
    return folder


def read(folder: Path, split: str, single: bool = True) -> list[Dialogue]:
    """The dialogues of a split; `single` leaves out those of several tasks."""
    found = []
    with (folder / f"{split}.jsonl").open(encoding="utf-8") as lines:
        for values in map(json.loads, lines):
            queries = tuple(Query(**each) for each in values["queries"])
            conversation = from_dict(values["conversation"])
            found.append(Dialogue(conversation, values["task"], queries))
    return [each for each in found if each.task or not single]


def openings(conversation: Conversation) -> list[str]:
    """What the customer says before the wizard does more than to greet."""
    said = []
    for turn in conversation.turns:
        if turn.speaker == "agent" and turn.action != "hello":
            break
        if turn.speaker == "customer":
            said.append(turn.text)
    return said or [conversation.turns[0].text]


def _completed(archive: Source) -> Iterator[Dialogue]:
    bad = BadRows()
    for member in archive.members(bad.add):
        text = member.head(MAX_LINE) if "dialogues" in member.name else b""
        if b'"bank_' not in text and hash_fraction(Path(member.name).name, "others") >= OTHERS:
            continue
        for conversation in star.read(member, {}, bad):
            if conversation.outcome != "solved" or "task" not in conversation.labels:
                continue
            events = json.loads(text)["Events"]
            task = conversation.labels.get("intent", "")
            yield Dialogue(conversation, task if task in TASKS else "", tuple(_queries(events)))


def _queries(events: list[dict[str, Any]]) -> Iterator[Query]:
    turn, asked = 0, None
    for event in events:
        if event.get("Action") in ("utter", "pick_suggestion") and event.get("Text", "").strip():
            turn += 1
        elif event.get("Action") == "query" and event.get("APIName") in TASKS:
            asked = event
        elif event.get("Agent") == "KnowledgeBase" and asked is not None:
            given = {key: text for each in asked["Constraints"] for key, text in each.items()}
            slots = {FIELDS[key]: _plain(text) for key, text in given.items() if key in FIELDS}
            slots = {name: text for name, text in slots.items() if text}
            yield Query(asked["APIName"], turn, slots, event.get("Item") or {})
            asked = None


def _plain(text: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    """`"Ada Ash"` without its quotation marks; nothing for null."""
    told = str(text).strip()
    return "" if told == "null" else told.strip('"').strip()
