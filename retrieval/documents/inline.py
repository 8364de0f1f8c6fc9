"""What a reader sees of Markdown's marks inside a line: words, as any channel can show them."""

import re
from types import MappingProxyType

from markdown_it import MarkdownIt
from markdown_it.token import Token

from retrieval.documents.blocks import Form
from retrieval.documents.markdown_lines import Links

_MARKS = re.compile(r"[*_`\[\]<&\\~]")
_CELL = re.compile(r"(?<!\\)\|")
# What names a thing (address, time, title) may be a word of the text: <your order number>.
_INLINE = (
    "a abbr b big cite code del dfn em font i ins kbd mark q s samp small span strong sub sup tt u"
    " var wbr"
)
_PARTS = (
    "article aside blockquote br caption center col colgroup dd details div dl dt figcaption figure"
    " footer h1 h2 h3 h4 h5 h6 header hr img li main nav ol p picture pre section source summary"
    " table tbody td tfoot th thead tr ul video"
)
_INLINE_TAG, _PART_TAG = (
    re.compile(rf"</?(?:{names.replace(' ', '|')})(?:\s.*)?/?>", re.IGNORECASE | re.DOTALL)
    for names in (_INLINE, _PARTS)
)
_ELSEWHERE = re.compile(r"(?:https?|ftp)://|mailto:|tel:", re.IGNORECASE)


class _Parser(MarkdownIt):
    """CommonMark whose addresses stay as they were written, for people to read."""

    def normalizeLink(self, url: str) -> str:
        return url

    def normalizeLinkText(self, link: str) -> str:
        return link


_PARSER = _Parser("commonmark").enable("strikethrough")
_LONGEST = 20_000  # characters; what is longer is no paragraph that somebody wrote


def as_words(form: Form, text: str, links: Links) -> str:
    """The paragraph, item or row without emphasis, links' brackets, escapes and HTML's tags.

    A link keeps its address where it leads outside: `[form](https://…)` is `form (https://…)`.
    Cells of a row keep the escape of a bar. `links` has the addresses of labels.
    """
    if form == "table" and _MARKS.search(text):
        return "|".join(_cell(cell, links) for cell in _CELL.split(text))
    return words_of(text, links)


def cells_of(row: str) -> list[str]:
    """The cells of a row with bars around it or without them."""
    return _CELL.split(row.strip().removeprefix("|").removesuffix("|"))


def words_of(text: str, links: Links = MappingProxyType({})) -> str:
    """The words of one paragraph, item or heading; line ends stay."""
    if len(text) > _LONGEST or not _MARKS.search(text):
        return text
    (inline,) = _PARSER.parseInline(text, {"references": links})
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
            seen = _shown(token)
            is_space_enough = seen == " " and (not words or words[-1][-1].isspace())
            if seen and not is_space_enough:
                words.append(seen)
    return "".join(words)


def _shown(token: Token) -> str:
    if token.type in ("softbreak", "hardbreak"):
        return "\n"
    if token.type == "html_inline":
        if _PART_TAG.fullmatch(token.content):
            return " "
        return "" if _INLINE_TAG.fullmatch(token.content) else token.content
    return token.content  # empty for the marks of emphasis


def _cell(text: str, links: Links) -> str:
    edge = len(text) - len(text.lstrip())
    inside = words_of(text.strip().replace(r"\|", r"\\|"), links)
    return text[:edge] + inside + text[len(text.rstrip()) :] if inside else text


def _bare(address: str) -> str:
    return re.sub(r"^(?:mailto|tel):", "", address, flags=re.IGNORECASE)
