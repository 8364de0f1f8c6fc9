"""The page in headless Chromium, before an app that takes its time."""

import asyncio
import os
import socket
import threading
import time

import pytest
import uvicorn

from apps.store import Store
from apps.web.page import build_page
from apps.web.server import create_server
from data.schema import Answer
from tests.browser import CHAT, chromium, needs_browser, write

pytestmark = [pytest.mark.browser, needs_browser]


class SlowApp:
    """Begins each answer at once and ends it when the test lets it."""

    title = "Slow"
    examples = ()

    def __init__(self):
        self.go_on = threading.Event()

    def answer(self, conversation, state):
        text = conversation.turns[-1].text
        yield Answer(f"I heard {text}")
        yield Answer(f"I heard {text} and think")
        self.go_on.wait(60)
        yield Answer(f"I heard {text} and thought about it")


@pytest.fixture
def app():
    return SlowApp()


@pytest.fixture
def url(app, tmp_path):
    store = Store(f"sqlite:///{tmp_path}/page.db")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    async def serve():  # where no event loop runs, gradio makes some and never closes them
        page = build_page({"customer_service": app}, None, store)
        config = uvicorn.Config(create_server(page), port=port, log_level="warning")
        served.append(uvicorn.Server(config))
        await served[0].serve()

    served: list[uvicorn.Server] = []
    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    end = time.monotonic() + 60
    while not (served and served[0].started):
        assert time.monotonic() < end, "the page did not come up"
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}/"
    app.go_on.set()
    served[0].should_exit = True
    thread.join(30)


def test_a_message_sent_while_an_answer_grows_is_answered_after_it(app, url):
    with chromium() as browser:
        page = browser.new_page()
        page.goto(url)
        write(page, "first")
        page.locator(f"{CHAT} .bot", has_text="I heard first").last.wait_for(timeout=60_000)
        write(page, "second")
        app.go_on.set()
        for said in ("first", "second"):
            words = f"I heard {said} and thought about it"
            page.locator(f"{CHAT} .bot", has_text=words).last.wait_for(timeout=60_000)
        assert page.locator("#customer_service-message textarea").input_value() == ""


def test_a_choice_is_a_button_that_sends_its_text_and_a_hand_over_shows_its_card(
    app, url, tmp_path
):
    def answer(conversation, state):
        if conversation.turns[-1].text == "Yes":
            yield Answer("A colleague takes over.", hand_over=True, reason="upset",
                         summary="Wants: cancel order", step="hand_over")  # fmt: skip
        else:
            yield Answer("Shall I cancel it?", choices=("Yes", "No"))

    app.answer = answer
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        page.goto(url)
        write(page, "cancel it")
        page.get_by_role("button", name="Yes", exact=True).wait_for(timeout=60_000)
        page.screenshot(path=tmp_path / "choices.png")
        page.get_by_role("button", name="Yes", exact=True).click()
        page.locator(f"{CHAT} .user", has_text="Yes").wait_for(timeout=60_000)
        page.locator("#customer_service-panel .dh-card", has_text="cancel order").wait_for(
            timeout=60_000
        )
        assert page.get_by_role("button", name="Yes", exact=True).count() == 0
        page.screenshot(path=os.environ.get("DESKHAND_SCREENSHOT", tmp_path / "card.png"))
