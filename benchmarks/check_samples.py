"""Is the sample data good enough to train on? A part of `make check`.

    python -m benchmarks.check_samples

Fails when more than 5% of the training turns are near-duplicates of each other or of a test turn
(cosine above 0.95 by the untuned encoder, entities masked first), when an intent has fewer than 40
training turns, when an entity's offsets do not match its text, when the guard's labelled answers
are few, lopsided, labelled with an unknown kind, or one of test lies close to another one, when a
summary is not of the conversation that it names, or not in the guideline's two sentences, when
customers' cases are few, name an order that does not exist, or one of test lies close to one of
development, or when a judged pair of answers is not of the turn that it names, or they are few or
lopsided.
"""

import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from apps.backtest.evidence import Pair
from apps.backtest.pairs import JUDGED, read_pairs
from benchmarks.guideline_cases import CASES, SETS, read_cases
from benchmarks.shell import SAMPLES
from data.conversations import read_conversations
from data.rows import read_rows
from data.schema import OOS, Conversation, Example
from finetune.reading import read_entities, read_labelled
from finetune.serving import shared_encoder

NEAR = 0.95  # cosine
MAX_NEAR = 0.05  # of the training turns
MIN_ROWS = 40  # of each intent
MIN_CASES = {"causes": 40, "held_out": 59}  # of each set of customers; else:
CASES_ELSE = 60
REPLAYED = JUDGED.with_name("replayed.jsonl")
MIN_PAIRS = 200  # judged for backtests
MIN_ANSWERS = {  # labelled for the guard; the last part may not be there yet
    "development": 120, "validation": 100, "more": 400, "kept": 100, "test": 120,
    "stranger": 150, "second_stranger": 150, "probes": 150,
    "third_stranger": 150, "held_out": 150,
}  # fmt: skip
TESTS = {"kept", "held_out"}  # of them none may lie close to an answer of another part
KINDS = frozenset("number date time price percentage link email phone code product promise".split())
BLOCK = 500
_SUMMARY = re.compile(r"The customer(?:'s)? [^\n]+?\. The agent [^\n]+\.")


def main() -> int:
    """Say what is wrong, a line each; 1 where anything is."""
    turns = SAMPLES / "turns"
    train, test = turns / "train.jsonl", [turns / "test.jsonl", turns / "test_indirect.jsonl"]
    # Reading checks every offset against its text.
    masked = [mask(example) for example in read_entities(train)]
    held_out = [mask(example) for path in test for example in read_entities(path)]
    talks = {each.id: each for each in read_conversations(SAMPLES / "conversations.jsonl")}
    conversations = len(talks)
    wrong = sparse_intents(read_labelled(train)) + guard_rows(SAMPLES / "guard")
    wrong += wrong_summaries(talks) + wrong_cases(CASES) + wrong_pairs(talks)
    near = near_duplicates(masked, held_out)
    share = len(near) / len(masked)
    if share > MAX_NEAR:
        lines = ", ".join(str(row + 1) for row in near[:20])
        wrong.append(
            f"{train}: {share:.1%} near-duplicates, lines {lines} … (at most {MAX_NEAR:.0%})"
        )
    say(f"{len(masked)} training turns, {share:.1%} near-duplicates, {conversations} conversations")
    for line in wrong:
        say(f"error: {line}")
    return 1 if wrong else 0


def mask(example: Example) -> str:
    """The text with each entity replaced by its type: another order number makes no new turn."""
    text = example.text
    for entity in sorted(example.entities, key=lambda entity: -entity.start):
        text = f"{text[: entity.start]}{entity.type.replace('_', ' ')}{text[entity.end :]}"
    return text


def sparse_intents(rows: Sequence[Example]) -> list[str]:
    """A line for each intent with too few rows."""
    counts = Counter(row.label for row in rows if row.label != OOS)
    return [
        f"intent {label} has {count} training turns, at least {MIN_ROWS} are needed"
        for label, count in sorted(counts.items(), key=str)
        if count < MIN_ROWS
    ]


def guard_rows(folder: Path) -> list[str]:
    """A line for each thing that is wrong with the guard's labelled answers."""
    wrong: list[str] = []
    texts: dict[str, list[str]] = {}
    for name, least in MIN_ANSWERS.items():
        path = folder / f"{name}.jsonl"
        if name == "held_out" and not path.exists():
            continue
        rows: list[dict[str, Any]] = [
            json.loads(line) for line in path.read_text("utf-8").splitlines()
        ]
        texts[name] = [row["answer"] for row in rows]
        right = sum(not row["wrong"] for row in rows)
        if len(rows) < least or not 0.4 <= right / len(rows) <= 0.75:
            wrong.append(f"guard/{name}.jsonl: {len(rows)} answers, {right} of them right")
        wrong += [
            f"guard/{name}.jsonl: {row['id']} has an unknown kind"
            for row in rows
            if set(row["wrong"]) - KINDS
        ]
    encoder = shared_encoder("all-MiniLM-L6-v2")
    vectors = {name: encoder.encode(each) for name, each in texts.items()}
    for name in TESTS & vectors.keys():
        others = np.concatenate([each for other, each in vectors.items() if other != name])
        near = np.flatnonzero(((vectors[name] @ others.T) > NEAR).any(1))
        wrong += [f"guard/{name}.jsonl: near to the others: {texts[name][row]}" for row in near]
    return wrong


def wrong_summaries(talks: Mapping[str, Conversation]) -> list[str]:
    """A line for each summary that is not of its conversation, or not as the guideline wants."""
    found = []
    for name in ("train", "test"):
        for row in read_rows(SAMPLES / "summaries" / f"{name}.jsonl"):
            talk = talks.get(str(row.values["id"]))
            said = [(turn["speaker"], turn["text"]) for turn in row.values["turns"]]
            if talk is None or said != [(turn.speaker, turn.text) for turn in talk.turns]:
                found.append(f"{row.where}: its turns are not those of the conversation")
            if not _SUMMARY.fullmatch(str(row.values["summary"])):
                found.append(f"{row.where}: not a sentence on the customer and one on the agent")
    return found


def wrong_cases(folder: Path) -> list[str]:
    """A line for each thing that is wrong with the customers' cases that are there."""
    with (SAMPLES / "orders.csv").open(encoding="utf-8", newline="") as file:
        orders = {row["order_number"] for row in csv.DictReader(file)}
    sets = {name: folder / f"{name}.yaml" for name in SETS}
    cases = {name: read_cases(path) for name, path in sets.items() if path.exists()}
    found = [
        f"cases/{name}.yaml: {case.name}: no order {effect.get('order')}"
        for name, each in cases.items()
        for case in each
        for effect in case.right.effects
        if effect.get("order") not in orders
    ]
    found += [
        f"cases/{name}.yaml: {len(each)} cases, at least {least} are needed"
        for name, each in cases.items()
        if len(each) < (least := MIN_CASES.get(name, CASES_ELSE))
    ]
    encoder = shared_encoder("all-MiniLM-L6-v2")
    vectors = {name: encoder.encode([case.says for case in each]) for name, each in cases.items()}
    for earlier, later in combinations(cases, 2):
        near = np.flatnonzero(((vectors[later] @ vectors[earlier].T) > NEAR).any(1))
        names = [cases[later][int(row)].name for row in near]
        found += [f"cases/{later}.yaml: near to {earlier}: {name}" for name in names]
    return found


def wrong_pairs(talks: Mapping[str, Conversation]) -> list[str]:
    """A line for each judged pair whose question or answer is not what its turn holds."""
    fitted, replayed = read_pairs(JUDGED), read_pairs(REPLAYED)
    right = sum(pair.right for pair in fitted)
    found = []
    if len(fitted) < MIN_PAIRS or not 0.4 <= right / len(fitted) <= 0.6:
        found.append(f"{JUDGED}: {len(fitted)} judged pairs, {right} of them right")
    if same := _talks(fitted) & _talks(replayed):
        found.append(f"{REPLAYED}: conversations that the judge is fitted on: {sorted(same)}")
    for pair in (*fitted, *replayed):
        name, _, turn = pair.where.rpartition(":")
        talk = talks.get(name)
        place = int(turn) if turn.isdigit() else 0
        said = [each.text for each in talk.turns[place - 1 : place + 1]] if talk and place else []
        if said != [pair.question, pair.human]:
            found.append(f"{JUDGED.parent}: {pair.where} is not that turn of the conversation")
    return found


def _talks(pairs: Sequence[Pair]) -> set[str]:
    return {pair.where.rpartition(":")[0] for pair in pairs}


def near_duplicates(rows: Sequence[str], held_out: Sequence[str]) -> list[int]:
    """Numbers of the rows that lie close to an earlier row or to a held-out one."""
    encoder = shared_encoder("all-MiniLM-L6-v2")
    vectors, others = encoder.encode(rows), encoder.encode(held_out)
    found = []
    for start in range(0, len(rows), BLOCK):
        block = vectors[start : start + BLOCK]
        cosines = block @ vectors.T
        earlier = np.arange(len(rows))[None] < np.arange(start, start + len(block))[:, None]
        close = (np.where(earlier, cosines, 0) > NEAR).any(1) | (block @ others.T > NEAR).any(1)
        found += [start + int(row) for row in np.flatnonzero(close)]
    return found


def say(line: str) -> None:
    """Write a line to stderr."""
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
