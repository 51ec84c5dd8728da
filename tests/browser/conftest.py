"""A real browser in front of the pages."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from governance.identity.sessions import COOKIE
from tests.tools import DEMANDED, needs
from tests.web.backend import PASSWORD, VIDEO, MemoryBackend
from tests.web.conftest import backend, served  # noqa: F401  the same service as there

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}

needs_browser = needs("chromium")
needs_axe = pytest.mark.skipif(
    not AXE.is_file() and not DEMANDED,
    reason="axe-core is not installed (`npm ci` in tests/browser)",
)

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for one module: while it is there, no other test can run an event loop."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), chromium_sandbox=False
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser, backend: MemoryBackend) -> Iterator[OpenPage]:  # noqa: F811
    """Opens pages of the service; fails the test if the browser had anything to complain about."""
    complaints: list[str] = []
    contexts = []

    def open_page(**options: Any) -> Page:
        settings = {"base_url": backend.base_url, "viewport": WIDE, **options}
        context = chromium.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [text for text in complaints if "status of 4" not in text] == []


@pytest.fixture
def page(open_page: OpenPage, backend: MemoryBackend) -> Page:  # noqa: F811
    """A desktop browser in which Ana has signed in before."""
    page = open_page()
    token = backend.sign_in("ana", PASSWORD, None)
    address = backend.base_url.replace("http:", "https:")
    page.context.add_cookies([{"name": COOKIE, "value": token, "url": address, "secure": True}])
    return page


def sign_in(page: Page) -> Page:
    page.goto("/sign-in")
    page.get_by_label("User name").fill("ana")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    return page


def claim(page: Page, review: str = VIDEO) -> Page:
    """Claim a review from its own page, and stay there."""
    page.goto(f"/queue/{review}")
    page.get_by_role("button", name="Claim and decide").click()
    page.get_by_role("button", name="Record decision").wait_for()
    return page
