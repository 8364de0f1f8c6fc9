"""Logs: what redaction finds, how fast `prepare` is, and whether its memory stays flat."""

import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.shell import DESKHAND, SAMPLES, measured, row
from data.conversations import read_conversations
from data.logs import read_export
from data.mining.answers import mine
from data.pairs import merged
from data.redact.find import find_all
from data.redact.spans import Span
from data.rows import BadRows
from data.sources import of_path

PRIVATE = SAMPLES / "private"
PARTS = ("development", "development2a", "development2b", "development3", "test")
KINDS = {"name": "person"}  # the labels' word for a kind, where it is not ours
COVERED = 0.9  # of a value's characters: then it counts as found
NAMES = ("name", "person", "customername", "firstname", "lastname")  # of MultiDoGO's slots
SIZES = (100_000, 1_000_000)  # turns


def run(datasets: Path) -> list[dict[str, Any]]:
    """The case `logs`."""
    rows = [figure for part in PARTS for figure in redaction(part)]
    rows += mined_answers()
    if (datasets / "multidogo").exists():
        rows += multidogo_names(datasets / "multidogo" / "annotated_turn_level" / "finance")
    with tempfile.TemporaryDirectory() as folder:
        rows += flat(Path(folder))
        if (datasets / "star").exists():
            rows += accounted(Path(folder), "STAR", datasets / "star" / "star_data_json.tar.gz")
        if (datasets / "tweetsumm").exists():
            rows += accounted(Path(folder), "TweetSumm", datasets / "tweetsumm")
    return rows


def redaction(part: str) -> list[dict[str, Any]]:
    """Recall and precision on the labelled turns of one part."""
    hits, misses, extra = Counter[str](), Counter[str](), Counter[str]()
    for turn, found in labelled(part):
        for value in turn["private"]:
            covered = sum(
                max(0, min(end, value["end"]) - max(start, value["start"]))
                for start, end, _ in found
            )
            kind = KINDS.get(value["kind"], value["kind"])
            enough = covered >= COVERED * (value["end"] - value["start"])
            (hits if enough else misses)[kind] += 1
        for start, end, kind in found:
            if all(end <= v["start"] or start >= v["end"] for v in turn["private"]):
                extra[kind] += 1
    structured = [kind for kind in hits | misses if kind != "person"]
    caught = sum(hits[kind] for kind in structured)
    number = caught + sum(misses[kind] for kind in structured)
    people = hits["person"] + misses["person"]
    each = ", ".join(
        f"{kind} {hits[kind]}/{hits[kind] + misses[kind]}" for kind in sorted(structured)
    )
    aims = ("≥ 0.97", "≥ 0.85", "≥ 0.95") if part == "test" else ("", "", "")
    return [
        row(f"{part}: recall, structured kinds", f"{caught / number:.3f}", aims[0], each),
        row(
            f"{part}: recall, names",
            f"{hits['person'] / people:.3f}",
            aims[1],
            f"{hits['person']}/{people}",
        ),
        row(
            f"{part}: precision",
            f"{hits.total() / (hits.total() + extra.total()):.3f}",
            aims[2],
            f"{extra.total()} spans touch nothing private",
        ),
    ]


def labelled(part: str) -> Iterator[tuple[dict[str, Any], list[Span]]]:
    """The labelled turns of one part and what is found in each, conversation by conversation."""
    lines = (PRIVATE / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()
    for _, group in groupby(map(json.loads, lines), lambda turn: turn.get("conversation", turn)):
        turns = list(group)
        found = find_all([turn["text"] for turn in turns], turns[0]["region"])
        yield from zip(turns, found, strict=True)


def multidogo_names(folder: Path) -> list[dict[str, Any]]:
    """Recall on the names that MultiDoGO's finance turns have as slots; all in lower case."""
    found, total = 0, 0
    for file in ("dev.tsv", "test.tsv"):
        for conversation in read_export(of_path(folder / file), "labelled", {}, BadRows()):
            spans_of = find_all([turn.text for turn in conversation.turns])
            for turn, spans in zip(conversation.turns, spans_of, strict=True):
                names = [e for e in turn.entities if e.type.lower().replace("_", "") in NAMES]
                total += len(names)
                found += sum(
                    any(start < e.end and e.start < end for start, end, _ in spans) for e in names
                )
    if not total:
        return []
    about = f"{found}/{total}; the whole log is in lower case, most names stand alone in a turn"
    return [row("MultiDoGO finance: recall, names", f"{found / total:.3f}", "≥ 0.85", about)]


def mined_answers() -> list[dict[str, Any]]:
    """Of the answers that are mined from the sample company, how many are marked as good."""
    log = list(read_conversations(SAMPLES / "conversations.jsonl"))
    good, all_, last_good = 0, 0, 0
    best = {pair.conversation: pair for pair in mine(log)}
    for conversation in log:
        turns = merged(conversation.turns)
        answers = [turn for turn in turns if turn.speaker == "agent"]
        last_good += bool(answers) and answers[-1].gold == "good"
        pair = best.get(conversation.id)
        if pair is not None:
            all_ += 1
            good += turns[pair.turn].gold == "good"
    return [
        row(
            "mined answers that are marked good",
            f"{good / all_:.3f}",
            "≥ 0.90",
            f"{good} of {all_}; the last answer of each conversation: {last_good / len(log):.3f}",
        )
    ]


def flat(folder: Path) -> list[dict[str, Any]]:
    """Turns a second and peak memory of `prepare` on generated logs of two sizes."""
    rates, peaks = [], []
    for size in SIZES:
        path = folder / f"{size}.jsonl"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(values) + "\n" for values in generated(size))
        ran = measured(folder, *DESKHAND, "prepare", path, "--out", "out", "--json")
        rates.append(ran.result["turns_per_second"])
        peaks.append(ran.peak_rss_mib)
        path.unlink()
    more = (peaks[1] - peaks[0]) * 2**20 / (SIZES[1] - SIZES[0])
    return [
        row("prepare, 100 thousand turns", f"{rates[0]:,.0f} turns/s", "≥ 5,000",
             f"{peaks[0]:.0f} MiB at most, in the largest process"),
        row("prepare, 1 million turns", f"{rates[1]:,.0f} turns/s", "≥ 5,000",
             f"{peaks[1]:.0f} MiB"),
        row("memory for each turn more", f"{more:.1f} bytes", "≤ 16"),
        row("a billion turns at that rate", f"{1e9 / rates[1] / 3600:.0f} h on 2 cores", "",
             f"{1e9 / rates[1] / 3600 / 32:.1f} h on 64, read from shards by `--engine ray`: on "
             "paper, not measured"),
    ]  # fmt: skip


def generated(turns: int) -> Iterator[dict[str, Any]]:
    """Conversations with `turns` turns in all: the samples' with other numbers and order."""
    draw = random.Random(1)
    texts = [
        [{"speaker": turn.speaker, "text": turn.text} for turn in conversation.turns]
        for conversation in read_conversations(SAMPLES / "conversations.jsonl")
    ]
    made = number = 0
    while made < turns:
        chosen = draw.choice(texts)
        number += 1
        made += len(chosen)
        said = [dict(turn) for turn in chosen]
        said[0]["text"] += f" My order is FK-{draw.randrange(100_000, 999_999)}."
        yield {"id": f"g{number}", "customer_id": f"cu-{number % 1000}", "turns": said}


def accounted(folder: Path, name: str, path: Path) -> list[dict[str, Any]]:
    """Read = written + dropped, for a whole public log."""
    ran = measured(
        folder, *DESKHAND, "prepare", path, "--out", name, "--max-bad", "100000", "--json"
    )
    report = ran.result
    written, dropped = sum(report["conversations"].values()), sum(report["dropped"].values())
    left_out = ", ".join(f"{n} × {why}" for why, n in report["left_out"].items()) or "nothing"
    return [
        row(
            f"{name}: read = written + dropped",
            f"{report['read']:,} = {written:,} + {dropped:,}",
            "equal",
            f"{report['turns_read']:,} turns, {report['turns_per_second']:,.0f} turns/s; "
            f"{report['rows_dropped']} rows unreadable; left out: {left_out}",
        )
    ]
