"""What a file carries, whoever wrote it: metadata, and one pass over picture and sound."""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from governance.domain import Asset, Mark
from governance.marking import decode
from governance.marking.credentials.authority import Authority
from governance.marking.credentials.manifest_read import read_manifest, signed_by
from governance.marking.fingerprint.fingerprint import Fingerprint
from governance.marking.fingerprint.picture import PictureFingerprinter
from governance.marking.frames import Bytes
from governance.marking.read import vendor_marks
from governance.marking.sound import read_sound
from governance.marking.watermark.keys import WatermarkKeys
from governance.marking.watermark.picture import PictureReader
from governance.marking.watermark.reading import Reading

# Of a longer picture only the beginning is looked at.
MAX_SECONDS = 600.0
PATIENCE = 120.0  # seconds for each of picture and sound of a stranger's file
TOO_LONG = "The sound is too long to be looked at here; send a part of it."
SOUND_SHARE = 0.1  # of the time that a video with sound takes

# Told how much is done, 0 to 1; may raise to stop.
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Seen:
    """marks: of the metadata, c2pa first; signed: the C2PA manifest is intact and under our own
    certificate authority; seconds: how much of the file was looked at, 0 for images; readings: of
    a watermark in picture and sound; spoken: notices heard at the beginning; unreadable: why no
    watermark could be read, empty when one could."""

    marks: tuple[Mark, ...]
    signed: bool
    seconds: float
    readings: tuple[Reading, ...] = ()
    fingerprints: tuple[Fingerprint, ...] = ()
    spoken: tuple[str, ...] = ()
    unreadable: str = ""


def look(
    asset: Asset,
    keys: WatermarkKeys,
    authority: Authority,
    progress: Progress,
    patience: float = math.inf,
) -> Seen:
    """patience: seconds after which no more is looked at, of picture and of sound each.

    Raises InvalidRequest (`media_corrupt`), and what `progress` raises.
    """
    where = (asset.path, asset.media_type)
    others = (mark for mark in vendor_marks(*where) if mark.kind != "c2pa")
    seen = Seen(
        marks=(read_manifest(*where, authority.trust), *others),
        signed=signed_by(*where, authority),
        seconds=asset.seconds,
    )
    if asset.width:
        share = 1 - SOUND_SHARE if asset.has_audio else 1.0
        seen = _seen(seen, asset, keys, lambda done: progress(done * share), patience)
    if asset.has_audio:
        begun = 1 - SOUND_SHARE if asset.width else 0.0
        seen = _heard(
            seen, asset, keys, lambda done: progress(begun + (1 - begun) * done), patience
        )
    progress(1.0)
    return seen


def _seen(
    seen: Seen, asset: Asset, keys: WatermarkKeys, progress: Progress, patience: float
) -> Seen:
    pace = _Pace(min(asset.seconds, MAX_SECONDS), MAX_SECONDS, patience, progress)
    reader, fingerprinter = PictureReader(keys), PictureFingerprinter()
    with suppress(_Enough):
        decode.watch(asset.path, asset.media_type, (pace, reader, fingerprinter))
    return replace(
        seen,
        readings=(*seen.readings, reader.reading()),
        fingerprints=(*seen.fingerprints, *_telling(fingerprinter.finish())),
        seconds=pace.came_to if pace.is_over else seen.seconds,
    )


def _heard(
    seen: Seen, asset: Asset, keys: WatermarkKeys, progress: Progress, patience: float
) -> Seen:
    pace = _Pace(asset.seconds, math.inf, patience, progress)
    try:
        sound = read_sound(asset.path, keys=keys, progress=pace.tell)
    except _Enough:
        return seen if asset.width else replace(seen, unreadable=TOO_LONG, seconds=pace.came_to)
    return replace(
        seen,
        readings=(*seen.readings, *((sound.watermark,) if sound.watermark else ())),
        fingerprints=(*seen.fingerprints, *_telling(sound.fingerprint)),
        spoken=tuple(label.text for label in sound.labels),
        unreadable="" if asset.width else sound.unmarkable,
    )


def _telling(fingerprint: Fingerprint) -> tuple[Fingerprint, ...]:
    """Of nothing but flat pictures or silence there is none."""
    return (fingerprint,) if len(fingerprint) else ()


class _Enough(Exception):
    """As much was looked at as ever is."""


class _Pace:
    """Tells how far a pass over about so many seconds has come; ends it at `end`, or with patience.

    As a watcher it is fed with pictures.
    """

    def __init__(self, seconds: float, end: float, patience: float, progress: Progress) -> None:
        self._seconds = seconds
        self._end = end
        self._deadline = time.monotonic() + patience
        self._progress = progress
        self.came_to = 0.0
        self.is_over = False

    def feed(self, seconds: float, luma: Bytes) -> None:
        self.tell(seconds)

    def tell(self, seconds: float) -> None:
        """Raises _Enough."""
        if seconds > self._end or time.monotonic() > self._deadline:
            self.is_over = True
            raise _Enough
        self.came_to = seconds
        if self._seconds:
            self._progress(min(1.0, seconds / self._seconds))
