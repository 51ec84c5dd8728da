"""What waits for people."""

from datetime import timedelta

import pytest

from governance.kernel import ids
from governance.kernel.database import Database
from governance.kernel.errors import NotFound
from governance.review import queue
from governance.review.queue import QueueItem
from tests.review.conftest import AGENT, ALICE, BOB, CLAIM, NOW, REQUESTER, Desk, open_desk


def listed(
    database: Database, organisation: str, projects: list[str] | None = None
) -> list[QueueItem]:
    with database.read() as session:
        return queue.queue(session, organisation, projects, NOW)


def test_the_oldest_comes_first(database: Database, organisation: str) -> None:
    young = open_desk(database, organisation)
    old = open_desk(database, organisation, opened_at=NOW - timedelta(hours=3))
    assert [item.review for item in listed(database, organisation)] == [old.review, young.review]


def test_an_item_tells_everything_that_a_page_shows(desk: Desk) -> None:
    desk.claim(ALICE)
    (item,) = listed(desk.database, desk.organisation)
    assert item.rules == ("eu.50.4.deep-fake",)
    assert item.parties == {REQUESTER, AGENT}
    assert (item.claimed_by, item.claim_expires_at) == (ALICE, NOW + CLAIM)
    assert item.expires_at == NOW + timedelta(days=7)


def test_a_claim_that_has_run_out_is_not_shown(desk: Desk) -> None:
    desk.claim(ALICE, at=NOW - CLAIM)
    (item,) = listed(desk.database, desk.organisation)
    assert (item.claimed_by, item.claim_expires_at) == (None, None)


def test_other_organisations_and_other_projects_are_not_listed(
    database: Database, organisation: str
) -> None:
    open_desk(database, ids.new_id("org"))
    open_desk(database, organisation, project="autumn")
    mine = open_desk(database, organisation)
    assert [item.review for item in listed(database, organisation, ["spring"])] == [mine.review]
    assert listed(database, organisation, []) == []


def test_closed_and_expired_reviews_are_not_listed(database: Database, organisation: str) -> None:
    open_desk(database, organisation).close()
    open_desk(database, organisation, opened_at=NOW - timedelta(days=7))
    assert listed(database, organisation) == []


def test_after_the_first_of_two_approvals_it_waits_for_another_person(
    two_person_desk: Desk,
) -> None:
    two_person_desk.claim_and_decide(ALICE)
    (item,) = listed(two_person_desk.database, two_person_desk.organisation)
    assert (item.approvals, item.count, item.claimed_by) == (1, 2, None)
    assert (item.standing(ALICE), item.standing(BOB)) == ("decided", "free")


def test_each_person_sees_what_a_review_is_to_them(desk: Desk) -> None:
    desk.claim(ALICE)
    (item,) = listed(desk.database, desk.organisation)
    assert [item.standing(person) for person in (ALICE, BOB, REQUESTER)] == [
        "yours",
        "claimed",
        "involved",
    ]


def test_nothing_is_left_to_decide_once_closed_or_expired(desk: Desk) -> None:
    with desk.database.read() as session:
        late = queue.get(session, desk.review, NOW + timedelta(days=7))
    assert late.standing(ALICE) == "closed"
    desk.close()
    with desk.database.read() as session:
        assert queue.get(session, desk.review, NOW).standing(ALICE) == "closed"


def test_decisions_are_told_in_order_of_time(two_person_desk: Desk) -> None:
    two_person_desk.claim_and_decide(BOB)
    later = NOW + timedelta(minutes=1)
    two_person_desk.claim(ALICE, at=later)
    two_person_desk.decide(ALICE, "return", at=later)
    with two_person_desk.database.read() as session:
        item = queue.get(session, two_person_desk.review, NOW)
    assert [(d.person, d.decision) for d in item.decisions] == [
        (BOB, "approve"),
        (ALICE, "return"),
    ]


def test_the_count_is_that_of_the_list_without_its_limit(
    database: Database, organisation: str
) -> None:
    for _ in range(3):
        open_desk(database, organisation)
    with database.read() as session:
        assert queue.waiting(session, organisation, None, NOW) == 3
        assert queue.waiting(session, organisation, ["autumn"], NOW) == 0
        assert len(queue.queue(session, organisation, None, NOW, limit=2)) == 2


def test_a_review_that_does_not_exist_is_not_found(database: Database) -> None:
    with database.read() as session, pytest.raises(NotFound) as refused:
        queue.get(session, "rev_none", NOW)
    assert refused.value.code == "review_unknown"
