"""How the customer feels from turn to turn: by a trained sentiment run, or by strong words alone.

The words were chosen on the sample company's training turns. They are English, and they miss most
anger that is said politely; what they find is mostly right. A run that was trained with
`--label-column sentiment` replaces them.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from apps.summarizer.summary import Mood

Moods = Callable[[Sequence[str]], list[Mood]]
_NEGATIVE = re.compile(
    r"\b(?:angry|furious|fuming|livid|annoy\w*|frustrat\w*|disappoint\w*|unacceptable|ridiculous"
    r"|disgrace\w*|disgust\w*|terrible|awful|appalling|horrible|dreadful|useless|rubbish|worst"
    r"|pathetic|fed up|sick of|waste of|rip.?off|not good enough|not (?:happy|impressed)|unhappy"
    r"|upset|had enough|let down|(?:no one|nobody) (?:answers|replies|cares))\b|!!|[😠😡🤬😤]",
    re.IGNORECASE,
)
_POSITIVE = re.compile(
    r"\b(?:(?:thank you|thanks) so much|many thanks|brilliant|perfect|excellent|amazing|awesome"
    r"|lovely|wonderful|fantastic|very happy|delighted|appreciate|great (?:service|help)"
    r"|impressed)\b|[😀😊😍🙏❤]",
    re.IGNORECASE,
)


def by_words(texts: Sequence[str]) -> list[Mood]:
    """The mood of each text by its strong words; anger counts more than thanks."""
    return [
        "negative"
        if _NEGATIVE.search(text)
        else "positive"
        if _POSITIVE.search(text)
        else "neutral"
        for text in texts
    ]


def by_run(model: Any) -> Moods:  # noqa: ANN401 - an IntentModel, which this layer does not import
    """Moods by an intent run whose labels are the three moods."""

    def moods(texts: Sequence[str]) -> list[Mood]:
        found = [prediction.intent.name for prediction in model.predict(texts)]
        return [
            "negative" if name == "negative" else "positive" if name == "positive" else "neutral"
            for name in found
        ]

    return moods
