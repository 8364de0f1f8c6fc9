"""The page in headless Chromium, before an app that takes its time."""

import os
import threading
import time

import pytest

from apps.store import Store
from apps.web.page import build_page
from data.schema import Answer
from tests.browser import CHAT, chromium, needs_browser, served, write

pytestmark = [
    pytest.mark.browser,
    needs_browser,
    # gradio 6.31 counts its events with what pandas 3 has marked old, behind every queued one.
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated"),
]


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
    with served(lambda: build_page({"customer_service": app}, None, store)) as address:
        yield address
        app.go_on.set()


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


def test_a_choice_that_is_pressed_twice_is_carried_out_once(app, url):
    done = []

    def answer(conversation, state):
        if conversation.turns[-1].text == "Yes":
            done.append(conversation.turns[-1].text)
            yield Answer("Well,")
            app.go_on.wait(5)
            yield Answer("Well, it is cancelled.")
        else:
            yield Answer("Shall I cancel it?", choices=("Yes", "No"))

    app.answer = answer
    with chromium() as browser:
        page = browser.new_page()
        page.goto(url)
        write(page, "cancel it")
        yes = page.get_by_role("button", name="Yes", exact=True)
        yes.wait_for(timeout=60_000)
        yes.evaluate("button => { button.click(); button.click(); button.click(); }")
        page.locator(f"{CHAT} .bot", has_text="it is cancelled").last.wait_for(timeout=60_000)
        write(page, "Yes")
        page.locator(f"{CHAT} .user", has_text="Yes").nth(1).wait_for(timeout=60_000)
        end = time.monotonic() + 60
        while len(done) < 2:
            assert time.monotonic() < end, "a later message of the same words is another one"
            time.sleep(0.05)
        page.locator(f"{CHAT} .bot", has_text="it is cancelled").nth(1).wait_for(timeout=60_000)
        assert done == ["Yes", "Yes"]
        assert page.locator(f"{CHAT} .user").count() == 3


def test_a_related_question_is_a_button_that_asks_it(app, tmp_path):
    def answer(conversation, state):
        text = conversation.turns[-1].text
        yield Answer(f"About {text}", related=() if text == "near?" else ("near?",))

    app.answer = answer
    store = Store(f"sqlite:///{tmp_path}/faq.db")
    with served(lambda: build_page({"faq": app}, None, store)) as url, chromium() as browser:
        page = browser.new_page()
        page.goto(url)
        page.locator("#faq-question textarea").fill("first?")
        page.locator("#faq-ask").click()
        page.get_by_role("button", name="near?").click(timeout=60_000)
        page.locator("#faq-answer", has_text="About near?").wait_for(timeout=60_000)
        page.get_by_role("button", name="near?").wait_for(state="detached", timeout=60_000)
        assert page.locator("#faq-question textarea").input_value() == "near?"


def test_a_message_that_failed_is_the_same_message_when_it_is_sent_again(app, url):
    ids = []

    def answer(conversation, state):
        ids.append(conversation.turns[-1].id)
        if len(ids) == 1:
            raise RuntimeError
        yield Answer(f"Done {len(ids)}")

    app.answer = answer
    with chromium() as browser:
        page = browser.new_page()
        page.goto(url)
        for said in ("something went wrong", "Done 2", "Done 3"):
            write(page, "cancel it")
            page.locator(f"{CHAT} .bot", has_text=said).last.wait_for(timeout=60_000)
            if said == "Done 2":
                page.wait_for_function("!sessionStorage.getItem('deskhand-draft-customer_service')")
    assert ids[0] == ids[1], "a retry"
    assert ids[2] != ids[1], "another message of the same words"


def test_a_message_that_is_sent_again_after_the_connection_broke_is_answered_once(app, url):
    calls = []

    def answer(conversation, state):
        calls.append(conversation.turns[-1].text)
        app.go_on.wait(60)
        yield Answer(f"Done {len(calls)}")

    def lose(route):  # the server gets it, the browser does not hear of that
        route.fetch()
        route.abort()

    app.answer = answer
    with chromium() as browser:
        page = browser.new_page()
        page.goto(url)
        page.locator("#customer_service-message textarea").wait_for(timeout=60_000)
        page.route("**/queue/join*", lose)
        write(page, "cancel it")
        end = time.monotonic() + 60
        while not calls:
            assert time.monotonic() < end, "the message did not come"
            page.wait_for_timeout(50)
        page.unroute("**/queue/join*")
        page.reload()  # gradio does so itself, a moment later
        page.locator("#customer_service-message textarea").wait_for(timeout=60_000)
        write(page, "cancel it")
        page.locator(f"{CHAT} .user", has_text="cancel it").last.wait_for(timeout=60_000)
        app.go_on.set()
        page.locator("#customer_service-list label", has_text="cancel it").wait_for(timeout=60_000)
        page.locator(f"{CHAT} .bot", has_text="Done").last.wait_for(timeout=60_000)
        assert calls == ["cancel it"]
