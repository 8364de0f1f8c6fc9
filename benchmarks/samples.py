"""The sample company: every model on its separately written test set."""

import tempfile
from pathlib import Path
from typing import Any

from benchmarks.finetune.peers import tfidf_svm
from benchmarks.shell import SAMPLES, deskhand, row


def run(datasets: Path) -> list[dict[str, Any]]:
    """Train as the demo does, and measure."""
    turns = SAMPLES / "turns"
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        intent, intent_s = deskhand(
            work, "train", "intent", "--data", turns, "--out", "runs/intent"
        )
        ner, ner_s = deskhand(work, "train", "ner", "--data", turns, "--out", "runs/ner")
        hard, _ = deskhand(work, "evaluate", "runs/intent", "--data", turns / "test_indirect.jsonl")
        deskhand(work, "prepare", SAMPLES / "conversations.jsonl", "--out", "logs")
        reply, reply_s = deskhand(work, "train", "reply", "--data", "logs", "--out", "runs/reply")
    svm = tfidf_svm(turns / "train.jsonl", turns / "test.jsonl", "label")
    first, last = intent["test"]["before"], intent["test"]["after"]
    return [
        row("intent accuracy in scope, refusals wrong", last["in_scope_accuracy"], "0.92",
            f"frozen encoder + logistic head {first['in_scope_accuracy']:.4f}"),
        row("intent accuracy in scope, nothing refused", last["accuracy_no_refusal"], "",
            f"before {first['accuracy_no_refusal']:.4f}"),
        row("out-of-scope turns refused", last["oos_recall"], "0.80",
            f"before {first['oos_recall']:.4f}"),
        row("accuracy over all turns", last["accuracy"], "",
            f"TF-IDF + linear SVM {svm:.4f} (at most 0.85: the turns must not be too easy)"),
        row("expected calibration error", last["ece"], "", f"before {first['ece']:.4f}"),
        row("accuracy on the 96 indirect turns kept apart", hard["accuracy_no_refusal"]),
        row("entity F1, exact spans", ner["test"]["after"]["entity_f1"], "0.90",
            f"frozen encoder + linear head {ner['test']['before']['entity_f1']:.4f}"),
        row("reply, right answer first of 10", reply["test"]["after"]["recall_at_1_of_10"], "",
            f"before {reply['test']['before']['recall_at_1_of_10']:.4f}"),
        row("training intent · ner · reply, s", f"{intent_s:.0f} · {ner_s:.0f} · {reply_s:.0f}"),
    ]  # fmt: skip


def faq(datasets: Path) -> list[dict[str, Any]]:
    """The FAQ questions over the FAQ, without and with the known questions as further rows."""
    questions = SAMPLES / "questions"
    fit: list[str | Path] = ["--fit", questions / "fit.jsonl"]
    known: list[str | Path] = ["--questions", questions / "train.jsonl"]
    rows = []
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for label, options in (("titles and answers alone", fit), ("known questions", known + fit)):
            made, _ = deskhand(work, "index", SAMPLES / "faq.md", "--out", "index", *options)
            found, _ = deskhand(work, "evaluate", "index", "--data", questions / "test.jsonl")
            refused, _ = deskhand(
                work, "evaluate", "index", "--data", questions / "test_unanswerable.jsonl"
            )
            aim = "0.92" if options is not fit else ""
            rows += [
                row(f"right FAQ entry in the first 3, {label}", found["recall_at_3"], aim,
                    f"first {found['recall_at_1']:.4f}, MRR {found['mrr']:.4f}, "
                    f"weight of vectors {made['dense_weight']}"),
                row(f"unanswerable questions refused, {label}", refused["refused"], "",
                    f"answerable ones answered {found['answered']:.4f}"),
            ]  # fmt: skip
    return rows
