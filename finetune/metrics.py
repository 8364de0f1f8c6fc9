"""The field's own definitions, under the names that DESIGN's contract gives them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from data.schema import OOS, Entity

Floats = NDArray[np.floating[Any]]
ECE_BINS = 15


def intent_metrics(
    gold: Sequence[str], predicted: Sequence[str], best: Sequence[str], confidence: Sequence[float]
) -> dict[str, float]:
    """Scores of an intent model.

    Args:
        gold: Right labels, `oos` for out-of-scope rows.
        predicted: What the model says, `oos` where it refuses.
        best: Its best in-scope label, refusal or not.
        confidence: Of `best`, in [0, 1].

    Returns:
        `accuracy` counts every row; `accuracy_no_refusal` and `ece` the in-scope rows by `best`;
        `in_scope_accuracy` counts a refused in-scope row as wrong. Out-of-scope keys are 0 without
        such rows.
    """
    places = {OOS: 0}
    codes = [
        np.array([places.setdefault(name, len(places)) for name in names], dtype=int)
        for names in (gold, predicted, best)
    ]
    truth, said, top = codes
    return coded_intent_metrics(truth, said, top, np.array(confidence, dtype=float))


def coded_intent_metrics(
    gold: NDArray[np.int_], said: NDArray[np.int_], best: NDArray[np.int_], confidence: Floats
) -> dict[str, float]:
    """The same from label numbers (n,), `oos` being 0: quick enough for a bootstrap."""
    inside, refused = gold != 0, said == 0
    hit = best[inside] == gold[inside]
    macro_f1, mcc = _multiclass(gold, said)
    return {
        "n": len(gold),
        "accuracy": _mean(said == gold),
        "accuracy_no_refusal": _mean(hit),
        "macro_f1": macro_f1,
        "mcc": mcc,
        "in_scope_accuracy": _mean(said[inside] == gold[inside]),
        "oos_recall": _mean(refused[~inside]),
        "oos_precision": _mean(~inside[refused]),
        "ece": expected_calibration_error(confidence[inside], hit),
    }


def _multiclass(gold: NDArray[np.int_], said: NDArray[np.int_]) -> tuple[float, float]:
    """Macro F1 over the labels that occur, and the correlation coefficient, from counts alone.

    scikit-learn's functions give the same (a test says so) but check their inputs for longer than
    they compute, hundreds of times in a bootstrap.

    Source: Gorodkin 2004, doi:10.1016/j.compbiolchem.2004.09.006
    """
    if not len(gold):
        return 0.0, 0.0
    size = int(max(gold.max(), said.max())) + 1
    right, given = np.bincount(gold, minlength=size), np.bincount(said, minlength=size)
    hits = np.bincount(gold[gold == said], minlength=size)
    both = (right + given).astype(float)
    f1 = 2 * hits[both > 0] / both[both > 0]
    n = float(len(gold))
    spread = (n**2 - (given.astype(float) ** 2).sum()) * (n**2 - (right.astype(float) ** 2).sum())
    covariance = hits.sum() * n - float(right.astype(float) @ given)
    return float(f1.mean()), float(covariance / np.sqrt(spread)) if spread > 0 else 0.0


def expected_calibration_error(confidence: Floats, right: NDArray[np.bool_]) -> float:
    """Mean gap between confidence and accuracy over equal-width bins, weighted by their rows.

    Source: Naeini et al. 2015, AAAI; ECE_BINS bins.
    """
    if len(confidence) == 0:
        return 0.0
    bins = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = [
        abs(confidence[bins == each].mean() - right[bins == each].mean()) * (bins == each).mean()
        for each in np.unique(bins)
    ]
    return float(sum(gaps))


def label_metrics(gold: NDArray[np.int_], said: NDArray[np.int_]) -> dict[str, float]:
    """`accuracy` and `macro_f1`, over the labels that occur, from label numbers (n,)."""
    return {
        "n": len(gold),
        "accuracy": _mean(said == gold),
        "macro_f1": _multiclass(gold, said)[0],
    }


def entity_metrics(
    texts: Sequence[str], gold: Sequence[Sequence[Entity]], found: Sequence[Sequence[Entity]]
) -> dict[str, float]:
    """Strict span scores, and IOB2 scores per whitespace word with `O` included."""
    counts = span_counts(gold, found)["all"]
    true_tags, said_tags = [], []
    for text, right, said in zip(texts, gold, found, strict=True):
        true_tags += word_tags(text, right)
        said_tags += word_tags(text, said)
    return {
        "n": len(texts),
        "entity_precision": counts["precision"],
        "entity_recall": counts["recall"],
        "entity_f1": counts["f1"],
        "token_weighted_f1": _f1(true_tags, said_tags, "weighted"),
        "token_macro_f1": _f1(true_tags, said_tags, "macro"),
    }


def span_counts(
    gold: Sequence[Sequence[Entity]], found: Sequence[Sequence[Entity]]
) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and support of exact spans with the right type: by type, and `all`."""
    right = [{(e.type, e.start, e.end) for e in row} for row in gold]
    said = [{(e.type, e.start, e.end) for e in row} for row in found]
    types = sorted({span[0] for row in (*right, *said) for span in row})
    table = {}
    for kind in ("all", *types):
        keep = [
            ({s for s in a if kind in ("all", s[0])}, {s for s in b if kind in ("all", s[0])})
            for a, b in zip(right, said, strict=True)
        ]
        hits = sum(len(a & b) for a, b in keep)
        in_gold, in_said = sum(len(a) for a, _ in keep), sum(len(b) for _, b in keep)
        precision = hits / in_said if in_said else 0.0
        recall = hits / in_gold if in_gold else 0.0
        f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
        table[kind] = {"precision": precision, "recall": recall, "f1": f1, "support": in_gold}
    return table


def word_tags(text: str, entities: Sequence[Entity]) -> list[str]:
    """An IOB2 tag for each whitespace word; a word belongs to an entity that shares a character."""
    tags, place, before = [], 0, None
    for word in text.split():
        start = text.index(word, place)
        place = start + len(word)
        here = next((e for e in entities if e.start < place and e.end > start), None)
        tags.append("O" if here is None else f"{'I' if here is before else 'B'}-{here.type}")
        before = here
    return tags


def ranking_metrics(ranks: Sequence[int]) -> dict[str, float]:
    """`recall_at_1_of_10` and `mrr` from the place, 1 to 10, of each right answer."""
    places = np.array(ranks)
    return {
        "n": len(places),
        "recall_at_1_of_10": _mean(places == 1),
        "mrr": float((1 / places).mean()),
    }


def rounded(metrics: Mapping[str, float]) -> dict[str, float]:
    """The same to five places, counts left whole."""
    return {
        key: value if isinstance(value, int) else round(float(value), 5)
        for key, value in metrics.items()
    }


def _mean(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else 0.0


def _f1(gold: list[str], said: list[str], average: str) -> float:
    if not gold:
        return 0.0
    return float(f1_score(gold, said, average=average, zero_division=0))
