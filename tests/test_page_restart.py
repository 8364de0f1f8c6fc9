"""A page in headless Chromium that is still open when the server is started anew."""

import pytest

from apps.store import Store
from apps.web.page import build_page
from tests.browser import CHAT, chromium, needs_browser, served, write
from tests.fakes import EchoApp

LIST = "#customer_service-list"
FIRST, SECOND = "please cancel order FK-204881 today", "please cancel order FK-231507 today"


@pytest.mark.browser
@needs_browser
@pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated")
@pytest.mark.filterwarnings("ignore:The copy keyword is deprecated")
def test_a_page_goes_on_with_what_it_shows_and_its_list_still_opens(tmp_path):
    store = Store(f"sqlite:///{tmp_path}/page.db")

    def build():
        return build_page({"customer_service": EchoApp()}, None, store)

    def said(page, text):
        page.locator(f"{CHAT} .bot", has_text=f"You said {text}").last.wait_for(timeout=60_000)

    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1366, "height": 768})
        page, later = context.new_page(), context.new_page()
        with served(build) as url:
            page.goto(url)
            write(page, FIRST)
            said(page, FIRST)
            later.goto(url)
            said(later, FIRST)
            later.locator("#customer_service-new").click()
            later.locator(f"{CHAT} .bot").wait_for(state="detached", timeout=60_000)
            write(later, SECOND)
            said(later, SECOND)
            assert later.get_by_text("Your conversations").is_visible()
            later.screenshot(path=tmp_path / "list.png")
            later.close()
        with served(build, int(url.rstrip("/").rpartition(":")[2])):
            page.wait_for_timeout(3000)
            shown = page.locator(f"{CHAT} .user").first.inner_text().strip()
            write(page, "yes")
            said(page, "yes")
            owner = next(each["value"] for each in context.cookies() if each["name"] == "deskhand")
            spoken = {
                each.title: len(store.turns(each.id))
                for each in store.conversations(owner, "customer_service")
            }
            assert spoken == {FIRST: 2, SECOND: 2} | {shown: 4}
            other = FIRST if shown == SECOND else SECOND
            page.locator(f"{LIST} label", has_text=other).click()
            said(page, other)
            assert page.locator(".toast-body").count() == 0
