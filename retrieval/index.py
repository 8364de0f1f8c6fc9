"""An index directory: passages with their vectors and words, one manifest that is renamed last.

    INDEX/manifest.json          encoder and its fingerprint, segments, fusion weight, threshold
    INDEX/segment-<id>/          passages.jsonl, vectors.npy, bm25/

A segment never changes once the manifest names it, so that a reader or a crash sees the old index or the
new one, never a mixture.
"""

import json
import os
import shutil
import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.encoders import Encoder
from data.errors import IndexMismatchError
from data.rows import read_rows, write_jsonl
from data.schema import Passage
from retrieval.dense import DenseIndex
from retrieval.lexical import LexicalIndex
from retrieval.passages import embedding_text

FORMAT = 1
MANIFEST = "manifest.json"
DENSE_ONLY = 1.0
_HALF = 10.0  # the BM25 score that counts as 0.5: scores have no upper end
_POOL = 50  # candidates that each half brings, at least


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index is made of.

    `dense_weight` in [0, 1] is the vectors' part of a score, the words have the rest; `threshold` the lowest
    score of a best passage that still answers, `fitted_on` the questions that both were fitted on.
    """

    encoder: str
    fingerprint: str
    segments: tuple[str, ...]
    dense_weight: float = DENSE_ONLY
    threshold: float = 0.0
    fitted_on: str = "nothing: vectors only, every question counts as answerable"
    format: int = FORMAT


class Index:
    """Passages that can be searched. Open one with `open_index`, make one with `build_index`."""

    def __init__(
        self, root: Path, manifest: Manifest, passages: list[Passage], dense: DenseIndex,
        lexical: LexicalIndex, encoder: Encoder,
    ) -> None:  # fmt: skip
        self.root, self.manifest, self.passages = root, manifest, passages
        self.encoder = encoder
        self._dense, self._lexical = dense, lexical

    def search(
        self,
        question: str,
        k: int = 5,
        *,
        kinds: Collection[str] | None = None,
        vector: NDArray[np.float32] | None = None,
    ) -> list[Passage]:
        """Up to `k` passages, best first, scores in [0, 1].

        Args:
            question: What is asked.
            k: How many at most.
            kinds: Only passages whose metadata `kind` is one of these.
            vector: The question's vector (D,), if the caller has it.
        """
        if vector is None:
            vector = self.encoder.encode([question])[0]
        pool = _POOL + 10 * k if kinds is None else len(self.passages)
        weight = self.manifest.dense_weight
        cosines = dict(self._dense.search(vector, pool))
        words = dict(self._lexical.search(question, pool)) if weight < DENSE_ONLY else {}
        scored = []
        for row in cosines.keys() | words.keys():
            if kinds is not None and self.passages[row].metadata.get("kind") not in kinds:
                continue
            cosine = cosines.get(row)
            if cosine is None:
                cosine = float(self._dense.vectors[row] @ vector)
            matched = words.get(row, 0.0)
            score = weight * max(cosine, 0.0) + (1 - weight) * matched / (matched + _HALF)
            scored.append((min(score, 1.0), row))
        scored.sort(key=lambda pair: (-pair[0], pair[1]))
        return [replace(self.passages[row], score=score) for score, row in scored[:k]]

    def answerable(self, passages: Sequence[Passage]) -> bool:
        """Whether the best of the found passages is close enough to answer."""
        return bool(passages) and passages[0].score >= self.manifest.threshold

    def refit(self, dense_weight: float, threshold: float, fitted_on: str) -> "Index":
        """The same index with another weight and threshold, its manifest replaced."""
        manifest = replace(
            self.manifest, dense_weight=dense_weight, threshold=threshold, fitted_on=fitted_on
        )
        _write_manifest(self.root, manifest)
        self.manifest = manifest
        return self


def build_index(passages: Sequence[Passage], encoder: Encoder, name: str, root: Path) -> Index:
    """Write a new index to `root`; one that was there is replaced at the last moment.

    Args:
        passages: At least one, ids unique.
        encoder: What its vectors are made with.
        name: The encoder's name or run, for the manifest.
        root: The index directory.

    Raises:
        IndexMismatchError: If `root` is a folder that is not an index.
    """
    if root.exists() and not (root / MANIFEST).exists() and any(root.iterdir()):
        raise IndexMismatchError(f"{root}: exists and is not an index; choose another --out")
    segment = f"segment-{uuid.uuid4().hex[:8]}"
    folder = root / segment
    folder.mkdir(parents=True)
    texts = [embedding_text(passage) for passage in passages]
    dense = DenseIndex(encoder.encode(texts))
    lexical = LexicalIndex.build([f"{p.title}\n{p.text}" for p in passages])
    write_jsonl(folder / "passages.jsonl", (asdict(passage) for passage in passages))
    dense.save(folder / "vectors.npy")
    lexical.save(folder / "bm25")
    manifest = Manifest(name, encoder.fingerprint, (segment,))
    _write_manifest(root, manifest)
    for old in root.glob("segment-*"):
        if old.name != segment:
            shutil.rmtree(old)
    return Index(root, manifest, list(passages), dense, lexical, encoder)


def read_manifest(root: Path) -> Manifest:
    """What the index at `root` is made of.

    Raises:
        IndexMismatchError: If there is none, or of another format.
    """
    try:
        values: Any = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise IndexMismatchError(f"{root}: no index here; make one with deskhand index") from error
    except (OSError, json.JSONDecodeError) as error:
        raise IndexMismatchError(f"{root / MANIFEST}: cannot be read; index again") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise IndexMismatchError(f"{root}: not an index of format {FORMAT}; index again")
    return Manifest(**{**values, "segments": tuple(values["segments"])})


def open_index(root: Path, encoder: Encoder) -> Index:
    """Open an index for searching.

    Raises:
        IndexMismatchError: If it is missing or broken, or `encoder` is not the one it was built with.
    """
    manifest = read_manifest(root)
    if manifest.fingerprint != encoder.fingerprint:
        raise IndexMismatchError(
            f"{root}: built with encoder {manifest.encoder} (weights {manifest.fingerprint[:12]}), "
            f"opened with weights {encoder.fingerprint[:12]}; index again or open it with that one"
        )
    folder = root / manifest.segments[0]
    try:
        passages = [Passage(**row.values) for row in read_rows(folder / "passages.jsonl")]
        dense = DenseIndex.load(folder / "vectors.npy")
        lexical = LexicalIndex.load(folder / "bm25", len(passages))
    except (OSError, TypeError, ValueError) as error:
        raise IndexMismatchError(
            f"{folder}: broken ({type(error).__name__}); index again"
        ) from error
    return Index(root, manifest, passages, dense, lexical, encoder)


def _write_manifest(root: Path, manifest: Manifest) -> None:
    partial = root / f".{MANIFEST}.partial"
    partial.write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    os.replace(partial, root / MANIFEST)
