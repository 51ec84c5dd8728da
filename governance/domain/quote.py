"""What it costs and who makes it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Part = Literal["quality", "cost", "latency", "health"]


@dataclass(frozen=True)
class Quote:
    """A price before spending; currency is ISO 4217."""

    amount: Decimal
    currency: str = "USD"


@dataclass(frozen=True)
class Component:
    """One part of a score, from 0 to 1, and how much it counts; decimal strings."""

    name: Part
    value: str
    weight: str


@dataclass(frozen=True)
class Candidate:
    """One model that the router looked at: why it was rejected, or its score.

    components: their products with their weights add up to the score.
    """

    model: str
    rejected: str | None
    score: str | None
    quote: Quote | None
    components: tuple[Component, ...] = ()


@dataclass(frozen=True)
class Route:
    """The router's choice and its whole trace.

    source_type: IPTC digital source type of what the model makes
    (`trainedAlgorithmicMedia`, `algorithmicMedia`); warnings: what who uses the model should know.
    """

    model: str
    provider: str
    source_type: Literal["trainedAlgorithmicMedia", "algorithmicMedia"]
    quote: Quote
    candidates: tuple[Candidate, ...]
    warnings: tuple[str, ...] = ()
