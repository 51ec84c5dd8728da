"""What our own orders show: written with the records they follow from, summed by model."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from freezegun import freeze_time

from governance.evidence.story import Story
from governance.kernel import clock
from governance.kernel.database import Database
from governance.routing.measurements import (
    Measurements,
    note_failed,
    note_fetched,
    note_reviewed,
    note_screened,
)
from governance.routing.provider import FaultKind
from governance.routing.quality import Measured

from .builders import catalogue, model

HERE = "studio.example"
KNOWN = catalogue(model(), model(id="test/other"))
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def story(generation: str, seconds: float = 0, attempt: int = 1, **changes: str) -> Story:
    """A generation whose job has been under way for so long."""
    return Story(
        id=generation,
        request={"organisation": changes.get("organisation", HERE)},
        route={"model": changes.get("model", "test/plain"), "provider": "open"},
        attempts=attempt,
        changed_at=clock.rfc3339(clock.now() - timedelta(seconds=seconds)),
    )


def fetched(database: Database, generation: str, seconds: float = 1, **changes: str) -> None:
    database.write(lambda c: note_fetched(c, story(generation, seconds, 1, **changes)))


def failed(database: Database, generation: str, fault: FaultKind, attempt: int = 1) -> None:
    database.write(lambda c: note_failed(c, story(generation, attempt=attempt), fault))


def found(database: Database, name: str = "test/plain", organisation: str = HERE) -> Measured:
    return Measurements(database, KNOWN).of(organisation).get(name, Measured())


def test_nothing_is_known_of_a_model_before_its_first_order(database: Database) -> None:
    assert found(database) == Measured()


def test_an_order_that_became_a_file_counts_with_its_latency(database: Database) -> None:
    with freeze_time(NOON):
        for number in range(20):
            fetched(database, f"gen_{number}", seconds=10 * (number + 1))

        seen = found(database)

    assert (seen.orders, seen.made) == (20, 20)
    assert (seen.usual, seen.slow) == (Decimal(100), Decimal(190))


@pytest.mark.parametrize(
    ("fault", "orders"),
    [
        ("unavailable", 1),
        ("internal", 1),
        ("ambiguous", 1),
        ("gone", 1),
        ("refused", 0),
        ("invalid", 0),
        ("throttled", 0),
        ("exhausted", 0),
        ("auth", 0),
    ],
)
def test_an_order_that_failed_counts_only_where_its_vendor_failed(
    database: Database, fault: FaultKind, orders: int
) -> None:
    failed(database, "gen_1", fault)
    assert (found(database).orders, found(database).made) == (orders, 0)


def test_both_attempts_of_a_generation_count(database: Database) -> None:
    failed(database, "gen_1", "unavailable")
    database.write(lambda c: note_fetched(c, story("gen_1", 5, attempt=2)))
    assert (found(database).orders, found(database).made) == (2, 1)


def test_an_attempt_counts_once_as_what_it_turned_out_to_be(database: Database) -> None:
    failed(database, "gen_1", "ambiguous")
    fetched(database, "gen_1")
    assert (found(database).orders, found(database).made) == (1, 1)


def test_technical_figures_and_verdicts_belong_to_the_attempt_that_made_the_file(
    database: Database,
) -> None:
    failed(database, "gen_1", "unavailable")
    database.write(lambda c: note_fetched(c, story("gen_1", 5, attempt=2)))
    database.write(lambda c: note_screened(c, "gen_1", Decimal("0.75")))
    database.write(lambda c: note_reviewed(c, "gen_1", True))

    seen = found(database)

    assert (seen.examined, seen.technical) == (1, Decimal("0.75"))
    assert (seen.reviewed, seen.approved) == (1, 1)


@pytest.mark.parametrize(
    ("verdicts", "approved"), [((True, True), 1), ((True, False), 0), ((False, True), 0)]
)
def test_one_objection_outweighs_every_approval(
    database: Database, verdicts: tuple[bool, ...], approved: int
) -> None:
    fetched(database, "gen_1")
    for verdict in verdicts:
        database.write(lambda c, v=verdict: note_reviewed(c, "gen_1", v))  # type: ignore[misc]
    assert (found(database).reviewed, found(database).approved) == (1, approved)


def test_a_verdict_on_a_file_from_outside_is_no_models(database: Database) -> None:
    database.write(lambda c: note_reviewed(c, "gen_imported", True))
    assert found(database) == Measured()


def test_no_organisation_and_no_model_counts_for_another(database: Database) -> None:
    fetched(database, "gen_1")
    fetched(database, "gen_2", organisation="agency.example")
    fetched(database, "gen_3", model="test/other")
    assert found(database).orders == 1
    assert found(database, "test/other").orders == 1
    assert found(database, organisation="agency.example").orders == 1


def test_only_the_last_orders_count(database: Database) -> None:
    with freeze_time(NOON) as moment:
        for number in range(20):
            failed(database, f"gen_old_{number}", "internal")
        for number in range(15):
            moment.tick(1)
            fetched(database, f"gen_{number}")
        seen = found(database)
    assert (seen.orders, seen.made) == (20, 15)  # the window is 20


def test_sums_are_read_again_after_a_minute(database: Database) -> None:
    with freeze_time(NOON) as moment:
        measurements = Measurements(database, KNOWN)
        assert measurements.of(HERE) == {}
        fetched(database, "gen_1")
        assert measurements.of(HERE) == {}
        moment.tick(60)
        assert measurements.of(HERE)["test/plain"].made == 1


def test_what_is_not_committed_is_not_counted(database: Database) -> None:
    def fail(connection: object) -> None:
        note_fetched(connection, story("gen_1"))  # type: ignore[arg-type]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write(fail)
    assert found(database) == Measured()
