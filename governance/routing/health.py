"""Whether a model can be relied on right now: its last answers, and a breaker that opens.

In this process only; it starts afresh with it. By organisation, because accounts and addresses are.
"""

import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from governance.kernel import clock
from governance.routing.catalogue import Catalogue
from governance.routing.provider import FaultKind

# Faults of the vendor. A refusal is an answer; a bad order, an empty account, wrong credentials
# and haste are ours.
COUNTED: frozenset[FaultKind] = frozenset({"unavailable", "ambiguous", "internal", "gone"})
WINDOW = 50  # answers that are remembered
TRIPS_AFTER = 5  # faults in a row
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)
PRIOR_ANSWERS = 10  # what was known before counts as much as so many answers
_PLACES = Decimal("0.0001")


@dataclass
class _Line:
    """The answers of one model, or of all models of one provider."""

    answers: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))
    in_a_row: int = 0
    pause: timedelta = FIRST_PAUSE
    closed_until: datetime | None = None

    def note(self, is_good: bool, now: datetime) -> None:
        self.answers.append(is_good)
        if is_good:
            self.in_a_row, self.pause, self.closed_until = 0, FIRST_PAUSE, None
            return
        self.in_a_row += 1
        if self.in_a_row < TRIPS_AFTER:
            return
        if self.closed_until is not None and now >= self.closed_until:  # the trial failed, too
            self.pause = min(self.pause * 2, LONGEST_PAUSE)
        self.closed_until = now + self.pause

    def is_open(self, now: datetime) -> bool:
        """Whether the breaker is open; after the pause orders are let through to try."""
        return self.closed_until is not None and now < self.closed_until


class Health:
    """Fed with the outcome of every call to a vendor; thread-safe."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._providers = {model.id: model.provider for model in catalogue.models}
        self._lines: dict[tuple[str, str], _Line] = {}
        self._lock = threading.Lock()

    def note(self, organisation: str, model: str, fault: FaultKind | None) -> None:
        """An order was taken or a job has ended: None for well. Faults of ours do not count."""
        if fault is not None and fault not in COUNTED:
            return
        now = clock.now()
        with self._lock:
            # A model that is gone says nothing about the others of its provider.
            for scope in self._scopes(model)[: 1 if fault == "gone" else None]:
                line = self._lines.setdefault((organisation, scope), _Line())
                line.note(fault is None, now)

    def is_resting(self, organisation: str, model: str) -> bool:
        """Whether no order should be sent there now: it, or its provider, keeps failing."""
        now = clock.now()
        with self._lock:
            lines = [self._lines.get((organisation, scope)) for scope in self._scopes(model)]
            return any(line.is_open(now) for line in lines if line is not None)

    def rate(self, organisation: str, model: str, expected: Decimal) -> Decimal:
        """The share of good answers to expect: what was expected, corrected by the last ones."""
        with self._lock:
            line = self._lines.get((organisation, f"model:{model}"))
            good, answers = (sum(line.answers), len(line.answers)) if line else (0, 0)
        share = (expected * PRIOR_ANSWERS + good) / (PRIOR_ANSWERS + answers)
        return share.quantize(_PLACES)

    def _scopes(self, model: str) -> tuple[str, ...]:
        provider = self._providers.get(model)
        own = f"model:{model}"
        return (own, f"provider:{provider}") if provider else (own,)
