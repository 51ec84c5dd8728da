"""Agents that another platform vouches for, and people who sign in elsewhere."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from freezegun import freeze_time

from governance.domain.principal import Principal
from governance.identity import agents, external, people
from governance.identity.replay import Once, spend_proof
from governance.identity.tokens import VerifiedToken
from governance.kernel import clock
from governance.kernel.errors import (
    Conflict,
    Denied,
    GovernanceError,
    InvalidRequest,
    NotFound,
    Unauthenticated,
)
from tests.documents import drafted
from tests.identity.conftest import Body, House
from tests.identity.forging import AUTHORITY, JSON, Draft, received
from tests.identity.platform_issuer import ISSUER, SUBJECT

BINDING = {"issuer": ISSUER, "subject": SUBJECT}
BEARER = VerifiedToken(ISSUER, "acme", SUBJECT)


def document(house: House, **changed: Any) -> Body:
    """Of an agent without keys of its own, which the platform vouches for."""
    given = {
        "service": f"https://{AUTHORITY}",
        "organisation": "acme",
        "accountable": house.ada,
        "id": "https://studio.example/agents/7",
        "binding": BINDING,
    }
    return drafted(**given | changed)


def enlist(house: House, **changed: Any) -> str:
    return house.register(document(house, **changed), {})


def ask(house: House, token: VerifiedToken = BEARER) -> Principal:
    request = received(Draft(), [JSON, ("Authorization", "Bearer a.b.c")])
    return house.authenticate(request, token).principal


def refused(run: Callable[[], object], kind: type[GovernanceError] = Unauthenticated) -> str:
    with pytest.raises(kind) as refusal:
        run()
    return refusal.value.code


class TestAgents:
    def test_a_token_acts_for_the_agent_whose_document_is_bound_to_its_subject(
        self, house: House
    ) -> None:
        agent = enlist(house)
        caller = ask(house)
        assert (caller.id, caller.kind, caller.assurance) == (agent, "agent", "C")
        assert caller.chain == (house.ada, agent)
        assert caller.document is not None
        assert caller.grant is not None

    def test_a_token_that_is_bound_to_a_key_counts_for_more(self, house: House) -> None:
        enlist(house)
        once = Once("k" * 43, "dpop x", clock.now() + timedelta(seconds=30))
        assert ask(house, VerifiedToken(ISSUER, "acme", SUBJECT, once)).assurance == "B"

    @pytest.mark.parametrize(
        "token",
        [
            VerifiedToken(ISSUER, "acme", "agent-8"),
            VerifiedToken("https://evil.example", "acme", SUBJECT),
            VerifiedToken(ISSUER, "elsewhere", SUBJECT),
        ],
    )
    def test_whoever_is_bound_to_no_document_is_nobody(
        self, house: House, token: VerifiedToken
    ) -> None:
        enlist(house)
        assert refused(lambda: ask(house, token)) == "token_subject_unknown"

    def test_without_keys_a_document_needs_a_binding(self, house: House) -> None:
        bare = document(house)
        del bare["binding"]
        assert refused(lambda: house.register(bare, {}), InvalidRequest) == "document_invalid"

    def test_a_subject_belongs_to_one_agent(self, house: House) -> None:
        first = enlist(house)
        other = {"id": "https://studio.example/agents/8"}
        code = refused(lambda: enlist(house, **other), Conflict)
        assert code == "external_identity_taken"
        assert ask(house).id == first

    def test_a_revoked_agents_subject_may_be_given_to_another(self, house: House) -> None:
        first = enlist(house)
        house.write(agents.revoke_agent, first, by=house.ada)
        assert refused(lambda: ask(house), Denied) == "principal_revoked"
        second = enlist(house, id="https://studio.example/agents/8")
        assert ask(house).id == second

    def test_the_next_document_may_move_the_binding(self, house: House) -> None:
        agent = enlist(house)
        with house.database.read() as session:
            present = agents.agent_of(session, agent, "acme").document
        moved = {"issuer": ISSUER, "subject": "agent-9"}
        house.supersede(agent, document(house, supersedes=present, binding=moved), {})
        assert refused(lambda: ask(house)) == "token_subject_unknown"
        assert ask(house, VerifiedToken(ISSUER, "acme", "agent-9")).id == agent

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (agents.suspend_agent, "principal_suspended"),
            (agents.revoke_agent, "principal_revoked"),
        ],
    )
    def test_what_its_issuer_says_does_not_help_a_stopped_agent(
        self, house: House, change: Callable[..., None], code: str
    ) -> None:
        agent = enlist(house)
        ask(house)
        house.write(change, agent, by=house.ada)
        assert refused(lambda: ask(house), Denied) == code

    def test_it_stops_with_its_person_and_with_its_document(self, house: House) -> None:
        with freeze_time("2026-11-22T11:12:05Z") as moment:
            enlist(house)
            moment.tick(timedelta(days=91))
            assert refused(lambda: ask(house), Denied) == "document_expired"
        house.write(people.suspend_person, house.ada, by=house.ada)
        assert refused(lambda: ask(house), Denied) == "accountable_suspended"

    def test_a_token_and_another_credential_are_one_too_many(self, house: House) -> None:
        enlist(house)
        signed = Draft(headers=(JSON, ("Authorization", "Bearer a.b.c"))).sign()
        assert refused(lambda: house.authenticate(signed, BEARER)) == "credentials_ambiguous"


class TestProofs:
    def test_a_proof_is_accepted_once(self, house: House) -> None:
        once = Once("k" * 43, "dpop x", clock.now() + timedelta(seconds=30))
        house.database.write(lambda c: spend_proof(c, once))
        code = refused(lambda: house.database.write(lambda c: spend_proof(c, once)))
        assert code == "dpop_replayed"

    def test_a_proof_that_waited_too_long_is_refused(self, house: House) -> None:
        late = Once("k" * 43, "dpop x", clock.now())
        code = refused(lambda: house.database.write(lambda c: spend_proof(c, late)))
        assert code == "dpop_expired"


class TestPeople:
    def link(self, house: House, person: str, subject: str = "ben-1") -> None:
        house.write(external.link_person, person, issuer=ISSUER, subject=subject, by=house.ada)

    def found(self, house: House, organisation: str = "acme") -> str | None:
        with house.database.read() as session:
            return external.person_of(session.connection(), organisation, ISSUER, "ben-1")

    def test_a_linked_person_is_found_and_the_link_is_on_record(self, house: House) -> None:
        ben = house.person("ben").id
        self.link(house, ben)
        assert self.found(house) == ben
        assert self.found(house, "elsewhere") is None
        record = house.records()[-1]
        assert (record.body["action"], record.body["principal"]) == ("linked", ben)
        assert ISSUER not in str(record.body)

    def test_an_unlinked_person_is_not(self, house: House) -> None:
        ben = house.person("ben").id
        self.link(house, ben)
        house.write(external.unlink_person, ben, issuer=ISSUER, subject="ben-1", by=house.ada)
        assert self.found(house) is None
        assert house.records()[-1].body["action"] == "unlinked"

    def test_a_subject_is_one_person(self, house: House) -> None:
        ben, eve = house.person("ben").id, house.person("eve").id
        self.link(house, ben)
        assert refused(lambda: self.link(house, eve), Conflict) == "external_identity_taken"
        code = refused(
            lambda: house.write(
                external.unlink_person, eve, issuer=ISSUER, subject="ben-1", by=house.ada
            ),
            NotFound,
        )
        assert code == "external_identity_unknown"
        assert self.found(house) == ben

    def test_an_agents_subject_is_no_persons(self, house: House) -> None:
        enlist(house)
        code = refused(lambda: self.link(house, house.ada, SUBJECT), Conflict)
        assert code == "external_identity_taken"

    @pytest.mark.parametrize("subject", ["", "x" * 257, "bén", "a\nb"])
    def test_a_subject_that_no_issuer_writes_is_refused(self, house: House, subject: str) -> None:
        code = refused(lambda: self.link(house, house.ada, subject), InvalidRequest)
        assert code == "external_identity_invalid"
