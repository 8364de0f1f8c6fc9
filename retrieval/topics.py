"""Topics: what a question is about, learned from turns that people have labelled.

A question that the index cannot answer still meets some passage: one that shares its product or
its words. Turns labelled with intents know more topics than the passages do. A question's topics
are how probable each label is; a passage's are the mean of its rows'. Where the two do not agree,
the passage does not answer, however near it lies.

The labels' probabilities come from a linear discriminant on the vectors: one multiplication, solved
in closed form. Agreement is the Bhattacharyya coefficient, the overlap of two distributions.

Source: Fisher 1936, "The use of multiple measurements in taxonomic problems", Annals of Eugenics;
Bhattacharyya 1943, Bulletin of the Calcutta Mathematical Society 35.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from data.encoders import Encoder, question_vectors
from data.errors import LogFormatError
from data.rows import read_rows
from retrieval.focus import within
from retrieval.matrix import load_matrix, save_matrix
from retrieval.rows import encodable

# Both chosen on the sample company's fitting questions. A discriminant over hundreds of directions
# is too sure of itself; an overlap below the floor is as good as none.
_SURE = 0.4
_FLOOR = 0.03
AKIN = 0.5  # the overlap from which two passages are about the same
LEAST_TURNS = 100  # turns beyond the first of their label, below which there is too little to learn

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LabelledTurns:
    """Turns by their vectors (n, D), and the number of each one's label (n,)."""

    vectors: Vectors
    labels: NDArray[np.int64]

    @property
    def teach(self) -> bool:
        """Whether they have several labels, and enough turns of them."""
        labels = len(np.unique(self.labels))
        return labels > 1 and len(self.labels) - labels >= LEAST_TURNS


@dataclass(frozen=True, slots=True)
class Profiles:
    """The square roots (P, K) of how probable each label is for a segment's passages."""

    topics: "Topics"
    roots: Vectors


class Topics:
    """From vectors to how probable each label is.

    Args:
        matrix: (D + 1, K); the last row is added to what vectors give.
    """

    def __init__(self, matrix: Vectors) -> None:
        self.matrix = matrix

    def of(self, vectors: Vectors) -> Vectors:
        """How probable each label is (n, K) for vectors (n, D)."""
        logits = vectors @ self.matrix[:-1] + self.matrix[-1]
        shares: Vectors = softmax(logits, axis=-1)
        return shares

    def of_rows(self, vectors: Vectors, owners: NDArray[np.int32], passages: int) -> Profiles:
        """What the passages of a segment are about.

        Args:
            vectors: Of its rows (R, D).
            owners: The passage of each (R,).
            passages: How many there are.
        """
        sums = np.zeros((passages, self.matrix.shape[1]), dtype=np.float32)
        np.add.at(sums, owners, self.of(vectors))
        return Profiles(self, np.sqrt(sums / np.bincount(owners, minlength=passages)[:, None]))

    def agreement(self, vector: Vectors, roots: Vectors) -> NDArray[np.float64]:
        """How far a question (D,) and passages (m, K) agree in what they are about: (m,) in [0, 1].

        The overlap on a logarithmic scale, from the floor to all of it.
        """
        overlap = np.clip(roots @ np.sqrt(self.of(vector)), 0, 1).astype(np.float64)
        lowest = np.log(_FLOOR / (1 + _FLOOR))
        return np.asarray(1 - np.log((overlap + _FLOOR) / (1 + _FLOOR)) / lowest)

    def save(self, root: Path) -> str:
        """Write it to an index directory; the name of the file."""
        return save_matrix(root, "topics", self.matrix)

    @classmethod
    def load(cls, root: Path, name: str) -> "Topics":
        """Read what `save` wrote.

        Raises:
            IndexMismatchError: If it is missing, or something else.
        """
        return cls(load_matrix(root, name))


def read_labelled_turns(path: Path, encoder: Encoder) -> LabelledTurns:
    """Rows `{"text", "label"}`, as `deskhand train intent` reads them, in an encoder's vectors.

    Raises:
        LogFormatError: If a row has no text or no label, or they are too few to teach topics.
    """
    texts, labels = [], []
    for row in read_rows(path):
        text, label = row.values.get("text"), row.values.get("label")
        if not isinstance(text, str) or not isinstance(label, str) or not label:
            raise LogFormatError(f"{row.where}: labelled turns need a text and a label")
        texts.append(encodable(text))
        labels.append(label)
    turns = LabelledTurns(
        question_vectors(encoder, texts), np.unique(labels, return_inverse=True)[1]
    )
    if not turns.teach:
        raise LogFormatError(
            f"{path}: teaches no topics; two labels and {LEAST_TURNS} turns more than labels are "
            "needed"
        )
    return turns


def learned_topics(turns: LabelledTurns) -> Topics:
    """The linear discriminant of labelled turns, each label as probable as another beforehand."""
    means, spread = within(turns.vectors, turns.labels)
    weights = _SURE * np.linalg.solve(spread, means.T)
    shift = -0.5 * (means.T * weights).sum(axis=0)
    return Topics(np.vstack([weights, shift]).astype(np.float32))
