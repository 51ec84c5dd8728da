"""Reads China's label of AI-generated content (GB 45438-2025, annex E) out of media files.

Where it lies is told by the practice guides TC260-PG-20257A (video), 20259A (images) and 202510A
(audio); generators also leave it elsewhere, so every place is looked at. A file shall hold one.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from governance import __version__
from governance.domain import Mark, MarkState
from governance.marking.metadata import exif, xmp_read
from governance.marking.metadata.places import Place, places

TOOL = "governance aigc reader"
FIELDS = (
    "Label",
    "ContentProducer",
    "ProduceID",
    "ReservedCode1",
    "ContentPropagator",
    "PropagateID",
    "ReservedCode2",
)
REQUIRED = FIELDS[:3]
MEANINGS = {"1": "is", "2": "may be", "3": "is suspected to be"}
MAX_TEXT = 200
MAX_LABEL = 16_384  # reserved codes may hold signatures
RECORD_ID = re.compile(r"[a-z]{2,6}_[0-9a-f]{32}")


@dataclass(frozen=True)
class AigcLabel:
    """The seven fields of annex E. label: 1 is, 2 may be, 3 is suspected to be AI-generated."""

    label: str
    producer: str
    produce_id: str
    reserved1: str = ""
    propagator: str = ""
    propagate_id: str = ""
    reserved2: str = ""

    def text(self) -> str:
        """As it is written: one line of ASCII JSON, the fields in the standard's order."""
        values = (
            self.label,
            self.producer,
            self.produce_id,
            self.reserved1,
            self.propagator,
            self.propagate_id,
            self.reserved2,
        )
        return json.dumps(dict(zip(FIELDS, values, strict=True)), separators=(",", ":"))


def labels(path: Path, media_type: str) -> tuple[AigcLabel | None, ...]:
    """Every label in the file, None for one that can't be read; several may say the same."""
    texts = (text for place in places(path, media_type) for text in _texts(place))
    return tuple(parse(text) for text in texts)


def _texts(place: Place) -> Iterator[bytes]:
    match place.kind:
        case "aigc":
            yield place.content
        case "xmp":
            yield from (text.encode() for text in xmp_read.label_texts(place.content))
        case "exif":
            yield from exif.labels(place.content)


def parse(text: bytes) -> AigcLabel | None:
    """The label in `text`, also inside `{"AIGC": …}`; None for anything else."""
    if len(text) > MAX_LABEL:
        return None
    try:
        said = json.loads(text.decode().strip("\x00 \r\n\t"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None
    if isinstance(said, dict) and isinstance(said.get("AIGC"), dict):
        said = said["AIGC"]
    if not isinstance(said, dict) or any(not isinstance(v, str) for v in said.values()):
        return None
    if not all(said.get(name) for name in REQUIRED) or said["Label"] not in MEANINGS:
        return None
    return AigcLabel(*(said.get(name, "") for name in FIELDS))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A field that comes twice could be read in two ways."""
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a field twice")
    return dict(pairs)


def read_aigc(path: Path, media_type: str, record_id: str = "") -> Mark:
    """The mark `aigc` of the file. record_id: what our own writer wrote, if it was ours."""
    found = labels(path, media_type)
    if not found:
        return _mark("absent", "No AIGC label in the file.")
    if len(found) > 1:
        number = str(len(found))
        return _mark("absent", f"The file has {number} AIGC labels; the standard allows one.")
    label = found[0]
    if label is None:
        return _mark("absent", "The AIGC label in the file is not as the standard wants it.")
    if record_id and record_id not in (label.produce_id, label.propagate_id):
        return _mark("absent", "The AIGC label names another record than was written.", label)
    detail = f"AIGC label found: the content {MEANINGS[label.label]} AI-generated."
    return _mark("present", detail, label)


def _mark(state: MarkState, detail: str, label: AigcLabel | None = None) -> Mark:
    listed = () if label is None else tuple(_facts(label))
    filled = tuple((name, _clean(value)) for name, value in listed if value)
    return Mark("aigc", state, TOOL, __version__, detail, filled)


def _facts(label: AigcLabel) -> Iterator[tuple[str, str]]:
    """Numbers only where they are ours: a stranger's may name a person."""
    yield "label", label.label
    yield "producer", label.producer
    yield "propagator", label.propagator
    for name, value in (("produce_id", label.produce_id), ("propagate_id", label.propagate_id)):
        yield name, value if RECORD_ID.fullmatch(value) else ""


def _clean(text: str) -> str:
    return "".join(character for character in text if character.isprintable())[:MAX_TEXT]
