"""Whatever a file holds, it gives conversations, notes or one LogFormatError."""

import io
import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from data.errors import LogFormatError
from data.logs import IMPORTERS, importer_for
from data.logs.html_text import text_of_html
from data.rows import BadRows
from data.schema import Conversation
from data.sources import Source

FEW = settings(
    max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
CASES = {
    "zendesk": {
        "id": 1, "requester_id": 2, "submitter_id": 2, "status": "open", "subject": "a",
        "tags": ["b"], "via": {"channel": "web"}, "satisfaction_rating": {"score": "good"},
        "metric_set": {"reopens": 0},
        "users": [{"id": 2, "role": "end-user"}],
        "comments": [{"author_id": 2, "public": True, "html_body": "<p>hi", "created_at": 1e9}],
        "audits": [{"author_id": 2, "events": [
            {"id": 1, "type": "Comment", "body": "hi"},
            {"type": "CommentPrivacyChange", "comment_id": 1, "public": False},
            {"type": "Change", "field_name": "status", "previous_value": "solved", "value": "x"}]}],
    },
    "freshdesk": {
        "id": 1, "requester_id": 2, "status": 2, "source": 1, "subject": "a", "tags": ["b"],
        "description": "hi", "created_at": "2026-01-02", "stats": {"reopened_at": None},
        "satisfaction_ratings": [{"ratings": {"default_question": 103}}],
        "conversations": [{"body": "<p>hi", "user_id": 2, "incoming": True, "private": False}],
        "helpdesk_notes": [{"helpdesk_note": {"body": "hi"}}],
    },
    "intercom": {
        "id": 1, "state": "open", "created_at": 1767344400, "title": "a",
        "source": {"type": "email", "body": "hi", "author": {"type": "user", "id": 1}},
        "tags": {"tags": [{"name": "b"}]}, "contacts": {"contacts": [{"id": 1}]},
        "conversation_rating": {"rating": 1}, "statistics": {"count_reopens": 0},
        "ai_agent": {"resolution_state": "x"},
        "conversation_parts": {"conversation_parts": [
            {"part_type": "close", "body": "hi", "author": {"type": "bot", "id": 1}},
            {"part_type": "note", "body": "hi", "author": {"type": "admin"}, "created_at": 1}]},
    },
    "chatwoot": {
        "id": 1, "inbox_id": 1, "status": "open", "labels": ["b"], "contact_id": 1,
        "meta": {"sender": {"id": 1}, "channel": "Channel::Email"},
        "additional_attributes": {"mail_subject": "a"},
        "messages": [
            {"content": "hi", "message_type": 0, "created_at": 1e9, "sender": {"type": "contact"}},
            {"content": "hi", "message_type": 2, "private": False, "content_type": "input_csat",
             "content_attributes": {"submitted_values": {"csat_survey_response": {"rating": 1}}}}],
    },
    "slack": {
        "ts": "1767344400.0001", "thread_ts": "1767344400.0001", "user": "U1", "text": "hi <@U1>",
        "subtype": "thread_broadcast", "bot_id": None, "reactions": [{"name": "x"}], "files": [{}],
        "id": "U1", "profile": {"email": "a@b"}, "is_bot": False,
    },
}  # fmt: skip
WORDS = ["1", "-1", "end-user", "note", "close", "open", "comment", "user", "bot", "admin", "good",
         "true", "incoming", "activity", "2026-01-02T09:00:00Z", "0001-01-01T00:00:00+14:00",
         "1767344400.000100", "<p>hi<br>", "<@U1|x> &amp;", "9" * 5000, "\ud83d", "\x00",
         "9999-12-31T23:59:59-14:00", "2026-01-02", "2026-13-99 25:61", "<![if", ""]  # fmt: skip
PLAIN = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(WORDS)
)  # fmt: skip
NO_JSON = st.sampled_from([10**4000, float("nan"), float("inf"), -float("inf")])  # in lines only
SUFFIXES = [
    ".csv",
    ".tsv",
    ".jsonl",
    ".json",
    ".json.gz",
    ".txt",
    ".eml",
    ".mbox",
    ".parquet",
    ".zip",
    "",
]
PIECES = [
    b'{"id": 1, "requester_id": 2, "comments": [', b'{"id": 1, "messages": [{"message_type": 0',
    b"[", b"{", b'"', b"]}", b"}", b",", b"\n", b"\r", b"\0", b"\xff\xfe", b"\xef\xbb\xbf",
    b"\x1f\x8b", b"id,speaker,text\n", b"text,label\n", b"c1,customer,hi\n", b'"open', b"\t",
    b"caf\xe9", b"conversationId\tturnNumber\tutterance\n", b"From: a@b\n",
    b"From a@b Tue Oct 31 22:10:47 2017\n", b"\n\n", b"PAR1", b"PK\x03\x04",
    b"Content-Type: text/html; charset=none\n",
    b"31/10/2017, 22:10 - Ann: hello\n", b"1,2,True,x,hi,,\n",
    b"tweet_id,author_id,inbound,created_at,text,response_tweet_id,in_response_to_tweet_id\n",
    b'{"turns": [{"speaker": "agent", "text": "hi"}], "id": 1}\n', b'{"conversation_id": 1}\n',
]  # fmt: skip
MARKUP = [
    "<", ">", "</", "<p", "<div ", "<blockquote>", "</blockquote>", "<!--", "-->", "<![", "<!",
    "<?", "&", "&#", "&#x", ";", "'", '"', "=", " class=", "gmail_quote", "<br/>", "a", "\n",
    "<script>", "</script", "<style", "\x00", "id=appendonsend", "]]>", "<a/b/c", "<textarea>",
    "\ud83d",
]  # fmt: skip


def changed(value, plain):
    """The value with some of what it holds, or all of it, replaced by any other JSON."""
    if isinstance(value, dict):
        kept = st.fixed_dictionaries({key: changed(inner, plain) for key, inner in value.items()})
    elif isinstance(value, list):
        kept = st.tuples(*(changed(inner, plain) for inner in value)).map(list)
    else:
        kept = st.just(value)
    other = plain | st.lists(plain, max_size=2) | st.dictionaries(st.just("id"), plain)
    return st.integers(0, 9).flatmap(lambda one: kept if one else other)


def drain(importer, source, columns=None):
    """How many conversations come."""
    count, bad = 0, BadRows()
    try:
        for one in importer.read(source, columns or {}, bad):
            assert isinstance(one, Conversation)
            assert one.turns
            count += 1
            assert all(type(turn.text) is str and turn.text for turn in one.turns)
    except LogFormatError:
        pass
    return count


@pytest.mark.parametrize("form", ["lines", "list", "object"])
@pytest.mark.parametrize("kind", CASES)
def test_any_values_under_a_kind_s_keys(kind, form):
    counts = []
    plain = PLAIN | NO_JSON if form == "lines" else PLAIN

    @FEW
    @given(st.lists(changed(CASES[kind], plain), max_size=3))
    def check(values):
        name = "help/2026-01-02.json" if kind == "slack" else f"a.json{'l' * (form == 'lines')}"
        if form == "lines":
            content = "\n".join(json.dumps(one) for one in values)
        else:
            content = json.dumps(values if form == "list" else values[0] if values else {})
        source = Source(name, lambda: io.BytesIO(content.encode()))
        counts.append(drain(IMPORTERS[kind], source, {"agent": "@a.example"}))
        for importer in IMPORTERS.values():
            importer.fits(source)

    check()
    if (kind, form) != ("slack", "lines"):  # its files hold lists: lines are refused at once
        assert any(counts)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_any_bytes_under_any_suffix(suffix, tmp_path):
    @FEW
    @given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=20), max_size=12).map(b"".join))
    def check(content):
        # Archives are files on disk; all else may come from anywhere.
        path = tmp_path / f"a{suffix}"
        path.write_bytes(content)
        source = Source(str(path), lambda: path.open("rb"), path)
        try:
            found = importer_for(source)
        except LogFormatError:
            return
        if found is not None:
            drain(found, source)

    check()


@FEW
@given(st.lists(st.sampled_from(MARKUP) | st.text(max_size=5)).map("".join))
@example("<![foo[")
@example("<!x[y")
def test_any_html(html):
    assert isinstance(text_of_html(html), str)
