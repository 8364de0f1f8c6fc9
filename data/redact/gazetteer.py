"""First names and surnames of many languages, from faker's lists; words that are names and more."""

import re
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from unicodedata import combining, normalize

import yaml
from faker.providers import person

from data.encoders import DEFAULT_ENCODER, resolve_encoder
from data.errors import EncoderError

_ENDS = ("s", "es", "ed", "d", "ing", "er", "ly", "able")
_PLAIN = re.compile(r"[A-Za-zÀ-ɏḀ-ỿ]+(?:['’-][A-Za-zÀ-ɏḀ-ỿ]+)*")
_COMMON = 4000  # of the vocabulary's words, which stand by how often they are written
_LISTS = Path(__file__).parent / "words.yaml"
_NAMES = Path(__file__).parent / "more_names.yaml"


@cache
def _lists() -> dict[str, str]:
    read: dict[str, str] = yaml.safe_load(_LISTS.read_text(encoding="utf-8"))
    return read


@cache
def _more(kind: str) -> frozenset[str]:
    """Our own names of one kind, in lower case, with and without accents."""
    read: dict[str, str] = yaml.safe_load(_NAMES.read_text(encoding="utf-8"))
    told = read[kind].lower().split()
    return frozenset(told) | {plain(name) for name in told}


@cache
def words(name: str) -> frozenset[str]:
    """A list of `words.yaml`."""
    return frozenset(_lists()[name].split())


@cache
def phrases(name: str) -> tuple[str, ...]:
    """A list of `words.yaml` whose entries hold spaces, longest first."""
    found = [each.strip() for each in _lists()[name].split("|")]
    return tuple(sorted(found, key=len, reverse=True))


@cache
def first_names() -> frozenset[str]:
    """First names, in lower case."""
    told = {name.lower() for name in words("first_names")}
    return _of("first_names") | told | _more("first_names")


@cache
def surnames() -> frozenset[str]:
    """Surnames, in lower case."""
    return _of("last_names") | _more("surnames")


def common(low: str, ranks: int = _COMMON) -> bool:
    """Whether a word in lower case is one of the most frequent of that vocabulary."""
    return vocabulary().get(low, ranks) < ranks


def rare(low: str) -> bool:
    """Whether a word in lower case is none of the vocabulary of the encoder that is shipped."""
    known = vocabulary()
    if not known or low in known:
        return False
    return not any(low.endswith(end) and low.removesuffix(end) in known for end in _ENDS)


@cache
def vocabulary() -> dict[str, int]:
    """Ranks of the whole words of the default encoder's vocabulary; none without the encoder."""
    try:
        path = resolve_encoder(DEFAULT_ENCODER).path / "vocab.txt"
        lines = path.read_text(encoding="utf-8").split("\n")
    except (EncoderError, OSError):
        return {}
    told = (line for line in lines if line[:1].isalpha())
    return {word: rank for rank, word in enumerate(told)}


@cache
def chinese_surnames() -> frozenset[str]:
    """Chinese surnames of one and two characters."""
    provider = import_module("faker.providers.person.zh_CN").Provider
    return frozenset(provider.last_names) | words("chinese_surnames")


@cache
def chinese_titles() -> tuple[str, ...]:
    """What stands behind a Chinese surname, longest first."""
    return tuple(sorted(words("chinese_titles"), key=len, reverse=True))


def is_word(token: str) -> bool:
    """Whether a first name is more often a word, a month or a place."""
    low = token.lower()
    return low in words("also_words") or low in words("more_words")


def _of(kind: str) -> frozenset[str]:
    """The lists of all of faker's languages that are written in Latin letters."""
    found: set[str] = set()
    for module in iter_modules(person.__path__):
        provider = import_module(f"{person.__name__}.{module.name}").Provider
        names = getattr(provider, kind, ())
        for name in names if isinstance(names, Iterable) else ():
            if _PLAIN.fullmatch(name) and len(name) > 1:
                low = name.lower()
                found |= {low, plain(low)}
    return frozenset(found)


def plain(text: str) -> str:
    """The text without accents, as many type it."""
    decomposed = normalize("NFKD", text)
    return "".join(char for char in decomposed if not combining(char)).replace("ı", "i")
