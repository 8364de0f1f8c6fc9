"""How much an unknown word looks like a name, by its letters; misspelt words are told apart."""

import math
from collections import Counter
from functools import cache, lru_cache
from string import ascii_lowercase

from data.redact.gazetteer import common, first_names, rare, surnames, vocabulary

_SIZE = 3  # letters that are counted together
_WORDLIKE = 0.0  # mean log-odds of a group of letters, name against word, from which it is a name


@lru_cache(maxsize=20_000)
def unknown_name(low: str) -> bool:
    """Whether a word in lower case that no list has is rather a name than a misspelt word.

    A naive Bayes model of groups of three letters, counted in the lists of names and in the
    encoder's vocabulary; a word one letter off a common word counts as misspelt.
    """
    if len(low) < 4 or not low.isalpha() or not rare(low) or _misspelt(low):
        return False
    odds = _odds()
    groups = _groups(low)
    return sum(odds.get(group, 0.0) for group in groups) / len(groups) > _WORDLIKE


def _groups(word: str) -> list[str]:
    told = f"^{word}$"
    return [told[place : place + _SIZE] for place in range(len(told) - _SIZE + 1)]


@cache
def _odds() -> dict[str, float]:
    people = first_names() | surnames()
    of_names = Counter(group for name in people for group in _groups(name))
    of_words = Counter(
        group for word in vocabulary() if word not in people for group in _groups(word)
    )
    names, words = of_names.total() + 1, of_words.total() + 1
    return {
        group: math.log((of_names[group] + 1) / names) - math.log((of_words[group] + 1) / words)
        for group in of_names | of_words
    }


def _misspelt(low: str) -> bool:
    parts = [(low[:place], low[place:]) for place in range(len(low) + 1)]
    near = {left + right[1:] for left, right in parts if right}
    near |= {left + right[1] + right[0] + right[2:] for left, right in parts if len(right) > 1}
    near |= {left + char + right[1:] for left, right in parts if right for char in ascii_lowercase}
    near |= {left + char + right for left, right in parts for char in ascii_lowercase}
    if any(len(word) > 2 and common(word) and word not in first_names() for word in near):
        return True
    glued = ((left, right) for left, right in parts if len(left) > 1 and len(right) > 1)
    return any(common(left) and common(right) for left, right in glued)  # thankyou
