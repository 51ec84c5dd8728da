"""Chargebacks: what each generation cost and is charged at, and where that figure comes from."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.evidence.story import State, Story
from governance.spending import chargeback
from governance.spending.chargeback import Line, as_csv, as_json, sums
from governance.spending.rate_cards import Price, RateCard, Terms
from tests.spending.samples import PRODUCTION

CLIENTS = {PRODUCTION: "Northwind"}
CARD = RateCard("rtc_1", "organisation", 1, Terms(date(2026, 6, 1), Decimal(15)))
FILE = {"digest": "a" * 64}


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


def told(name: str = "gen_1", production: str = PRODUCTION, **changes: Any) -> Story:
    """A clip of four seconds that was made and whose vendor told what it cost."""
    request = {"project": "film", "seconds": 4}
    if production:
        request["production"] = {"id": production, "version": "b" * 64}
    given: dict[str, Any] = {
        "state": State.RELEASED,
        "requested_at": "2026-06-10T12:00:00.000000Z",
        "route": {"model": "luma/ray-2", "quote": usd("1.00")},
        "cost": usd("0.80"),
        "original": FILE,
    }
    return Story(id=name, request=request, **{**given, **changes})


def charged(story: Story, *cards: RateCard) -> list[Line]:
    return chargeback.lines([story], cards or (CARD,), CLIENTS)


def priced(*prices: Price, currency: str = "USD") -> RateCard:
    return RateCard(
        "rtc_2", "organisation", 2, Terms(date(2026, 6, 1), Decimal(15), prices, currency)
    )


def test_the_real_cost_is_charged_with_the_mark_up() -> None:
    (line,) = charged(told())
    assert (line.client, line.production, line.model) == ("Northwind", PRODUCTION, "luma/ray-2")
    assert (line.basis, line.cost, line.mark_up, line.price) == ("real", "0.80", "15", "0.9200")
    assert line.rate_card == "rtc_1"


def test_where_the_vendor_tells_no_cost_the_quote_stands_and_says_so() -> None:
    (line,) = charged(told(cost=None))
    assert (line.basis, line.cost, line.price) == ("quoted", "1.00", "1.1500")


def test_a_fixed_price_is_by_the_second_and_by_the_item() -> None:
    (line,) = charged(told(), priced(Price("luma/*", Decimal("0.25"), Decimal(2)), currency="EUR"))
    assert (line.mark_up, line.price, line.price_currency) == ("fixed", "3.0000", "EUR")
    assert (line.cost, line.cost_currency) == ("0.80", "USD")


def test_what_failed_is_not_charged_at_a_fixed_price_but_at_what_it_cost() -> None:
    failed = told(state=State.FAILED, original=None, cost=usd("0.10"))
    (line,) = charged(failed, priced(Price("*", Decimal(1))))
    assert (line.mark_up, line.price) == ("15", "0.1150")


def test_what_is_held_is_shown_and_not_charged() -> None:
    unknown = told(state=State.UNKNOWN, original=None, cost=None, held=usd("1.00"))
    (line,) = charged(unknown)
    assert (line.basis, line.cost, line.price, line.rate_card) == ("held", "1.00", None, None)
    (group,) = sums([line])
    assert (group["cost"], group["held"], group["price"]) == ({}, {"USD": "1.00"}, {})
    assert group["unpriced"] == 0


@pytest.mark.parametrize(
    "nothing",
    [
        {"state": State.DENIED, "route": None},
        {"state": State.FAILED},
        {"state": State.PERMITTED, "route": None},
    ],
)
def test_what_cost_nothing_and_made_nothing_is_no_matter(nothing: dict[str, Any]) -> None:
    assert charged(told(cost=None, original=None, **nothing)) == []


def test_a_file_from_outside_is_not_charged() -> None:
    story = told(cost=None, route=None)
    story.request["asset"] = FILE
    del story.request["seconds"]
    assert charged(story) == []


def test_without_a_rate_card_nothing_is_made_up() -> None:
    (line,) = chargeback.lines([told()], [], CLIENTS)
    assert (line.rate_card, line.mark_up, line.price) == (None, None, None)
    (group,) = sums([line])
    assert (group["unpriced"], group["price"]) == (1, {})


def test_the_card_of_the_day_of_the_request_counts() -> None:
    later = RateCard("rtc_3", "organisation", 3, Terms(date(2026, 6, 11), Decimal(50)))
    (line,) = charged(told(), CARD, later)
    assert line.rate_card == "rtc_1"


def test_sums_are_per_client_and_production_and_exact() -> None:
    stories = [told(f"gen_{n}", cost=usd("0.10")) for n in range(3)]
    stories.append(told("gen_9", production=""))
    found = chargeback.lines(stories, [CARD], CLIENTS)
    assert [
        (x["client"], x["production"], x["lines"], x["cost"], x["price"]) for x in sums(found)
    ] == [
        ("", "", 1, {"USD": "0.80"}, {"USD": "0.9200"}),
        ("Northwind", PRODUCTION, 3, {"USD": "0.30"}, {"USD": "0.3450"}),
    ]


def test_a_price_is_rounded_half_up_at_the_fourth_digit() -> None:
    (line,) = charged(told(cost=usd("0.00030")), priced())
    assert line.price == "0.0003"
    (line,) = charged(told(cost=usd("0.001")), priced())
    assert line.price == "0.0012"  # 0.00115


@given(order=st.permutations([told(f"gen_{n}", cost=usd(f"0.{n}")) for n in range(1, 6)]))
def test_the_same_stories_give_the_same_bytes_in_whatever_order(order: Sequence[Story]) -> None:
    whole = [told(f"gen_{n}", cost=usd(f"0.{n}")) for n in range(1, 6)]
    window = {"organisation": "acme"}
    found, again = (chargeback.lines(x, [CARD], CLIENTS) for x in (whole, order))
    assert as_csv(found) == as_csv(again)
    assert as_json(window, found) == as_json(window, again)


@pytest.mark.parametrize("name", ["=1+1", "+cmd", "-2", "@sum", "\t=1", "\r=1", '=","x'])
def test_no_name_of_a_client_becomes_a_formula(name: str) -> None:
    found = chargeback.lines([told()], [CARD], {PRODUCTION: name})
    _, row = csv.reader(io.StringIO(as_csv(found).decode(), newline=""))
    assert row[2] == f"'{name}"


def test_the_csv_has_a_column_for_everything_that_a_line_says() -> None:
    head, row = csv.reader(io.StringIO(as_csv(charged(told())).decode()))
    told_ = dict(zip(head, row, strict=True))
    assert told_["generation"] == "gen_1"
    assert told_["basis"] == "real"
    assert told_["price"] == "0.9200"


def test_the_json_tells_what_it_covers_the_lines_and_the_sums() -> None:
    document = json.loads(as_json({"organisation": "acme"}, charged(told())))
    assert document["window"] == {"organisation": "acme"}
    assert document["lines"][0]["price"] == "0.9200"
    assert document["sums"][0]["client"] == "Northwind"
