"""What people asked that nothing answers, grouped by meaning: a list for who writes the FAQ.

Private values are placeholders: such a list leaves the store.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from apps.app import clean
from apps.store_review import Asked
from data.encoders import Encoder
from data.redact.find import redact
from data.topics.files import write_table
from data.topics.texts import normalised

# Cosine of any two of a group. Lower values join, of the sample questions, what has other answers.
ALIKE = 0.5
LATEST = 1500  # different questions: each is encoded and, against an index, searched
OTHERS = 5
COLUMNS = ("question", "count", "last", "apps", "others")


@dataclass(frozen=True, slots=True)
class Gap:
    """Questions of one meaning.

    `question` is the one nearest to all of them, `others` up to OTHERS different ones; `count` says
    how often it was asked and `last` when, UTC without a zone.
    """

    question: str
    count: int
    last: datetime
    apps: tuple[str, ...]
    others: tuple[str, ...]

    def values(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "question": self.question,
            "count": self.count,
            "last": self.last.isoformat(timespec="seconds"),
            "apps": list(self.apps),
            "others": list(self.others),
        }


def gaps_of(
    asked: Sequence[Asked],
    encoder: Encoder,
    region: str = "GB",
    answered: Callable[[str], bool] | None = None,
) -> list[Gap]:
    """The groups, the most asked first.

    Args:
        asked: The latest first; of very many different ones the latest LATEST count.
        encoder: Gives unit vectors.
        region: Where phone numbers without a country code are read.
        answered: Whether a question has an answer by now; those are left out.
    """
    texts: dict[str, tuple[str, list[Asked]]] = {}
    for each in asked:
        text = redact(" ".join(clean(each.text).split()), region=region).text
        texts.setdefault(normalised(text), (text, []))[1].append(each)
    kept = [
        (text, times)
        for text, times in list(texts.values())[:LATEST]
        if answered is None or not answered(text)
    ]
    if not kept:
        return []
    vectors = np.asarray(encoder.encode([text for text, _ in kept]), dtype=np.float64)
    labels = np.ones(1, dtype=int)
    if len(kept) > 1:
        apart = np.clip(1 - vectors @ vectors.T, 0, 2)[np.triu_indices(len(kept), 1)]
        labels = fcluster(linkage(apart, "complete"), 1 - ALIKE, "distance")
    found = []
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        weights = np.array([len(kept[place][1]) for place in places])
        nearness = vectors[places] @ (weights @ vectors[places])
        order = [kept[place] for place in places[np.argsort(-nearness, kind="stable")]]
        times = [one for _, each in order for one in each]
        found.append(
            Gap(order[0][0], len(times), max(one.time for one in times),
                tuple(sorted({one.app for one in times})),
                tuple(text for text, _ in order[1 : OTHERS + 1]))
        )  # fmt: skip
    return sorted(found, key=lambda gap: (-gap.count, -gap.last.timestamp()))


def write_gaps(path: Path, gaps: Sequence[Gap]) -> None:
    """Write them as a table that a spreadsheet opens."""
    rows = (
        {**gap.values(), "apps": ", ".join(gap.apps), "others": " | ".join(gap.others)}
        for gap in gaps
    )
    write_table(path, COLUMNS, rows)
