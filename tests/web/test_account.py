"""The account page, signing in with more than a password, and proving again who one is."""

from dataclasses import replace

import pytest

from tests.web.account import CODE
from tests.web.backend import PASSWORD, VIDEO, MemoryBackend
from tests.web.serving import Browser
from tests.web.test_deciding import form

LONG_AGO = 3600.0


@pytest.fixture
def ana(browser: Browser) -> Browser:
    browser.sign_in()
    return browser


def grow_old(backend: MemoryBackend, browser: Browser) -> None:
    backend.account.ages[browser.token] = LONG_AGO


def enrol(browser: Browser, name: str = "Work desk", credential: str = "key-1") -> None:
    answer = browser.post("/account/passkeys", {"credential": credential, "name": name})
    assert answer.headers["location"] == "/account?done=passkey"


def test_the_account_offers_a_passkey_to_whoever_has_none(ana: Browser) -> None:
    page = ana.get("/account").text
    assert "You have none yet." in page
    assert "assurance A instead of C" in page
    assert "Signed in with password" in page


def test_passkeys_are_listed_and_revoked_one_by_one(ana: Browser) -> None:
    enrol(ana, "Work desk", "key-1")
    enrol(ana, "<Phone>", "key-2")
    page = ana.get("/account?done=passkey").text
    assert "Your passkey is enrolled." in page
    assert "Work desk" in page
    assert "&lt;Phone&gt;" in page
    answer = ana.post("/account/passkeys/revoke", {"passkey": "key-1"})
    assert answer.headers["location"] == "/account?done=revoked"
    assert "Work desk" not in ana.get("/account").text
    assert ana.post("/account/passkeys/revoke", {"passkey": "key-1"}).status_code == 404


def test_nothing_that_a_link_says_is_shown_as_done(ana: Browser) -> None:
    assert "pay me" not in ana.get("/account?done=pay+me").text


def test_a_passkey_signs_in_and_leads_on(ana: Browser) -> None:
    enrol(ana)
    ana.token = ""
    options = ana.post("/sign-in/passkey/options")
    assert options.json()["userVerification"] == "required"
    fields = {"credential": "key-1", "next": f"/queue/{VIDEO}"}
    answer = ana.post("/sign-in/passkey", fields)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/queue/{VIDEO}")
    assert ana.get("/queue").status_code == 200


def test_an_unknown_passkey_is_refused_on_the_page(browser: Browser) -> None:
    answer = browser.post("/sign-in/passkey", {"credential": "key-9"})
    assert answer.status_code == 401
    assert "This passkey is not accepted here." in answer.text


def test_the_app_is_set_up_by_scanning_and_typing_a_code(ana: Browser) -> None:
    setup = ana.post("/account/totp").text
    assert "<svg" in setup
    assert "JBSWY3DPEHPK3PXP" in setup
    assert ana.post("/account/totp/confirm", {"code": "000000"}).status_code == 422
    answer = ana.post("/account/totp/confirm", {"code": CODE})
    assert answer.headers["location"] == "/account?done=totp"
    assert "JBSWY3DPEHPK3PXP" not in ana.get("/account").text
    assert ana.sign_in().status_code == 401
    fields = {"username": "ana", "password": PASSWORD, "code": CODE}
    assert ana.post("/sign-in", fields).status_code == 303
    assert ana.post("/account/totp/remove").headers["location"] == "/account?done=removed"


def test_signing_out_everywhere_ends_other_sessions_too(ana: Browser) -> None:
    other = ana.token
    ana.token = ""
    ana.sign_in()
    answer = ana.post("/account/sign-out")
    assert answer.headers["location"] == "/"
    ana.token = other
    assert ana.get("/account").status_code == 303


@pytest.mark.parametrize(
    "path",
    [
        "/account/passkeys",
        "/account/passkeys/options",
        "/account/passkeys/revoke",
        "/account/totp",
        "/account/totp/confirm",
        "/account/totp/remove",
    ],
)
def test_changing_how_one_signs_in_needs_a_fresh_proof(
    ana: Browser, backend: MemoryBackend, path: str
) -> None:
    grow_old(backend, ana)
    answer = ana.post(path, {"credential": "key-1", "passkey": "key-1", "code": CODE})
    assert (answer.status_code, answer.headers["location"]) == (303, "/confirm")
    assert "Confirm that it is you" in ana.get("/confirm").text
    assert ana.post("/confirm", {"password": "guess"}).status_code == 401
    answer = ana.post("/confirm", {"password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    enrol(ana)


def test_a_passkey_confirms_as_well(ana: Browser, backend: MemoryBackend) -> None:
    enrol(ana)
    grow_old(backend, ana)
    assert ana.post("/confirm/passkey/options").status_code == 200
    answer = ana.post("/confirm/passkey", {"credential": "key-1"})
    assert answer.headers["location"] == "/account"
    enrol(ana, credential="key-2")


@pytest.mark.parametrize("path", ["/account", "/confirm"])
def test_strangers_have_no_account(browser: Browser, path: str) -> None:
    assert browser.get(path).headers["location"].startswith("/sign-in")
    assert browser.post("/account/passkeys/options").headers["location"] == "/sign-in"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/sign-out"])
def test_confirming_never_leads_to_another_site(ana: Browser, target: str) -> None:
    answer = ana.post("/confirm", {"password": PASSWORD, "next": target})
    assert answer.headers["location"] == "/queue"


@pytest.fixture
def reviewer(ana: Browser) -> Browser:
    ana.post(f"/queue/{VIDEO}/claim")
    return ana


def test_without_a_passkey_the_page_says_what_a_decision_lacks(reviewer: Browser) -> None:
    page = reviewer.get(f"/queue/{VIDEO}").text
    assert "Not signed: your decision is recorded with assurance C." in page
    assert "data-passkey=" not in page


def test_with_a_passkey_the_page_asks_what_to_sign(reviewer: Browser) -> None:
    enrol(reviewer)
    page = reviewer.get(f"/queue/{VIDEO}").text
    assert f'data-options="/queue/{VIDEO}/statement"' in page
    assert "Not signed" not in page


def test_a_statement_that_cannot_be_made_says_why(
    reviewer: Browser, backend: MemoryBackend
) -> None:
    answer = reviewer.post(f"/queue/{VIDEO}/statement", form(backend, reason=""))
    assert answer.status_code == 422
    assert "choose one of these reasons: fit_for_release" in answer.json()["message"]
    assert reviewer.post(f"/queue/{VIDEO}/statement", form(backend)).json()["challenge"]


def test_a_signed_decision_hands_over_what_the_passkey_answered(
    reviewer: Browser, backend: MemoryBackend
) -> None:
    grow_old(backend, reviewer)  # the signature is a proof of who it is
    answer = reviewer.post(f"/queue/{VIDEO}/decision", form(backend, credential='{"id": "x"}'))
    assert answer.status_code == 303
    assert backend.verdicts[0].answer == '{"id": "x"}'


def test_an_unsigned_approval_long_after_signing_in_asks_who_it_is_and_loses_nothing(
    reviewer: Browser, backend: MemoryBackend
) -> None:
    grow_old(backend, reviewer)
    fields = form(backend, comment="All well.")
    answer = reviewer.post(f"/queue/{VIDEO}/decision", fields)
    assert answer.status_code == 403
    assert "Password, to confirm that it is you" in answer.text
    assert "All well." in answer.text
    wrong = reviewer.post(f"/queue/{VIDEO}/decision", {**fields, "confirm_password": "guess"})
    assert wrong.status_code == 401
    assert "Password, to confirm that it is you" in wrong.text
    assert backend.verdicts == []
    before = reviewer.token
    fields["confirm_password"] = PASSWORD
    assert reviewer.post(f"/queue/{VIDEO}/decision", fields).status_code == 303
    assert reviewer.token != before
    assert reviewer.get("/queue").status_code == 200


def test_with_an_app_its_code_is_asked_for(reviewer: Browser, backend: MemoryBackend) -> None:
    backend.account.apps.add("ana")
    grow_old(backend, reviewer)
    fields = form(backend)
    assert "One-time code, to confirm" in reviewer.post(f"/queue/{VIDEO}/decision", fields).text
    fields["confirm_code"] = CODE
    assert reviewer.post(f"/queue/{VIDEO}/decision", fields).status_code == 303


def test_a_proof_that_held_is_kept_though_the_decision_was_refused(
    reviewer: Browser, backend: MemoryBackend
) -> None:
    grow_old(backend, reviewer)
    fields = form(backend, digest="0" * 64, confirm_password=PASSWORD)
    answer = reviewer.post(f"/queue/{VIDEO}/decision", fields)
    assert answer.status_code == 409
    assert "to confirm that it is you" not in answer.text
    assert reviewer.post(f"/queue/{VIDEO}/decision", form(backend)).status_code == 303


def test_a_rejection_never_waits_for_a_proof(reviewer: Browser, backend: MemoryBackend) -> None:
    grow_old(backend, reviewer)
    fields = form(backend, decision="reject", reason="harmful_content", comment="No.")
    assert reviewer.post(f"/queue/{VIDEO}/decision", fields).status_code == 303


@pytest.mark.parametrize(("sent", "told"), [("yes", "yes"), ("no", "no"), ("", ""), ("so", "")])
def test_what_the_reviewer_finds_is_handed_over(
    reviewer: Browser, backend: MemoryBackend, sent: str, told: str
) -> None:
    case = backend.cases[VIDEO]
    assert "Is it a deep fake?" not in reviewer.get(f"/queue/{VIDEO}").text
    case.page = replace(case.page, asks_deep_fake=True)
    assert "Is it a deep fake?" in reviewer.get(f"/queue/{VIDEO}").text
    reviewer.post(f"/queue/{VIDEO}/decision", form(backend, deep_fake=sent))
    assert backend.verdicts[0].deep_fake == told
