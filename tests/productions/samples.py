"""Productions and stories that tests vary."""

from datetime import date
from decimal import Decimal
from typing import Any

from governance.domain import GenerationRequest
from governance.evidence.story import Story
from governance.productions.productions import Version
from governance.productions.terms import Terms

TODAY = date(2026, 12, 2)
PRODUCTION = f"prd_{7:032x}"
TERMS = Terms(
    name="spring",
    project="film",
    territories=("EU",),
    first_day=date(2026, 12, 1),
    last_day=date(2026, 12, 24),
    models=("google/veo", "luma/*"),
    tiers=("commodity", "premium"),
)
REQUEST = GenerationRequest(
    organisation="acme",
    project="default",
    media="video",
    model="auto",
    prompt="a calm sea",
    seconds=5,
    width=640,
    height=360,
    territories=(),
    production=PRODUCTION,
)
EUROPE = {"DE", "FR", "AT"}


def reach(codes: Any) -> frozenset[str]:
    """The territories given and what lies within them."""
    found = frozenset(codes)
    return found | EUROPE if "EU" in found else found


def version(terms: Terms = TERMS, **changes: Any) -> Version:
    given = {
        "production": PRODUCTION,
        "organisation": "acme",
        "number": 1,
        "digest": "d" * 64,
        "action": "created",
        "terms": terms,
        "texts": "rec_1",
    }
    return Version(**{**given, **changes})


def generation(number: int) -> str:
    return f"gen_{number:032x}"


def money(amount: object, currency: str = "USD") -> dict[str, str]:
    return {"amount": f"{Decimal(str(amount)):f}", "currency": currency}


def told(
    number: int,
    *,
    model: str = "luma/flash",
    purpose: str = "intermediate",
    quote: dict[str, str] | None = None,
    premium: dict[str, object] | None = None,
    **changes: Any,
) -> Story:
    """A generation of the production that was made; `changes` to its story, `request` joined."""
    request = {
        "project": "film",
        "media": "video",
        "purpose": purpose,
        "model": "auto",
        "production": {"id": PRODUCTION, "version": "d" * 64},
        **changes.pop("request", {}),
    }
    offered = [{"model": name, "quote": money(price)} for name, price in (premium or {}).items()]
    given: dict[str, Any] = {
        "id": generation(number),
        "state": "released",
        "request": request,
        "requested_at": f"2026-12-02T10:00:{number:02d}.000000Z",
        "route": {"model": model, "quote": quote, "premium": offered},
        "original": {"digest": "f" * 64},
    }
    return Story(**{**given, **changes})
