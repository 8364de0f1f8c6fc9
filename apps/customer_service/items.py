"""Which of an order's items a customer means."""

import re
import unicodedata
from difflib import SequenceMatcher

ALIKE = 0.8  # of two words' letters; from there on one is a slip of the other
_SEVERAL = "; "  # between the returns of an order
# Words that tell no item from another; what holds nothing else means whatever was ordered.
_ANY = frozenset(
    "a an the my our this that these those it them they one ones of from for in on with and or n"
    " all both everything whole entire lot stuff thing things item items product products order"
    " parcel set sets pair pack box new old two three four five six just only please pls other"
    " return send back want to i we".split()
)


def holds(items: str, product: str) -> bool:
    """Whether the product may be one of an order's items.

    Customers have words of their own ("the knives" for a knife block), so one word in common is
    enough, and so is a slip of it.
    """
    named, there = _words(product), _words(items)
    if not named or not there:
        return True
    return any(_same(ours, theirs) for ours in named for theirs in there)


def also(returning: str, product: str) -> str:
    """The returns of an order, and one more, unless it is among them."""
    before = [each for each in returning.split(_SEVERAL) if each]
    known = any(each.casefold() == product.casefold() for each in before)
    return _SEVERAL.join(before if known else [*before, product])


def _words(text: str) -> set[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return {word for word in re.findall(r"[^\W\d_]+", plain) if len(word) > 1} - _ANY


def _same(one: str, other: str) -> bool:
    stems = [re.sub(r"(?:v?es|fe?|s)$", "", word) for word in (one, other)]
    near = SequenceMatcher(None, one, other).ratio() >= ALIKE
    return stems[0] == stems[1] or near or one in other or other in one
