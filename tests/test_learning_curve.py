"""What a report says of more rows, and of why rows went wrong."""

import numpy as np
import pytest

from finetune.checks.learning import learning_curve
from finetune.config import HeadConfig
from finetune.head import fit_head
from finetune.report import report_html
from finetune.report.why import why
from finetune.train import train
from tests.conftest import intent_rows, small, write_lines


def test_more_rows_of_a_hard_problem_help_and_the_last_point_is_the_head():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(8, 16))
    gold = rng.integers(0, 8, 700)
    vectors = centres[gold] + rng.normal(size=(700, 16))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    names = [f"label {number}" for number in gold]
    head = fit_head(vectors[:400], names[:400], HeadConfig(), 0)
    found = learning_curve(vectors[:400], names[:400], head, vectors[400:], names[400:], 0)
    points = found.points
    assert found.metric == "accuracy"
    assert [rows for rows, _ in points] == [40, 100, 200, 400]
    assert points[-1][1] > points[0][1]
    said = np.array(head.labels)[head.logits(vectors[400:]).argmax(axis=1)]
    assert points[-1][1] == pytest.approx(np.mean(said == np.array(names[400:])))
    assert found == learning_curve(vectors[:400], names[:400], head, vectors[400:], names[400:], 0)


def test_words_of_a_wrong_row_are_shaded_and_cannot_act():
    said = "<b>where</b> is it & " + "x" * 500
    words = [["<", 0, 1, -0.5], ["where", 3, 8, 2.0], ["x" * 500, 21, 521, 1.0]]
    page = why([{"text": said, "label": "a<b", "predicted": "c", "words": words}])
    assert "<span style='background:rgba(0,114,178,0.60)' title='+2.00'>where</span>" in page
    assert "rgba(213,94,0,0.15)" in page
    assert "<b>where" not in page
    assert "a&lt;b" in page
    assert len(page) < 1500
    assert why([]) == ""


@pytest.mark.usefixtures("here")
def test_a_report_tells_why_what_more_rows_bring_and_what_it_took(tiny, tmp_path):
    rows = intent_rows()
    wrong = [{**row, "label": "login"} for row in rows if row["label"] == "refund"]
    write_lines(tmp_path / "train.jsonl", rows)
    write_lines(tmp_path / "validation.jsonl", [*rows, *wrong])
    optim = {"batch_size": 10, "epochs": 2, "lr": 1e-3, "patience": 2}
    run = train(small("intent", tiny, optim=optim), tmp_path, tmp_path / "run").run
    page = run.report.read_text(encoding="utf-8")
    for section in ("why", "learning", "losses", "cost"):
        assert f"<h2 id={section}>" in page, section
    assert "By a quick linear model on the untuned encoder" in page
    assert "eval_loss" in run.log.read_text()
    peak = run.read_config()["peak"]
    assert 0.05 < peak["memory_gib"] < 100
    assert "peak memory" in page
    assert page == page.replace("<script", "")


def test_a_report_without_them_has_no_such_sections():
    config = {"train": {"task": "ner", "method": "full", "encoder": "e", "seed": 0},
              "rows": {"train": 1}, "seconds": 1.0}  # fmt: skip
    page = report_html("mine", config, {}, {})
    assert "<h2 id=why>" not in page
    assert "<h2 id=learning>" not in page
