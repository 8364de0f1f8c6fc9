"""Vectors that topics are found in: what an encoder says, what the words say, and the neighbours.

All vectors are float32 of unit length, so that a dot product is a cosine in [-1, 1].
"""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from data.encoders import Encoder
from data.errors import LogFormatError

Vectors = NDArray[np.float32]
WORD_SHARE = 0.4  # length of the words' part beside the encoder's, which has 1
WORD_WIDTH = 200  # dimensions of the words' part
NEIGHBOURS = 20  # that a vector is averaged with; fewer below 400 texts
BLOCK = 2000  # rows of similarities held at once: 2000 x 12 000 x 4 bytes = 96 MB
# A word of letters or digits; each sign of a script that writes no spaces is one.
WORD = r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]{2,}"


def unit(vectors: NDArray[np.floating]) -> Vectors:
    """The rows (n, D) at length 1; a row of zeros stays one."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)
    return scaled


def encoded(texts: Sequence[str], encoder: Encoder) -> Vectors:
    """What the encoder gives for n texts, (n, D).

    Raises:
        LogFormatError: If a vector holds a value that is no number.
    """
    vectors = np.asarray(encoder.encode(list(texts)), dtype=np.float32)
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(bad):
        raise LogFormatError(
            f"text {bad[0] + 1} of {len(texts)}: the encoder gives no numbers for it; remove the "
            "text or choose another --encoder"
        )
    return unit(vectors)


def with_words(texts: Sequence[str], vectors: Vectors, seed: int = 0) -> Vectors:
    """The vectors (n, D), centred, with latent semantic dimensions of the words behind them.

    The words tell apart what an encoder of sentences puts close together, such as a card payment
    and a cash withdrawal. Texts without a word that occurs twice keep the encoder's part alone.

    Source: latent semantic analysis, Deerwester et al. 1990,
    https://doi.org/10.1002/(SICI)1097-4571(199009)41:6%3C391::AID-ASI1%3E3.0.CO;2-9
    """
    centred = unit(vectors - vectors.mean(axis=0))
    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2), min_df=2, sublinear_tf=True, token_pattern=WORD
    )
    try:
        counts = vectorizer.fit_transform(texts)
    except ValueError:  # no word occurs in two texts
        return centred
    width = min(WORD_WIDTH, min(counts.shape) - 1)
    if width < 1:
        return centred
    words = unit(TruncatedSVD(width, random_state=seed).fit_transform(counts))
    return unit(np.hstack([centred, WORD_SHARE * words]))


def smoothed(vectors: Vectors, among: Vectors | None = None) -> Vectors:
    """Each vector (n, D) averaged with its nearest neighbours, which pulls topics together.

    Args:
        vectors: What to smooth.
        among: Where neighbours are looked for, (m, D); None for the vectors themselves.

    Source: one step of blurring mean shift over nearest neighbours, Carreira-Perpiñán 2006,
    https://doi.org/10.1145/1143844.1143864
    """
    pool = vectors if among is None else among
    count = min(max(len(pool) // NEIGHBOURS, 1), NEIGHBOURS)
    result = np.empty_like(vectors)
    for start in range(0, len(vectors), BLOCK):
        block = vectors[start : start + BLOCK]
        near = block @ pool.T
        if among is None:  # nothing is its own neighbour
            near[np.arange(len(block)), np.arange(start, start + len(block))] = -2
        places = np.argpartition(near, -count, axis=1)[:, -count:]
        result[start : start + BLOCK] = block + pool[places].mean(axis=1)
    return unit(result)


def shuffled(texts: Sequence[str], salt: str) -> NDArray[np.intp]:
    """Places of n texts in an order that depends on each text and the salt alone.

    What is drawn by it is much the same when some texts are added or removed, which a random
    generator's draw is not.
    """
    keys = [hashlib.blake2b(f"{salt}\0{text}".encode(), digest_size=8).digest() for text in texts]
    return np.array(sorted(range(len(texts)), key=keys.__getitem__), dtype=np.intp)
