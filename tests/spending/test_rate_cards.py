"""Rate cards: versions that never change, of which the newest that holds on a day counts."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from governance.kernel.database import Database
from governance.kernel.errors import InvalidRequest
from governance.ledger import Ledger, read_stream
from governance.spending import rate_cards
from governance.spending.rate_cards import Price, RateCard, Terms, in_force, price_of
from tests.spending.samples import ADA, PRODUCTION

JUNE, JULY, AUGUST = (date(2026, month, 1) for month in (6, 7, 8))
OWN = f"production/{PRODUCTION}"


def add(database: Database, ledger: Ledger, terms: Terms, scope: str = "organisation") -> RateCard:
    return database.write(
        lambda c: rate_cards.add_version(
            c, ledger, organisation="acme", scope=scope, terms=terms, by=ADA
        )
    )


def card(version: int, starts: date, ends: date | None = None, scope: str = "") -> RateCard:
    return RateCard(
        "", scope or "organisation", version, Terms(starts, Decimal(version), ends=ends)
    )


def test_what_is_kept_is_what_was_said_and_it_is_on_record(
    database: Database, ledger: Ledger
) -> None:
    prices = (Price("luma/*", Decimal("0.25"), Decimal(1)), Price("*", Decimal("0.5")))
    terms = Terms(JUNE, Decimal("12.5"), prices, "EUR", AUGUST)
    first = add(database, ledger, terms)
    second = add(database, ledger, Terms(JULY, Decimal(10)))
    other = add(database, ledger, Terms(JULY, Decimal(0)), OWN)
    assert [one.version for one in (first, second, other)] == [1, 2, 1]
    with database.read() as session:
        assert rate_cards.list_cards(session, "acme") == [first, second, other]
        assert rate_cards.list_cards(session, "rival") == []
        bodies = [record.body for record in read_stream(session, "service.acme")]
    assert [body["version"] for body in bodies] == [1, 2, 1]
    assert bodies[0]["mark_up"] == "12.5"
    assert bodies[0]["until"] == "2026-08-01"
    assert bodies[0]["prices"][0] == {"model": "luma/*", "per_second": "0.25", "per_item": "1"}


def test_the_newest_version_that_holds_on_the_day_counts() -> None:
    cards = [card(1, JUNE), card(2, JULY, AUGUST)]
    assert in_force(cards, "", date(2026, 5, 31)) is None
    assert in_force(cards, "", JUNE) == cards[0]
    assert in_force(cards, "", JULY) == cards[1]
    assert in_force(cards, "", date(2026, 7, 31)) == cards[1]
    assert in_force(cards, "", AUGUST) == cards[0]


def test_a_productions_own_card_goes_before_the_organisations() -> None:
    cards = [card(5, JUNE), card(1, JULY, scope=OWN)]
    assert in_force(cards, PRODUCTION, JULY) == cards[1]
    assert in_force(cards, PRODUCTION, JUNE) == cards[0]
    assert in_force(cards, "prd_other", JULY) == cards[0]


def test_a_models_own_price_goes_before_its_vendors_and_that_before_everybodys() -> None:
    own, vendors, any_ = Price("luma/ray-2"), Price("luma/*"), Price("*")
    assert price_of([any_, vendors, own], "luma/ray-2") == own
    assert price_of([any_, vendors, own], "luma/ray-3.2") == vendors
    assert price_of([any_, vendors], "kling/v3") == any_
    assert price_of([vendors], "kling/v3") is None


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"ends": JUNE}, "until"),
        ({"mark_up": Decimal(-1)}, "prices"),
        ({"mark_up": Decimal("NaN")}, "prices"),
        ({"mark_up": Decimal("1.0000001")}, "prices"),
        ({"prices": (Price("luma/*", Decimal(-1)),)}, "prices"),
        ({"prices": (Price("luma/*"), Price("luma/*"))}, "prices"),
        ({"prices": (Price("no model"),)}, "prices"),
        ({"currency": "Euro"}, "currency"),
    ],
)
def test_what_is_no_rate_card_is_refused_with_the_field(
    database: Database, ledger: Ledger, changes: dict[str, Any], param: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        add(database, ledger, Terms(**{"starts": JUNE, "mark_up": Decimal(10), **changes}))
    assert (caught.value.code, caught.value.param) == ("rate_card_invalid", param)


def test_a_card_for_anything_else_is_refused(database: Database, ledger: Ledger) -> None:
    with pytest.raises(InvalidRequest):
        add(database, ledger, Terms(JUNE, Decimal(10)), "client/acme")
