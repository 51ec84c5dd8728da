"""How pages write times and amounts."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from governance.web import words


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(seconds=-5), "under a minute"),
        (timedelta(seconds=59), "under a minute"),
        (timedelta(minutes=1), "1 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=2, minutes=14, seconds=59), "2 h 14 min"),
        (timedelta(days=1, minutes=40), "1 day"),
        (timedelta(days=6, hours=20), "6 days 20 h"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(length: timedelta, text: str) -> None:
    assert words.span(length) == text


def test_times_are_told_in_utc() -> None:
    at = datetime(2026, 11, 22, 10, 14, tzinfo=timezone(timedelta(hours=1)))
    assert words.moment(at) == "22 Nov 2026, 09:14 UTC"
    assert words.clock_time(at.astimezone(UTC)) == "09:14 UTC"


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (words.amount(61408), "61,408"),
        (words.seconds(8.0), "8 s"),
        (words.seconds(2.54), "2.5 s"),
        (words.size(41_400), "41.4 kB"),
        (words.size(4_200_000), "4.2 MB"),
        (words.short("7c1e90ab" + "0" * 52 + "e4d2"), "7c1e90ab…e4d2"),
        (words.people(1), "1 person"),
        (words.people(2), "2 people"),
        (words.term("watermark"), "Invisible watermark"),
        (words.term("public_sector"), "public sector"),
    ],
)
def test_amounts_and_terms_read_well(written: str, text: str) -> None:
    assert written == text
