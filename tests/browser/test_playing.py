"""What the browser says was played is what was played: each part once, with or without sound."""

from decimal import Decimal

from playwright.sync_api import Page, expect

from governance.web.backend import Played
from tests.browser.conftest import claim, needs_browser
from tests.web.backend import AUDIO, IMAGE, VIDEO, MemoryBackend
from tests.web.samples import SECONDS

pytestmark = needs_browser

PLAY = """async ([start, end, rate, muted]) => {
    const media = document.getElementById("media");
    media.muted = muted;
    media.playbackRate = rate;
    if (Math.abs(media.currentTime - start) > 0.01) {
        media.currentTime = start;
        await new Promise((done) => media.addEventListener("seeked", done, {once: true}));
    }
    await media.play();
    await new Promise((done) => {
        media.addEventListener("ended", done, {once: true});
        media.addEventListener("timeupdate", () => media.currentTime >= end && done());
    });
    media.pause();
    await new Promise((done) => setTimeout(done, 50));
}"""


def play(
    page: Page, start: float = 0, end: float = SECONDS, *, rate: float = 4, muted: bool = False
) -> None:
    page.evaluate(PLAY, [start, end, rate, muted])


def approve(page: Page, backend: MemoryBackend) -> Played:
    page.get_by_label("Approve").check()
    page.get_by_label("Reason", exact=True).select_option("fit_for_release")
    page.get_by_role("button", name="Record decision").click()
    page.wait_for_url("**/queue?done=*")
    return backend.verdicts[-1].played


def test_the_whole_clip_with_sound(page: Page, backend: MemoryBackend) -> None:
    claim(page)
    play(page)
    played = approve(page, backend)
    assert played.share(SECONDS) >= Decimal("0.98")
    assert (played.muted, played.blurred) == (False, False)


def test_the_same_part_counts_once_and_a_jump_not_at_all(
    page: Page, backend: MemoryBackend
) -> None:
    claim(page)
    play(page, 2.0, rate=2)
    play(page, 2.0, rate=2)
    page.evaluate("document.getElementById('media').currentTime = 0.5")
    played = approve(page, backend)
    assert Decimal("0.8") <= played.seconds <= Decimal("1.1")


def test_jumping_on_while_it_plays_does_not_count_what_was_jumped_over(
    page: Page, backend: MemoryBackend
) -> None:
    claim(page)
    page.evaluate("document.getElementById('media').play()")
    page.wait_for_timeout(300)
    page.get_by_role("button", name="On 1 s").click()
    page.get_by_role("button", name="On 1 s").click()
    page.wait_for_timeout(1500)
    played = approve(page, backend)
    assert 0 < played.seconds <= SECONDS - 2


def test_a_part_seen_only_without_sound_is_told(page: Page, backend: MemoryBackend) -> None:
    claim(page)
    play(page, muted=True)
    expect(page.locator("#seen")).to_contain_text("partly muted")
    assert approve(page, backend).muted


def test_hearing_it_afterwards_makes_good_for_muted(page: Page, backend: MemoryBackend) -> None:
    claim(page)
    play(page, muted=True)
    play(page, muted=False)
    assert not approve(page, backend).muted


def test_a_part_seen_only_blurred_is_told(page: Page, backend: MemoryBackend) -> None:
    claim(page)
    page.get_by_role("button", name="Blur").click()
    expect(page.locator("#player")).to_have_class("player blurred")
    play(page)
    assert approve(page, backend).blurred


def test_loading_the_page_again_loses_nothing(page: Page, backend: MemoryBackend) -> None:
    page.goto(f"/queue/{VIDEO}")
    play(page)
    claim(page)
    assert approve(page, backend).share(SECONDS) >= Decimal("0.98")


def test_nothing_played_is_nothing_recorded(page: Page, backend: MemoryBackend) -> None:
    claim(page)
    assert approve(page, backend) == Played(Decimal("0.0"), muted=False, blurred=False)


def test_an_image_counts_while_it_is_before_the_eyes(page: Page, backend: MemoryBackend) -> None:
    claim(page, IMAGE)
    expect(page.locator("#seen")).to_have_text("Seen for 1 s")
    played = approve(page, backend)
    assert played.share(0) == 1
    assert not played.muted


def test_sound_counts_too(page: Page, backend: MemoryBackend) -> None:
    claim(page, AUDIO)
    play(page)
    assert approve(page, backend).share(SECONDS) >= Decimal("0.98")


def test_a_findings_time_code_leads_there(page: Page) -> None:
    claim(page)
    page.get_by_role("button", name="at 1.5 s").click()
    assert page.evaluate("document.getElementById('media').currentTime") == 1.5
    page.get_by_role("button", name="Back 1 s").click()
    assert page.evaluate("document.getElementById('media').currentTime") == 0.5
