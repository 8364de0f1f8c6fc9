"""The HTTP API: what it answers, once, to whom, and how it says no."""

import json
import logging
import threading

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event

from apps.api.gate import MAX_BODY_BYTES
from apps.api.routes import Served, create_api
from apps.app import MAX_SENT_CHARS
from apps.chat import exchange
from apps.email_triage.email_triage import Triage
from apps.predicted import entities_values
from apps.store import Store
from apps.summarizer.summarizer import Summarizer
from apps.web.paste import EXAMPLE
from data.errors import IndexMismatchError
from data.schema import Answer, Entity, Intent
from tests.fakes import EchoApp, HashEncoder

SAID = "/customer_service/messages"
SECRET = "my card is 4929 0000 1111"


class OnceApp(EchoApp):
    """Changes an order each time that it is asked."""

    title = "Once"

    def __init__(self):
        self.asked = []

    def answer(self, conversation, state):
        self.asked.append(conversation.turns[-1].text)
        yield from super().answer(conversation, state)


@pytest.fixture
def store(tmp_path):
    return Store(f"sqlite:///{tmp_path}/api.db")


@pytest.fixture
def app():
    return OnceApp()


@pytest.fixture
def served(store, app):
    def triage(conversation):
        if "index" in conversation.turns[-1].text:
            raise IndexMismatchError(f"gone: {conversation.turns[-1].text}")
        return Triage(Intent("refund", 0.9), (), "high", ("urgent",), None, "payments")

    def entities(texts):
        return [entities_values(text, [Entity("x", text[:1], 0, 1)]) for text in texts]

    summarize = Summarizer(HashEncoder()).summarize
    chats = {"customer_service": app, "faq": EchoApp()}
    return Served(store, chats, summarize, triage, {"ner": entities})


@pytest.fixture
def client(served):
    return client_of(served)


def client_of(served, key=None, base_url="http://127.0.0.1:7860"):
    return TestClient(create_api(served, key), base_url=base_url)


def said(client, message, app="customer_service", **values):
    return client.post(f"/{app}/messages", json={"message": message, **values})


def line(answer, status):
    """The one line of an error, which has no other keys."""
    assert answer.status_code == status, answer.text
    assert list(answer.json()) == ["error"]
    assert "\n" not in answer.json()["error"]
    return answer.json()["error"]


# What is answered


def test_a_message_gets_the_complete_answer_that_is_stored(client, store):
    first = said(client, "where is FK-1").json()
    assert first["text"] == "You said where is FK-1"
    assert (first["intent"], first["confidence"], first["step"]) == (
        "track_order", 0.87, "select:faq",
    )  # fmt: skip
    assert first["passages"][0]["id"] == "p"
    second = said(client, "and now?", conversation=first["conversation"]).json()
    assert second["conversation"] == first["conversation"]
    stored = store.turns(first["conversation"])
    assert [turn.turn.text for turn in stored][::2] == ["where is FK-1", "and now?"]
    assert {"conversation": first["conversation"], **stored[1].trace} == first
    assert store.open(first["conversation"])[1] == {"n": 2}


def test_a_conversation_is_read_back_in_order_with_utc_times(client):
    identity = said(client, "hello").json()["conversation"]
    told = client.get(f"/conversations/{identity}").json()
    assert told["conversation"] == identity
    assert [(turn["speaker"], turn["text"]) for turn in told["turns"]] == [
        ("customer", "hello"), ("agent", "You said hello"),
    ]  # fmt: skip
    assert all(turn["time"].endswith("Z") for turn in told["turns"])


def test_each_app_has_conversations_of_its_own(client):
    identity = said(client, "hello", app="faq").json()["conversation"]
    assert "null begins one" in line(said(client, "hi", conversation=identity), 404)


@pytest.mark.parametrize("begun", [True, False])
def test_a_message_that_comes_again_with_its_id_is_answered_once(client, app, store, begun):
    more = {"id": "ticket-7"}
    if begun:
        more["conversation"] = said(client, "hello").json()["conversation"]
    first, again = (said(client, "cancel it", **more) for _ in range(2))
    assert first.status_code == 200
    assert first.json() == again.json()
    assert app.asked.count("cancel it") == 1
    assert len(store.turns(first.json()["conversation"])) == (4 if begun else 2)


def test_ids_are_a_customers_own_and_an_apps(client, app):
    jo = said(client, "one", id="1", customer="jo").json()
    eve = said(client, "two", id="1", customer="eve").json()
    nobody = said(client, "three", id="1").json()
    faq = said(client, "four", id="1", customer="jo", app="faq").json()
    assert len({each["conversation"] for each in (jo, eve, nobody, faq)}) == 4
    assert app.asked == ["one", "two", "three"]


def test_an_id_that_was_another_messages_is_told_and_nothing_is_done(client, app, store):
    identity = said(client, "one", id="1").json()["conversation"]
    assert "an id of its own" in line(said(client, "two", id="1"), 409)
    assert app.asked == ["one"]
    assert len(store.turns(identity)) == 2


def test_the_same_message_twice_at_once_is_answered_once(served, store):
    entered, go_on = threading.Event(), threading.Event()

    class Slow(OnceApp):
        def answer(self, conversation, state):
            entered.set()
            assert go_on.wait(10)
            yield from super().answer(conversation, state)

    slow, answers = Slow(), []
    client = client_of(Served(store, {"customer_service": slow}))
    threads = [
        threading.Thread(target=lambda: answers.append(said(client, "hi", id="1").json()))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    assert entered.wait(10)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert answers[0] == answers[1]
    assert slow.asked == ["hi"]


def test_a_message_that_failed_may_be_sent_again_with_its_id(client, served, app, store):
    assert "send it again" in line(said(client, "fail", id="1"), 500)
    served.chats["customer_service"].answer = lambda *_: iter([Answer("Better.")])
    assert said(client, "fail", id="1").json()["text"] == "Better."


def test_a_conversation_is_summarized_from_turns_or_text(client):
    turns = [
        {"speaker": "customer", "text": "My kettle leaks.", "time": "2026-03-01T10:00:00Z"},
        {"speaker": "agent", "text": "I have sent a new one."},
    ]
    told = client.post("/summarize", json={"turns": turns, "id": "c7"}).json()
    assert (told["id"], told["turns"], told["wanted"]) == ("c7", 2, "My kettle leaks.")
    assert told["first_time"] == "2026-03-01T10:00:00+00:00"
    pasted = client.post("/summarize", json={"text": EXAMPLE}).json()
    assert (pasted["id"], pasted["turns"]) == ("pasted", 5)
    assert pasted["text"]


def test_a_mail_is_sorted(client):
    told = client.post("/email_triage", json={"text": "URGENT: my money"}).json()
    assert (told["team"], told["urgency"], told["intent"]) == ("payments", "high", "refund")


def test_a_run_says_of_each_text_what_predict_prints(client):
    told = client.post("/predict", json={"run": "ner", "texts": ["ab", "cd"]}).json()
    assert told == {"predictions": [entities_values("ab", [Entity("x", "a", 0, 1)]),
                                    entities_values("cd", [Entity("x", "c", 0, 1)])]}  # fmt: skip


def test_the_schema_names_every_route_and_loads_nothing_from_elsewhere(client):
    schema = client.get("/openapi.json").json()
    assert set(schema["paths"]) == {
        "/{app}/messages", "/conversations/{conversation}", "/summarize", "/email_triage",
        "/predict",
    }  # fmt: skip
    assert client.get("/docs").status_code == 404
    problem = schema["paths"]["/predict"]["post"]["responses"]["422"]["content"]
    assert "Problem" in json.dumps(problem)


# Whose it is


def test_another_customers_conversation_looks_like_none(client, store, app):
    identity = said(client, SECRET, customer="jo").json()["conversation"]
    for customer in ({"customer": "eve"}, {}):
        refused = client.get(f"/conversations/{identity}", params=customer)
        nothing = client.get("/conversations/nothing", params=customer)
        assert line(refused, 404) == line(nothing, 404)
        asked = said(client, "hi", conversation=identity, **customer)
        assert line(asked, 404) == line(said(client, "hi", conversation="no", **customer), 404)
    assert len(store.turns(identity)) == 2
    mine = client.get(f"/conversations/{identity}", params={"customer": "jo"})
    assert len(mine.json()["turns"]) == 2


def test_a_visitors_conversation_on_the_page_is_no_callers(client, store, app):
    visitor = "a" * 32
    identity = store.new_conversation(visitor, "customer_service")
    list(exchange(app, store, identity, SECRET))
    for customer in ({}, {"customer": visitor}):
        line(client.get(f"/conversations/{identity}", params=customer), 404)
        line(said(client, "hi", conversation=identity, **customer), 404)


# How it says no


@pytest.mark.parametrize("path", [SAID, "/summarize", "/email_triage", "/predict"])
@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000, b"9" * 5000])
def test_what_is_no_json_is_told(client, path, body):
    answer = client.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert "JSON" in line(answer, answer.status_code)


def test_what_a_form_of_another_site_could_send_is_refused(client, app):
    body = json.dumps({"message": "hi"})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = client.post(SAID, content=body, headers={"content-type": kind})
        assert "application/json" in line(answer, 422)
    assert app.asked == []


@pytest.mark.parametrize(
    ("path", "body", "status", "named"),
    [
        (SAID, {}, 422, "message: field required"),
        (SAID, {"message": 7}, 422, "message: input should be a valid string"),
        (SAID, {"message": "hi", "id": "a b"}, 422, "id: "),
        (SAID, {"message": "hi", "id": "x" * 65}, 422, "id: "),
        (SAID, {"message": "hi", "customer": ""}, 422, "customer: "),
        (SAID, {"message": "a\0b"}, 422, "message: holds a NUL"),
        (SAID, {"message": "hi", "converstion": SECRET}, 422, "a field that is not known"),
        (SAID, {"message": "hi", SECRET: 1}, 422, "a field that is not known"),
        (SAID, {"message": SECRET * MAX_SENT_CHARS}, 413, "message: at most 20,000 characters"),
        (SAID, {"message": "hi", "customer": "x" * 61}, 413, "customer: at most 60 characters"),
        (SAID, [SECRET], 422, "body: a JSON object"),
        ("/summarize", {}, 422, "body: needs text or turns"),
        ("/summarize", {"text": "x", "turns": [{"speaker": "agent", "text": "x"}]}, 422, "body: "),
        ("/summarize", {"turns": [{"speaker": SECRET, "text": "x"}]}, 422, "turns.0.speaker: "),
        ("/summarize", {"turns": []}, 422, "turns: "),
        ("/summarize", {"text": SECRET}, 422, "Customer:"),
        ("/summarize", {"text": "x" * 200_001}, 413, "text: "),
        ("/predict", {"texts": []}, 422, "texts: "),
        ("/predict", {"texts": ["x"] * 257}, 413, "texts: "),
        ("/predict", {"texts": [7]}, 422, "texts.0: "),
        ("/predict", {"texts": ["x"], "run": SECRET}, 422, "run: "),
        ("/predict", {"texts": ["x"], "run": "intent"}, 404, "customer_service"),
        ("/nosuch/messages", {"message": "hi"}, 404, "served are customer_service, faq"),
        ("/nosuch", {"message": "hi"}, 404, "openapi.json"),
        ("/conversations/x", {}, 405, "openapi.json"),
    ],
)
def test_what_is_wrong_is_told_without_what_was_sent(client, path, body, status, named):
    said_no = line(client.post(path, json=body), status)
    assert named in said_no
    assert "4929" not in said_no


@pytest.mark.parametrize("field", ["message", "conversation", "customer"])
def test_half_a_character_is_refused(client, field):
    body = b'{"message": "hi", "%s": "\\ud83d"}' % field.encode()
    answer = client.post(SAID, content=body, headers={"content-type": "application/json"})
    assert "half a character" in line(answer, 422)


def test_what_is_not_served_is_told(store):
    client = client_of(Served(store))
    assert "deskhand serve" in line(client.post("/summarize", json={"text": EXAMPLE}), 404)
    assert "deskhand serve" in line(client.post("/email_triage", json={"text": "hi"}), 404)
    assert "no chat app" in line(said(client, "hi"), 404)


@pytest.mark.parametrize("told", [True, False])
def test_a_body_that_is_too_large_is_refused_whether_it_tells_its_length_or_not(client, app, told):
    content = b" " * (MAX_BODY_BYTES + 1)
    content = content if told else iter([content])
    answer = client.post(SAID, content=content, headers={"content-type": "application/json"})
    assert "too large" in line(answer, 413)
    assert app.asked == []


def test_a_failure_is_one_line_and_its_words_are_not_logged(client, store, caplog):
    with caplog.at_level(logging.DEBUG):
        failed = said(client, f"fail {SECRET}")
        not_ready = client.post("/email_triage", json={"text": f"index {SECRET}"})
    assert "deskhand could not" in line(failed, 500)
    assert "cannot be answered now" in line(not_ready, 503)
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("apps")]
    assert [said.split(" at ")[0] for said in ours] == [
        "api failed: RuntimeError", "api failed: IndexMismatchError",
    ]  # fmt: skip
    assert "4929" not in caplog.text
    assert "Traceback" not in failed.text + caplog.text


def test_a_locked_store_is_told_and_nothing_is_half_done(client, store, app, caplog):
    identity = said(client, "hello").json()["conversation"]

    @event.listens_for(store.engine, "checkout")
    def wait_no_longer(connection, *_):
        connection.execute("PRAGMA busy_timeout=0")

    locking = store.engine.raw_connection()
    locking.execute("BEGIN IMMEDIATE")
    refused = said(client, "more", conversation=identity, id="2")
    assert "locked" in line(refused, 503)
    assert "OperationalError (SQLITE_BUSY) at " in caplog.text
    assert "/apps/store.py:" in caplog.text
    assert refused.headers["retry-after"]
    locking.rollback()
    locking.close()
    assert said(client, "more", conversation=identity, id="2").json()["text"] == "You said more"
    assert len(store.turns(identity)) == 4
