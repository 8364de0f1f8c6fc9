import time

import pytest

import retrieval.documents.web_page as web_page
from data.errors import LogFormatError
from data.rows import BadRows
from retrieval.passages import read_passages

PAGE = """<!doctype html><html lang="en"><head><title>Help &amp; more</title>
<meta name="valid_from" content="2026-01-01"><meta name="Product" content="Kettle">
<style>x{}</style><script>var a = "<p>not this</p>"</script></head>
<body><header><nav><ul><li><a href="/">Home</a></ul></nav></header>
<div role="navigation">Menu</div><p hidden>Secret</p><p style="display: none">Secret</p>
<!-- for us
only -->
<main><p>Intro <b>bold</b> text.
<h1>Returns
 policy</h1><p>You <a href="#">may</a> return.<p>Second,<br>on two lines.
<ol start="3"><li>One<li>Two <ul><li>sub</li></ul><li><p>Three</p></ol>
<h2>Prices</h2>
<table><tr><th>Item<th>Price<tr><td>A|b<td>£3<tr><td colspan=2>All<tr><td>C</table>
<h2>How long?</h2><div>30 <i>days</i>.</div>
<dl><dt>May I?<dd>Yes.</dl>
<details><summary>Where is it?</summary>There.</details>
<h2>Old</h2><table><tr><td>side</td><td><h3>Inner</h3>in the layout</td></tr></table>
</main><footer>© us</footer><script>more()</script></body></html>"""

LONG = ("word " * 200).strip()


def read(tmp_path, html, name="a.html"):
    path = tmp_path / name
    path.write_bytes(html if isinstance(html, bytes) else html.encode())
    return read_passages([path], BadRows())


def texts(tmp_path, html):
    return [(passage.title, passage.text) for passage in read(tmp_path, html)]


def test_a_page_is_its_headings_lists_and_tables_without_what_stands_around(tmp_path):
    passages = read(tmp_path, PAGE)
    assert [(p.id, p.title, p.text, p.source) for p in passages] == [
        ("a.html", "Help & more", "Intro bold text.", "a.html#8"),
        ("a.html#returns-policy", "Returns policy",
         "You may return.\nSecond,\non two lines.\n3. One\n4. Two\n  - sub\n5. Three", "a.html#9"),
        ("a.html#returns-policy/prices", "Returns policy › Prices",
         "| Item | Price |\n|---|---|\n| A\\|b | £3 |\n| All |  |\n| C |  |", "a.html#12"),
        ("a.html#returns-policy/how-long", "How long?", "30 days.", "a.html#14"),
        ("a.html#returns-policy/how-long/may-i", "May I?", "Yes.", "a.html#15"),
        ("a.html#returns-policy/how-long/where-is-it", "Where is it?", "There.", "a.html#16"),
        ("a.html#returns-policy/old", "Returns policy › Old", "side", "a.html#17"),
        ("a.html#returns-policy/old/inner", "Returns policy › Old › Inner", "in the layout",
         "a.html#17"),
    ]  # fmt: skip
    assert passages[1].metadata == {
        "language": "en", "product": "Kettle", "valid_from": "2026-01-01", "kind": "policy",
        "path": "Returns policy", "file": "a.html", "line": "9",
    }  # fmt: skip


def test_a_page_that_mostly_asks_is_an_faq(tmp_path):
    page = "<h1>Questions</h1><h2>How?</h2><p>So.<details><summary>Why?</summary>Because."
    assert {p.metadata["kind"] for p in read(tmp_path, page)} == {"faq"}


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<h1>Title<p>Text <b>bold<p>More", [("Title", "Text bold\n\nMore")]),
        ("<ul><li>one<li>two", [("a", "- one\n- two")]),
        ("<table><tr><td>a<td>b<tr><td>c", [("a", "| a | b |\n|---|---|\n| c |  |")]),
        ("</p></ul></table></main><p>Text</h3>.", [("a", "Text\n\n.")]),
        ("<nav><ul><li>Home<main><p>Text.", [("a", "Text.")]),
        ("<nav>All of it stands here", [("a", "All of it stands here")]),
        ("<p>3 < 4 &amp; 5 <", [("a", "3 < 4 & 5 <")]),
        ("<p>before<!-- never closed <p>after", [("a", "before after")]),
        (f"<table><tr><td>menu<td><p>{LONG}<p>b</table>", [("a", "menu"), ("a", LONG), ("a", "b")]),
        ("<pre>a\n  b</pre>", [("a", "a\n  b")]),
        ("no tags at all", [("a", "no tags at all")]),
    ],
)
def test_tags_that_are_not_closed_lose_no_text(tmp_path, html, expected):
    assert texts(tmp_path, html) == expected


@pytest.mark.parametrize(
    "hidden",
    [
        "<div hidden><article><h1>Draft</h1>Secret</article></div>",
        "<div hidden><main>Secret</main></div>",
        '<div style="display:none"><h1>Old</h1>Secret</div>',
        "<template><main>Secret</main></template>",
        "<noscript><h1>Secret</h1></noscript>",
        "<dialog><article>Secret</article></dialog>",
        "<nav><ul><li>Home<li hidden><h1>Secret</h1></ul></nav>",
        "<nav>Home<div hidden><h1>Secret</h1></div>",
    ],
)
def test_what_a_browser_hides_is_left_out_whatever_it_holds(tmp_path, hidden):
    assert texts(tmp_path, f"<main><h1>Title</h1><p>Text.</p></main>{hidden}") == [
        ("Title", "Text.")]  # fmt: skip
    assert texts(tmp_path, f"{hidden}<h1>Title</h1><p>Text.</p>") == [("Title", "Text.")]
    with pytest.raises(LogFormatError, match="no passage found"):
        read(tmp_path, hidden.replace("<nav>Home", "").replace("<nav><ul><li>Home", "<ul>"))


@pytest.mark.parametrize(
    "html",
    [
        "<p hidden>Secret<p>Text.",
        "<div><p hidden>Secret</div>Text.",
        "<ul><li hidden>Secret</p>Secret</ul><p>Text.",
        "<table><tr><td hidden>Secret<tr><td>Text.</table>",
        '<body style="display:none"><p>Text.',
        '<div hidden="until-found">Text.</div>',
    ],
)
def test_what_is_hidden_ends_where_a_browser_ends_it(tmp_path, html):
    assert [text.strip("| -") for _, text in texts(tmp_path, html)] == ["Text."]


def test_what_a_script_or_a_style_holds_begins_no_comment(tmp_path):
    html = (
        "<script>var s='<!--', t='<!';</script>\n<h1>A</h1><p>One.</p><!-- c\n--><STYLE>a::before"
        "{content:'<!--'}</STYLE ><p>Two.<script src=x /><p>Three.<!-- <script> --><p>Four."
    )
    (passage,) = read(tmp_path, html)
    assert (passage.text, passage.source) == ("One.\n\nTwo.\n\nThree.\n\nFour.", "a.html#2")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('<meta charset="gb18030"><p>三十天内可以退货。'.encode("gb18030"), "三十天内可以退货。"),
        ('<meta charset="utf-8"><p>caf\u00e9 \u2013 ja'.encode("cp1252"), "café – ja"),
        ('<meta charset="iso-8859-2"><p>Łódź'.encode("iso-8859-2"), "Łódź"),
        ("<p>Grüße".encode("utf-16"), "Grüße"),
        ("<p>é".encode() * 50 + b"<p>\xe9", "é" + "\n\né" * 50),
        ('<meta charset="no-such"><p>caf\u00e9'.encode("cp1252"), "café"),
        ("<meta charset=undefined><p>caf\u00e9".encode("cp1252"), "café"),
        ("<meta charset=punycode><p>caf\u00e9".encode("cp1252"), "café"),
        ("<meta charset=utf-7><p>caf\u00e9".encode("cp1252"), "café"),
        ("<meta charset=iso-8859-1><p>it\u2019s 5 \u20ac".encode("cp1252"), "it’s 5 €"),
        ("<meta charset=Shift_JIS><p>\u2460 \u8fd4\u54c1".encode("cp932"), "① 返品"),
    ],
)
def test_a_page_is_read_in_the_encoding_that_it_has(tmp_path, content, text):
    assert [passage.text for passage in read(tmp_path, content)] == [text]


def test_a_wrong_date_of_a_page_names_it(tmp_path):
    with pytest.raises(LogFormatError, match=r"a\.html: valid_until '31\.1\.2026' is no date"):
        read(tmp_path, '<meta name="valid-until" content="31.1.2026"><p>Text.')


def test_a_page_without_text_or_with_zero_bytes_or_too_large_is_one_line(tmp_path, monkeypatch):
    with pytest.raises(LogFormatError, match="no passage found"):
        read(tmp_path, "<script>x()</script><img src=x>")
    with pytest.raises(LogFormatError, match=r"a\.html: not text"):
        read(tmp_path, b"<p>a\0b")
    monkeypatch.setattr(web_page, "MAX_HTML", 10)
    with pytest.raises(LogFormatError, match="larger than 0 MiB; split it by chapter"):
        read(tmp_path, "<p>Some text.")


@pytest.mark.parametrize(
    "html",
    [
        "<p>x" + "<ul><li>" * 8_000,
        "<p>x" + "<table><tr><td>" * 8_000,
        "<p>x" + "<!--" * 15_000,
        "<p>x" + "<script>" * 15_000,
        "<p>x" + "<div>" * 15_000,
        "<p>x" + "<a <" * 8_000,
        "<p>x" + "<nav>" * 8_000 + "</i>" * 8_000,
        "<p>x<table><tr><td>" + "<p>y" * 15_000,
        "<p>x<li>" + "<p>y" * 15_000,
    ],
)
def test_a_hostile_page_is_read_in_seconds(tmp_path, html):
    start = time.perf_counter()
    assert read(tmp_path, html)[0].text.startswith("x")
    assert time.perf_counter() - start < 10
