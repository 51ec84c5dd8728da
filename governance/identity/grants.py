"""From the grants that are signed, as JSON, to those that capabilities work with."""

from typing import Any

from governance.domain.grant import Grant
from governance.evidence import grant
from governance.kernel import clock


def as_grant(body: Any) -> Grant:
    """The grant in a document or a mandate. Raises EvidenceError (`grant_invalid`)."""
    return Grant(**vars(grant.parse(body)))


def as_body(granted: Grant) -> dict[str, Any]:
    """The same as JSON, for records and answers."""
    return {
        "actions": list(granted.actions),
        "projects": list(granted.projects),
        "models": list(granted.models),
        "territories": list(granted.territories),
        "per_call": f"{granted.per_call:f}",
        "total": f"{granted.total:f}",
        "currency": granted.currency,
        "until": clock.rfc3339(granted.until),
    }
