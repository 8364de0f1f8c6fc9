"""HTML: headings, paragraphs, lists and tables of a page, without its scripts and navigation."""

import re
from html.parser import HTMLParser
from pathlib import Path

from data.errors import LogFormatError
from data.rows import BadRows, require_file
from data.sources import encoding_of
from retrieval.documents.blocks import Document
from retrieval.documents.metadata import checked
from retrieval.documents.pieces import one_line
from retrieval.documents.web_flow import PARTS, Flow

MAX_HTML = 32 << 20  # bytes: a page is read whole
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_UNSEEN = frozenset(
    "script style noscript template nav footer button select textarea svg iframe object canvas"
    " dialog menu".split()
)
_DEEPEST = 500  # tags in tags that are left out: each end is looked for among them
_MAIN = frozenset("main article h1".split())  # what never stands in what is left out
_UNSEEN_ROLES = frozenset("navigation contentinfo banner search dialog alertdialog menu".split())
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{3,30})", re.IGNORECASE)
_DECLARED = re.compile(r"<[!?][^>]*>?")


def read(path: Path, bad: BadRows | None) -> Document:
    """The blocks of a page; only those inside `<main>` where it has one.

    Raises:
        LogFormatError: If it is missing, empty, no text, too large, or a date in it is wrong.
    """
    size = require_file(path).stat().st_size
    if size > MAX_HTML:
        raise LogFormatError(f"{path}: larger than {MAX_HTML >> 20} MiB; split it by chapter")
    html = _whole_tags(_decoded(path.read_bytes(), str(path), bad))
    page = _parsed(html, keeps_all=False)
    if not page.flow.blocks:
        page = _parsed(html, keeps_all=True)  # all of it stands in an element never closed
    blocks = page.flow.main_blocks or page.flow.blocks
    return Document(blocks, one_line(page.title), checked(page.values, str(path)))


def _parsed(html: str, keeps_all: bool) -> "_Page":
    page = _Page(keeps_all)
    page.feed(html)
    page.close()
    page.flow.end_all()
    return page


def _decoded(content: bytes, name: str, bad: BadRows | None) -> str:
    encoding = encoding_of(content, name)
    declared = _CHARSET.search(content[:4096])
    if declared and encoding not in ("utf-8-sig", "utf-16"):
        try:
            return content.decode(declared[1].decode("ascii"))
        except (LookupError, UnicodeDecodeError):
            pass  # the declaration is wrong: the bytes tell
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        if bad is not None:
            bad.mended["bytes of another encoding"] += 1
        mixed = "deskhand-mixed" if encoding == "utf-8-sig" else "replace"
        return content.decode(encoding, mixed)


def _whole_tags(html: str) -> str:
    """Without comments and declarations, lines kept, and with no `<` after the last `>`.

    html.parser reads on to the end of the text for each of those that is never closed.
    """
    pieces, end = [], 0
    while (start := html.find("<!--", end)) >= 0 and (close := html.find("-->", start)) >= 0:
        pieces += [html[end:start], "\n" * html.count("\n", start, close)]
        end = close + 3
    html = _DECLARED.sub(
        lambda found: " " + "\n" * found[0].count("\n"), "".join(pieces) + html[end:]
    )
    last = html.rfind(">") + 1
    return html[:last] + html[last:].replace("<", "&lt;")


class _Page(HTMLParser):
    """Tells the flow what is seen of the page, and keeps what its head says of it."""

    def __init__(self, keeps_all: bool) -> None:
        super().__init__(convert_charrefs=True)
        self.flow = Flow()
        self.values: dict[str, str] = {}
        self.title = ""
        self._keeps_all = keeps_all
        self._left_out: list[str] = []  # the tags that are open since one that is left out
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin an element, or leave it out."""
        if tag in _MAIN:
            self._left_out.clear()  # what is left out was never closed
        if self._left_out:
            if tag not in _VOID and len(self._left_out) < _DEEPEST:
                self._left_out.append(tag)
            return
        values = {name: value or "" for name, value in attrs}
        if tag == "meta":
            self.values.setdefault(values.get("name", ""), values.get("content", ""))
        elif tag == "html" and values.get("lang"):
            self.values.setdefault("language", values["lang"])
        elif tag == "title":
            self._in_title = not self.title
        elif self._is_unseen(tag, values):
            if tag not in _VOID:
                self._left_out.append(tag)
        elif tag in PARTS:
            self._in_title = False  # it was never closed
            self.flow.begin(tag, values, self.getpos()[0])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """`<br/>`; other elements that close themselves hold nothing."""
        if tag in _VOID:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """End an element; those inside it that were never closed end with it."""
        if self._left_out:
            if tag in self._left_out:
                while self._left_out.pop() != tag:
                    pass
        elif tag == "title":
            self._in_title = False
        elif tag in PARTS:
            self.flow.end(tag)

    def handle_data(self, data: str) -> None:
        """Keep a piece of text."""
        if self._in_title:
            self.title += data
        elif not self._left_out:
            self.flow.add_text(data, self.getpos()[0])

    def _is_unseen(self, tag: str, values: dict[str, str]) -> bool:
        if self._keeps_all:
            return tag in ("script", "style", "template")
        return (
            tag in _UNSEEN
            or values.get("role", "") in _UNSEEN_ROLES
            or values.get("aria-hidden") == "true"
            or "hidden" in values
            or _HIDDEN.search(values.get("style", "")) is not None
        )
