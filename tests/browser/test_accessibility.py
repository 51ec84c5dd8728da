"""Every page passes the rules of axe-core, in light and dark, on a desk and on a phone."""

from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import (
    AXE,
    PHONE,
    WIDE,
    OpenPage,
    claim,
    needs_axe,
    needs_browser,
    sign_in,
)
from tests.web.backend import AUDIO, IMAGE, VIDEO, MemoryBackend

pytestmark = [needs_browser, needs_axe]


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text("utf-8"))  # not add_script_tag: the page's policy forbids that
    rules: list[dict[str, Any]] = page.evaluate(
        "() => axe.run({resultTypes: ['violations']}).then((result) => result.violations)"
    )
    return [
        f"{page.url} {found['id']}: {node['html']} {node['failureSummary']}"
        for found in rules
        for node in found["nodes"]
    ]


def fits(page: Page) -> bool:
    """Whether nothing sticks out to the right."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(WIDE, "light"), (PHONE, "dark")], ids=["desk", "phone"]
)
def test_every_page_is_accessible_and_fits(
    open_page: OpenPage, backend: MemoryBackend, viewport: dict[str, int], scheme: str
) -> None:
    page = open_page(viewport=viewport, color_scheme=scheme)
    for path in ("/", "/sign-in", "/password"):
        page.goto(path)
        assert (violations(page), fits(page)) == ([], True)
    sign_in(page)
    for path in ("/queue", f"/queue/{IMAGE}", f"/queue/{AUDIO}", "/queue/rev_none", "/confirm"):
        page.goto(path)
        assert (violations(page), fits(page)) == ([], True)
    backend.account.enrol(next(iter(backend.sessions)), "key-1", "Laptop")
    page.goto("/account")
    assert (violations(page), fits(page)) == ([], True)
    page.get_by_role("button", name="Set up an app").click()
    page.get_by_text("Scan this").wait_for()
    assert (violations(page), fits(page)) == ([], True)
    case = backend.cases[VIDEO]
    case.page = replace(case.page, asks_deep_fake=True)
    claim(page)
    page.get_by_label("Reject").check()
    page.get_by_role("button", name="Blur").click()
    assert (violations(page), fits(page)) == ([], True)
