import json
import zipfile
from datetime import UTC, datetime

import pytest

from data.logs import IMPORTERS, importer_for, read_export
from data.logs.slack_people import Person, text_of_slack
from data.rows import BadRows
from data.sources import of_path

USERS = [
    {"id": "U1", "name": "carla", "is_bot": False,
     "profile": {"display_name": "Carla C", "email": "carla@buyer.example"}},
    {"id": "U2", "name": "ann", "profile": {"real_name": "Ann Lee", "email": "ann@acme.example"}},
    {"id": "U3", "name": "helper", "is_bot": True, "profile": {}},
]  # fmt: skip
START = 1767344400  # 2026-01-02 09:00 UTC


def message(second, user, text, **more):
    return {"type": "message", "ts": f"{START + second}.000100", "user": user, "text": text, **more}


def thread(second=0):
    return {"thread_ts": f"{START + second}.000100"}


DAY = 86400
EXPORT = {
    "users.json": USERS,
    "channels.json": [{"id": "C1", "name": "help"}],
    "help/2026-01-02.json": [
        message(0, "U1", "Where is <https://a.example/o|my order>?", **thread(), reply_count=3,
                reactions=[{"name": "white_check_mark", "count": 1}]),
        message(5, "U1", "<@U1> has joined the channel", subtype="channel_join"),
        message(20, "U2", "<@U1>: it left &amp; comes today", **thread()),
        message(10, "U3", "A person will answer.", **thread(), bot_id="B1"),
        message(30, "U1", "nobody answers me"),
        message(40, None, "Build is green", subtype="bot_message"),
        message(50, "U1", "", files=[{"id": "F1"}]),
        message(60, "U1", "This message was deleted.", subtype="tombstone"),
    ],
    "help/2026-01-03.json": [
        message(DAY, "U1", "Thanks!", **thread()),
        message(DAY, "U1", "Thanks!", **thread()),
    ],
    "sales/2026-01-02.json": [
        message(1, "U1", "Me", **thread()),
        message(0, "U2", "Who needs a quote?", **thread()),
        message(2, "U2", "set the topic", subtype="channel_topic", **thread()),
    ],
}  # fmt: skip


def folder(tmp_path, files=EXPORT):
    for name, values in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(values if isinstance(values, str) else json.dumps(values))
    return tmp_path


def zipped(tmp_path, files=EXPORT):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, values in files.items():
            archive.writestr(f"Acme export/{name}", json.dumps(values))
    return path


def read(path, columns=None):
    bad, source = BadRows(), of_path(path)
    assert importer_for(source) is IMPORTERS["slack"]
    return {one.id: one for one in read_export(source, None, columns or {}, bad)}, bad


def said(conversation):
    return [(turn.speaker, turn.mark, turn.text) for turn in conversation.turns]


HELP, LONE, SALES = (
    f"slack-help-{START}.000100", f"slack-help-{START + 30}.000100", f"slack-sales-{START}.000100",
)  # fmt: skip


@pytest.mark.parametrize("form", [folder, zipped])
@pytest.mark.parametrize("pass_bytes", [1 << 20, 300])
def test_threads_over_days_become_conversations(tmp_path, monkeypatch, form, pass_bytes):
    monkeypatch.setattr("data.logs.slack.PASS_BYTES", pass_bytes)
    found, bad = read(form(tmp_path))
    assert set(found) == {HELP, LONE, SALES}
    assert said(found[HELP]) == [
        ("customer", None, "Where is my order?"),
        ("agent", "bot", "A person will answer."),
        ("agent", None, "@Carla C: it left & comes today"),
        ("customer", None, "Thanks!"),
    ]
    assert said(found[LONE]) == [("customer", None, "nobody answers me")]
    assert found[HELP].turns[1].time == datetime(2026, 1, 2, 9, 0, 10, 100, tzinfo=UTC)
    one = found[HELP]
    assert (one.customer_id, one.channel, one.outcome, one.labels) == (
        "U1", "slack", "solved", {"room": "help"})  # fmt: skip
    assert found[SALES].outcome == "unknown"
    assert bad.left_out == {
        "message of a system that nobody answered": 1,
        "message of a bot that nobody answered": 1,
        "attachment": 1,
        "deleted message": 1,
        "the same message again": 1,
    }
    assert not bad


@pytest.mark.parametrize("named", ["@acme.example", "ann", "Ann Lee", "U2"])
def test_the_company_s_people_are_named_by_address_name_or_id(tmp_path, named):
    path = folder(tmp_path)
    assert said(read(path)[0][SALES])[:2] == [
        ("customer", None, "Who needs a quote?"), ("agent", None, "Me")]  # fmt: skip
    found, _ = read(path, {"agent": named})
    assert said(found[SALES]) == [
        ("agent", None, "Who needs a quote?"),
        ("customer", None, "Me"),
        ("agent", "system", "set the topic"),
    ]
    assert found[SALES].customer_id == "U1"


def test_a_broken_file_costs_the_export_only_itself(tmp_path):
    broken = {
        "users.json": "{",
        "help/2026-01-01.json": "[{",
        "help/readme.txt": "hi",
        "help/2026-01-04.json": [
            3,
            {"ts": "soon", "text": "07700"},
            message(0, "U1", ["07700"]),
            message(9 * DAY, ["U1"], "kept", thread_ts={}, reactions="x", subtype=[]),
        ],
    }
    found, bad = read(folder(tmp_path, EXPORT | broken))
    assert {HELP, f"slack-help-{START + 9 * DAY}.000100"} <= set(found)
    assert said(found[HELP])[2][2] == "@U1: it left & comes today"
    assert sorted(where.rsplit("/", 1)[1] for where, _ in bad.rows) == [
        "2026-01-01.json", "2026-01-04.json:1", "2026-01-04.json:2", "2026-01-04.json:3",
        "users.json"]  # fmt: skip
    assert bad.left_out["file that is no day of a channel"] == 1
    assert not any("07700" in line for line in bad.lines)


def test_one_day_by_itself_is_read_without_its_people(tmp_path):
    found, _ = read(folder(tmp_path) / "sales" / "2026-01-02.json")
    assert list(found) == [SALES]


def test_a_folder_of_other_json_is_no_slack_export(tmp_path):
    folder(tmp_path, {"users.json": USERS, "help/2026-01-02.json": [{"id": 1}]})
    assert importer_for(of_path(tmp_path)) is None


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("<@U1> and <@U9> and <@U9|Zoe>", "@Ann and @U9 and @Zoe"),
        ("see <https://a.example> or <https://a.example|here>", "see https://a.example or here"),
        ("<mailto:a@b.example|a@b.example> <mailto:c@d.example>", "a@b.example c@d.example"),
        ("<#C1|general> <#C2> <!here> <!subteam^S1|@help>", "#general #C2 @here @help"),
        ("<!date^1392734382^{date}|Feb 18> a &lt; b &amp;&amp; c", "Feb 18 a < b && c"),
        ("1 < 2 > 0 <> <|x>", "1 < 2 > 0 <> <|x>"),
    ],
)
def test_what_stands_in_angle_brackets_is_written_out(raw, text):
    assert text_of_slack(raw, {"U1": Person("Ann", (), False)}) == text
