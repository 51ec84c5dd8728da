"""The one source of time. Tests freeze it; nothing else reads a clock."""

import re
from datetime import UTC, datetime

_DATE = r"\d{4}-\d{2}-\d{2}"
_TIME = r"\d{2}:\d{2}:\d{2}(?:\.\d+)?"
_RFC3339 = re.compile(rf"{_DATE}(?:T{_TIME}(?:Z|[+-]\d{{2}}:\d{{2}})?)?", re.ASCII)


def now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


def rfc3339(moment: datetime) -> str:
    """`2026-11-22T11:12:05.123456Z`: RFC 3339 section 5.6, always UTC, always microseconds.

    Raises ValueError for a moment without a time zone: it could mean any of them.
    """
    if moment.tzinfo is None:
        raise ValueError("a time without a time zone")
    text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return text.removesuffix("+00:00") + "Z"


def parse(text: str) -> datetime:
    """Read an RFC 3339 time stamp or a date; a value without an offset is UTC.

    Digits beyond the microsecond are cut off. Raises ValueError for anything else.
    """
    if not _RFC3339.fullmatch(text):
        raise ValueError(f"“{text}” is neither a date (2026-11-22) nor an RFC 3339 time")
    moment = datetime.fromisoformat(text)
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError(f"“{text}” lies outside the years 1 to 9999") from None
