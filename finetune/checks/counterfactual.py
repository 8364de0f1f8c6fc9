"""Changes that should not change the answer: another name, another city, another spelling."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from data.split import hash_fraction

SHOWN = 10  # changed answers of a kind, to read
_LEAST_LETTERS = 5  # of a word that a typo goes into

# A row a background, two names that are more often women's and two that are more often men's: a
# name changes background and nothing else. None is also a common word or a place.
_NAMES = (
    ("emily", "laura", "james", "thomas"),
    ("latoya", "keisha", "jamal", "darnell"),
    ("fatima", "aisha", "mohammed", "omar"),
    ("priya", "anjali", "rahul", "arjun"),
    ("xiuying", "meiling", "jianguo", "zhiwei"),
    ("guadalupe", "lucia", "carlos", "javier"),
    ("ngozi", "adaeze", "chidi", "emeka"),
    ("olga", "svetlana", "dmitri", "sergei"),
    ("rivka", "shira", "moshe", "avraham"),
    ("ayşe", "zeynep", "mehmet", "emre"),
)
_CITIES = (
    "london", "manchester", "new york", "chicago", "houston", "toronto", "sydney", "berlin",
    "paris", "madrid", "warsaw", "istanbul", "lagos", "nairobi", "cairo", "mumbai", "delhi",
    "karachi", "shanghai", "tokyo", "manila", "jakarta", "mexico city", "bogota", "lima",
)  # fmt: skip
# British and American, each way. Pairs of which one form is another word are left out
# (cheque and check, tyre and tire).
_STEMS = {
    "colour": "color", "favour": "favor", "favourite": "favorite", "behaviour": "behavior",
    "honour": "honor", "neighbour": "neighbor", "labour": "labor", "centre": "center",
    "catalogue": "catalog", "jewellery": "jewelry", "grey": "gray", "cancelled": "canceled",
    "cancelling": "canceling", "travelled": "traveled", "travelling": "traveling",
    "traveller": "traveler", "labelled": "labeled", "labelling": "labeling", "enrol": "enroll",
    "fulfil": "fulfill", "instalment": "installment", "parcelled": "parceled", "pyjamas": "pajamas",
    "litre": "liter", "metre": "meter", "mould": "mold", "aluminium": "aluminum",
}  # fmt: skip
_VERBS = "apologis authoris recognis organis finalis customis minimis personalis prioritis realis"
_ENDINGS = ("e", "es", "ed", "ing", "ation", "ations")


def _spellings() -> dict[str, str]:
    pairs = dict(_STEMS)
    pairs |= {f"{british}s": f"{american}s" for british, american in _STEMS.items()}
    for verb in _VERBS.split():
        pairs |= {verb + ending: f"{verb[:-1]}z{ending}" for ending in _ENDINGS}
    return {**pairs, **{american: british for british, american in pairs.items()}}


_SPELLINGS = _spellings()
_PLACES = {
    name: (row, column) for row, names in enumerate(_NAMES) for column, name in enumerate(names)
}


def _any_of(words: Sequence[str]) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b", re.IGNORECASE)


_NAME, _CITY, _SPELLING = _any_of([*_PLACES]), _any_of(_CITIES), _any_of([*_SPELLINGS])
_WORD = re.compile(r"[^\W\d_]+")


def counterfactuals(text: str) -> dict[str, str]:
    """The text with one irrelevant change, by kind of change; the same for the same text.

    Kinds: `name` (first names of another background), `city`, `spelling` (British for American and
    the other way round), `typo` (two neighbouring letters of a word change places). A kind is left
    out where the text has nothing to change.
    """
    draw = hash_fraction(text, "counterfactual")
    changed = {
        "name": _swapped(_NAME, text, lambda name: _other_name(name, draw)),
        "city": _swapped(_CITY, text, lambda city: _other_city(city, draw)),
        "spelling": _swapped(_SPELLING, text, lambda word: _SPELLINGS.get(word, word)),
        "typo": _typo(text, draw),
    }
    return {kind: new for kind, new in changed.items() if new != text}


def counterfactual_check(
    texts: Sequence[str],
    predict: Callable[[list[str]], Sequence[str | None]],
    seed: int,
    limit: int = 300,
) -> dict[str, dict[str, Any]]:
    """How often an irrelevant change changes what a model says, by kind of change.

    Args:
        texts: Texts as customers write them; right answers are not needed.
        predict: From texts to their labels, None for a text that is refused.
        seed: Which texts are taken.
        limit: Most texts of a kind.

    Returns:
        Of each kind that some text allows: `n`, `changed`, `rate` in [0, 1], and `examples`, up to
        SHOWN changed ones, each with `text`, `changed`, `before` and `after`.

    Source: Ribeiro et al. 2020 (invariance tests), https://aclanthology.org/2020.acl-main.442
    """
    pairs: dict[str, list[tuple[str, str]]] = {}
    unique = list(dict.fromkeys(texts))
    for place in np.random.default_rng(seed).permutation(len(unique)):
        for kind, new in counterfactuals(unique[place]).items():
            if len(pairs.setdefault(kind, [])) < limit:
                pairs[kind].append((unique[place], new))
    asked = list(dict.fromkeys(text for kind in pairs.values() for pair in kind for text in pair))
    said = dict(zip(asked, predict(asked), strict=True)) if asked else {}
    return {kind: _counted(pairs[kind], said) for kind in sorted(pairs)}


def _counted(pairs: Sequence[tuple[str, str]], said: Mapping[str, str | None]) -> dict[str, Any]:
    differ = [(text, new) for text, new in pairs if said[text] != said[new]]
    return {
        "n": len(pairs),
        "changed": len(differ),
        "rate": round(len(differ) / len(pairs), 4),
        "examples": [
            {"text": text, "changed": new, "before": said[text], "after": said[new]}
            for text, new in differ[:SHOWN]
        ],
    }


def _swapped(pattern: re.Pattern[str], text: str, other: Callable[[str], str]) -> str:
    return pattern.sub(lambda found: _like(found[0], other(found[0].lower())), text)


# A pattern that ignores case takes a few foreign letters for ours (ı, ſ): such words stay.
def _other_name(name: str, draw: float) -> str:
    if name not in _PLACES:
        return name
    row, column = _PLACES[name]
    return _NAMES[(row + 1 + int(draw * (len(_NAMES) - 1))) % len(_NAMES)][column]


def _other_city(city: str, draw: float) -> str:
    if city not in _CITIES:
        return city
    step = 1 + int(draw * (len(_CITIES) - 1))
    return _CITIES[(_CITIES.index(city) + step) % len(_CITIES)]


def _typo(text: str, draw: float) -> str:
    """Two neighbouring letters within one word swapped; not its first or last."""
    words = [found for found in _WORD.finditer(text) if len(found[0]) >= _LEAST_LETTERS]
    places = [
        place
        for word in words
        for place in range(word.start() + 1, word.end() - 2)
        if text[place].lower() != text[place + 1].lower() and text[place].isascii()
    ]
    if not places:
        return text
    place = places[int(draw * len(places))]
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


def _like(old: str, new: str) -> str:
    """The new word in the old one's case: `LONDON`, `London` or `london`."""
    if old.isupper():
        return new.upper()
    return new.title() if old[0].isupper() else new
