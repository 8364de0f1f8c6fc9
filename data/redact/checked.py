"""Numbers that a check decides: cards, IBANs, national ids of many countries, IP addresses."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from stdnum import iban as iban_numbers
from stdnum import luhn
from stdnum.cn import ric as cn_ids
from stdnum.exceptions import ValidationError

Found = Iterator[tuple[int, int, str]]

_DIGIT = re.compile(r"\d")
_SPACE = r" \u00a0\u2002-\u200a\u2010-\u2015\u202f\-"  # spaces and dashes between groups
_APART = rf"[{_SPACE}._/\r\n\t]{{1,3}}"  # between those of a card, four by four or as Amex has them
_CARD = re.compile(
    r"(?<![A-Za-z0-9.-])(?:\d{13,19}"
    rf"|\d{{4}}(?:{_APART}\d{{4}}){{3}}(?:{_APART}\d{{1,3}})?|\d{{4}}{_APART}\d{{6}}{_APART}\d{{5}}"
    rf"|\d{{4}}(?:[{_SPACE}.]{{1,2}}\d{{3,7}}){{2,5}})(?!\d)"
)
_ISBN = re.compile(r"97[89]\d{10}")  # a book's number may pass the same check
_IBAN = re.compile(  # ahead of where it stands: what fails the check may hold one that does not
    rf"(?<![A-Za-z0-9])(?=([A-Za-z]{{2}}\d{{2}}(?:[{_SPACE}\n]?[A-Za-z0-9]){{11,30}})(?![A-Za-z0-9]))"
)
_IPV4 = re.compile(r"(?<![A-Za-z0-9_.-])(?:\d{1,3}\.){3}\d{1,3}(?![A-Za-z0-9_]|\.\d)")
_IPV6 = re.compile(
    r"(?<![A-Za-z0-9_:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![A-Za-z0-9_:])"
)
_VERSION = re.compile(
    r"(?:version|firmware|ver|v|build|release|update|app|software|driver|版本|固件|升级到|系统)"
    r"\s*(?:号|is|to|no\.?|number)?\s*[:：]?\s*v?$",
    re.IGNORECASE,
)
# (stdnum's module, shape, words that must stand near where the shape alone is common, digits)
_NATIONAL: tuple[tuple[str, str, str | None, int], ...] = (
    ("cn.ric", r"\d{6}[ -]?\d{8}[ -]?\d{3}[\dXx]", None, 17),
    ("es.dni", r"\d{8}[ -]?[A-Za-z]", None, 8),
    ("es.nie", r"[XYZxyz][ -]?\d{7}[ -]?[A-Za-z]", None, 7),
    ("it.codicefiscale", r"[A-Za-z]{6} ?\d{2} ?[A-Za-z]\d{2} ?[A-Za-z]\d{3} ?[A-Za-z]", None, 7),
    ("fr.nir", r"[12](?: ?\d{2}){2} ?(?:\d{2}|2[ABab])(?: ?\d{3}){2} ?\d{2}", None, 13),
    ("br.cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}", None, 11),
    ("br.cpf", r"\d{11}", r"cpf", 11),
    ("se.personnummer", r"(?:19|20)?\d{6}[-+]\d{4}", None, 10),
    ("gb.nhs", r"\d{3}[ -]?\d{3}[ -]?\d{4}", r"nhs", 10),
    (
        "nl.bsn",
        r"\d{4}[ .]?\d{2}[ .]?\d{3}|\d{3}[ .]?\d{3}[ .]?\d{3}",
        r"bsn|burgerservice|sofi",
        9,
    ),
    ("pl.pesel", r"\d{11}", r"pesel", 11),
    ("de.idnr", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", r"steuer|idnr|tax id", 11),
    ("be.nn", r"\d{2}\.?\d{2}\.?\d{2}-?\d{3}\.?\d{2}", r"rijksregister|registre national|insz", 11),
    ("fi.hetu", r"\d{6}[-+A]\d{3}[0-9A-Ya-y]", None, 9),
    ("in_.aadhaar", r"\d{4} ?\d{4} ?\d{4}", r"aadhaar|aadhar", 12),
)
_BORN = re.compile(r"\d{6}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_NEAR = 40  # characters on either side of a number in which its word may stand


def cards(text: str, region: str) -> Found:
    """Payment card numbers: 13 to 19 digits whose last is the check digit (ISO/IEC 7812-1)."""
    match = _CARD.search(text)
    while match is not None:
        # An expiry date or a check code may stand behind the number, and a year before it.
        groups = list(re.finditer(r"\d+", match.group()))
        ends = (match.start() + group.end() for group in reversed(groups))
        end = next((end for end in ends if _is_card(text[match.start() : end])), None)
        if end is not None:
            yield match.start(), end, "card"
        match = _CARD.search(text, end or match.start() + groups[0].end())


def _is_card(value: str) -> bool:
    digits = re.sub(r"\D", "", value)
    return (
        13 <= len(digits) <= 19
        and not _ISBN.fullmatch(digits)
        and bool(luhn.is_valid(digits))
        and len(set(digits)) > 1
    )


def ibans(text: str, region: str) -> Found:
    """International bank account numbers that pass mod 97 (ISO 13616)."""
    for match in _IBAN.finditer(text):
        ends = [group.end() for group in re.finditer(r"[A-Za-z0-9]+", match[1])]
        for end in reversed(ends):
            value = re.sub(r"[^A-Za-z0-9]", "", match[1][:end])
            if iban_numbers.is_valid(value, check_country=False):
                yield match.start(), match.start() + end, "iban"
                break


@dataclass(frozen=True, slots=True)
class _Shape:
    """A country's number: its shape, how it is checked, and what the text must hold for it."""

    pattern: re.Pattern[str]
    module: Any
    words: re.Pattern[str] | None
    stems: tuple[str, ...]
    least: int  # digits


@cache
def _national() -> list[_Shape]:
    return [
        _Shape(
            re.compile(rf"(?<![A-Za-z0-9_.+-])(?:{shape})(?![A-Za-z0-9_-])", re.ASCII),
            import_module(f"stdnum.{module}"),
            re.compile(words, re.IGNORECASE) if words else None,
            tuple(words.split("|")) if words else (),
            least,
        )
        for module, shape, words, least in _NATIONAL
    ]


def national_ids(text: str, region: str) -> Found:
    """Numbers of persons that pass the check of their country; some need their name beside them."""
    digits, low = len(_DIGIT.findall(text)), text.lower()
    for shape in _national():
        if digits < shape.least or (shape.stems and not any(s in low for s in shape.stems)):
            continue
        for match in shape.pattern.finditer(text):
            around = text[max(0, match.start() - _NEAR) : match.end() + _NEAR]
            if shape.words is not None and not shape.words.search(around):
                continue
            try:
                shape.module.validate(match.group())
            except ValidationError:
                named = shape.module.__name__
                if not (named.endswith("cn.ric") and _is_chinese_id(match.group())):
                    continue
            yield match.start(), match.end(), "national_id"


def _is_chinese_id(value: str) -> bool:
    """Whether the date and the check digit are right; stdnum knows not every district of old."""
    number = cn_ids.compact(value)
    return bool(_BORN.match(number)) and cn_ids.calc_check_digit(number) == number[-1]


def ip_addresses(text: str, region: str) -> Found:
    """IPv4 and IPv6 addresses; four numbers after a word such as `version` are none."""
    for match in _IPV4.finditer(text):
        if _is_ip(match.group()) and not _VERSION.search(
            text[max(0, match.start() - _NEAR) : match.start()]
        ):
            yield match.start(), match.end(), "ip"
    for match in _IPV6.finditer(text):
        if len(match.group()) > 4 and _is_ip(match.group()):
            yield match.start(), match.end(), "ip"


def _is_ip(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True
