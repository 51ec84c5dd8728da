"""The breaker: it opens after faults of the vendor, and lets an order through to try again."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory

from governance.routing.health import FIRST_PAUSE, LONGEST_PAUSE, TRIPS_AFTER, Health
from governance.routing.provider import FaultKind

from .builders import catalogue, model

KNOWN = catalogue(model(), model(id="test/sister"), model(id="test/other", provider="elsewhere"))
HERE = "studio.example"


@pytest.fixture
def clock() -> Iterator[FrozenDateTimeFactory]:
    with freeze_time("2026-11-23T12:00:00Z") as moment:
        assert isinstance(moment, FrozenDateTimeFactory)
        yield moment


@pytest.fixture
def health(clock: FrozenDateTimeFactory) -> Health:
    return Health(KNOWN)


def fail(health: Health, fault: FaultKind = "unavailable", times: int = TRIPS_AFTER) -> None:
    for _ in range(times):
        health.note(HERE, "test/plain", fault)


@pytest.mark.parametrize("fault", ["unavailable", "internal", "ambiguous", "gone"])
def test_faults_of_the_vendor_in_a_row_open_it(health: Health, fault: FaultKind) -> None:
    fail(health, fault, TRIPS_AFTER - 1)
    assert not health.is_resting(HERE, "test/plain")
    fail(health, fault, 1)
    assert health.is_resting(HERE, "test/plain")


@pytest.mark.parametrize("fault", ["refused", "invalid", "throttled", "exhausted", "auth"])
def test_refusals_and_faults_of_ours_do_not_count(health: Health, fault: FaultKind) -> None:
    fail(health, fault, 50)
    assert not health.is_resting(HERE, "test/plain")
    assert health.rate(HERE, "test/plain", Decimal("0.9")) == Decimal("0.9000")


def test_a_success_in_between_starts_the_count_afresh(health: Health) -> None:
    fail(health, times=TRIPS_AFTER - 1)
    health.note(HERE, "test/plain", None)
    fail(health, times=TRIPS_AFTER - 1)
    assert not health.is_resting(HERE, "test/plain")


def test_it_opens_for_every_model_of_the_provider_and_for_no_other(health: Health) -> None:
    fail(health)
    assert health.is_resting(HERE, "test/sister")
    assert not health.is_resting(HERE, "test/other")


def test_a_model_that_is_gone_says_nothing_about_its_provider(health: Health) -> None:
    fail(health, "gone")
    assert health.is_resting(HERE, "test/plain")
    assert not health.is_resting(HERE, "test/sister")


def test_one_organisations_vendor_trouble_is_not_anothers(health: Health) -> None:
    fail(health)
    assert not health.is_resting("agency.example", "test/plain")


def test_after_a_pause_orders_are_let_through_and_a_success_closes_it(
    health: Health, clock: FrozenDateTimeFactory
) -> None:
    fail(health)
    clock.tick(FIRST_PAUSE - timedelta(seconds=1))
    assert health.is_resting(HERE, "test/plain")
    clock.tick(timedelta(seconds=1))
    assert not health.is_resting(HERE, "test/plain")
    health.note(HERE, "test/plain", None)
    fail(health, times=TRIPS_AFTER - 1)
    assert not health.is_resting(HERE, "test/plain")


def test_a_failed_trial_opens_it_again_for_twice_as_long_up_to_a_limit(
    health: Health, clock: FrozenDateTimeFactory
) -> None:
    fail(health)
    pause = FIRST_PAUSE
    for _ in range(8):
        clock.tick(pause)
        assert not health.is_resting(HERE, "test/plain")
        fail(health, times=1)
        pause = min(2 * pause, LONGEST_PAUSE)
        clock.tick(pause - timedelta(seconds=1))
        assert health.is_resting(HERE, "test/plain")
        clock.tick(timedelta(seconds=1) - pause)  # back to when it opened
    assert pause == LONGEST_PAUSE


def test_the_rate_starts_from_what_is_expected_and_follows_the_last_answers(
    health: Health,
) -> None:
    assert health.rate(HERE, "test/plain", Decimal("0.9")) == Decimal("0.9000")
    fail(health, times=10)
    assert health.rate(HERE, "test/plain", Decimal("0.9")) == Decimal("0.4500")
    for _ in range(50):
        health.note(HERE, "test/plain", None)
    assert health.rate(HERE, "test/plain", Decimal("0.9")) == Decimal("0.9833")
