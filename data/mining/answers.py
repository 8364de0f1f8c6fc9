"""(question, best answer) pairs from conversations, where "best" is learned from the log itself.

What came after an answer says how good it was: thanks, or "still not working"; the case solved, its
rating, whether it was reopened. Not every answer has such a sequel, so a small model learns from
those that have, and judges all.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from data.encoders import Encoder
from data.pairs import CONTEXT_CHARS, THANKS, WORD, ended_badly, merged, stands_alone
from data.schema import Conversation, Turn

MIN_JUDGED = 30  # answers with a sequel of either kind, before a model is fitted
KEEP = 0.5  # the least chance of being good that an answer is kept with
_REFUSES = re.compile(
    r"\b(?:still|but|not|no|isn't|isnt|doesn't|doesnt|wont|won't|wrong|again|already|really|"
    r"useless|ridiculous|joke)\b|[?？]{2}|不行|不对|没有用|还是",
    re.IGNORECASE,
)
_TAKES_BACK = re.compile(
    r"\b(?:sorry, (?:just )?checked|my mistake|i was wrong|got it wrong|mixed (?:it )?up|"
    r"correct myself|i misread|apologies, (?:i|that))\b|我弄错|搞错",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and its best answer, with placeholders for private values.

    `turn` is the answer's place among the conversation's merged turns, `chance` in [0, 1] that it
    was a good one.
    """

    conversation: str
    turn: int
    question: str
    answer: str
    chance: float


@dataclass(frozen=True, slots=True)
class _Candidate:
    conversation: Conversation
    turns: tuple[Turn, ...]
    place: int


def mine(log: Sequence[Conversation], encoder: Encoder | None = None, seed: int = 0) -> list[Pair]:
    """The best answer of each conversation that has a good one, in order of the log.

    Args:
        log: Conversations, redacted.
        encoder: Adds how near an answer is to what others answered to the same question.
        seed: Of the model.
    """
    candidates = [each for conversation in log for each in _candidates(conversation)]
    if not candidates:
        return []
    features = np.array([_features(each) for each in candidates])
    if encoder is not None:
        features = np.column_stack([features, _consensus(candidates, encoder)])
    chances = _judge(features, candidates, seed)
    best: dict[str, tuple[float, int]] = {}
    for number, candidate in enumerate(candidates):
        key = candidate.conversation.id
        if chances[number] >= KEEP and chances[number] > best.get(key, (0.0, -1))[0]:
            best[key] = float(chances[number]), number
    pairs = []
    for chance, number in best.values():
        chosen = candidates[number]
        question = next(turn.text for turn in chosen.turns if turn.speaker == "customer")
        answer = chosen.turns[chosen.place].text
        pairs.append(
            Pair(chosen.conversation.id, chosen.place, question[:CONTEXT_CHARS], answer, chance)
        )
    return pairs


def _candidates(conversation: Conversation) -> list[_Candidate]:
    """Answers of agents that stand on their own; none where the case ended badly."""
    if ended_badly(conversation):
        return []
    turns = tuple(merged(conversation.turns))
    return [
        _Candidate(conversation, turns, place)
        for place, turn in enumerate(turns)
        if turn.speaker == "agent"
        and any(before.speaker == "customer" for before in turns[:place])
        and stands_alone(turn.text)
    ]


def _features(candidate: _Candidate) -> list[float]:
    """What can be seen of an answer itself and of its case; nothing of its sequel."""
    turns, place = candidate.turns, candidate.place
    text = turns[place].text
    words = len(WORD.findall(text))
    first = next(n for n, turn in enumerate(turns) if turn.speaker == "customer")
    return [
        float(np.log(words)),
        float(any(char.isdigit() for char in text)),
        float(text.count("?")),
        float(place == first + 1),
        place / len(turns),
        float(place >= len(turns) - 2),
        float(bool(_TAKES_BACK.search(text))),
        float(candidate.conversation.outcome == "solved"),
        float(candidate.conversation.rating or 3.5),
        float(candidate.conversation.labels.get("reopened") == "yes"),
    ]


def _sequel(candidate: _Candidate) -> int | None:
    """1 where what follows speaks for the answer, 0 against it, None where it does neither."""
    turns, place = candidate.turns, candidate.place
    after = next((turn.text for turn in turns[place + 1 :] if turn.speaker == "customer"), None)
    later = next((turn.text for turn in turns[place + 1 :] if turn.speaker == "agent"), "")
    if _TAKES_BACK.search(later):
        return 0
    if after is not None and THANKS.search(after):
        return 1
    if after is not None and (_REFUSES.search(after) or candidate.turns[-1].text == after):
        return 0
    if candidate.conversation.rating is not None:
        return int(candidate.conversation.rating >= 4)
    return None


def _judge(
    features: NDArray[np.float64], candidates: Sequence[_Candidate], seed: int
) -> NDArray[np.float64]:
    """The chance of each answer of being good: its own sequel's word, else the model's."""
    sequels = [_sequel(candidate) for candidate in candidates]
    judged = np.array([number for number, said in enumerate(sequels) if said is not None])
    said = np.array([sequels[number] for number in judged], dtype=np.int64)
    chances = np.full(len(candidates), KEEP)
    if len(judged) >= MIN_JUDGED and 0 < said.sum() < len(said):
        model = make_pipeline(StandardScaler(), LogisticRegression(random_state=seed))
        model.fit(features[judged], said)
        chances = model.predict_proba(features)[:, 1]
    for number, told in zip(judged, said, strict=True):
        chances[number] = (chances[number] + 1) / 2 if told else chances[number] / 2
    return chances


def _consensus(candidates: Sequence[_Candidate], encoder: Encoder) -> NDArray[np.float64]:
    """How near an answer is to those given to the five most similar questions of other cases."""
    questions = encoder.encode(
        [next(t.text for t in each.turns if t.speaker == "customer") for each in candidates]
    )
    answers = encoder.encode([each.turns[each.place].text for each in candidates])
    cases = np.array([hash(each.conversation.id) for each in candidates])
    found = np.zeros(len(candidates))
    for number in range(len(candidates)):
        near = questions @ questions[number]
        near[cases == cases[number]] = -1
        found[number] = float((answers[np.argsort(-near)[:5]] @ answers[number]).mean())
    return found
