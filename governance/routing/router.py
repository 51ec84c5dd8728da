"""Which model makes it: hard filters, a transparent score, a tie-break, and the whole trace.

A pure function of the request, the catalogue, which providers are configured, and the date.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from governance.domain import Candidate, GenerationRequest, Quote, Route
from governance.evidence.grant import covers_item
from governance.kernel import clock
from governance.kernel.errors import InvalidRequest
from governance.routing.catalogue import Catalogue, Frame, Model
from governance.routing.provider import Provider

AUTO = "auto"
# Why a candidate is rejected that nothing but a kill switch stands against.
STOPPED = "stopped by a kill switch"
_PLACES = Decimal("0.0001")


class Router:
    """Chooses among the catalogue's models. providers: by the name in the catalogue."""

    def __init__(self, catalogue: Catalogue, providers: Mapping[str, Provider]) -> None:
        self._catalogue = catalogue
        self._providers = providers

    def route(
        self,
        request: GenerationRequest,
        *,
        max_amount: Decimal | None = None,
        audio: bool = False,
        stopped: Collection[str] = (),
        permitted: Sequence[str] | None = None,
    ) -> Route:
        """The model for a request: the named one if it can serve, else the best for `auto`.

        max_amount: USD that the quote must not exceed; audio: whether there must be sound;
        stopped: scopes of thrown switches, of which `model:…` and `provider:…` count here;
        permitted: the models of the caller's grant, None for any.
        The candidates are ordered: the chosen one, others by falling score, then the rejected.
        Raises InvalidRequest: `model_unknown`, `model_retired`, `no_route` (with `candidates`).
        """
        named = request.model != AUTO
        models = (self._catalogue.get(request.model),) if named else self._catalogue.models
        today = clock.now().date()
        judged = [
            (m, self._judge(m, request, max_amount, audio, today, stopped, permitted))
            for m in models
        ]
        ranked = sorted(judged, key=lambda pair: _rank(pair[1]))
        candidates = tuple(candidate for _, candidate in ranked)
        chosen, best = ranked[0]
        if best.rejected is not None or best.quote is None or chosen.provider is None:
            trace = [{"model": c.model, "rejected": c.rejected} for c in candidates]
            raise InvalidRequest("no_route", _explain(candidates), param="model", candidates=trace)
        return Route(chosen.id, chosen.provider, chosen.source_type, best.quote, candidates)

    def quote(
        self,
        request: GenerationRequest,
        *,
        max_amount: Decimal | None = None,
        audio: bool = False,
    ) -> Quote:
        """What `route` would spend now, before anything is promised. Raises what `route` raises."""
        return self.route(request, max_amount=max_amount, audio=audio).quote

    def _judge(
        self,
        model: Model,
        request: GenerationRequest,
        max_amount: Decimal | None,
        audio: bool,
        today: date,
        stopped: Collection[str],
        permitted: Sequence[str] | None,
    ) -> Candidate:
        quote = model.quote(request.seconds, request.width, request.height)
        reasons = [
            *self._availability(model, today),
            *_capability(model, request, audio),
            *self._licence(model, request),
            *_affordability(quote, max_amount),
            *_grant(model, permitted),
            *_stop(model, stopped),
        ]
        if reasons or quote is None:
            return Candidate(model.id, "; ".join(reasons), None, quote)
        return Candidate(model.id, None, str(self._score(model, request, quote)), quote)

    def _availability(self, model: Model, today: date) -> Iterator[str]:
        if model.retired(today):
            yield f"retired on {model.retired_on}"
        if model.provider is None:
            yield "no adapter in this version"
        else:
            provider = self._providers.get(model.provider)
            if provider is None or not provider.configured():
                yield f"the provider {model.provider} is not configured"

    def _licence(self, model: Model, request: GenerationRequest) -> Iterator[str]:
        if not model.territories_denied:
            return
        denied = self._catalogue.countries(model.territories_denied)
        asked = self._catalogue.countries(request.territories)
        if not asked:
            yield "its licence excludes territories, and the request names none"
        elif shared := sorted(denied & asked):
            yield f"its licence excludes {', '.join(shared)}"

    def _score(self, model: Model, request: GenerationRequest, quote: Quote) -> Decimal:
        scoring = self._catalogue.scoring
        worth = scoring.tier[request.purpose] * scoring.tiers[model.tier]
        thrift = scoring.cost[request.purpose] / (1 + quote.amount)
        return (worth + thrift).quantize(_PLACES)


def _capability(model: Model, request: GenerationRequest, audio: bool) -> Iterator[str]:
    if model.media != request.media:
        yield f"makes {model.media}, not {request.media}"
        return
    if model.seconds and request.seconds not in model.seconds:
        yield f"does not make {request.seconds} s ({_durations(model.seconds)})"
    if model.frame is not None and not _fits(model.frame, request.width, request.height):
        yield f"does not make {request.width}x{request.height} ({_sizes(model.frame)})"
    if audio and not model.audio:
        yield "makes no sound"


def _affordability(quote: Quote | None, max_amount: Decimal | None) -> Iterator[str]:
    if quote is None:
        yield "no price known for this size"
    elif max_amount is not None and quote.amount > max_amount:
        yield f"costs {quote.amount} USD, above the limit of {max_amount} USD"


def _grant(model: Model, permitted: Sequence[str] | None) -> Iterator[str]:
    if permitted is not None and not covers_item(model.id, permitted):
        yield "outside the mandate"


def _stop(model: Model, stopped: Collection[str]) -> Iterator[str]:
    if f"model:{model.id}" in stopped or f"provider:{model.provider}" in stopped:
        yield STOPPED


def _fits(frame: Frame, width: int, height: int) -> bool:
    short, long = sorted((width, height))
    return (
        frame.short_min <= short <= frame.short_max
        and long <= frame.long_max
        and width % frame.multiple_of == 0
        and height % frame.multiple_of == 0
    )


def _durations(seconds: tuple[int, ...]) -> str:
    step = seconds[1] - seconds[0] if len(seconds) > 1 else 1
    steps = f" in steps of {step}" if step > 1 else ""
    return f"{seconds[0]} to {seconds[-1]} s{steps}"


def _sizes(frame: Frame) -> str:
    return (
        f"shorter side {frame.short_min} to {frame.short_max}, longer side up to "
        f"{frame.long_max}, multiples of {frame.multiple_of}"
    )


def _rank(candidate: Candidate) -> tuple[bool, Decimal, Decimal, str]:
    """Best first: score, then price, then id."""
    if candidate.rejected is not None or candidate.score is None or candidate.quote is None:
        return (True, Decimal(0), Decimal(0), candidate.model)
    return (False, -Decimal(candidate.score), candidate.quote.amount, candidate.model)


def _explain(candidates: tuple[Candidate, ...]) -> str:
    if len(candidates) == 1:
        return f"{candidates[0].model} cannot make this: {candidates[0].rejected}."
    return "No model of the catalogue can make this; `candidates` says why for each."
