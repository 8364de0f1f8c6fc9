"""STAR: dialogues of a customer and a wizard who plays the assistant, one JSON file each.

What the actors were told, what the wizard looked up, and the files of tasks and interfaces beside
the dialogues are no turns; they are counted and passed over. What was looked up becomes the facts
of the turns after it.

Source: Mosig, Mehri, Kober 2020, STAR, https://arxiv.org/abs/2010.11853
"""

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from data.logs.times import time_of
from data.rows import BadRows
from data.schema import Conversation, Outcome, Speaker, Turn
from data.sources import MAX_LINE, Source

_FOLDERS = {"dialogues", "tasks", "apis"}
_LOOKED_AT = 100  # files of a folder or archive: those of tasks and interfaces may come first
_SPEAKERS: dict[str, Speaker] = {"User": "customer", "Wizard": "agent"}
_SAID = ("utter", "pick_suggestion")
FIELDS: tuple[str, ...] = ()  # of --map


def fits(source: Source) -> bool:
    """Whether it is a dialogue, or a folder or archive of dialogues, tasks and interfaces."""
    if not source.holds_members:
        return _is_dialogue(source)
    for member in itertools.islice(source.members(lambda where, why: None), _LOOKED_AT):
        path = PurePosixPath(member.name.replace(":", "/"))
        if member.suffix != ".json" or not _FOLDERS.intersection(path.parts):
            return False
        if _is_dialogue(member):
            return True
    return False


def read(source: Source, columns: Mapping[str, str], bad: BadRows) -> Iterator[Conversation]:
    """Yield the dialogues."""
    if not source.holds_members:
        yield from _read(source, bad)
        return
    for member in source.members(bad.add):
        if _is_dialogue(member):
            yield from _read(member, bad)
        else:
            bad.left_out["file that is no dialogue"] += 1


def _is_dialogue(source: Source) -> bool:
    if source.holds_members or source.suffix != ".json":
        return False
    head = source.head()
    return head.lstrip().startswith(b"{") and all(
        key in head for key in (b'"AnonymizedUserWorkerID"', b'"DialogueID"', b'"Events"')
    )


def _read(source: Source, bad: BadRows) -> Iterator[Conversation]:
    try:
        values = json.loads(source.head(MAX_LINE))
        turns = tuple(_turns(values, bad))
        scenario = values["Scenario"]
        tasks = [can["Task"] for can in scenario["WizardCapabilities"]]
        labels = {
            "domain": "|".join(map(str, scenario["Domains"])),
            "task": "|".join(map(str, tasks)),
            "path": "happy" if scenario["Happy"] else "unhappy",
        }
        identity = str(values["DialogueID"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        bad.add(source.name, "not a whole dialogue: needs DialogueID, Events and Scenario")
        return
    if not turns:
        bad.drop(source.name, "nobody says anything")
        return
    complete = values.get("CompletionLevel") == "Complete"
    outcome: Outcome = "solved" if complete else "abandoned"
    if len(tasks) == 1:
        labels["intent"] = labels["task"]
    customer = values.get("AnonymizedUserWorkerID")
    yield Conversation(
        identity,
        turns,
        customer_id=str(customer) if customer else None,
        channel="chat",
        outcome=outcome,
        labels={name: label for name, label in labels.items() if label},
    )


def _turns(values: Mapping[str, Any], bad: BadRows) -> Iterator[Turn]:
    ids = {
        "customer": values.get("AnonymizedUserWorkerID"),
        "agent": values.get("AnonymizedWizardWorkerID"),
    }
    facts: dict[str, str] = {}
    for event in values["Events"]:
        if event.get("Agent") == "KnowledgeBase":
            facts = _facts(event.get("Item"))
        speaker = _SPEAKERS.get(event.get("Agent"))
        text = str(event.get("Text") or "").strip()
        if speaker is None or event.get("Action") not in _SAID or not text:
            bad.left_out["event that is no turn"] += 1
            continue
        person = ids[speaker]
        time = time_of(event.get("UnixTime"))
        action = event.get("ActionLabel") if speaker == "agent" else None
        yield Turn(
            speaker, text, time, speaker_id=str(person) if person else None,
            action=str(action) if action else None, facts=facts if speaker == "agent" else {},
        )  # fmt: skip


def _facts(item: Any) -> dict[str, str]:  # noqa: ANN401 - whatever JSON holds
    """The fields of what was found; none where nothing was."""
    found = item if isinstance(item, dict) else {}
    return {str(name): str(value) for name, value in found.items() if value not in (None, "")}
