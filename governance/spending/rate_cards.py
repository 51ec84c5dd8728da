"""What customers are charged: cost with a mark-up, or a fixed price per model.

A card holds for an organisation, or for one production of it, which then has nothing from the
other. A version never changes: the newest one whose days include that of a request counts.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from governance.kernel import ids
from governance.kernel.errors import Conflict, InvalidRequest
from governance.ledger import SERVICE, Entry, Ledger
from governance.spending.tables import RateCard as Row

ORGANISATION = "organisation"
MAX_PRICES = 64
MAX_AMOUNT = Decimal(10) ** 6
PLACES = 6  # of percent and amounts
SCOPE = re.compile(r"organisation|production/[a-z]{2,6}_[0-9a-f]{32}")
MODEL = re.compile(r"\*|[a-z0-9][a-z0-9.-]{0,63}/(\*|[a-z0-9][a-z0-9.-]{0,63})")
_CURRENCY = re.compile(r"[A-Z]{3}")
_ROWS = Row.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Price:
    """Fixed prices of what a model makes. model: catalogue id, `vendor/*` or `*`; both add up."""

    model: str
    per_second: Decimal = Decimal(0)
    per_item: Decimal = Decimal(0)


@dataclass(frozen=True)
class Terms:
    """What a version says.

    starts: first day; ends: the day after the last, None for open; mark_up: percent on the cost
    of whatever has no fixed price; currency: of the fixed prices.
    """

    starts: date
    mark_up: Decimal
    prices: tuple[Price, ...] = ()
    currency: str = "USD"
    ends: date | None = None


@dataclass(frozen=True)
class RateCard:
    """One version. scope: `organisation` or `production/<id>`."""

    id: str
    scope: str
    version: int
    terms: Terms


def add_version(
    connection: Connection,
    ledger: Ledger,
    *,
    organisation: str,
    scope: str,
    terms: Terms,
    by: str,
) -> RateCard:
    """Add the next version of a card. Records `ratecard.changed`.

    Raises InvalidRequest (`rate_card_invalid`), Conflict (`rate_card_changed`).
    """
    _require_valid(scope, terms)
    last = select(func.max(_ROWS.c.version)).where(
        _ROWS.c.organisation == organisation, _ROWS.c.scope == scope
    )
    version = (connection.execute(last).scalar() or 0) + 1
    card = RateCard(ids.new_id("rtc"), scope, version, terms)
    row = {
        "id": card.id,
        "organisation": organisation,
        "scope": scope,
        "version": version,
        "starts": terms.starts,
        "ends": terms.ends,
        "mark_up": f"{terms.mark_up:f}",
        "currency": terms.currency,
        "prices": orjson.dumps(_prices(terms)).decode(),
    }
    try:
        connection.execute(insert(_ROWS).values(row))
    except IntegrityError:
        raise Conflict(
            "rate_card_changed", "Somebody else has changed this rate card just now; look again."
        ) from None
    body = {
        "rate_card": card.id,
        "organisation": organisation,
        "scope": scope,
        "version": version,
        **as_body(terms),
        "by": by,
    }
    ledger.append(connection, Entry(SERVICE, "ratecard.changed", body))
    return card


def list_cards(session: Session, organisation: str) -> list[RateCard]:
    """Every version of every card of an organisation, by scope and version."""
    rows = session.scalars(
        select(Row)
        .where(col(Row.organisation) == organisation)
        .order_by(col(Row.scope), col(Row.version))
    )
    return [_card(row) for row in rows]


def in_force(cards: Iterable[RateCard], production: str, day: date) -> RateCard | None:
    """The card by which a request of that day is charged; None where there is none."""
    for scope in (f"production/{production}", ORGANISATION):
        holding = [card for card in cards if card.scope == scope and _holds(card.terms, day)]
        if holding:
            return max(holding, key=lambda card: card.version)
    return None


def price_of(prices: Sequence[Price], model: str) -> Price | None:
    """The fixed price of a model: its own, its vendor's, or everybody's."""
    vendor = model.partition("/")[0]
    by_name = {price.model: price for price in prices}
    found = (by_name.get(name) for name in (model, f"{vendor}/*", "*"))
    return next((price for price in found if price is not None), None)


def as_body(terms: Terms) -> dict[str, Any]:
    """The same as JSON, for records and answers."""
    return {
        "from": terms.starts.isoformat(),
        "until": terms.ends and terms.ends.isoformat(),
        "mark_up": f"{terms.mark_up:f}",
        "currency": terms.currency,
        "prices": _prices(terms),
    }


def _prices(terms: Terms) -> list[dict[str, str]]:
    return [
        {
            "model": price.model,
            "per_second": f"{price.per_second:f}",
            "per_item": f"{price.per_item:f}",
        }
        for price in terms.prices
    ]


def _card(row: Row) -> RateCard:
    prices = tuple(
        Price(one["model"], Decimal(one["per_second"]), Decimal(one["per_item"]))
        for one in orjson.loads(row.prices)
    )
    terms = Terms(row.starts, Decimal(row.mark_up), prices, row.currency, row.ends)
    return RateCard(row.id, row.scope, row.version, terms)


def _holds(terms: Terms, day: date) -> bool:
    return terms.starts <= day and (terms.ends is None or day < terms.ends)


def _require_valid(scope: str, terms: Terms) -> None:
    models = [price.model for price in terms.prices]
    amounts = [terms.mark_up, *(price.per_second for price in terms.prices)]
    amounts += [price.per_item for price in terms.prices]
    faults = (
        (not SCOPE.fullmatch(scope), "scope", "A scope is `organisation` or `production/<id>`."),
        (
            terms.ends is not None and terms.ends <= terms.starts,
            "until",
            "`until` is the day after the last one and lies after `from`.",
        ),
        (
            not all(map(_is_amount, amounts)),
            "prices",
            f"Mark-up and prices are not negative, below {MAX_AMOUNT}, with {PLACES} digits after "
            "the point at most.",
        ),
        (
            len(models) > MAX_PRICES
            or len(set(models)) != len(models)
            or not all(map(MODEL.fullmatch, models)),
            "prices",
            f"Name up to {MAX_PRICES} models once each: a catalogue id, `vendor/*` or `*`.",
        ),
        (
            not _CURRENCY.fullmatch(terms.currency),
            "currency",
            "A currency is named by three letters, such as USD.",
        ),
    )
    for is_wrong, param, why in faults:
        if is_wrong:
            raise InvalidRequest("rate_card_invalid", why, param=param)


def _is_amount(amount: Decimal) -> bool:
    return amount.is_finite() and 0 <= amount < MAX_AMOUNT and not amount * 10**PLACES % 1
