"""What a reader sees of Markdown's marks inside a line: words, as any channel can show them."""

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

from retrieval.documents.blocks import Form

_MARKS = re.compile(r"[*_`\[\]<&\\~]")
_CELL = re.compile(r"(?<!\\)\|")
_FORMATTING = re.compile(
    r"</?(?:a|abbr|b|code|del|em|i|ins|kbd|mark|p|q|s|small|span|strong|sub|sup|u)(?:\s[^>]*)?/?>",
    re.IGNORECASE,
)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_ELSEWHERE = re.compile(r"(?:https?|ftp)://|mailto:|tel:", re.IGNORECASE)


class _Parser(MarkdownIt):
    """CommonMark whose addresses stay as they were written, for people to read."""

    def normalizeLink(self, url: str) -> str:
        return url

    def normalizeLinkText(self, link: str) -> str:
        return link


_PARSER = _Parser("commonmark").enable("strikethrough")
_LONGEST = 20_000  # characters; what is longer is no paragraph that somebody wrote


def as_words(form: Form, text: str) -> str:
    """The paragraph, item or row without emphasis, links' brackets, escapes and formatting tags.

    A link keeps its address where it leads outside: `[form](https://…)` is `form (https://…)`.
    Cells of a row keep the escape of a bar.
    """
    if form == "table" and _MARKS.search(text):
        return "|".join(map(_cell, _CELL.split(text)))
    return words_of(text)


def words_of(text: str) -> str:
    """The words of one paragraph, item or heading; line ends stay."""
    if len(text) > _LONGEST or not _MARKS.search(text):
        return text
    (inline,) = _PARSER.parseInline(text)
    words: list[str] = []
    address = ""
    begun = 0
    for token in inline.children or ():
        if token.type == "link_open":
            address, begun = str(token.attrs["href"]), len(words)
        elif token.type == "link_close":
            shown = "".join(words[begun:])
            if _ELSEWHERE.match(address) and _bare(address) not in (_bare(shown), ""):
                words.append(f" ({_bare(address)})")
        else:
            words.append(_shown(token))
    return "".join(words)


def _shown(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    if token.type == "html_inline":
        if _BREAK.fullmatch(token.content):
            return " "
        # What is no formatting may be a word: <your order number>.
        return "" if _FORMATTING.fullmatch(token.content) else token.content
    return token.content  # empty for the marks of emphasis


def _cell(text: str) -> str:
    edge = len(text) - len(text.lstrip())
    inside = words_of(text.strip().replace(r"\|", r"\\|"))
    return text[:edge] + inside + text[len(text.rstrip()) :] if inside else text


def _bare(address: str) -> str:
    return re.sub(r"^(?:mailto|tel):", "", address, flags=re.IGNORECASE)
