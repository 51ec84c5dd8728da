"""How much may be spent in all."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True)
class Budget:
    """Money that everything which is spent on one account shares.

    account: its name, at most 64 characters; cap: the most that may be set aside and spent
    together, in `currency` (ISO 4217); title: how people call it; renews: when a full one takes
    its place, None for never.
    """

    account: str
    cap: Decimal
    currency: str
    title: str
    renews: datetime | None = None
