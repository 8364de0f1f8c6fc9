"""HTML to plain text: what a mail or a helpdesk's reply says, without the mail that it quotes."""

import re
from html import unescape
from html.parser import HTMLParser

_MARKUP = re.compile(r"</?[a-zA-Z]|<[!?]|&(?:#|\w+;)")
_DECLARED = re.compile(r"<[!?][^>]*>?")  # doctypes, and Outlook's <![if !mso]>
_VOID = frozenset(
    "area base br col embed hr img input link meta param source track wbr o:p".split()
)
_LINE = frozenset(
    "address article aside br dd div dl dt figure footer form header hr li main nav ol option"
    " section table tr ul".split()
)
_PARAGRAPH = frozenset("blockquote h1 h2 h3 h4 h5 h6 p pre".split())
_UNSEEN = frozenset("noscript script style template title".split())
_QUOTES = frozenset(
    "gmail_quote gmail_quote_container yahoo_quoted protonmail_quote freshdesk_quote"
    " zmail_extra moz-cite-prefix OutlookMessageHeader front-blockquote".split()
)
# Outlook puts these before the mail that it quotes, which goes on to the end.
_REST_IS_QUOTED = frozenset(
    ("divRplyFwdMsg", "x_divRplyFwdMsg", "appendonsend", "stopSpelling",
     "mail-editor-reference-message-container")
)  # fmt: skip
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_SPACES = re.compile(r"[^\S\n\v]+")
_ENDS = re.compile(r" ?[\n\v]\s*")  # \v: the text goes on in a line of its own


def text_of_html(html: str) -> str:
    """The text with a line for each paragraph, item and break; links keep their words.

    Quoted mails and what is not shown are left out, unless there is nothing else. A text without
    any tag stays as it is.
    """
    if not _MARKUP.search(html):
        return html.strip()
    if not re.search(r"<[a-zA-Z/!?]", html):
        return unescape(html).replace("\xa0", " ").strip()
    html = _whole_tags(html)
    return _read(html, keeps_all=False) or _read(html, keeps_all=True)


def _read(html: str, keeps_all: bool) -> str:
    page = _Page(keeps_all)
    page.feed(html)
    page.close()
    return _ENDS.sub(_line_ends, _SPACES.sub(" ", "".join(page.pieces))).strip()


def _line_ends(found: re.Match[str]) -> str:
    """One line end, or two: a `<br>` in a line of its own is an empty one."""
    ends = found[0].lstrip(" ")
    return "\n" * min(2, max(1, ends.count("\n") + ends.startswith("\v")))


class _Page(HTMLParser):
    """Collects the text outside of what is left out."""

    def __init__(self, keeps_all: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self.keeps_all = keeps_all
        self.left_out: list[str] = []  # the tags that are open since one that is left out
        self.ended = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Break the line, or begin to leave out."""
        if self.left_out:
            if tag not in _VOID:
                self.left_out.append(tag)
            return
        self._break(tag)
        unseen, rest = self._leaves_out(tag, attrs)
        self.ended = self.ended or rest
        if unseen and tag not in _VOID:
            self.left_out.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """`<br/>`; other tags that close themselves hold nothing."""
        if not self.left_out:
            self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        """Break the line, or end to leave out; tags that were never closed end with it."""
        if not self.left_out:
            self._break(tag)
        elif tag in self.left_out:
            while self.left_out.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        """Keep a piece of text."""
        if not self.left_out and not self.ended:
            # Line ends of the source are spaces; those that mean something come from tags.
            self.pieces.append(data.replace("\r", " ").replace("\n", " "))

    def _break(self, tag: str) -> None:
        if not self.ended:
            if tag in _PARAGRAPH:
                self.pieces.append("\n\n")
            elif tag == "br":
                self.pieces.append("\n")
            elif tag in _LINE:
                self.pieces.append("\v")
            elif tag in ("td", "th"):
                self.pieces.append(" ")

    def _leaves_out(self, tag: str, attrs: list[tuple[str, str | None]]) -> tuple[bool, bool]:
        """Whether this element is left out, and whether all after it is."""
        values = {name: value or "" for name, value in attrs}
        if tag in _UNSEEN or self.keeps_all:
            return tag in _UNSEEN, False
        hidden = _HIDDEN.search(values.get("style", "")) is not None
        quoted = tag == "blockquote" or not _QUOTES.isdisjoint(values.get("class", "").split())
        return hidden or quoted, values.get("id") in _REST_IS_QUOTED


def _whole_tags(html: str) -> str:
    """Without comments and declarations, and with no `<` after the last `>`.

    html.parser reads on to the end of the text for each of those that is never closed.
    """
    pieces, end = [], 0
    while (start := html.find("<!--", end)) >= 0 and (close := html.find("-->", start)) >= 0:
        pieces.append(html[end:start])
        end = close + 3
    html = _DECLARED.sub("", "".join(pieces) + html[end:])
    last = html.rfind(">") + 1
    return html[:last] + html[last:].replace("<", "&lt;")
