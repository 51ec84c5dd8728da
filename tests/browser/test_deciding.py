"""A person decides: with the keyboard alone, without scripts, and helped by scripts."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, claim, needs_browser, sign_in
from tests.web.backend import PASSWORD, VIDEO, MemoryBackend

pytestmark = needs_browser


def focus(page: Page) -> dict[str, str]:
    """What has the focus, and the outline that shows it (on itself or on the choice around it)."""
    found: dict[str, str] = page.evaluate(
        """() => {
            const it = document.activeElement;
            const shown = [it, it.closest("label")].filter(Boolean)
                .map((node) => getComputedStyle(node).outlineStyle);
            return {name: it.name || it.textContent.trim(), type: it.type || it.tagName,
                    outline: shown.find((style) => style !== "none") || "none"};
        }"""
    )
    return found


def tab_to(page: Page, name: str) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        found = focus(page)
        assert found["outline"] != "none" or found["type"] in ("VIDEO", "BODY"), found
        if found["name"] == name:
            return
    raise AssertionError(f"no way to {name} with the keyboard")


def test_a_decision_needs_nothing_but_the_keyboard(
    open_page: OpenPage, backend: MemoryBackend
) -> None:
    page = open_page()
    page.goto("/queue")
    tab_to(page, "username")
    page.keyboard.type("ana")
    tab_to(page, "password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Review queue").wait_for()
    tab_to(page, "Review")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Record decision").wait_for()
    tab_to(page, "decision")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    tab_to(page, "reason")
    page.keyboard.type("Label")
    tab_to(page, "Record decision")
    page.keyboard.press("Enter")
    page.wait_for_url("**/queue?done=*")
    (verdict,) = backend.verdicts
    assert (verdict.decision, verdict.reason) == ("return", "label_not_legible")


def test_a_keyboard_user_can_skip_the_header(page: Page) -> None:
    page.goto("/queue")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_decision_needs_no_script(open_page: OpenPage, backend: MemoryBackend) -> None:
    page = sign_in(open_page(java_script_enabled=False))
    page.get_by_role("button", name="Review: Video").click()
    page.get_by_label("Approve").check()
    page.get_by_label("Reason", exact=True).select_option("fit_for_release")
    page.get_by_role("button", name="Record decision").click()
    expect(page.get_by_role("status")).to_contain_text("Your decision is recorded.")
    (verdict,) = backend.verdicts
    assert verdict.played.seconds == 0


def test_only_reasons_that_fit_the_decision_are_offered(page: Page) -> None:
    claim(page)
    page.get_by_label("Approve").check()
    page.get_by_label("Reason", exact=True).select_option("fit_for_release")
    page.get_by_label("Reject").check()
    groups = page.locator("#reason optgroup").evaluate_all("all => all.map((one) => one.label)")
    assert groups == ["To reject"]
    expect(page.get_by_label("Reason", exact=True)).to_have_value("")


def test_a_reason_that_needs_a_comment_says_so_before_anything_is_sent(
    page: Page, backend: MemoryBackend
) -> None:
    claim(page)
    page.get_by_label("Reject").check()
    page.get_by_label("Reason", exact=True).select_option("misleading_content")
    expect(page.locator("#reason-hint")).to_contain_text("did not happen")
    expect(page.locator("#comment-need")).to_have_text("(this reason needs one)")
    page.get_by_role("button", name="Record decision").click()
    assert page.evaluate("document.activeElement.id") == "comment"
    assert backend.verdicts == []


def test_a_refusal_is_read_out_and_nothing_is_lost(page: Page, backend: MemoryBackend) -> None:
    claim(page)
    page.get_by_label("Approve").check()
    page.get_by_label("Reason", exact=True).select_option("finding_explained")
    page.get_by_label("Comment").fill("The face is a statue.")
    backend.cases[VIDEO].claimed_by = "usr_somebody_else"
    page.get_by_role("button", name="Record decision").click()
    expect(page.get_by_role("alert")).to_be_focused()
    backend.cases[VIDEO].claimed_by = ""
    page.get_by_role("link", name="Review queue").first.click()
    claim(page)
    assert backend.verdicts == []


def test_what_was_filled_in_comes_back_with_a_refusal(page: Page) -> None:
    claim(page)
    page.get_by_label("Approve").check()
    page.get_by_label("Reason", exact=True).select_option("finding_explained")
    page.get_by_label("Comment").fill("The face is a statue.")
    page.locator("[name=digest]").evaluate("(field) => (field.value = '0'.repeat(64))")
    page.get_by_role("button", name="Record decision").click()
    expect(page.get_by_role("alert")).to_contain_text("not the file under review")
    expect(page.get_by_label("Approve")).to_be_checked()
    expect(page.get_by_label("Reason", exact=True)).to_have_value("finding_explained")
    expect(page.get_by_label("Comment")).to_have_value("The face is a statue.")


def test_the_first_request_is_copied_whole(open_page: OpenPage) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto("/")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("from pathlib import Path")
    assert f'base_url="{page.url}v1"' in copied


def test_a_session_lasts_from_page_to_page_until_it_is_ended(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
