"""Reads back what lies in the picture or the sound itself, in one decoding.

A mark counts as present only if it is the one that was written: the label with its wording in its
place, the watermark with its id, a content that still resembles its fingerprint.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np

from governance import __version__
from governance.domain import Mark, MarkKind, MarkState
from governance.kernel.errors import InvalidRequest
from governance.marking.content import WATERMARK, Facts, fingerprint_facts
from governance.marking.decode import watch
from governance.marking.fingerprint.fingerprint import Fingerprint
from governance.marking.fingerprint.index import FingerprintIndex
from governance.marking.fingerprint.picture import PictureFingerprinter
from governance.marking.frames import Watcher
from governance.marking.label.audible import Sighting
from governance.marking.label.compare import MasterPairs
from governance.marking.label.read import TOOL as LABEL_READER
from governance.marking.label.read import LabelReader, label_mark
from governance.marking.label.visible import from_facts
from governance.marking.sound import read_sound
from governance.marking.watermark.keys import WatermarkKeys
from governance.marking.watermark.picture import PictureReader
from governance.marking.watermark.reading import Reading, identify

TOOL = "governance marking reader"


@dataclass(frozen=True)
class Known:
    """What a reader may know beforehand; without it, the mark in question is not checked.

    keys, organisation: whose watermark it would be; fingerprint: as the writer took it;
    master: the file before marking, with which labels are compared; is_copy: the file may have
    been cut or turned since it was marked.
    """

    keys: WatermarkKeys | None = None
    organisation: str = ""
    fingerprint: Fingerprint | None = None
    master: Path | None = None
    is_copy: bool = False


NOTHING = Known()


def read_content(
    path: Path, media_type: str, expected: Sequence[Mark], known: Known = NOTHING
) -> tuple[Mark, ...]:
    """The marks label (one for each that was due), watermark and fingerprint of the file.

    expected: the marks that the writer returned. A file that can't be decoded carries none.
    """
    is_sound = media_type.startswith("audio/")
    try:
        if is_sound:
            return tuple(_heard(path, expected, known))
        return tuple(_seen(path, media_type, expected, known))
    except InvalidRequest as error:
        return tuple(_undecodable(expected, error.message))


def _seen(path: Path, media_type: str, expected: Sequence[Mark], known: Known) -> Iterator[Mark]:
    written = [mark for mark in _labels(expected) if mark.state == "present"]
    labels = [from_facts(dict(mark.facts)) for mark in written]
    readers = [LabelReader(label) for label in labels]
    master = known.master
    pairs = [MasterPairs(master, media_type, label) for label in labels] if master else []
    watermark = PictureReader(known.keys) if known.keys else None
    fingerprinter = PictureFingerprinter(asking=known.is_copy)
    watchers: list[Watcher] = [*readers, *pairs, fingerprinter]
    watch(path, media_type, [*watchers, watermark] if watermark else watchers)
    for mark, reader, pair in zip_longest(written, readers, pairs):
        yield label_mark(mark, reader.sighting(), pair.comparison() if pair else None)
    yield from _unwritten_labels(expected)
    yield _watermark(watermark.reading() if watermark else None, expected, known)
    yield _fingerprint(fingerprinter.finish(), known)


def _heard(path: Path, expected: Sequence[Mark], known: Known) -> Iterator[Mark]:
    labels = [mark for mark in _labels(expected) if mark.state == "present"]
    languages = " ".join(dict(mark.facts)["language"] for mark in labels)
    reading = read_sound(path, keys=known.keys, language=languages or None)
    for mark in labels:
        yield _spoken(mark, reading.labels)
    yield from _unwritten_labels(expected)
    yield _watermark(reading.watermark, expected, known)
    yield _fingerprint(reading.fingerprint, known)


def _spoken(expected: Mark, heard: Sequence[Sighting]) -> Mark:
    language = dict(expected.facts)["language"]
    for sighting in heard:
        if sighting.language == language:
            detail = f"Heard from {sighting.at:.1f} s on."
            return Mark("label", "present", TOOL, __version__, detail, sighting.facts())
    facts = (("form", "audible"), ("language", language))
    return Mark("label", "absent", TOOL, __version__, "The spoken label is not heard.", facts)


def _labels(expected: Sequence[Mark]) -> list[Mark]:
    return [mark for mark in expected if mark.kind == "label"]


def _unwritten_labels(expected: Sequence[Mark]) -> Iterator[Mark]:
    """Those that the writer could not write, with its reason; one answer where none was due."""
    labels = _labels(expected)
    for mark in labels:
        if mark.state != "present":
            yield Mark("label", "absent", LABEL_READER, __version__, mark.detail, mark.facts)
    if not labels:
        yield _mark("label", "not_checked", "No place is recorded where a label should be.")


def _watermark(reading: Reading | None, expected: Sequence[Mark], known: Known) -> Mark:
    written = next((mark for mark in expected if mark.kind == "watermark"), None)
    if written is None:
        return _mark("watermark", "not_checked", "No watermark is recorded for this file.")
    if written.state != "present":
        return _mark("watermark", "absent", written.detail)
    if known.keys is None or reading is None:
        return _mark("watermark", "not_checked", "The reader has no watermark key.")
    watermark_id = int(dict(written.facts)["id"], 16)
    issued = {known.organisation: np.array([watermark_id], np.uint64)}
    found = identify(reading, known.keys, issued)
    if found is None:
        return _mark("watermark", "absent", "The id that was written is not found.")
    facts = (
        ("id", f"{found.watermark_id:016x}"),
        ("alg", WATERMARK),
        ("z", f"{found.z:.1f}"),
        *found.geometry,
    )
    return _mark("watermark", "present", "The id that was written is found.", facts)


def _fingerprint(found: Fingerprint, known: Known) -> Mark:
    if known.fingerprint is None:
        return _mark("fingerprint", "not_checked", "No fingerprint is recorded for this file.")
    if not len(known.fingerprint):
        detail = "Too flat, silent or short to be recognised by its content."
        return _mark("fingerprint", "not_checked", detail)
    if not len(found):
        return _mark("fingerprint", "absent", "Nothing is left to take a fingerprint of.")
    index = FingerprintIndex()
    index.add(0, known.fingerprint)
    facts = fingerprint_facts(found)
    for match in index.search(found, 1):
        scored = (*facts, ("score", f"{match.score:.3f}"))
        return _mark("fingerprint", "present", "The content resembles what was recorded.", scored)
    return _mark("fingerprint", "absent", "The content does not resemble what was recorded.", facts)


def _undecodable(expected: Sequence[Mark], reason: str) -> Iterator[Mark]:
    for mark in _labels(expected):
        yield Mark("label", "absent", LABEL_READER, __version__, reason, mark.facts[:2])
    for kind in ("watermark", "fingerprint"):
        yield _mark(kind, "absent", reason)


def _mark(kind: MarkKind, state: MarkState, detail: str, facts: Facts = ()) -> Mark:
    return Mark(kind, state, TOOL, __version__, detail[:200], facts)
