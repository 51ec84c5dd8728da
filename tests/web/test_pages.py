"""The pages over HTTP, as any client sees them: who gets in, what is refused, what is sent."""

import re
from dataclasses import replace

import pytest
from fastapi import FastAPI

from governance.web.routes import router
from tests.web.backend import AUDIO, IMAGE, ONE_TIME, PASSWORD, VIDEO, MemoryBackend
from tests.web.serving import Browser, running


def test_the_start_page_tells_the_state_of_the_service(
    browser: Browser, backend: MemoryBackend
) -> None:
    page = browser.get("/").text
    for fact in ("61,412", "61,408", "Running", "EU AI Act, Article 50", "2026.11.20"):
        assert fact in page
    assert f"{backend.base_url}/v1" in page


def test_the_start_page_says_when_the_engine_stands_still(
    browser: Browser, backend: MemoryBackend
) -> None:
    backend.engine = False
    assert "Stopped" in browser.get("/").text


def test_every_page_forbids_foreign_and_inline_code(browser: Browser) -> None:
    browser.sign_in()
    for path in (
        "/",
        "/sign-in",
        "/password",
        "/account",
        "/confirm",
        "/queue",
        f"/queue/{VIDEO}",
        "/queue/rev_none",
    ):
        response = browser.get(path)
        assert response.headers["content-security-policy"] == (
            "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
            "object-src 'none'"
        )
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["referrer-policy"] == "same-origin"
        assert not re.search(r"<style|style=|<script(?! src=)|\son\w+=", response.text)


def test_behind_tls_browsers_are_told_to_stay_there(backend: MemoryBackend) -> None:
    plain, backend.base_url = backend.base_url, "https://governance.example/"

    def make_app(_: str) -> FastAPI:
        app = FastAPI()
        app.include_router(router(backend))
        return app

    with running(make_app) as base_url, Browser(base_url) as browser:
        assert "strict-transport-security" in browser.get("/").headers
        own = {"Sec-Fetch-Site": "", "Origin": "https://governance.example"}
        assert browser.post("/sign-out", None, **own).status_code == 303
    backend.base_url = plain


def test_style_and_scripts_are_kept_by_the_browser_until_they_change(browser: Browser) -> None:
    address = re.search(r'href="(/static/[^"]+/style\.css)"', browser.get("/").text)
    assert address
    current = browser.get(address[1])
    assert current.headers["cache-control"] == "public, max-age=31536000, immutable"
    outdated = browser.get("/static/000000000000/style.css")
    assert outdated.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["nothing.css", "..%2froutes.py", "fonts", "%2fetc%2fpasswd"])
def test_only_the_pages_own_files_are_served(browser: Browser, name: str) -> None:
    assert browser.get(f"/static/v/{name}").status_code == 404


def test_signing_in_sets_a_cookie_that_scripts_and_other_hosts_never_see(browser: Browser) -> None:
    response = browser.sign_in()
    assert (response.status_code, response.headers["location"]) == (303, "/queue")
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("__Host-session=")
    for attribute in ("HttpOnly", "Secure", "Path=/", "SameSite=lax"):
        assert attribute in cookie
    assert "Domain" not in cookie


def test_a_wrong_password_is_refused_without_saying_what_was_wrong(browser: Browser) -> None:
    response = browser.sign_in("ana", "guess")
    assert response.status_code == 401
    assert "User name or password is wrong." in response.text
    assert "guess" not in response.text
    assert browser.token == ""


def test_somebody_in_a_hurry_is_told_how_long_to_wait(browser: Browser) -> None:
    response = browser.sign_in("hasty", "x")
    assert (response.status_code, response.headers["retry-after"]) == (429, "8")


def test_whoever_is_not_signed_in_is_asked_to_and_comes_back(browser: Browser) -> None:
    response = browser.get(f"/queue/{VIDEO}")
    assert (response.status_code, response.headers["location"]) == (
        303,
        f"/sign-in?next=/queue/{VIDEO}",
    )
    fields = {"username": "ana", "password": PASSWORD, "next": f"/queue/{VIDEO}"}
    assert browser.post("/sign-in", fields).headers["location"] == f"/queue/{VIDEO}"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/queue/../x", "/sign-out", "/queue\\x"]
)
def test_signing_in_never_leads_to_another_site(browser: Browser, target: str) -> None:
    fields = {"username": "ana", "password": PASSWORD, "next": target}
    assert browser.post("/sign-in", fields).headers["location"] == "/queue"


def test_a_one_time_password_only_serves_to_choose_another(browser: Browser) -> None:
    first = browser.sign_in("new", ONE_TIME)
    assert first.status_code == 200
    assert "Choose a password" in first.text
    assert browser.token == ""
    fields = {"username": "new", "old": ONE_TIME, "new": "a" * 15, "again": "a" * 15}
    changed = browser.post("/password", fields)
    assert (changed.status_code, changed.headers["location"]) == (303, "/account")
    assert browser.get("/queue").status_code == 200


def test_a_new_password_must_be_typed_twice_alike(browser: Browser) -> None:
    fields = {"username": "ana", "old": PASSWORD, "new": "a" * 15, "again": "b" * 15}
    response = browser.post("/password", fields)
    assert response.status_code == 422
    assert "The two new passwords differ" in response.text


def test_a_password_is_changed_only_with_the_old_one(browser: Browser) -> None:
    fields = {"username": "ana", "old": "guess", "new": "a" * 15, "again": "a" * 15}
    assert browser.post("/password", fields).status_code == 401


def test_after_signing_out_the_session_is_worth_nothing(browser: Browser) -> None:
    browser.sign_in()
    kept = browser.token
    assert browser.post("/sign-out").status_code == 303
    browser.token = kept
    assert browser.get("/queue").status_code == 303


def test_signing_in_anew_ends_the_session_that_the_browser_had(browser: Browser) -> None:
    browser.sign_in()
    planted = browser.token
    browser.sign_in("ben")
    browser.token = planted
    assert browser.get("/queue").status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "", "Origin": "null"},
        {"Sec-Fetch-Site": ""},
    ],
)
@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", f"/queue/{VIDEO}/claim"])
def test_a_form_of_another_site_changes_nothing(
    browser: Browser, backend: MemoryBackend, headers: dict[str, str], path: str
) -> None:
    browser.sign_in()
    assert browser.post(path, {}, **headers).status_code == 403
    assert browser.get("/queue").status_code == 200
    assert backend.cases[VIDEO].claimed_by == ""


def test_a_browser_without_fetch_metadata_is_known_by_its_origin(
    browser: Browser, backend: MemoryBackend
) -> None:
    browser.sign_in()
    older = {"Sec-Fetch-Site": "", "Origin": backend.base_url}
    response = browser.post(f"/queue/{VIDEO}/claim", None, **older)
    assert response.status_code == 303


def test_the_queue_lists_the_oldest_first_and_why_it_is_here(browser: Browser) -> None:
    browser.sign_in()
    page = browser.get("/queue").text
    assert re.findall(r'<h2><a href="/queue/(\w+)"', page)[0] == VIDEO
    assert "3 files wait for people; the oldest since 3 h 14 min." in page
    assert "It is declared a deep fake" in page
    assert "0 of 2 people have approved" in page


def test_an_empty_queue_says_so(browser: Browser, backend: MemoryBackend) -> None:
    browser.sign_in()
    for case in backend.cases.values():
        case.is_closed = True
    assert "Nothing waits for you." in browser.get("/queue").text


def test_the_review_shows_what_a_decision_rests_on(
    browser: Browser, backend: MemoryBackend
) -> None:
    browser.sign_in()
    page = browser.get(f"/queue/{VIDEO}").text
    for fact in (
        "Regulation (EU) 2024/1689, Article 50(4)",
        "A real person may appear, so two people have to agree.",
        "Invisible watermark",
        "Not checked",
        "at 1.5 s",
        "A paper boat crosses a harbour at dusk",
        "cns_0198b7c2d3e44f5a8b9c0d1e2f3a4b5c",
        "DE, FR, AT",
        "Mira Novák",
        backend.cases[VIDEO].page.asset.digest,
    ):
        assert fact in page


def test_text_of_others_stays_text(browser: Browser, backend: MemoryBackend) -> None:
    case = backend.cases[VIDEO]
    markup = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    case.page = replace(case.page, request=replace(case.page.request, prompt=markup))
    browser.sign_in()
    page = browser.get(f"/queue/{VIDEO}").text
    assert markup not in page
    assert "&lt;script&gt;" in page


def test_media_are_sent_in_ranges_to_people_who_are_signed_in(
    browser: Browser, backend: MemoryBackend
) -> None:
    assert browser.get(f"/queue/{VIDEO}/media").status_code == 303
    browser.sign_in()
    response = browser.get(f"/queue/{VIDEO}/media", Range="bytes=100-199")
    whole = backend.cases[VIDEO].page.asset.path.read_bytes()
    assert (response.status_code, response.content) == (206, whole[100:200])
    assert response.headers["content-type"] == "video/mp4"
    assert response.headers["content-security-policy"] == "sandbox"
    for review, media_type in ((IMAGE, "image/png"), (AUDIO, "audio/wav")):
        assert browser.get(f"/queue/{review}/media").headers["content-type"] == media_type


def test_a_review_that_does_not_exist_gets_a_page_that_helps(browser: Browser) -> None:
    browser.sign_in()
    response = browser.get("/queue/rev_none")
    assert response.status_code == 404
    assert "There is no such review." in response.text
    assert "review_unknown" in response.text


def test_a_session_that_is_over_leads_back_to_signing_in(browser: Browser) -> None:
    browser.token = "gone"
    assert browser.get("/queue").headers["location"] == "/sign-in?next=/queue"
    assert browser.post(f"/queue/{VIDEO}/claim").headers["location"] == "/sign-in"


def test_a_form_that_is_far_too_large_is_refused(browser: Browser) -> None:
    browser.sign_in()
    response = browser.post(f"/queue/{VIDEO}/decision", {"comment": "x" * 100_000})
    assert response.status_code == 413
