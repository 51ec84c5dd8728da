"""Refusals to known principals are on record. Strangers are only counted: otherwise anyone could
write the log.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from governance.domain.principal import Principal, PrincipalKind
from governance.identity.changes import SERVICE
from governance.kernel.errors import Denied
from governance.ledger.ledger import Entry, Ledger


def denied(principal: Principal, code: str, message: str, **details: Any) -> Denied:
    """The error for a known principal, whom its details name so that it can be recorded."""
    return Denied(
        code,
        message,
        **details,
        principal=principal.id,
        kind=principal.kind,
        organisation=principal.organisation,
    )


def record_denial(
    connection: Connection,
    ledger: Ledger,
    *,
    principal: str,
    kind: PrincipalKind,
    organisation: str,
    project: str | None,
    asked: tuple[str, str],
    code: str,
    rules: Sequence[str] = (),
) -> None:
    """Append `access.denied`.

    organisation: the principal's own; asked: object and action as policy names them;
    code: the refusal's error code; rules: ids of the rules that refused.
    """
    body = {
        "principal": principal,
        "kind": kind,
        "organisation": organisation,
        "project": project,
        "object": asked[0],
        "action": asked[1],
        "code": code,
        "rules": list(rules),
    }
    ledger.append(connection, Entry(SERVICE, "access.denied", body))
