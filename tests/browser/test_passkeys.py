"""A person with a passkey, in a real browser before the real service, up to the verified bundle."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from sqlalchemy import update
from sqlmodel import col

from governance.evidence import bundle, record, statements, verify
from governance.evidence.errors import EvidenceError
from governance.identity import people
from governance.identity.tables import PersonSession
from governance.kernel import clock, ids
from governance.policy import assignments
from tests.api.site import Site, open_site
from tests.browser.conftest import needs_browser
from tests.platform import ORGANISATION

pytestmark = needs_browser
VIEWPORT: ViewportSize = {"width": 1280, "height": 900}
PASSWORD = "four quiet herons wait"
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
# Authenticators that make ES256 only: what the service prefers is struck from what it asks for.
ES256_ONLY = """
const create = navigator.credentials.create.bind(navigator.credentials);
navigator.credentials.create = (options) => {
    options.publicKey.pubKeyCredParams = options.publicKey.pubKeyCredParams
        .filter((one) => one.alg === -7);
    return create(options);
};
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("site")) as site:
        yield site


@dataclass
class Rita:
    """A reviewer before her browser, whose device has a platform authenticator."""

    site: Site
    page: Page
    username: str
    id: str

    def enrol(self, name: str = "Laptop") -> None:
        self.page.goto("/account")
        self.page.get_by_label("Name of the device").fill(name)
        self.page.get_by_role("button", name="passkey").click()
        expect(self.page.get_by_role("status")).to_contain_text("Your passkey is enrolled.")

    def sign_out(self) -> None:
        self.page.get_by_role("button", name="Sign out", exact=True).click()
        self.page.get_by_role("link", name="Sign in").wait_for()

    def sign_in(self) -> None:
        self.page.goto("/sign-in")
        self.page.get_by_role("button", name="Use a passkey").click()
        self.page.get_by_role("heading", name="Review queue").wait_for()

    def open(self, generation: str) -> str:
        """Claim the review of a generation; returns its id."""
        review = self.site.wait(generation, "in_review")["governance"]["review"]
        self.page.goto(f"/queue/{review}")
        self.page.get_by_role("button", name="Claim and decide").click()
        return str(review)

    def approve(self) -> None:
        self.page.get_by_label("Approve").check()
        self.page.get_by_label("Reason", exact=True).select_option("fit_for_release")

    def record(self, button: str = "Sign and record decision") -> None:
        self.page.get_by_role("button", name=button).click()
        expect(self.page.get_by_role("status")).to_contain_text("Your decision is recorded.")


Hire = Callable[..., Rita]


@pytest.fixture
def hire(site: Site, chromium: Browser) -> Iterator[Hire]:
    """Somebody new with a browser of their own, signed in with a one-time password."""
    contexts = []
    complaints: list[str] = []

    def hire(script: str = "") -> Rita:
        username = ids.new_id("u")
        ledger = site.service.context.ledger
        write = site.service.context.database.write
        made = write(
            lambda c: people.add_person(
                c, ledger, organisation=ORGANISATION, username=username, name="Rita", by="service"
            )
        )
        write(
            lambda c: assignments.grant(
                c,
                ledger,
                site.service.context.policies.policy,
                subject=made.id,
                role="role:reviewer",
                domain=f"org/{ORGANISATION}",
                by="service",
            )
        )
        # Passkeys belong to a name; the service's address is a number.
        address = site.url.replace("127.0.0.1", "localhost")
        context = chromium.new_context(base_url=address, viewport=VIEWPORT)
        contexts.append(context)
        if script:
            context.add_init_script(script)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        device = context.new_cdp_session(page)
        device.send("WebAuthn.enable")
        device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        _choose_password(page, username, made.password)
        return Rita(site, page, username, made.id)

    yield hire
    for context in contexts:
        context.close()
    # Chromium would have us accept RS256 as well; we do not.
    expected = ("status of 4", "pubKeyCredParams is missing")
    assert [text for text in complaints if not any(one in text for one in expected)] == []


def _choose_password(page: Page, username: str, one_time: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password", exact=True).fill(one_time)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("One-time password, once more").fill(one_time)
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password, once more").fill(PASSWORD)
    page.get_by_role("button", name="Change password and sign in").click()
    expect(page.get_by_text("You have none yet.")).to_be_visible()


@pytest.fixture
def rita(hire: Hire) -> Rita:
    return hire()


def decided(site: Site, generation: str) -> dict[str, Any]:
    """The body of the decision's record."""
    (found,) = [r for r in site.service.records(generation) if r.event == "review.decided"]
    return found.body


def exported(site: Site, generation: str) -> dict[str, bytes]:
    """The files of the project's evidence, once it holds the generation's last record."""
    site.wait(generation, "released")
    site.settle()
    last = site.service.records(generation)[-1].line
    while True:
        answer = site["officer"].post("/v1/governance/exports", json={"project": "launch"})
        assert answer.status_code == 200, answer.text
        files = bundle.unpack(answer.content)
        if last in files["records.intoto.jsonl"]:
            return files


@pytest.mark.parametrize(
    ("script", "algorithm"), [("", "Ed25519"), (ES256_ONLY, "ES256")], ids=["Ed25519", "ES256"]
)
def test_from_the_first_sign_in_to_a_decision_that_anyone_can_verify(
    site: Site, hire: Hire, script: str, algorithm: str
) -> None:
    generation = site.create(real_person="unknown", deep_fake="unknown")["id"]
    rita = hire(script)
    rita.enrol()
    expect(rita.page.get_by_text(f"{algorithm}, since")).to_be_visible()
    rita.sign_out()
    rita.sign_in()
    rita.open(generation)
    rita.approve()
    rita.page.locator("#deep-fake").get_by_label("No").check()
    rita.record()

    body = decided(site, generation)
    assert (body["assurance"], body["deep_fake"]) == ("A", "no")
    assert body["proof"]["algorithm"] == algorithm
    files = exported(site, generation)
    root = site.service.context.ledger.keyring.root
    verdict = verify.verify_files(files, root)
    assert verdict.failure is None
    (step,) = [step for step in verdict.steps if step.name == "statements"]
    assert "signed by the authenticator that this service enrolled for the person" in step.result

    lines = files["records.intoto.jsonl"].splitlines()
    records = [
        replace(one, body={**one.body, "digest": "0" * 64})
        if one.event == "review.decided" and one.body["person"] == rita.id
        else one
        for one in map(record.load, lines)
    ]
    with pytest.raises(EvidenceError, match="signs another statement than the record makes"):
        statements.check(list(enumerate(records)))


def test_what_is_signed_is_what_was_played_until_then(site: Site, rita: Rita) -> None:
    generation = site.create(real_person="unknown")["id"]
    rita.enrol()
    rita.open(generation)
    expect(rita.page.locator("#seen")).to_have_text("Seen for 2 s")  # and it goes on counting
    rita.approve()
    rita.record()
    body = decided(site, generation)
    assert body["assurance"] == "A"
    assert float(body["played"]["seconds"]) >= 2


def test_whoever_declines_to_sign_has_decided_nothing(site: Site, rita: Rita) -> None:
    generation = site.create(real_person="unknown")["id"]
    rita.enrol()
    rita.open(generation)
    rita.approve()
    decline(rita.page)
    rita.page.get_by_role("button", name="Sign and record decision").click()
    expect(rita.page.get_by_role("alert")).to_contain_text("The passkey was not used.")
    expect(rita.page.get_by_role("alert")).to_be_focused()
    assert "review.decided" not in site.service.events(generation)
    rita.record("Record unsigned")
    assert decided(site, generation)["assurance"] == "C"
    assert "proof" not in decided(site, generation)


def test_why_nothing_can_be_signed_is_said_beside_the_button(site: Site, rita: Rita) -> None:
    generation = site.create(real_person="unknown", deep_fake="unknown")["id"]
    rita.enrol()
    rita.open(generation)
    rita.approve()
    rita.page.evaluate("document.getElementById('decision').noValidate = true")
    rita.page.get_by_role("button", name="Sign and record decision").click()
    expect(rita.page.get_by_role("alert")).to_contain_text("Say whether this is a deep fake")


def test_a_signature_needs_no_fresh_session_and_an_unsigned_approval_does(
    site: Site, rita: Rita
) -> None:
    first, second = (site.create(real_person="unknown")["id"] for _ in range(2))
    rita.enrol()
    grow_old(site, rita)
    rita.open(first)
    rita.approve()
    rita.record()
    rita.open(second)
    rita.approve()
    rita.page.get_by_role("button", name="Record unsigned").click()
    rita.page.get_by_label("Password, to confirm that it is you").fill(PASSWORD)
    expect(rita.page.get_by_label("Approve")).to_be_checked()
    rita.record("Record decision")
    assert decided(site, first)["assurance"] == "A"
    assert decided(site, second)["assurance"] == "C"


def test_changing_authenticators_long_after_signing_in_asks_for_the_passkey(
    site: Site, rita: Rita
) -> None:
    rita.enrol()
    grow_old(site, rita)
    rita.page.goto("/account")
    rita.page.get_by_role("button", name="Revoke Laptop").click()
    rita.page.get_by_role("heading", name="Confirm that it is you").wait_for()
    rita.page.get_by_role("button", name="Use a passkey").click()
    rita.page.get_by_role("heading", name="Rita").wait_for()
    rita.page.get_by_role("button", name="Revoke Laptop").click()
    expect(rita.page.get_by_role("status")).to_contain_text("The passkey is revoked")
    expect(rita.page.get_by_text("You have none yet.")).to_be_visible()


def test_a_revoked_passkey_does_not_sign_in(rita: Rita) -> None:
    rita.enrol()
    rita.page.get_by_role("button", name="Revoke Laptop").click()
    rita.sign_out()
    rita.page.goto("/sign-in")
    rita.page.get_by_role("button", name="Use a passkey").click()
    expect(rita.page.get_by_role("alert")).to_contain_text("This passkey is not accepted here.")


def test_under_an_address_without_a_name_the_page_says_where_passkeys_work(
    site: Site, chromium: Browser
) -> None:
    page = chromium.new_page(base_url=site.url)
    page.goto("/sign-in")
    expect(page.get_by_role("button", name="Use a passkey")).to_be_hidden()
    expect(
        page.get_by_role("link", name=site.url.replace("127.0.0.1", "localhost"))
    ).to_be_visible()
    page.close()


def decline(page: Page) -> None:
    page.evaluate(
        """() => {
            navigator.credentials.get = () =>
                Promise.reject(new DOMException("not now", "NotAllowedError"));
        }"""
    )


def grow_old(site: Site, rita: Rita) -> None:
    """As if the person had signed in an hour ago."""
    aged = (
        update(PersonSession)
        .where(col(PersonSession.person) == rita.id)
        .values(authenticated_at=clock.now() - timedelta(hours=1))
    )
    site.service.context.database.write(lambda c: c.execute(aged))
