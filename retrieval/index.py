"""An index directory: passages with their vectors and words, one manifest that is renamed last.

    INDEX/manifest.json          encoder and its fingerprint, segments, fusion weight, threshold
    INDEX/segment-<id>/          passages.jsonl, owners.npy, vectors.npy, bm25/

A passage has a row of its own, and one for each known question that it answers: what customers
asked is closer to what customers will ask than the company's own words are. `owners.npy` tells
whose a row is.

A segment never changes once the manifest names it, so that a reader or a crash sees the old index
or the new one, never a mixture.
"""

import json
import shutil
import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.encoders import Encoder
from data.errors import IndexMismatchError, LogFormatError
from data.rows import read_rows, write_jsonl
from data.schema import Passage
from retrieval.decision import Decision
from retrieval.dense import DenseIndex
from retrieval.fusion import Candidates, Fusion, scores
from retrieval.lexical import LexicalIndex
from retrieval.passages import embedding_text
from retrieval.questions import Question

FORMAT = 1
MANIFEST = "manifest.json"
PARTIAL_MANIFEST = f".{MANIFEST}.partial"
_POOL = 50  # candidates that each half brings, at least


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index is made of.

    `dense_weight` and `whole` in [0, 1] are a `Fusion`, `threshold` and `margin` a `Decision`;
    `fitted_on` the questions that they were fitted on.
    """

    encoder: str
    fingerprint: str
    segments: tuple[str, ...]
    dense_weight: float = 1.0
    threshold: float = 0.0
    fitted_on: str = "nothing: vectors only, every question counts as answerable"
    format: int = FORMAT
    whole: float = 0.0
    margin: float = 0.0

    @property
    def fusion(self) -> Fusion:
        """How the halves of a search make a score."""
        return Fusion(self.dense_weight, self.whole)

    @property
    def decision(self) -> Decision:
        """When what was found answers."""
        return Decision(self.threshold, self.margin)


class Index:
    """Passages that can be searched. Open one with `open_index`, make one with `build_index`."""

    def __init__(
        self, root: Path, manifest: Manifest, passages: list[Passage], dense: DenseIndex,
        lexical: LexicalIndex, owners: NDArray[np.int64], encoder: Encoder,
    ) -> None:  # fmt: skip
        self.root, self.manifest, self.passages = root, manifest, passages
        self.encoder, self._owners = encoder, owners
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
        fusion = self.manifest.fusion
        each = self.candidates(question, k, kinds=kinds, vector=vector, words=fusion.dense < 1)
        found = scores(fusion, each.whole, each.closest, each.words)
        best = np.lexsort((each.places, -found))[:k]
        return [replace(self.passages[each.places[at]], score=float(found[at])) for at in best]

    def candidates(
        self,
        question: str,
        k: int = 5,
        *,
        kinds: Collection[str] | None = None,
        vector: NDArray[np.float32] | None = None,
        words: bool = True,
    ) -> Candidates:
        """What both halves say of the passages that may be among the best `k`, before any weighing.

        Args:
            question: What is asked.
            k: How many are wanted at most.
            kinds: Only passages whose metadata `kind` is one of these.
            vector: The question's vector (D,), if the caller has it.
            words: Whether to search by words too.
        """
        if vector is None:
            vector = self.encoder.encode([question])[0]
        pool = _POOL + 20 * k if kinds is None else len(self._owners)
        cosines = dict(self._dense.search(vector, pool))
        matches = dict(self._lexical.search(question, pool)) if words else {}
        closest: dict[int, float] = {}
        matched: dict[int, float] = {}
        for row in cosines.keys() | matches.keys():
            owner = int(self._owners[row])
            if kinds is not None and self.passages[owner].metadata.get("kind") not in kinds:
                continue
            cosine = cosines.get(row)
            if cosine is None:
                cosine = float(self._dense.vectors[row] @ vector)
            closest[owner] = max(closest.get(owner, -1.0), cosine)
            matched[owner] = max(matched.get(owner, 0.0), matches.get(row, 0.0))
        places = np.array(sorted(closest), dtype=np.int64)
        return Candidates(
            places=places,
            # A passage's own row has the passage's place.
            whole=self._dense.vectors[places] @ vector,
            closest=np.array([closest[place] for place in places]),
            words=np.array([matched[place] for place in places]),
        )

    def answerable(self, passages: Sequence[Passage]) -> bool:
        """Whether the best of the found passages is close enough to answer; give it two or more."""
        return self.manifest.decision.answers(passages)

    def weighted(self, weights: Fusion | float) -> "Index":
        """The same passages under other weights, without threshold: to try, nothing is written.

        A number is the vectors' part, the words have the rest.
        """
        fusion = weights if isinstance(weights, Fusion) else Fusion(weights)
        manifest = replace(
            self.manifest, dense_weight=fusion.dense, whole=fusion.whole, threshold=0.0, margin=0.0
        )
        parts = self._dense, self._lexical, self._owners
        return Index(self.root, manifest, self.passages, *parts, self.encoder)

    def refit(
        self, weights: Fusion | float, threshold: float, fitted_on: str, margin: float = 0.0
    ) -> "Index":
        """The same index with other weights and another decision, its manifest replaced."""
        fusion = weights if isinstance(weights, Fusion) else Fusion(weights)
        manifest = replace(
            self.manifest, dense_weight=fusion.dense, whole=fusion.whole,
            threshold=threshold, margin=margin, fitted_on=fitted_on,
        )  # fmt: skip
        _write_manifest(self.root, manifest)
        self.manifest = manifest
        return self


def build_index(
    passages: Sequence[Passage],
    encoder: Encoder,
    name: str,
    root: Path,
    questions: Sequence[Question] = (),
) -> Index:
    """Write a new index to `root`; one that was there is replaced at the last moment.

    Args:
        passages: At least one, ids unique.
        encoder: What its vectors are made with.
        name: The encoder's name or run, for the manifest.
        root: The index directory.
        questions: Known questions and the passages that answer them.

    Raises:
        LogFormatError: If a question's passage is not among `passages`.
        IndexMismatchError: If `root` is a file, or a folder that is not an index.
    """
    if root.exists() and not _may_be_replaced(root):
        raise IndexMismatchError(f"{root}: exists and is not an index; choose another --out")
    asked = _owned(passages, questions)
    segment = f"segment-{uuid.uuid4().hex[:8]}"
    folder = root / segment
    folder.mkdir(parents=True)
    texts = [embedding_text(passage) for passage in passages] + [text for text, _ in asked]
    dense = DenseIndex(encoder.encode(texts))
    lexical = LexicalIndex.build(
        [f"{passage.title}\n{passage.text}" for passage in passages] + [text for text, _ in asked]
    )
    owners = np.array([*range(len(passages)), *(owner for _, owner in asked)], dtype=np.int64)
    write_jsonl(folder / "passages.jsonl", (asdict(passage) for passage in passages))
    np.save(folder / "owners.npy", owners)
    dense.save(folder / "vectors.npy")
    lexical.save(folder / "bm25")
    manifest = Manifest(name, encoder.fingerprint, (segment,))
    _write_manifest(root, manifest)
    for old in root.glob("segment-*"):
        if old.name != segment:
            shutil.rmtree(old)
    return Index(root, manifest, list(passages), dense, lexical, owners, encoder)


def _may_be_replaced(root: Path) -> bool:
    """Whether it is an index, or a folder with nothing but what a killed first build leaves."""
    if not root.is_dir():
        return False
    ours = {*root.glob("segment-*"), root / PARTIAL_MANIFEST}
    return (root / MANIFEST).exists() or set(root.iterdir()) <= ours


def _owned(passages: Sequence[Passage], questions: Sequence[Question]) -> list[tuple[str, int]]:
    """(question, place of a passage that answers it), one for each of its passages."""
    places = {passage.id: place for place, passage in enumerate(passages)}
    owned = []
    for question in questions:
        for identity in sorted(question.relevant):
            if identity not in places:
                raise LogFormatError(
                    f"a known question's passage {identity!r} is not indexed; add its source"
                )
            owned.append((question.text, places[identity]))
    return owned


def read_manifest(root: Path) -> Manifest:
    """What the index at `root` is made of.

    Raises:
        IndexMismatchError: If there is none, or of another format.
    """
    try:
        values: Any = json.loads((root / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise IndexMismatchError(f"{root}: no index here; make one with deskhand index") from error
    except (OSError, ValueError) as error:
        raise IndexMismatchError(f"{root / MANIFEST}: cannot be read; index again") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise IndexMismatchError(f"{root}: not an index of format {FORMAT}; index again")
    try:
        return Manifest(**{**values, "segments": tuple(values["segments"])})
    except (KeyError, TypeError) as error:
        raise IndexMismatchError(f"{root / MANIFEST}: incomplete; index again") from error


def open_index(root: Path, encoder: Encoder) -> Index:
    """Open an index for searching.

    Raises:
        IndexMismatchError: If it is missing or broken, or `encoder` is not the one it was built
            with.
    """
    manifest = read_manifest(root)
    if manifest.fingerprint != encoder.fingerprint:
        raise IndexMismatchError(
            f"{root}: built with encoder {manifest.encoder} (weights {manifest.fingerprint[:12]}), "
            f"opened with weights {encoder.fingerprint[:12]}; index again or open it with that one"
        )
    try:
        folder = root / manifest.segments[0]
        passages = [Passage(**row.values) for row in read_rows(folder / "passages.jsonl")]
        dense = DenseIndex.load(folder / "vectors.npy")
        owners = np.load(folder / "owners.npy", allow_pickle=False)
        lexical = LexicalIndex.load(folder / "bm25")
    except (OSError, EOFError, LookupError, TypeError, ValueError, LogFormatError) as error:
        raise IndexMismatchError(f"{root}: broken ({type(error).__name__}); index again") from error
    if not len(owners) == len(dense.vectors) == lexical.size or owners.max() != len(passages) - 1:
        raise IndexMismatchError(f"{root}: broken (its parts differ in length); index again")
    return Index(root, manifest, passages, dense, lexical, owners, encoder)


def _write_manifest(root: Path, manifest: Manifest) -> None:
    partial = root / PARTIAL_MANIFEST
    partial.write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
    partial.replace(root / MANIFEST)
