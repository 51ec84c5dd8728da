"""Waivers: exceptions to house rules, proposed by one person and approved by another.

For a limited time, in one project or in the whole organisation. Every change appends
`waiver.changed` in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, insert, or_, select, update
from sqlmodel import Session, col

from governance.domain import Principal
from governance.kernel import clock, ids
from governance.kernel.errors import Conflict, Denied, InvalidRequest, NotFound
from governance.ledger import SERVICE, Entry, Ledger
from governance.ledger.vault import Vault
from governance.policy.rules import Policy
from governance.policy.tables import Waiver

MAX_DAYS = 90

_IN_FORCE = select(col(Waiver.rule), col(Waiver.id)).where(
    col(Waiver.organisation) == bindparam("of"),
    col(Waiver.state) == "approved",
    col(Waiver.first_day) <= bindparam("day"),
    col(Waiver.last_day) >= bindparam("day"),
    or_(col(Waiver.project).is_(None), col(Waiver.project) == bindparam("in_project")),
)


@dataclass(frozen=True)
class Proposal:
    """reason: a code of the organisation's own; comment: free text, erasable; project: None for
    the whole organisation; first_day, last_day: both included."""

    rule: str
    reason: str
    first_day: date
    last_day: date
    project: str | None = None
    comment: str = ""


def propose(
    connection: Connection, ledger: Ledger, policy: Policy, proposal: Proposal, person: Principal
) -> str:
    """Ask for an exception; its id. It lifts nothing until another person has approved it.

    Raises Denied (`person_required`), InvalidRequest (`rule_unknown`, `rule_not_waivable`,
    `waiver_days_invalid`).
    """
    _require_person(person)
    _require_waivable(policy, proposal.rule)
    _require_days(proposal)
    row = {
        "id": ids.new_id("wvr"),
        "organisation": person.organisation,
        "project": proposal.project,
        "rule": proposal.rule,
        "reason": proposal.reason,
        "first_day": proposal.first_day,
        "last_day": proposal.last_day,
        "state": "proposed",
        "requested_by": person.id,
        "created_at": clock.now(),
    }
    record = _record(connection, ledger, row, "proposed", person, proposal.comment)
    connection.execute(insert(Waiver).values(**row, record=record))
    return str(row["id"])


def decide_proposal(
    connection: Connection,
    ledger: Ledger,
    waiver: str,
    choice: Literal["approved", "refused"],
    person: Principal,
) -> None:
    """Approve or refuse somebody else's proposal.

    Raises Denied (`person_required`, `separation_of_duties`), NotFound (`waiver_unknown`),
    Conflict (`waiver_state`, `waiver_expired`).
    """
    _require_person(person)
    row = _row(connection, waiver, person.organisation)
    if row["requested_by"] == person.id:
        raise Denied(
            "separation_of_duties", "You asked for this waiver, so somebody else decides on it."
        )
    if row["last_day"] < clock.now().date():
        raise Conflict("waiver_expired", "The days for which it was asked have passed.")
    _move(connection, row, "proposed", state=choice, decided_by=person.id)
    _record(connection, ledger, row, choice, person)


def revoke(connection: Connection, ledger: Ledger, waiver: str, person: Principal) -> None:
    """End an approved waiver with the caller's commit.

    Raises Denied (`person_required`), NotFound (`waiver_unknown`), Conflict (`waiver_state`).
    """
    _require_person(person)
    row = _row(connection, waiver, person.organisation)
    _move(connection, row, "approved", state="revoked")
    _record(connection, ledger, row, "revoked", person)


def in_force(
    connection: Connection, organisation: str, project: str, day: date
) -> tuple[tuple[str, str], ...]:
    """(rule, waiver) of what is valid for a project on a day; of several for a rule the oldest."""
    asked = {"of": organisation, "in_project": project, "day": day}
    rows = connection.execute(_IN_FORCE, asked)
    ordered = sorted(((rule, waiver) for rule, waiver in rows), reverse=True)
    return tuple(dict(ordered).items())


def find(session: Session, waiver: str, organisation: str) -> Waiver:
    """Raises NotFound (`waiver_unknown`), for another organisation's, too."""
    found = session.get(Waiver, waiver)
    if found is None or found.organisation != organisation:
        raise _unknown(waiver)
    return found


def list_waivers(
    session: Session, organisation: str, *, after: str = "", limit: int = 100
) -> Sequence[Waiver]:
    """An organisation's waivers in order of their proposal, from the id `after` on."""
    return session.scalars(
        select(Waiver)
        .where(col(Waiver.organisation) == organisation, col(Waiver.id) > after)
        .order_by(col(Waiver.id))
        .limit(limit)
    ).all()


def comment_of(session: Session, vault: Vault, waiver: Waiver) -> str | None:
    """What the person who asked has written; None where nothing was, or once it is erased."""
    opened = vault.open(session, [waiver.record]).get(waiver.record, [])
    return next((str(item.value) for item in opened if item.name == "comment"), None)


def state_of(waiver: Waiver, day: date) -> str:
    """Its state, or `expired` once its last day has passed."""
    is_over = waiver.state in ("proposed", "approved") and waiver.last_day < day
    return "expired" if is_over else waiver.state


def _require_person(principal: Principal) -> None:
    """A program acts for somebody, who could agree with themselves through it."""
    if principal.kind != "person":
        raise Denied("person_required", "Waivers are a matter between people; sign in for it.")


def _require_waivable(policy: Policy, rule: str) -> None:
    known = next((item for item in policy.rules if item.matched.id == rule), None)
    if known is None:
        raise InvalidRequest("rule_unknown", f"There is no rule “{rule}” in force.", param="rule")
    if not known.waivable:
        raise InvalidRequest(
            "rule_not_waivable",
            f"“{rule}” cannot be waived: only enforced house rules can, unless they stand in for a "
            "check that a law needs. A law or a code holds whatever is decided here.",
            param="rule",
        )


def _require_days(proposal: Proposal) -> None:
    today = clock.now().date()
    if not today <= proposal.first_day <= proposal.last_day <= today + timedelta(days=MAX_DAYS):
        raise InvalidRequest(
            "waiver_days_invalid",
            f"A waiver begins today or later and ends within {MAX_DAYS} days from today.",
            param="last_day",
        )


def _row(connection: Connection, waiver: str, organisation: str) -> Any:
    row = (
        connection.execute(
            select(Waiver.__table__).where(  # type: ignore[attr-defined]
                col(Waiver.id) == waiver, col(Waiver.organisation) == organisation
            )
        )
        .mappings()
        .first()
    )
    if row is None:
        raise _unknown(waiver)
    return row


def _unknown(waiver: str) -> NotFound:
    return NotFound("waiver_unknown", f"Your organisation has no waiver {waiver}.")


def _move(connection: Connection, row: Any, origin: str, **values: str) -> None:
    changed = connection.execute(
        update(Waiver)
        .where(col(Waiver.id) == row["id"], col(Waiver.state) == origin)
        .values(**values)
    )
    if changed.rowcount == 0:
        raise Conflict(
            "waiver_state", f"{row['id']} is {row['state']}; it cannot become {values['state']}."
        )


def _record(
    connection: Connection,
    ledger: Ledger,
    row: Any,
    action: str,
    person: Principal,
    comment: str = "",
) -> str:
    body = {
        "action": action,
        "waiver": row["id"],
        "organisation": row["organisation"],
        "project": row["project"],
        "rule": row["rule"],
        "reason": row["reason"],
        "from": row["first_day"].isoformat(),
        "until": row["last_day"].isoformat(),
        "requested_by": row["requested_by"],
        "by": person.id,
    }
    private = (("comment", comment),) if comment else ()
    entry = Entry(SERVICE, "waiver.changed", body, private=private, data_subject=person.id)
    return ledger.append(connection, entry).id
