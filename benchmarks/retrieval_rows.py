"""Rows for measuring an index of any size: real texts with changed words, and vectors to match.

Encoding a million passages on two cores takes hours, so vectors are a surrogate: row i has the real
vector of base text i (modulo their number), plus half of another base text's vector, plus a random
direction of length NOISE, brought back to length 1. Its text is that of base text i with every
fourth word from the other text, followed by two whole texts. Questions are real texts that are no
base text, with their real vectors.

    python -m benchmarks.retrieval_rows DATASETS 0 FOLDER     base texts and questions
    python -m benchmarks.retrieval_rows texts SIZE FOLDER     texts and vectors of a size, for peers
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.encoders import DEFAULT_ENCODER, Encoder
from data.rows import read_rows
from data.schema import Passage

OTHER, NOISE = 0.5, 0.3
QUESTIONS = 300
KINDS = 10  # of passages; a filter admits one of them
_BLOCK = 50_000


def prepare(datasets: Path, folder: Path) -> None:
    """Write base texts and questions with their vectors, once.

    Raises:
        LogFormatError: If BANKING77 is not in `datasets`.
    """
    from finetune.serving import shared_encoder

    bases = [str(row.values["text"]) for row in read_rows(datasets / "banking77" / "train.csv")]
    tests = [str(row.values["text"]) for row in read_rows(datasets / "banking77" / "test.csv")]
    known = set(bases)
    questions = [text for text in tests if text not in known]
    rng = np.random.default_rng(0)
    chosen = [questions[place] for place in rng.permutation(len(questions))[:QUESTIONS]]
    encoder: Encoder = shared_encoder(DEFAULT_ENCODER, threads=1)
    for name, texts in (("bases", bases), ("questions", chosen)):
        np.save(folder / f"{name}.npy", encoder.encode(texts))
        (folder / f"{name}.json").write_text(json.dumps(texts), encoding="utf-8")


def texts_of(folder: Path, name: str) -> list[str]:
    """Base texts or questions that `prepare` has written."""
    texts: list[str] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return texts


def vectors(folder: Path, size: int) -> NDArray[np.float32]:
    """The surrogate vectors (size, D), written on the first call and mapped from then on."""
    path = folder / f"vectors-{size}.npy"
    if not path.exists():
        bases = np.load(folder / "bases.npy")
        others = _others(size, len(bases))
        rng = np.random.default_rng(2)
        shape = size, bases.shape[1]
        made = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
        for start in range(0, size, _BLOCK):
            rows = np.arange(start, min(start + _BLOCK, size))
            noise = rng.normal(size=(len(rows), shape[1])).astype(np.float32)
            noise *= NOISE / np.linalg.norm(noise, axis=1, keepdims=True)
            block = bases[rows % len(bases)] + OTHER * bases[others[rows]] + noise
            made[rows] = block / np.linalg.norm(block, axis=1, keepdims=True)
        made.flush()
    mapped: NDArray[np.float32] = np.load(path, mmap_mode="r")
    return mapped.view(np.ndarray)


def passages(folder: Path, size: int) -> Iterator[Passage]:
    """The passages of the vectors, in their order."""
    bases = texts_of(folder, "bases")
    words = [text.split() for text in bases]
    others = _others(size, len(bases))
    for row in range(size):
        base, other = row % len(bases), int(others[row])
        mixed = list(words[base])
        for place in range(row % 4, len(mixed), 4):
            mixed[place] = words[other][place % len(words[other])]
        yield Passage(
            id=f"row-{row}",
            text=f"{bases[other]} {bases[(row * 31) % len(bases)]}",
            title=" ".join(mixed),
            source=f"file-{row % 997}.md#{row}",
            metadata={"kind": f"kind-{row % KINDS}", "language": "en"},
        )


class Given:
    """An encoder that gives the vectors it was made with, in their order."""

    fingerprint = "given"

    def __init__(self, rows: NDArray[np.float32]) -> None:
        self._rows = rows

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The next vectors, one for each text."""
        given, self._rows = self._rows[: len(texts)], self._rows[len(texts) :]
        return given


def _others(size: int, bases: int) -> NDArray[np.int64]:
    return np.random.default_rng(1).integers(bases, size=size)


def write_texts(folder: Path, size: int) -> None:
    """Write the texts and vectors of a size as files, for those who import nothing of ours."""
    vectors(folder, size)
    made = [f"{each.title}\n{each.text}" for each in passages(folder, size)]
    (folder / f"texts-{size}.json").write_text(json.dumps(made), encoding="utf-8")


if __name__ == "__main__":
    what, count, where = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    if what == "texts":
        write_texts(where, count)
    else:
        prepare(Path(what), where)
