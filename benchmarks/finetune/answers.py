"""What a peer answers, in the form that `scoring.score` takes, and the labels that it learns."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from data.schema import OOS

Record = dict[str, Any]
Answers = dict[str, Any]
Predict = Callable[[Sequence[Record]], Answers]
SURE = 0.5  # of a label, where several may be right


def intent_answers(
    scores: Any,  # noqa: ANN401 - floats (n, K)
    names: list[str],
    calibrated: bool = True,
) -> Answers:
    """Best label, best in-scope label and, where scores are probabilities, how sure it is."""
    inside = np.array([name != OOS for name in names])
    best = np.where(inside, scores, -np.inf).argmax(axis=1)
    answers: Answers = {
        "best": [names[place] for place in best],
        "said": [names[place] for place in scores.argmax(axis=1)],
    }
    if calibrated:
        shares = scores[np.arange(len(scores)), best] / scores[:, inside].sum(axis=1)
        answers["confidence"] = [round(float(share), 5) for share in shares]
    return answers


def multi_answers(yes: Any, names: list[str]) -> Answers:  # noqa: ANN401 - bools (n, K)
    """The labels that each row has, `|` between them."""
    return {"said": ["|".join(names[k] for k in np.flatnonzero(row)) for row in yes]}


def label_names(rows: Sequence[Record], task: str) -> list[str]:
    """Sorted labels of the rows; with several a row, `oos` is none of them."""
    if task == "multi":
        return sorted({each for row in rows for each in row["label"].split("|")} - {OOS})
    return sorted({row["label"] for row in rows})


def indicators(rows: Sequence[Record], names: list[str]) -> Any:  # noqa: ANN401 - ints (n, K)
    """1 where a row has the label."""
    return np.array([[int(name in row["label"].split("|")) for name in names] for row in rows])
