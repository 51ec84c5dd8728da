"""The page to check a file, in a browser: what it tells, and how it is heard and used."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from governance.api.detection import EXAMPLE
from tests.browser.conftest import PHONE, WIDE, OpenPage, needs_axe, needs_browser
from tests.browser.test_accessibility import fits, violations
from tests.web.backend import MemoryBackend

pytestmark = needs_browser


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"0" * 1000)
    return path


def answering(page: Page, *lines: dict[str, Any], status: int = 200) -> list[Route]:
    """The service answers every upload with these lines."""
    asked: list[Route] = []

    def answer(route: Route) -> None:
        asked.append(route)
        body = "".join(json.dumps(line) + "\n" for line in lines)
        route.fulfill(status=status, content_type="application/x-ndjson", body=body)

    page.route("**/v1/detect", answer)
    return asked


def ask(page: Page, file: Path) -> None:
    page.goto("/detect")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Check it").click()


def result(**verdict: str) -> dict[str, Any]:
    changed: dict[str, Any] = json.loads(json.dumps(EXAMPLE))
    changed["statement"]["verdict"] |= verdict
    return changed


def test_the_verdict_is_told_and_gets_the_focus(open_page: OpenPage, file: Path) -> None:
    page = open_page()
    asked = answering(page, {"object": "detection.progress", "done": 0.5}, result())
    ask(page, file)
    headline = page.get_by_role("heading", name="Released by this service")
    expect(headline).to_be_focused()
    assert asked[0].request.headers["accept"] == "application/x-ndjson"
    expect(page.get_by_text("This rests on the watermark.")).to_be_visible()
    expect(page.get_by_text("gen_0198b7c2d3e44f5a8b9c0d1e2f3a4b5c").first).to_be_visible()


def test_the_signed_result_can_be_kept(open_page: OpenPage, file: Path) -> None:
    page = open_page()
    answering(page, result())
    ask(page, file)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the signed result").click()
    kept = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert kept == json.loads(json.dumps(EXAMPLE))


def test_what_a_file_says_is_never_markup(open_page: OpenPage, file: Path) -> None:
    page = open_page()
    answering(page, result(sentence="<img src=x onerror=alert(1)>"))
    ask(page, file)
    expect(page.get_by_text("<img src=x")).to_be_visible()
    assert page.locator("#result img").count() == 0


@pytest.mark.parametrize("status", [415, 200])
def test_a_refusal_is_told_as_an_alert(open_page: OpenPage, file: Path, status: int) -> None:
    page = open_page()
    answering(page, {"error": {"message": "Convert it to mp4."}}, status=status)
    ask(page, file)
    expect(page.get_by_role("alert")).to_have_text("Convert it to mp4.")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("button", name="Check it")).to_be_enabled()


def test_it_can_be_stopped(open_page: OpenPage, file: Path) -> None:
    page = open_page()
    page.route("**/v1/detect", lambda route: None)
    ask(page, file)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("status")).to_have_text("Stopped. The file is forgotten.")


@needs_axe
@pytest.mark.parametrize(
    ("viewport", "scheme"), [(WIDE, "light"), (PHONE, "dark")], ids=["desk", "phone"]
)
def test_it_is_accessible_and_fits(
    open_page: OpenPage,
    backend: MemoryBackend,
    file: Path,
    viewport: dict[str, int],
    scheme: str,
) -> None:
    page = open_page(viewport=viewport, color_scheme=scheme)
    page.goto("/detect")
    assert (violations(page), fits(page)) == ([], True)
    answering(page, result())
    ask(page, file)
    page.get_by_role("heading", name="Released by this service").wait_for()
    assert (violations(page), fits(page)) == ([], True)
