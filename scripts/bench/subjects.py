"""What is measured: clips, pictures and sounds, made where they are needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sounds
from clips import Clip, drawn, real, write
from PIL import Image
from transforms import BESIDE, IMAGE, SOUND, SOUND_SUFFIX, VIDEO, Change

SUFFIXES = {"video": ".mp4", "image": ".png", "sound": ".wav"}
CHANGES: Mapping[str, Mapping[str, Change]] = {
    "video": {**VIDEO, **BESIDE},
    "image": IMAGE,
    "sound": SOUND,
}
MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
}
SOUND_SECONDS = 12.0
STILLS_SEED = 1_000_000


@dataclass(frozen=True)
class Scale:
    """How much is measured: sides and seconds of clips, the first so many clips, images and
    sounds; strangers: ids and fingerprints; seeds: of unmarked files; secrets: for each of them."""

    width: int
    height: int
    seconds: float
    clips: int
    images: int
    sounds: int
    strangers: int
    seeds: int
    secrets: int


@dataclass(frozen=True)
class Options:
    """work: folder of all files, apart for each scale; clips: folder of real ones, beside the drawn
    clips or, with `only`, instead of them."""

    scale: Scale
    work: Path
    clips: Path | None
    only: bool

    def folder(self, name: str) -> Path:
        made = self.work / f"{self.scale.width}x{self.scale.height}" / name
        made.mkdir(parents=True, exist_ok=True)
        return made


@dataclass(frozen=True)
class Subject:
    medium: str
    name: str

    @property
    def id(self) -> str:
        return f"{self.medium}-{self.name}"

    @property
    def suffix(self) -> str:
        return SUFFIXES[self.medium]


def subjects(options: Options) -> list[Subject]:
    """Videos, images, and sounds."""
    scale = options.scale
    return [
        *(Subject("video", clip.name) for clip in _clips(options)),
        *(Subject("image", clip.name) for clip in _stills(options)),
        *(Subject("sound", maker.__name__) for maker in sounds.MAKERS[: scale.sounds]),
    ]


def suffix_of(subject: Subject, change: str) -> str:
    """Of the changed file."""
    if subject.medium == "sound":
        return SOUND_SUFFIX.get(change, ".wav")
    if subject.medium == "image":
        return ".webp" if change.startswith("webp") else ".jpg"
    return ".jpg" if change == "screenshot_q50" else ".mp4"


def make_master(subject: Subject, options: Options, target: Path) -> Path:
    """The unmarked file."""
    scale = options.scale
    if subject.medium == "sound":
        number, maker = next(
            (number, maker)
            for number, maker in enumerate(sounds.MAKERS)
            if maker.__name__ == subject.name
        )
        return sounds.write(maker(np.random.default_rng(number), SOUND_SECONDS), target)
    drawings = _clips(options) if subject.medium == "video" else _stills(options)
    clip = next(clip for clip in drawings if clip.name == subject.name)
    if subject.medium == "video":
        return write(clip, target, scale.width, scale.height, scale.seconds)
    first = next(clip.frames(scale.width, scale.height, 1))
    Image.fromarray(first).save(target)
    return target


def _clips(options: Options) -> list[Clip]:
    own = [] if options.only else drawn()[: options.scale.clips]
    return own + (real(options.clips) if options.clips else [])


def _stills(options: Options) -> list[Clip]:
    """Pictures of the same kinds as the clips; the same ones would be siblings of theirs."""
    return drawn(STILLS_SEED)[: options.scale.images]
