"""What requests mean by `draft` and `final`, by sector: `tiers.yaml` of the policies folder."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from governance.domain import GenerationRequest, Part
from governance.kernel.documents import Document, FileFault, read_yaml, refusal
from governance.routing.model import Tier

FILE = "tiers.yaml"
SCHEMA = "schemas/tiers.schema.json"
AUTO = "auto"
# Words that let the service choose: no model may be called so.
WORDS = (AUTO, "draft", "final")
PURPOSES = {"intermediate": "draft", "final": "final"}
COMPONENTS: tuple[Part, ...] = ("quality", "cost", "latency", "health")


@dataclass(frozen=True)
class Word:
    """The tiers that a word means, and how much each part of a score counts; they sum to 1."""

    tiers: tuple[Tier, ...]
    weights: Mapping[Part, Decimal]


@dataclass(frozen=True)
class Sector:
    """Its own reading of some words, the tiers that make none of its final files, and its demands.

    processed_in: territories outside of which nothing may be processed, None for any; vendor_marks:
    what the vendor must leave in the file (`c2pa`, `synthid`).
    """

    words: Mapping[str, Word]
    forbidden_finals: tuple[Tier, ...]
    because: str
    processed_in: tuple[str, ...] | None = None
    vendor_marks: tuple[str, ...] = ()


UNDEMANDING = Sector({}, (), "")


class Tiers:
    """The table that maps words to tiers."""

    def __init__(self, words: Mapping[str, Word], sectors: Mapping[str, Sector]) -> None:
        self._words = words
        self._sectors = sectors

    def weights(self, request: GenerationRequest) -> Mapping[Part, Decimal]:
        """Those of the word that was said; otherwise of the one that the purpose stands for."""
        is_word = request.model in self._words
        word = request.model if is_word else PURPOSES[request.purpose]
        return self._word(word, request).weights

    def objection(self, tier: Tier, request: GenerationRequest) -> str | None:
        """Why a model of this tier may not make what is asked for; None where it may."""
        if request.model in self._words:
            meant = self._word(request.model, request).tiers
            if tier not in meant:
                return f"`{request.model}` means {' or '.join(meant)} models, this one is {tier}"
        sector = self.sector(request)
        if request.purpose == "final" and tier in sector.forbidden_finals:
            return f"no {tier} model makes a final file for {request.sector}: {sector.because}"
        return None

    def sector(self, request: GenerationRequest) -> Sector:
        return self._sectors.get(request.sector, UNDEMANDING)

    def meaning(self, tier: str) -> str | None:
        """The word by which a tier is asked for."""
        return next((name for name, word in self._words.items() if tier in word.tiers), None)

    def _word(self, name: str, request: GenerationRequest) -> Word:
        return self.sector(request).words.get(name) or self._words[name]


def load(policies_dir: Path) -> Tiers:
    """The table of a policies folder. Raises ConfigurationError (`tiers_invalid`)."""
    document, faults = _inspect(policies_dir)
    if faults:
        raise refusal("tiers_invalid", faults)
    data = document.value
    words = {name: _word(entry) for name, entry in data["words"].items()}
    return Tiers(words, {name: _sector(entry) for name, entry in data["sectors"].items()})


def check(policies_dir: Path) -> list[FileFault]:
    """Everything that is wrong in the table; empty when `load` would succeed."""
    return _inspect(policies_dir)[1]


def _inspect(policies_dir: Path) -> tuple[Document, list[FileFault]]:
    document, faults = read_yaml(policies_dir, FILE, SCHEMA)
    return document, faults or list(_unbalanced(document))


def _unbalanced(document: Document) -> Iterator[FileFault]:
    parts: dict[tuple[str, ...], Any] = {("words",): document.value["words"]}
    parts |= {("sectors", name): entry for name, entry in document.value["sectors"].items()}
    for place, entries in parts.items():
        for name in PURPOSES.values():
            if name in entries and sum(_word(entries[name]).weights.values()) != 1:
                yield document.fault((*place, name, "weights"), "the weights do not add up to 1")


def _word(entry: dict[str, Any]) -> Word:
    weights = {part: Decimal(entry["weights"][part]) for part in COMPONENTS}
    return Word(tuple(entry["tiers"]), weights)


def _sector(entry: dict[str, Any]) -> Sector:
    words = {name: _word(entry[name]) for name in PURPOSES.values() if name in entry}
    within = entry.get("processed_in")
    return Sector(
        words,
        tuple(entry.get("forbidden_finals", ())),
        entry["because"],
        None if within is None else tuple(within),
        tuple(entry.get("vendor_marks", ())),
    )
