"""A segment's metadata as columns: a filter becomes a mask of passages without reading them.

    columns.npy      (keys, passages) int32: the place of a passage's value, -1 without the key
    columns.jsonl    a line of values for each key

Values are read only when a filter names their key.
"""

import json
import mmap
import re
from array import array
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.schema import Passage
from retrieval.durable import mapped, write_array, write_pieces
from retrieval.filters import SOURCE, Filter

_PLACE = re.compile(r"#[^#/]*$|:\d+$")  # the place within a file, at the end of a source
CODES, VALUES = "columns.npy", "columns.jsonl"


def source_file(passage: Passage) -> str:
    """The file that a passage came from: its `file`, else its source without the place in it."""
    return passage.metadata.get("file") or _PLACE.sub("", passage.source)


class ColumnWriter:
    """Collects the metadata of passages, one after the other."""

    def __init__(self) -> None:
        self._codes: dict[str, array[int]] = {}
        self._values: dict[str, dict[str, int]] = {}
        self._count = 0

    def add(self, passage: Passage) -> None:
        """Take the next passage's metadata and source."""
        for key, value in {**passage.metadata, SOURCE: source_file(passage)}.items():
            codes = self._codes.setdefault(key, array("i"))
            codes.extend([-1] * (self._count - len(codes)))
            values = self._values.setdefault(key, {})
            codes.append(values.setdefault(str(value), len(values)))
        self._count += 1

    def save(self, folder: Path) -> list[str]:
        """Write the columns and return their keys, in order."""
        codes = np.full((len(self._codes), self._count), -1, dtype=np.int32)
        for row, column in enumerate(self._codes.values()):
            codes[row, : len(column)] = column
        write_array(folder / CODES, codes)
        write_pieces(
            folder / VALUES,
            (json.dumps(list(values)).encode() + b"\n" for values in self._values.values()),
        )
        return list(self._codes)


class Columns:
    """The columns of an opened segment."""

    def __init__(self, folder: Path, keys: list[str]) -> None:
        self.codes: NDArray[np.int32] = mapped(folder / CODES)
        with (folder / VALUES).open("rb") as file:  # mapped, so that it outlives its removal
            self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if keys else b""
        self._keys = {key: row for row, key in enumerate(keys)}
        self._read: dict[str, list[str]] = {}

    def values(self, key: str) -> list[str]:
        """The values of a key, in the order of their codes; none without the key."""
        if key not in self._read:
            row = self._keys.get(key)
            line: Any = [] if row is None else json.loads(self._text[:].split(b"\n")[row])
            self._read[key] = line
        return self._read[key]

    def codes_of(self, key: str) -> NDArray[np.int32] | None:
        """The codes (passages,) of a key; None where no passage has it."""
        row = self._keys.get(key)
        return None if row is None else self.codes[row]

    def mask(self, where: Filter) -> NDArray[np.bool_] | None:
        """Which passages (n,) a filter admits; None where it admits all."""
        mask: NDArray[np.bool_] | None = None
        for key in sorted(where.keys()):
            codes = self.codes_of(key)
            without = where.admits(key, None)
            if codes is None:
                if not without:
                    return np.zeros(self.codes.shape[1], dtype=np.bool_)
                continue
            admitted = [*(where.admits(key, value) for value in self.values(key)), without]
            if all(admitted):
                continue
            passed = np.array(admitted)[codes]  # -1 takes the last: without the key
            mask = passed if mask is None else mask & passed
        return mask
