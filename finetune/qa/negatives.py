"""Questions that a passage does not answer: those of other articles."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from data.schema import Example

_TRIES = 20  # passages looked at for one that does not hold the answer


def other_passages(examples: Sequence[Example], share: float, seed: int) -> list[Example]:
    """Questions with an answer, each put to a passage of another group that has no such text.

    Args:
        examples: Rows of `qa`.
        share: How many there are, for each question with an answer; questions are drawn again
            where it is above 1.
        seed: Of the draws.

    Returns:
        Rows without an answer. None where all passages are of one group.
    """
    asked = [example for example in examples if example.spans]
    passages = list({(row.passage or "", row.group) for row in examples})
    passages.sort(key=lambda each: (each[0], each[1] or ""))
    generator = np.random.default_rng(seed)
    wanted = round(share * len(asked))
    order = [row for _ in range(-(-wanted // max(1, len(asked))))
             for row in generator.permutation(len(asked))]  # fmt: skip
    found = []
    for row in order[:wanted]:
        example = asked[row]
        answers = [(example.passage or "")[start:end].lower() for start, end in example.spans]
        for place in generator.integers(0, len(passages), _TRIES):
            passage, group = passages[place]
            if group != example.group and not any(each in passage.lower() for each in answers):
                found.append(replace(example, passage=passage, spans=(), group=group))
                break
    return found
