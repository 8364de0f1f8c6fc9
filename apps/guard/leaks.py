"""Sentences of the text that told a model what to do, said to a customer."""

import re
from collections.abc import Iterator

from apps.guard.finding import Finding

RUN = 6  # words in a row that are no coincidence
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W_\u3400-\u9fff]+")


def leaks(answer: str, system: str, known: str) -> Iterator[Finding]:
    """A finding for each run of RUN words or more of `system` that `known` texts do not have.

    Case and punctuation make no difference.
    """
    secret = _runs([match.group().lower() for match in _WORD.finditer(system)])
    secret -= _runs([match.group().lower() for match in _WORD.finditer(known)])
    words = list(_WORD.finditer(answer))
    lower = [match.group().lower() for match in words]
    hits = [at for at in range(len(words) - RUN + 1) if tuple(lower[at : at + RUN]) in secret]
    begin = 0
    for place, at in enumerate(hits):
        if place + 1 == len(hits) or hits[place + 1] > at + RUN:
            start, end = words[hits[begin]].start(), words[at + RUN - 1].end()
            yield Finding("system", answer[start:end], start, end, "it is part of the instructions")
            begin = place + 1


def _runs(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[at : at + RUN]) for at in range(len(words) - RUN + 1)}
