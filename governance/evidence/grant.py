"""How far an authority reaches, in plain JSON: the ceiling of an agent, the limits of a mandate.

    {"actions": ["generation:create"], "projects": ["launch"], "models": ["google/*"],
     "territories": ["DE", "FR"], "per_call": "5.00", "total": "200.00", "currency": "EUR",
     "until": "2026-12-31T00:00:00Z"}

Every dimension is there; `*` alone in a list means any. What one authority hands on lies within
it or is refused: nothing is ever cut to fit, because then nobody would have agreed to the result.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from governance.evidence.encoding import parse_time
from governance.evidence.errors import EvidenceError

ANY = "*"
MAX_ITEMS = 64
_FIELDS = {
    "actions",
    "projects",
    "models",
    "territories",
    "per_call",
    "total",
    "currency",
    "until",
}
_ITEM = {
    "actions": re.compile(r"[a-z][a-z0-9_.]{0,63}:[a-z][a-z0-9_]{0,63}"),
    "projects": re.compile(r"[a-z0-9][a-z0-9._-]{0,63}"),
    # The slash before a star keeps `google/*` from covering a vendor `google-labs`.
    "models": re.compile(r"[a-z0-9][a-z0-9.-]{0,63}/(\*|[a-z0-9][a-z0-9.-]{0,63})"),
    "territories": re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?"),
}
_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True)
class Grant:
    """What `parse` has read. per_call, total: in `currency` (ISO 4217); until: exclusive, UTC."""

    actions: tuple[str, ...]
    projects: tuple[str, ...]
    models: tuple[str, ...]
    territories: tuple[str, ...]
    per_call: Decimal
    total: Decimal
    currency: str
    until: datetime


def parse(body: Any, what: str = "The grant") -> Grant:
    """Read a grant. Raises EvidenceError (`grant_invalid`) naming the dimension at fault."""
    if not isinstance(body, dict) or body.keys() != _FIELDS:
        raise _invalid(what, f"must have exactly the fields {', '.join(sorted(_FIELDS))}")
    currency = body["currency"]
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise _invalid(what, "has a currency that is no code of ISO 4217")
    return Grant(
        actions=_items(body, "actions", what),
        projects=_items(body, "projects", what),
        models=_items(body, "models", what),
        territories=_items(body, "territories", what),
        per_call=_amount(body, "per_call", what),
        total=_amount(body, "total", what),
        currency=currency,
        until=parse_time(body["until"], f"`until` of {what[0].lower()}{what[1:]}"),
    )


def require_within(child: Grant, parent: Grant, what: str) -> None:
    """Raises EvidenceError (`grant_widened`) naming the dimension in which `child` exceeds."""
    for name, covers in _COVERS.items():
        if not covers(child, parent):
            raise EvidenceError(
                "grant_widened",
                f"{what} exceeds what it comes from: `{name}` is {_shown(child, name)} where only "
                f"{_shown(parent, name)} is granted. Ask for less; nothing is cut to fit.",
            )


def covers_all(asked: Sequence[str], granted: Sequence[str]) -> bool:
    """Whether every item that is asked for is granted; `*` only by `*`, `vendor/*` by either."""
    return all(covers_item(item, granted) for item in asked)


def covers_item(item: str, granted: Sequence[str]) -> bool:
    """Whether an item, or a pattern as a whole, lies within the granted ones."""
    if ANY in granted or item in granted:
        return True
    vendor, slash, _ = item.partition("/")
    return bool(slash) and f"{vendor}/{ANY}" in granted


def _items(body: dict[str, Any], name: str, what: str) -> tuple[str, ...]:
    items = body[name]
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_ITEMS:
        raise _invalid(what, f"must name 1 to {MAX_ITEMS} {name}, or any by `*`")
    if items == [ANY]:
        return (ANY,)
    if not all(isinstance(item, str) and _ITEM[name].fullmatch(item) for item in items):
        raise _invalid(what, f"has {name} that are not written as such; `*` must stand alone")
    if len(set(items)) != len(items):
        raise _invalid(what, f"names one of its {name} twice")
    return tuple(items)


def _amount(body: dict[str, Any], name: str, what: str) -> Decimal:
    amount = body[name]
    if not isinstance(amount, str) or not _AMOUNT.fullmatch(amount):
        raise _invalid(what, f"must give `{name}` as a decimal number in quotes")
    return Decimal(amount)


def _covers_list(name: str) -> Callable[[Grant, Grant], bool]:
    return lambda child, parent: covers_all(getattr(child, name), getattr(parent, name))


_COVERS: dict[str, Callable[[Grant, Grant], bool]] = {
    "actions": _covers_list("actions"),
    "projects": _covers_list("projects"),
    "models": _covers_list("models"),
    "territories": _covers_list("territories"),
    "currency": lambda child, parent: child.currency == parent.currency,
    "per_call": lambda child, parent: child.per_call <= parent.per_call,
    "total": lambda child, parent: child.total <= parent.total,
    "until": lambda child, parent: child.until <= parent.until,
}


def _shown(grant: Grant, name: str) -> str:
    value = getattr(grant, name)
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _invalid(what: str, why: str) -> EvidenceError:
    return EvidenceError("grant_invalid", f"{what} {why}.")
