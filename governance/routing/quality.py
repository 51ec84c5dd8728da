"""What a model is worth: what is known before its first clip, and what its clips have shown.

The rule. Quality is the share of people who would prefer a model's result to that of a reference
model. Before any clip of ours it is read off a public arena's Elo score s with its 95 % interval
± h, by Elo's own formula: q = 1 ÷ (1 + 10^((reference − s) ÷ 400)), with the standard deviation
q (1 − q) ln 10 ÷ 400 · h ÷ 1.96. That is held as a Beta distribution with this mean and deviation,
worth at most `prior_clips` reviews, because the arena's prompts are not ours. A model without a
score of its own inherits its predecessor's, less a margin and with a wider interval (`inferred`);
one without a predecessor starts from what is usual in its tier (`assumed`).

Each reviewed clip then counts as one trial (approved or not), and each clip's technical figure t
as t successes and 1 − t failures, times `technical_weight`. Mean and interval are the Beta's.

Success (the share of orders that become a file, those that a vendor refused for their content left
out) is a Beta in the same way. Latency is what was measured, once there is enough of it.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from governance.routing.catalogue import Catalogue, Learning
from governance.routing.model import Arena, Inferred, Model

Basis = Literal["measured", "arena", "inferred", "assumed", "catalogue"]
_PLACES = Decimal("0.0001")
_TENTHS = Decimal("0.1")
_Z = 1.96  # of a 95 % interval


@dataclass(frozen=True)
class Measured:
    """What our last orders of a model came to.

    orders: those that ended, without what its vendor refused; made: those that became a file;
    usual, slow: seconds from order to file, p50 and p95; technical: the sum of `examined` figures.
    """

    orders: int = 0
    made: int = 0
    usual: Decimal | None = None
    slow: Decimal | None = None
    examined: int = 0
    technical: Decimal = Decimal(0)
    reviewed: int = 0
    approved: int = 0


@dataclass(frozen=True)
class Estimate:
    """A share from 0 to 1 with its 95 % interval, and what it rests on."""

    mean: Decimal
    low: Decimal
    high: Decimal
    basis: Basis


@dataclass(frozen=True)
class Latency:
    """Seconds from order to file: usual (p50) and slow (p95)."""

    usual: Decimal
    slow: Decimal
    basis: Basis


@dataclass(frozen=True)
class _Beta:
    """successes, failures: as if so many trials had been seen."""

    successes: float
    failures: float

    def after(self, successes: float, failures: float) -> "_Beta":
        return _Beta(self.successes + successes, self.failures + failures)

    def estimate(self, basis: Basis) -> Estimate:
        trials = self.successes + self.failures
        mean = self.successes / trials
        spread = _Z * math.sqrt(mean * (1 - mean) / (trials + 1))
        low, high = max(0.0, mean - spread), min(1.0, mean + spread)
        return Estimate(_decimal(mean), _decimal(low), _decimal(high), basis)


def quality(catalogue: Catalogue, model: Model, measured: Measured) -> Estimate:
    """What to expect of its next clip, by the rule above."""
    belief, basis = _prior(catalogue, model)
    weight = float(catalogue.learning.technical_weight)
    good = float(measured.technical)
    belief = belief.after(good * weight, (measured.examined - good) * weight)
    belief = belief.after(measured.approved, measured.reviewed - measured.approved)
    return belief.estimate("measured" if measured.examined or measured.reviewed else basis)


def success(learning: Learning, measured: Measured) -> Estimate:
    """The share of orders that become a file."""
    trials, share = float(learning.success_clips), float(learning.success)
    belief = _Beta(trials * share, trials * (1 - share))
    belief = belief.after(measured.made, measured.orders - measured.made)
    return belief.estimate("measured" if measured.orders else "assumed")


def latency(learning: Learning, model: Model, measured: Measured) -> Latency:
    """Our own once there are enough clips; else the catalogue's; else what is assumed."""
    enough = measured.made >= learning.latency_clips
    if enough and measured.usual is not None and measured.slow is not None:
        return Latency(measured.usual, measured.slow, "measured")
    if model.latency is not None:
        usual, slow = (Decimal(seconds) for seconds in model.latency)
        return Latency(usual, slow, "catalogue")
    unknown = Decimal(learning.unknown_latency)
    return Latency(unknown, unknown, "assumed")


def speed(learning: Learning, seconds: Decimal) -> Decimal:
    """1 for an instant answer, a half at `half_latency` seconds."""
    return (1 / (1 + seconds / learning.half_latency)).quantize(_PLACES)


def percentile(values: list[int], share: float) -> Decimal:
    """Of milliseconds, in seconds: the least value that so many are not above."""
    ranked = sorted(values)
    index = max(0, math.ceil(share * len(ranked)) - 1)
    return (Decimal(ranked[index]) / 1000).quantize(_TENTHS)


def _prior(catalogue: Catalogue, model: Model) -> tuple[_Beta, Basis]:
    learning, found = catalogue.learning, model.quality
    if isinstance(found, Inferred):
        predecessor = catalogue.find(found.predecessor)
        inherited = predecessor.quality if predecessor else None
        if isinstance(inherited, Arena):
            interval = inherited.interval + learning.inferred_interval
            return _scored(learning, inherited.score - found.margin, interval), "inferred"
    if isinstance(found, Arena):
        return _scored(learning, found.score, found.interval), "arena"
    share, trials = float(learning.without_score[model.tier]), float(learning.default_clips)
    return _Beta(share * trials, (1 - share) * trials), "assumed"


def _scored(learning: Learning, score: int, interval: int) -> _Beta:
    mean = 1 / (1 + 10 ** ((learning.reference_score - score) / 400))
    variance = mean * (1 - mean)
    deviation = variance * math.log(10) / 400 * interval / _Z
    worth = variance / deviation**2 - 1  # a Beta of so many trials has this deviation
    trials = min(max(worth, float(learning.default_clips)), float(learning.prior_clips))
    return _Beta(mean * trials, (1 - mean) * trials)


def _decimal(value: float) -> Decimal:
    return Decimal(str(round(value, 6))).quantize(_PLACES)
