"""Forgetting: a customer, a conversation, what is old; nothing of the text stays in the files."""

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, update
from typer.testing import CliRunner

from apps import retention
from apps.actions import ActionResult
from apps.chat import exchange
from apps.cli import app
from apps.config import AppConfig, app_config
from apps.owners import api_owner
from apps.store import Store
from apps.store_forget import Forgotten, forget_conversation, forget_older, forget_owners, wipe
from apps.store_ledger import Ledger
from apps.store_opening import shown_url
from apps.store_review import Reviews
from apps.store_tables import ConversationRow
from data.errors import ConfigError, DeskhandError
from tests.fakes import EchoApp

SECRET = "zanzibar-kettle-4711"
ALL = Forgotten(conversations=1, turns=4, ratings=1, reviews=2, actions=1, messages=3)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/var/store.db"


@pytest.fixture
def store(url):
    return Store(url)


def talk(store, owner="jo", said=SECRET):
    """A conversation with something in each table that quotes what was said."""
    identity = store.new_conversation(owner, "faq")
    for text in (f"where is {said}", f"{said} again"):
        *_, (_, turn) = exchange(EchoApp(), store, identity, text)
    store.thumb(owner, turn, -1)
    Reviews(store).save(turn, "Ann", "lost", (), f"{said} is on its way")
    ledger = Ledger(store)
    key = f"{identity}-key"
    ledger.begin(key, identity, "m", "cancel", {"order": said})
    ledger.finish(key, "done", ActionResult("done", {"order": said}))
    ledger.receive(identity, f"{said}, are you there?")  # waits for an answer
    return identity


def files_hold(tmp_path, text):
    """Which of the store's files have the text's bytes in them."""
    there = (tmp_path / "var").iterdir()
    return [path.name for path in there if text.encode() in path.read_bytes()]


def age(store, identity, days):
    then = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=days)
    with store.engine.begin() as connection:
        wanted = update(ConversationRow).where(ConversationRow.id == identity)
        connection.execute(wanted.values(updated=then))


def test_a_customer_is_forgotten_with_everything_and_others_stay(store):
    mine, other = talk(store), talk(store, "eve")
    assert forget_owners(store, ["jo"]) == ALL
    assert store.turns(mine) == []
    assert Ledger(store).actions(mine) == []
    assert not store.owns("jo", mine)
    assert len(store.turns(other)) == 4
    assert len(Ledger(store).actions(other)) == 1
    assert len(Reviews(store).corrected()) == 1
    assert forget_owners(store, ["jo"]) == Forgotten()


def test_more_conversations_than_one_transaction_takes_are_all_forgotten(store, monkeypatch):
    monkeypatch.setattr("apps.store_forget._AT_ONCE", 2)
    for _ in range(5):
        talk(store)
    assert forget_owners(store, ["jo"]).conversations == 5


def test_one_conversation_is_forgotten_alone(store):
    first, second = talk(store), talk(store)
    assert forget_conversation(store, first) == ALL
    assert [listed.id for listed in store.conversations("jo", "faq")] == [second]


@pytest.mark.parametrize("served", [True, False])
def test_no_byte_of_a_forgotten_text_stays_in_the_files(url, tmp_path, served):
    store = Store(url)

    @event.listens_for(store.engine, "checkout")
    def as_most_builds_of_sqlite_do(connection, *_):  # Debian's writes zeros over what is deleted
        connection.execute("PRAGMA secure_delete=OFF")

    for number in range(30):
        talk(store, "eve", f"other words {number}")
    talk(store)
    assert files_hold(tmp_path, SECRET)
    other = Store(url) if served else store  # a server's connections stay open
    other.turns("x")
    forget_owners(store, ["jo"])
    wipe(store)
    assert files_hold(tmp_path, SECRET) == []
    assert files_hold(tmp_path, "other words 7")
    assert talk(other)


def test_a_store_that_another_reads_is_not_said_to_be_wiped(store, url, monkeypatch):
    monkeypatch.setattr("apps.store_forget._WAIT_MS", 0)
    talk(store)
    reading = Store(url).engine.raw_connection()
    reading.execute("BEGIN")
    reading.execute("SELECT * FROM turns").fetchall()
    forget_owners(store, ["jo"])
    with pytest.raises(DeskhandError, match="may still stand in its free pages"):
        wipe(store)
    reading.rollback()
    wipe(store)


# The verb


def forget(url, *arguments):
    return CliRunner().invoke(app, ["forget", "faq", "--set", f"store={url}", *arguments])


def test_the_verb_forgets_a_customer_of_the_api_and_says_what(store, url, tmp_path):
    talk(store, api_owner("jo"))
    done = forget(url, "--customer", "jo", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {
        "conversations": 1, "turns": 4, "ratings": 1, "reviews": 2, "actions": 1, "messages": 3,
    }  # fmt: skip
    assert files_hold(tmp_path, SECRET) == []


def test_the_verb_forgets_a_visitor_and_a_conversation(store, url):
    talk(store, "v" * 32)
    identity = talk(store, "w" * 32)
    done = forget(url, "--customer", "v" * 32)
    assert done.stdout.startswith("deleted: 1 conversations, 4 turns, 1 ratings")
    assert forget(url, "--conversation", identity).exit_code == 0
    assert store.conversations("w" * 32, "faq") == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--customer", "eve"], "--customer eve: store .* has nothing of that name"),
        (["--conversation", "x"], "--conversation x: store .* has nothing of that name"),
        ([], "one of the two"),
        (["--customer", ""], "one of the two"),
        (["--customer", "jo", "--conversation", "x"], "one of the two"),
    ],
)
def test_the_verb_tells_a_name_that_is_not_there(store, url, arguments, said):
    talk(store)
    done = forget(url, *arguments)
    assert isinstance(done.exception, ConfigError)
    assert done.exception.args[0]
    with pytest.raises(ConfigError, match=said):
        raise done.exception
    assert len(store.conversations("jo", "faq")) == 1


def test_the_verb_makes_no_database(tmp_path):
    url = f"sqlite:///{tmp_path}/nothing.db"
    done = forget(url, "--customer", "jo")
    assert "no such database" in str(done.exception)
    assert not (tmp_path / "nothing.db").exists()


# Retention


def test_what_is_older_than_its_days_is_deleted_and_counted(store, tmp_path, caplog):
    old, new = talk(store), talk(store, said="fresh words")
    age(store, old, 31)
    age(store, new, 29)
    with caplog.at_level(logging.INFO):
        assert retention.delete_older(store, 30) is False
        assert retention.delete_older(store, 30) is False
    (record,) = caplog.records
    assert record.getMessage() == "store_days 30: 1 conversations with 4 turns were deleted"
    assert [listed.id for listed in store.conversations("jo", "faq")] == [new]
    assert files_hold(tmp_path, SECRET) == []


def test_a_conversation_that_goes_on_is_kept(store):
    identity = talk(store)
    age(store, identity, 400)
    list(exchange(EchoApp(), store, identity, "still here"))
    assert forget_older(store, 365) == Forgotten()


def test_null_keeps_everything_and_a_year_is_kept_unless_it_is_set(store):
    age(store, talk(store), 4000)
    retention.keep_days(store, None)
    assert len(store.conversations("jo", "faq")) == 1
    assert AppConfig(app="faq").store_days == 365
    with pytest.raises(ConfigError, match="store_days"):
        app_config("faq", ["store_days=999999999"])  # no date lies so far back


def test_serving_goes_on_and_wipes_later_where_the_store_is_in_use(store, caplog, monkeypatch):
    age(store, talk(store), 40)

    def busy(_):
        raise DeskhandError("in use")

    with monkeypatch.context() as patch:
        patch.setattr(retention, "wipe", busy)
        assert retention.delete_older(store, 30) is True
    assert "in use" in caplog.text
    wiped = []
    monkeypatch.setattr(retention, "wipe", wiped.append)
    assert retention.delete_older(store, 30, unwiped=True) is False
    assert wiped == [store]


def test_old_conversations_are_deleted_at_the_start_and_then_daily(store, monkeypatch):
    class Over(BaseException):
        """Ends the endless loop."""

    slept, started = [], []

    def sleep(seconds):
        slept.append(seconds)
        age(store, talk(store), 40)
        if len(slept) == 3:
            raise Over

    class Thread:
        def __init__(self, target, args, daemon):
            assert daemon
            started.append((target, args))

        def start(self):
            pass

    monkeypatch.setattr(retention, "Thread", Thread)
    monkeypatch.setattr(retention.time, "sleep", sleep)
    age(store, talk(store), 40)
    retention.keep_days(store, 30)
    assert store.conversations("jo", "faq") == []
    ((daily, given),) = started
    with pytest.raises(Over):
        daily(*given)
    assert slept == [86_400] * 3
    assert len(store.conversations("jo", "faq")) == 1


def test_a_stores_password_is_never_shown():
    shown = shown_url("postgresql://desk:secret@db.corp/desk")
    assert "secret" not in shown
    assert "db.corp/desk" in shown
