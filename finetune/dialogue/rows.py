"""Which answers of a log a model learns to write."""

from collections.abc import Sequence

import numpy as np

from data.dialogue import hidden_example
from data.errors import LogFormatError
from data.schema import Example
from finetune.config import TrainConfig


def taught(examples: Sequence[Example], config: TrainConfig) -> list[Example]:
    """The trusted answers whose values the conversation shows, at most as many as asked for.

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
    if not most or len(shown) <= most:
        return shown
    order = np.random.default_rng(config.seed).permutation(len(shown))[:most]
    return [shown[place] for place in np.sort(order)]
