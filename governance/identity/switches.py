"""The kill switch: what is thrown stops from the next request and the next step on, everywhere.

A switch has a scope, and every organisation its own: the service's operator may stop anything,
any other organisation itself and its own agents. Each is lifted by whoever threw it.

| scope | who and what stops |
|---|---|
| `*` | everybody and everything |
| `organisation:<name>` | its principals, and its generations |
| `agent:<agt_…>` | the agent and everybody with it in their chain, and what they asked for |
| `model:<catalogue id>` | what this model would make or has made |
| `provider:<name>` | what this provider's models would make or have made |

While `*` or an organisation is stopped, nothing is made, moved, released, handed over or deleted:
requests, imports, cancellations (the same right deletes media), claims, decisions and downloads
are refused, and so is whatever nobody thought of here. What goes on (`goes_on`): reading, evidence
and reports; taking back (recall, revoke, withdraw, erase); the administration of who may do what,
the switches themselves included. A stopped agent is refused whatever it asks.

In the engine a generation waits where it stands; money already spent is not wasted: a job that
runs at a provider is polled and its bytes are kept, but neither screened, marked nor released.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import Connection, delete, insert, or_, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from governance.identity.changes import SERVICE
from governance.identity.tables import Agent, Person, Switch
from governance.kernel import clock, epoch
from governance.kernel.database import Database
from governance.kernel.epoch import Epoch
from governance.kernel.errors import Conflict, Denied, InvalidRequest, NotFound
from governance.ledger.ledger import Entry, Ledger

EVERYTHING = "*"
STOPPED = "stopped"  # the code of every refusal
Reason = Literal[
    "incident",
    "misuse",
    "key_compromised",
    "legal_order",
    "provider_fault",
    "maintenance",
    "exercise",
    "resolved",
]
MAX_COMMENT = 2000
_SCOPE = re.compile(
    r"\*|organisation:[a-z0-9][a-z0-9._-]{0,63}|agent:agt_[0-9a-f]{32}"
    r"|(model|provider):[a-z0-9][A-Za-z0-9._/-]{0,79}"
)
# Reading, taking back, and the administration of who may do what go on, whatever the object is.
_ALWAYS = ("read", "list", "recall", "revoke", "withdraw", "erase", "manage")
_EVIDENCE = ("export", "report")
_SWITCHES = Switch.__table__  # type: ignore[attr-defined]
_THROWN = select(_SWITCHES.c.scope).distinct()
_HOLD = select(col(Epoch.number)).with_for_update(read=True)


@dataclass(frozen=True)
class Switches:
    """What is thrown as of one epoch; immutable, so readers need no lock."""

    epoch: int
    thrown: frozenset[str]

    def stopping(self, scopes: Iterable[str]) -> str | None:
        """The first of these scopes that is thrown."""
        return stopping(self.thrown, scopes)


class SwitchStore:
    """One per process: what is thrown, read again as soon as the epoch has moved."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.read() as session:
            connection = session.connection()
            self._switches = Switches(epoch.current(connection), thrown(connection))

    @property
    def last(self) -> Switches:
        """As of the last look, which in a request is that request's own."""
        return self._switches

    def current(self) -> Switches:
        """What is thrown now: one SELECT, and another when it tells of change."""
        with self._database.read() as session:
            connection = session.connection()
            return self.as_of(connection, epoch.current(connection))

    def as_of(self, connection: Connection, number: int) -> Switches:
        """The same for whoever has read the epoch already, in the same snapshot."""
        known = self._switches
        if known.epoch != number:
            known = self._switches = Switches(number, thrown(connection))
        return known


def thrown(connection: Connection) -> frozenset[str]:
    """The scopes that are thrown."""
    return frozenset(connection.execute(_THROWN).scalars())


def thrown_meanwhile(connection: Connection) -> frozenset[str]:
    """The scopes that are thrown; nobody changes that until this transaction ends."""
    connection.execute(_HOLD)
    return thrown(connection)


def stopping(thrown: Collection[str], scopes: Iterable[str]) -> str | None:
    """The first of these scopes that is thrown."""
    return next((scope for scope in scopes if scope in thrown), None) if thrown else None


def over_chain(chain: Iterable[str]) -> list[str]:
    """The switches that stop a principal as such: of itself and of everybody above it."""
    return [f"agent:{principal}" for principal in chain]


def over(
    organisation: str, chain: Iterable[str], model: str | None = None, provider: str | None = None
) -> list[str]:
    """Every switch that stops something of an organisation.

    chain: the identities through which it was asked for; model, provider: what makes it.
    """
    made_by = [f"model:{model}"] * bool(model) + [f"provider:{provider}"] * bool(provider)
    return [EVERYTHING, f"organisation:{organisation}", *over_chain(chain), *made_by]


def checked_reason(text: str) -> Reason:
    """Raises InvalidRequest (`switch_reason_invalid`)."""
    for reason in get_args(Reason):
        if text == reason:
            return reason  # type: ignore[no-any-return]
    raise InvalidRequest(
        "switch_reason_invalid",
        f"A reason is one of {', '.join(get_args(Reason))}.",
        param="reason",
    )


def goes_on(obj: str, act: str) -> bool:
    """Whether this may still be done while everything is stopped; the table above."""
    return act in _ALWAYS or obj in _EVIDENCE


def refusal(scope: str, **details: str) -> Denied:
    """The error that says what is stopped. Not to be retried: a person must lift it first."""
    what = "Everything" if scope == EVERYTHING else f"“{scope}”"
    return Denied(
        STOPPED,
        f"{what} is stopped. Wait until a person lifts the switch; retrying does not help.",
        scope=scope,
        **details,
    )


def throw(
    connection: Connection,
    ledger: Ledger,
    scope: str,
    *,
    organisation: str,
    operator: str,
    known: Collection[str],
    reason: Reason,
    by: str,
    comment: str = "",
) -> None:
    """Stop a scope; holds for every process from its next request and step on.

    organisation: whose switch; operator: the organisation that runs the service; known: the scopes
    of the models and providers that there are; comment: free text, erasable.
    Raises InvalidRequest (`switch_scope_invalid`), NotFound (`switch_scope_unknown`, to the
    operator: a misspelt one would stop nothing), Denied (`switch_out_of_reach`), Conflict
    (`switch_thrown`).
    """
    epoch.advance(connection)
    concerns = _within_reach(connection, scope, known, organisation, operator)
    row = {
        "scope": scope,
        "organisation": organisation,
        "concerns": concerns,
        "reason": reason,
        "thrown_by": by,
        "thrown_at": clock.now(),
    }
    try:
        connection.execute(insert(_SWITCHES).values(row))
    except IntegrityError:
        raise Conflict("switch_thrown", f"“{scope}” is stopped already.") from None
    _record(connection, ledger, "thrown", row, reason=reason, by=by, comment=comment)


def lift(
    connection: Connection,
    ledger: Ledger,
    scope: str,
    *,
    organisation: str,
    reason: Reason,
    by: str,
    comment: str = "",
) -> None:
    """Lift the organisation's own switch; what waited goes on unless another one stops it too.

    Raises NotFound (`switch_not_thrown`).
    """
    epoch.advance(connection)
    own = (_SWITCHES.c.scope == scope) & (_SWITCHES.c.organisation == organisation)
    row = connection.execute(delete(_SWITCHES).where(own).returning(_SWITCHES)).mappings().first()
    if row is None:
        raise NotFound("switch_not_thrown", f"Your organisation has not stopped “{scope}”.")
    _record(connection, ledger, "lifted", dict(row), reason=reason, by=by, comment=comment)


def list_switches(session: Session, organisation: str, *, operator: str) -> Sequence[Switch]:
    """What is thrown and concerns an organisation, oldest first; for the operator all."""
    query = select(Switch).order_by(col(Switch.thrown_at), col(Switch.scope))
    if organisation != operator:
        query = query.where(
            or_(col(Switch.concerns).is_(None), col(Switch.concerns) == organisation)
        )
    return session.scalars(query).all()


def _within_reach(
    connection: Connection, scope: str, known: Collection[str], organisation: str, operator: str
) -> str | None:
    """The organisation that a scope concerns; to others than the operator, theirs alone exists."""
    try:
        concerns = _concerned(connection, scope, known)
    except NotFound:
        if organisation == operator:
            raise
        concerns = None
    if organisation not in (operator, concerns):
        raise Denied(
            "switch_out_of_reach",
            "You may stop your own organisation and its agents; all else is for the operator.",
        )
    return concerns


def _concerned(connection: Connection, scope: str, known: Collection[str]) -> str | None:
    """The organisation that a scope concerns; None for everybody."""
    if not _SCOPE.fullmatch(scope):
        raise InvalidRequest(
            "switch_scope_invalid",
            "A scope is `*`, `organisation:<name>`, `agent:<id>`, `model:<id>` or "
            "`provider:<name>`.",
            param="scope",
        )
    kind, _, name = scope.partition(":")
    if kind == "agent":
        found = select(col(Agent.organisation)).where(col(Agent.id) == name)
    elif kind == "organisation":
        found = select(col(Person.organisation)).where(col(Person.organisation) == name).limit(1)
    elif scope == EVERYTHING or scope in known:
        return None
    else:
        raise _unknown(scope)
    concerned: str | None = connection.execute(found).scalar()
    if concerned is None:
        raise _unknown(scope)
    return concerned


def _unknown(scope: str) -> NotFound:
    return NotFound("switch_scope_unknown", f"There is nothing called “{scope}” here to stop.")


def _record(
    connection: Connection,
    ledger: Ledger,
    action: Literal["thrown", "lifted"],
    row: Mapping[str, object],
    *,
    reason: Reason,
    by: str,
    comment: str,
) -> None:
    body = {
        "scope": row["scope"],
        "action": action,
        "organisation": row["concerns"],
        "holder": row["organisation"],
        "reason": reason,
        "by": by,
    }
    private = (("comment", comment),) if comment else ()
    ledger.append(
        connection,
        Entry(SERVICE, "switch.changed", body, private=private, data_subject=by if comment else ""),
    )
