"""A headless Chromium for the tests that drive the page."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
CHAT = "#customer_service-chat"

needs_browser = pytest.mark.skipif(
    not CHROMIUM.exists(),
    reason="needs a browser: apt-get install chromium (Debian's package, /usr/bin/chromium)",
)


@contextmanager
def chromium() -> Iterator:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


def write(page, text):
    """Write a message into the chat's box and press Enter.

    Not before what a page asks for when it is opened has come: gradio's client closes the stream of
    answers after it, and a message of that very moment waits for ever.
    """
    page.wait_for_load_state("networkidle", timeout=60_000)
    box = page.locator("#customer_service-message textarea")
    box.fill(text)
    box.press("Enter")


@contextmanager
def served(build, port=0) -> Iterator[str]:
    """The address of the page that `build` makes, as long as it is served."""
    from apps.web.server import Serving, create_server

    listening = socket.create_server(("127.0.0.1", port))
    port = listening.getsockname()[1]
    running: list[Serving] = []

    async def serve():  # where no event loop runs, gradio makes some and never closes them
        running.append(Serving(create_server(build()), lambda: None))
        await running[0].serve([listening])

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    end = time.monotonic() + 60
    while not (running and running[0].started):
        assert thread.is_alive(), "the page could not be built"
        assert time.monotonic() < end, "the page did not come up"
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        running[0].should_exit = True
        thread.join(30)
        assert not thread.is_alive(), "the server did not end"
