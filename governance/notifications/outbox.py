"""The outbox: what is told waits here from the same transaction on in which it became true.

At least once, in no promised order: a message has one id for all its attempts and replays, by which
its receiver knows it again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, delete, insert, select, update
from sqlmodel import Session, col

from governance.evidence.story import Story
from governance.kernel import clock, ids
from governance.kernel.errors import NotFound
from governance.ledger import Ledger
from governance.notifications import endpoints, messages
from governance.notifications.tables import DeliveryAttempt, Notification, Webhook

PATIENCE = timedelta(days=3)  # from the first attempt to the last
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 6 * 3600.0  # seconds
DISABLE_AFTER = timedelta(days=5)  # without a single message that arrived
KEEP = timedelta(days=30)
GONE = 410  # the receiver wants no more (Standard Webhooks, "Operational considerations")
_ROWS = Notification.__table__  # type: ignore[attr-defined]
_HOOKS = Webhook.__table__  # type: ignore[attr-defined]
_ATTEMPTS = DeliveryAttempt.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Due:
    """A message to send now. secret: sealed."""

    id: str
    webhook: str
    organisation: str
    url: str
    secret: bytes
    body: bytes
    attempts: int
    began_at: datetime


@dataclass(frozen=True)
class Attempt:
    """How one attempt went. status: of HTTP; fault: a code, where there is no status."""

    at: datetime
    status: int | None
    fault: str | None
    milliseconds: int

    @property
    def has_arrived(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def enqueue(connection: Connection, before: Story, after: Story) -> None:
    """Put what a change is worth telling into the outbox of every webhook that listens."""
    events = messages.events_of(before, after)
    if not events:
        return
    request, now = after.request, clock.now()
    hooks = endpoints.listening(connection, request["organisation"], request["project"])
    rows = [
        _row(hook, event, after, now)
        for hook, heard in hooks
        for event in events
        if event in heard.split()
    ]
    if rows:
        connection.execute(insert(_ROWS), rows)


def is_due(session: Session, now: datetime, full: Collection[str]) -> bool:
    """Whether there is anything to claim."""
    return session.connection().execute(_due(now, full).limit(1)).first() is not None


def claim(
    connection: Connection, now: datetime, until: datetime, *, limit: int, full: Collection[str]
) -> list[Due]:
    """Take messages that are due, until `until`.

    full: webhooks and organisations that have enough under way.
    """
    query = _due(now, full).order_by(_ROWS.c.due_at).limit(limit)
    found = [
        Due(
            id=row.id,
            webhook=row.webhook,
            organisation=row.organisation,
            url=row.url,
            secret=row.secret,
            body=row.body,
            attempts=row.attempts,
            began_at=row.began_at,
        )
        for row in connection.execute(query.with_for_update(of=_ROWS, skip_locked=True))
    ]
    taken = update(_ROWS).where(_ROWS.c.id.in_([due.id for due in found]))
    if found:
        connection.execute(taken.values(due_at=until))
    return found


def settle(connection: Connection, ledger: Ledger, due: Due, attempt: Attempt) -> None:
    """Note how an attempt went and when the next one is due; a webhook that is dead is disabled."""
    connection.execute(
        insert(_ATTEMPTS).values(id=ids.new_id("att"), notification=due.id, **vars(attempt))
    )
    number = due.attempts + 1
    if attempt.has_arrived:
        _move(connection, due, state="delivered", attempts=number, due_at=None)
        _note(connection, due, failing_since=None)
        return
    again = attempt.at + pause(number)
    if again <= due.began_at + PATIENCE and attempt.status != GONE:
        _move(connection, due, attempts=number, due_at=again)
    else:
        _move(connection, due, state="failed", attempts=number, due_at=None)
    since = _failing_since(connection, due, attempt.at)
    if attempt.status == GONE or attempt.at - since > DISABLE_AFTER:
        endpoints.disable(connection, ledger, due.webhook)


def pause(number: int) -> timedelta:
    """How long to wait after attempt `number` (1, 2, …): 5 s, 20 s, 80 s, … up to 6 h.

    Half of it to one and a half times it, so that what failed together does not return together.
    """
    seconds = min(LONGEST_PAUSE, FIRST_PAUSE * 4 ** min(number - 1, 16))
    share = int.from_bytes(ids.random_bytes(2), "big") / 65535
    return timedelta(seconds=seconds * (0.5 + share))


def replay(connection: Connection, webhook: str, message: str | None) -> int:
    """Send a message again, or, for None, all that never arrived; how many.

    Raises NotFound (`delivery_unknown`).
    """
    chosen = update(_ROWS).where(_ROWS.c.webhook == webhook)
    chosen = chosen.where(
        _ROWS.c.id == message if message is not None else _ROWS.c.state == "failed"
    )
    now = clock.now()
    values = {"state": "pending", "attempts": 0, "began_at": now, "due_at": now}
    count = connection.execute(chosen.values(**values)).rowcount
    if message is not None and not count:
        raise NotFound("delivery_unknown", f"{webhook} has no message {message}.")
    return count


def deliveries(
    session: Session, webhook: str, *, before: str = "", limit: int = 100
) -> Sequence[Notification]:
    """A webhook's messages, newest first; `before`: the last id of the page before."""
    query = select(Notification).where(col(Notification.webhook) == webhook)
    if before:
        query = query.where(col(Notification.id) < before)
    return session.scalars(query.order_by(col(Notification.id).desc()).limit(limit)).all()


def attempts(session: Session, messages: Collection[str]) -> dict[str, list[DeliveryAttempt]]:
    """All attempts of these messages, in order."""
    query = (
        select(DeliveryAttempt)
        .where(col(DeliveryAttempt.notification).in_(messages))
        .order_by(col(DeliveryAttempt.id))
    )
    found: dict[str, list[DeliveryAttempt]] = {message: [] for message in messages}
    for attempt in session.scalars(query):
        found[attempt.notification].append(attempt)
    return found


def purge(connection: Connection, *, limit: int = 1000) -> int:
    """Delete messages that came to an end and are older than 30 days; how many, up to `limit`."""
    old = select(_ROWS.c.id).where(
        _ROWS.c.created_at < clock.now() - KEEP, _ROWS.c.state != "pending"
    )
    chosen = list(connection.execute(old.limit(limit)).scalars())
    connection.execute(delete(_ATTEMPTS).where(_ATTEMPTS.c.notification.in_(chosen)))
    connection.execute(delete(_ROWS).where(_ROWS.c.id.in_(chosen)))
    return len(chosen)


def _due(now: datetime, full: Collection[str]) -> Select[Any]:
    """Messages to send now with their webhooks' addresses."""
    return (
        select(_ROWS, _HOOKS.c.organisation, _HOOKS.c.url, _HOOKS.c.secret)
        .join(_HOOKS, _HOOKS.c.id == _ROWS.c.webhook)
        .where(
            _ROWS.c.due_at <= now,
            _HOOKS.c.state == "active",
            _HOOKS.c.id.not_in(full),
            _HOOKS.c.organisation.not_in(full),
        )
    )


def _row(webhook: str, event: str, story: Story, now: datetime) -> dict[str, object]:
    message = ids.new_id("evt")
    return {
        "id": message,
        "webhook": webhook,
        "event": event,
        "generation": story.id,
        "body": messages.body(message, event, story),
        "state": "pending",
        "attempts": 0,
        "began_at": now,
        "due_at": now,
        "created_at": now,
    }


def _move(connection: Connection, due: Due, **values: object) -> None:
    """Unless it was replayed, or its webhook removed, while it was under way."""
    where = (
        _ROWS.c.id == due.id,
        _ROWS.c.state == "pending",
        _ROWS.c.began_at == due.began_at,
    )
    connection.execute(update(_ROWS).where(*where).values(**values))


def _failing_since(connection: Connection, due: Due, at: datetime) -> datetime:
    """Since when nothing has arrived: this attempt, where the one before did."""
    hook = select(_HOOKS.c.failing_since).where(_HOOKS.c.id == due.webhook)
    since: datetime | None = connection.execute(hook).scalar_one()
    if since is None:
        _note(connection, due, failing_since=at)
    return since or at


def _note(connection: Connection, due: Due, *, failing_since: datetime | None) -> None:
    row = update(_HOOKS).where(_HOOKS.c.id == due.webhook)
    connection.execute(row.values(failing_since=failing_since))
