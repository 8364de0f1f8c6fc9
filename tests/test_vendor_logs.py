import gzip
import io
import json
import random
import zipfile
import zlib
from datetime import UTC, datetime

import pytest

from data.logs import IMPORTERS, importer_for, read_export
from data.rows import BadRows
from data.sources import Source, of_path

ZENDESK = {
    "id": 35436,
    "via": {"channel": "email"},
    "status": "closed",
    "subject": "Parcel &amp; refund",
    "requester_id": 1,
    "submitter_id": 1,
    "tags": ["parcel", "late"],
    "satisfaction_rating": {"score": "good", "comment": "thanks"},
    "metric_set": {"reopens": 1},
    "created_at": "2026-01-02T09:00:00Z",
    "comments": [
        {"id": 12, "author_id": 7, "public": True, "created_at": "2026-01-02T09:10:00Z",
         "html_body": "<p>It leaves&nbsp;today.</p><blockquote>Where is it?</blockquote>"},
        {"id": 11, "author_id": 1, "public": True, "created_at": "2026-01-02T09:00:00Z",
         "body": "Where is it?"},
        {"id": 13, "author_id": 7, "public": False, "created_at": "2026-01-02T09:11:00Z",
         "body": "customer is angry"},
        {"id": 14, "author_id": -1, "public": True, "created_at": "2026-01-02T09:12:00Z",
         "plain_body": "Closed after a day."},
    ],
}  # fmt: skip
FRESHDESK = {
    "id": 20,
    "subject": "Broken lamp",
    "description": "<div>It is <b>broken</b>.</div>",
    "description_text": "It is broken.",
    "requester_id": 129,
    "responder_id": 9,
    "status": 4,
    "source": 1,
    "tags": ["lamp"],
    "stats": {"reopened_at": "2026-01-03T09:00:00Z"},
    "satisfaction_ratings": [{"ratings": {"default_question": -103}}],
    "created_at": "2026-01-02T09:00:00Z",
    "conversations": [
        {"id": 3, "body_text": "Thanks!", "incoming": True, "private": False, "user_id": 129,
         "created_at": "2026-01-02T11:00:00Z"},
        {"id": 1, "body": "<p>A new one<br>comes.</p>", "incoming": False, "private": False,
         "user_id": 9, "created_at": "2026-01-02T10:00:00Z"},
        {"id": 2, "body_text": "check stock", "incoming": False, "private": True, "user_id": 9,
         "created_at": "2026-01-02T10:30:00Z"},
    ],
}  # fmt: skip
INTERCOM = {
    "type": "conversation",
    "id": "1911",
    "created_at": 1767344400,
    "title": None,
    "state": "closed",
    "source": {"type": "conversation", "subject": "<p>Login</p>", "body": "<p>I cannot log in</p>",
               "author": {"type": "user", "id": "u1"}, "delivered_as": "customer_initiated"},
    "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": "c1"}]},
    "tags": {"type": "tag.list", "tags": [{"type": "tag", "name": "login"}, {"name": "app"}]},
    "conversation_rating": {"rating": 4, "remark": "fine"},
    "conversation_parts": {"type": "conversation_part.list", "conversation_parts": [
        {"part_type": "comment", "body": "<p>Try <a href=\"https://a.example\">this</a>.</p>",
         "author": {"type": "bot", "id": "b1"}, "created_at": 1767344410},
        {"part_type": "assignment", "body": None, "author": {"type": "bot", "id": "b1"},
         "created_at": 1767344420},
        {"part_type": "note", "body": "<p>vip</p>", "author": {"type": "admin", "id": "a1"},
         "created_at": 1767344430},
        {"part_type": "close", "body": "<p>Reset it, please.</p>",
         "author": {"type": "admin", "id": "a1"}, "created_at": 1767344500},
        {"part_type": "open", "body": "<p>Not yet!</p>", "author": {"type": "lead", "id": "u1"},
         "created_at": 1767344600},
    ]},
}  # fmt: skip
CHATWOOT = {
    "id": 13098,
    "inbox_id": 58,
    "status": "resolved",
    "labels": ["billing", "invoice"],
    "additional_attributes": {"mail_subject": "Invoice"},
    "meta": {"sender": {"id": 5, "type": "contact"}, "channel": "Channel::WebWidget"},
    "messages": [
        {"id": 1, "content": "I need an invoice", "message_type": 0, "private": False,
         "created_at": 1767344400, "sender": {"id": 5, "type": "contact"}},
        {"id": 2, "content": "Which order?", "message_type": 1, "private": False,
         "created_at": 1767344410, "sender": {"id": 3, "type": "agent_bot"}},
        {"id": 3, "content": "look at order 9", "message_type": 1, "private": True,
         "created_at": 1767344420, "sender": {"id": 4, "type": "user"}},
        {"id": 4, "content": "Here it is.", "message_type": "outgoing", "private": False,
         "created_at": "2026-01-02T09:00:30Z", "sender": {"id": 4, "type": "user"}},
        {"id": 5, "content": "Conversation was reopened by Ann", "message_type": 2,
         "created_at": 1767344440},
        {"id": 6, "content": "Please rate", "message_type": 3, "content_type": "input_csat",
         "created_at": 1767344450,
         "content_attributes": {"submitted_values": {"csat_survey_response": {"rating": 2}}}},
    ],
}  # fmt: skip
CASES = {
    "zendesk": ZENDESK,
    "freshdesk": FRESHDESK,
    "intercom": INTERCOM,
    "chatwoot": CHATWOOT,
}
# Where each kind of export holds its cases.
SHAPES = [
    *((name, "a.json", case) for name, case in CASES.items()),
    *((name, "a.json", [case, case]) for name, case in CASES.items()),
    ("zendesk", "a.json", {"count": 1, "next_page": None, "tickets": [ZENDESK]}),
    ("zendesk", "a.json", {"users": [], "ticket": ZENDESK}),
    ("freshdesk", "a.json", {"total": 1, "results": [FRESHDESK]}),
    ("freshdesk", "a.json", [{"helpdesk_ticket": FRESHDESK}]),
    ("intercom", "a.json", {"type": "conversation.list", "conversations": [INTERCOM]}),
    ("chatwoot", "a.json", {"data": {"meta": {"all_count": 1}, "payload": [CHATWOOT]}}),
]  # fmt: skip


def lines(*cases):
    return "\n".join(map(json.dumps, cases))


def source(content, name="a.json"):
    content = content if isinstance(content, bytes) else content.encode()
    return Source(name, lambda: io.BytesIO(content))


def read(case, name="a.json", **changed):
    """The conversations of one case with some values changed, and what was noted."""
    bad, one = BadRows(), source(json.dumps([case | changed]), name)
    return list(importer_for(one).read(one, {}, bad)), bad


def said(conversation):
    return [(turn.speaker, turn.mark, turn.text) for turn in conversation.turns]


@pytest.mark.parametrize(("kind", "name", "content"), SHAPES)
def test_a_kind_is_told_by_its_content_and_by_no_other_importer(kind, name, content):
    one = source(json.dumps(content), name)
    fitting = [name for name, importer in IMPORTERS.items() if importer.fits(one)]
    assert fitting == [kind]
    bad = BadRows()
    assert list(read_export(one, None, {}, bad))
    assert not bad


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json"])
def test_json_lines_are_told_by_their_first_readable_line(kind, name):
    one = source(lines(CASES[kind], CASES[kind]), name)
    assert importer_for(one) is IMPORTERS[kind]
    if name == "a.jsonl":
        assert importer_for(source("{torn\n" + lines(CASES[kind]), name)) is IMPORTERS[kind]


@pytest.mark.parametrize(
    "content",
    [[], {}, [1], {"tickets": []}, {"tickets": [{"id": 1, "subject": "x"}]}, "text",
     {"data": {"payload": 1}}, {"conversations": [{"id": 1, "messages": []}]},
     {"source": "web", "id": 1}],
)  # fmt: skip
def test_other_json_is_of_no_helpdesk(content):
    assert importer_for(source(json.dumps(content))) is None


def test_a_zendesk_ticket_has_its_public_comments_in_order_of_time():
    (one,), bad = read(ZENDESK)
    assert said(one) == [
        ("customer", None, "Where is it?"),
        ("agent", None, "It leaves today."),
        ("agent", "system", "Closed after a day."),
    ]
    assert one.turns[0].time == datetime(2026, 1, 2, 9, tzinfo=UTC)
    assert [turn.speaker_id for turn in one.turns] == ["1", "7", "-1"]
    assert (one.id, one.customer_id, one.channel, one.outcome, one.rating) == (
        "35436", "1", "email", "solved", 5)  # fmt: skip
    assert one.labels == {"subject": "Parcel & refund", "tags": "parcel|late", "reopened": "yes"}
    assert bad.left_out == {"internal note": 1}
    assert not bad


AUDITS = [
    {"author_id": 1, "created_at": "2026-01-02T09:00:00Z", "events": [
        {"id": 1, "type": "Create", "field_name": "status", "value": "new"},
        {"id": 2, "type": "Comment", "public": True, "body": "hello", "author_id": 1}]},
    {"author_id": 7, "created_at": "2026-01-02T09:05:00Z", "via": {"channel": "rule"}, "events": [
        {"id": 3, "type": "Comment", "public": True, "body": "We got it."}]},
    {"author_id": 7, "created_at": "2026-01-02T09:06:00Z", "events": [
        {"id": 4, "type": "Comment", "public": True, "body": "made private later"},
        {"id": 5, "type": "Change", "field_name": "status", "value": "solved",
         "previous_value": "open"}]},
    {"author_id": 1, "created_at": "2026-01-02T09:07:00Z", "events": [
        {"id": 6, "type": "CommentPrivacyChange", "comment_id": 4, "public": False},
        {"id": 7, "type": "Change", "field_name": "status", "value": "open",
         "previous_value": "solved"}]},
]  # fmt: skip


def test_zendesk_audits_tell_comments_their_privacy_and_that_a_ticket_was_reopened():
    ticket = {key: ZENDESK[key] for key in ("id", "requester_id", "submitter_id")}
    (one,), bad = read(ticket, audits=AUDITS, status="open")
    assert said(one) == [("customer", None, "hello"), ("agent", "bot", "We got it.")]
    assert one.turns[1].time == datetime(2026, 1, 2, 9, 5, tzinfo=UTC)
    assert (one.outcome, one.labels) == ("unknown", {"reopened": "yes"})
    assert bad.left_out == {"internal note": 1}


def test_zendesk_users_beside_the_tickets_tell_a_second_customer():
    comments = [{"author_id": author, "body": f"by {author}"} for author in (1, 2, 7)]
    users = [{"id": 2, "role": "end-user"}, {"id": 7, "role": "agent"}, "broken"]
    document = {"tickets": [ZENDESK | {"comments": comments}], "users": users}
    (one,) = read_export(source(json.dumps(document)), None, {}, BadRows())
    assert [turn.speaker for turn in one.turns] == ["customer", "customer", "agent"]
    alone = {"ticket": {**ZENDESK, "comments": comments}, "users": users}
    (one,) = read_export(source(json.dumps(alone)), None, {}, BadRows())
    assert [turn.speaker for turn in one.turns] == ["customer", "customer", "agent"]
    (one,), _ = read(ZENDESK, comments=comments)
    assert [turn.speaker for turn in one.turns] == ["customer", "agent", "agent"]


def test_a_zendesk_ticket_without_comments_is_its_description_and_a_deleted_one_is_left_out():
    (one,), _ = read(ZENDESK, comments=[], description="only this")
    assert said(one) == [("customer", None, "only this")]
    found, bad = read(ZENDESK, status="deleted")
    assert (found, len(bad), bad.left_out) == ([], 0, {"deleted ticket": 1})


@pytest.mark.parametrize(
    ("rating", "expected"),
    [({"score": "bad"}, 1), ({"score": "offered"}, None), ({"score": 3}, 3), ("good", 5),
     (None, None), ({"score": ["good"]}, None), ([], None)],
)  # fmt: skip
def test_zendesk_ratings(rating, expected):
    ((one,), _) = read(ZENDESK, satisfaction_rating=rating)
    assert one.rating == expected


def test_a_freshdesk_ticket_begins_with_its_description():
    (one,), bad = read(FRESHDESK)
    assert said(one) == [
        ("customer", None, "It is broken."),
        ("agent", None, "A new one\ncomes."),
        ("customer", None, "Thanks!"),
    ]
    assert (one.id, one.customer_id, one.channel, one.outcome, one.rating) == (
        "20", "129", "email", "solved", 1)  # fmt: skip
    assert one.labels == {"subject": "Broken lamp", "tags": "lamp", "reopened": "yes"}
    assert bad.left_out == {"internal note": 1}
    assert not bad


def test_a_freshdesk_account_export_is_unwrapped():
    ticket = {
        "display_id": 8, "requester_id": 129, "status": "2", "status_name": "Closed", "source": 7,
        "description": "plain <3 words", "created_at": "2014-01-08T07:33:42+05:30",
        "helpdesk_notes": [
            {"helpdesk_note": {"body": "note", "private": True, "user_id": 9}},
            {"helpdesk_note": {"body": "answer", "private": False, "incoming": False,
                               "user_id": 9, "created_at": "2014-01-08T07:34:42+05:30"}},
            {"helpdesk_note": {"body": "gone", "deleted": True}}],
    }  # fmt: skip
    (one,), bad = read({"helpdesk_ticket": ticket})
    assert said(one) == [("customer", None, "plain <3 words"), ("agent", None, "answer")]
    assert (one.id, one.channel, one.outcome) == ("8", "chat", "solved")
    assert bad.left_out == {"internal note": 1, "deleted message": 1}


def test_who_opens_a_freshdesk_ticket_and_what_is_no_ticket():
    (one,), _ = read(FRESHDESK, source=10)
    assert (one.turns[0].speaker, one.turns[0].speaker_id) == ("agent", "9")
    _, bad = read(FRESHDESK, spam=True)
    assert bad.left_out == {"spam or deleted ticket": 1}
    assert [read(FRESHDESK, status=n)[0][0].outcome for n in (2, 3, 5, "5", 6)] == [
        "unknown", "unknown", "solved", "solved", "unknown"]  # fmt: skip


def test_an_intercom_conversation_has_its_source_and_the_parts_with_a_body():
    (one,), bad = read(INTERCOM)
    assert said(one) == [
        ("customer", None, "I cannot log in"),
        ("agent", "bot", "Try this."),
        ("agent", None, "Reset it, please."),
        ("customer", None, "Not yet!"),
    ]
    assert one.turns[0].time == datetime(2026, 1, 2, 9, tzinfo=UTC)
    assert (one.id, one.customer_id, one.channel, one.outcome, one.rating) == (
        "1911", "c1", "chat", "solved", 4)  # fmt: skip
    assert one.labels == {"subject": "Login", "tags": "login|app", "reopened": "yes"}
    assert bad.left_out == {"internal note": 1, "event that is no turn": 1}
    assert not bad


@pytest.mark.parametrize(
    ("changed", "expected"),
    [({"state": "open"}, "handed_over"),  # a bot, then a person
     ({"state": "open", "conversation_parts": []}, "unknown"),
     ({"state": "open", "ai_agent": {"resolution_state": "routed_to_team"}}, "handed_over"),
     ({"state": "open", "ai_agent": {"resolution_state": "confirmed_resolution"}}, "solved"),
     ({"ai_agent": {"resolution_state": "abandoned"}, "conversation_parts": []}, "abandoned"),
     ({"ai_agent": {"resolution_state": "abandoned"}}, "solved"),  # a person answered
     ({"state": None, "open": False}, "solved")],
)  # fmt: skip
def test_intercom_outcomes(changed, expected):
    ((one,), _) = read(INTERCOM, **changed)
    assert one.outcome == expected


def test_an_older_intercom_conversation_and_one_that_the_company_begins():
    old = {"id": 5, "user": {"id": "u9"}, "conversation_parts": [], "conversation_message": {
        "body": "hello", "author": {"type": "user", "id": "u9"}}}  # fmt: skip
    (one,), _ = read(old)
    assert (said(one), one.id, one.customer_id) == ([("customer", None, "hello")], "5", "u9")
    source = {"body": "Hi there", "author": {"type": "admin"}, "delivered_as": "automated"}
    (one,), _ = read(INTERCOM, source=source)
    assert said(one)[0] == ("agent", "bot", "Hi there")


def test_a_chatwoot_conversation_has_marks_and_the_survey_s_rating():
    (one,), bad = read(CHATWOOT)
    assert said(one) == [
        ("customer", None, "I need an invoice"),
        ("agent", "bot", "Which order?"),
        ("agent", None, "Here it is."),
        ("agent", "system", "Conversation was reopened by Ann"),
        ("agent", "system", "Please rate"),
    ]
    assert one.turns[2].time == datetime(2026, 1, 2, 9, 0, 30, tzinfo=UTC)
    assert (one.id, one.customer_id, one.channel, one.outcome, one.rating) == (
        "13098", "5", "chat", "solved", 2)  # fmt: skip
    assert one.labels == {"subject": "Invoice", "tags": "billing|invoice", "reopened": "yes"}
    assert bad.left_out == {"internal note": 1}
    assert not bad


def test_chatwoot_states_and_kinds_of_messages():
    first, bot, *_ = CHATWOOT["messages"]
    outcomes = [read(CHATWOOT, status=state)[0][0].outcome for state in ("open", "pending", 1)]
    assert outcomes == ["handed_over", "handed_over", "solved"]
    waiting = [read(CHATWOOT, messages=[first, bot], status=state) for state in ("pending", "open")]
    assert [found[0].outcome for found, _ in waiting] == ["unknown", "handed_over"]
    gone = first | {"content_attributes": {"deleted": True}}
    greeting = {"content": "Hi!", "message_type": "template", "created_at": 1767344399}
    unsaid = {"content": "Hm", "sender_type": "Contact", "sender_id": 6, "created_at": 1767344401}
    image = {"content": None, "message_type": 0, "attachments": [{"id": 1}]}
    (one,), bad = read(CHATWOOT, messages=[first, gone, greeting, unsaid, image])
    assert said(one) == [
        ("agent", "bot", "Hi!"), ("customer", None, "I need an invoice"), ("customer", None, "Hm")
    ]  # fmt: skip
    assert bad.left_out == {"deleted message": 1, "attachment": 1}


def test_a_turn_without_a_time_leaves_the_file_s_order():
    late, first, *_ = ZENDESK["comments"]
    comments = [late, first | {"created_at": "soon"}]
    ((one,), _) = read(ZENDESK, comments=comments)
    assert [turn.text for turn in one.turns] == ["It leaves today.", "Where is it?"]


SECRET = "07700 900123"
WRONG = [None, 1, True, SECRET, [], {}, [None], [1, SECRET, []], [{}], {"x": SECRET}, -5e300]


@pytest.mark.parametrize("kind", CASES)
def test_a_value_of_a_wrong_type_costs_at_most_its_case_and_shows_no_text(kind):
    case, importer = CASES[kind], IMPORTERS[kind]
    changed = [case | {key: wrong} for key in case for wrong in WRONG]
    for key, items in case.items():
        if isinstance(items, list) and items and isinstance(items[0], dict):
            changed += [case | {key: [items[0] | {inner: wrong}, *items[1:]]}
                        for inner in items[0] for wrong in WRONG]  # fmt: skip
        if isinstance(items, dict):
            changed += [case | {key: items | {inner: w}} for inner in items for w in WRONG]
    bad = BadRows()
    found = list(importer.read(source(lines(*changed, case), "a.jsonl"), {}, bad))
    assert len(found) >= len(changed) // 2
    assert len(bad) > 5
    assert said(found[-1])
    assert not any("07700" in line for line in bad.lines)


@pytest.mark.parametrize(
    ("kind", "changed", "why"),
    [("zendesk", {"id": None}, "no id"),
     ("zendesk", {"comments": [{"public": False, "body": "x"}]}, "no turn with a text"),
     ("zendesk", {"comments": {"a": 1}, "description": "x"}, "the comments are no list"),
     ("zendesk", {"comments": [["x"]]}, "a comment must be an object"),
     ("freshdesk", {"description": None, "description_text": "", "conversations": 3},
      "the notes are no list"),
     ("intercom", {"conversation_parts": {"conversation_parts": [
         {"body": "x", "author": {"type": "ghost"}}]}}, "unknown author.type"),
     ("intercom", {"source": [], "conversation_parts": []}, "no turn with a text"),
     ("chatwoot", {"messages": [{"content": "x", "message_type": 9}]}, "unknown message_type")],
)  # fmt: skip
def test_what_cannot_be_read_is_noted_with_its_reason(kind, changed, why):
    bad = BadRows()
    one = source(json.dumps([CASES[kind] | changed]))
    list(IMPORTERS[kind].read(one, {}, bad))
    assert why in [why for _, why in bad.rows]
    assert all(where.startswith("a.json:1") for where, _ in bad.rows)


def test_a_gzip_file_and_a_zip_of_several_kinds_are_read(tmp_path):
    with gzip.open(tmp_path / "tickets.json.gz", "wt") as file:
        json.dump({"tickets": [ZENDESK, ZENDESK | {"id": 2}]}, file)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for kind, case in CASES.items():
            archive.writestr(f"export/{kind}.json", json.dumps([case]))
        archive.writestr("export/users.json", '[{"id": 1}]')
    bad = BadRows()
    found = list(read_export(of_path(tmp_path / "tickets.json.gz"), None, {}, bad))
    assert [one.id for one in found] == ["35436", "2"]
    found = list(read_export(of_path(tmp_path / "all.zip"), None, {}, bad))
    assert [one.id for one in found] == ["13098", "20", "1911", "35436"]
    assert bad.left_out["file that no importer reads"] == 1
    assert not bad


def test_a_cut_off_gzip_file_keeps_the_tickets_before_the_cut(tmp_path):
    noise = random.Random(0)
    tickets = [ZENDESK | {"id": n, "external_id": noise.randbytes(500).hex()} for n in range(900)]
    whole = gzip.compress(json.dumps({"tickets": tickets}).encode())
    cut = whole[: len(whole) // 2]
    (tmp_path / "a.json.gz").write_bytes(cut)
    begun = zlib.decompressobj(31).decompress(cut).count(b'"via"')
    bad = BadRows()
    found = list(read_export(of_path(tmp_path / "a.json.gz"), None, {}, bad))
    assert len(found) == begun - 1 > 300
    assert ["cut off" in line for line in bad.lines] == [True]


@pytest.mark.parametrize("kind", CASES)
@pytest.mark.parametrize("shape", ["lines", "list"])
def test_three_thousand_cases_come_as_a_stream(kind, shape):
    cases = [CASES[kind] | {"id": n} for n in range(1, 3001)]
    content = (lines(*cases) if shape == "lines" else json.dumps(cases)).encode()
    opened = []

    def opener():
        opened.append(io.BytesIO(content))
        return opened[-1]

    bad, one = BadRows(), Source("a.json", opener)
    found = iter(importer_for(one).read(one, {}, bad))
    assert next(found).id == "1"
    assert max(file.tell() for file in opened if not file.closed) < len(content) / 4
    assert sum(1 for _ in found) == 2999
    assert not bad
