"""Agents, services and people: how they come, change and go, and what the log says of it."""

import base64
import json
from datetime import timedelta

import pytest

from governance.identity import denials, people, services
from governance.kernel import clock
from governance.kernel.errors import Conflict, GovernanceError, InvalidRequest, NotFound
from tests.identity.conftest import House

NOBODY = "usr_" + "0" * 32


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
