"""An entry of the catalogue's file, which its schema has checked, as a `Model`."""

from datetime import date
from decimal import Decimal
from typing import Any

from governance.routing.model import Arena, Frame, Inferred, Model, Observed, Origin, Price, Rate

Entry = dict[str, Any]
PARTS = ("lifecycle", "makes", "licence", "price", "marks", "residency", "latency", "quality")
_ANY_SIDE = 1_000_000


def model_of(entry: Entry) -> Model:
    makes, life, licence = entry["makes"], entry["lifecycle"], entry["licence"]
    latency = entry.get("latency")
    return Model(
        id=entry["id"],
        aliases=tuple(entry.get("aliases", [])),
        provider=entry["provider"],
        vendor_model=entry["vendor_model"],
        media=entry["media"],
        source_type=entry["source_type"],
        tier=entry["tier"],
        status=life["status"],
        announced_on=_day(life.get("announced_on")),
        guaranteed_until=_day(life.get("guaranteed_until")),
        retired_on=_day(life.get("retired_on")),
        successors=tuple(life.get("successors", [])),
        frame=_frame(makes["frame"]) if "frame" in makes else None,
        seconds=_durations(**makes["seconds"]) if "seconds" in makes else (),
        audio=makes["audio"],
        tasks=tuple(makes["tasks"]),
        inputs=tuple(makes.get("inputs", [])),
        voices=makes.get("voices", False),
        licence=licence["name"],
        territories_denied=tuple(licence["territories_denied"]),
        price=_price(entry["price"]) if entry["price"] else None,
        marks=_names(entry.get("marks"), "kinds"),
        regions=_names(entry.get("residency"), "regions"),
        latency=(latency["usual"], latency["slow"]) if latency else None,
        quality=_quality(entry.get("quality")),
        observed=tuple(_observed(figure) for figure in entry.get("observed", [])),
        origins={part: _origin(entry[part]) for part in PARTS if entry.get(part)},
        note=entry.get("note", ""),
    )


def _origin(part: Entry) -> Origin:
    return Origin(part["source"], date.fromisoformat(part["as_of"]))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _frame(entry: Entry) -> Frame:
    lists = {name: tuple(entry.get(name, [])) for name in ("shorts", "ratios")}
    return Frame(**{**entry, **lists})


def _durations(min: int, max: int, step: int = 1) -> tuple[int, ...]:
    return tuple(range(min, max + 1, step))


def _price(entry: Entry) -> Price:
    return Price(entry["per"], tuple(_rate(rate) for rate in entry["rates"]))


def _rate(entry: Entry) -> Rate:
    bands = (
        (_ANY_SIDE if side == "any" else int(side), Decimal(usd))
        for side, usd in entry["usd"].items()
    )
    return Rate(
        tuple(sorted(bands)), entry.get("seconds"), entry.get("audio"), entry.get("above", 0)
    )


def _names(part: Entry | None, name: str) -> tuple[str, ...] | None:
    return tuple(part[name]) if part else None


def _quality(entry: Entry | None) -> Arena | Inferred | None:
    if entry is None:
        return None
    if "predecessor" in entry:
        return Inferred(entry["predecessor"], entry["margin"])
    return Arena(entry["board"], entry["score"], entry["interval"])


def _observed(entry: Entry) -> Observed:
    high = entry.get("high")
    return Observed(
        entry["what"],
        Decimal(entry["low"]),
        None if high is None else Decimal(high),
        entry["unit"],
        _origin(entry),
    )
