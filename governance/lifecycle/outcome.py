"""What a step found out, before it is committed."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from governance.ledger import Entry


def nothing(connection: Connection) -> None:
    """No further rows."""


@dataclass(frozen=True)
class Outcome:
    """The records to append and the rows that belong to them, in one transaction.

    delay: seconds until the engine looks again, None for the state's own time (`steps.wake_at`).
    Without entries no state changes: the engine only looks again after `delay`.
    """

    entries: tuple[Entry, ...] = ()
    also: Callable[[Connection], None] = nothing
    delay: float | None = None
