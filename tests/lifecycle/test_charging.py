"""Chargebacks and invoices over what a house has really made."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from governance.evidence.record import Record
from governance.evidence.story import State
from governance.kernel import clock, ids
from governance.kernel.errors import InvalidRequest
from governance.ledger import read_stream
from governance.lifecycle import charging
from governance.lifecycle.charging import Window
from governance.spending import attempts, rate_cards
from governance.spending.rate_cards import Terms
from tests.house import VENDOR_CLIP, House
from tests.platform import ORGANISATION

HEAD = "job id,external id,date,amount,currency\n"
VENDOR = "openai-videos"


@pytest.fixture
def project(house: House) -> str:
    """A project of the test's own."""
    return ids.new_id("project")


def today(**changes: str) -> Window:
    now = clock.now()
    return Window(ORGANISATION, now - timedelta(hours=1), now + timedelta(hours=1), **changes)


def records(house: House, stream: str) -> list[Record]:
    with house.service.context.database.read() as session:
        return read_stream(session, stream)


def test_a_file_whose_vendor_tells_no_cost_is_charged_as_quoted(house: House, project: str) -> None:
    context = house.service.context
    terms = Terms(clock.now().date(), Decimal(20))
    context.database.write(
        lambda c: rate_cards.add_version(
            c,
            context.ledger,
            organisation=ORGANISATION,
            scope="organisation",
            terms=terms,
            by=house.officer.id,
        )
    )
    asked = replace(VENDOR_CLIP, project=project)
    made = house.made(State.FETCHED, asked)
    house.made(State.FAILED, asked, "[[moderate]]")
    (line,) = charging.charged(context, today(project=project))
    assert (line.generation, line.basis, line.cost) == (made, "quoted", "0.05")
    assert line.price == "0.0600"


def test_only_what_was_asked_for_in_the_period_is_charged(house: House, project: str) -> None:
    context, window = house.service.context, today(project=project)
    made = house.made(State.FETCHED, replace(VENDOR_CLIP, project=project))
    moment = clock.parse(house.service.story(made).requested_at)
    shift = timedelta(microseconds=1)
    for start, end, found in (
        (moment, window.end, 1),
        (window.start, moment + shift, 1),
        (moment + shift, window.end, 0),
        (window.start, moment, 0),
    ):
        asked = replace(window, start=start, end=end)
        assert len(charging.charged(context, asked)) == found
    assert charging.charged(context, replace(window, organisation="rival")) == []


def test_a_period_that_ends_before_it_begins_is_refused(house: House) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    with pytest.raises(InvalidRequest):
        charging.charged(house.service.context, Window(ORGANISATION, now, now))


def test_an_invoice_is_held_against_the_orders_and_leaves_a_record(house: House) -> None:
    context, window = house.service.context, today()
    made = house.made(State.FETCHED, VENDOR_CLIP)
    unbilled = house.made(State.FETCHED, VENDOR_CLIP)
    lost = house.made(State.UNKNOWN, VENDOR_CLIP, "[[500]]")
    job = (house.service.story(made).job or {})["id"]
    day = clock.now().date()
    invoice = (
        f"{HEAD}{job},,{day},0.07,USD\nvideo_of_theirs,{lost},{day},0.05,USD\n"
        f"video_of_nobody,,{day},9.00,USD\n"
    ).encode()

    result = charging.reconcile(context, invoice, VENDOR, window)

    (match,) = result.matched
    assert (match.order.generation, match.difference) == (made, Decimal("0.02"))
    assert [match.order.generation for match in result.resolved] == [lost]
    assert unbilled in {order.generation for order in result.ours_only}
    assert [line.names for line in result.vendor_only] == [("video_of_nobody",)]
    assert not result.is_complete
    recorded = [
        record.body
        for record in records(house, f"service.{ORGANISATION}")
        if record.event == "invoice.reconciled"
    ][-1]
    assert recorded["invoice"] == hashlib.sha256(invoice).hexdigest()
    assert (recorded["lines"], recorded["matched"], recorded["resolved"]) == (3, 1, 1)
    assert recorded["sums"][0]["invoiced"] == "9.12"
    assert "video_of_nobody" not in str(recorded)


def test_an_invoice_of_nobody_we_know_is_refused(house: House) -> None:
    with pytest.raises(InvalidRequest) as caught:
        charging.reconcile(house.service.context, HEAD.encode(), "nobody", today())
    assert caught.value.code == "provider_unknown"


@pytest.mark.parametrize(
    ("prompt", "until", "outcome", "amount"),
    [
        ("a calm sea", State.FETCHED, "made", "0.05"),
        ("a calm sea", State.GENERATING, "sent", "0.05"),
        ("[[moderate]]", State.FAILED, "failed", "0"),
        ("[[500]]", State.UNKNOWN, "unknown", "0.05"),
    ],
)
def test_the_records_tell_what_became_of_an_order(
    house: House, prompt: str, until: State, outcome: str, amount: str
) -> None:
    generation = house.made(until, VENDOR_CLIP, prompt)
    (order,) = attempts.attempts(records(house, generation))
    assert (order.outcome, order.amount) == (outcome, Decimal(amount))
    assert (order.provider, order.key) == (VENDOR, generation)
