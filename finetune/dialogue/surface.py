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
_OFTEN = 3  # a sentence that was written so often is a phrase of the company's


def written_forms(texts: Iterable[str]) -> dict[str, str]:
    """The usual form of each written word by its lower-case parts, where it is not theirs.

    A first word of a sentence tells nothing of its case. Sentences that are written again and again
    are there whole, by their parts, where their words alone would come out otherwise.
    """
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    whole: dict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for start, end in _sentences(text):
            whole[" ".join(_parts(text[start:end]))][" ".join(text[start:end].split())] += 1
        first = True
        for word in text.split():
            core = word.rstrip(".,:;!?)\"'").lstrip("(\"'") or word
            parts = _parts(core)
            if parts and len(parts) <= _LONGEST and "{" not in core:
                seen[" ".join(parts)][core.lower() if first and core[1:].islower() else core] += 1
            first = bool(_END.search(word))
    forms = {parts: counts.most_common(1)[0][0] for parts, counts in seen.items()}
    forms = {parts: form for parts, form in forms.items() if form != parts}
    usual = {parts: counts.most_common(1)[0] for parts, counts in whole.items()}
    often = {parts: form for parts, (form, count) in usual.items() if count >= _OFTEN}
    return forms | {
        parts: form for parts, form in often.items() if as_written(parts, forms) != form
    }


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
    said: list[str] = []
    between = 0
    for start, end in _sentences(text):
        phrase = forms.get(" ".join(_parts(text[start:end])))
        if phrase is not None:
            said += [_words_written(text[between:start], forms), phrase]
            between = end
    return " ".join(each for each in [*said, _words_written(text[between:], forms)] if each)


def _sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences lie that have a mark at their end: starts and ends."""
    found: list[tuple[int, int]] = []
    start, end, ended = 0, 0, False
    for match in _PARTS.finditer(text):
        mark = bool(_END.search(match[0]))
        if ended and not mark:
            found.append((start, end))
            start = match.start()
        end, ended = match.end(), mark
    return [*found, (start, end)] if ended else found


def _words_written(text: str, forms: Mapping[str, str]) -> str:
    parts, words, place = _parts(text), [], 0
    while place < len(parts):
        for size in range(min(_LONGEST, len(parts) - place), 0, -1):
            key = " ".join(parts[place : place + size])
            # What ends as a sentence does is a phrase: no piece of another sentence.
            if size == 1 or (key in forms and not _END.search(key)):
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
