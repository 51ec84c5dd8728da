"""Changing who holds which role: checked, judged, recorded, seen everywhere, or not done."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection

from governance.domain import Principal
from governance.evidence.record import Record
from governance.kernel.database import Database
from governance.kernel.epoch import current
from governance.kernel.errors import (
    ConfigurationError,
    Conflict,
    IntegrityError,
    InvalidRequest,
    NotFound,
)
from governance.ledger.ledger import Ledger, read_stream
from governance.policy import Policy, decide, judge, replay
from governance.policy.assignments import grant, revoke
from governance.policy.authorization import Assignment
from governance.policy.store import PolicyStore
from governance.policy.versions import document, keep
from tests.policy.samples import BASE

ADA, BOB = "usr_" + "a" * 32, "usr_" + "b" * 32
AGENT, SERVICE = "agt_" + "1" * 32, "svc_" + "2" * 32
Change = Callable[..., None]


@pytest.fixture
def change(database: Database, ledger: Ledger, policy: Policy) -> Change:
    """`change(grant, subject, role)` in a transaction of its own."""

    def run(what: Any, subject: str, role: str, domain: str = "org/acme", **other: Any) -> None:
        words = {"subject": subject, "role": role, "domain": domain, "by": "service", **other}
        database.write(lambda connection: what(connection, ledger, policy, **words))

    return run


def changes(database: Database, stream: str = "service.acme") -> list[Record]:
    with database.read() as session:
        return read_stream(session, stream)


def epoch(database: Database) -> int:
    with database.read() as session:
        return current(session.connection())


def may(store: PolicyStore, subject: str, question: str = "generation:create") -> bool:
    obj, act = question.split(":")
    facts = {"is_requester": False, "in_chain": False, "is_person": True}
    return store.current().authorize(subject, "org/acme", obj, act, facts).allowed


def test_a_granted_role_counts_and_a_revoked_one_does_not(
    database: Database, policy: Policy, change: Change
) -> None:
    store = PolicyStore(database, policy)
    assert not may(store, ADA)
    change(grant, ADA, "role:producer")
    assert may(store, ADA)
    change(revoke, ADA, "role:producer")
    assert not may(store, ADA)


def test_each_change_is_on_record_with_its_epoch(database: Database, change: Change) -> None:
    change(grant, ADA, "role:producer")
    change(revoke, ADA, "role:producer", by=BOB)
    bodies = [record.body for record in changes(database)]
    assert [(b["action"], b["by"], b["epoch"]) for b in bodies] == [
        ("granted", "service", 1),
        ("revoked", BOB, 2),
    ]
    assert bodies[0]["organisation"] == "acme"
    assert (bodies[0]["subject"], bodies[0]["role"]) == (ADA, "role:producer")


def test_another_process_sees_a_change_at_its_next_question(
    database: Database, database_url: str, policy: Policy, change: Change
) -> None:
    elsewhere = Database(database_url)
    try:
        store = PolicyStore(elsewhere, policy)
        assert not may(store, ADA)
        change(grant, ADA, "role:producer")
        assert may(store, ADA)
    finally:
        elsewhere.close()


def test_without_a_change_the_same_snapshot_serves_again(
    database: Database, policy: Policy, change: Change
) -> None:
    change(grant, ADA, "role:producer")
    store = PolicyStore(database, policy)
    assert store.current() is store.current()


def test_an_agent_stops_as_soon_as_its_accountable_person_loses_the_role(
    database: Database, policy: Policy, change: Change
) -> None:
    agent = Principal("agent", AGENT, "acme", ADA, "A", (ADA, AGENT))
    change(grant, AGENT, "role:agent")
    change(grant, ADA, "role:producer")
    store = PolicyStore(database, policy)

    def reason() -> str:
        return (
            store.current()
            .authorize_principal(agent, "org/acme/project/film", "generation", "create", {})
            .reason
        )

    assert reason() == "allowed"
    change(revoke, ADA, "role:producer")
    assert reason() == "accountable_person_not_allowed"


def test_words_that_are_wrong_change_nothing(database: Database, change: Change) -> None:
    wrong = [
        ("role:administrator", "role:agent", "org/acme", "subject_invalid"),
        ("ada", "role:agent", "org/acme", "subject_invalid"),
        (ADA, "administrator", "org/acme", "role_unknown"),
        (ADA, "role:emperor", "org/acme", "role_unknown"),
        (ADA, BOB, "org/acme", "role_unknown"),
        (ADA, "*", "org/acme", "role_unknown"),
        (ADA, "role:agent", "*", "domain_invalid"),
        (ADA, "role:agent", "acme", "domain_invalid"),
        (ADA, "role:agent", "org/acme/project/x, p", "domain_invalid"),
        (ADA, "role:agent", "org/acme\n", "domain_invalid"),
    ]
    for subject, role, domain, code in wrong:
        for what in (grant, revoke):
            with pytest.raises(InvalidRequest) as caught:
                change(what, subject, role, domain)
            assert caught.value.code == code
    assert (epoch(database), changes(database)) == (0, [])


def test_a_role_is_granted_once_and_revoked_once(change: Change) -> None:
    change(grant, ADA, "role:producer")
    with pytest.raises(Conflict, match="already"):
        change(grant, ADA, "role:producer")
    change(revoke, ADA, "role:producer")
    with pytest.raises(NotFound, match="does not hold"):
        change(revoke, ADA, "role:producer")


def test_an_organisation_keeps_its_last_administrator(database: Database, change: Change) -> None:
    change(grant, ADA, "role:administrator")
    change(grant, BOB, "role:administrator", "org/other")
    change(grant, BOB, "role:administrator", "org/acme/project/film")
    change(grant, SERVICE, "role:administrator")
    with pytest.raises(Conflict) as caught:
        change(revoke, ADA, "role:administrator")
    assert caught.value.code == "last_administrator"
    assert epoch(database) == 4

    change(grant, BOB, "role:administrator")
    change(revoke, ADA, "role:administrator")


def test_a_projects_administrator_may_go(change: Change) -> None:
    change(grant, ADA, "role:administrator", "org/acme/project/film")
    change(revoke, ADA, "role:administrator", "org/acme/project/film")


def test_of_two_processes_that_race_one_leaves_an_administrator(
    database: Database, database_url: str, ledger: Ledger, policy: Policy, change: Change
) -> None:
    change(grant, ADA, "role:administrator")
    change(grant, BOB, "role:administrator")
    both_wait = threading.Barrier(2)
    failures: list[str] = []

    def attempt(subject: str) -> None:
        process = Database(database_url)

        def run(connection: Connection) -> None:
            revoke(
                connection, ledger, policy,
                subject=subject, role="role:administrator", domain="org/acme", by="service",
            )  # fmt: skip

        both_wait.wait()
        try:
            process.write(run)
        except Conflict as error:
            failures.append(error.code)
        finally:
            process.close()

    threads = [threading.Thread(target=attempt, args=(subject,)) for subject in (ADA, BOB)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == ["last_administrator"]


def test_a_policy_on_which_casbin_disagrees_changes_nothing(
    database: Database, ledger: Ledger, policy: Policy
) -> None:
    lenient = replace(policy, model=policy.model.replace(" && !some(where (p.eft == deny))", ""))

    def attempt(connection: Connection) -> None:
        grant(
            connection, ledger, lenient,
            subject=ADA, role="role:reviewer", domain="org/acme", by="service",
        )  # fmt: skip

    with pytest.raises(ConfigurationError) as caught:
        database.write(attempt)
    assert caught.value.code == "policy_disagreement"
    assert not may(PolicyStore(database, policy), ADA, "review:decide")
    assert (epoch(database), changes(database)) == (0, [])


class TestAskingCasbin:
    """It is slow, so it is asked once about each kind of change, and about no name."""

    @pytest.fixture
    def asked(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[set[str]]]:
        """The subjects of the assignments that were put to Casbin each time."""
        subjects: list[set[str]] = []
        make = judge.make_enforcer

        def noted(model: str, permissions: Any, assignments: Sequence[Assignment]) -> Any:
            subjects.append({held.subject for held in assignments})
            return make(model, permissions, assignments)

        judge.rehearse_change.cache_clear()
        monkeypatch.setattr(judge, "make_enforcer", noted)
        yield subjects
        judge.rehearse_change.cache_clear()

    def test_whoever_is_given_the_same_role_the_answer_is_known(
        self, asked: list[set[str]], change: Change
    ) -> None:
        for subject in (ADA, BOB, AGENT, SERVICE):
            change(grant, subject, "role:producer")
        (subjects,) = asked
        assert subjects.isdisjoint({ADA, BOB, AGENT, SERVICE})

    def test_another_role_place_or_what_is_held_besides_is_another_question(
        self, asked: list[set[str]], change: Change
    ) -> None:
        change(grant, ADA, "role:producer")
        change(grant, BOB, "role:reviewer")
        change(grant, AGENT, "role:producer", "org/acme/project/film")
        change(grant, ADA, "role:reviewer")
        change(revoke, ADA, "role:reviewer")
        assert len(asked) == 5

    def test_a_disagreement_is_no_answer_and_is_found_each_time(
        self, database: Database, ledger: Ledger, policy: Policy
    ) -> None:
        lenient = replace(
            policy, model=policy.model.replace(" && !some(where (p.eft == deny))", "")
        )
        for subject in (ADA, BOB):

            def attempt(connection: Connection, subject: str = subject) -> None:
                grant(
                    connection, ledger, lenient,
                    subject=subject, role="role:reviewer", domain="org/acme", by="service",
                )  # fmt: skip

            with pytest.raises(ConfigurationError):
                database.write(attempt)
        assert (epoch(database), changes(database)) == (0, [])


def test_a_change_that_cannot_be_recorded_does_not_happen(
    database: Database, policy: Policy, change: Change
) -> None:
    with pytest.raises(IntegrityError):
        change(grant, ADA, "role:producer", by="somebody")
    assert not may(PolicyStore(database, policy), ADA)
    assert epoch(database) == 0


def test_a_policy_is_kept_and_recorded_when_first_seen(
    database: Database, ledger: Ledger, policy: Policy
) -> None:
    assert database.write(lambda c: keep(c, ledger, policy))
    assert not database.write(lambda c: keep(c, ledger, policy))
    (record,) = changes(database, "service")
    assert record.body["policy"] == policy.digest
    assert {"id": "house", "version": "2026.11.22"} in record.body["packs"]


def test_an_old_decision_is_replayed_from_the_kept_document(
    database: Database, ledger: Ledger, policy: Policy
) -> None:
    decision = decide(policy, BASE)
    database.write(lambda c: keep(c, ledger, policy))
    with database.read() as session:
        stored = document(session.connection(), decision.policy)
        assert replay(stored, decision.input) == decision
        with pytest.raises(NotFound, match="ever in force"):
            document(session.connection(), "0" * 64)
