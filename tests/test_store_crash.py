"""A process that is killed between any two steps neither loses a turn nor acts twice."""

import os
import threading
from functools import partial

import pytest
import yaml
from sqlalchemy.orm import Session

from apps.actions import Catalog
from apps.app import App
from apps.chat import exchange, recover
from apps.customer_service import workflow
from apps.customer_service.actions import shop
from apps.customer_service.bot import CustomerServiceBot
from apps.customer_service.workflow import Workflows
from apps.langchain import runnable_of
from apps.store import Store
from apps.store_forget import forget_owners
from apps.store_ledger import Ledger, part_of
from apps.store_tables import ReceivedRow
from data.schema import Answer
from tests.test_bot import KeywordIntents, OrderFinder, index  # noqa: F401 - a fixture
from tests.test_store import ORDERS
from tests.test_workflow_http import Shop, no_pause  # noqa: F401 - a fixture
from tests.test_workflows import SHIPPED

KILLED = 9
STEPS = ["before_receive", "after_receive", "after_begin", "after_call", "after_finish",
         "in_record", "after_record"]  # fmt: skip


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def flows(tmp_path):
    """The cancellation by HTTP, at a server that counts."""
    server = Shop()
    server.replies = [(200, "{}")]
    flow = {
        "intents": ["cancel_order"],
        "slots": {"order_number": {"ask": "Which?"}},
        "action": {"http": {"method": "POST", "url": f"{server.url}/{{order_number}}",
                            "say": {200: "done"}}},
        "confirm": "Cancel {order_number}?",
        "answers": {"done": "Done.", "failed": "It did not work.", "declined": "Kept."},
    }  # fmt: skip
    path = tmp_path / "flows.yaml"
    path.write_text(yaml.safe_dump({"workflows": {"cancel": flow}}), encoding="utf-8")
    yield path, server
    server.stop()


def built(store, path, index):  # noqa: F811 - the fixture's value
    flows = Workflows.load(path, Catalog({}), Ledger(store))
    return CustomerServiceBot(KeywordIntents(), OrderFinder(), index, flows)


def die(wrapped, when, *args, **kwargs):
    if when == "before":
        os._exit(KILLED)
    wrapped(*args, **kwargs)
    os._exit(KILLED)


def killed_at(step, url, work):
    """Run `work(store)` in a child that dies at a step; its exit status."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        place, name, when = {
            "before_receive": (Ledger, "receive", "before"),
            "after_receive": (Ledger, "receive", "after"),
            "after_begin": (Ledger, "begin", "after"),
            "after_call": (workflow, "call", "after"),
            "after_finish": (Ledger, "finish", "after"),
            "in_record": (Store, "record", "before"),
            "after_record": (Store, "record", "after"),
        }[step]
        setattr(place, name, _partial(place, name, when))
        work(Store(url))
    finally:
        os._exit(1)


def _partial(place, name, when):
    wrapped = getattr(place, name)
    return lambda *args, **kwargs: die(wrapped, when, *args, **kwargs)


def said(store, identity):
    return [each.turn.text for each in store.turns(identity)]


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_any_step_of_a_call_loses_no_turn_and_calls_once(step, url, flows, index):  # noqa: F811
    path, server = flows
    store = Store(url)
    identity = store.new_conversation("me", "bot")
    list(exchange(built(store, path, index), store, identity, "cancel FK-100001", "m1"))
    store.engine.dispose()

    def work(child_store):
        list(exchange(built(child_store, path, index), child_store, identity, "yes", "m2"))

    assert killed_at(step, url, work) == KILLED
    again = Store(url)
    bot = built(again, path, index)
    recover({"bot": bot}, again)
    *_, (answer, _) = exchange(bot, again, identity, "yes", "m2")  # the page sends it once more
    assert answer.text == "Done."
    assert said(again, identity) == ["cancel FK-100001", "Cancel FK-100001?", "yes", "Done."]
    assert again.open(identity)[1]["workflow"] is None
    keys = [headers["Idempotency-Key"] for _, _, headers, _ in server.seen]
    assert len(set(keys)) == 1, "whatever is sent twice carries the same key"
    assert len(keys) == (2 if step == "after_call" else 1)
    assert [each.status for each in Ledger(again).actions(identity)] == ["done"]


@pytest.mark.parametrize("step", ["before_receive", "after_receive", "in_record", "after_record"])
def test_a_python_actions_effect_happens_once_with_its_turn(step, url, index):  # noqa: F811
    store = Store(url)
    store.copy_orders(ORDERS)

    def bot(store) -> App:
        flows = Workflows.load(SHIPPED, shop(store))
        return CustomerServiceBot(KeywordIntents(), OrderFinder(), index, flows)

    identity = store.new_conversation("me", "bot")
    list(exchange(bot(store), store, identity, "cancel FK-204881"))
    store.engine.dispose()
    status = killed_at(step, url, lambda s: list(exchange(bot(s), s, identity, "yes", "m")))
    assert status == KILLED
    again = Store(url)
    recovered = recover({"bot": bot(again)}, again)
    assert recovered == (1 if step in ("after_receive", "in_record") else 0)
    *_, (answer, _) = exchange(bot(again), again, identity, "yes", "m")
    assert "is cancelled" in answer.text
    assert len(again.turns(identity)) == 4
    assert again.find("FK-204881").status == "cancelled"


@pytest.mark.usefixtures("no_pause")
def test_what_may_have_been_done_and_cannot_be_asked_again_is_told_to_a_person(url, flows, index):  # noqa: F811
    path, server = flows
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("method: POST", "method: POST\n        idempotency_header: null"))
    store = Store(url)
    identity = store.new_conversation("me", "bot")
    list(exchange(built(store, path, index), store, identity, "cancel FK-100001"))
    store.engine.dispose()
    work = partial(lambda s: list(exchange(built(s, path, index), s, identity, "yes", "m")))
    assert killed_at("after_call", url, work) == KILLED
    again = Store(url)
    *_, (answer, _) = exchange(built(again, path, index), again, identity, "yes", "m")
    assert (answer.hand_over, answer.reason) == (True, "action_failed")
    assert len(server.seen) == 1


@pytest.mark.usefixtures("no_pause")
def test_a_message_whose_answer_was_not_stored_calls_once_when_it_is_sent_again(
    url,
    flows,
    index,  # noqa: F811
    monkeypatch,
):
    path, server = flows
    store = Store(url)
    bot, identity = built(store, path, index), store.new_conversation("me", "bot")
    list(exchange(bot, store, identity, "cancel FK-100001", "m1"))

    def full(*args):
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(Store, "record", full)
        with pytest.raises(OSError, match="full"):
            list(exchange(bot, store, identity, "yes", "m2"))
    *_, (answer, _) = exchange(bot, store, identity, "yes", "m2")
    assert answer.text == "Done."
    assert len(server.seen) == 1
    list(exchange(bot, store, identity, "cancel FK-100001", "m3"))
    *_, (answer, _) = exchange(bot, store, identity, "yes", "m4")
    assert len(server.seen) == 2, "another message is another call"


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("then", ["no", "yes please"])
def test_a_call_whose_answer_was_not_stored_is_told_before_another_message_is_read(
    url,
    flows,
    index,  # noqa: F811
    monkeypatch,
    then,
):
    path, server = flows
    store = Store(url)
    bot, identity = built(store, path, index), store.new_conversation("me", "bot")
    list(exchange(bot, store, identity, "cancel FK-100001", "m1"))

    def locked(*args):
        raise OSError("database is locked")

    with monkeypatch.context() as broken:
        broken.setattr(Store, "record", locked)
        for text in ("yes", then):
            with pytest.raises(OSError, match="locked"):
                list(exchange(bot, store, identity, text))
    list(exchange(bot, store, identity, then))
    assert said(store, identity)[2:5] == ["yes", "Done.", then]
    assert "Kept." not in said(store, identity)
    assert len(server.seen) == 1


def test_a_further_wish_is_part_of_its_message():
    assert part_of("m1", "m1")
    assert part_of("m1++", "m1")
    assert not part_of("m12", "m1")


@pytest.mark.usefixtures("no_pause")
def test_in_a_chain_each_message_is_a_call_of_its_own(url, flows, index):  # noqa: F811
    path, server = flows
    text = path.read_text(encoding="utf-8").replace("    confirm: Cancel {order_number}?\n", "")
    path.write_text(text.replace("      declined: Kept.\n", ""), encoding="utf-8")
    store = Store(url)
    chain = runnable_of(built(store, path, index))
    server.replies = [(200, "{}"), (500, "no")]
    said = [answer.text for answer in chain.batch(["cancel FK-100001"] * 2, {"max_concurrency": 1})]
    assert said[0] == "Done."
    assert said[1].startswith("It did not work."), "what another customer was told is not said"
    keys = {headers["Idempotency-Key"] for _, _, headers, _ in server.seen}
    assert len(keys) == 2
    assert store.conversations("me", "bot") == []


def test_what_another_machine_left_is_answered_when_serving_begins(url):
    store, app = Store(url), Slow()
    identity = store.new_conversation("me", "bot")
    Ledger(store).receive(identity, "hi", "m1")
    with Session(store.engine) as session, session.begin():
        session.get_one(ReceivedRow, (identity, "m1")).worker = "4f1c2d3e5a6b|1|1.0"
    assert Ledger(store).unanswered(identity) == [], "it may live, where nobody begins to serve"
    assert recover({"bot": app}, store) == 1
    assert said(store, identity) == ["hi", f"{identity} 1"]
    assert recover({"bot": app}, store) == 0


class Slow:
    """Counts its answers, and takes a while over each."""

    title, examples = "Slow", ()

    def answer(self, conversation, state):
        seen = [*state.get("seen", []), conversation.turns[-1].text]
        threading.Event().wait(0.01)
        yield Answer(f"{conversation.id} {len(seen)}", state={"seen": seen})


def test_conversations_at_once_never_mix_and_one_answers_in_order(url):
    store, app = Store(url), Slow()
    names = [store.new_conversation("me", "bot", f"c{n}") for n in range(4)]

    def write(name, number):
        list(exchange(app, store, name, f"{name} says {number}"))

    threads = [threading.Thread(target=write, args=(name, n)) for n in range(5) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in names:
        turns = said(store, name)
        assert turns[1::2] == [f"{name} {n}" for n in range(1, 6)]
        assert sorted(turns[::2]) == [f"{name} says {n}" for n in range(5)]
        assert store.open(name)[1]["seen"] == turns[::2]


def test_a_message_sent_twice_at_once_is_answered_once(url):
    store, app = Store(url), Slow()
    name = store.new_conversation("me", "bot")
    answers = []

    def write():
        *_, last = exchange(app, store, name, "hi", "m")
        answers.append(last)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({(answer.text, turn) for answer, turn in answers}) == 1
    assert len(store.turns(name)) == 2


def test_a_message_that_cannot_be_answered_is_given_back_and_may_be_sent_again(url):
    store = Store(url)
    name = store.new_conversation("me", "bot")

    class Failing(Slow):
        def answer(self, conversation, state):
            raise RuntimeError
            yield

    with pytest.raises(RuntimeError):
        list(exchange(Failing(), store, name, "hi", "m"))
    assert Ledger(store).unanswered(name) == []
    list(exchange(Slow(), store, name, "hi", "m"))
    assert len(store.turns(name)) == 2
    assert forget_owners(store, ["me"]).conversations == 1
    assert Ledger(store).unanswered() == []
