"""What the catalogue says of one model: what it makes, what that costs, until when it is there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from governance.domain import InputRole, Media, ModelTask, Quote

Tier = Literal["premium", "commodity", "procedural"]
Status = Literal["announced", "active", "preview", "legacy", "sunset_risk", "retired"]
SourceType = Literal["trainedAlgorithmicMedia", "algorithmicMedia"]
Sound = Literal["never", "optional", "always"]
# What a choice of this model rests on: where one of them is too old, nobody knows what it costs.
DECISIVE = ("lifecycle", "licence", "price")


@dataclass(frozen=True)
class Origin:
    """Where a figure comes from. as_of: the day on which it was last seen to hold."""

    source: str
    as_of: date


@dataclass(frozen=True)
class Frame:
    """Which frames a model makes: pixels of the shorter and the longer side.

    shorts: the only shorter sides, ratios: the only ratios (`16:9`); empty for any within the
    limits.
    """

    short_min: int
    short_max: int
    long_max: int
    multiple_of: int
    shorts: tuple[int, ...] = ()
    ratios: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rate:
    """One line of a price list. bands: (shorter side up to which it holds, USD), rising.

    seconds: the only length it is for; audio: whether with sound; None: no matter;
    above: the shorter side from which it holds.
    """

    bands: tuple[tuple[int, Decimal], ...]
    seconds: int | None = None
    audio: bool | None = None
    above: int = 0

    def amount(self, seconds: int, short: int, audio: bool) -> Decimal | None:
        if self.seconds not in (None, seconds) or self.audio not in (None, audio):
            return None
        if short < self.above:
            return None
        return next((usd for limit, usd in self.bands if short <= limit), None)


@dataclass(frozen=True)
class Price:
    """USD per second, or per clip (image, sound). The first rate that fits holds."""

    per: Literal["second", "clip"]
    rates: tuple[Rate, ...]


@dataclass(frozen=True)
class Arena:
    """A public score: people's votes between two results, on the Elo scale. interval: ± of 95 %."""

    board: str
    score: int
    interval: int


@dataclass(frozen=True)
class Inferred:
    """No score yet: that of a predecessor, less a margin in points."""

    predecessor: str
    margin: int


@dataclass(frozen=True)
class Observed:
    """A figure of the market that was told to us; kept for comparison, never used for quotes."""

    what: str
    low: Decimal
    high: Decimal | None
    unit: str
    origin: Origin


@dataclass(frozen=True)
class Model:
    """One entry of the catalogue.

    provider: our adapter, None where there is none; seconds: those it can make; inputs: roles of
    files it works from; marks: what its vendor leaves in its files, None where nobody knows;
    regions: where it processes, None where nobody knows; latency: seconds from order to file,
    usual and slow; origins: by part of the entry.
    """

    id: str
    aliases: tuple[str, ...]
    provider: str | None
    vendor_model: str
    media: Media
    source_type: SourceType
    tier: Tier
    status: Status
    price: Price | None
    origins: Mapping[str, Origin]
    frame: Frame | None = None
    seconds: tuple[int, ...] = ()
    audio: Sound = "never"
    tasks: tuple[ModelTask, ...] = ("generate",)
    inputs: tuple[InputRole, ...] = ()
    voices: bool = False
    licence: str = ""
    territories_denied: tuple[str, ...] = ()
    marks: tuple[str, ...] | None = None
    regions: tuple[str, ...] | None = None
    latency: tuple[int, int] | None = None
    quality: Arena | Inferred | None = None
    observed: tuple[Observed, ...] = ()
    announced_on: date | None = None
    guaranteed_until: date | None = None
    retired_on: date | None = None
    successors: tuple[str, ...] = ()
    note: str = field(default="", compare=False)

    @property
    def as_of(self) -> date:
        """The day of its oldest decisive figure."""
        return min(self.origins[part].as_of for part in DECISIVE if part in self.origins)

    @property
    def is_stand_in(self) -> bool:
        """Made by formulas of ours, where nothing better is there."""
        return self.tier == "procedural"

    def retired(self, today: date) -> bool:
        return self.status == "retired" or (
            self.retired_on is not None and self.retired_on <= today
        )

    def quote(self, seconds: int, width: int, height: int, audio: bool = False) -> Quote | None:
        """What one clip of that length and size costs; None where no price is known.

        audio: whether it must have sound; one that always has it is priced with it.
        """
        if self.price is None:
            return None
        audio, short = audio or self.audio == "always", min(width, height)
        amounts = (rate.amount(seconds, short, audio) for rate in self.price.rates)
        amount = next((usd for usd in amounts if usd is not None), None)
        if amount is None:
            return None
        return Quote(amount * seconds if self.price.per == "second" else amount)

    def warnings(self, today: date, ahead: int) -> Iterator[str]:
        """What who uses it should know: it ends within so many days, or may end any day."""
        use = f" Its successor is {', '.join(self.successors)}." if self.successors else ""
        if self.retired(today):
            return
        if self.retired_on is not None:
            days = (self.retired_on - today).days
            if days <= ahead:
                yield f"{self.id} ends on {self.retired_on}, in {days} days.{use}"
        elif self.status == "sunset_risk":
            until = f" It was guaranteed until {self.guaranteed_until}."
            yield f"{self.id} may end any day.{until if self.guaranteed_until else ''}{use}"
        elif self.status == "legacy":
            yield f"{self.id} is a legacy model: its end has no date yet.{use}"
