"""Fitting how probable it is that a passage answers, on messages whose answers are known."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import softmax

from apps.backtest.passing import passed_on
from apps.backtest.replaying import points
from apps.customer_service.config import CostsConfig
from apps.customer_service.fitness import (
    FEATURES,
    NONE,
    Competing,
    Fitness,
    Floats,
    named,
)
from apps.customer_service.phrases import small_talk
from apps.customer_service.questions import rule_questions
from apps.customer_service.readings import Message, Readings
from data.errors import LogFormatError
from data.schema import Conversation, Entity, Passage, Turn
from finetune.intent.model import IntentModel, IntentPrediction
from finetune.ner.model import NerModel
from retrieval.index import Index
from retrieval.questions import Question

FOLDS, TIMES = 5, 4
_PULL = 1e-4  # of the weights' squares, towards 0
_START = {"score": 20.0, "intent": 3.0, "words": 8.0, "none": 12.0}

# Which of the passages come to the same as what a person answered to a message.
Serves = Callable[[str, str, Sequence[Passage]], Sequence[bool]]


@dataclass(frozen=True, slots=True)
class Labelled:
    """What competes for a message, and which of the m passages answer it.

    `answerable` may hold though none of them does.
    """

    found: Competing
    answers: NDArray[np.bool_]
    answerable: bool


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was fitted, and its shares in [0, 1] of messages that the weights were not fitted on.

    `right` and `wrong` are of the answerable ones; `refused` of those that nothing answers.
    """

    fitness: Fitness
    answerable: int
    unanswerable: int
    right: float
    wrong: float
    refused: float

    def values(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def labelled(
    questions: Sequence[Question], index: Index, intents: IntentModel, entities: NerModel
) -> list[Labelled]:
    """Questions that stand alone, as the bot would see them."""
    readings, rows = Readings(intents), []
    texts = [question.text for question in questions]
    read = zip(questions, intents.predict(texts), entities.predict(texts), strict=True)
    for question, said, named_ in read:
        conversation = Conversation("", turns=(Turn("customer", question.text),))
        found = _found(readings, index, conversation, said, named_)
        answers = [passage.id in question.relevant for passage in found.passages]
        rows.append(_row(found, answers, bool(question.relevant)))
    return rows


def labelled_log(
    log: Iterable[Conversation],
    index: Index,
    intents: IntentModel,
    entities: NerModel,
    serves: Serves,
    acted: Collection[str] = (),
) -> Iterator[Labelled]:
    """Messages that a person answered in the midst of a conversation, as the bot would see them.

    What serves as the person's answer answers them; nothing does where the person passed them on.
    Answers that are marked as bad tell nothing, and what the bot does not look up is left out:
    small talk, and the intents in `acted` where no rule is asked for.
    """
    readings = Readings(intents)
    for conversation in log:
        for point in points(conversation):
            text = point.before.turns[-1].text
            first = not any(turn.speaker == "agent" for turn in point.before.turns)
            if first or point.human.gold == "bad" or small_talk(text, asked=False):
                continue
            said = intents.predict([text])[0]
            if said.intent.name in acted and not rule_questions(text):
                continue
            named_ = entities.predict([text])[0]
            found = _found(readings, index, point.before, said, named_, conversation.id)
            answers = [False] * len(found.passages)
            if not passed_on(point.human):
                answers = list(serves(text, point.human.text, found.passages))
            yield _row(found, answers, any(answers))


def _found(
    readings: Readings,
    index: Index,
    conversation: Conversation,
    said: IntentPrediction,
    entities: Sequence[Entity],
    own: str = "",
) -> Competing:
    """What competes for the last message, without what the index has of this conversation."""
    text, values = conversation.turns[-1].text, {each.type: each.text for each in entities}
    found = readings.competing(index, Message(text, said, entities, conversation, values))
    kept = np.array([not own or not each.id.startswith(f"{own}:") for each in found.passages])
    if kept.all():
        return found
    place = np.cumsum(kept) - 1
    rows = kept[found.of]
    passages = tuple(each for each, stays in zip(found.passages, kept, strict=True) if stays)
    return Competing(passages, found.rows[rows], place[found.of[rows]], found.message)


def _row(found: Competing, answers: Sequence[bool], answerable: bool) -> Labelled:
    return Labelled(found, np.array(answers, dtype=np.bool_), answerable)


def fit(
    rows: Sequence[Labelled], name: str, costs: CostsConfig, log: Sequence[Labelled] = ()
) -> Fitted:
    """Weights of all rows; the thresholds are the best for rows that they were not fitted on.

    Which passage answers is learned from the questions. What a judge finds in a log is less exact:
    from it is learned only how probable an answer must be where a person has led the conversation.

    Args:
        rows: Questions that stand alone, answerable and not.
        name: What they are called.
        costs: What a wrong answer, a hand-over and a needless passage cost.
        log: Messages in the midst of conversations.

    Raises:
        LogFormatError: If one kind is missing.
    """
    known = np.array([row.answerable for row in rows], dtype=np.bool_)
    if not 0 < known.sum() < len(rows):
        raise LogFormatError(
            f"{name}: questions are needed that a passage answers, and some that nothing does"
        )
    beside = costs.beside / (costs.beside + costs.wrong)
    chances, right = np.zeros((TIMES, len(rows))), np.zeros((TIMES, len(rows)), dtype=np.bool_)
    for time in range(TIMES):
        folds = np.random.default_rng(time).permutation(len(rows)) % FOLDS
        for fold in range(FOLDS):
            rest = [row for row, part in zip(rows, folds, strict=True) if part != fold]
            weights = _weights(rest)
            for place in np.flatnonzero(folds == fold).tolist():
                chances[time, place], right[time, place] = _said(rows[place], weights, beside)
    threshold = _threshold(chances.ravel(), right.ravel(), costs)
    weights, led = _weights(rows), threshold
    if log:
        said = [_said(row, weights, beside) for row in log]
        led = _threshold(np.array([s[0] for s in said]), np.array([s[1] for s in said]), costs)
    answered = chances >= threshold
    counts = f"{name}: {known.sum()} answerable, {(~known).sum()} unanswerable questions"
    return Fitted(
        Fitness(weights, threshold, led, beside, counts),
        int(known.sum()),
        int((~known).sum()),
        float((answered & right)[:, known].mean()),
        float((answered & ~right)[:, known].mean()),
        float((~answered)[:, ~known].mean()),
    )


def _said(row: Labelled, weights: Mapping[str, float], beside: float) -> tuple[float, bool]:
    """How probable the answer to a message is, and whether it is right."""
    if not len(row.answers):
        return 0.0, False
    fitness = Fitness(weights, 0.0, 0.0, beside)
    chances = fitness.probabilities(row.found)
    said = fitness.said(chances)
    return float(chances[said].sum()), bool(row.answers[said].any())


def _threshold(chances: Floats, right: NDArray[np.bool_], costs: CostsConfig) -> float:
    """The probability from which on answering costs least: a right answer saves a hand-over."""
    order = np.argsort(-chances, kind="stable")
    saved = np.where(right[order], costs.hand_over, costs.hand_over - costs.wrong)
    gains = np.cumsum(saved)
    last = int(gains.argmax())
    sums = [*chances[order].tolist(), 0.0]
    return float(sums[last] + sums[last + 1]) / 2


def _weights(rows: Sequence[Labelled]) -> dict[str, float]:
    """The weights of FEATURES and NONE, by maximum likelihood.

    A question whose answer was not found tells nothing.
    """
    told = [row for row in rows if row.answers.any() or not row.answerable]
    cut, names = len(FEATURES), (*FEATURES, *NONE)
    designs = []
    for row in told:
        features = np.zeros((len(row.found.rows) + 1, len(names)))
        features[:-1, :cut], features[-1, cut:] = row.found.rows, row.found.message
        designs.append((features, np.append(row.answers[row.found.of], not row.answerable)))

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, slope = _PULL * float(weights @ weights), 2 * _PULL * weights
        for features, is_right in designs:
            chances = softmax(features @ weights)
            share = np.where(is_right, chances, 0) / chances[is_right].sum()
            total -= np.log(chances[is_right].sum()) / len(told)
            slope += (chances - share) @ features / len(told)
        return total, slope

    start = np.array([_START.get(name, 0.0) for name in names])
    return named(minimize(loss, start, jac=True, method="L-BFGS-B").x.tolist())
