"""An OpenAI-compatible endpoint, against a real server on the loopback."""

import logging
import socket
import threading
import time

import pytest

from apps.generation.config import GenerateConfig
from apps.generation.generator import GenerationFailed
from data.errors import ConfigError
from data.schema import Passage, Situation, Turn
from tests.chat_server import END, endless, serving

pytest.importorskip("langchain_openai", reason="the extra openai is not installed")
from apps.generation.endpoint import open_endpoint  # noqa: E402 - after the skip

ASKED = "where is my purple lamp"
SITUATION = Situation(
    (Turn("customer", ASKED),), (Passage("p", "It comes in 3 days."),), {"order": "FK-1"}
)


def writer(url, timeout_s=5.0, max_chars=2000, **endpoint):
    return open_endpoint(GenerateConfig.model_validate(
        {"endpoint": {"url": url, "model": "m", "timeout_s": timeout_s, **endpoint},
         "max_chars": max_chars}
    ))  # fmt: skip


def written(url, stop_after_s=5.0, **values):
    return list(writer(url, **values).write(SITUATION, stop_after_s))


def failure(url, **values):
    with pytest.raises(GenerationFailed) as failed:
        written(url, **values)
    assert ASKED not in str(failed.value)
    return failed.value.reason


def test_a_stream_arrives_in_pieces_with_every_letter():
    with serving("In 3 ", "days – ", "三天后到达。", " 🪔", END) as (url, requests):
        assert written(url) == ["In 3 ", "days – ", "三天后到达。", " 🪔"]
    ((path, headers, body),) = requests
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == "Bearer none"
    assert (body["max_tokens"], body["temperature"], body["stream"]) == (400, 0.2, True)
    assert "max_completion_tokens" not in body
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert "It comes in 3 days." in body["messages"][0]["content"]
    assert body["messages"][1]["content"] == ASKED


def test_the_key_comes_from_the_named_variable_only(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "not-for-you")
    monkeypatch.setenv("SHOP_KEY", "s3cret")
    with serving("Yes.", END) as (url, requests):
        written(url)
        written(url, key_env="SHOP_KEY")
    sent = [headers["authorization"] for _, headers, _ in requests]
    assert sent == ["Bearer none", "Bearer s3cret"]
    monkeypatch.delenv("SHOP_KEY")
    with pytest.raises(ConfigError, match="SHOP_KEY is not set"):
        writer("http://127.0.0.1:1/v1", key_env="SHOP_KEY")


def test_a_slow_first_token_is_a_time_out_and_nobody_waits_longer():
    with serving(5.0, "late", END) as (url, _):
        begin = time.monotonic()
        assert failure(url, stop_after_s=0.3) == "timeout"
        assert failure(url, timeout_s=0.3) == "timeout"
        assert time.monotonic() - begin < 3


def test_an_endpoint_where_nobody_listens_is_unreachable():
    with serving() as (url, _):
        pass
    assert failure(url) == "unreachable"


@pytest.mark.parametrize(
    ("status", "reason"),
    [(401, "refused"), (404, "refused"), (429, "busy"), (500, "broken"), (503, "broken")],
)
def test_a_status_is_told_without_its_text_and_asked_for_once(status, reason, caplog):
    with caplog.at_level(logging.INFO):
        with serving(ASKED.encode(), status=status) as (url, requests):
            assert failure(url) == reason
    assert len(requests) == 1
    assert ASKED not in caplog.text


def test_garbage_in_the_stream_is_broken():
    with serving("Well ", b"data: {not json\n\n", END) as (url, _):
        assert failure(url) == "broken"


def test_a_stream_that_ends_in_the_middle_is_cut():
    with serving("Your parcel ") as (url, _):
        assert failure(url) == "cut"


@pytest.mark.parametrize("script", [(END,), ("", "  \n", END), ("<think>hm hm", "</think>\n", END)])
def test_a_model_that_says_nothing_is_empty(script):
    with serving(*script) as (url, _):
        assert failure(url) == "empty"


def test_a_model_that_never_stops_is_stopped():
    with serving(endless) as (url, _):
        assert failure(url, max_chars=200) == "too_long"
        assert failure(url, max_chars=10**9, stop_after_s=0.4) == "timeout"


def test_the_servers_own_limit_is_too_long():
    from tests.chat_server import chunk

    with serving("Well ", chunk("", "length").encode(), b"data: [DONE]\n\n") as (url, _):
        assert failure(url) == "too_long"


def test_a_stream_that_stands_still_is_a_time_out():
    with serving("Well ", 5.0, END) as (url, _):
        assert failure(url, timeout_s=0.3) == "timeout"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\ndata: {", "unreachable"),
        (b"no HTTP at all\r\n\r\n", "unreachable"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>Login</html>", "broken"),
        (b'HTTP/1.1 200 OK\r\n\r\ndata: {"error": {"message": "where is my"}}\n\n', "broken"),
    ],
)
def test_a_server_that_is_none_of_that_kind_is_told(reply, reason):
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def once():
            connection, _ = listening.accept()
            with connection:
                asked = connection.makefile("rb")
                headers = dict(
                    line.lower().split(b":", 1)
                    for line in iter(asked.readline, b"\r\n")
                    if b":" in line
                )
                # What is left unread when it closes would reset the connection.
                asked.read(int(headers[b"content-length"]))
                connection.sendall(reply)

        thread = threading.Thread(target=once, daemon=True)
        thread.start()
        assert failure(f"http://127.0.0.1:{listening.getsockname()[1]}/v1") == reason
        thread.join(5)
