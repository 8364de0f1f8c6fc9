"""Who the server answers: its own names and pages, with requests of a bounded size."""

import asyncio

import pytest
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from typer.testing import CliRunner

from apps import serving
from apps.cli import app as command
from apps.store import Store
from apps.web import admission
from apps.web.admission import Admission
from apps.web.page import build_page
from apps.web.server import create_server
from data.errors import ConfigError
from tests.fakes import EchoApp

PATHS = ("/", "/config", "/health", "/gradio_api/queue/data?session_hash=s")
JOIN, UPLOAD = "/gradio_api/queue/join", "/gradio_api/upload"


def client(folder, summarize=None, **options):
    async def build():  # where no event loop runs, gradio makes some and never closes them
        store = Store(f"sqlite:///{folder}/page.db")
        return create_server(build_page({"faq": EchoApp()}, summarize, store), **options)

    return TestClient(asyncio.run(build()), base_url="http://127.0.0.1:7860")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return client(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def takes_files(tmp_path_factory):
    return client(tmp_path_factory.mktemp("files"), summarize=lambda _: None)


@pytest.mark.parametrize("host", ["evil.example:7860", "evil.example", "", "localhost.evil", "a:x"])
@pytest.mark.parametrize("path", PATHS)
def test_a_name_that_is_not_ours_gets_nothing(page, host, path):
    answer = page.get(path, headers={"host": host, "origin": f"http://{host}"})
    assert answer.status_code == 400
    assert "--allow-host" in answer.text
    assert "set-cookie" not in answer.headers


def test_programs_are_refused_in_json(page):
    route, large = "/api/faq/messages", {"content-length": str(admission.MAX_BODY_BYTES + 1)}
    for status, headers in (
        (400, {"host": "evil.example"}),
        (403, {"origin": "https://evil.example"}),
        (413, large),
    ):
        answer = page.post(route, headers=headers, content=b"")
        assert answer.status_code == status
        assert list(answer.json()) == ["error"]
        assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1", "[::1]:7860", "192.168.1.4:80"])
def test_this_machine_and_addresses_are_answered(page, host):
    assert page.get("/health", headers={"host": host}).status_code == 200


def test_a_name_that_is_told_is_answered(tmp_path):
    named = client(tmp_path, hosts=["Desk.example.com"])
    own = {"host": "desk.example.com", "origin": "https://desk.example.com"}
    assert named.get("/config", headers=own).status_code == 200
    assert named.get("/config", headers={"host": "other.example.com"}).status_code == 400


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://127.0.0.1:3000", "https://127.0.0.1:7860x", "",
     "http://localhost:7860"],
)  # fmt: skip
def test_a_page_of_another_site_may_neither_ask_nor_read(page, origin):
    headers = {"origin": origin, "access-control-request-method": "POST"}
    for answer in (
        page.options(JOIN, headers=headers),
        page.post(JOIN, headers=headers, json={"data": []}),
        page.get("/gradio_api/queue/data?session_hash=s", headers=headers),
    ):
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


def test_a_page_of_ours_may(page):
    own = {"origin": "http://127.0.0.1:7860"}
    assert page.get("/config", headers=own).status_code == 200
    assert page.post(JOIN, headers=own, json={"data": []}).status_code == 400  # by gradio


def test_a_usual_port_may_be_left_out(page):
    for host, origin in (
        ("127.0.0.1:443", "https://127.0.0.1"),
        ("127.0.0.1", "http://127.0.0.1:80"),
    ):
        headers = {"host": host, "origin": origin}
        assert page.get("/health", headers=headers).status_code == 200


def test_no_other_site_frames_the_page(page):
    assert "frame-ancestors 'self'" in page.get("/").headers["content-security-policy"]


def test_a_websocket_of_another_site_is_closed():
    async def refused(scope, receive, send):
        raise AssertionError("it was let in")

    with (
        pytest.raises(WebSocketDisconnect),
        TestClient(Admission(refused)).websocket_connect("/", headers={"host": "evil.example"}),
    ):
        pass


def test_files_are_taken_only_where_an_app_takes_them(page, takes_files):
    files = {"files": ("talk.csv", b"id,text\n")}
    for path in (UPLOAD, "/gradio_api/process_recording"):
        assert page.post(path, files=files).status_code == 404
    assert takes_files.post(UPLOAD, files=files).status_code == 200


def test_a_request_that_is_too_large_is_refused(page, monkeypatch):
    monkeypatch.setattr(admission, "MAX_BODY_BYTES", 1000)
    assert page.post(JOIN, json={"data": ["a" * 1000]}).status_code == 413
    json = {"content-type": "application/json"}
    pieces = (part for part in [b'{"data": ["', *[b"a" * 100] * 10, b'"]}'])
    answer = page.post(JOIN, content=pieces, headers=json)  # its length is not told
    assert answer.status_code == 413
    assert "hash" in page.post(JOIN, json={"data": ["a" * 900]}).text, "gradio reads it"


def test_files_beyond_one_files_bytes_are_refused(takes_files, monkeypatch):
    monkeypatch.setattr(admission, "MAX_FILE_BYTES", 1000)
    monkeypatch.setattr(admission, "_FRAME_BYTES", 0)
    many = [("files", (f"{number}.csv", b"a" * 300)) for number in range(4)]
    assert takes_files.post(UPLOAD, files=many).status_code == 413


# What `deskhand serve` tells the server


def test_on_this_machine_no_name_is_needed_and_on_the_network_its_own_count(monkeypatch):
    monkeypatch.setattr("apps.serving.gethostname", lambda: "desk.corp")
    assert serving.names_of("127.0.0.1") == []
    assert {"desk", "desk.corp", "shop.example.com"} <= set(
        serving.names_of("0.0.0.0", ["shop.example.com"])  # noqa: S104 - no socket is opened
    )


@pytest.mark.parametrize("name", ["https://desk.example.com", "desk:443", "*", ""])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(ConfigError, match="--allow-host"):
        serving.names_of("127.0.0.1", [name])


def test_the_option_comes_as_often_as_it_is_needed(monkeypatch):
    seen = []
    monkeypatch.setattr(serving, "serve_apps", lambda *told, **key: seen.append(told))
    CliRunner().invoke(command, ["serve", "faq", "--allow-host", "a.org", "--allow-host", "b.org"])
    assert seen == [(["faq"], "127.0.0.1", 7860, (), ["a.org", "b.org"])]


def test_a_page_that_a_proxy_passes_on_has_review_alone():
    with pytest.raises(ConfigError, match="--allow-host desk.org"):
        serving.check_review(["faq", "review"], "127.0.0.1", ["desk.org"])
    serving.check_review(["review"], "127.0.0.1", ["desk.org"])
