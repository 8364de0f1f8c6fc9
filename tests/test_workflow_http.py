"""Actions by HTTP, against a real server on this machine: what is sent, how often, what is said."""

import json
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import yaml

from apps.actions import Catalog
from apps.customer_service import http_action
from apps.customer_service.http_action import call
from apps.customer_service.progress import Progress, Said
from apps.customer_service.workflow import Workflows
from apps.customer_service.workflow_file import HttpConfig

pytestmark = pytest.mark.usefixtures("no_pause")


class Shop:
    """A server that gives each reply of a list in turn, the last one ever after."""

    def __init__(self):
        self.replies, self.seen = [(200, '{"status": "cancelled", "order": {"total": 12.5}}')], []
        self.delay = 0.0
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size).decode()
                shop.seen.append((self.command, self.path, dict(self.headers), body))
                status, text = shop.replies[min(len(shop.seen), len(shop.replies)) - 1]
                time.sleep(shop.delay)
                with suppress(ConnectionError):  # who waited no longer
                    self.send_response(status)
                    self.end_headers()
                    self.wfile.write(text.encode())

            do_GET = do_POST = answer

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def shop():
    started = Shop()
    yield started
    started.stop()


@pytest.fixture
def no_pause(monkeypatch):
    monkeypatch.setattr(http_action, "FIRST_PAUSE_S", 0.0)


def http(shop, **changes):
    say = {200: {"field": "status", "values": {"cancelled": "done"}}, 404: "unknown"}
    return HttpConfig.model_validate(
        {"method": "POST", "url": f"{shop.url}/orders/{{order}}/cancel", "say": say,
         "facts": {"total": "order.total"}} | changes
    )  # fmt: skip


def test_what_is_sent_carries_key_headers_and_slots_and_the_reply_names_the_answer(
    shop, monkeypatch
):
    monkeypatch.setenv("SHOP_TOKEN", "secret")
    result = call(
        http(shop, headers={"Authorization": "Bearer ${SHOP_TOKEN}"},
             json={"why": ["{reason}", 3]}),
        {"order": "FK-1", "reason": 'say "hi"'}, "key-1",
    )  # fmt: skip
    assert (result.say, result.facts) == ("done", {"total": "12.5"})
    ((method, path, headers, body),) = shop.seen
    assert (method, path) == ("POST", "/orders/FK-1/cancel")
    assert headers["Authorization"] == "Bearer secret"
    assert headers["Idempotency-Key"] == "key-1"
    assert json.loads(body) == {"why": ['say "hi"', 3]}


def test_a_slot_can_change_neither_the_host_nor_the_path(shop):
    call(http(shop), {"order": "../../x?admin=1#@evil.example/"})
    assert shop.seen[0][1] == "/orders/..%2F..%2Fx%3Fadmin%3D1%23%40evil.example%2F/cancel"
    assert call(http(shop), {"order": ".."}).say == "failed"
    assert len(shop.seen) == 1


def test_a_slot_that_was_not_given_is_empty_in_the_body_and_fails_in_the_path(shop):
    assert call(http(shop, json={"why": "{reason}"}), {"order": "1"}).say == "done"
    assert json.loads(shop.seen[0][3]) == {"why": ""}
    assert call(http(shop), {}).say == "failed"
    assert len(shop.seen) == 1


def test_a_slot_that_was_not_given_is_empty_in_the_query(shop):
    url = f"{shop.url}/orders/{{order}}?reason={{reason}}&by={{by}}"
    assert call(http(shop, url=url), {"order": "1", "by": "."}).say == "done"
    assert shop.seen[0][1] == "/orders/1?reason=&by=."
    assert call(http(shop, url=url), {"reason": "late", "by": "me"}).say == "failed"
    assert len(shop.seen) == 1


def test_a_server_that_fails_once_is_asked_again_with_the_same_key(shop):
    shop.replies = [(500, "no"), *shop.replies]
    assert call(http(shop), {"order": "1"}, "k").say == "done"
    assert [seen[2]["Idempotency-Key"] for seen in shop.seen] == ["k", "k"]


def test_what_must_not_be_sent_twice_is_not(shop):
    shop.replies = [(500, "no"), *shop.replies]
    assert call(http(shop, idempotency_header=None), {"order": "1"}, "k").say == "failed"
    assert len(shop.seen) == 1
    with pytest.raises(ValueError, match="retried only with"):
        http(shop, idempotency_header=None, retries=1)


def test_a_status_that_the_file_names_is_its_answer(shop):
    shop.replies = [(404, "<html>not here</html>")]
    assert call(http(shop), {"order": "1"}).say == "unknown"


@pytest.mark.parametrize(
    "reply",
    [(200, "{garbage"), (200, '{"status": "dancing"}'), (200, "[]"), (418, "{}"), (302, "")],
)
def test_a_reply_that_the_file_does_not_expect_is_a_failure(shop, reply):
    shop.replies = [reply]
    assert call(http(shop), {"order": "1"}).say == "failed"
    assert len(shop.seen) == 1


def test_a_slow_and_a_dead_server_are_a_failure_in_time(shop):
    shop.delay = 0.6
    start = time.monotonic()
    assert call(http(shop, timeout_s=0.1, retries=1), {"order": "1"}).say == "failed"
    assert time.monotonic() - start < 0.6
    assert len(shop.seen) == 2
    dead = http(shop).model_copy(update={"url": "http://127.0.0.1:1/x"})
    assert call(dead, {}).say == "failed"


def test_a_server_that_drips_its_reply_is_cut_off_and_no_thread_waits_for_it():
    listener = socket.create_server(("127.0.0.1", 0))
    port, cut = listener.getsockname()[1], threading.Event()

    def drip():
        line, _ = listener.accept()
        with line:
            try:
                line.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                for _ in range(300):
                    line.sendall(b"x")
                    cut.wait(0.01)
                line.sendall(b'\r\n\r\n{"status": "cancelled"}')
            except OSError:
                cut.set()

    server = threading.Thread(target=drip)
    server.start()
    slow = HttpConfig.model_validate(
        {"url": f"http://127.0.0.1:{port}/x", "say": {200: "done"}, "timeout_s": 0.2, "retries": 0}
    )
    assert call(slow, {}).say == "failed"
    assert cut.wait(5)
    server.join()
    listener.close()
    for thread in threading.enumerate():
        if thread.name.startswith("http_action"):
            thread.join(5)
            assert not thread.is_alive()


def test_a_reply_without_end_is_cut(shop, monkeypatch):
    monkeypatch.setattr(http_action, "MAX_BYTES", 100)
    shop.replies = [(200, "x" * 10_000)]
    assert call(http(shop, retries=0), {"order": "1"}).say == "failed"


def test_a_workflow_looks_by_http_asks_and_acts_by_http(shop, tmp_path):
    flow = {
        "intents": ["cancel_order"],
        "slots": {"order": {"ask": "Which?", "kind": "text", "pattern": "FK-[0-9]+"}},
        "preview": {"needs": ["order"], "http": {
            "url": f"{shop.url}/orders/{{order}}", "say": {200: "ok", 404: "unknown"},
            "facts": {"total": "order.total"}}},
        "action": {"http": {"method": "POST", "url": f"{shop.url}/orders/{{order}}/cancel",
                            "say": {200: "done"}}},
        "confirm": "Cancel {order} for {total}?",
        "ask_again": {"unknown": "order"},
        "answers": {"done": "Done.", "unknown": "No such order.", "failed": "It did not work.",
                    "declined": "Kept."},
    }  # fmt: skip
    path = tmp_path / "flows.yaml"
    path.write_text(yaml.safe_dump({"workflows": {"cancel": flow}}), encoding="utf-8")
    flows = Workflows.load(path, Catalog({}))
    asked = flows.moved(Progress("cancel"), Said("cancel my order"))
    wrong = flows.moved(asked.progress, Said("number nine"))
    assert (wrong.text, wrong.progress.misses) == ("That does not look right. Which?", 1)
    confirm = flows.moved(asked.progress, Said("FK-1"))
    assert (confirm.text, confirm.choices) == ("Cancel FK-1 for 12.5?", ("Yes", "No"))
    assert flows.moved(confirm.progress, Said("yes")).stage == "answer:done"
    assert [seen[:2] for seen in shop.seen] == [
        ("GET", "/orders/FK-1"), ("POST", "/orders/FK-1/cancel"),
    ]  # fmt: skip
    shop.replies = [(500, "")]
    assert flows.moved(confirm.progress, Said("yes")).stage == "answer:failed"
