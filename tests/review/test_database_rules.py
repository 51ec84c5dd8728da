"""What the database refuses by itself, whoever writes to it and however."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, insert, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from governance.kernel.database import Database
from governance.migrations import triggers
from governance.review.tables import Decision, Party
from tests.review.conftest import ALICE, NOW, REQUESTER, Desk


def decision(generation: str, person: str) -> dict[str, object]:
    return {
        "generation": generation,
        "stage": "review",
        "person": person,
        "decision": "approve",
        "reason": "fit_for_release",
        "decided_at": NOW,
    }


def insert_decision(desk: Desk, person: str, **changes: object) -> None:
    row = {**decision(desk.generation, person), **changes}
    desk.write(lambda c: c.execute(insert(Decision).values(row)))


def test_a_decision_by_somebody_involved_is_refused(desk: Desk) -> None:
    with pytest.raises(IntegrityError, match="separation_of_duties"):
        insert_decision(desk, REQUESTER)


def test_an_approval_of_spend_by_somebody_involved_is_refused(desk: Desk) -> None:
    with pytest.raises(IntegrityError, match="separation_of_duties"):
        insert_decision(desk, REQUESTER, stage="approval")


def test_somebody_involved_in_another_generation_may_decide_on_this_one(desk: Desk) -> None:
    insert_decision(desk, REQUESTER, generation="gen_other")


def test_whoever_has_decided_cannot_be_written_down_as_involved(desk: Desk) -> None:
    insert_decision(desk, ALICE)
    with pytest.raises(IntegrityError, match="separation_of_duties"):
        desk.write(
            lambda c: c.execute(insert(Party).values(generation=desk.generation, principal=ALICE))
        )


def test_the_same_person_decides_once_per_stage(desk: Desk) -> None:
    insert_decision(desk, ALICE)
    insert_decision(desk, ALICE, stage="approval")
    with pytest.raises(IntegrityError):
        insert_decision(desk, ALICE, decision="reject")


@pytest.mark.parametrize("program", ["agt_" + "3" * 32, "svc_" + "3" * 32, "usrx" + "3" * 32, ""])
def test_only_people_decide(desk: Desk, program: str) -> None:
    with pytest.raises(IntegrityError, match="ck_decision_person"):
        insert_decision(desk, program)


@pytest.mark.parametrize(
    ("stage", "decided"), [("review", "refuse"), ("approval", "return"), ("other", "approve")]
)
def test_only_decisions_of_the_vocabulary_are_stored(desk: Desk, stage: str, decided: str) -> None:
    with pytest.raises(IntegrityError, match="ck_decision_decision"):
        insert_decision(desk, ALICE, stage=stage, decision=decided)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE decision SET decision = 'reject'",
        "DELETE FROM decision",
        "UPDATE party SET principal = 'usr_somebody_else'",
        "DELETE FROM party",
    ],
)
def test_what_was_decided_and_who_was_involved_stays(desk: Desk, statement: str) -> None:
    insert_decision(desk, ALICE)
    with pytest.raises(DBAPIError, match="append-only"):
        desk.write(lambda c: c.execute(text(statement)))


@pytest.mark.parametrize("table", ["decision", "party"])
def test_postgresql_refuses_to_empty_the_tables(postgres_url: str, table: str) -> None:
    engine = create_engine(postgres_url)
    with engine.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(text(f"TRUNCATE {table}"))
    engine.dispose()


def test_sqlite_refuses_to_replace_a_decision(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    statement = text(
        "INSERT OR REPLACE INTO decision (generation, stage, person, decision, reason, decided_at)"
        f" VALUES ('gen_1', 'review', '{ALICE}', :decision, 'fit_for_release', '{NOW}')"
    )
    database.write(lambda c: c.execute(statement, {"decision": "approve"}))
    with pytest.raises(IntegrityError, match="append-only"):
        database.write(lambda c: c.execute(statement, {"decision": "reject"}))
    database.close()


def test_two_processes_cannot_write_one_half_each_at_the_same_time(postgres_url: str) -> None:
    engine = create_engine(postgres_url)

    def decide() -> None:
        with engine.begin() as other:
            other.execute(insert(Decision).values(decision("gen_1", ALICE)))

    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as first:
            first.execute(insert(Party).values(generation="gen_1", principal=ALICE))
            second = pool.submit(decide)
            assert not wait([second], timeout=0.3).done, "it waits for the first to commit"
        with pytest.raises(IntegrityError, match="separation_of_duties"):
            second.result(timeout=10)
    engine.dispose()


def test_a_database_that_is_neither_of_the_two_has_no_rules_and_so_no_service() -> None:
    with pytest.raises(KeyError):
        triggers.statements("mysql")


def test_a_review_that_nobody_has_to_approve_cannot_be_stored(desk: Desk) -> None:
    with pytest.raises(IntegrityError, match="ck_review_count"):
        desk.write(lambda c: c.execute(text("UPDATE review SET count = 0")))


def test_a_claim_has_both_a_person_and_an_end(desk: Desk) -> None:
    with pytest.raises(IntegrityError, match="ck_review_claim"):
        desk.write(
            lambda c: c.execute(text("UPDATE review SET claimed_by = :person"), {"person": ALICE})
        )
    with pytest.raises(IntegrityError, match="ck_review_claimed_by"):
        desk.write(
            lambda c: c.execute(
                text("UPDATE review SET claimed_by = 'agt_1', claim_expires_at = :until"),
                {"until": NOW + timedelta(hours=1)},
            )
        )
