"""The page for everybody who holds a file: without an account, and without scripts if need be."""

import re

from tests.web.serving import Browser


def test_anybody_may_open_it(browser: Browser) -> None:
    page = browser.get("/detect")
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert 'href="/sign-in"' in page.text


def test_who_is_signed_in_stays_so(browser: Browser) -> None:
    browser.sign_in()
    assert 'action="/sign-out"' in browser.get("/detect").text


def test_the_form_works_without_scripts(browser: Browser) -> None:
    form = re.search(r"<form id=\"detect\".*?</form>", browser.get("/detect").text, re.DOTALL)
    assert form is not None
    for part in ('method="post"', 'action="/v1/detect"', "multipart/form-data", 'name="file"'):
        assert part in form[0]


def test_every_page_leads_to_it(browser: Browser) -> None:
    for path in ("/", "/sign-in"):
        assert '<a href="/detect"' in browser.get(path).text


def test_its_script_is_served(browser: Browser) -> None:
    script = re.search(r'src="(/static/[0-9a-f]+/detect\.js)"', browser.get("/detect").text)
    assert script is not None
    assert browser.get(script[1]).headers["content-type"].startswith("text/javascript")
