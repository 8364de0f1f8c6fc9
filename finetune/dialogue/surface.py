"""How words are written: a lower-case model's words in the company's own spelling."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from data.dialogue import hidden_example
from data.schema import Example

_PARTS = re.compile(r"\{[^{}]*\}|\w+|[^\w\s]")
_CLOSING = re.compile(r"^[.,:;!?%)\]]+$")
_OPENING = re.compile(r"[(\[$£€#]$")
_END = re.compile(r"[.!?]$")
_QUOTES = ("'", '"', "’")
_AFTER_APOSTROPHE = ("s", "t", "re", "ve", "ll", "d", "m")
_LONGEST = 6  # parts of one written word: a link, a time, an abbreviation


def written_forms(texts: Iterable[str]) -> dict[str, str]:
    """The usual form of each written word by its lower-case parts, where it is not theirs.

    A first word of a sentence tells nothing of its case.
    """
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        first = True
        for word in text.split():
            core = word.rstrip(".,:;!?)\"'").lstrip("(\"'") or word
            parts = _parts(core)
            if parts and len(parts) <= _LONGEST and "{" not in core:
                seen[" ".join(parts)][core.lower() if first and core[1:].islower() else core] += 1
            first = bool(_END.search(word))
    forms = {parts: counts.most_common(1)[0][0] for parts, counts in seen.items()}
    return {parts: form for parts, form in forms.items() if form != parts}


def lower_forms(
    tokenizer: Any,  # noqa: ANN401 - a transformers tokenizer
    examples: Iterable[Example],
) -> dict[str, str] | None:
    """The forms of the examples' answers; None where the tokenizer keeps capitals by itself."""
    if "A" in tokenizer.decode(tokenizer("A", add_special_tokens=False)["input_ids"]):
        return None
    return written_forms(hidden_example(example)[1] or "" for example in examples)


def as_written(text: str, forms: Mapping[str, str]) -> str:
    """The text with words in their usual form, blanks as people set them, sentences capital."""
    parts, words, place = _parts(text), [], 0
    while place < len(parts):
        for size in range(min(_LONGEST, len(parts) - place), 0, -1):
            key = " ".join(parts[place : place + size])
            if key in forms or size == 1:
                words.append(forms.get(key, parts[place]))
                place += size
                break
    return _joined(words)


def _joined(words: Sequence[str]) -> str:
    """The words with blanks where people set them, and a capital where a sentence begins."""
    text, quoted, glue = "", False, True
    for place, word in enumerate(words):
        after = words[place + 1] if place + 1 < len(words) else ""
        apostrophe = word in _QUOTES and after.lower() in _AFTER_APOSTROPHE
        closes = (word in _QUOTES and quoted) or apostrophe or bool(_CLOSING.match(word))
        if not text or _END.search(text):
            word = word[:1].upper() + word[1:]
        text += word if glue or closes else f" {word}"
        opens = word in _QUOTES and not quoted and not apostrophe
        quoted = opens or (quoted and (word not in _QUOTES or apostrophe))
        glue = opens or apostrophe or bool(_OPENING.search(word))
    return text


def _parts(text: str) -> list[str]:
    return [part if part[0] == "{" else part.lower() for part in _PARTS.findall(text)]
