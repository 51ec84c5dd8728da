"""Dates, identifiers, numbers and sizes as the report prints them. Independent of the locale."""

from datetime import UTC, datetime, timedelta

from governance.kernel import clock

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_NARROW_SPACE = "\u202f"


def day(moment: datetime) -> str:
    """`5 October 2026`, UTC."""
    moment = moment.astimezone(UTC)
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def minute(moment: datetime) -> str:
    """`5 October 2026, 09:00 UTC`."""
    return f"{day(moment)}, {moment.astimezone(UTC):%H:%M} UTC"


def stamp(time: str) -> str:
    """`2026-10-05 09:00` from an RFC 3339 time."""
    return f"{clock.parse(time):%Y-%m-%d %H:%M}"


def period(start: datetime, end: datetime) -> str:
    """`1 July to 30 September 2026` for whole days, with times otherwise; `end` is excluded."""
    midnight = timedelta(0)
    if all(_since_midnight(moment) == midnight for moment in (start, end)) and start < end:
        last = end - timedelta(days=1)
        return day(start) if day(start) == day(last) else _days(start, last)
    return f"{minute(start)} to {minute(end)}"


def short_id(identifier: str) -> str:
    """`…9f3a01c2`: the last eight digits, which are random; what is no longer stays whole."""
    return identifier if len(identifier) <= 8 else f"…{identifier[-8:]}"


def grouped(number: int) -> str:
    """`9999`, `10 000` with narrow spaces: digits are grouped from five on."""
    if abs(number) < 10_000:
        return str(number)
    return f"{number:,}".replace(",", _NARROW_SPACE)


def share(part: int, whole: int) -> str:
    """`12.5 %`."""
    return f"{100 * part / whole:.1f}{_NARROW_SPACE}%"


def size(count: int) -> str:
    """`41 kB`: decimal units, two digits at least."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    digits = 1 if value < 10 and unit != "B" else 0
    return f"{value:.{digits}f}{_NARROW_SPACE}{unit}"


def in_blocks(digest: str) -> str:
    """Hexadecimal digits in blocks of eight, for people who compare by eye."""
    return " ".join(digest[start : start + 8] for start in range(0, len(digest), 8))


def _since_midnight(moment: datetime) -> timedelta:
    utc = moment.astimezone(UTC)
    return utc - utc.replace(hour=0, minute=0, second=0, microsecond=0)


def _days(first: datetime, last: datetime) -> str:
    first, last = first.astimezone(UTC), last.astimezone(UTC)
    head = day(first)
    if first.year == last.year:
        head = f"{first.day} {_MONTHS[first.month - 1]}"
        if first.month == last.month:
            head = str(first.day)
    return f"{head} to {day(last)}"
