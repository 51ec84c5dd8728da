"""The models that requests may be routed to: data that people edit, checked when it is loaded."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from governance.domain import Media, Quote
from governance.kernel import clock
from governance.kernel.documents import Document, FileFault, read_yaml, refusal
from governance.kernel.errors import InvalidRequest

Tier = Literal["premium", "commodity", "procedural"]
Lifecycle = Literal["active", "preview", "legacy", "sunset_risk", "retired"]
SourceType = Literal["trainedAlgorithmicMedia", "algorithmicMedia"]

FILE = "catalogue.yaml"
SCHEMA = "schemas/catalogue.schema.json"
_ANY_SIDE = 1_000_000


@dataclass(frozen=True)
class Frame:
    """Which frames a model makes: pixels of the shorter and the longer side."""

    short_min: int
    short_max: int
    long_max: int
    multiple_of: int


@dataclass(frozen=True)
class Price:
    """USD per second or per clip. bands: (shorter side up to which it holds, amount), rising."""

    per: Literal["second", "clip"]
    bands: tuple[tuple[int, Decimal], ...]


@dataclass(frozen=True)
class Model:
    """One entry. provider: our adapter, None where there is none; seconds: those it can make."""

    id: str
    aliases: tuple[str, ...]
    provider: str | None
    vendor_model: str
    media: Media
    source_type: SourceType
    tier: Tier
    status: Lifecycle
    retired_on: date | None
    successors: tuple[str, ...]
    frame: Frame | None
    seconds: tuple[int, ...]
    audio: bool
    licence: str
    territories_denied: tuple[str, ...]
    price: Price | None
    source: str
    as_of: date
    note: str

    def retired(self, today: date) -> bool:
        return self.status == "retired" or (
            self.retired_on is not None and self.retired_on <= today
        )

    def quote(self, seconds: int, width: int, height: int) -> Quote | None:
        """What one clip of that length and size costs; None where no price is known."""
        if self.price is None:
            return None
        short = min(width, height)
        amount = next((usd for limit, usd in self.price.bands if short <= limit), None)
        if amount is None:
            return None
        return Quote(amount * seconds if self.price.per == "second" else amount)


@dataclass(frozen=True)
class Scoring:
    """Weights of tier and cost, by purpose, and what each tier is worth; all 0 to 1."""

    tier: dict[str, Decimal]
    cost: dict[str, Decimal]
    tiers: dict[str, Decimal]


class Catalogue:
    """All models, by id. territories: groups of countries by name (`EU`)."""

    def __init__(
        self,
        models: tuple[Model, ...],
        scoring: Scoring,
        territories: dict[str, frozenset[str]],
    ) -> None:
        self.models = tuple(sorted(models, key=lambda model: model.id))
        self.scoring = scoring
        self._territories = territories
        self._names = {name: m for m in self.models for name in (m.id, *m.aliases)}

    def get(self, name: str) -> Model:
        """The model with that id or alias.

        Raises InvalidRequest: `model_unknown` (names close matches) or `model_retired` (names
        alternatives for the same medium).
        """
        model = self._names.get(name)
        if model is None:
            close = difflib.get_close_matches(name, self._names, n=3, cutoff=0.5)
            hint = f" Did you mean {' or '.join(close)}?" if close else ""
            raise InvalidRequest(
                "model_unknown",
                f"There is no such model in the catalogue.{hint} `auto` lets the service choose.",
                param="model",
                close=close,
            )
        if model.retired(clock.now().date()):
            others = self._alternatives(model)
            raise InvalidRequest(
                "model_retired",
                f"{model.id} was retired on {model.retired_on}. Use `auto` or one of: "
                f"{', '.join(others) or 'none'}.",
                param="model",
                alternatives=others,
            )
        return model

    def countries(self, territories: tuple[str, ...]) -> frozenset[str]:
        """The countries meant by names of groups and codes of countries or their states."""
        return frozenset[str]().union(
            *(self._territories.get(code, frozenset({code[:2]})) for code in territories)
        )

    def _alternatives(self, model: Model) -> list[str]:
        today = clock.now().date()
        usable = [
            other.id
            for other in self.models
            if other.media == model.media and other.provider and not other.retired(today)
        ]
        return sorted(usable, key=lambda name: name not in model.successors)


def load(policies_dir: Path) -> Catalogue:
    """The models of a policies folder.

    Raises ConfigurationError (`catalogue_invalid`), one line per fault.
    """
    document, faults = _inspect(policies_dir)
    if faults:
        raise refusal("catalogue_invalid", faults)
    data = document.value
    scoring = data["scoring"]
    purposes = ("final", "intermediate")
    return Catalogue(
        models=tuple(_model(entry) for entry in data["models"]),
        scoring=Scoring(
            tier={purpose: Decimal(scoring[purpose]["tier"]) for purpose in purposes},
            cost={purpose: Decimal(scoring[purpose]["cost"]) for purpose in purposes},
            tiers={name: Decimal(value) for name, value in scoring["tiers"].items()},
        ),
        territories={name: frozenset(codes) for name, codes in data["territories"].items()},
    )


def check(policies_dir: Path) -> list[FileFault]:
    """Everything that is wrong in the catalogue; empty when `load` would succeed."""
    return _inspect(policies_dir)[1]


def _inspect(policies_dir: Path) -> tuple[Document, list[FileFault]]:
    document, faults = read_yaml(policies_dir, FILE, SCHEMA)
    return document, faults or list(_contradictions(document))


def _contradictions(document: Document) -> Iterator[FileFault]:
    """What a schema cannot see: names used twice, missing successors, empty ranges."""
    entries: list[dict[str, Any]] = document.value["models"]
    ids = {entry["id"] for entry in entries}
    seen = {"auto"}
    for number, entry in enumerate(entries):
        place = ("models", number)
        names = [entry["id"], *entry.get("aliases", [])]
        for name in names:
            if name in seen:
                yield document.fault(place, f"the name {name} is taken")
            seen.add(name)
        for name in entry.get("successors", []):
            if name not in ids:
                yield document.fault(
                    (*place, "successors"), f"the successor {name} is not in the catalogue"
                )
        span = entry.get("seconds", {"min": 0, "max": 0})
        if span["min"] > span["max"]:
            yield document.fault((*place, "seconds"), "seconds.min is above seconds.max")


def _model(entry: dict[str, Any]) -> Model:
    seconds = entry.get("seconds")
    price = entry["price"]
    retired_on = entry.get("retired_on")
    return Model(
        id=entry["id"],
        aliases=tuple(entry.get("aliases", [])),
        provider=entry["provider"],
        vendor_model=entry["vendor_model"],
        media=entry["media"],
        source_type=entry["source_type"],
        tier=entry["tier"],
        status=entry["status"],
        retired_on=date.fromisoformat(retired_on) if retired_on else None,
        successors=tuple(entry.get("successors", [])),
        frame=Frame(**entry["frame"]) if "frame" in entry else None,
        seconds=_durations(**seconds) if seconds else (),
        audio=entry["audio"],
        licence=entry["licence"],
        territories_denied=tuple(entry["territories_denied"]),
        price=_price(price) if price else None,
        source=entry["source"],
        as_of=date.fromisoformat(entry["as_of"]),
        note=entry.get("note", ""),
    )


def _durations(min: int, max: int, step: int = 1) -> tuple[int, ...]:
    return tuple(range(min, max + 1, step))


def _price(entry: dict[str, Any]) -> Price:
    bands = (
        (_ANY_SIDE if side == "any" else int(side), Decimal(usd))
        for side, usd in entry["usd"].items()
    )
    return Price(entry["per"], tuple(sorted(bands)))
