"""Accuracy by kind of row: where a model is worse than its average tells."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain

from scipy.stats import fisher_exact

from data.schema import Example

Group = dict[str, int | float | bool]
LEAST = 10  # rows of a group; of fewer, accuracy says nothing
ALPHA = 0.05  # chance of one false alarm or more, over all groups together
_LENGTHS = (20, 60, 140, 400)  # characters, because not every script puts spaces between words
_SCRIPTS = {  # by the beginning of a letter's Unicode name
    "CJK": "zh", "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "CYRILLIC": "cyrillic",
    "ARABIC": "ar", "HEBREW": "he", "DEVANAGARI": "hi", "GREEK": "el", "THAI": "th",
}  # fmt: skip
_STOPWORDS = {
    "en": "the is my i to a and you it of for have can do what how this not your with was on",
    "de": "der die das ist ich nicht und ein eine wie mein kann zu mit für auf sie habe wo es",
    "fr": "le la les est je ne pas et un une mon ma vous pour avec sur que comment où ai ce",
    "es": "el la los es no y un una mi que por para con cómo está puedo se mis donde lo he",
    "it": "il lo gli è non e un una mio mia che per con come posso sono di ho dove mi questo",
    "pt": "o os é não e um uma meu minha que por para com como posso está eu de onde você",
    "nl": "de het is ik niet en een mijn hoe kan met voor op dat wat je van er waar heb",
}
_WORDS = {language: frozenset(words.split()) for language, words in _STOPWORDS.items()}


def slices(
    examples: Sequence[Example], right: Sequence[bool | None]
) -> dict[str, dict[str, Group]]:
    """Accuracy of groups of rows, by slice: `length`, `language`, `group`, and the rows' traits.

    A slice with one group is left out, and so is a group with fewer than LEAST rows. Rows that do
    not tell a trait are in none of its groups; a language is guessed where none is told.

    Args:
        examples: n rows; `group` is sliced by where rows have one (a brand, a conversation).
        right: Whether the model was right on each (n); None leaves a row out.

    Returns:
        Of each group `n`, `accuracy` in [0, 1] and `below`: whether that is significantly lower
        than the accuracy of all other rows with a group in the slice (Fisher's exact test,
        one-sided, at ALPHA over the number of groups: Bonferroni's correction).

    Raises:
        ValueError: If the lengths differ.
    """
    judged = [pair for pair in zip(examples, right, strict=True) if pair[1] is not None]
    examples, good = [row for row, _ in judged], [bool(each) for _, each in judged]
    traits = [dict(example.traits) for example in examples]
    given: dict[str, Sequence[str | None]] = {
        "group": [example.group for example in examples],
        **{name: [each.get(name) for each in traits] for name in sorted({*chain(*traits)})},
        "length": [length_of(example.text) for example in examples],
        "language": [
            each.get("language") or language_of(example.text)
            for each, example in zip(traits, examples, strict=True)
        ],
    }
    counted = {name: _counts(groups, good) for name, groups in given.items()}
    shown = {
        name: {group: counts[group] for group in counts if sum(counts[group]) >= LEAST}
        for name, counts in counted.items()
        if len(counts) > 1
    }
    tests = sum(len(groups) for groups in shown.values())
    return {
        name: {
            group: _group(own, _rest(counted[name], group), ALPHA / tests)
            for group, own in sorted(groups.items())
        }
        for name, groups in shown.items()
        if groups
    }


def length_of(text: str) -> str:
    """A text's length in characters, as one of five ranges."""
    least = 0
    for most in _LENGTHS:
        if len(text) <= most:
            return f"{least} to {most} characters"
        least = most + 1
    return f"{least} characters or more"


def language_of(text: str) -> str:
    """A guess at a text's language: by its script, and in Latin script by its small words.

    A code of ISO 639-1, `cyrillic`, or `unknown`. Good enough to group rows by: a short text
    without a small word is unknown, and not every language is known.
    """
    scripts = Counter(_script(character) for character in text if character.isalpha())
    if not scripts:
        return "unknown"
    if scripts["ja"]:  # Japanese also writes in Chinese characters, Chinese never in kana
        return "ja"
    script = scripts.most_common(1)[0][0]
    if script != "latin":
        return script
    words = text.lower().replace("'", " ").replace("’", " ").split()
    words = [word.strip('.,;:!?¿¡()"') for word in words]
    hits = {language: sum(word in known for word in words) for language, known in _WORDS.items()}
    best = max(hits, key=lambda language: hits[language])  # the first at a tie
    return best if hits[best] else "unknown"


def _script(character: str) -> str:
    name = unicodedata.name(character, "").split(" ")[0].split("-")[0]
    return "latin" if name == "LATIN" else _SCRIPTS.get(name, "unknown")


def _counts(groups: Sequence[str | None], right: Sequence[bool]) -> dict[str, tuple[int, int]]:
    """Rights and wrongs by group."""
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for group, good in zip(groups, right, strict=True):
        if group is not None:
            counts[group][0 if good else 1] += 1
    return {group: (rights, wrongs) for group, (rights, wrongs) in counts.items()}


def _rest(counts: Mapping[str, tuple[int, int]], group: str) -> tuple[int, int]:
    others = [pair for name, pair in counts.items() if name != group]
    return sum(rights for rights, _ in others), sum(wrongs for _, wrongs in others)


def _group(own: tuple[int, int], rest: tuple[int, int], alpha: float) -> Group:
    chance = float(fisher_exact([own, rest], alternative="less").pvalue)
    return {"n": sum(own), "accuracy": round(own[0] / sum(own), 4), "below": chance < alpha}
