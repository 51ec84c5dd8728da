"""The registry of agents: what a document brings into force, and what ends it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nacl.signing import SigningKey
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from governance.client.signer import RequestSigner
from governance.evidence import agent_document
from governance.evidence.signature_base import thumbprint
from governance.identity import agents, documents, lineage, people
from governance.identity.tables import Agent, AgentDocument, AgentKey
from governance.kernel import clock, epoch
from governance.kernel.errors import Conflict, Denied, GovernanceError, InvalidRequest, NotFound
from tests.documents import ANYTHING, signatures
from tests.identity.conftest import Body, House
from tests.identity.forging import AGENT, STRANGER, Draft

NOBODY = "usr_" + "0" * 32
OLD, NEW, CHILD = AGENT, STRANGER, SigningKey(bytes([9]) * 32)
MINUTE = timedelta(minutes=1)
NARROW = {**ANYTHING, "projects": ["launch"], "per_call": "5"}


@pytest.fixture
def moment() -> Iterator[Any]:
    with freeze_time("2026-11-22T11:12:05Z") as frozen:
        yield frozen


def code_of(run: Callable[[], object]) -> str:
    with pytest.raises(GovernanceError) as error:
        run()
    return error.value.code


def present(house: House, agent: str) -> Agent:
    with house.database.read() as session:
        return session.get_one(Agent, agent)


def next_document(
    house: House, agent: str, *keys: SigningKey, **changed: Any
) -> tuple[Body, dict[str, str]]:
    """The document after the one in force, which lists these keys."""
    digest = present(house, agent).document or ""
    with house.database.read() as session:
        before = documents.find(session.connection(), digest)
    signers = [RequestSigner(bytes(key)) for key in keys]
    document, _ = house.drafted(
        key=keys[0], id=before.body["id"], parent=before.parent, supersedes=digest, **changed
    )
    more = [house.drafted(key=key)[0]["keys"][0] for key in keys[1:]]
    end = document["lifecycle"]["expires"]
    document["keys"] += [{**key, "not_after": end} for key in more]
    return document, signatures(document, *signers)


def supersede(house: House, agent: str, *keys: SigningKey, **changed: Any) -> str:
    return house.supersede(agent, *next_document(house, agent, *keys, **changed))


def welcome(house: House, key: SigningKey = AGENT) -> bool:
    """Whether a request signed with this key is let in; False when it is refused."""
    try:
        house.authenticate(Draft(key=key).sign())
    except Denied:
        return False
    return True


def refusal(house: House, key: SigningKey = AGENT) -> str:
    return code_of(lambda: house.authenticate(Draft(key=key).sign()))


class TestRegistration:
    def test_an_agent_is_what_its_document_says(self, house: House) -> None:
        document, signed = house.drafted()
        agent = house.register(document, signed)
        row = present(house, agent)
        assert agent == agent_document.principal_id("acme", document["id"])
        assert (row.accountable, row.state, row.parent) == (house.ada, "active", None)
        with house.database.read() as session:
            kept = documents.find(session.connection(), row.document or "")
        assert kept.body == document

    def test_it_is_on_record_with_its_document_but_without_its_name(self, house: House) -> None:
        agent = house.agent()
        record = house.records()[-1]
        assert record.event == "agent.changed"
        expires = record.body.pop("expires_at")
        assert clock.parse(expires) - clock.now() < timedelta(days=90)
        assert record.body == {
            "action": "registered",
            "principal": agent,
            "kind": "agent",
            "organisation": "acme",
            "accountable": house.ada,
            "key": None,
            "scopes": [],
            "by": house.ada,
            "document": present(house, agent).document,
        }
        assert b"Storyboard" not in record.line

    def test_the_registrar_signs_with_the_key_of_records(self, house: House) -> None:
        digest = present(house, house.agent()).document or ""
        with house.database.read() as session:
            (line,) = documents.envelopes(session.connection(), [digest]).values()
        opened = agent_document.open_line(line, "It")
        opened.verify_registrar(house.ledger.keyring.record.public, "it")

    @pytest.mark.parametrize(
        ("changed", "code"),
        [
            ({"service": "https://other.example"}, "document_audience"),
            ({"organisation": "other"}, "document_organisation"),
            ({"accountable": NOBODY}, "accountable_invalid"),
            ({"supersedes": "0" * 64}, "document_supersedes"),
            ({"parent": "agt_" + "0" * 32}, "parent_invalid"),
            ({"days": 91}, "document_lifetime"),
            ({"owners": []}, "document_invalid"),
        ],
        ids=str,
    )
    def test_a_document_that_does_not_fit_is_refused(
        self, house: House, changed: Body, code: str
    ) -> None:
        document, signed = house.drafted(**changed)
        with pytest.raises(InvalidRequest) as error:
            house.register(document, signed)
        assert error.value.code == code
        assert error.value.param in ("document", "accountable")

    def test_a_value_without_a_canonical_form_is_refused(self, house: House) -> None:
        document, signed = house.drafted()
        for value in (2**70, "\ud800", {1: 2}, object()):
            broken = {**document, "display_name": value}
            assert code_of(lambda b=broken: house.register(b, signed)) == "document_invalid"  # type: ignore[misc]

    def test_a_signature_is_written_plainly(self, house: House) -> None:
        document, signed = house.drafted()
        for wrong in ("", "?", signed[thumbprint(bytes(AGENT.verify_key))][:-2]):
            given = dict.fromkeys(signed, wrong)
            with pytest.raises(InvalidRequest):
                house.register(document, given)

    def test_it_is_in_force_when_it_is_registered(
        self, house: House, moment: FrozenDateTimeFactory
    ) -> None:
        document, signed = house.drafted(days=1)
        moment.tick(timedelta(days=1))
        assert code_of(lambda: house.register(document, signed)) == "document_not_in_force"
        moment.tick(-timedelta(days=1) - documents.MAX_SKEW - MINUTE)
        assert code_of(lambda: house.register(document, signed)) == "document_not_in_force"
        moment.tick(MINUTE)
        house.register(document, signed)

    def test_an_agent_is_registered_once_and_a_key_given_once(self, house: House) -> None:
        document, signed = house.drafted()
        agent = house.register(document, signed)
        assert code_of(lambda: house.register(document, signed)) == "agent_registered"
        house.write(agents.revoke_agent, agent, by=house.ada)
        assert code_of(lambda: house.agent(id="urn:other")) == "agent_key_registered"

    def test_somebody_active_of_the_same_organisation_must_answer_for_it(
        self, house: House
    ) -> None:
        bob = house.person("bob")
        house.write(people.suspend_person, bob.id, by=house.ada)
        assert code_of(lambda: house.agent(accountable=bob.id)) == "accountable_invalid"

    def test_the_database_itself_insists_on_an_accountable_person(self, house: House) -> None:
        row = {
            "id": "agt_1",
            "organisation": "acme",
            "name": "",
            "state": "active",
            "created_at": clock.now(),
        }
        for accountable in ({}, {"accountable": None}, {"accountable": NOBODY}):
            with pytest.raises(IntegrityError):
                house.database.write(
                    lambda c, a=accountable: c.execute(insert(Agent).values(**row, **a))  # type: ignore[misc]
                )

    def test_agents_are_listed_by_organisation_in_pages(self, house: House) -> None:
        registered = [house.agent(key=SigningKey(bytes([n]) * 32)) for n in range(1, 4)]
        with house.database.read() as session:
            first = agents.list_agents(session, "acme", limit=2)
            second = agents.list_agents(session, "acme", after=first[-1].id, limit=2)
            assert agents.list_agents(session, "other") == []
        assert [agent.id for agent in [*first, *second]] == sorted(registered)


class TestStates:
    def test_an_agent_can_be_suspended_resumed_and_revoked_for_good(self, house: House) -> None:
        agent = house.agent()
        house.write(agents.suspend_agent, agent, by=house.ada)
        house.write(agents.resume_agent, agent, by=house.ada)
        house.write(agents.revoke_agent, agent, by=house.ada)
        for change in (agents.suspend_agent, agents.resume_agent, agents.revoke_agent):
            with pytest.raises(Conflict) as error:
                house.write(change, agent, by=house.ada)
            assert error.value.code == "principal_state"
        own = [record.body for record in house.records() if record.body["principal"] == agent]
        assert [body["action"] for body in own] == ["registered", "suspended", "resumed", "revoked"]
        assert {body["document"] for body in own} == {present(house, agent).document}

    def test_an_unknown_agent_cannot_be_changed(self, house: House) -> None:
        with pytest.raises(NotFound):
            house.write(agents.suspend_agent, "agt_none", by=house.ada)
        document, signed = house.drafted()
        assert code_of(lambda: house.supersede("agt_none", document, signed)) == "principal_unknown"

    def test_every_change_begins_a_new_epoch(self, house: House) -> None:
        def now() -> int:
            with house.database.read() as session:
                return epoch.current(session.connection())

        agent = house.agent()
        for change in (
            lambda: supersede(house, agent, OLD, NEW),
            lambda: house.write(agents.suspend_agent, agent, by=house.ada),
            lambda: house.write(agents.resume_agent, agent, by=house.ada),
            lambda: house.write(
                agents.revoke_key, agent, thumbprint(bytes(NEW.verify_key)), by=house.ada
            ),
            lambda: house.write(agents.revoke_agent, agent, by=house.ada),
            lambda: house.agent(key=CHILD),
        ):
            before = now()
            change()
            assert now() > before


class TestSupersession:
    def test_the_next_document_is_in_force_at_once(self, house: House) -> None:
        agent = house.agent()
        first = present(house, agent).document
        bob = house.person("bob").id
        digest = supersede(house, agent, OLD, ceiling=NARROW, accountable=bob, name="Renamed")
        row = present(house, agent)
        assert (row.document, row.accountable, row.name) == (digest, bob, "Renamed")
        caller = house.authenticate(Draft().sign()).principal
        assert caller.document == digest
        assert caller.grant is not None and caller.grant.projects == ("launch",)
        with house.database.read() as session:
            assert set(documents.of_agent(session.connection(), agent)) == {first, digest}
        record = house.records()[-1]
        assert (record.body["action"], record.body["document"]) == ("superseded", digest)

    def test_two_keys_overlap_and_the_old_one_ends_within_a_day(
        self, house: House, moment: FrozenDateTimeFactory
    ) -> None:
        agent = house.agent()
        supersede(house, agent, OLD, NEW)
        assert welcome(house, OLD) and welcome(house, NEW)
        supersede(house, agent, NEW)
        moment.tick(agents.OVERLAP - MINUTE)
        assert welcome(house, OLD) and welcome(house, NEW)
        moment.tick(MINUTE)
        assert refusal(house, OLD) == "credential_expired"
        assert welcome(house, NEW)

    def test_no_key_outlives_the_document_that_listed_it(
        self, house: House, moment: FrozenDateTimeFactory
    ) -> None:
        agent = house.agent(days=1)
        moment.tick(timedelta(days=1) - MINUTE)
        supersede(house, agent, NEW)
        assert welcome(house, OLD)
        moment.tick(MINUTE)
        assert refusal(house, OLD) == "credential_expired"

    def test_a_document_that_does_not_follow_is_refused(self, house: House) -> None:
        agent = house.agent()
        stale, signed = next_document(house, agent, OLD)
        supersede(house, agent, OLD, NEW)
        assert code_of(lambda: house.supersede(agent, stale, signed)) == "document_stale"
        other = house.agent(key=CHILD)
        document, signed = next_document(house, other, OLD)
        document["lifecycle"]["supersedes"] = present(house, agent).document
        signed = signatures(document, RequestSigner(bytes(OLD)))
        assert code_of(lambda: house.supersede(agent, document, signed)) == "document_other_agent"

    def test_another_agents_key_is_not_taken(self, house: House) -> None:
        agent = house.agent()
        house.agent(key=NEW)
        assert code_of(lambda: supersede(house, agent, OLD, NEW)) == "agent_key_registered"
        assert len(present(house, agent).document or "") == 64
        assert welcome(house, OLD) and welcome(house, NEW)

    def test_a_revoked_key_does_not_come_back(self, house: House) -> None:
        agent = house.agent()
        supersede(house, agent, OLD, NEW)
        house.write(agents.revoke_key, agent, thumbprint(bytes(OLD.verify_key)), by=house.ada)
        assert refusal(house, OLD) == "key_revoked"
        assert welcome(house, NEW)
        record = house.records()[-1]
        assert record.body["action"] == "key_revoked"
        assert record.body["key"]["keyid"] == thumbprint(bytes(OLD.verify_key))
        assert code_of(lambda: supersede(house, agent, OLD, NEW)) == "agent_key_registered"

    def test_only_a_key_of_the_agent_can_be_revoked_and_once(self, house: House) -> None:
        agent, other = house.agent(), house.agent(key=NEW)
        keyid = thumbprint(bytes(OLD.verify_key))
        revoke = agents.revoke_key
        assert code_of(lambda: house.write(revoke, other, keyid, by=house.ada)) == (
            "agent_key_unknown"
        )
        house.write(revoke, agent, keyid, by=house.ada)
        assert code_of(lambda: house.write(revoke, agent, keyid, by=house.ada)) == (
            "agent_key_revoked"
        )

    def test_a_revoked_agent_gets_no_next_document(self, house: House) -> None:
        agent = house.agent()
        document, signed = next_document(house, agent, OLD)
        house.write(agents.revoke_agent, agent, by=house.ada)
        assert code_of(lambda: house.supersede(agent, document, signed)) == "principal_state"


class TestRequests:
    def test_an_agent_from_before_documents_is_told_to_register_again(self, house: House) -> None:
        agent = house.agent()
        forget = update(Agent).where(col(Agent.id) == agent).values(document=None)
        house.database.write(lambda c: c.execute(forget))
        assert refusal(house) == "document_missing"

    def test_a_key_is_refused_before_its_time(self, house: House) -> None:
        house.agent()
        late = clock.now() + timedelta(days=1)
        house.database.write(lambda c: c.execute(update(AgentKey).values(not_before=late)))
        assert refusal(house) == "credential_expired"

    def test_reading_the_ceiling_again_asks_nothing(self, house: House) -> None:
        house.agent()
        first = house.authenticate(Draft().sign()).principal.grant
        assert house.authenticate(Draft().sign()).principal.grant is first

    def test_a_document_that_was_altered_in_the_database_is_not_believed(
        self, house: House
    ) -> None:
        digests = [present(house, house.agent(key=key)).document or "" for key in (OLD, NEW)]
        with house.database.read() as session:
            lines = documents.envelopes(session.connection(), digests)
        for other in (lines[digests[1]], lines[digests[0]].replace(b"A", b"B", 1)):
            row = update(AgentDocument).where(col(AgentDocument.digest) == digests[0])
            house.database.write(lambda c, o=other, r=row: c.execute(r.values(envelope=o)))  # type: ignore[misc]
            assert refusal(house) == "document_altered"


class TestLineage:
    def family(self, house: House, **changed: Any) -> tuple[str, str]:
        parent = house.agent(lineage={"parent": None, "ephemeral": False, "max_depth": 2})
        return parent, house.agent(key=CHILD, parent=parent, **changed)

    @pytest.mark.parametrize("stop", [agents.suspend_agent, agents.revoke_agent])
    def test_when_the_parent_stops_so_does_the_child_at_its_next_request(
        self, house: House, stop: Callable[..., None]
    ) -> None:
        parent, child = self.family(house)
        assert welcome(house, CHILD)
        house.write(stop, parent, by=house.ada)
        assert refusal(house, CHILD) == "ancestor_stopped"
        with house.database.read() as session:
            for asked in ([child], [parent], [child, parent]):
                stopped = lineage.first_stopped(session.connection(), asked)
                assert stopped == parent
            assert lineage.first_stopped(session.connection(), []) is None

    def test_and_when_it_expires_until_it_is_renewed(
        self, house: House, moment: FrozenDateTimeFactory
    ) -> None:
        parent = house.agent(days=1)
        child = house.agent(key=CHILD, parent=parent)
        moment.tick(timedelta(days=1) - MINUTE)
        document, signed = next_document(house, parent, OLD)
        moment.tick(MINUTE)
        assert refusal(house, CHILD) == "ancestor_stopped"
        house.supersede(parent, document, signed)
        assert welcome(house, CHILD)
        with house.database.read() as session:
            assert lineage.first_stopped(session.connection(), [child]) is None

    def test_and_when_the_person_behind_it_is_suspended(self, house: House) -> None:
        bob = house.person("bob").id
        parent = house.agent(accountable=bob)
        house.agent(key=CHILD, parent=parent)
        house.write(people.suspend_person, bob, by=house.ada)
        assert refusal(house, CHILD) == "ancestor_stopped"

    def test_a_grandchild_falls_with_the_first(self, house: House) -> None:
        def of_depth(depth: int, parent: str | None) -> Body:
            return {"parent": parent, "ephemeral": False, "max_depth": depth}

        first = house.agent(lineage=of_depth(2, None))
        second = house.agent(key=NEW, lineage=of_depth(1, first))
        house.agent(key=CHILD, lineage=of_depth(0, second))
        assert welcome(house, CHILD)
        house.write(agents.suspend_agent, first, by=house.ada)
        assert refusal(house, CHILD) == "ancestor_stopped"
        house.write(agents.resume_agent, first, by=house.ada)
        assert welcome(house, CHILD)

    def test_no_child_comes_of_a_stopped_parent_or_of_another_organisation(
        self, house: House
    ) -> None:
        parent = house.agent()
        house.write(agents.suspend_agent, parent, by=house.ada)
        assert code_of(lambda: house.agent(key=CHILD, parent=parent)) == "parent_invalid"

    def test_a_child_that_may_more_is_refused(self, house: House) -> None:
        parent = house.agent(ceiling=NARROW)
        assert code_of(lambda: house.agent(key=CHILD, parent=parent)) == "grant_widened"
        deep = {"parent": parent, "ephemeral": False, "max_depth": 1}
        given: Body = {"key": CHILD, "ceiling": NARROW, "lineage": deep}
        assert code_of(lambda: house.agent(**given)) == "lineage_too_deep"

    def test_narrowing_a_parent_below_its_children_is_refused(self, house: House) -> None:
        parent = house.agent()
        child = house.agent(key=CHILD, parent=parent)
        assert code_of(lambda: supersede(house, parent, OLD, ceiling=NARROW)) == "children_wider"
        supersede(house, child, CHILD, ceiling=NARROW)
        supersede(house, parent, OLD, ceiling=NARROW)
        house.write(agents.revoke_agent, child, by=house.ada)
        tiny = {**NARROW, "per_call": "0"}
        supersede(house, parent, OLD, ceiling=tiny)

    @settings(
        max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 3)), max_size=6))
    def test_no_child_is_ever_wider_than_its_parent(
        self, house: House, steps: list[tuple[bool, int, int]]
    ) -> None:
        """Whatever is registered and superseded, in whichever order."""
        key, child_key = (SigningKey(thirty_two(house, n)) for n in (0, 1))

        def ceiling(cost: int, project: int) -> Body:
            projects = ["*"] if project == 3 else [f"p{n}" for n in range(project + 1)]
            return {**ANYTHING, "per_call": str(cost), "projects": projects}

        parent = house.agent(key=key, ceiling=ceiling(2, 2))
        child = house.agent(key=child_key, parent=parent, ceiling=ceiling(1, 1))
        for is_child, cost, project in steps:
            agent, own = (child, child_key) if is_child else (parent, key)
            try:
                supersede(house, agent, own, ceiling=ceiling(cost, project))
            except (Conflict, InvalidRequest) as refused:
                assert refused.code in ("children_wider", "grant_widened")
            with house.database.read() as session:
                below, above = (
                    documents.find(session.connection(), str(present(house, one).document))
                    for one in (child, parent)
                )
            agent_document.require_child(below, above, "It")


def thirty_two(house: House, place: int) -> bytes:
    """A key that no agent has yet."""
    with house.database.read() as session:
        count = len(session.exec(select(AgentKey.keyid)).all())
    return (1000 + 2 * count + place).to_bytes(32, "big")
