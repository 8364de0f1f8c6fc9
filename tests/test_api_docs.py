"""The examples of docs/api.md, run as they stand against a server."""

import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import uvicorn

from apps.api.routes import PREFIX, Served, create_api
from apps.email_triage.email_triage import Triage
from apps.store import Store
from apps.summarizer.summarizer import Summarizer
from data.schema import Intent
from tests.fakes import EchoApp, HashEncoder

DOC = (Path(__file__).parent.parent / "docs" / "api.md").read_text(encoding="utf-8")
KEY = "k3y-of-more-than-16-characters"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Where an API with fakes is served."""
    from fastapi import FastAPI

    served = Served(
        Store(f"sqlite:///{tmp_path_factory.mktemp('api')}/api.db"),
        {"customer_service": EchoApp()},
        Summarizer(HashEncoder()).summarize,
        lambda _: Triage(Intent("refund", 0.9), (), "high", (), None, "payments"),
        {"intent": lambda texts: [{"text": text, "intent": None} for text in texts]},
    )
    outer = FastAPI()
    outer.mount(PREFIX, create_api(served, KEY))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(outer, log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        end = time.monotonic() + 60
        while not server.started:
            assert time.monotonic() < end, "the server did not come up"
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(30)


def run(command, code, address):
    assert "http://127.0.0.1:7860" in code
    code = code.replace("http://127.0.0.1:7860", address)
    done = subprocess.run(
        [*command, code], env={**os.environ, "KEY": KEY}, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def blocks(language):
    found = re.findall(rf"^```{language}\n(.*?)^```$", DOC, re.MULTILINE | re.DOTALL)
    assert found
    return found


def test_the_commands_answer(address):
    for code in blocks("sh"):
        assert '"text":"You said where is my order FK-219044?"' in run(["sh", "-ec"], code, address)


def test_the_program_runs(address):
    (code,) = blocks("python")
    subject, team, predictions = run([sys.executable, "-c"], code, address).splitlines()
    assert subject == "where is my order FK-219044?"
    assert team == "payments"
    assert "is it late?" in predictions


def test_every_route_is_in_the_page():
    api = create_api(Served(Store("sqlite://")), None)
    for path in api.openapi()["paths"]:
        shown = path.replace("{app}", "customer_service").replace("{conversation}", "ID")
        assert f"{PREFIX}{shown}" in DOC
