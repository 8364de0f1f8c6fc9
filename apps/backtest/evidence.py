"""What can be compared of two answers: their meaning, their numbers, and what was done."""

import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from data.encoders import Encoder

_SENTENCE = re.compile(r"(?<=[.!?;:])\s+|\n+")
MOST = 3  # numbers that count: a fourth that is missing says no more
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SPELLED = {
    word: str(number)
    for number, word in enumerate("two three four five six seven eight nine ten".split(), start=2)
}
_WORD = re.compile(rf"\b(?:{'|'.join(_SPELLED)})\b", re.I)
_DONE = re.compile(
    r"\b(?:I|we)(?:['’]ve| have)\b(?! to)"
    r"|\b(?:done|changed|cancelled|added|opened|sent|ordered|refunded)\b[.,;:]",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A person's answer to a question and another one, whether that serves as well, and where."""

    question: str
    human: str
    bot: str
    right: bool = False
    where: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """How the second answer stands to the first.

    Args:
        cosine: Of the two answers, -1 to 1.
        borne_out: Mean over the second's sentences of the cosine to the nearest of the first's.
        missing: Numbers of the first that neither question nor second has, at most MOST.
        other: Numbers of the second that neither question nor first has, at most MOST.
        done: 1 where the first tells of something done or looked up for this customer.
    """

    cosine: float
    borne_out: float
    missing: int
    other: int
    done: int


def evidence_of(pairs: Sequence[Pair], encoder: Encoder) -> list[Evidence]:
    """The evidence of each pair; all texts are encoded once, in one go."""
    cut = [(pair, _sentences(pair.human), _sentences(pair.bot)) for pair in pairs]
    texts = dict.fromkeys(
        text for pair, first, second in cut for text in (pair.human, pair.bot, *first, *second)
    )
    vectors = dict(zip(texts, encoder.encode(list(texts)), strict=True))
    return [_evidence(*each, vectors) for each in cut]


def matrix(evidence: Sequence[Evidence]) -> NDArray[np.float64]:
    """The values as rows, (n, 5)."""
    return np.array([astuple(each) for each in evidence], dtype=np.float64)


def numbers(text: str) -> set[str]:
    """The numbers of a text as plain digits: two weeks are 2, and £1,452.00 is 1452."""
    digits = _WORD.sub(lambda match: _SPELLED[match.group().lower()], text)
    return {_plain(number) for number in _NUMBER.findall(digits)}


def _evidence(
    pair: Pair,
    first: Sequence[str],
    second: Sequence[str],
    vectors: dict[str, NDArray[np.float32]],
) -> Evidence:
    theirs = np.stack([vectors[text] for text in first])
    ours = np.stack([vectors[text] for text in second])
    asked, human, bot = (numbers(text) for text in (pair.question, pair.human, pair.bot))
    return Evidence(
        cosine=float(vectors[pair.human] @ vectors[pair.bot]),
        borne_out=float((ours @ theirs.T).max(axis=1).mean()),
        missing=min(MOST, len(human - asked - bot)),
        other=min(MOST, len(bot - asked - human)),
        done=int(bool(_DONE.search(pair.human))),
    )


def _sentences(text: str) -> list[str]:
    return [part for part in _SENTENCE.split(text) if len(part.split()) > 1] or [text]


def _plain(number: str) -> str:
    number = number.replace(",", "")
    return number.rstrip("0").rstrip(".") if "." in number else number
