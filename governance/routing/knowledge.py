"""All that is known of a model right now: what the router weighs, and what people are shown."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from governance.kernel import clock
from governance.routing import quality
from governance.routing.catalogue import Catalogue
from governance.routing.health import Health
from governance.routing.model import Inferred, Model
from governance.routing.quality import Estimate, Latency, Measured

NOTHING = Measured()


@dataclass(frozen=True)
class Known:
    """One model, as one organisation has found it.

    speed, health: 0 to 1; is_resting: it keeps failing, so nothing is ordered from it for a while;
    is_served: whether a doubtful one has been asked for and is there.
    """

    quality: Estimate
    latency: Latency
    speed: Decimal
    success: Estimate
    health: Decimal
    is_resting: bool
    is_served: bool


class Knowledge:
    """Joins the catalogue with our own measurements, health and probes.

    measured: sums by model id, of an organisation; is_served: (organisation, model id).
    """

    def __init__(
        self,
        catalogue: Catalogue,
        health: Health,
        measured: Callable[[str], Mapping[str, Measured]],
        is_served: Callable[[str, str], bool],
    ) -> None:
        self._catalogue = catalogue
        self._health = health
        self._measured = measured
        self._is_served = is_served

    def of(self, organisation: str, model: Model) -> Known:
        """What to expect of the model's next order."""
        learning = self._catalogue.learning
        measured = self._measured(organisation).get(model.id, NOTHING)
        latency = quality.latency(learning, model, measured)
        success = quality.success(learning, measured)
        return Known(
            quality=quality.quality(self._catalogue, model, measured),
            latency=latency,
            speed=quality.speed(learning, latency.slow),
            success=success,
            health=self._health.rate(organisation, model.id, success.mean),
            is_resting=self._health.is_resting(organisation, model.id),
            is_served=self._is_served(organisation, model.id),
        )

    def describe(self, organisation: str, model: Model) -> dict[str, Any]:
        """The same for people: figures as text, each with what it rests on. JSON-serialisable."""
        known = self.of(organisation, model)
        measured = self._measured(organisation).get(model.id, NOTHING)
        shown = {
            "quality": {**_text(asdict(known.quality)), "prior": _prior(model)},
            "success": _text(asdict(known.success)),
            "latency": _text(asdict(known.latency)),
        }
        own = {
            "orders": measured.orders,
            "made": measured.made,
            "reviewed": measured.reviewed,
            "approved": measured.approved,
            "technical": _mean(measured),
        }
        today = clock.now().date()
        return {
            **shown,
            "measured": own,
            "price": _price(model),
            "lifecycle": _lifecycle(model),
            "stale": self._catalogue.is_stale(model, today),
            "warnings": list(self._catalogue.warnings(model, today)),
            "observed": [
                {
                    "what": figure.what,
                    "low": str(figure.low),
                    "high": None if figure.high is None else str(figure.high),
                    "unit": figure.unit,
                    "source": figure.origin.source,
                    "as_of": figure.origin.as_of.isoformat(),
                }
                for figure in model.observed
            ],
        }


def _text(values: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def _mean(measured: Measured) -> str | None:
    if not measured.examined:
        return None
    return f"{measured.technical / measured.examined:.4f}"


def _prior(model: Model) -> dict[str, Any] | None:
    found = model.quality
    if found is None:
        return None
    return {**asdict(found), "inferred": isinstance(found, Inferred), **_origin(model, "quality")}


def _price(model: Model) -> dict[str, Any] | None:
    if model.price is None:
        return None
    amounts = [usd for rate in model.price.rates for _, usd in rate.bands]
    span = {"usd_from": str(min(amounts)), "usd_to": str(max(amounts))}
    return {"per": model.price.per, **span, **_origin(model, "price")}


def _lifecycle(model: Model) -> dict[str, Any]:
    return {
        "status": model.status,
        "retired_on": model.retired_on and model.retired_on.isoformat(),
        "successors": list(model.successors),
        **_origin(model, "lifecycle"),
    }


def _origin(model: Model, part: str) -> dict[str, str]:
    origin = model.origins[part]
    return {"source": origin.source, "as_of": origin.as_of.isoformat()}
