"""Registering, withdrawing and erasing consents, and what one is worth for a request.

Every change appends `consent.changed` in the same transaction. The name of the person is disclosed
to the first record under a pseudonym of their own, so it can be erased without anybody else's data.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update
from sqlmodel import Session, col

from governance.domain import ConsentState, GenerationRequest, Media
from governance.kernel import clock, ids
from governance.kernel.errors import Conflict, InvalidRequest, NotFound
from governance.ledger import SERVICE, Entry, Ledger
from governance.ledger.vault import Vault
from governance.rights.tables import Consent

Covers = Literal["person", "likeness", "voice"]
# The territories given, and all that lies within them.
Reach = Callable[[Iterable[str]], frozenset[str]]
ANY = "*"
MAX_ITEMS = 64
# What a consent must cover for each kind of media; a moving or still picture shows a likeness.
_NEEDED: dict[Media, tuple[Covers, ...]] = {
    "video": ("person", "likeness"),
    "image": ("person", "likeness"),
    "audio": ("person", "voice"),
}
_PROJECT = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}|\*")
_TERRITORY = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?|\*")


@dataclass(frozen=True)
class Scope:
    """What a person has consented to. projects, territories: `*` alone is any; until: included."""

    covers: Covers
    media: tuple[Media, ...]
    projects: tuple[str, ...]
    territories: tuple[str, ...]
    until: date


@dataclass(frozen=True)
class NewConsent:
    """subject: the person's pseudonym, for further consents of theirs."""

    id: str
    subject: str


def register(
    connection: Connection,
    ledger: Ledger,
    *,
    organisation: str,
    scope: Scope,
    name: str,
    document: str,
    subject: str | None,
    by: str,
) -> NewConsent:
    """Register a signed consent.

    name: of the person, erasable; document: sha256 of the signed form; subject: the pseudonym of
    somebody who is registered already, None for somebody new.
    Raises InvalidRequest (`consent_scope_invalid`, `consent_past`), NotFound (`subject_unknown`).
    """
    _require_valid(scope)
    if subject is not None:
        _require_known(connection, organisation, subject)
    new = NewConsent(ids.new_id("cns"), subject or ids.new_id("sub"))
    row = {
        "id": new.id,
        "organisation": organisation,
        "subject": new.subject,
        "covers": scope.covers,
        "media": " ".join(sorted(set(scope.media))),
        "projects": " ".join(sorted(set(scope.projects))),
        "territories": " ".join(sorted(set(scope.territories))),
        "until": scope.until,
        "document": document,
        "state": "active",
        "created_at": clock.now(),
    }
    record = _record(connection, ledger, row, "registered", by, name)
    connection.execute(insert(Consent).values(**row, record=record))
    return new


def withdraw(
    connection: Connection, ledger: Ledger, consent: str, *, organisation: str, by: str
) -> None:
    """The person has withdrawn: from now on nothing more is made or released on this consent.

    Raises NotFound (`consent_unknown`), Conflict (`consent_state`).
    """
    row = _row(connection, consent, organisation)
    changed = connection.execute(
        update(Consent)
        .where(col(Consent.id) == consent, col(Consent.state) == "active")
        .values(state="withdrawn")
    )
    if changed.rowcount == 0:
        raise Conflict("consent_state", f"{consent} is {row['state']} already.")
    _record(connection, ledger, row, "withdrawn", by)


def erase(
    connection: Connection, ledger: Ledger, consent: str, *, organisation: str, basis: str, by: str
) -> int:
    """Erase the person of a consent, with all consents of theirs; the number of values erased.

    basis: the lawful basis, a code. What cannot be proved any more is no consent.
    Raises NotFound (`consent_unknown`).
    """
    subject = _row(connection, consent, organisation)["subject"]
    rows = connection.execute(
        select(Consent.__table__)  # type: ignore[attr-defined]
        .where(col(Consent.subject) == subject, col(Consent.state) != "erased")
        .order_by(col(Consent.id))
    )
    for row in rows.mappings().all():
        _record(connection, ledger, row, "erased", by)
    connection.execute(
        update(Consent).where(col(Consent.subject) == subject).values(state="erased")
    )
    return ledger.erase(connection, subject, basis=basis, by=by)


def state_of(
    connection: Connection, request: GenerationRequest, day: date, reach: Reach
) -> ConsentState:
    """What the consent that a request names is worth on a day."""
    consent = request.declaration.consent
    if not consent:
        return "missing"
    try:
        row = _row(connection, consent, request.organisation)
    except NotFound:
        return "missing"
    if row["state"] != "active":
        return "withdrawn"
    if day > row["until"]:
        return "expired"
    return "valid" if _covers(row, request, reach) else "out_of_scope"


def standing_of(consent: Consent, day: date) -> str:
    """`active`, `expired`, `withdrawn` or `erased`."""
    return "expired" if consent.state == "active" and day > consent.until else consent.state


def find(session: Session, consent: str, organisation: str) -> Consent:
    """Raises NotFound (`consent_unknown`), for another organisation's, too."""
    found = session.get(Consent, consent)
    if found is None or found.organisation != organisation:
        raise _unknown(consent)
    return found


def list_consents(
    session: Session, organisation: str, *, after: str = "", limit: int = 100
) -> Sequence[Consent]:
    """An organisation's consents in order of their registration, from the id `after` on."""
    return session.scalars(
        select(Consent)
        .where(col(Consent.organisation) == organisation, col(Consent.id) > after)
        .order_by(col(Consent.id))
        .limit(limit)
    ).all()


def name_of(session: Session, vault: Vault, consent: Consent) -> str | None:
    """The name of the person; None once it is erased."""
    opened = vault.open(session, [consent.record]).get(consent.record, [])
    return next((str(item.value) for item in opened if item.name == "name"), None)


def _row(connection: Connection, consent: str, organisation: str) -> Any:
    row = (
        connection.execute(
            select(Consent.__table__).where(  # type: ignore[attr-defined]
                col(Consent.id) == consent, col(Consent.organisation) == organisation
            )
        )
        .mappings()
        .first()
    )
    if row is None:
        raise _unknown(consent)
    return row


def _unknown(consent: str) -> NotFound:
    return NotFound("consent_unknown", f"Your organisation has registered no consent {consent}.")


def _require_known(connection: Connection, organisation: str, subject: str) -> None:
    states = connection.scalars(
        select(col(Consent.state)).where(
            col(Consent.subject) == subject, col(Consent.organisation) == organisation
        )
    ).all()
    if not states or "erased" in states:
        raise NotFound(
            "subject_unknown",
            f"There is nobody registered as {subject}; leave `subject` out for somebody new.",
        )


def _require_valid(scope: Scope) -> None:
    for name, items, form in (
        ("projects", scope.projects, _PROJECT),
        ("territories", scope.territories, _TERRITORY),
    ):
        is_mixed = ANY in items and len(items) > 1
        if is_mixed or not 1 <= len(items) <= MAX_ITEMS or not all(map(form.fullmatch, items)):
            raise InvalidRequest(
                "consent_scope_invalid",
                f"`{name}` lists 1 to {MAX_ITEMS} of them, or “{ANY}” alone for any.",
                param=name,
            )
    if not any(scope.covers in _NEEDED[media] for media in scope.media):
        raise InvalidRequest(
            "consent_scope_invalid",
            f"A consent for the {scope.covers} alone covers none of these media.",
            param="media",
        )
    if scope.until < clock.now().date():
        raise InvalidRequest("consent_past", "This consent has expired already.", param="until")


def _covers(row: Any, request: GenerationRequest, reach: Reach) -> bool:
    projects, places = row["projects"].split(), row["territories"].split()
    return (
        request.media in row["media"].split()
        and row["covers"] in _NEEDED[request.media]
        and not {ANY, request.project}.isdisjoint(projects)
        and (ANY in places or reach(places) >= {*request.territories})
    )


def _record(
    connection: Connection, ledger: Ledger, row: Any, action: str, by: str, name: str = ""
) -> str:
    body = {
        "action": action,
        "consent": row["id"],
        "organisation": row["organisation"],
        "subject": row["subject"],
        "covers": row["covers"],
        "media": row["media"].split(),
        "projects": row["projects"].split(),
        "territories": row["territories"].split(),
        "until": row["until"].isoformat(),
        "document": row["document"],
        "by": by,
    }
    private = (("name", name),) if name else ()
    entry = Entry(
        SERVICE,
        "consent.changed",
        body,
        private=private,
        data_subject=row["subject"],
    )
    return ledger.append(connection, entry).id
