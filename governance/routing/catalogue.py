"""The models that requests may be routed to: data that people edit, checked when it is loaded."""

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from governance.kernel import clock
from governance.kernel.documents import Document, FileFault, read_yaml, refusal
from governance.kernel.errors import InvalidRequest
from governance.routing.entries import model_of
from governance.routing.model import Model
from governance.routing.tiers import WORDS

FILE = "catalogue.yaml"
SCHEMA = "schemas/catalogue.schema.json"
NAMED = 5  # alternatives in a sentence


@dataclass(frozen=True)
class Learning:
    """How prior knowledge and our own measurements are weighed; see `routing.quality`."""

    reference_score: int
    prior_clips: Decimal
    default_clips: Decimal
    inferred_interval: int
    technical_weight: Decimal
    window: int
    latency_clips: int
    unknown_latency: int
    half_latency: int
    success: Decimal
    success_clips: Decimal
    without_score: dict[str, Decimal]


@dataclass(frozen=True)
class Horizon:
    """Days: after which a figure is too old to act on, and from which on an end is told."""

    stale_after: int
    warn_ahead: int


class Catalogue:
    """All models, by id. territories: groups of countries by name (`EU`)."""

    def __init__(
        self,
        models: tuple[Model, ...],
        territories: dict[str, frozenset[str]],
        horizon: Horizon,
        learning: Learning,
    ) -> None:
        self.models = tuple(sorted(models, key=lambda model: model.id))
        self.horizon = horizon
        self.learning = learning
        self._territories = territories
        self._by_id = {model.id: model for model in self.models}
        self._names = {name: m for m in self.models for name in (m.id, *m.aliases)}

    def find(self, model_id: str) -> Model | None:
        """The model with that id, retired or not."""
        return self._by_id.get(model_id)

    def get(self, name: str, offered: Callable[[Model], bool] = lambda model: True) -> Model:
        """The model with that id or alias.

        offered: what may be named as an alternative. Raises InvalidRequest: `model_unknown` (names
        close matches) or `model_retired` (names its successors and alternatives for its medium).
        """
        model = self._names.get(name)
        if model is None:
            raise _unknown(name, [*self._names, *WORDS])
        if model.retired(clock.now().date()):
            others = self._alternatives(model, offered)
            follows = f" Its successor is {', '.join(model.successors)}." * bool(model.successors)
            raise InvalidRequest(
                "model_retired",
                f"{model.id} was retired on {model.retired_on}.{follows} Use `auto` or one of: "
                f"{', '.join(others[:NAMED]) or 'none'}.",
                param="model",
                alternatives=others,
                successors=list(model.successors),
            )
        return model

    def countries(self, territories: Iterable[str]) -> frozenset[str]:
        """The countries meant by names of groups and codes of countries or their states."""
        return frozenset[str]().union(
            *(self._territories.get(code, frozenset({code[:2]})) for code in territories)
        )

    def is_stale(self, model: Model, today: date) -> bool:
        """Whether what is known of it is too old to spend money on. Our own never ages."""
        age = timedelta(days=self.horizon.stale_after)
        return not model.is_stand_in and model.as_of < today - age

    def warnings(self, model: Model, today: date) -> tuple[str, ...]:
        return tuple(model.warnings(today, self.horizon.warn_ahead))

    def _alternatives(self, model: Model, offered: Callable[[Model], bool]) -> list[str]:
        """Successors first, then those of its tier."""
        today = clock.now().date()
        usable = [
            other
            for other in self.models
            if other.media == model.media
            and other.provider
            and other.price
            and not other.retired(today)
            and offered(other)
        ]
        usable.sort(key=lambda other: (other.id not in model.successors, other.tier != model.tier))
        return [other.id for other in usable]


def load(policies_dir: Path) -> Catalogue:
    """The models of a policies folder.

    Raises ConfigurationError (`catalogue_invalid`), one line per fault.
    """
    document, faults = _inspect(policies_dir)
    if faults:
        raise refusal("catalogue_invalid", faults)
    data = document.value
    return Catalogue(
        models=tuple(model_of(entry) for entry in data["models"]),
        territories={name: frozenset(codes) for name, codes in data["territories"].items()},
        horizon=Horizon(data["stale_after_days"], data["warn_days_ahead"]),
        learning=_learning(data["learning"]),
    )


def check(policies_dir: Path) -> list[FileFault]:
    """Everything that is wrong in the catalogue; empty when `load` would succeed."""
    return _inspect(policies_dir)[1]


def _inspect(policies_dir: Path) -> tuple[Document, list[FileFault]]:
    document, faults = read_yaml(policies_dir, FILE, SCHEMA)
    return document, faults or list(_contradictions(document))


def _contradictions(document: Document) -> Iterator[FileFault]:
    """What a schema cannot see: names used twice, missing relatives, empty ranges."""
    entries: list[dict[str, Any]] = document.value["models"]
    scored = {entry["id"]: "score" in entry.get("quality", {}) for entry in entries}
    seen = set(WORDS)
    for number, entry in enumerate(entries):
        place = ("models", number)
        for name in [entry["id"], *entry.get("aliases", [])]:
            if name in seen:
                yield document.fault(place, f"the name {name} is taken")
            seen.add(name)
        for name in entry["lifecycle"].get("successors", []):
            if name not in scored:
                there = (*place, "lifecycle", "successors")
                yield document.fault(there, f"the successor {name} is not in the catalogue")
        predecessor = entry.get("quality", {}).get("predecessor")
        if predecessor is not None and not scored.get(predecessor):
            there = (*place, "quality", "predecessor")
            yield document.fault(there, f"the predecessor {predecessor} has no score")
        span = entry["makes"].get("seconds", {"min": 0, "max": 0})
        if span["min"] > span["max"]:
            yield document.fault((*place, "makes", "seconds"), "seconds.min is above seconds.max")


def _unknown(name: str, known: list[str]) -> InvalidRequest:
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    return InvalidRequest(
        "model_unknown",
        f"There is no such model in the catalogue.{hint} `auto`, `draft` and `final` let the "
        "service choose.",
        param="model",
        close=close,
    )


def _learning(data: dict[str, Any]) -> Learning:
    shares = {name: Decimal(value) for name, value in data["without_score"].items()}
    decimals = ("prior_clips", "default_clips", "technical_weight", "success", "success_clips")
    return Learning(
        **{**data, **{name: Decimal(data[name]) for name in decimals}, "without_score": shares}
    )
