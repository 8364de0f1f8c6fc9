"""BANKING77 (Casanueva et al. 2020): 77 intents, the full training set, the official test set."""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.shell import ROOT, deskhand, row
from data.rows import read_rows


def run(datasets: Path) -> list[dict[str, Any]]:
    """Train, and compare with what people would reach for otherwise."""
    folder = (datasets / "banking77").resolve()
    with tempfile.TemporaryDirectory() as work:
        result, seconds = deskhand(
            Path(work), "train", "intent",
            "--config", ROOT / "finetune" / "configs" / "intent_full.yaml",
            "--data", folder / "train.csv", "--eval", folder / "test.csv",
            "--label-column", "category", "--out", "run",
        )  # fmt: skip
        before, after = result["test"]["before"], result["test"]["after"]
    svm = tfidf_svm(folder / "train.csv", folder / "test.csv", "category")
    return [
        row("accuracy, full tuning beside words", after["accuracy_no_refusal"], "0.935",
            f"TF-IDF + linear SVM {svm:.4f}; frozen encoder + logistic head "
            f"{before['accuracy_no_refusal']:.4f}"),
        row("accuracy, refusals counted as wrong", after["accuracy"]),
        row("macro F1", after["macro_f1"]),
        row("expected calibration error", after["ece"], "", f"before {before['ece']:.4f}"),
        row("training and scoring, s", round(seconds)),
    ]  # fmt: skip


def tfidf_svm(train: Path, test: Path, label: str, text: str = "text") -> float:
    """Test accuracy of word and word-pair TF-IDF with a linear SVM, scikit-learn's defaults."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    rows, held_out = list(read_rows(train)), list(read_rows(test))
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = LinearSVC().fit(
        vectorizer.fit_transform([r.values[text] for r in rows]), [r.values[label] for r in rows]
    )
    features = vectorizer.transform([r.values[text] for r in held_out])
    return float(model.score(features, [r.values[label] for r in held_out]))
