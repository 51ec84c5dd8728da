"""How far an authority reaches."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

ANY = "*"


@dataclass(frozen=True)
class Grant:
    """Every dimension is explicit; nothing is granted by silence.

    actions: `object:action`; projects: names; models: catalogue ids, or `vendor/*`; territories:
    codes as in requests. Each of them may be `*` alone. per_call, total: the most that one
    generation, and all together, may cost, in `currency` (ISO 4217); until: the end, exclusive.
    """

    actions: tuple[str, ...]
    projects: tuple[str, ...]
    models: tuple[str, ...]
    territories: tuple[str, ...]
    per_call: Decimal
    total: Decimal
    currency: str
    until: datetime
