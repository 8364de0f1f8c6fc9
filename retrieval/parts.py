"""The parts of a passage that get rows of their own in an index.

A passage that says five things has a vector between them. A row for its title lets a question meet
what it is about.
"""

from collections.abc import Iterator

from data.schema import Passage
from data.sentences import spans

SHORTEST = 15  # characters: what is shorter ("Yes.") says nothing on its own


def part_rows(passage: Passage, with_sentences: bool = False) -> Iterator[tuple[str, str]]:
    """(text, the passage's id) of each further row: its title, and each of several sentences.

    A conversation has none: it is found by its question alone. Sentences did not help where they
    were measured, and are left out; see BENCHMARKS.md.
    """
    if passage.metadata.get("kind") == "conversation":
        return
    if passage.title:
        yield passage.title, passage.id
    told = [(start, end) for start, end in spans(passage.text) if end - start >= SHORTEST]
    if with_sentences and len(told) > 1:
        for start, end in told:
            yield passage.text[start:end], passage.id
