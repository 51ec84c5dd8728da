"""People sign in at their enterprise's identity provider, end to end over real HTTP."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from freezegun import freeze_time
from sqlalchemy import Connection

from governance.app import create_app
from governance.identity import external, people, sessions
from governance.identity.oidc import COOKIE, Provider
from governance.identity.sessions import COOKIE as SESSION
from governance.kernel import settings
from governance.kernel.errors import ConfigurationError, Unavailable
from tests.identity.platform_issuer import new_key
from tests.platform import ORGANISATION, Service, open_service
from tests.web.identity_provider import CLIENT, SECRET, IdentityProvider, identity_provider
from tests.web.serving import running

NOON = "2026-11-22T12:00:00Z"


@dataclass
class Place:
    """A service, its provider, and Paula, who is `paula-1` there."""

    service: Service
    provider: IdentityProvider
    http: httpx.Client
    paula: str

    def leave(self) -> tuple[str, str]:
        """Begin at the service: the provider's address, and the browser's ticket."""
        answer = self.http.get("/sign-in/oidc")
        assert answer.status_code == 303, answer.text
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"{COOKIE}=")
        for attribute in ("HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=600"):
            assert attribute in cookie
        return answer.headers["location"], cookie.split(";")[0].partition("=")[2]

    def come_back(self, address: str, ticket: str, session: str = "") -> httpx.Response:
        cookies = [f"{COOKIE}={ticket}"] * bool(ticket) + [f"{SESSION}={session}"] * bool(session)
        # As a browser does that another site's redirect has sent.
        headers = {"Cookie": "; ".join(cookies), "Sec-Fetch-Site": "cross-site"}
        return self.http.get(address, headers=headers)

    def sign_in(self) -> httpx.Response:
        address, ticket = self.leave()
        return self.come_back(self.provider.authorize(address), ticket)

    def write(self, change: Any, *values: Any, **options: Any) -> Any:
        def run(connection: Connection) -> Any:
            return change(connection, self.service.context.ledger, *values, **options)

        return self.service.context.database.write(run)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    services: list[Service] = []
    with ExitStack() as stack:
        provider = stack.enter_context(identity_provider())

        def make_app(url: str) -> FastAPI:
            service = open_service(
                tmp_path_factory.mktemp("service"),
                public_url=url,
                oidc_issuer=provider.issuer,
                oidc_client_id=CLIENT,
                oidc_client_secret=SECRET,
            )
            services.append(service)
            return create_app(service.platform)

        url = stack.enter_context(running(make_app))
        stack.callback(services[0].close)
        http = stack.enter_context(httpx.Client(base_url=url, timeout=30))
        place = Place(services[0], provider, http, "")
        made = place.write(
            people.add_person,
            organisation=ORGANISATION,
            username="paula",
            name="Paula Winter",
            by="service",
        )
        place.write(
            external.link_person, made.id, issuer=provider.issuer, subject="paula-1", by="service"
        )
        yield replace(place, paula=made.id)


@pytest.fixture
def place(opened: Place) -> Iterator[Place]:
    """With a provider that does everything right at first."""
    provider = opened.provider
    yield opened
    provider.claims, provider.header = {}, {}
    provider.signing_key, provider.subject = None, "paula-1"


def session_of(answer: httpx.Response) -> str:
    cookies = [c for c in answer.headers.get_list("set-cookie") if c.startswith(f"{SESSION}=")]
    return cookies[0].split(";")[0].partition("=")[2] if cookies else ""


def refused(answer: httpx.Response, says: str) -> None:
    assert answer.status_code in (401, 403), answer.text
    assert not session_of(answer)
    assert says in answer.text


def test_a_linked_person_is_signed_in(place: Place) -> None:
    answer = place.sign_in()
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue")
    token = session_of(answer)
    with place.service.context.database.read() as session:
        live = sessions.find(session, token, idle=600)
    assert (live.person, live.method) == (place.paula, "oidc")
    page = place.http.get("/", headers={"Cookie": f"{SESSION}={token}"})
    assert "Paula Winter" in page.text


def test_the_page_to_sign_in_leads_there(place: Place) -> None:
    assert 'href="/sign-in/oidc"' in place.http.get("/sign-in").text


def test_the_session_that_the_browser_had_before_ends(place: Place) -> None:
    old = session_of(place.sign_in())
    address, ticket = place.leave()
    new = session_of(place.come_back(place.provider.authorize(address), ticket, session=old))
    assert new not in ("", old)
    page = place.http.get("/", headers={"Cookie": f"{SESSION}={old}"})
    assert "Paula Winter" not in page.text


def test_a_code_counts_once(place: Place) -> None:
    address, ticket = place.leave()
    back = place.provider.authorize(address)
    assert session_of(place.come_back(back, ticket))
    refused(place.come_back(back, ticket), "does not know this sign-in")


def test_an_answer_that_was_not_asked_for_is_refused(place: Place) -> None:
    """An attacker sends somebody the address with which his own sign-in would have ended."""
    address, ticket = place.leave()
    back = place.provider.authorize(address)
    _, other = place.leave()
    refused(place.come_back(back, ""), "not begun here")
    refused(place.come_back(back, other), "not begun here")
    refused(place.come_back(back, f".{ticket}"), "not begun here")
    refused(place.come_back(back.replace("state=", "stat="), ticket), "not begun here")
    assert session_of(place.come_back(back, ticket))


def test_a_code_of_another_sign_in_is_refused(place: Place) -> None:
    """PKCE: the code belongs to the browser that began."""
    address, ticket = place.leave()
    mine = place.provider.authorize(address)
    theirs = place.provider.authorize(place.leave()[0])
    code = theirs.partition("code=")[2].partition("&")[0]
    own = mine.partition("code=")[2].partition("&")[0]
    refused(place.come_back(mine.replace(own, code), ticket), "does not know this sign-in")


def test_another_provider_in_the_answer_is_refused(place: Place) -> None:
    address, ticket = place.leave()
    back = place.provider.authorize(address)
    refused(place.come_back(back.replace("iss=", "iss=x"), ticket), "Another provider")


def test_a_refusal_of_the_provider_is_one_of_ours(place: Place) -> None:
    address, ticket = place.leave()
    back = place.provider.authorize(address)
    refused(place.come_back(f"{back}&error=access_denied", ticket), "has refused")
    refused(place.come_back(back.replace("code=", "cod="), ticket), "has refused")


NOW = 1_000
WRONG: dict[str, dict[str, Any]] = {
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "another issuer": {"iss": "https://evil.example"},
    "another client": {"aud": "another"},
    "several clients": {"aud": [CLIENT, "another"]},
    "an old token": {"iat": NOW, "exp": NOW + 300},
    "an expired token": {"exp": NOW},
    "a token from the future": {"iat": 9_999_999_999, "exp": 9_999_999_999},
    "no expiry": {"exp": None},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is a number": {"sub": 7},
}


@pytest.mark.parametrize("case", WRONG)
def test_an_id_token_is_refused_with(case: str, place: Place) -> None:
    place.provider.claims = WRONG[case]
    refused(place.sign_in(), "answer does not hold")


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "k2"},
        {"typ": "at+jwt"},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jku": "https://evil.example/keys"},
        {"crit": ["x"]},
    ],
)
def test_an_id_token_is_refused_whose_header_says(header: dict[str, Any], place: Place) -> None:
    place.provider.header = header
    refused(place.sign_in(), "answer does not hold")


def test_an_id_token_of_another_key_is_refused(place: Place) -> None:
    place.provider.signing_key = new_key()
    refused(place.sign_in(), "answer does not hold")


def test_whom_nobody_linked_is_nobody_whatever_their_address(place: Place) -> None:
    place.provider.subject = "paula-2"
    place.provider.claims = {"email": "paula@example.com", "preferred_username": "paula"}
    refused(place.sign_in(), "ask an administrator to link you")


def test_a_suspended_person_stays_out(place: Place) -> None:
    place.write(people.suspend_person, place.paula, by="service")
    try:
        refused(place.sign_in(), "account is stopped")
    finally:
        place.write(people.resume_person, place.paula, by="service")
    assert session_of(place.sign_in())


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_endpoints_on_another_host_are_not_used(name: str) -> None:
    with identity_provider() as served:
        given = (served.issuer, CLIENT, SECRET)
        provider = Provider(*given, organisation="acme", base_url="https://governance.example")
        assert provider.begin().address.startswith(f"{served.issuer}/authorize?")
        served.metadata = {name: "https://evil.example/x"}
        provider = Provider(*given, organisation="acme", base_url="https://governance.example")
        with pytest.raises(Unavailable):
            provider.begin()


def test_a_provider_that_fails_is_not_asked_by_every_visitor() -> None:
    """Each would wait for the one before, until nobody is served any more."""
    with identity_provider() as served, freeze_time(NOON) as moment:
        given = (served.issuer, CLIENT, SECRET)
        provider = Provider(*given, organisation="acme", base_url="https://governance.example")
        served.metadata = {"issuer": "https://evil.example"}
        for _ in range(2):
            with pytest.raises(Unavailable):
                provider.begin()
            served.metadata = {}
        moment.tick(30)
        assert provider.begin().address.startswith(f"{served.issuer}/authorize?")


def test_settings_of_a_provider_come_together_and_with_tls() -> None:
    given = {"oidc_client_id": "a", "oidc_client_secret": "b"}
    settings.load(oidc_issuer="https://login.example", **given)
    for wrong in (given, {"oidc_issuer": "https://login.example"}):
        with pytest.raises(ConfigurationError, match="set together"):
            settings.load(**wrong)
    with pytest.raises(ConfigurationError, match="https://"):
        settings.load(oidc_issuer="http://login.example", **given)
