"""Which language a text is in."""

import re

MIN_LETTERS = 12  # fewer tell too little: `ok` is a word of many languages
_HAN = re.compile(r"[\u4e00-\u9fff]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_LETTER = re.compile(r"[^\W\d_]")
# English by its most frequent words, before the model is asked: most logs are.
_ENGLISH = re.compile(
    r"\b(?:the|and|you|to|my|is|it|i|for|have|your|of|a|in|that|what|can|please)\b", re.IGNORECASE
)
_ENOUGH = 0.25  # of a text's words


def language_of(text: str) -> str | None:
    """The language's code (ISO 639-1), None where the text is too short to tell.

    Source: Lui and Baldwin 2012, langid.py (as py3langid), where script and the most frequent
    English words do not decide.
    """
    text = text[:1000]
    if _HAN.search(text) and not _KANA.search(text):
        return "zh" if len(_HAN.findall(text)) >= 2 else None
    if len(_LETTER.findall(text)) < MIN_LETTERS:
        return None
    if len(_ENGLISH.findall(text)) >= max(2, _ENOUGH * len(text.split())):
        return "en"
    from py3langid import classify  # a second to load, and English logs do without

    return str(classify(text)[0])
