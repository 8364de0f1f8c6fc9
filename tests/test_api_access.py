"""Who may use the API: the key, this machine alone without one, and how serve offers it."""

import asyncio
import logging
import re

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from apps import serving
from apps.api.key import VARIABLE, api_key
from apps.api.routes import Served, api_router, create_api
from apps.cli import app as command
from apps.config import app_config
from apps.store import Store
from apps.web.page import build_page
from apps.web.server import create_server
from data.errors import ConfigError
from tests.fakes import EchoApp

KEY = "k3y-of-more-than-16-characters"
LOCAL = "http://127.0.0.1:7860"
SAID = "/api/customer_service/messages"
ROUTES = [("POST", SAID), ("GET", "/api/conversations/x"), ("POST", "/api/summarize"),
          ("POST", "/api/email_triage"), ("POST", "/api/predict"), ("GET", "/api/openapi.json"),
          ("GET", "/api/nothing"), ("DELETE", SAID), ("OPTIONS", SAID)]  # fmt: skip


@pytest.fixture
def store(tmp_path):
    return Store(f"sqlite:///{tmp_path}/api.db")


@pytest.fixture
def served(store):
    return Served(store, {"customer_service": EchoApp()})


def behind_the_page(served, key, base_url=LOCAL):
    """A client of the whole server, page and API."""

    async def build():  # where no event loop runs, gradio makes some and never closes them
        return create_server(build_page({}, None, served.store), [api_router(served, key)])

    return TestClient(asyncio.run(build()), base_url=base_url)


@pytest.fixture
def guarded(served):
    return behind_the_page(served, KEY, "http://192.168.1.4")


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "shown",
    [None, "", KEY, "Bearer", "Bearer ", f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", f"Basic {KEY}",
     f"Bearer {KEY} {KEY}", "Bearer \xe9".encode("latin-1")],
)  # fmt: skip
def test_no_route_answers_without_the_right_key(served, method, path, shown):
    client = TestClient(create_api(served, KEY), base_url=LOCAL)
    headers = {} if shown is None else {"authorization": shown}
    answer = client.request(method, path.removeprefix("/api"), headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer KEY" in answer.json()["error"]
    assert KEY not in answer.text


def test_the_key_opens_the_api_behind_the_page_and_nothing_logs_it(guarded, caplog):
    with caplog.at_level(logging.DEBUG):
        for scheme in ("Bearer", "bearer"):
            headers = {"authorization": f"{scheme} {KEY}"}
            told = guarded.post(SAID, json={"message": "hi"}, headers=headers)
            assert told.json()["text"] == "You said hi"
            assert "set-cookie" not in told.headers
        schema = guarded.get("/api/openapi.json", headers=headers).json()
        assert guarded.post(SAID, json={"message": "hi"}).status_code == 401
    assert schema["servers"] == [{"url": "/api"}]
    assert schema["security"] if "security" in schema else schema["components"]["securitySchemes"]
    assert KEY not in caplog.text
    assert guarded.get("/health").status_code == 200


def test_without_a_key_programs_of_this_machine_are_answered(served):
    for address in (LOCAL, "http://localhost", "http://[::1]:7860"):
        client = TestClient(create_api(served, None), base_url=address)
        assert client.get("/openapi.json").status_code == 200


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("http://evil.example.com:7860", {}),  # a name of another site that leads here
        ("http://192.168.1.4", {}),
        (LOCAL, {"x-forwarded-for": "192.168.1.9"}),
        (LOCAL, {"forwarded": "for=192.168.1.9"}),
        (LOCAL, {"via": "1.1 vegur"}),
        (LOCAL, {"x-forwarded-proto": "https", "x-forwarded-server": "shop"}),
        (LOCAL, {"cf-connecting-ip": "192.168.1.9"}),
        (LOCAL, {"host": ""}),
        (LOCAL, {"host": "[::1"}),
        (LOCAL, {"x-real-ip": "192.168.1.9"}),
    ],
)
def test_without_a_key_whoever_comes_from_elsewhere_is_refused(served, address, headers):
    client = TestClient(create_api(served, None), base_url=address)
    answer = client.get("/openapi.json", headers=headers)
    assert answer.status_code == 401
    assert "--api-key-file" in answer.json()["error"]


def test_the_key_comes_from_a_file_before_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert api_key(None) is None
    monkeypatch.setenv(VARIABLE, KEY)
    assert api_key(None) == KEY
    (tmp_path / "key").write_text(f" {KEY}2\n", encoding="utf-8")
    assert api_key(tmp_path / "key") == f"{KEY}2"


@pytest.mark.parametrize("given", ["", "\n", "short", "with a space in the middle", "ключ" * 8])
def test_what_is_no_key_is_refused_and_not_quoted(given, tmp_path, monkeypatch):
    file = tmp_path / "key"
    file.write_text(given, encoding="utf-8")
    monkeypatch.setenv(VARIABLE, given)
    for source in (file, None):
        with pytest.raises(ConfigError, match="is no key; 16 to 256") as error:
            api_key(source)
        assert not given.strip() or given.strip() not in str(error.value)


def test_a_key_file_that_cannot_be_read_is_one_line(tmp_path):
    file = tmp_path / "nothing"
    done = CliRunner().invoke(command, ["serve", "faq", "--api-key-file", str(file)])
    assert isinstance(done.exception, ConfigError)
    assert str(done.exception) == f"--api-key-file {file}: cannot be read (FileNotFoundError)"


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Serve the FAQ with a fake, without listening; the routers that its server was given."""
    given = []
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setitem(serving.APPS, "faq", lambda *_: EchoApp())
    monkeypatch.setattr("apps.web.page.build_page", lambda *_: None)
    monkeypatch.setattr(
        "apps.web.server.create_server", lambda page, routers=(), **_: given.extend(routers)
    )
    monkeypatch.setattr("apps.web.server.serve", lambda server, sockets, up: up())
    (tmp_path / "key").write_text(KEY, encoding="utf-8")

    def serve(host, *apps, with_key=False):
        given.clear()
        store = f"store=sqlite:///{tmp_path}/page.db"
        file = tmp_path / "key" if with_key else None
        serving.serve_apps(apps or ["faq"], host, 0, [store], api_key_file=file)
        return list(given)

    return serve


@pytest.mark.parametrize(
    ("host", "with_key", "offered", "said"),
    [
        ("127.0.0.1", False, True, "without a key"),
        ("127.0.0.1", True, True, "who shows the key"),
        ("0.0.0.0", True, True, "who shows the key"),  # noqa: S104
        ("0.0.0.0", False, False, "no API on 0.0.0.0: without a key"),  # noqa: S104
    ],
)
def test_serve_offers_the_api_with_a_key_or_to_this_machine(
    start, caplog, host, with_key, offered, said
):
    with caplog.at_level(logging.INFO):
        assert bool(start(host, with_key=with_key)) is offered
    assert said in caplog.text
    assert re.search(rf"the page is at http://{re.escape(host)}:[1-9]\d+$", caplog.text, re.M)
    assert KEY not in caplog.text


def test_customers_are_not_shown_how_answers_came_about_unless_it_is_wanted():
    def quiet(beyond, *overrides):
        config = app_config("faq", overrides)
        return serving.unexplained({"faq": config}, beyond)

    assert quiet(beyond=False) == []
    assert quiet(beyond=True) == ["faq"]
    assert quiet(True, "explain=true") == []
    assert quiet(False, "explain=false") == ["faq"]


def test_triage_is_served_where_there_is_an_api(start, monkeypatch):
    class Desk:
        triage = staticmethod(lambda conversation: None)

    monkeypatch.setattr(serving, "build_triage", lambda config: Desk())
    assert start("127.0.0.1", "faq", "email_triage")
    with pytest.raises(ConfigError, match="no tab"):
        start("0.0.0.0", "faq", "email_triage")  # noqa: S104
