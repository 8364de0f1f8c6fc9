"""From what a system said of each row to metrics, and to what a paired test needs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sklearn.metrics import f1_score

from data.rows import read_rows
from data.schema import OOS, Entity
from finetune.metrics import intent_metrics, rounded, word_tags

Said = Mapping[str, Any]


def read_records(path: Path) -> list[dict[str, Any]]:
    """The rows of a file."""
    return [dict(row.values) for row in read_rows(path)]


def score(task: str, rows: Sequence[Mapping[str, Any]], said: Said) -> dict[str, Any]:
    """What a result file keeps of one split.

    Args:
        task: `intent`, `multi` or `ner`.
        rows: The right answers, as `datasets.write` writes them.
        said: For intent `best` (in-scope label), `said` (`oos` where refused) and, where there is
            one, `confidence` (of `best`), n each; for multi `said` (labels between `|`); for ner
            `said` (a list of [type, start, end] a row).

    Returns:
        `metrics`; `predictions`, indexes among the sorted labels; and for paired tests `right`, a
        0 or 1 a row (intent: in-scope rows, nothing refused), or `counts`, the right, said and
        wanted labels a row or entities a sentence.

    Raises:
        ValueError: If there is not one answer for each row.
    """
    if len(said["said"]) != len(rows):
        raise ValueError(f"{len(said['said'])} answers for {len(rows)} rows")
    return {"intent": _intent, "multi": _multi, "ner": _ner}[task](rows, said)


def _intent(rows: Sequence[Mapping[str, Any]], said: Said) -> dict[str, Any]:
    gold = [row["label"] for row in rows]
    sure = said.get("confidence")
    metrics = intent_metrics(gold, said["said"], said["best"], sure or [0.0] * len(gold))
    if not sure:
        del metrics["ece"]
    places = _places({*gold, *said["said"], *said["best"]})
    right = [best == want for best, want in zip(said["best"], gold, strict=True) if want != OOS]
    return {
        "metrics": rounded(metrics),
        "predictions": " ".join(str(places[each]) for each in said["best"]),
        "refused": " ".join(str(row) for row, each in enumerate(said["said"]) if each == OOS),
        "right": "".join(str(int(each)) for each in right),
    }


def _multi(rows: Sequence[Mapping[str, Any]], said: Said) -> dict[str, Any]:
    gold = [_labels(row["label"]) for row in rows]
    given = [_labels(each) for each in said["said"]]
    counts = [(len(a & b), len(b), len(a)) for a, b in zip(gold, given, strict=True)]
    places = _places(set().union(*gold, *given))
    pairs = list(zip(gold, given, strict=True))
    by_label = [
        micro_f1([(int(k in a & b), int(k in b), int(k in a)) for a, b in pairs])
        for k in sorted(set().union(*gold))
    ]
    return {
        "metrics": rounded(
            {
                "n": len(rows),
                "micro_f1": micro_f1(counts),
                "macro_f1": sum(by_label) / len(by_label),
                "exact": sum(a == b for a, b in pairs) / len(rows),
            }
        ),
        "predictions": " ".join("|".join(str(places[k]) for k in sorted(g)) or "-" for g in given),
        "counts": _written(counts),
    }


def _ner(rows: Sequence[Mapping[str, Any]], said: Said) -> dict[str, Any]:
    pairs: list[tuple[list[str], list[str]]] = []
    for row, entities in zip(rows, said["said"], strict=True):
        given = word_tags(row["text"], [_entity(row["text"], *entity) for entity in entities])
        pairs += zip(parted(row, gold_tags(row)), parted(row, given), strict=True)
    return scored_tags(len(rows), pairs)


def gold_tags(row: Mapping[str, Any]) -> list[str]:
    """The right IOB2 tags of a row's words."""
    text = row["text"]
    right = [_entity(text, each["type"], each["start"], each["end"]) for each in row["entities"]]
    return word_tags(text, right)


def parted(row: Mapping[str, Any], tags: Sequence[str]) -> list[list[str]]:
    """The tags of each sentence: no entity goes on behind its end.

    A row that does not tell its `sentences` is one.
    """
    parts, start = [], 0
    for words in row.get("sentences", [len(tags)]):
        part = list(tags[start : start + words])
        if part and part[0].startswith("I-"):
            part[0] = f"B{part[0][1:]}"
        parts.append(part)
        start += words
    return parts


def scored_tags(rows: int, pairs: Sequence[tuple[list[str], list[str]]]) -> dict[str, Any]:
    """What a result keeps of the right and the said tags of each sentence of so many rows."""
    said_tags = [tag for _, given in pairs for tag in given]
    places = _places({*said_tags, "O"})
    return {
        "metrics": rounded({"n": rows, **word_scores(pairs)}),
        "predictions": " ".join(  # word:tag, words counted over all rows, `O` left out
            f"{word}:{places[tag]}" for word, tag in enumerate(said_tags) if tag != "O"
        ),
        "counts": _written(word_counts(pairs)),
    }


def word_scores(pairs: Sequence[tuple[list[str], list[str]]]) -> dict[str, float]:
    """Precision, recall and F1 of entities by their words, as seqeval's strict IOB2, and of tags.

    That is how the field scores CoNLL-2003, and all that a system which tags words can be right in.

    Args:
        pairs: The right and the said tags of the words of each sentence.
    """
    right, said, wanted = (sum(row[place] for row in word_counts(pairs)) for place in range(3))
    true_tags, said_tags = ([tag for pair in pairs for tag in pair[side]] for side in (0, 1))
    tags = {
        f"token_{average}_f1": f1_score(true_tags, said_tags, average=average, zero_division=0)
        for average in ("weighted", "macro")
    }
    return {
        "entity_precision": right / said if said else 0.0,
        "entity_recall": right / wanted if wanted else 0.0,
        "entity_f1": micro_f1([(right, said, wanted)]),
        **tags,
    }


def word_counts(pairs: Sequence[tuple[list[str], list[str]]]) -> list[tuple[int, int, int]]:
    """Of each sentence the entities that are right, said and wanted."""
    both = [(_word_spans(right), _word_spans(said)) for right, said in pairs]
    return [(len(a & b), len(b), len(a)) for a, b in both]


def _word_spans(tags: Sequence[str]) -> set[tuple[str, int, int]]:
    """(type, first word, last word) of the entities of valid IOB2 tags."""
    spans: list[tuple[str, int, int]] = []
    for place, tag in enumerate(tags):
        if tag.startswith("I-"):
            spans[-1] = (*spans[-1][:2], place)
        elif tag != "O":
            spans.append((tag[2:], place, place))
    return set(spans)


def micro_f1(counts: Sequence[tuple[int, int, int]]) -> float:
    """F1 over rows of (right, said, wanted)."""
    right, said, wanted = (sum(row[place] for row in counts) for place in range(3))
    return 2 * right / (said + wanted) if said + wanted else 0.0


def _written(counts: Sequence[tuple[int, int, int]]) -> str:
    return " ".join("/".join(map(str, row)) for row in counts)


def _labels(value: str) -> set[str]:
    return {each for each in value.split("|") if each and each != OOS}


def _places(labels: set[str]) -> dict[str, int]:
    return {label: place for place, label in enumerate(sorted(labels))}


def _entity(text: str, kind: str, start: int, end: int) -> Entity:
    return Entity(kind, text[start:end], start, end)
