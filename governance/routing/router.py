"""Which model makes it: hard filters, a transparent score, a tie-break, and the whole trace.

A pure function of the request, the catalogue, the tiers, which providers are configured, what is
known of the models, and the date.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol

from governance.domain import Candidate, Component, GenerationRequest, Part, Quote, Route
from governance.kernel import clock
from governance.kernel.errors import InvalidRequest
from governance.routing import filters
from governance.routing.catalogue import Catalogue
from governance.routing.filters import RESTING, STOPPED, Needs
from governance.routing.knowledge import Known
from governance.routing.model import Model
from governance.routing.provider import Provider
from governance.routing.tiers import AUTO, WORDS, Tiers

__all__ = ["AUTO", "RESTING", "STOPPED", "WORDS", "Router"]
_PLACES = Decimal("0.0001")


class Knows(Protocol):
    """What is known of a model right now (`routing.knowledge.Knowledge`)."""

    def of(self, organisation: str, model: Model) -> Known: ...


@dataclass(frozen=True)
class Router:
    """Chooses among the catalogue's models. provider_of: by organisation and name."""

    catalogue: Catalogue
    tiers: Tiers
    provider_of: Callable[[str, str], Provider | None]
    knowledge: Knows

    def route(
        self,
        request: GenerationRequest,
        *,
        max_amount: Decimal | None = None,
        audio: bool = False,
        stopped: Collection[str] = (),
        permitted: Sequence[str] | None = None,
        allowed: Collection[str] | None = None,
        barred: Mapping[str, str] | None = None,
        patient: bool = False,
    ) -> Route:
        """The model for a request: the named one if it can serve, else the best of its word.

        max_amount: USD that the quote must not exceed; audio: whether there must be sound;
        stopped: scopes of thrown switches, of which `model:…` and `provider:…` count here;
        permitted: the models of the caller's grant, allowed: ids of those of the production, None
        for any; barred: why a model is out of the question this time, by id (it failed, or policy
        would ask more of it); patient: one that rests after faults will do, because the order is
        for later.
        The candidates are ordered: the chosen one, others by falling score, then the rejected.
        Raises InvalidRequest: `model_unknown`, `model_retired`, `no_route` (with `candidates`).
        """
        needs = Needs(
            max_amount,
            audio,
            stopped,
            permitted,
            allowed,
            barred or {},
            patient,
        )
        today = clock.now().date()
        judged = [(m, self._judge(m, request, needs, today)) for m in self._asked(request)]
        ranked = sorted(judged, key=_rank)
        candidates = tuple(candidate for _, candidate in ranked)
        chosen, best = ranked[0]
        if best.rejected is not None or best.quote is None or chosen.provider is None:
            trace = [{"model": c.model, "rejected": c.rejected} for c in candidates]
            raise InvalidRequest("no_route", _explain(candidates), param="model", candidates=trace)
        warnings = self.catalogue.warnings(chosen, today)
        return Route(
            chosen.id, chosen.provider, chosen.source_type, best.quote, candidates, warnings
        )

    def quote(
        self,
        request: GenerationRequest,
        *,
        max_amount: Decimal | None = None,
        audio: bool = False,
    ) -> Quote:
        """What `route` would spend now, before anything is promised. Raises what `route` raises."""
        return self.route(request, max_amount=max_amount, audio=audio).quote

    def _asked(self, request: GenerationRequest) -> Sequence[Model]:
        name = request.model
        if name in WORDS:
            return self.catalogue.models
        if word := self.tiers.meaning(name):
            raise InvalidRequest(
                "model_unknown",
                f"`{name}` is a tier of models; say `{word}` to get one of it.",
                param="model",
                close=[word],
            )
        organisation = request.organisation
        return (self.catalogue.get(name, lambda model: self._is_configured(model, organisation)),)

    def _judge(
        self, model: Model, request: GenerationRequest, needs: Needs, today: date
    ) -> Candidate:
        quote = model.quote(request.seconds, request.width, request.height, needs.audio)
        known = self.knowledge.of(request.organisation, model)
        sector = self.tiers.sector(request)
        reasons = [
            *filters.lifecycle(self.catalogue, model, today),
            *self._availability(model, request.organisation, known, needs),
            *filters.capability(model, request, needs.audio),
            *filters.speech(model, request),
            *filters.rights(self.catalogue, model, request),
            *filters.residency(self.catalogue, model, sector.processed_in),
            *filters.provenance(model, sector.vendor_marks),
            *filters.price(quote, needs.max_amount),
            *filters.permission(model, needs),
        ]
        if objection := self.tiers.objection(model.tier, request):
            reasons.append(objection)
        if reasons or quote is None:
            return Candidate(model.id, "; ".join(reasons), None, quote)
        components = self._components(request, known, quote)
        score = sum((Decimal(c.value) * Decimal(c.weight) for c in components), Decimal(0))
        return Candidate(model.id, None, str(score.quantize(_PLACES)), quote, components)

    def _availability(
        self, model: Model, organisation: str, known: Known, needs: Needs
    ) -> Iterator[str]:
        if model.provider is None:
            yield "no adapter in this version"
            return
        if not self._is_configured(model, organisation):
            yield f"the provider {model.provider} is not configured"
        elif model.status == "sunset_risk" and not known.is_served:
            yield "may end any day, and its vendor has not confirmed it within the last hour"
        elif known.is_resting and not needs.patient:
            yield RESTING

    def _is_configured(self, model: Model, organisation: str) -> bool:
        provider = self.provider_of(organisation, model.provider or "")
        return provider is not None and provider.configured()

    def _components(
        self, request: GenerationRequest, known: Known, quote: Quote
    ) -> tuple[Component, ...]:
        values: dict[Part, Decimal] = {
            "quality": known.quality.mean,
            "cost": (1 / (1 + quote.amount)).quantize(_PLACES),
            "latency": known.speed,
            "health": known.health,
        }
        weights = self.tiers.weights(request)
        return tuple(Component(name, str(values[name]), str(weights[name])) for name in values)


def _rank(judged: tuple[Model, Candidate]) -> tuple[bool, bool, Decimal, Decimal, str]:
    """Best first: what can serve, what stands in for nothing, score, price, id."""
    model, candidate = judged
    if candidate.rejected is not None or candidate.score is None or candidate.quote is None:
        return (True, True, Decimal(0), Decimal(0), model.id)
    return (
        False,
        model.is_stand_in,
        -Decimal(candidate.score),
        candidate.quote.amount,
        model.id,
    )


def _explain(candidates: tuple[Candidate, ...]) -> str:
    if len(candidates) == 1:
        return f"{candidates[0].model} cannot make this: {candidates[0].rejected}."
    return "No model of the catalogue can make this; `candidates` says why for each."
