"""Small models, catalogues and requests for the tests of this folder."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from governance.domain import GenerationRequest, Part
from governance.routing import Catalogue, Fault, Job, Model, Order, Router, Status
from governance.routing.catalogue import Horizon, Learning
from governance.routing.health import Health
from governance.routing.knowledge import Knowledge
from governance.routing.model import Frame, Origin, Price, Rate
from governance.routing.quality import Measured
from governance.routing.tiers import COMPONENTS, UNDEMANDING, Sector, Tiers, Word

POLICIES = Path(__file__).parents[2] / "policies"

TODAY = date(2026, 11, 22)
STATED = Origin("test", TODAY)

FRAME = Frame(360, 1080, 1920, 2)

MODEL = Model(
    id="test/plain",
    aliases=(),
    provider="open",
    vendor_model="plain",
    media="video",
    source_type="trainedAlgorithmicMedia",
    tier="commodity",
    status="active",
    price=Price("second", (Rate(((1080, Decimal("0.10")),)),)),
    origins={"lifecycle": STATED, "licence": STATED, "price": STATED, "quality": STATED},
    frame=FRAME,
    seconds=tuple(range(1, 16)),
    audio="always",
    licence="Apache-2.0",
)

REQUEST = GenerationRequest(
    organisation="studio.example",
    project="pilot",
    media="video",
    model="auto",
    prompt="a fox",
    seconds=4,
    width=1280,
    height=720,
    territories=("DE",),
)

LEARNING = Learning(
    reference_score=1200,
    prior_clips=Decimal(40),
    default_clips=Decimal(4),
    inferred_interval=40,
    technical_weight=Decimal("0.25"),
    window=20,
    latency_clips=3,
    unknown_latency=120,
    half_latency=120,
    success=Decimal("0.9"),
    success_clips=Decimal(10),
    without_score={
        "premium": Decimal("0.6"),
        "commodity": Decimal("0.4"),
        "procedural": Decimal("0.1"),
    },
)
HORIZON = Horizon(stale_after=36_500, warn_ahead=60)


def weights(*shares: str) -> dict[Part, Decimal]:
    return dict(zip(COMPONENTS, map(Decimal, shares), strict=True))


DRAFT = Word(("commodity", "procedural"), weights("0.2", "0.5", "0.15", "0.15"))
FINAL = Word(("premium",), weights("0.6", "0.15", "0.1", "0.15"))
HEALTH = Sector({}, ("commodity",), "Patients see this.")
TIERS = Tiers({"draft": DRAFT, "final": FINAL}, {"health": HEALTH})


def catalogue(*models: Model, horizon: Horizon = HORIZON) -> Catalogue:
    return Catalogue(models, {"EU": frozenset({"DE", "FR"})}, horizon, LEARNING)


def per_second(usd: str, **rate: object) -> Price:
    return Price("second", (Rate(((1080, Decimal(usd)),), **rate),))  # type: ignore[arg-type]


def router(
    known: Catalogue,
    providers: Mapping[str, "Configured"],
    knowledge: Knowledge | None = None,
    tiers: Tiers = TIERS,
) -> Router:
    """A router that has no experience, unless some is given."""
    return Router(
        known, tiers, lambda organisation, name: providers.get(name), knowledge or knowing(known)
    )


def demanding(**demands: Any) -> Tiers:
    """A table in which the general sector demands something of its models."""
    sector = replace(UNDEMANDING, **demands)
    return Tiers({"draft": DRAFT, "final": FINAL}, {"general": sector})


def knowing(
    known: Catalogue,
    measured: Mapping[str, Measured] | None = None,
    *,
    health: Health | None = None,
    served: bool = False,
) -> Knowledge:
    return Knowledge(
        known,
        health or Health(known),
        lambda organisation: measured or {},
        lambda organisation, model: served,
    )


def model(**changes: object) -> Model:
    return replace(MODEL, **changes)  # type: ignore[arg-type]


def request(**changes: object) -> GenerationRequest:
    return replace(REQUEST, **changes)  # type: ignore[arg-type]


class Configured:
    """A provider that is only asked whether it is configured."""

    recoverable = False

    def __init__(self, name: str, configured: bool = True) -> None:
        self.name = name
        self._configured = configured

    def configured(self) -> bool:
        return self._configured

    def submit(self, order: Order) -> tuple[Job, str]:
        raise Fault("internal", "The router places no orders.")

    def poll(self, job: Job) -> Status:
        raise NotImplementedError

    def fetch(self, job: Job, target: Path, limit: int) -> None:
        raise NotImplementedError

    def cancel(self, job: Job) -> bool:
        raise NotImplementedError

    def recover(self, key: str) -> Job | None:
        raise NotImplementedError
