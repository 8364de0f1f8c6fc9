"""Topics of unlabelled turns: BANKING77's training texts, their intents kept back for the score.

Settings were compared on CLINC150's training rows and on the sample turns, which rows of the table
repeat. BANKING77's scores were looked at on the way, so they flatter: BENCHMARKS.md says where.
UMAP is not among our pinned libraries: where the interpreter has `umap`, BERTopic's
recipe is run with it, else with PCA in its place, and the row says which.
"""

import json
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from benchmarks.shell import SAMPLES, row
from data.encoders import DEFAULT_ENCODER
from data.rows import read_rows
from data.topics.agreed import clusters_of
from data.topics.clusters import Labels, centres_of, nearest
from data.topics.discover import Discovered, Earlier, discover_topics
from data.topics.files import NamedTopic
from data.topics.texts import Text, normalised
from data.topics.vectors import Vectors, unit, with_words
from finetune.serving import shared_encoder

SEED, RUNS, PART = 0, 5, 0.9
Rows = list[dict[str, Any]]


class Kept:
    """An encoder that computes each text once: stability needs many runs on the same texts."""

    def __init__(self, threads: int = 1) -> None:
        self._encoder = shared_encoder(DEFAULT_ENCODER, threads=threads)
        self.fingerprint = self._encoder.fingerprint
        self._vectors: dict[str, NDArray[np.float32]] = {}

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors (n, D) of length 1."""
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        self._vectors.update(zip(new, self._encoder.encode(new), strict=True))
        return np.stack([self._vectors[text] for text in texts])


def run(datasets: Path) -> Rows:
    """BANKING77: ours beside others, stability, more rows, known intents; then where we chose."""
    texts, intents = _banking(datasets)
    encoder = Kept()
    vectors = encoder.encode(texts)
    start = time.perf_counter()
    found = discover_topics([Text(text, "") for text in texts], encoder, seed=SEED)
    seconds = time.perf_counter() - start
    ours = _numbers(found.ids)
    rows = [
        row("BANKING77, ours: NMI", _nmi(intents, ours), "0.80", _about(ours, intents)),
        row("BANKING77, ours: ARI", _ari(intents, ours), "0.55", f"{seconds:.0f} s after encoding"),
        row("turns placed", f"{len(found.ids)} of {len(texts)}", "all"),
        row("held-out silhouette, numbers tried", _curve(found), "", "the number is chosen by it"),
    ]
    rows += _others(vectors, intents, int(ours.max()) + 1)
    rows += _stable(texts, vectors)
    rows.append(_more(texts, encoder))
    rows.append(_known(texts, intents, encoder))
    return rows + _chosen_on(datasets, encoder)


def _banking(datasets: Path) -> tuple[list[str], Labels]:
    read = [each.values for each in read_rows(datasets / "banking77" / "train.csv")]
    return [each["text"] for each in read], _numbers([each["category"] for each in read])


def _others(vectors: Vectors, intents: Labels, found: int) -> Rows:
    """K-means with the true number and with ours, HDBSCAN, and BERTopic's recipe."""
    true = int(intents.max()) + 1
    recipe = "UMAP to 5" if find_spec("umap") else "PCA to 50 in place of UMAP"
    systems: list[tuple[str, Callable[[], Labels]]] = [
        (f"k-means, {true} given", lambda: _k_means(vectors, true)),
        (f"k-means, {found} as we found", lambda: _k_means(vectors, found)),
        ("HDBSCAN, at least 10 a cluster", lambda: HDBSCAN(10, copy=True).fit_predict(vectors)),
        (f"BERTopic's recipe ({recipe}, HDBSCAN 10)", lambda: _recipe(vectors)),
    ]
    rows = []
    for name, system in systems:
        start = time.perf_counter()
        labels = system()
        seconds = time.perf_counter() - start
        outliers = labels < 0
        note = f"{_about(labels[~outliers], intents)}, {outliers.mean():.0%} not placed"
        scored = f"ARI {_ari(intents, labels):.4f}; {note}; {seconds:.0f} s"
        rows.append(row(f"BANKING77, {name}: NMI", _nmi(intents, labels), "", scored))
        if outliers.any() and not outliers.all():
            placed = _placed(vectors, labels)
            beside = f"ARI {_ari(intents, placed):.4f}"
            what = f"BANKING77, {name}, the rest to the nearest: NMI"
            rows.append(row(what, _nmi(intents, placed), "", beside))
    return rows


def _k_means(vectors: Vectors, count: int) -> Labels:
    labels: Labels = KMeans(count, n_init=10, random_state=SEED).fit_predict(vectors)
    return labels


def _recipe(vectors: Vectors) -> Labels:
    """BERTopic's default steps, Grootendorst 2022, https://arxiv.org/abs/2203.05794."""
    if find_spec("umap"):
        from umap import UMAP  # type: ignore[import-not-found] # not among our requirements

        small = UMAP(15, n_components=5, min_dist=0.0, metric="cosine", random_state=SEED)
    else:
        small = PCA(50, random_state=SEED)
    labels: Labels = HDBSCAN(10, copy=True).fit_predict(small.fit_transform(vectors))
    return labels


def _placed(vectors: Vectors, labels: Labels) -> Labels:
    inside = labels >= 0
    centres = centres_of(vectors[inside], labels[inside], int(labels.max()) + 1)
    return np.where(inside, labels, nearest(vectors, centres))


def _stable(texts: Sequence[str], vectors: Vectors) -> Rows:
    """Runs on random parts of the texts: how they agree on what two of them share."""
    rng = np.random.default_rng(SEED)
    placings, counts = [], []
    for _ in range(RUNS):
        part = np.sort(rng.permutation(len(texts))[: int(PART * len(texts))])
        labels = _clusters([texts[place] for place in part], vectors[part])
        placings.append(dict(zip(part.tolist(), labels.tolist(), strict=True)))
        counts.append(int(labels.max()) + 1)
    agreed = [
        adjusted_rand_score([one[place] for place in both], [other[place] for place in both])
        for one, other in combinations(placings, 2)
        if (both := sorted(one.keys() & other.keys()))
    ]
    beside = f"lowest {min(agreed):.4f}; topics found: {', '.join(map(str, counts))}"
    what = f"BANKING77, {RUNS} runs on random {PART:.0%}: mean ARI of two runs"
    return [row(what, float(np.mean(agreed)), "0.85", beside)]


def _clusters(texts: Sequence[str], vectors: Vectors) -> Labels:
    """Clusters of texts, equal ones together, with the vectors given."""
    first: dict[str, int] = {}
    place = [first.setdefault(normalised(text), row) for row, text in enumerate(texts)]
    kept = sorted(first.values())
    some = [texts[row] for row in kept]
    labels, _, _ = clusters_of(some, with_words(some, unit(vectors[kept]), SEED), seed=SEED)
    of = dict(zip(kept, labels.tolist(), strict=True))
    return np.array([of[row] for row in place])


def _more(texts: Sequence[str], encoder: Kept) -> dict[str, str]:
    """A tenth more rows than an earlier run had: which of its placings change."""
    order = np.random.default_rng(SEED + 1).permutation(len(texts))
    old = [Text(texts[place], "") for place in order[: int(len(texts) / 1.1)]]
    every = [Text(texts[place], "") for place in order]
    was = discover_topics(old, encoder, seed=SEED)
    topics = {each.topic: NamedTopic(each.topic, each.name, each.size, "") for each in was.topics}
    placed = [(turn.text, topic) for turn, topic in zip(old, was.ids, strict=True)]
    now = discover_topics(every, encoder, before=Earlier(topics, placed), seed=SEED)
    changed = np.mean([a != b for a, b in zip(was.ids, now.ids[: len(old)], strict=True)])
    beside = f"{len(was.topics)} topics before, {len(now.topics)} after"
    return row("10% more rows: share of old placings that change", float(changed), "0.10", beside)


def _known(texts: Sequence[str], intents: Labels, encoder: Kept) -> dict[str, str]:
    """Half of the intents known from 20 rows each; is a topic marked with what most of it is?"""
    rng = np.random.default_rng(SEED + 2)
    some = rng.permutation(int(intents.max()) + 1)[: (int(intents.max()) + 1) // 2]
    rows = np.concatenate([np.flatnonzero(intents == intent)[:20] for intent in some])
    labelled = ([texts[place] for place in rows], [str(intents[place]) for place in rows])
    left = np.setdiff1d(np.arange(len(texts)), rows)
    turns = [Text(texts[place], "") for place in left]
    found = discover_topics(turns, encoder, known=labelled, seed=SEED)
    ids = np.array(found.ids)
    right = 0
    for topic in found.topics:
        mostly = np.bincount(intents[left][ids == topic.topic]).argmax()
        right += topic.known == (str(mostly) if mostly in some else "")
    beside = f"{len(some)} of {int(intents.max()) + 1} intents known, 20 rows each"
    share = right / len(found.topics)
    return row("topics rightly marked as known or as none", share, "", beside)


def _chosen_on(datasets: Path, encoder: Kept) -> Rows:
    """The sets on which the method was chosen."""
    path = datasets / "clinc150" / "data_full.json"
    clinc = json.loads(path.read_text(encoding="utf-8"))["train"]
    turns = [each.values for each in read_rows(SAMPLES / "turns" / "train.jsonl")]
    sets = {
        "CLINC150, training rows": clinc[::2],
        "sample turns": [[each["text"], each["label"]] for each in turns],
    }
    rows = []
    for name, pairs in sets.items():
        texts, intents = [text for text, _ in pairs], _numbers([label for _, label in pairs])
        labels = _clusters(texts, encoder.encode(texts))
        beside = f"ARI {_ari(intents, labels):.4f}; {_about(labels, intents)}; we chose on it"
        rows.append(row(f"{name}: NMI", _nmi(intents, labels), "", beside))
    return rows


def _curve(found: Discovered) -> str:
    if found.count is None:
        return "not tried"
    shown = found.count.tried[:: max(len(found.count.tried) // 10, 1)]
    return ", ".join(f"{count}: {score:.3f}" for count, score in shown)


def _numbers(names: Sequence[str]) -> Labels:
    labels: Labels = np.unique(np.array(names), return_inverse=True)[1].ravel()
    return labels


def _about(labels: Labels, intents: Labels) -> str:
    return f"{len(np.unique(labels))} topics of {int(intents.max()) + 1} intents"


def _nmi(intents: Labels, labels: Labels) -> float:
    return float(normalized_mutual_info_score(intents, labels))


def _ari(intents: Labels, labels: Labels) -> float:
    return float(adjusted_rand_score(intents, labels))
