"""What it costs and who makes it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True)
class Quote:
    """A price before spending; currency is ISO 4217."""

    amount: Decimal
    currency: str = "USD"


@dataclass(frozen=True)
class Candidate:
    """One model that the router looked at: why it was rejected, or its score."""

    model: str
    rejected: str | None
    score: str | None
    quote: Quote | None


@dataclass(frozen=True)
class Route:
    """The router's choice and its whole trace.

    source_type: IPTC digital source type of what the model makes
    (`trainedAlgorithmicMedia`, `algorithmicMedia`).
    """

    model: str
    provider: str
    source_type: Literal["trainedAlgorithmicMedia", "algorithmicMedia"]
    quote: Quote
    candidates: tuple[Candidate, ...]
