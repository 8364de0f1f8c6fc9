"""Kills a writer of an index again and again, and says what is wrong with what it leaves.

    python -m tests.kill_writer FOLDER KILLS SEED

A child writes without end: it adds, replaces, deletes, merges, rolls back, and tells a pipe what
it is about to do and what it has done. It is killed at a random moment. The index must then hold
what it held after the last step that was done, or after the one that was begun; and it must be
possible to write to it again.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from data.schema import Passage
from retrieval.index import open_index
from retrieval.writing import add, build_index, compact, delete, rollback
from tests.fakes import HashEncoder

ENCODER = HashEncoder()
LONGEST_S = 0.6  # until a kill; a step takes about a fifth of it


def passage(identity, text):
    return Passage(f"id{identity}", text, f"title {identity}", f"file{identity % 3}.md#1")


def content(index):
    return {each.id: each.text for each in index.passages}


def write_on(root, seed, pipe):
    """The child: never returns."""
    rng = random.Random(seed)
    index = open_index(root, ENCODER)
    earlier = None
    while True:
        before = content(index)
        verb = rng.choice(["add", "add", "add", "delete", "compact", "rollback", "build"])
        if verb == "rollback" and earlier is None:
            verb = "compact"
        fresh = [passage(n, f"{verb} {rng.random()}") for n in rng.sample(range(20), 4)]
        gone = {f"id{n}" for n in rng.sample(range(20), 5)}
        new = {each.id: each.text for each in fresh}
        after = {
            "add": {**before, **new},
            "delete": {key: text for key, text in before.items() if key not in gone},
            "compact": before,
            "rollback": earlier,
            "build": new,
        }[verb]
        told = json.dumps({"before": before, "after": after}) + "\n"
        os.write(pipe, told.encode())
        if verb == "add":
            index = add(index, fresh)
        elif verb == "delete":
            index = delete(index, gone)
        elif verb == "compact":
            index = compact(index)
        elif verb == "build":
            index = build_index(fresh, ENCODER, "hash", root)
        else:
            rollback(root)
            index = index.current()
        assert content(index) == after, verb
        earlier = before if verb != "compact" else None


def killed_once(root, seed, rng):
    """Start a child, kill it, and return what it last told."""
    inlet, outlet = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(inlet)
        try:
            write_on(root, seed, outlet)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent is to know it
            os.write(outlet, f"{type(error).__name__}: {error}\n".encode())
        os._exit(1)
    os.close(outlet)
    time.sleep(rng.uniform(0.02, LONGEST_S))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(inlet) as told:
        lines = told.read().splitlines()
    return lines


def main(root, kills, seed):
    rng = random.Random(seed)
    build_index([passage(n, "first") for n in range(10)], ENCODER, "hash", root)
    steps = halves = 0
    for number in range(kills):
        lines = killed_once(root, seed + number, rng)
        steps += len(lines)
        found = content(open_index(root, ENCODER))
        if lines:
            if not lines[-1].startswith("{"):
                raise SystemExit(f"kill {number}: the writer failed: {lines[-1]}")
            last = json.loads(lines[-1])
            if found not in (last["before"], last["after"]):
                raise SystemExit(f"kill {number}: neither the old nor the new index: {found}")
            halves += found == last["before"] != last["after"]
        index = open_index(root, ENCODER)
        hit = index.search("title 3", 3)
        if hit and hit[0].text != found[hit[0].id]:
            raise SystemExit(f"kill {number}: a search finds another text than is held")
        written = content(add(index, [passage(99, f"after {number}")]))
        if written != {**found, "id99": f"after {number}"}:
            raise SystemExit(f"kill {number}: the next write gives {written}")
        named = {entry.name for entry in open_index(root, ENCODER).manifest.segments}
        if not named <= {path.name for path in root.glob("segment-*")}:
            raise SystemExit(f"kill {number}: a segment is missing")
        if len(list(root.glob("segment-*"))) > 20:
            raise SystemExit(f"kill {number}: leftovers pile up")
    sys.stdout.write(json.dumps({"kills": kills, "steps": steps, "undone": halves}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
