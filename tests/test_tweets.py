from datetime import UTC, datetime

import pytest

from data.errors import LogFormatError
from tests.test_logs import file, read

TWEET_COLUMNS = (
    "tweet_id,author_id,inbound,created_at,text,response_tweet_id,in_response_to_tweet_id\n"
)
AT = "Tue Oct 31 22:{}:00 +0000 2017"


def tweets(tmp_path, *rows):
    lines = (f"{tweet},{who},{who.isdigit()},{AT.format(minute)},{text},,{parent}\n"
             for tweet, who, minute, text, parent in rows)  # fmt: skip
    return file(tmp_path, "twcs.csv", TWEET_COLUMNS + "".join(lines))


THREADS = [
    (3, "Acme", 12, "@115 Try again ^JK", 4),
    (1, "115", 13, "@Acme still broken", 3),
    (4, "115", 10, "@Acme it is broken", ""),
    (9, "116", 15, "@Bolt @Acme hello?", 8),  # its parent is not in the file
    (10, "Acme", 16, "@116 Hi!", 9),
    (11, "Bolt", 17, "@116 Hi too!", "9.0"),
    (10, "Acme", 16, "@116 Hi!", 9),
    (20, "117", 20, "@Acme @Bolt", "nan"),
    (30, "118", 20, "@Bolt one", 31),
    (31, "118", 21, "@Bolt two", 32),
    (32, "118", 22, "@Bolt three", 30),
]


@pytest.mark.parametrize("passes", [1, 3])
def test_tweets_become_threads_by_what_they_reply_to(tmp_path, monkeypatch, passes):
    monkeypatch.setattr("data.logs.tweets.passes_over", lambda source: passes)
    found, bad = read(tweets(tmp_path, *THREADS))
    threads = {one.id: one for one in found}
    assert {name: [turn.text for turn in one.turns] for name, one in threads.items()} == {
        "4": ["it is broken", "Try again", "still broken"],
        "9": ["hello?", "Hi!", "Hi too!"],
        "30": ["one"], "31": ["two"], "32": ["three"],
    }  # fmt: skip
    assert [turn.speaker for turn in threads["4"].turns] == ["customer", "agent", "customer"]
    assert threads["4"].turns[0].time == datetime(2017, 10, 31, 22, 10, tzinfo=UTC)
    assert threads["4"].labels == {"brand": "Acme"}
    assert threads["30"].labels == {"brand": "Bolt"}
    assert threads["9"].customer_id == "116"
    assert bad.left_out == {"the same tweet again": 1, "tweet of handles and links only": 1}
    assert bad.mended == {"tweets that reply in a circle": 3}
    assert bad.lines == [f"{tmp_path}/twcs.csv: tweet 20: no text is left after cleaning"]


def test_a_long_thread_has_one_root(tmp_path):
    rows = [(n, "115" if n % 2 else "Acme", n % 60, f"part {n}", n - 1) for n in range(1, 500)]
    (conversation,), bad = read(tweets(tmp_path, *reversed(rows)))
    assert (conversation.id, len(conversation.turns), len(bad)) == ("1", 499, 0)


def test_a_table_that_has_no_tweets_says_which_column_is_missing(tmp_path):
    path = file(tmp_path, "log.csv", TWEET_COLUMNS.replace("inbound", "who") + "1,a,b,c,d,,\n")
    with pytest.raises(LogFormatError, match=r"log\.csv:1: no column inbound; "):
        read(path, name="tweets")


def test_a_tweet_without_a_number_as_id_is_noted_once(tmp_path, monkeypatch):
    monkeypatch.setattr("data.logs.tweets.passes_over", lambda source: 3)
    path = tweets(tmp_path, ("07700x", "115", 10, "hi", ""), (2, "115", 10, "kept", ""))
    found, bad = read(path)
    assert [one.turns[0].text for one in found] == ["kept"]
    assert [where for where, _ in bad.rows] == [f"{path}:2"]
    assert "07700" not in bad.lines[0]
