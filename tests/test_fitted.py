"""Figures of rows that something was fitted on say so: printed, in the report and on the card."""

import sys

import pytest

from apps.cli import main
from finetune.report import fitted_note
from finetune.run_dir import RunDir
from tests.conftest import intent_rows, write_lines

pytestmark = pytest.mark.usefixtures("here")
TOLD = "On these validation rows calibration and thresholds were fitted:"


def config(fitted_on, task="intent", method="full", patience=0):
    train = {"task": task, "method": method, "optim": {"patience": patience}}
    return {"train": train, "fitted_on": fitted_on}


@pytest.mark.parametrize(
    ("values", "split", "told"),
    [
        (config("100 rows, validation"), "validation", "calibration and thresholds were fitted:"),
        (config("100 rows, validation"), "test", ""),
        (config("100 rows, cross-validation", method="head"), "validation", ""),
        (
            config("nothing: no confidence is given", "ner", patience=2),
            "validation",
            "rows the pass",
        ),
        (config("9 rows, cross-validation", method="head", patience=2), "validation", ""),
        (
            config("9 rows, validation", patience=1),
            "validation",
            "fitted and the pass that is kept",
        ),
    ],
)
def test_a_note_stands_where_the_rows_chose_something(values, split, told):
    note = fitted_note(values, split)
    assert told in note
    assert bool(note) == bool(told)


@pytest.mark.parametrize(("method", "said"), [("full", True), ("head", False)])
def test_a_run_without_test_rows_says_so_three_times(
    method, said, tiny, tmp_path, monkeypatch, capsys
):
    for split in ("train", "validation"):
        write_lines(tmp_path / "rows" / f"{split}.jsonl", intent_rows())
    settings = {"encoder": tiny, "method": method, "optim.max_steps": 2, "threads": 1}
    monkeypatch.setattr(
        sys, "argv",
        ["deskhand", "train", "intent", "--data", str(tmp_path / "rows"), "--out",
         str(tmp_path / "run"),
         *(word for key, value in settings.items() for word in ("--set", f"{key}={value}"))],
    )  # fmt: skip
    main()
    run = RunDir(tmp_path / "run")
    for text in (capsys.readouterr().out, run.report.read_text(), run.card.read_text()):
        assert (TOLD in text) is said
