"""Who is asking: exactly one credential, checked against the registers of this moment."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from freezegun import freeze_time

from governance.domain.principal import Principal
from governance.identity import agents, people, services, sessions
from governance.identity.grants import as_grant
from governance.identity.request_signature import ReceivedRequest
from governance.kernel import clock
from governance.kernel.database import Database
from governance.kernel.errors import Denied, Unauthenticated
from governance.ledger.ledger import Ledger
from tests.documents import ANYTHING
from tests.identity.conftest import IDLE, House
from tests.identity.forging import JSON, STRANGER, Draft, received

UNTIL = "2026-12-31T00:00:00.000000Z"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is decided here does not depend on the database; the last test reads PostgreSQL too."""
    return sqlite_url


def bearing(authorization: str) -> ReceivedRequest:
    return received(Draft(), [JSON, ("Authorization", authorization)])


def with_cookie(cookie: str) -> ReceivedRequest:
    return received(Draft(), [JSON, ("Cookie", cookie)])


def in_session(token: str) -> ReceivedRequest:
    return with_cookie(f"theme=dark; __Host-session={token}; a=b")


def session_of(house: House, person: str) -> str:
    return house.database.write(lambda c: sessions.start(c, person, absolute=43_200.0))


def service(house: House, **changed: object) -> services.NewService:
    given = {
        "organisation": "acme",
        "name": "Archive",
        "accountable": house.ada,
        "scopes": ["record:read"],
        "expires_at": clock.now() + timedelta(days=30),
        "by": house.ada,
    }
    return house.write(services.register_service, **given | changed)


def refused(house: House, request: ReceivedRequest) -> str:
    with pytest.raises(Unauthenticated) as refusal:
        house.authenticate(request)
    return refusal.value.code


def denied(house: House, request: ReceivedRequest) -> Denied:
    with pytest.raises(Denied) as refusal:
        house.authenticate(request)
    return refusal.value


class TestAgents:
    def test_a_signature_identifies_its_agent_and_who_answers_for_it(self, house: House) -> None:
        agent = house.agent(ceiling={**ANYTHING, "until": UNTIL})
        caller = house.authenticate(Draft().sign())
        assert caller.principal == Principal(
            kind="agent",
            id=agent,
            organisation="acme",
            accountable=house.ada,
            assurance="A",
            chain=(house.ada, agent),
            name="Storyboard bot",
            document=caller.principal.document,
            grant=as_grant({**ANYTHING, "until": UNTIL}),
        )
        assert caller.signed is not None
        assert caller.scopes is None

    def test_an_unregistered_key_is_nobody(self, house: House) -> None:
        house.agent()
        assert refused(house, Draft(key=STRANGER).sign()) == "signature_key_unknown"

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (agents.suspend_agent, "principal_suspended"),
            (agents.revoke_agent, "principal_revoked"),
        ],
    )
    def test_suspension_and_revocation_hold_from_the_next_request_on(
        self, house: House, change: Callable[..., None], code: str
    ) -> None:
        agent = house.agent()
        house.authenticate(Draft().sign())
        house.write(change, agent, by=house.ada)
        refusal = denied(house, Draft().sign())
        assert refusal.code == code
        assert refusal.details == {"principal": agent, "kind": "agent", "organisation": "acme"}

    def test_a_resumed_agent_is_welcome_again(self, house: House) -> None:
        agent = house.agent()
        house.write(agents.suspend_agent, agent, by=house.ada)
        house.write(agents.resume_agent, agent, by=house.ada)
        assert house.authenticate(Draft().sign()).principal.id == agent

    def test_when_the_accountable_person_is_suspended_so_are_their_programs(
        self, house: House
    ) -> None:
        house.agent()
        key = service(house).key
        house.write(people.suspend_person, house.ada, by=house.ada)
        assert denied(house, Draft().sign()).code == "accountable_suspended"
        assert denied(house, bearing(f"Bearer {key}")).code == "accountable_suspended"

    def test_an_expired_document_is_refused(self, house: House) -> None:
        with freeze_time("2026-11-22T11:12:05Z") as moment:
            house.agent(days=1)
            house.authenticate(Draft().sign())
            moment.tick(timedelta(days=1))
            assert denied(house, Draft().sign()).code == "document_expired"

    def test_a_ceiling_that_has_ended_is_refused_though_the_document_goes_on(
        self, house: House
    ) -> None:
        with freeze_time("2026-11-22T11:12:05Z") as moment:
            house.agent(ceiling={**ANYTHING, "until": "2026-11-22T12:12:05.000000Z"})
            moment.tick(timedelta(minutes=59))
            house.authenticate(Draft().sign())
            moment.tick(timedelta(minutes=1))
            assert denied(house, Draft().sign()).code == "document_expired"

    def test_a_suspended_agent_learns_so_only_with_a_valid_signature(self, house: House) -> None:
        house.write(agents.suspend_agent, house.agent(), by=house.ada)
        assert refused(house, replace(Draft().sign(), path="/other")) == "signature_invalid"


class TestServices:
    def test_an_api_key_identifies_its_service_and_its_scopes(self, house: House) -> None:
        made = service(house)
        caller = house.authenticate(bearing(f"Bearer {made.key}"))
        assert caller.principal.id == made.id
        assert caller.principal.assurance == "C"
        assert caller.principal.chain == (house.ada, made.id)
        assert caller.scopes == frozenset({"record:read"})
        assert caller.signed is None

    def test_anything_but_the_whole_key_is_refused(self, house: House) -> None:
        key = service(house).key
        other = service(house).key
        for wrong in (
            f"Bearer {key[:-1]}",
            f"Bearer {key[:-1]}{'A' if key[-1] != 'A' else 'B'}",
            f"Bearer {key[:36]}{other[36:]}",
            f"Bearer gk_{'0' * 32}_{key[-43:]}",
            f"Bearer {key} ",
            f"Basic {key}",
            key,
            "Bearer",
            "Bearer ü",
        ):
            if wrong.strip() != f"Bearer {key}":
                assert refused(house, bearing(wrong)) == "api_key_invalid"

    def test_a_revoked_key_and_an_expired_one_are_refused(self, house: House) -> None:
        with freeze_time("2026-11-22T11:12:05Z") as moment:
            revoked = service(house)
            house.write(services.revoke_service, revoked.id, by=house.ada)
            assert denied(house, bearing(f"Bearer {revoked.key}")).code == "principal_revoked"
            expiring = service(house, expires_at=clock.now() + timedelta(hours=1))
            moment.tick(timedelta(hours=1))
            assert denied(house, bearing(f"Bearer {expiring.key}")).code == "credential_expired"


class TestPeople:
    def test_a_session_identifies_its_person(self, house: House) -> None:
        caller = house.authenticate(in_session(session_of(house, house.ada)))
        assert caller.principal == Principal(
            kind="person",
            id=house.ada,
            organisation="acme",
            accountable=house.ada,
            assurance="C",
            chain=(house.ada,),
            name="Ada Lovelace",
        )

    def test_a_token_that_never_was_is_refused(self, house: House) -> None:
        for token in ("", "A" * 43, "ü"):
            assert refused(house, in_session(token)) == "session_expired"

    def test_a_suspended_person_is_out_at_once(self, house: House) -> None:
        token = session_of(house, house.ada)
        house.write(people.suspend_person, house.ada, by=house.ada)
        assert refused(house, in_session(token)) == "session_expired"
        late = session_of(house, house.ada)
        assert denied(house, in_session(late)).code == "principal_suspended"

    def test_an_idle_session_ends_and_one_in_use_lives_on(self, house: House) -> None:
        with freeze_time("2026-11-22T11:12:05Z") as moment:
            token = session_of(house, house.ada)
            moment.tick(timedelta(seconds=IDLE - 1))
            assert house.authenticate(in_session(token)).touch
            house.database.write(lambda c: sessions.touch(c, token))
            assert not house.authenticate(in_session(token)).touch
            moment.tick(timedelta(seconds=IDLE - 1))
            house.authenticate(in_session(token))
            moment.tick(timedelta(seconds=1))
            assert refused(house, in_session(token)) == "session_expired"

    def test_every_session_ends_at_its_absolute_limit(self, house: House) -> None:
        with freeze_time("2026-11-22T11:12:05Z") as moment:
            token = house.database.write(lambda c: sessions.start(c, house.ada, absolute=600.0))
            moment.tick(timedelta(seconds=599))
            house.database.write(lambda c: sessions.touch(c, token))
            house.authenticate(in_session(token))
            moment.tick(timedelta(seconds=1))
            assert refused(house, in_session(token)) == "session_expired"

    def test_signing_out_ends_the_session(self, house: House) -> None:
        token = session_of(house, house.ada)
        house.database.write(lambda c: sessions.end(c, token))
        assert refused(house, in_session(token)) == "session_expired"


class TestCredentials:
    def test_a_request_without_any_is_refused(self, house: House) -> None:
        assert refused(house, received(Draft(), [JSON])) == "credentials_missing"
        assert refused(house, with_cookie("theme=dark")) == "credentials_missing"
        other_tag = Draft(parameters={"tag": '"web-bot-auth"'}).sign()
        assert refused(house, other_tag) == "credentials_missing"

    def test_more_than_one_is_refused_however_good_they_are(self, house: House) -> None:
        house.agent()
        bearer = ("Authorization", f"Bearer {service(house).key}")
        cookie = ("Cookie", f"__Host-session={session_of(house, house.ada)}")
        signed = Draft(headers=(JSON, bearer)).sign()
        for request in (
            signed,
            Draft(headers=(JSON, cookie)).sign(),
            received(Draft(), [bearer, cookie]),
            received(Draft(), [bearer, bearer]),
            received(Draft(), [cookie, cookie]),
            with_cookie(f"{cookie[1]}; {cookie[1]}"),
        ):
            assert refused(house, request) == "credentials_ambiguous"


def test_postgresql_gives_the_same_answers(postgres_url: str, ledger: Ledger) -> None:
    database = Database(postgres_url)
    house = House.open(database, ledger)
    agent, made = house.agent(), service(house)
    token = session_of(house, house.ada)
    requests = (Draft().sign(), bearing(f"Bearer {made.key}"), in_session(token))
    callers = [house.authenticate(request).principal.id for request in requests]
    assert callers == [agent, made.id, house.ada]
    house.database.write(lambda c: sessions.touch(c, token))
    house.write(people.suspend_person, house.ada, by=house.ada)
    assert denied(house, requests[0]).code == "accountable_suspended"
    assert denied(house, requests[1]).code == "accountable_suspended"
    assert refused(house, requests[2]) == "session_expired"
    database.close()
