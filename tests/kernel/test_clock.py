"""Time is read in one place, written in one form, and read back as the same moment."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st

from governance.kernel import clock

ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(
    min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29), timezones=ZONES
)


@freeze_time("2026-11-22T11:12:05.000001+02:00")
def test_now_is_aware_and_in_utc() -> None:
    assert clock.now() == datetime(2026, 11, 22, 9, 12, 5, 1, tzinfo=UTC)
    assert clock.now().utcoffset() == timedelta(0)


@given(MOMENTS)
def test_a_written_moment_is_read_back_as_itself(moment: datetime) -> None:
    text = clock.rfc3339(moment)
    assert len(text) == len("2026-11-22T11:12:05.123456Z")
    assert text.endswith("Z")
    assert clock.parse(text) == moment
    assert clock.parse(text).utcoffset() == timedelta(0)


@given(MOMENTS, MOMENTS)
def test_written_moments_sort_as_text_as_they_do_in_time(one: datetime, other: datetime) -> None:
    assert (clock.rfc3339(one) < clock.rfc3339(other)) is (one < other)


def test_a_moment_without_a_zone_is_not_written_because_it_could_be_any() -> None:
    with pytest.raises(ValueError, match="time zone"):
        clock.rfc3339(datetime(2026, 11, 22))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
        ("2026-11-22T11:12:05", datetime(2026, 11, 22, 11, 12, 5, tzinfo=UTC)),
        ("2026-11-22T11:12:05Z", datetime(2026, 11, 22, 11, 12, 5, tzinfo=UTC)),
        ("2026-11-22T11:12:05.5-05:30", datetime(2026, 11, 22, 16, 42, 5, 500_000, tzinfo=UTC)),
        ("2026-11-22T11:12:05.1234567Z", datetime(2026, 11, 22, 11, 12, 5, 123_456, tzinfo=UTC)),
    ],
)
def test_dates_and_rfc_3339_times_are_read(text: str, moment: datetime) -> None:
    assert clock.parse(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-11-31",
        "2026-W47-7",
        "20261122",
        "2026-11-22 11:12:05Z",
        "2026-11-22T11:12",
        "2026-11-22T25:00:00Z",
        "2026-11-22T11:12:05Z\n",
        "٢٠٢٦-11-22",
        "0001-01-01T00:00:00+23:59",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        clock.parse(text)
