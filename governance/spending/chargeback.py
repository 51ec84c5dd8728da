"""What clients are charged for: each generation that cost money or has a price, and the sums.

Pure: stories and rate cards in, the same bytes out. Amounts are decimal strings; a price has four
digits after the point, rounded half up.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from governance.evidence.encoding import serialise
from governance.evidence.story import Story
from governance.kernel import clock
from governance.spending import rate_cards
from governance.spending.rate_cards import RateCard

Body = dict[str, Any]
# As the vendor told; as it quoted, for it tells none; set aside while the outcome is not known.
Basis = Literal["real", "quoted", "held"]
Form = Literal["json", "csv"]
STEP = Decimal("0.0001")
FIXED = "fixed"
# Spreadsheets take a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class Line:
    """One cost of a generation.

    client, production: empty where there is none; mark_up: percent, `fixed` for a fixed price,
    None without a price; price: None while the outcome is not known, and without a rate card.
    """

    generation: str
    requested_at: str
    client: str
    project: str
    production: str
    model: str
    state: str
    seconds: int
    basis: Basis
    cost: str
    cost_currency: str
    rate_card: str | None = None
    mark_up: str | None = None
    price: str | None = None
    price_currency: str | None = None


def lines(
    stories: Iterable[Story], cards: Sequence[RateCard], clients: Mapping[str, str]
) -> list[Line]:
    """What is to be charged for, by client, production and time.

    clients: the name of each production's client.
    """
    found = [line for story in stories for line in _lines(story, cards, clients)]
    return sorted(
        found,
        key=lambda line: (
            line.client,
            line.project,
            line.production,
            line.requested_at,
            line.generation,
            line.basis,
        ),
    )


def sums(found: Iterable[Line]) -> list[Body]:
    """For each client and production: lines, those without a price, and amounts by currency."""
    groups: dict[tuple[str, str, str], list[Line]] = {}
    for line in found:
        groups.setdefault((line.client, line.project, line.production), []).append(line)
    return [
        {
            "client": client,
            "project": project,
            "production": production,
            "lines": len(group),
            "unpriced": sum(line.price is None and line.basis != "held" for line in group),
            "cost": _sum((x.cost_currency, x.cost) for x in group if x.basis != "held"),
            "held": _sum((x.cost_currency, x.cost) for x in group if x.basis == "held"),
            "price": _sum((x.price_currency, x.price) for x in group),
        }
        for (client, project, production), group in sorted(groups.items())
    ]


def export(form: Form, window: Mapping[str, str | None], found: Sequence[Line]) -> bytes:
    """The file that is handed on. window: what it covers."""
    return as_csv(found) if form == "csv" else as_json(window, found)


def as_json(window: Mapping[str, str | None], found: Sequence[Line]) -> bytes:
    """The whole, with the sums, as canonical JSON."""
    document = {"window": dict(window), "lines": [vars(x) for x in found], "sums": sums(found)}
    return serialise(document)


def as_csv(found: Iterable[Line]) -> bytes:
    """One row a line, UTF-8 with CRLF (RFC 4180). No cell is a formula to a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(Line.__dataclass_fields__)
    writer.writerows([_cell(value) for value in vars(line).values()] for line in found)
    return text.getvalue().encode()


def _lines(story: Story, cards: Sequence[RateCard], clients: Mapping[str, str]) -> Iterator[Line]:
    production = (story.request.get("production") or {}).get("id", "")
    day = clock.parse(story.requested_at).date()
    card = rate_cards.in_force(cards, production, day)
    for basis, cost in _costs(story):
        yield Line(
            generation=story.id,
            requested_at=story.requested_at,
            client=clients.get(production, ""),
            project=story.request["project"],
            production=production,
            model=_model(story),
            state=story.state,
            seconds=story.request["seconds"],
            basis=basis,
            cost=cost["amount"],
            cost_currency=cost["currency"],
            **({} if card is None or basis == "held" else _priced(story, cost, card)),
        )


def _costs(story: Story) -> Iterator[tuple[Basis, Body]]:
    is_made = story.original is not None and not story.is_import
    quote = (story.route or {}).get("quote")
    if story.cost is not None:
        yield "real", story.cost
    elif is_made and quote is not None:
        yield "quoted", quote
    if story.held is not None:
        yield "held", story.held


def _priced(story: Story, cost: Body, card: RateCard) -> Body:
    """A fixed price is for what was made; an attempt that failed costs what it cost."""
    terms = card.terms
    fixed = rate_cards.price_of(terms.prices, _model(story)) if story.original else None
    if fixed is not None:
        price, currency, mark_up = (
            fixed.per_second * story.request["seconds"] + fixed.per_item,
            terms.currency,
            FIXED,
        )
    else:
        price = Decimal(cost["amount"]) * (1 + terms.mark_up / 100)
        currency, mark_up = cost["currency"], f"{terms.mark_up:f}"
    return {
        "rate_card": card.id,
        "mark_up": mark_up,
        "price": f"{price.quantize(STEP, ROUND_HALF_UP):f}",
        "price_currency": currency,
    }


def _model(story: Story) -> str:
    return str((story.route or {}).get("model") or "")


def _sum(amounts: Iterable[tuple[str | None, str | None]]) -> dict[str, str]:
    totals: dict[str, Decimal] = {}
    for currency, amount in amounts:
        if currency is not None and amount is not None:
            totals[currency] = totals.get(currency, Decimal(0)) + Decimal(amount)
    return {currency: f"{total:f}" for currency, total in sorted(totals.items())}


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
