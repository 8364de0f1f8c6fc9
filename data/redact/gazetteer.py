"""First names and surnames of many languages, from faker's lists; words that are names and more."""

import re
from functools import cache
from importlib import import_module
from pathlib import Path

import yaml

_LOCALES = (
    "en_GB en_US en_IN en_NG de_DE fr_FR es_ES es_MX it_IT nl_NL pl_PL sv_SE da_DK no_NO fi_FI "
    "pt_BR ga_IE tr_TR ro_RO cs_CZ hr_HR id_ID yo_NG sw"
).split()
_PLAIN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_LISTS = Path(__file__).parent / "words.yaml"


@cache
def words(name: str) -> frozenset[str]:
    """A list of `words.yaml`."""
    lists = yaml.safe_load(_LISTS.read_text(encoding="utf-8"))
    return frozenset(str(lists[name]).split())


@cache
def phrases(name: str) -> tuple[str, ...]:
    """A list of `words.yaml` whose entries hold spaces, longest first."""
    lists = yaml.safe_load(_LISTS.read_text(encoding="utf-8"))
    found = [each.strip() for each in str(lists[name]).split("|")]
    return tuple(sorted(found, key=len, reverse=True))


@cache
def first_names() -> frozenset[str]:
    """First names, in lower case."""
    return _of("first_names") | {name.lower() for name in words("first_names")}


@cache
def surnames() -> frozenset[str]:
    """Surnames, in lower case."""
    return _of("last_names")


@cache
def chinese_surnames() -> frozenset[str]:
    """Chinese surnames of one and two characters."""
    provider = import_module("faker.providers.person.zh_CN").Provider
    return frozenset(provider.last_names) | {
        "司马",
        "欧阳",
        "上官",
        "诸葛",
        "东方",
        "皇甫",
        "邹",
        "丁",
    }


@cache
def chinese_titles() -> tuple[str, ...]:
    """What stands behind a Chinese surname, longest first."""
    return tuple(sorted(words("chinese_titles"), key=len, reverse=True))


def is_word(token: str) -> bool:
    """Whether a first name is more often a word, a month or a place."""
    return token.lower() in words("also_words")


def _of(kind: str) -> frozenset[str]:
    found: set[str] = set()
    for locale in _LOCALES:
        provider = import_module(f"faker.providers.person.{locale}").Provider
        for name in getattr(provider, kind, ()):
            if _PLAIN.fullmatch(name) and len(name) > 1:
                found.add(name.lower())
    return frozenset(found)
