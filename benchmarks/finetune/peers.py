"""What people would reach for otherwise, each in a process of its own.

    python -m benchmarks.finetune.peers SYSTEM TASK FOLDER [--seed N] [--epochs N] [--batch-size N]

FOLDER is laid out by `datasets.write`. The last line on stdout is one JSON object: seconds of
training, and for validation and test what `scoring.score` takes.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from benchmarks.finetune.answers import (
    SURE,
    Answers,
    Predict,
    Record,
    indicators,
    intent_answers,
    label_names,
    multi_answers,
)
from benchmarks.finetune.scoring import micro_f1, read_records
from benchmarks.shell import ROOT
from data.encoders import DEFAULT_ENCODER
from data.rows import read_rows
from data.schema import OOS

C_GRID = (1.0, 5.0, 20.0, 60.0)  # inverse regularization
FOLDS = 5
ENCODERS = ROOT / "var" / "encoders"


def tfidf_svm(train: Path, test: Path, label: str, text: str = "text") -> float:
    """Test accuracy of word and word-pair TF-IDF with a linear SVM, scikit-learn's defaults."""
    rows, held_out = (
        [{"text": r.values[text], "label": r.values[label]} for r in read_rows(path)]
        for path in (train, test)
    )
    said = svm("intent", rows, [], 0)(held_out)["said"]
    return float(np.mean([a == row["label"] for a, row in zip(said, held_out, strict=True)]))


def svm(task: str, train: list[Record], validation: list[Record], seed: int) -> Predict:
    """TF-IDF and a linear SVM; nothing is chosen."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.svm import LinearSVC

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    features = vectorizer.fit_transform([row["text"] for row in train])
    if task == "multi":
        labels = label_names(train, task)
        model = OneVsRestClassifier(LinearSVC()).fit(features, indicators(train, labels))

        def several(rows: Sequence[Record]) -> Answers:
            margins = model.decision_function(vectorizer.transform([row["text"] for row in rows]))
            return multi_answers(margins > 0, labels)

        return several
    single = LinearSVC().fit(features, [row["label"] for row in train])

    def one(rows: Sequence[Record]) -> Answers:
        margins = single.decision_function(vectorizer.transform([row["text"] for row in rows]))
        return intent_answers(margins, list(single.classes_), calibrated=False)

    return one


def logreg(task: str, train: list[Record], validation: list[Record], seed: int) -> Predict:
    """Logistic regression on the frozen encoder's vectors.

    C is chosen on the validation rows, or by cross-validation where a system sees none.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    from finetune.serving import shared_encoder

    encoder = shared_encoder(DEFAULT_ENCODER, ENCODERS)

    def vectors(rows: Sequence[Record]) -> Any:  # noqa: ANN401 - floats (n, D)
        return encoder.encode([row["text"] for row in rows])

    names = label_names(train, task)
    wanted = indicators(train, names) if task == "multi" else [row["label"] for row in train]

    def fitted(c: float, features: Any, targets: Any) -> Any:  # noqa: ANN401 - scikit-learn's
        model = LogisticRegression(C=c, max_iter=1000)
        return (OneVsRestClassifier(model) if task == "multi" else model).fit(features, targets)

    features = vectors(train)
    if validation:
        seen = vectors(validation)
        scores = {
            c: quality(task, _answers(task, fitted(c, features, wanted), seen, names), validation)
            for c in C_GRID
        }
    else:
        scores = dict.fromkeys(C_GRID, 0.0)
        for held, rest in folds(task, train, seed):
            kept = wanted[rest] if task == "multi" else [wanted[place] for place in rest]
            for c in C_GRID:
                model = fitted(c, features[rest], kept)
                scores[c] += quality(
                    task, _answers(task, model, features[held], names), [train[n] for n in held]
                )
    best = fitted(max(scores, key=lambda c: scores[c]), features, wanted)
    return lambda rows: _answers(task, best, vectors(rows), names)


def _answers(task: str, model: Any, features: Any, names: list[str]) -> Answers:  # noqa: ANN401
    probabilities = model.predict_proba(features)
    if task == "multi":
        return multi_answers(probabilities >= SURE, names)
    return intent_answers(probabilities, list(model.classes_))


def folds(task: str, train: list[Record], seed: int) -> list[tuple[Any, Any]]:
    """(held-out places, others) of each fold; stratified where a row has one label."""
    from sklearn.model_selection import KFold, StratifiedKFold

    if task == "multi":
        split = KFold(FOLDS, shuffle=True, random_state=seed).split(train)
    else:
        kind = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        split = kind.split(train, [row["label"] for row in train])
    return [(held, rest) for rest, held in split]


def quality(task: str, answers: Answers, rows: Sequence[Record]) -> float:
    """Accuracy, or micro F1 where several labels may be right."""
    pairs = list(zip(answers["said"], (row["label"] for row in rows), strict=True))
    if task != "multi":
        return float(np.mean([said == want for said, want in pairs]))
    sets = [({*a.split("|")} - {OOS, ""}, {*b.split("|")} - {OOS, ""}) for a, b in pairs]
    return micro_f1([(len(a & b), len(a), len(b)) for a, b in sets])


def _imported(system: str, task: str) -> Callable[..., Any]:
    """What trains the peer; importing libraries and a machine's one export are no training."""
    if system == "trainer":
        from benchmarks.finetune.plain_trainer import tag_trainer, text_trainer

        return tag_trainer if task == "ner" else text_trainer
    import sklearn.linear_model
    import sklearn.multiclass
    import sklearn.svm  # noqa: F401 - imported ahead of the clock

    if system == "logreg":
        from finetune.serving import shared_encoder

        shared_encoder(DEFAULT_ENCODER, ENCODERS)
    return {"svm": svm, "logreg": logreg}[system]


def main(
    system: str,
    task: str,
    folder: Path,
    seed: Annotated[int, typer.Option()] = 0,
    epochs: Annotated[float, typer.Option()] = 5,
    batch_size: Annotated[int, typer.Option()] = 32,
    lr: Annotated[float | None, typer.Option(help="none: the library's own")] = None,
) -> None:
    """Train one peer and answer validation and test."""
    train = read_records(folder / "seen" / "train.jsonl")
    may_see = folder / "seen" / "validation.jsonl"
    choose_by = read_records(may_see) if may_see.exists() else []
    extra: dict[str, Any] = {}
    make = _imported(system, task)
    start = time.perf_counter()
    if system == "trainer":
        predict, extra["loop_s"] = make(task, train, epochs, batch_size, lr, seed)
    else:
        predict = make(task, train, choose_by, seed)
    result = {"train_s": round(time.perf_counter() - start, 2), **extra}
    for name in ("validation", "test"):
        result[name] = predict(read_records(folder / f"{name}.jsonl"))
    sys.stdout.write("\n" + json.dumps(result) + "\n")


if __name__ == "__main__":
    typer.run(main)
