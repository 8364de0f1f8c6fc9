"""HTML: headings, paragraphs, lists and tables of a page, without its scripts and navigation."""

import codecs
import re
from collections.abc import Mapping
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
# What stands around the text of a page, and what a browser does not show at all.
_AROUND = frozenset("nav footer button select textarea svg iframe object canvas menu".split())
_AROUND_ROLES = frozenset("navigation contentinfo banner search menu".split())
_HIDDEN = frozenset("script style noscript template dialog".split())
_HIDDEN_ROLES = frozenset("dialog alertdialog".split())
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_DEEPEST = 500  # tags in tags that are left out: each end is looked for among them
_MAIN = frozenset("main article h1".split())  # what never stands in what is around the text
_CONTAINERS = PARTS - set("p br hr h1 h2 h3 h4 h5 h6 summary dt caption legend".split())
_ROW_ENDS, _TABLE_ENDS = {"tr", "tbody"}, {"tbody", "table"}
# Elements whose end need not be written: the tags before which each ends, and those it ends with.
_ENDED_BEFORE = {
    "p": PARTS - {"br"}, "li": {"li"}, "dt": {"dt", "dd"}, "dd": {"dt", "dd"},
    "td": {"td", "th"} | _ROW_ENDS, "th": {"td", "th"} | _ROW_ENDS, "tr": _ROW_ENDS,
}  # fmt: skip
_ENDED_WITH = {
    "p": _CONTAINERS, "li": {"ul", "ol"}, "dt": {"dl"}, "dd": {"dl"},
    "td": {"tr"} | _TABLE_ENDS, "th": {"tr"} | _TABLE_ENDS, "tr": _TABLE_ENDS,
}  # fmt: skip
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{3,30})", re.IGNORECASE)
_ENCODING = re.compile(
    r"utf-?8|us-ascii|ascii|(?:windows|cp)-?(?:125\d|874|932|949)|ibm866|macintosh|koi8-?[ru]"
    r"|iso-?8859-?\d{1,2}|latin-?\d|gb2312|gbk|gb18030|big5(?:-hkscs)?|euc-?(?:jp|kr)"
    r"|iso-2022-jp|shift[_-]?jis"
)
_READ_AS = {  # by Python's name: what browsers read pages as that declare it
    "iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949",
}  # fmt: skip
_COMMENT_OR_SCRIPT = re.compile(r"<!--|<(script|style)\b[^<>]*>", re.IGNORECASE)
_ENDS = {
    "": re.compile("-->"),
    "script": re.compile(r"</script\b[^>]*>", re.IGNORECASE),
    "style": re.compile(r"</style\b[^>]*>", re.IGNORECASE),
}
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
    declared = _declared(content)
    if declared and encoding not in ("utf-8-sig", "utf-16"):
        try:
            return content.decode(declared)
        except UnicodeDecodeError:
            pass  # the declaration is wrong: the bytes tell
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        if bad is not None:
            bad.mended["bytes of another encoding"] += 1
        mixed = "deskhand-mixed" if encoding == "utf-8-sig" else "replace"
        return content.decode(encoding, mixed)


def _declared(content: bytes) -> str:
    """The encoding that a page declares, if it is one of pages; Python knows others besides."""
    found = _CHARSET.search(content[:4096])
    label = found[1].decode("ascii", "replace").lower() if found else ""
    if not _ENCODING.fullmatch(label):
        return ""
    try:
        python = codecs.lookup(label).name
    except LookupError:
        return ""
    return _READ_AS.get(python, python)


def _whole_tags(html: str) -> str:
    """Without comments, scripts and declarations, lines kept, and with no `<` after the last `>`.

    html.parser reads on to the end of the text for each of those that is never closed. A script
    may hold what looks like the beginning of a comment.
    """
    pieces: list[str] = []
    end = searched = 0
    never_closed: set[str] = set()
    while found := _COMMENT_OR_SCRIPT.search(html, searched):
        searched = found.end()
        mark = (found[1] or "").lower()
        if mark in never_closed or found[0].endswith("/>"):
            continue
        closed = _ENDS[mark].search(html, searched)
        if closed is None:
            never_closed.add(mark)
            continue
        searched = closed.end()
        pieces += [html[end : found.start()], "\n" * html.count("\n", found.start(), searched)]
        end = searched
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
        # The tags that are open since one that is left out, and whether a browser hides each.
        self._left_out: list[tuple[str, bool]] = []
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin an element, or leave it out."""
        values = {name: value or "" for name, value in attrs}
        self._end_what_ends_before(tag)
        if self._left_out:
            if tag not in _VOID and len(self._left_out) < _DEEPEST:
                self._left_out.append((tag, _is_hidden(tag, values)))
            return
        if tag == "meta":
            self.values.setdefault(values.get("name", ""), values.get("content", ""))
        elif tag == "html" and values.get("lang"):
            self.values.setdefault("language", values["lang"])
        elif tag == "title":
            self._in_title = not self.title
        elif _is_hidden(tag, values) or (not self._keeps_all and _is_around(tag, values)):
            if tag not in _VOID:
                self._left_out.append((tag, _is_hidden(tag, values)))
        elif tag in PARTS:
            self._in_title = False  # it was never closed
            self.flow.begin(tag, values, self.getpos()[0])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """`<br/>`; other elements that close themselves hold nothing."""
        if tag in _VOID:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """End an element; those inside it that were never closed end with it."""
        open_tags = [one for one, _ in self._left_out]
        if tag in open_tags:
            while self._left_out.pop()[0] != tag:
                pass
            return
        if open_tags and tag in _ENDED_WITH.get(open_tags[0], ()):
            self._left_out.clear()
        if self._left_out:
            return
        if tag == "title":
            self._in_title = False
        elif tag in PARTS:
            self.flow.end(tag)

    def handle_data(self, data: str) -> None:
        """Keep a piece of text."""
        if self._in_title:
            self.title += data
        elif not self._left_out:
            self.flow.add_text(data, self.getpos()[0])

    def _end_what_ends_before(self, tag: str) -> None:
        """End what is left out and was never closed, where a tag shows that it is over."""
        if not self._left_out:
            return
        if tag in _MAIN and not any(is_hidden for _, is_hidden in self._left_out):
            self._left_out.clear()
        elif len(self._left_out) == 1 and tag in _ENDED_BEFORE.get(self._left_out[0][0], ()):
            self._left_out.clear()


def _is_around(tag: str, values: Mapping[str, str]) -> bool:
    """Whether it stands around the text of a page."""
    return (
        tag in _AROUND
        or values.get("role", "") in _AROUND_ROLES
        or values.get("aria-hidden") == "true"
    )


def _is_hidden(tag: str, values: Mapping[str, str]) -> bool:
    """Whether a browser does not show it; a page that is hidden as a whole waits for its script."""
    return tag in _HIDDEN or (
        tag not in ("html", "body")
        and (
            values.get("hidden", "until-found") != "until-found"
            or values.get("role", "") in _HIDDEN_ROLES
            or _HIDDEN_STYLE.search(values.get("style", "")) is not None
        )
    )
