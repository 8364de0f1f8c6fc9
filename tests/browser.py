"""A headless Chromium for the tests that drive the page."""

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
    """Write a message into the chat's box and press Enter."""
    box = page.locator("#customer_service-message textarea")
    box.fill(text)
    box.press("Enter")
