"""What a topic is called: the words that set it apart, and the turns that stand for it."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

from data.topics.clusters import Labels
from data.topics.vectors import WORD, Vectors

WORDS = 6  # listed for a topic
NAMING = 3  # of them in its name
QUESTIONS = 3
_NO_NAME = re.compile(r"\[\w+\]|\b\d+\b")  # what redaction left, and bare numbers
# Words that a list of stop words lacks and that say nothing in a customer's turn.
_SMALL = frozenset(
    "ve ll re don doesn didn isn wasn won couldn hasn haven im hi hello hey please thanks thank "
    "need want help know tell does did got just like dont can cant".split()
)


def distinguishing_words(
    texts: Sequence[str], labels: Labels, count: int, words: int = WORDS
) -> list[list[str]]:
    """For each of `count` topics the words that are frequent in it and rare elsewhere, best first.

    A topic's turns are read as one text; a word's weight is its share of that text times
    log(1 + A / f), where A is the mean number of words a topic and f the word's number in all.

    Args:
        texts: n of them.
        labels: Their topics, (n,), each below `count`.
        count: Number of topics.
        words: At most so many for each; fewer where a topic has no more.

    Source: class-based TF-IDF, Grootendorst 2022, https://arxiv.org/abs/2203.05794
    """
    vectorizer = CountVectorizer(token_pattern=WORD, stop_words=sorted(ENGLISH_STOP_WORDS | _SMALL))
    try:
        per_text = vectorizer.fit_transform(_NO_NAME.sub(" ", text) for text in texts)
    except ValueError:  # nothing but stop words
        return [[] for _ in range(count)]
    vocabulary = vectorizer.get_feature_names_out()
    totals: NDArray[np.float64] = np.asarray(per_text.sum(axis=0)).ravel()
    rarity = np.log1p(totals.sum() / count / totals)
    found = []
    for topic in range(count):
        own = np.asarray(per_text[np.flatnonzero(labels == topic)].sum(axis=0)).ravel()
        weights = own / max(own.sum(), 1) * rarity
        best = np.argsort(-weights, kind="stable")[:words]
        found.append([str(vocabulary[word]) for word in best if weights[word] > 0])
    return found


def central_texts(
    texts: Sequence[str], fit: Vectors | NDArray[np.floating], labels: Labels, count: int
) -> list[list[str]]:
    """For each topic the QUESTIONS texts that lie nearest its centre, nearest first.

    Args:
        texts: n different ones.
        fit: How near each is to the centre of its topic, (n,), higher is nearer.
        labels: Their topics, (n,).
        count: Number of topics.
    """
    found = []
    for topic in range(count):
        rows = np.flatnonzero(labels == topic)
        best = rows[np.argsort(-fit[rows], kind="stable")[:QUESTIONS]]
        found.append([texts[row] for row in best])
    return found


def names_of(words: Sequence[Sequence[str]], taken: Sequence[str] = ()) -> list[str]:
    """A name for each topic from its words, none of them twice and none in `taken`.

    Two topics of one name are merged when the table is applied, so that names must differ.
    """
    used = Counter(taken)
    names = []
    for own in words:
        name = next(
            (
                candidate
                for length in range(NAMING, len(own) + 1)
                if (candidate := " ".join(own[:length])) not in used
            ),
            "",
        )
        base, number = " ".join(own[:NAMING]) or "topic", 1
        name = name or base
        while name in used:
            number += 1
            name = f"{base} {number}"
        used[name] += 1
        names.append(name)
    return names
