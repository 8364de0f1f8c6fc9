"""Which answers of a log a model learns to write, and where they were given."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from data.dialogue import hidden_example
from data.errors import LogFormatError
from data.schema import Example, Situation
from finetune.config import TrainConfig


def taught(examples: Sequence[Example], config: TrainConfig) -> list[Example]:
    """The trusted answers whose values the conversation shows, at most as many as asked for.

    Of a drawn share of them the step is hidden, so that the text is still listened to.

    Raises:
        LogFormatError: If fewer than two are left.
    """
    trusted = [each for each in examples if each.weight >= config.dialogue.min_weight]
    shown = [each for each in trusted if hidden_example(each)[1] is not None]
    if len(shown) < 2:
        where = examples[0].where if examples else "training rows"
        raise LogFormatError(
            f"{where}: fewer than two answers can be learned from; more conversations are needed"
        )
    most = config.dialogue.max_rows
    if most and len(shown) > most:
        order = np.random.default_rng(config.seed).permutation(len(shown))[:most]
        shown = [shown[place] for place in np.sort(order)]
    hidden = np.random.default_rng([config.seed, 1]).random(len(shown)) < config.dialogue.hide_step
    return [_stepless(each) if hides else each for each, hides in zip(shown, hidden, strict=True)]


def situations_of(examples: Sequence[Example]) -> list[Situation]:
    """The situations of the examples that have one."""
    return [each.situation for each in examples if each.situation is not None]


def _stepless(example: Example) -> Example:
    assert example.situation is not None
    return replace(example, situation=replace(example.situation, step=None))
