"""Registering webhooks, ending them and finding them.

Every change appends `webhook.changed` in the same transaction, with the host and without the rest
of the address, which may hold a secret of the receiver's. The webhook's own secret is shown once.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, func, insert, or_, select, update
from sqlmodel import Session, col

from governance.kernel import clock, ids
from governance.kernel.errors import Conflict, InvalidRequest, NotFound
from governance.kernel.sealing import Sealer
from governance.ledger import SERVICE, Entry, Ledger
from governance.notifications import signing
from governance.notifications.messages import EVENTS
from governance.notifications.tables import Notification, Webhook

MAX_WEBHOOKS = 50  # of one organisation
_ROWS = Webhook.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class NewWebhook:
    """secret: `whsec_…`, for its receiver to check signatures with."""

    id: str
    secret: str


def register(
    connection: Connection,
    ledger: Ledger,
    sealer: Sealer,
    *,
    organisation: str,
    project: str | None,
    url: str,
    events: Collection[str],
    by: str,
) -> NewWebhook:
    """Register an address that `addresses.parse` has taken.

    project: None for all of the organisation's. Raises InvalidRequest (`webhook_events_invalid`),
    Conflict (`webhook_limit`).
    """
    if not events or set(events) - set(EVENTS):
        raise InvalidRequest(
            "webhook_events_invalid", f"`events` names some of {', '.join(EVENTS)}.", param="events"
        )
    kept = connection.execute(
        select(func.count())
        .select_from(_ROWS)
        .where(_ROWS.c.organisation == organisation, _ROWS.c.state != "removed")
    ).scalar_one()
    if kept >= MAX_WEBHOOKS:
        raise Conflict(
            "webhook_limit",
            f"An organisation has at most {MAX_WEBHOOKS} webhooks; remove one that is not needed.",
        )
    webhook, secret = ids.new_id("whk"), signing.new_secret()
    row = {
        "id": webhook,
        "organisation": organisation,
        "project": project,
        "url": url,
        "events": " ".join(sorted(set(events))),
        "secret": sealer.seal(secret.encode(), webhook),
        "state": "active",
        "failing_since": None,
        "created_by": by,
        "created_at": clock.now(),
    }
    connection.execute(insert(_ROWS).values(**row))
    _record(connection, ledger, row, "registered", by)
    return NewWebhook(webhook, secret)


def enable(
    connection: Connection, ledger: Ledger, webhook: str, *, organisation: str, by: str
) -> None:
    """Send again what a disabled webhook has missed so far, and what is to come.

    Raises NotFound (`webhook_unknown`), Conflict (`webhook_state`).
    """
    row = _locked(connection, webhook, organisation)
    if row["state"] != "disabled":
        raise Conflict("webhook_state", f"{webhook} is {row['state']} already.")
    values = {"state": "active", "failing_since": None}
    connection.execute(update(_ROWS).where(_ROWS.c.id == webhook).values(**values))
    _record(connection, ledger, row, "enabled", by)


def disable(connection: Connection, ledger: Ledger, webhook: str) -> None:
    """The service gives up on an address that has not answered for too long, or wants no more."""
    where = _ROWS.c.id == webhook, _ROWS.c.state == "active"
    if connection.execute(update(_ROWS).where(*where).values(state="disabled")).rowcount:
        row = connection.execute(select(_ROWS).where(_ROWS.c.id == webhook)).mappings().one()
        _record(connection, ledger, row, "disabled", SERVICE)


def remove(
    connection: Connection, ledger: Ledger, webhook: str, *, organisation: str, by: str
) -> None:
    """End a webhook with its secret and all that waits for it. Raises NotFound."""
    row = _locked(connection, webhook, organisation)
    values = {"state": "removed", "secret": b""}
    connection.execute(update(_ROWS).where(_ROWS.c.id == webhook).values(**values))
    connection.execute(
        update(Notification)
        .where(col(Notification.webhook) == webhook, col(Notification.state) == "pending")
        .values(state="failed", due_at=None)
    )
    _record(connection, ledger, row, "removed", by)


def find(
    session: Session, webhook: str, organisation: str, projects: Collection[str] | None
) -> Webhook:
    """A webhook of these projects, None for any. Raises NotFound (`webhook_unknown`)."""
    found = session.get(Webhook, webhook)
    if found is None or found.organisation != organisation or found.state == "removed":
        raise _unknown(webhook)
    if projects is not None and found.project not in projects:
        raise _unknown(webhook)
    return found


def list_webhooks(
    session: Session, organisation: str, projects: Collection[str] | None
) -> Sequence[Webhook]:
    """All webhooks of these projects, None for the whole organisation, oldest first."""
    query = select(Webhook).where(
        col(Webhook.organisation) == organisation, col(Webhook.state) != "removed"
    )
    if projects is not None:
        query = query.where(col(Webhook.project).in_(projects))
    return session.scalars(query.order_by(col(Webhook.id))).all()


def listening(connection: Connection, organisation: str, project: str) -> list[tuple[str, str]]:
    """Id and events of the webhooks to which a project's notifications go now."""
    rows = connection.execute(
        select(_ROWS.c.id, _ROWS.c.events).where(
            _ROWS.c.organisation == organisation,
            _ROWS.c.state == "active",
            or_(_ROWS.c.project.is_(None), _ROWS.c.project == project),
        )
    )
    return [(row.id, row.events) for row in rows]


def _locked(connection: Connection, webhook: str, organisation: str) -> Any:
    query = select(_ROWS).where(
        _ROWS.c.id == webhook, _ROWS.c.organisation == organisation, _ROWS.c.state != "removed"
    )
    row = connection.execute(query.with_for_update()).mappings().first()
    if row is None:
        raise _unknown(webhook)
    return row


def _unknown(webhook: str) -> NotFound:
    return NotFound("webhook_unknown", f"There is no webhook {webhook}.")


def _record(connection: Connection, ledger: Ledger, row: Any, action: str, by: str) -> None:
    body = {
        "action": action,
        "webhook": row["id"],
        "organisation": row["organisation"],
        "project": row["project"],
        "host": urlsplit(row["url"]).hostname,
        "events": row["events"].split(),
        "by": by,
    }
    ledger.append(connection, Entry(SERVICE, "webhook.changed", body))
