"""Reads all marks back from the stored bytes, with readers that share no state with the writers."""

import re
from collections.abc import Sequence
from pathlib import Path

from governance import __version__
from governance.domain import Mark, MarkState
from governance.marking.content_read import NOTHING, Known, read_content
from governance.marking.credentials.manifest_read import clean, read_manifest
from governance.marking.credentials.native import Trust
from governance.marking.metadata.aigc_read import read_aigc
from governance.marking.metadata.xmp_read import XmpFacts, facts, packets

__all__ = ["Known", "read", "vendor_marks"]

XMP_TOOL = "governance xmp reader"
RECORD_ID = re.compile(r"[a-z]{2,6}_[0-9a-f]{32}")


def read(
    path: Path,
    media_type: str,
    expected: Sequence[Mark],
    trust: Trust | str,
    known: Known = NOTHING,
) -> tuple[Mark, ...]:
    """What can be found in the file: c2pa, iptc, aigc, every expected label, watermark,
    fingerprint.

    expected: the marks that the writer returned, empty for a file that isn't ours; trust: the
    C2PA roots to accept, or PEM of signers' alone. A mark counts as present only if it says what
    was written.
    """
    return (
        read_manifest(
            path,
            media_type,
            trust,
            record_id=_written(expected, "c2pa", "record_id"),
            source_type=_written(expected, "c2pa", "source_type"),
        ),
        _read_xmp(
            path,
            media_type,
            record_id=_written(expected, "iptc", "record_id"),
            source_type=_written(expected, "iptc", "source_type"),
        ),
        read_aigc(path, media_type, record_id=_written(expected, "c2pa", "record_id")),
        *read_content(path, media_type, expected, known),
    )


def vendor_marks(path: Path, media_type: str) -> tuple[Mark, ...]:
    """The marks that a file carries when it arrives: c2pa, whoever signed it, iptc, and aigc."""
    return (
        read_manifest(path, media_type, trust=""),
        _read_xmp(path, media_type),
        read_aigc(path, media_type),
    )


def _read_xmp(path: Path, media_type: str, record_id: str = "", source_type: str = "") -> Mark:
    found = packets(path, media_type)
    read_out = [facts(packet) for packet in found]
    if not found:
        return _xmp("absent", "No XMP packet in the file.")
    said = read_out[0]
    if said is None or len(read_out) > 1:
        return _xmp("absent", "The XMP in the file is broken or contradicts itself.")
    if not said.source_type:
        return _xmp("absent", "XMP is there, without an IPTC Digital Source Type.", said)
    if source_type and said.source_type.rsplit("/", 1)[-1] != source_type:
        return _xmp("absent", "XMP names another source type than was written.", said)
    if record_id and said.identifier != record_id:
        return _xmp("absent", "XMP names another record than was written.", said)
    return _xmp("present", "IPTC Digital Source Type found.", said)


def _written(expected: Sequence[Mark], kind: str, name: str) -> str:
    for mark in expected:
        if mark.kind == kind:
            return dict(mark.facts).get(name, "")
    return ""


def _xmp(state: MarkState, detail: str, said: XmpFacts | None = None) -> Mark:
    return Mark("iptc", state, XMP_TOOL, __version__, detail, _xmp_facts(said) if said else ())


def _xmp_facts(said: XmpFacts) -> tuple[tuple[str, str], ...]:
    """Identifiers only where they are ours: a stranger's may name a person."""
    listed = [("source_type", said.source_type.rsplit("/", 1)[-1])]
    if RECORD_ID.fullmatch(said.identifier):
        listed += [("record_id", said.identifier), ("record_uri", said.relation)]
    return tuple((name, clean(value)) for name, value in listed if value)
