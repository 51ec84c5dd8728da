"""`/v1/governance/rate-cards` and `/v1/governance/chargeback`: what customers are charged."""

import hashlib
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import ConfigDict, Field
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from governance.api.calls import Spent
from governance.api.limits import LimitedRoute
from governance.api.permissions import requires
from governance.api.requests import PROJECT, Body, Moment
from governance.evidence.encoding import encode64
from governance.lifecycle import charging
from governance.lifecycle.charging import Window
from governance.spending import chargeback, rate_cards
from governance.spending.chargeback import Form
from governance.spending.rate_cards import Price, RateCard, Terms

router = APIRouter(prefix="/v1/governance", tags=["Spending"], route_class=LimitedRoute)
Amount = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=6)]
MEDIA_TYPES = {"json": "application/json", "csv": "text/csv; charset=utf-8"}


class PriceBody(Body):
    """model: catalogue id, `vendor/*` or `*`."""

    model: str = Field(max_length=130)
    per_second: Amount = Decimal(0)
    per_item: Amount = Decimal(0)


class RateCardBody(Body):
    """scope: `organisation` or `production/<id>`; from: first day; until: the day after the last;
    mark_up: percent on the cost of whatever has no fixed price; currency: of the fixed prices."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "scope": "organisation",
                "from": "2026-12-01",
                "mark_up": "15",
                "prices": [{"model": "luma/*", "per_second": "0.25", "per_item": "1.00"}],
            }
        }
    )

    scope: str = Field("organisation", max_length=80)
    starts: date = Field(alias="from")
    until: date | None = None
    mark_up: Amount
    prices: list[PriceBody] = Field(default_factory=list, max_length=rate_cards.MAX_PRICES)
    currency: str = Field("USD", pattern="^[A-Z]{3}$")

    def terms(self) -> Terms:
        prices = tuple(Price(one.model, one.per_second, one.per_item) for one in self.prices)
        return Terms(self.starts, self.mark_up, prices, self.currency, self.until)


@router.get("/rate-cards")
@requires("rate_card", "read")
async def list_rate_cards(call: Spent) -> dict[str, Any]:
    """Every version of every rate card; of those whose days include a request the newest counts."""
    with call.context.database.read() as session:
        found = rate_cards.list_cards(session, call.principal.organisation)
    return {"object": "list", "data": [_shown(card) for card in found]}


@router.post("/rate-cards", status_code=201)
@requires("rate_card", "manage")
async def add_rate_card(body: RateCardBody, call: Spent) -> dict[str, Any]:
    """Add a version. Those before stay as they are, and in force where this one is not."""
    context, principal, terms = call.context, call.principal, body.terms()

    def run(connection: Connection) -> RateCard:
        return rate_cards.add_version(
            connection,
            context.ledger,
            organisation=principal.organisation,
            scope=body.scope,
            terms=terms,
            by=principal.id,
        )

    return _shown(await context.database.write_async(run))


@router.get("/chargeback", response_class=Response)
@requires("chargeback", "read")
async def get_chargeback(
    call: Spent,
    start: Annotated[Moment, Query(alias="from")],
    end: Annotated[Moment, Query(alias="to")],
    project: Annotated[str | None, Query(pattern=f"^{PROJECT.pattern}$")] = None,
    production: Annotated[str | None, Query(max_length=64)] = None,
    as_: Annotated[Form, Query(alias="format")] = "json",
) -> Response:
    """What generations requested in [from, to) cost and are charged at, per client and production.

    The same records and rate cards give the same bytes; `Content-Digest` (RFC 9530) names them.
    """
    window = Window(call.principal.organisation, start, end, project, production)
    found = await run_in_threadpool(charging.charged, call.context, window)
    data = chargeback.export(as_, window.as_body(), found)
    digest = encode64(hashlib.sha256(data).digest())
    headers = {"content-digest": f"sha-256=:{digest}:"}
    return Response(data, media_type=MEDIA_TYPES[as_], headers=headers)


def _shown(card: RateCard) -> dict[str, Any]:
    return {
        "id": card.id,
        "object": "rate_card",
        "scope": card.scope,
        "version": card.version,
        **rate_cards.as_body(card.terms),
    }
