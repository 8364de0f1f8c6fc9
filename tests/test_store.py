import csv
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import SQLAlchemyError

from apps.chat import exchange
from apps.store import Store
from data.errors import ConfigError, ConversationError
from data.schema import Answer

ORDERS = Path(__file__).parent.parent / "data" / "samples" / "orders.csv"


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/deep/er/store.db"


class CountingApp:
    title, examples = "Counting", ()

    def answer(self, conversation, state):
        count = state.get("count", 0) + 1
        yield Answer("You")
        yield Answer(f"You wrote {count}", state={"count": count},
                     effects=({"order": "FK-204881", "status": "cancelled"},))  # fmt: skip


class FailingApp(CountingApp):
    def answer(self, conversation, state):
        yield Answer("Well")
        raise RuntimeError("no")


def test_a_conversation_goes_on_after_a_restart(url):
    store = Store(url)
    identity = store.new_conversation("me", "bot")
    list(exchange(CountingApp(), store, identity, "one"))
    again = Store(url)
    *_, (answer, turn_id) = exchange(CountingApp(), again, identity, "two")
    assert answer.text == "You wrote 2"
    stored = again.turns(identity)
    assert [each.turn.text for each in stored] == ["one", "You wrote 1", "two", "You wrote 2"]
    assert [each.turn.speaker for each in stored] == ["customer", "agent"] * 2
    assert stored[-1].id == turn_id
    assert stored[-1].trace["text"] == "You wrote 2"


def test_an_actions_effect_is_committed_with_its_turn(url):
    store = Store(url)
    assert store.copy_orders(ORDERS) == 60
    list(exchange(CountingApp(), store, store.new_conversation("me", "bot"), "cancel it"))
    assert Store(url).find("fk-204881").status == "cancelled"


def test_an_answer_that_breaks_off_leaves_nothing_behind(url):
    store = Store(url)
    identity = store.new_conversation("me", "bot")
    with pytest.raises(RuntimeError):
        list(exchange(FailingApp(), store, identity, "one"))
    assert store.turns(identity) == []


def test_orders_are_copied_once_and_their_days_count_back_from_today(url):
    store, today = Store(url), date(2026, 6, 1)
    store.copy_orders(ORDERS, today)
    assert store.copy_orders(ORDERS, today) == 0
    with ORDERS.open(encoding="utf-8") as file:
        row = next(r for r in csv.DictReader(file) if r["delivered_days_ago"])
    order = store.find(row["order_number"])
    assert order.delivered == today - timedelta(days=int(row["delivered_days_ago"]))
    assert order.total == float(row["total"])
    assert store.find("FK-000000") is None


def test_a_visitor_sees_and_rates_only_what_is_theirs(url):
    store = Store(url)
    mine, other = store.new_conversation("me", "bot"), store.new_conversation("you", "bot")
    for identity in (mine, other):
        list(exchange(CountingApp(), store, identity, "hello  there"))
    assert [listed.id for listed in store.conversations("me", "bot")] == [mine]
    assert store.conversations("me", "bot")[0].title == "hello there"
    assert store.conversations("me", "other app") == []
    assert store.owns("me", mine)
    assert not store.owns("me", other)
    answer = store.turns(other)[1]
    assert not store.thumb("me", answer.id, 1)
    assert store.thumb("you", answer.id, -1)
    assert store.turns(other)[1].thumb == -1
    assert not store.thumb("you", store.turns(other)[0].id, 1), "a customer's turn has no thumb"


def test_an_id_is_one_owners_and_one_apps(url):
    store = Store(url)
    assert store.conversation_of("jo", "faq", "c1") == "c1"
    assert store.conversation_of("jo", "faq", "c1") == "c1"
    for owner, app in (("eve", "faq"), ("jo", "customer_service")):
        with pytest.raises(ConfigError, match="conversation c1: is not of this app"):
            store.conversation_of(owner, app, "c1")


@pytest.mark.parametrize(("url", "alone"), [("sqlite://", True), ("sqlite:///:memory:", True)])
def test_a_database_in_memory_says_so(url, alone):
    assert Store(url).in_memory is alone


def test_a_database_in_a_file_is_seen_by_all_threads(url):
    assert not Store(url).in_memory


@pytest.mark.parametrize("url", ["nonsense", "oracle://x", "sqlite:////proc/no/such.db"])
def test_a_store_that_cannot_be_opened_is_told_in_one_line(url):
    with pytest.raises((ConfigError, OSError)):
        Store(url)


def test_why_it_cannot_be_opened_is_told_without_the_password(tmp_path):
    (tmp_path / "notes.db").write_text("no database at all, but a text of some length", "utf-8")
    with pytest.raises(ConfigError, match="file is not a database"):
        Store(f"sqlite:///{tmp_path}/notes.db")
    with pytest.raises(ConfigError, match="none") as told:
        Store("postgresql+none://me:secret@db.example.com/desk")
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


def test_processes_that_begin_at_once_make_the_tables_and_copy_the_orders_once(url, tmp_path):
    start = "".join((
        "import sys; from pathlib import Path; from apps.store import Store; ",
        "print('ready', flush=True); sys.stdin.readline(); ",
        f"Store({url!r}).copy_orders(Path({str(ORDERS)!r}))",
    ))  # fmt: skip
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [subprocess.Popen([sys.executable, "-c", start], **pipes) for _ in range(3)]
    for each in started:
        assert each.stdout.readline() == "ready\n"
    for each in started:
        each.stdin.write("go\n")
        each.stdin.flush()
    for each in started:
        each.communicate()
    assert [each.returncode for each in started] == [0, 0, 0]
    assert Store(url).find("FK-204881").status == "processing"


def test_orders_that_another_process_copied_meanwhile_are_left_as_they_are(url, monkeypatch):
    store, other = Store(url), Store(url)
    opened = Path.open

    def overtaken(path, *args, **kwargs):
        monkeypatch.setattr(Path, "open", opened)
        assert other.copy_orders(ORDERS) == 60
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", overtaken)
    assert store.copy_orders(ORDERS) == 0


def test_an_error_of_the_database_quotes_no_customer(url):
    store = Store(url)
    store.new_conversation("me", "bot", "my card is 4111")
    with pytest.raises(SQLAlchemyError) as failed:
        store.new_conversation("me", "bot", "my card is 4111")
    assert "4111" not in str(failed.value)


class Overtaken(CountingApp):
    """Another process answers in the conversation while it thinks."""

    def __init__(self, url):
        self.url = url

    def answer(self, conversation, state):
        if self.url is not None:
            url, self.url = self.url, None
            other = Store(url)
            seen, _, version = other.open(conversation.id)
            assert seen.turns == conversation.turns[:-1]
            said = Answer("Other", state={"count": 10})
            other.record(conversation.id, "other", said, {}, None, version)
        yield from super().answer(conversation, state)


def test_an_answer_from_what_another_process_changed_meanwhile_is_refused_and_loses_nothing(url):
    store = Store(url)
    identity = store.new_conversation("me", "bot", "c1")
    app = Overtaken(url)
    with pytest.raises(ConversationError, match="^conversation c1: .*send the message again$"):
        list(exchange(app, store, identity, "one", "m1"))
    assert [each.turn.text for each in store.turns(identity)] == ["other", "Other"]
    *_, (answer, _) = exchange(app, store, identity, "one", "m1")
    assert answer.text == "You wrote 11"
    assert store.open(identity)[1] == {"count": 11}


def test_a_store_is_made_for_its_user_alone_and_one_that_is_there_stays_as_it_is(tmp_path):
    path = tmp_path / "new" / "store.db"
    store = Store(f"sqlite:///{path}?timeout=5")
    store.new_conversation("me", "echo")
    assert {
        each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()
    } == dict.fromkeys(("store.db", "store.db-wal", "store.db-shm"), 0o600)
    path.chmod(0o640)
    Store(f"sqlite:///{path}")
    assert path.stat().st_mode & 0o777 == 0o640
