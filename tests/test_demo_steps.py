"""What `deskhand demo` does before its page is up: only what is missing, beside each other."""

import logging

import pytest

from apps.verbs.demo import Step, _run_beside
from data.errors import DeskhandError

FINE, WRONG = ("--help",), ("predict", "no/such/run", "hello")


def test_steps_that_are_made_are_not_run_again(tmp_path, caplog):
    made = tmp_path / "made"
    made.touch()
    with caplog.at_level(logging.INFO):
        _run_beside([[Step("one", made, WRONG)], [Step("two", tmp_path / "missing", FINE)]])
    assert "preparing one" not in caplog.text
    assert "two took" in caplog.text


def test_a_step_that_fails_names_its_command_ends_its_lane_and_lets_the_other_end(
    tmp_path, caplog, capsys
):
    missing = tmp_path / "missing"
    lanes = [
        [Step("one", missing, WRONG), Step("two", missing, FINE)],
        [Step("three", missing, FINE)],
    ]
    with caplog.at_level(logging.INFO), pytest.raises(DeskhandError, match="one.*no/such/run"):
        _run_beside(lanes)
    assert "preparing two" not in caplog.text
    assert "three took" in caplog.text
    assert capsys.readouterr().err.startswith("one: ")  # what the command itself said
