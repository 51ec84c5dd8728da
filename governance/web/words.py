"""How pages write times, amounts and terms."""

from datetime import UTC, datetime, timedelta

TERMS = {
    # marks
    "c2pa": "Signed provenance (C2PA)",
    "iptc": "Digital source type (IPTC)",
    "label": "Label",
    "watermark": "Invisible watermark",
    "aigc": "AIGC field",
    "fingerprint": "Fingerprint",
    # what a reader found
    "present": "Found",
    "absent": "Not found",
    "not_checked": "Not checked",
    # findings
    "fail": "Serious",
    "warn": "Look at this",
    "info": "For information",
    # rules
    "law": "Law",
    "code": "Code of practice",
    "house": "House rule",
    # media
    "video": "Video",
    "image": "Image",
    "audio": "Audio",
    # how somebody signed in
    "password": "password",
    "totp": "password and one-time code",
    "passkey": "a passkey",
    "oidc": "single sign-on",
    # decisions
    "approve": "approved",
    "reject": "rejected",
    "return": "returned for correction",
}


def term(code: str) -> str:
    """A code of ours in words; codes without an entry read as they are spelt."""
    return TERMS.get(code, code.replace("_", " "))


def moment(at: datetime) -> str:
    """`22 Nov 2026, 09:14 UTC`."""
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def clock_time(at: datetime) -> str:
    """`09:14 UTC`."""
    return f"{at.astimezone(UTC):%H:%M} UTC"


def span(length: timedelta) -> str:
    """`3 days 4 h`, `2 h 14 min`, `under a minute`; never negative."""
    minutes = max(0, int(length.total_seconds() // 60))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} {'day' if days == 1 else 'days'}" + (f" {hours} h" if hours else "")
    if hours:
        return f"{hours} h" + (f" {rest} min" if rest else "")
    return f"{rest} min" if rest else "under a minute"


def amount(count: int) -> str:
    """`61,408`."""
    return f"{count:,}"


def seconds(length: float) -> str:
    """`8 s`, `2.5 s`."""
    return f"{length:.1f}".removesuffix(".0") + " s"


def size(count: int) -> str:
    """`4.2 MB`."""
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"


def short(digest: str) -> str:
    """`7c1e90ab…e4d2`."""
    return f"{digest[:8]}…{digest[-4:]}" if len(digest) > 13 else digest


def people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"
