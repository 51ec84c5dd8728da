"""Agents, services and people: how they come, change and go, and what the log says of it."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from nacl.signing import SigningKey
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from governance.evidence.signature_base import thumbprint
from governance.identity import agents, denials, people, services
from governance.identity.tables import Agent
from governance.kernel import clock
from governance.kernel.errors import Conflict, GovernanceError, InvalidRequest, NotFound
from tests.identity.conftest import House
from tests.identity.forging import AGENT, STRANGER

NOBODY = "usr_" + "0" * 32
WEAK_KEYS = [
    bytes(31),
    bytes(33),
    bytes(32),
    bytes([1]) + bytes(31),  # the neutral element
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),  # order 2
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),  # order 8
    b"\xff" * 32,  # not on the curve
]


def code_of(error: pytest.ExceptionInfo[GovernanceError]) -> str:
    return error.value.code


def service(house: House, **changed: object) -> services.NewService:
    given = {
        "organisation": "acme",
        "name": "Archive",
        "accountable": house.ada,
        "scopes": ["record:read", "export:create"],
        "expires_at": clock.now() + timedelta(days=30),
        "by": house.ada,
    }
    return house.write(services.register_service, **given | changed)


class TestAgents:
    def test_an_agent_is_found_by_its_key(self, house: House) -> None:
        agent_id = house.agent()
        with house.database.read() as session:
            agent = agents.agent_by_keyid(session, thumbprint(bytes(AGENT.verify_key)))
            with pytest.raises(NotFound):
                agents.agent_by_keyid(session, "unknown")
        assert agent_id.startswith("agt_")
        assert (agent.id, agent.accountable, agent.state) == (agent_id, house.ada, "active")

    def test_registration_is_on_record_with_the_key_but_without_the_name(
        self, house: House
    ) -> None:
        agent = house.agent()
        record = house.records()[-1]
        assert record.event == "agent.changed"
        assert record.body == {
            "action": "registered",
            "principal": agent,
            "kind": "agent",
            "organisation": "acme",
            "accountable": house.ada,
            "key": {
                "keyid": thumbprint(bytes(AGENT.verify_key)),
                "public_key": "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg",
            },
            "expires_at": None,
            "scopes": [],
            "by": house.ada,
        }
        assert b"Storyboard" not in record.line

    def test_keys_that_prove_nothing_are_refused(self, house: House) -> None:
        for weak in WEAK_KEYS:
            with pytest.raises(InvalidRequest) as error:
                house.agent(public_key=weak)
            assert code_of(error) == "agent_key_invalid"

    def test_the_key_must_be_proven_to_be_held(self, house: House) -> None:
        forgeries: list[dict[str, Any]] = [
            {"proof": bytes(64)},
            {"proof": b""},
            {"audience": "other.example"},
            {"public_key": bytes(STRANGER.verify_key)},
        ]
        for changed in forgeries:
            with pytest.raises(InvalidRequest) as error:
                house.agent(**changed)
            assert code_of(error) == "agent_proof_invalid"

    def test_a_key_belongs_to_one_agent_even_after_it_was_revoked(self, house: House) -> None:
        house.write(agents.revoke_agent, house.agent(), by=house.ada)
        with pytest.raises(Conflict) as error:
            house.agent()
        assert code_of(error) == "agent_key_registered"

    def test_somebody_active_of_the_same_organisation_must_answer_for_it(
        self, house: House
    ) -> None:
        bob = house.person("bob")
        house.write(people.suspend_person, bob.id, by=house.ada)
        strangers: list[dict[str, Any]] = [
            {"accountable": NOBODY},
            {"accountable": bob.id},
            {"organisation": "other"},
        ]
        for changed in strangers:
            with pytest.raises(InvalidRequest) as error:
                house.agent(**changed)
            assert code_of(error) == "accountable_invalid"

    def test_the_database_itself_insists_on_an_accountable_person(self, house: House) -> None:
        row = {
            "id": "agt_1",
            "organisation": "acme",
            "name": "",
            "keyid": "k",
            "public_key": b"k",
            "state": "active",
            "created_at": clock.now(),
        }
        for accountable in ({}, {"accountable": None}, {"accountable": NOBODY}):
            with pytest.raises(IntegrityError):
                house.database.write(
                    lambda c, a=accountable: c.execute(insert(Agent).values(**row, **a))  # type: ignore[misc]
                )

    def test_an_agent_can_be_suspended_resumed_and_revoked_for_good(self, house: House) -> None:
        agent = house.agent()
        house.write(agents.suspend_agent, agent, by=house.ada)
        house.write(agents.resume_agent, agent, by=house.ada)
        house.write(agents.revoke_agent, agent, by=house.ada)
        for change in (agents.suspend_agent, agents.resume_agent, agents.revoke_agent):
            with pytest.raises(Conflict) as error:
                house.write(change, agent, by=house.ada)
            assert code_of(error) == "principal_state"
        actions = [record.body["action"] for record in house.records()]
        assert actions == ["registered", "registered", "suspended", "resumed", "revoked"]

    def test_an_unknown_agent_cannot_be_changed(self, house: House) -> None:
        with pytest.raises(NotFound):
            house.write(agents.suspend_agent, "agt_none", by=house.ada)

    def test_agents_are_listed_by_organisation_in_pages(self, house: House) -> None:
        registered = [house.agent(key=SigningKey(bytes([n]) * 32)) for n in range(1, 4)]
        with house.database.read() as session:
            first = agents.list_agents(session, "acme", limit=2)
            second = agents.list_agents(session, "acme", after=first[-1].id, limit=2)
            assert agents.list_agents(session, "other") == []
        assert [agent.id for agent in [*first, *second]] == sorted(registered)


class TestServices:
    def test_the_key_is_shown_once_and_only_its_hash_is_kept(self, house: House) -> None:
        made = service(house)
        prefix, _, secret = made.key.rpartition(f"{made.id.removeprefix('svc_')}_")
        with house.database.read() as session:
            (row,) = services.list_services(session, "acme")
        assert (prefix, len(secret)) == ("gk_", 43)
        assert row.key_sha256 == services.key_digest(secret)
        assert secret.encode() not in house.records()[-1].line

    def test_registration_and_revocation_are_on_record_with_scopes_and_expiry(
        self, house: House
    ) -> None:
        expires = clock.now() + timedelta(days=1)
        made = service(house, expires_at=expires)
        house.write(services.revoke_service, made.id, by=house.ada)
        for record, action in zip(house.records()[-2:], ("registered", "revoked"), strict=True):
            assert record.body["action"] == action
            assert record.body["kind"] == "service"
            assert record.body["scopes"] == ["export:create", "record:read"]
            assert record.body["expires_at"] == clock.rfc3339(expires)
        with pytest.raises(Conflict):
            house.write(services.revoke_service, made.id, by=house.ada)

    def test_scopes_are_named_one_by_one(self, house: House) -> None:
        for scopes in ([], ["*:*"], ["record"], ["record:read write"]):
            with pytest.raises(InvalidRequest) as error:
                service(house, scopes=scopes)
            assert code_of(error) == "scopes_invalid"

    def test_a_key_must_expire_in_the_future(self, house: House) -> None:
        with pytest.raises(InvalidRequest) as error:
            service(house, expires_at=clock.now())
        assert code_of(error) == "expiry_invalid"

    def test_somebody_must_answer_for_a_service(self, house: House) -> None:
        with pytest.raises(InvalidRequest) as error:
            service(house, accountable=NOBODY)
        assert code_of(error) == "accountable_invalid"


class TestPeople:
    def test_there_is_only_one_first_administrator(self, house: House) -> None:
        with pytest.raises(Conflict) as error:
            house.write(
                people.first_administrator, organisation="other", username="eve", name="Eve"
            )
        assert code_of(error) == "already_set_up"

    def test_names_and_user_names_are_not_in_the_record_but_disclosed_apart(
        self, house: House
    ) -> None:
        made = house.person("wilhelmina")
        record = house.records()[-1]
        assert record.body["by"] == house.ada
        assert (record.body["principal"], record.body["accountable"]) == (made.id, made.id)
        assert len(record.sd) == 2
        statement = base64.b64decode(json.loads(record.line)["payload"])
        assert made.id.encode() in statement
        assert b"wilhelmina" not in statement.lower()

    def test_user_names_are_unique_in_the_service_whatever_the_case(self, house: House) -> None:
        with pytest.raises(Conflict) as error:
            house.person(" ADA ")
        assert code_of(error) == "username_taken"

    def test_user_names_are_plain(self, house: House) -> None:
        for username in ("", "a b", "ü", "-a", "a" * 101, "a\x00"):
            with pytest.raises(InvalidRequest) as error:
                house.person(username)
            assert code_of(error) == "username_invalid"

    def test_an_organisation_is_named_so_that_policy_can_name_it(self, house: House) -> None:
        with pytest.raises(InvalidRequest) as error:
            house.write(
                people.add_person, organisation="Acme/x", username="x", name="X", by=house.ada
            )
        assert code_of(error) == "organisation_invalid"

    def test_people_are_listed_and_suspended_and_come_back(self, house: House) -> None:
        bob = house.person("bob")
        house.write(people.suspend_person, bob.id, by=house.ada)
        with house.database.read() as session:
            states = {row.username: row.state for row in people.list_people(session, "acme")}
        assert states == {"ada": "active", "bob": "suspended"}
        house.write(people.resume_person, bob.id, by=house.ada)
        assert [record.body["action"] for record in house.records()[-2:]] == [
            "suspended",
            "resumed",
        ]

    def test_an_unknown_person_cannot_be_changed(self, house: House) -> None:
        for change in (people.suspend_person, people.reset_password):
            with pytest.raises(NotFound):
                house.write(change, NOBODY, by=house.ada)


def test_a_refusal_to_a_known_principal_is_on_record(house: House) -> None:
    house.write(
        denials.record_denial,
        principal=house.ada,
        kind="person",
        organisation="acme",
        project="spring",
        asked=("review", "decide"),
        code="own_request",
        rules=["separation_of_duties"],
    )
    record = house.records()[-1]
    assert record.event == "access.denied"
    assert record.body["rules"] == ["separation_of_duties"]
    assert (record.body["object"], record.body["action"]) == ("review", "decide")
