"""What a production lays down for the requests that belong to it."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, cast

from governance.domain import Quote
from governance.kernel.errors import InvalidRequest

Tier = Literal["premium", "commodity", "procedural"]
ANY = "*"
MAX_FILES = 16  # as many references as a record of a request holds
MAX_ITEMS = 64
MAX_CLIENT, MAX_BRIEF, MAX_STYLE = 100, 20_000, 2_000  # characters

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_MODEL = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}/(\*|[a-z0-9][a-z0-9.-]{0,63})|\*")
_TERRITORY = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_CONSENT = re.compile(r"cns_[0-9a-f]{32}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_TIER = re.compile("premium|commodity|procedural")
_CURRENCY = re.compile("[A-Z]{3}")
_LARGEST = Decimal(10) ** 12


@dataclass(frozen=True)
class Terms:
    """How far requests of a production may go, and what they have without naming it.

    name: unique in the organisation; project: the one in which all its requests are; models:
    catalogue ids or `vendor/*`, `*` alone is any; sector: `general` leaves it to the request;
    budget: for all requests together; references: sha256 of files; consents: `cns_…`;
    last_day: included, None for no end.
    """

    name: str
    project: str
    territories: tuple[str, ...]
    first_day: date
    last_day: date | None = None
    models: tuple[str, ...] = (ANY,)
    tiers: tuple[Tier, ...] = ("commodity", "premium", "procedural")
    sector: str = "general"
    budget: Quote | None = None
    references: tuple[str, ...] = ()
    consents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Texts:
    """What may be personal or confidential: disclosed under the production's id, erasable.

    client: for whom it is; brief: for the people and agents who work on it; style: goes to the
    vendors of pictures behind every prompt.
    """

    client: str = ""
    brief: str = ""
    style: str = ""


def require_valid(terms: Terms, texts: Texts) -> None:
    """Raises InvalidRequest (`production_invalid`) naming the field."""
    lists = (
        ("name", (terms.name,), _NAME, 1, 1),
        ("project", (terms.project,), _NAME, 1, 1),
        ("sector", (terms.sector,), _NAME, 1, 1),
        ("territories", terms.territories, _TERRITORY, 1, MAX_ITEMS),
        ("models", terms.models, _MODEL, 1, MAX_ITEMS),
        ("tiers", terms.tiers, _TIER, 1, 3),
        ("references", terms.references, _DIGEST, 0, MAX_FILES),
        ("consents", terms.consents, _CONSENT, 0, MAX_FILES),
    )
    for name, items, form, least, most in lists:
        if not least <= len(items) <= most or not all(map(form.fullmatch, items)):
            raise _invalid(name, f"has {least} to {most} entries, each written as such")
    if ANY in terms.models and len(terms.models) > 1:
        raise _invalid("models", "has “*” alone or not at all")
    if terms.last_day is not None and terms.last_day < terms.first_day:
        raise _invalid("last_day", "does not lie before `first_day`")
    if terms.budget is not None and not _is_payable(terms.budget):
        raise _invalid("budget", "is an amount above zero with a currency of ISO 4217")
    for name, limit in (("client", MAX_CLIENT), ("brief", MAX_BRIEF), ("style", MAX_STYLE)):
        text = getattr(texts, name)
        if len(text) > limit or "\0" in text:
            raise _invalid(name, f"is text of at most {limit} characters")


def as_body(terms: Terms) -> dict[str, Any]:
    """The terms as `production.changed` records them."""
    budget = terms.budget
    return {
        "name": terms.name,
        "project": terms.project,
        "territories": sorted(set(terms.territories)),
        "from": terms.first_day.isoformat(),
        "until": terms.last_day and terms.last_day.isoformat(),
        "models": sorted(set(terms.models)),
        "tiers": sorted(set(terms.tiers)),
        "sector": terms.sector,
        "budget": budget and {"amount": f"{budget.amount:f}", "currency": budget.currency},
        "references": list(dict.fromkeys(terms.references)),
        "consents": sorted(set(terms.consents)),
    }


def read_terms(body: dict[str, Any]) -> Terms:
    """The terms of the body of a `production.changed` record."""
    budget, until = body["budget"], body["until"]
    return Terms(
        name=body["name"],
        project=body["project"],
        territories=tuple(body["territories"]),
        first_day=date.fromisoformat(body["from"]),
        last_day=date.fromisoformat(until) if until else None,
        models=tuple(body["models"]),
        tiers=cast(tuple[Tier, ...], tuple(body["tiers"])),
        sector=body["sector"],
        budget=Quote(Decimal(budget["amount"]), budget["currency"]) if budget else None,
        references=tuple(body["references"]),
        consents=tuple(body["consents"]),
    )


def _is_payable(budget: Quote) -> bool:
    amount = budget.amount
    return (
        amount.is_finite()
        and 0 < amount < _LARGEST
        and amount == amount.quantize(Decimal("1e-6"))
        and _CURRENCY.fullmatch(budget.currency) is not None
    )


def _invalid(name: str, rule: str) -> InvalidRequest:
    return InvalidRequest("production_invalid", f"`{name}` {rule}.", param=name)
