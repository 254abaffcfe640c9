"""A headless Chromium, the system's, for the tests of the view's page."""

import re
import shutil
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, TimeoutError, sync_playwright  # noqa: A004 - its own

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
PATIENCE_S = 60
"""A browser without a graphics processor is slow on a busy machine."""


@contextmanager
def chromium(*arguments):
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("There is no Chromium; install one: apt-get install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(arguments))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def page_of(browser, url, size=None, **options):
    """The page at `url`; the browser's console may report nothing but a lost connection."""
    context = browser.new_context(viewport=size or DESKTOP, **options)
    context.set_default_timeout(1000 * PATIENCE_S)
    page = context.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    try:  # a page that a failed test leaves open would draw on, and starve the next try
        page.goto(url)
        yield page
    finally:
        context.close()
    assert [text for text in complaints if "WebSocket connection" not in text] == []


def wait_text(page: Page, selector: str, pattern: str, within_s: float = PATIENCE_S) -> None:
    """Waits until the element's text matches. (Not wait_for_function: the page forbids eval.)"""
    page.locator(selector).filter(has_text=re.compile(pattern)).wait_for(timeout=1000 * within_s)


def wait_state(page: Page, state: str, within_s: float = PATIENCE_S) -> None:
    wait_text(page, "#state-name", f"^{state}$", within_s)


def arm(page: Page) -> None:
    """Presses ARM until the hand is armed: on a busy machine the daemon may be late, and the hand relaxes."""
    for _ in range(10):
        page.click("#arm")
        try:
            return wait_state(page, "ARMED", within_s=5)
        except TimeoutError:
            page.wait_for_timeout(500)
    raise AssertionError(f"not armed: {page.inner_text('#status')}")


def angles(page: Page) -> list[tuple[int, int]]:
    """The page's angles of each finger: servo and predicted, in degrees."""
    texts = page.eval_on_selector_all("#fingers .meter", "all => all.map(m => m.getAttribute('aria-valuetext'))")
    return [tuple(int(word) for word in text.replace(",", "").split() if word.isdigit()) for text in texts]
