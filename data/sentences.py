"""Where sentences end, in English and in Chinese."""

import re
from collections.abc import Iterator

_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’)\]]*+(?=\s)|[。！？]+[\"”’」』）)]*")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:mr|mrs|ms|dr|prof|st|no|nr|vs|approx|fig|art|inc|ltd|e\.g|i\.e|z\.b|[a-z])\.$",
    re.IGNORECASE,
)


def sentences(text: str) -> Iterator[str]:
    """The sentences of a paragraph, each with the space that follows it; together the text."""
    start = 0
    for found in _END.finditer(text):
        after = text[found.end() : found.end() + 2].lstrip()[:1]
        before = text[max(start, found.end() - 12) : found.end()]
        if found[0] == "." and (after.islower() or _ABBREVIATION.search(before)):
            continue
        end = found.end()
        while end < len(text) and text[end].isspace():
            end += 1
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


def spans(text: str) -> list[tuple[int, int]]:
    """Characters [start, end) of each sentence, in order, without the space around it.

    Ends of lines end sentences too. Every character that is no white space is in exactly one.
    """
    found = []
    start = 0
    for line in text.splitlines(keepends=True):
        for sentence in sentences(line):
            end = start + len(sentence)
            first = end - len(sentence.lstrip())
            last = start + len(sentence.rstrip())
            if first < last:
                found.append((first, last))
            start = end
    return found
