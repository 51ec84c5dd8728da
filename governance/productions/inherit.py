"""What a request has from its production, and what it may not go beyond. Pure.

A request may narrow what its production lays down, never widen it; what it does not say, it
inherits. Inheriting twice is inheriting once.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date

from governance.domain import Declaration, GenerationRequest, Media
from governance.evidence.grant import covers_item
from governance.kernel.errors import Conflict, InvalidRequest
from governance.productions.productions import Version
from governance.productions.terms import MAX_FILES, Terms

# What a request holds that says nothing of its project and its sector.
UNSAID_PROJECT, UNSAID_SECTOR = "default", "general"
# The territories given, and all that lies within them.
Reach = Callable[[Iterable[str]], frozenset[str]]


def inherit(
    request: GenerationRequest, production: Version, day: date, reach: Reach
) -> GenerationRequest:
    """The request with what its production lays down.

    References are joined. A consent is inherited where there is just one and the request says that
    a real person appears. The prompt stays as it was asked; see `sent`. The model is asked apart;
    see `allows`.
    Raises Conflict (`production_closed`) outside its days or after its end, InvalidRequest
    (`production_exceeded`) with the dimension.
    """
    _require_open(production, day)
    terms = production.terms
    return replace(
        request,
        production=production.production,
        project=_project(request, terms),
        sector=_sector(request, terms),
        territories=_territories(request, terms, reach),
        references=_references(request, terms),
        declaration=_declaration(request, terms),
    )


def allows(terms: Terms, model: str, tier: str) -> bool:
    """Whether requests may be made on a model. model: its catalogue id."""
    return tier in terms.tiers and covers_item(model, terms.models)


def sent(prompt: str, media: Media, style: str) -> str:
    """What a vendor is told: the prompt as asked, and behind it the style of the production.

    The brief is for people and stays here. Nothing is added to a sound's prompt, whose words may
    be spoken. The record of the request and the version of its production give the same again.
    """
    return f"{prompt}\n\nStyle: {style}" if style and media != "audio" else prompt


def exceeded(production: str, dimension: str, asked: str, limit: str) -> InvalidRequest:
    """A request goes beyond its production."""
    return InvalidRequest(
        "production_exceeded",
        f"{asked} lies outside the {dimension} of {production}: {limit}. Ask for less, or have the "
        "production changed.",
        param=dimension,
        dimension=dimension,
        production=production,
    )


def _require_open(production: Version, day: date) -> None:
    state = production.state(day)
    if state != "open":
        raise Conflict(
            "production_closed", f"{production.production} is {state}; it takes no requests."
        )


def _project(request: GenerationRequest, terms: Terms) -> str:
    if request.project not in (UNSAID_PROJECT, terms.project):
        raise _beyond(request, "project", request.project, terms.project)
    return terms.project


def _sector(request: GenerationRequest, terms: Terms) -> str:
    if UNSAID_SECTOR in (request.sector, terms.sector):
        return terms.sector if request.sector == UNSAID_SECTOR else request.sector
    if request.sector != terms.sector:
        raise _beyond(request, "sector", request.sector, terms.sector)
    return terms.sector


def _territories(request: GenerationRequest, terms: Terms, reach: Reach) -> tuple[str, ...]:
    outside = sorted(set(request.territories) - reach(terms.territories))
    if outside:
        raise _beyond(request, "territories", ", ".join(outside), ", ".join(terms.territories))
    return request.territories or terms.territories


def _references(request: GenerationRequest, terms: Terms) -> tuple[str, ...]:
    joined = tuple(dict.fromkeys((*terms.references, *request.references)))
    if len(joined) > MAX_FILES:
        raise _beyond(request, "references", f"{len(joined)} files", f"at most {MAX_FILES}")
    return joined


def _declaration(request: GenerationRequest, terms: Terms) -> Declaration:
    declared = request.declaration
    if terms.consents and declared.consent not in (None, *terms.consents):
        raise _beyond(request, "consent", str(declared.consent), ", ".join(terms.consents))
    if declared.consent is None and declared.real_person == "yes" and len(terms.consents) == 1:
        return replace(declared, consent=terms.consents[0])
    return declared


def _beyond(request: GenerationRequest, dimension: str, asked: str, limit: str) -> InvalidRequest:
    return exceeded(request.production or "its production", dimension, asked, limit)
