"""The server of the page: its cookie, who may read what, nothing from elsewhere."""

import asyncio
from contextlib import ExitStack

import httpx
import pytest
from fastapi.testclient import TestClient
from starlette.responses import StreamingResponse

from apps.store import Store
from apps.web.page import build_page
from apps.web.server import create_server
from apps.web.visitor import VisitorCookie, visitor
from tests.browser import served
from tests.fakes import EchoApp

ME, OTHER = "a" * 32, "b" * 32


@pytest.fixture
def store(tmp_path):
    return Store(f"sqlite:///{tmp_path}/page.db")


@pytest.fixture
def client(store):
    async def build():
        page = build_page({"customer_service": EchoApp(), "faq": EchoApp()}, lambda _: None, store)
        return create_server(page)

    # Where no event loop runs, gradio makes some and never closes them.
    return TestClient(asyncio.run(build()), base_url="http://127.0.0.1")


def test_health_answers_without_a_cookie(client):
    answer = client.get("/health")
    assert answer.json() == {"status": "ok"}
    assert "set-cookie" not in answer.headers


def test_the_page_comes_with_a_cookie_that_no_script_reads(client):
    answer = client.get("/")
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 200
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert visitor(cookie.split(";")[0])
    assert "set-cookie" not in client.get("/").headers


def test_the_page_loads_nothing_from_elsewhere(client):
    policy = client.get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'self'")
    assert "http" not in policy
    config = client.get("/config").json()
    assert config["analytics_enabled"] is False
    assert not config["stylesheets"]
    assert "http" not in client.get("/theme.css").text.replace("http://www.w3.org", "")


def test_which_conversation_is_open_is_kept_where_a_restart_does_not_lose_it(client):
    kinds = {component["type"] for component in client.get("/config").json()["components"]}
    assert "textbox" in kinds
    assert "state" not in kinds, "gradio forgets those with the process"


def test_the_server_ends_though_a_page_is_open(store):
    with ExitStack() as browser:
        with served(lambda: build_page({"customer_service": EchoApp()}, None, store)) as url:
            alive = browser.enter_context(httpx.stream("GET", f"{url}gradio_api/heartbeat/page"))
            next(alive.iter_raw())


@pytest.mark.parametrize("forged", ["x", "a" * 31, "a" * 33, "a" * 31 + "/", ""])
def test_a_cookie_that_we_did_not_give_is_replaced(client, forged):
    answer = client.get("/config", headers={"cookie": f"theme={{'a': 1}}; deskhand={forged}"})
    assert visitor(answer.headers["set-cookie"].split(";")[0])


def test_the_cookie_of_another_program_on_this_host_does_no_harm():
    assert visitor(f'session={{"a": "b,c"}}; deskhand={ME}; x') == ME


async def _stream(scope, receive, send):
    async def parts():
        yield scope_cookie(scope)
        yield b"two"

    await StreamingResponse(parts())(scope, receive, send)


def scope_cookie(scope):
    return next(value for name, value in scope["headers"] if name == b"cookie")


def test_a_new_visitors_first_request_is_theirs_already_and_streams():
    with TestClient(VisitorCookie(_stream)).stream("GET", "/") as answer:
        parts = list(answer.iter_raw())
    assert parts[0].decode() == answer.headers["set-cookie"].split(";")[0]
    assert parts[-1].endswith(b"two")
