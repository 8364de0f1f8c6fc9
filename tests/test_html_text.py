import time

import pytest

from data.logs.html_text import text_of_html


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a</p><p>b<br>c<br/>d</p>", "a\n\nb\nc\nd"),
        ("<div>a</div><div>b</div><div><br></div><div>c</div>", "a\nb\n\nc"),
        ("<ul><li>one</li><li>two</ul>x &amp; y&nbsp;z", "one\ntwo\nx & y z"),
        ("<p>one\n  line</p>", "one line"),
        ("no tags,\ntwo lines & 1 < 2", "no tags,\ntwo lines & 1 < 2"),
        ("a &lt;b&gt; c", "a <b> c"),
        ("<style>x{}</style>a<script>if (a<b) x()</script><!-- no -->b", "ab"),
        ('<a href="https://a.example">the page</a>', "the page"),
        ("new<blockquote>old <p>older</p></blockquote>end", "new\n\nend"),
        ('new<div class="gmail_quote">On Monday: <div>old</div></div>', "new"),
        ('new<div id="appendonsend"></div><hr><div>From: Ann</div><div>old</div>', "new"),
        ('<div style="display:none">preview</div>new', "new"),
        ("<blockquote>all that there is</blockquote>", "all that there is"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c", "a b\nc"),
        ("<b>open <i>tags < and <p", "open tags < and <p"),
        ("<![foo[ x ]]>a<!DOCTYPE html><?xml version='1'?>b", "ab"),
        ("&#55357; &#x110000; <p>x", "\ufffd \ufffd\n\nx"),
        ("", ""),
    ],
)
def test_html_becomes_text(html, text):
    assert text_of_html(html) == text


@pytest.mark.parametrize(
    "piece",
    [
        "<p>hello</p>\n",
        "<",
        "<!--",
        "<a ",
        '<a b="',
        "<![",
        "</",
        "<div>",
        "<script>",
        "&#",
        "<br>",
    ],
)
def test_a_megabyte_of_html_takes_seconds_and_raises_nothing(piece):
    started = time.process_time()
    text_of_html("<p>" + piece * ((1 << 20) // len(piece)))
    text_of_html(piece * ((1 << 20) // len(piece)) + "'\">")
    assert time.process_time() - started < 20
