"""Small models, catalogues and requests for the tests of this folder."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from governance.domain import GenerationRequest
from governance.routing import Catalogue, Fault, Job, Model, Order, Status
from governance.routing.catalogue import Frame, Price, Scoring

POLICIES = Path(__file__).parents[2] / "policies"

MODEL = Model(
    id="test/plain",
    aliases=(),
    provider="open",
    vendor_model="plain",
    media="video",
    source_type="trainedAlgorithmicMedia",
    tier="commodity",
    status="active",
    retired_on=None,
    successors=(),
    frame=Frame(360, 1080, 1920, 2),
    seconds=tuple(range(1, 16)),
    audio=True,
    licence="Apache-2.0",
    territories_denied=(),
    price=Price("second", ((1080, Decimal("0.10")),)),
    source="test",
    as_of=date(2026, 11, 22),
    note="",
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

SCORING = Scoring(
    tier={"final": Decimal("0.6"), "intermediate": Decimal("0.4")},
    cost={"final": Decimal("0.4"), "intermediate": Decimal("0.6")},
    tiers={"premium": Decimal(1), "commodity": Decimal("0.6"), "procedural": Decimal(0)},
)


def catalogue(*models: Model) -> Catalogue:
    return Catalogue(models, SCORING, {"EU": frozenset({"DE", "FR"})})


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
