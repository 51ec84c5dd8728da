"""The outbox: who is told, how often it is tried, and when it ends."""

from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time
from sqlalchemy import Connection

from governance.evidence.story import State, Story
from governance.kernel import clock
from governance.kernel.errors import NotFound
from governance.notifications import endpoints, outbox
from governance.notifications.outbox import Attempt, Due
from tests.notifications.conftest import Office

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
LEASE = timedelta(minutes=1)


def claim(office: Office, *full: str, limit: int = 100) -> list[Due]:
    now = clock.now()
    return office.write(lambda c: outbox.claim(c, now, now + LEASE, limit=limit, full=full))


def fail(office: Office, due: Due, status: int | None = 500) -> None:
    attempt = Attempt(clock.now(), status, None if status else "connection_failed", 12)
    office.write(lambda c: outbox.settle(c, office.ledger, due, attempt))


def test_those_are_told_who_listen_to_the_event_in_the_project(office: Office) -> None:
    everything = office.register().id
    elsewhere = [
        office.register(organisation="elsewhere").id,
        office.register(project="other").id,
        office.register(events=["review.required"]).id,
    ]
    generation = office.tell(State.RELEASED)
    told = office.messages(everything)
    assert sorted(m.event for m in told) == ["generation.released", "video.completed"]
    assert {m.generation for m in told} == {generation}
    assert [office.messages(one) for one in elsewhere] == [[], [], []]


def test_what_did_not_happen_is_not_told(office: Office) -> None:
    webhook = office.register().id
    request = {"organisation": "acme", "project": "film", "media": "video"}
    released = Story(
        id="gen_1", state="released", request=request, changed_at=clock.rfc3339(clock.now())
    )

    def undone(connection: Connection) -> None:
        outbox.enqueue(connection, Story(state="verified"), released)
        raise KeyError("the record could not be written")

    with pytest.raises(KeyError):
        office.write(undone)
    assert office.messages(webhook) == []


def test_a_message_is_claimed_by_one_and_again_once_its_lease_has_ended(office: Office) -> None:
    office.register(events=["video.completed"])
    with freeze_time(NOW):
        office.tell()
        (first,) = claim(office)
        assert claim(office) == []
    with freeze_time(NOW + LEASE):
        assert [due.id for due in claim(office)] == [first.id]


def test_who_has_enough_under_way_leaves_room_for_others(office: Office) -> None:
    busy = office.register(events=["video.completed"]).id
    office.register(events=["video.completed"])
    office.tell()
    (due,) = claim(office, busy)
    assert due.webhook != busy


def test_the_pauses_grow_up_to_six_hours() -> None:
    for number in range(1, 40):
        usual = min(6 * 3600, 5 * 4 ** (number - 1))
        assert usual * 0.5 <= outbox.pause(number).total_seconds() <= usual * 1.5
    assert len({outbox.pause(5) for _ in range(20)}) > 10


def test_a_failing_message_is_tried_for_three_days_and_given_up(office: Office) -> None:
    webhook = office.register(events=["video.completed"]).id
    moment, tried = NOW, 0
    with freeze_time(moment):
        office.tell()
    while (message := office.messages(webhook)[0]).state == "pending":
        assert message.due_at is not None
        moment = message.due_at
        with freeze_time(moment):
            (due,) = claim(office)
            fail(office, due)
        tried += 1
    assert moment <= NOW + timedelta(days=3)
    assert moment > NOW + timedelta(days=2, hours=12)
    assert 12 <= tried <= 40
    assert message.attempts == tried == len(office.attempts(webhook))
    assert office.webhook(webhook).state == "active"


def test_days_without_an_answer_disable_a_webhook_on_record(office: Office) -> None:
    webhook = office.register(events=["video.completed"]).id
    for day in (0, 2, 4):
        with freeze_time(NOW + timedelta(days=day)):
            office.tell()
            fail(office, claim(office)[0])
    assert office.webhook(webhook).state == "active"
    with freeze_time(NOW + timedelta(days=5, hours=1)):
        office.tell()
        fail(office, claim(office)[0], None)
        assert claim(office) == []
    assert office.webhook(webhook).state == "disabled"
    last = office.records()[-1].body
    assert (last["action"], last["by"]) == ("disabled", "service")


def test_one_answer_in_between_keeps_it(office: Office) -> None:
    webhook = office.register(events=["video.completed"]).id
    for day, status in ((0, 500), (3, 204), (4, 500), (6, 500)):
        with freeze_time(NOW + timedelta(days=day)):
            office.tell()
            fail(office, claim(office)[-1], status)
    assert office.webhook(webhook).state == "active"


def test_whoever_says_gone_gets_no_more(office: Office) -> None:
    webhook = office.register().id
    office.tell()
    fail(office, claim(office)[0], 410)
    assert office.webhook(webhook).state == "disabled"


def test_a_disabled_webhook_misses_what_happens_meanwhile_and_keeps_what_waited(
    office: Office,
) -> None:
    webhook = office.register(events=["video.completed"]).id
    waiting = office.tell()
    office.write(lambda c: endpoints.disable(c, office.ledger, webhook))
    office.tell()
    assert claim(office) == []
    office.write(
        lambda c: endpoints.enable(c, office.ledger, webhook, organisation="acme", by=office.by)
    )
    assert len(claim(office)) == 1
    assert [message.generation for message in office.messages(webhook)] == [waiting]


def test_a_replay_sends_the_same_message_again(office: Office) -> None:
    webhook = office.register(events=["video.completed"]).id
    office.tell()
    (due,) = claim(office)
    fail(office, due, 200)
    assert claim(office) == []
    assert office.write(lambda c: outbox.replay(c, webhook, due.id)) == 1
    (again,) = claim(office)
    assert (again.id, again.body, again.attempts) == (due.id, due.body, 0)
    fail(office, again, 200)
    assert [attempt.status for attempt in office.attempts(webhook)] == [200, 200]
    with pytest.raises(NotFound):
        office.write(lambda c: outbox.replay(c, "whk_1", due.id))


def test_a_replay_of_all_sends_only_what_never_arrived(office: Office) -> None:
    webhook = office.register(events=["video.completed"]).id
    office.tell()
    office.tell()
    first, second = claim(office)
    fail(office, first, 200)
    with freeze_time(clock.now() + timedelta(days=4)):
        fail(office, second, 500)
    assert office.write(lambda c: outbox.replay(c, webhook, None)) == 1
    assert [due.id for due in claim(office)] == [second.id]


def test_a_late_attempt_does_not_end_a_replay(office: Office) -> None:
    webhook = office.register(events=["video.completed"]).id
    with freeze_time(NOW):
        office.tell()
        (due,) = claim(office)
    with freeze_time(NOW + timedelta(seconds=9)):
        office.write(lambda c: outbox.replay(c, webhook, due.id))
        fail(office, due, 200)
        assert [message.state for message in office.messages(webhook)] == ["pending"]


def test_removing_a_webhook_ends_what_waits_for_it(office: Office) -> None:
    webhook = office.register().id
    office.tell()
    office.write(
        lambda c: endpoints.remove(c, office.ledger, webhook, organisation="acme", by=office.by)
    )
    assert claim(office) == []
    assert {message.state for message in office.messages(webhook)} == {"failed"}


def test_what_has_ended_is_kept_for_thirty_days(office: Office) -> None:
    webhook = office.register(events=["video.completed"]).id
    with freeze_time(NOW):
        office.tell()
        office.tell()
        first, _ = claim(office)
        fail(office, first, 200)
    with freeze_time(NOW + timedelta(days=29)):
        assert office.write(outbox.purge) == 0
    with freeze_time(NOW + timedelta(days=31)):
        assert office.write(outbox.purge) == 1
        assert office.write(outbox.purge) == 0
    assert [message.state for message in office.messages(webhook)] == ["pending"]
    assert office.attempts(webhook) == []
