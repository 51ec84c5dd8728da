"""How dates, numbers and identifiers look on paper."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from governance.reporting import formats


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (at(2026, 7, 1), at(2026, 10, 1), "1 July to 30 September 2026"),
        (at(2026, 10, 1), at(2026, 11, 1), "1 to 31 October 2026"),
        (at(2026, 10, 5), at(2026, 10, 6), "5 October 2026"),
        (at(2025, 12, 1), at(2026, 2, 1), "1 December 2025 to 31 January 2026"),
        (
            at(2026, 11, 1),
            at(2026, 11, 22, 16, 5),
            "1 November 2026, 00:00 UTC to 22 November 2026, 16:05 UTC",
        ),
    ],
)
def test_a_period_of_whole_days_is_named_by_its_days(
    start: datetime, end: datetime, text: str
) -> None:
    assert formats.period(start, end) == text


def test_every_moment_is_printed_in_utc() -> None:
    moment = datetime(2026, 10, 5, 1, tzinfo=timezone(timedelta(hours=2)))
    assert formats.minute(moment) == "4 October 2026, 23:00 UTC"
    assert formats.stamp("2026-10-05T01:00:00.000000+02:00") == "2026-10-04 23:00"


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (4812, "4812"), (61408, "61\u202f408"), (-12345, "-12\u202f345")]
)
def test_digits_are_grouped_from_five_on(number: int, text: str) -> None:
    assert formats.grouped(number) == text


@pytest.mark.parametrize(
    ("count", "text"), [(22, "22\u202fB"), (1300, "1.3\u202fkB"), (18_600_000, "19\u202fMB")]
)
def test_sizes_have_decimal_units(count: int, text: str) -> None:
    assert formats.size(count) == text


def test_digests_stand_in_blocks_and_identifiers_by_their_random_end() -> None:
    assert formats.in_blocks("00112233445566778899") == "00112233 44556677 8899"
    assert formats.short_id("gen_0197aabbccdd7000800011229f3a01c2") == "…9f3a01c2"
    assert formats.short_id("service") == "service"


def test_a_share_has_one_digit() -> None:
    assert formats.share(1, 8) == "12.5\u202f%"
