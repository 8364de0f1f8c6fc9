"""What may answer a message: its readings, what each finds, and what tells how well that fits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

import numpy as np

from apps.customer_service.fitness import FEATURES, Competing, Floats
from apps.customer_service.questions import follow_up, questions
from apps.customer_service.selection import fill, reusable
from data.schema import Conversation, Entity, Passage
from finetune.intent.model import IntentModel, IntentPrediction
from finetune.ner.model import NerModel
from retrieval.filters import Filter
from retrieval.index import Index

FOUND = 12  # passages that compete for a reading
# Which thing or whom a message is about: no words that tell what is asked.
_NAMES = frozenset({"order_number", "tracking_number", "email", "phone", "person", "product"})
_SAME = 0.3  # of the words of a message's products that a passage about a product must hold
# What a thing is and can do, and what is in nobody's scope, is asked in more ways than pages tell:
# what answers has at least these scores.
_CLOSE = {"product_question": 0.44, None: 0.4}
_TITLES = 5000  # titles whose intents are kept
_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Message:
    """A customer's message as the models read it.

    `values` is what is known of the customer, type to text; `told` are the passages that the answer
    before said, which a message that goes on from it does not ask for again.
    """

    text: str
    read: IntentPrediction
    entities: Sequence[Entity]
    conversation: Conversation
    values: Mapping[str, str]
    told: Collection[str] = ()


class Readings:
    """Finds what may answer a message.

    Args:
        intents: The intent run, for parts of messages and for titles of passages.
        entities: The ner run, which tells whether a title is about a product. With it passages of
            other products, and those too far from a message of an open kind, are left out.
    """

    def __init__(self, intents: IntentModel, entities: NerModel | None = None) -> None:
        self._intents, self._entities = intents, entities
        self._titles: dict[str, IntentPrediction] = {}
        self._named: dict[str, bool] = {}

    def intents(self, texts: Sequence[str]) -> list[IntentPrediction]:
        """What each text is taken for."""
        return self._intents.predict(texts) if texts else []

    def sure(self, read: IntentPrediction) -> bool:
        """Whether an intent is sure."""
        return read.intent.name is not None and read.intent.confidence >= self._intents.levels.sure

    def competing(self, index: Index, message: Message, asked: Sequence[str] = ()) -> Competing:
        """The passages that the readings find and that may be said, filled.

        Args:
            index: Where they are looked for.
            message: What was said.
            asked: Questions in it that alone are to be answered; else all of it, or any in it.
        """
        follows = "" if asked else follow_up(message.text, message.conversation)
        texts = list(dict.fromkeys(asked or (message.text, *questions(message.text))))
        texts += [follows] if follows else []
        parts = [text for text in texts if text != message.text]
        reads = dict(zip(parts, self._intents.predict(parts), strict=True))
        reads[message.text] = message.read
        every = [message.text, *parts]
        vectors = dict(zip(every, index.vectors_of(every), strict=True))
        found: dict[str, list[Passage]] = {}
        for text in every:
            told = message.told if text == follows else ()
            passages = index.search(
                text, FOUND, where=Filter(valid_on=date.today()), vector=vectors[text]
            )
            found[text] = [
                replace(passage, text=filled)
                for passage in self._kept(index, message, passages)
                if passage.id not in told
                and reusable(passage)
                and (filled := fill(passage.text, message.values)) is not None
            ]
        return self._rows(index, message, texts, found, reads)

    def _kept(self, index: Index, message: Message, passages: Sequence[Passage]) -> list[Passage]:
        """Those that are close enough, and not about one product where the message names another.

        A title that names a product is about that alone; whether it is the message's is told by its
        words in the passage, or in a known question that leads to it.
        """
        if self._entities is None:
            return list(passages)
        least = _CLOSE.get(message.read.intent.name, 0.0)
        passages = [each for each in passages if each.score >= least]
        named = [entity.text for entity in message.entities if entity.type == "product"]
        if not named:
            return list(passages)
        shares = index.word_shares(" ".join(named), [passage.id for passage in passages])
        return [
            passage
            for passage, share in zip(passages, shares, strict=True)
            if share >= _SAME or not self._names_product(passage.title)
        ]

    def _names_product(self, title: str) -> bool:
        assert self._entities is not None
        if title not in self._named:
            found = self._entities.predict([title])[0]
            self._named[title] = any(entity.type == "product" for entity in found)
        return self._named[title]

    def _rows(
        self,
        index: Index,
        message: Message,
        texts: Sequence[str],
        found: Mapping[str, Sequence[Passage]],
        reads: Mapping[str, IntentPrediction],
    ) -> Competing:
        unique = {passage.id: passage for text in texts for passage in found[text]}
        place = {identity: number for number, identity in enumerate(unique)}
        # What the whole did not find among its first is no closer to it than the last of these.
        scores = {passage.id: passage.score for passage in found[message.text]}
        least = min(scores.values(), default=0.0)
        far = [replace(each, score=scores.get(each.id, least)) for each in unique.values()]
        whole = self._features(index, message, message.text, message.read, far)
        rows, of = [np.zeros((0, len(FEATURES)))], []
        for text in texts:
            at = [place[passage.id] for passage in found[text]]
            part = whole[at]
            if text != message.text:
                part = self._features(index, message, text, reads[text], found[text])
            rows.append(np.hstack([whole[at], (part - whole[at])[:, :3]]))
            of += at
        return Competing(
            tuple(unique.values()),
            np.vstack(rows),
            np.array(of, dtype=np.int64),
            np.array([1.0, message.read.scope]),
        )

    def _features(
        self,
        index: Index,
        message: Message,
        text: str,
        read: IntentPrediction,
        passages: Sequence[Passage],
    ) -> Floats:
        """Score, intent, words and colleague of each of m passages, (m, 4)."""
        asked = without(text, [entity for entity in message.entities if entity.type in _NAMES])
        shares = index.word_shares(asked, [passage.id for passage in passages])
        rows = [
            (
                passage.score,
                alike(read, title),
                share,
                float(passage.metadata.get("kind") == "conversation"),
            )
            for passage, title, share in zip(
                passages, self._of_titles(passages), shares, strict=True
            )
        ]
        return np.array(rows, dtype=np.float64).reshape(len(rows), 4)

    def read_ahead(self, index: Index) -> None:
        """Read the titles of an index's first passages, which turns would have to wait for."""
        passages = islice(index.passages, _TITLES)
        while some := list(islice(passages, _AT_ONCE)):
            self._of_titles(some)

    def _of_titles(self, passages: Sequence[Passage]) -> list[IntentPrediction]:
        texts = [passage.title or passage.text for passage in passages]
        # Other threads read titles too: what this one needs is held apart from what is kept.
        known = {text: read for text in texts if (read := self._titles.get(text)) is not None}
        new = list(dict.fromkeys(text for text in texts if text not in known))
        known |= dict(zip(new, self._intents.predict(new), strict=True))
        if len(self._titles) + len(new) > _TITLES:
            self._titles.clear()
        self._titles |= {text: known[text] for text in new}
        return [known[text] for text in texts]


def alike(one: IntentPrediction, other: IntentPrediction) -> float:
    """How far two texts are taken for the same intents, in [0, 1]: Bhattacharyya's coefficient."""
    theirs = dict(other.top)
    return float(sum((p * theirs[name]) ** 0.5 for name, p in one.top if name in theirs))


def without(text: str, entities: Sequence[Entity]) -> str:
    """The text without the words of those spans."""
    for entity in entities:
        text = text.replace(entity.text, " ")
    return text
