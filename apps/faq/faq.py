"""FAQ QA: a question → the entry that answers it, with its source, or "I don't know"."""

import time
from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from apps.app import State, clean, polite_refusal, since
from apps.explain import highlighted
from data.redact.spans import PLACEHOLDER
from data.schema import Answer, Conversation, Passage
from retrieval.filters import Filter
from retrieval.index import Index

KIND = "faq"
SHOWN = 3
RELATED = 3  # further questions under an answer
UNKNOWN = "I don't know: nothing here answers that."


class FaqApp:
    """Answer with the closest FAQ entry, or from what agents answered where there is no FAQ.

    Args:
        index: Holds FAQ entries or solved conversations; its fitted threshold decides when to say
            "I don't know".
        examples: Questions to begin with, for the page.
    """

    title = "FAQ"

    def __init__(self, index: Index, examples: tuple[str, ...] = ()) -> None:
        self._index = index
        self.examples = examples

    def answer(self, conversation: Conversation, state: State) -> Iterator[Answer]:
        """See App."""
        start = time.perf_counter()
        text = clean(conversation.turns[-1].text)
        refusal = polite_refusal(text)
        if refusal is not None:
            yield Answer(refusal, step="not_read", ms={"total": since(start)})
            return
        vector, near = self._near(text)
        found = near[:SHOWN]
        ms = {"search": since(start), "total": since(start)}
        if not self._index.answerable(found):
            yield Answer(UNKNOWN, passages=found, reason="no_answer", step="no_answer", ms=ms)
            return
        shown = tuple(highlighted(self._index.encoder, text, vector, found))
        ms |= {"highlight": since(start) - ms["search"], "total": since(start)}
        also = related(near, self._index.manifest.threshold)
        yield Answer(found[0].text, passages=shown, step="faq", ms=ms, related=also)

    def knows(self, question: str) -> bool:
        """Whether it has an answer."""
        text = clean(question)
        if polite_refusal(text) is not None:
            return False
        near = self._near(text)[1]
        return self._index.answerable(near[:SHOWN])

    def _near(self, text: str) -> tuple[NDArray[np.float32], tuple[Passage, ...]]:
        """The question's vector, and what is nearest to it."""
        self._index = self._index.current()  # someone may have added to it
        # An index without FAQ entries, made of a log alone, is searched whole.
        kinds = {"kind": KIND} if KIND in self._index.values("kind") else {}
        where = Filter.of(kinds, valid_on=date.today())
        vector = self._index.vector_of(text)
        passages = self._index.search(text, 3 * SHOWN, where=where, vector=vector)
        # What an agent said to one customer by name is not for another one.
        return vector, tuple(p for p in passages if not PLACEHOLDER.search(p.text))


def related(near: Sequence[Passage], threshold: float) -> tuple[str, ...]:
    """The questions of other FAQ entries that the same search found.

    They are close enough to answer, and at least half as close as the answer.

    Args:
        near: What was found, the answer first.
        threshold: Of the index.
    """
    first, *others = near
    floor = max(threshold, first.score / 2)
    titles = (p.title for p in others if p.score >= floor and p.metadata.get("kind") == KIND)
    asked = dict.fromkeys(title for title in titles if title and title != first.title)
    return tuple(asked)[:RELATED]
