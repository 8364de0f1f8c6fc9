"""Where nobody sees a bar, a line now and then says how far a training is."""

import logging
from types import SimpleNamespace

import pytest

from finetune import progress


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


def told(clock, caplog, first, steps, seconds_a_step):
    lines, state = progress.Lines(), SimpleNamespace(global_step=first, max_steps=steps)
    with caplog.at_level(logging.INFO):
        lines.on_train_begin(None, state, None)
        for step in range(first + 1, steps + 1):
            clock.seconds += seconds_a_step
            state.global_step = step
            lines.on_step_end(None, state, None)
    return [record.getMessage() for record in caplog.records]


def test_a_short_training_tells_nothing(clock, caplog):
    assert told(clock, caplog, 0, 9, 1.0) == []


def test_lines_come_ever_further_apart_and_say_what_is_left(clock, caplog):
    lines = told(clock, caplog, 0, 3600, 1.0)
    assert lines[0] == "step 10 of 3600, about 59.8 minutes left"
    assert lines[9] == "step 100 of 3600, about 58.3 minutes left"
    assert 30 < len(lines) < 60


def test_a_training_that_goes_on_reckons_with_its_own_steps_alone(clock, caplog):
    assert told(clock, caplog, 50, 62, 6.0)[0] == "step 52 of 62, about 1.0 minutes left"
