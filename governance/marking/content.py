"""Writes what lies in the picture or the sound itself: watermark, then label, in one encoding.

The fingerprint is taken of the result. A file in which neither is due keeps its bytes.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from governance import __version__
from governance.domain import Asset, Duty, Mark, MarkKind
from governance.marking.containers import end_of
from governance.marking.context import MarkContext
from governance.marking.decode import watch
from governance.marking.encode import encode_video
from governance.marking.fingerprint import picture as picture_fingerprint
from governance.marking.fingerprint import sound as sound_fingerprint
from governance.marking.fingerprint.fingerprint import Fingerprint
from governance.marking.fingerprint.picture import PictureFingerprinter
from governance.marking.frames import Painter
from governance.marking.label.paint import LabelPainter, draw_on_image
from governance.marking.label.visible import LabelSpec, due, place
from governance.marking.sound import mark_sound, read_sound
from governance.marking.stills import load
from governance.marking.watermark.picture import PictureWatermark
from governance.marking.watermark.sound import SoundWatermark

WATERMARK = "local.governance.watermark.1"
FINGERPRINTS = {"picture": picture_fingerprint.ALGORITHM, "sound": sound_fingerprint.ALGORITHM}
TOOL = "governance marking"

NOT_SPOKEN = {
    "video": "The picture carries the notice; a spoken one is written into sound files only.",
    "image": "A picture has no sound to carry a spoken label.",
}
NOT_VISIBLE = "A sound has no picture to carry a visible label."
NO_KEY = "The service has no watermark key and id for this file."

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Content:
    """marks: what was written, and what was due but could not be; edits: a sentence for each
    change that people notice; encoded: whether picture or sound were encoded anew."""

    marks: tuple[Mark, ...]
    fingerprint: Fingerprint
    edits: tuple[str, ...]
    encoded: bool


@dataclass(frozen=True)
class Due:
    """label, languages: the enforced visible and spoken label (empty: none); watermark: whether
    one is asked for, enforced or observed."""

    label: LabelSpec | None
    languages: str
    watermark: bool


@dataclass(frozen=True)
class _Done:
    """labels: facts of those written, in any form; unmarked: why there is no watermark."""

    fingerprint: Fingerprint
    encoded: bool
    labels: tuple[Facts, ...] = ()
    unmarked: str = ""


def write_content(
    source: Asset, target: Path, duties: Sequence[Duty], context: MarkContext
) -> Content:
    """Write `source` to `target` with everything that is due in its picture or sound.

    Raises InvalidRequest (`media_corrupt`, `media_unsupported`), ConfigurationError
    (`label_glyph_missing`, `label_too_large`).
    """
    wanted = _due(duties)
    medium = source.media_type.partition("/")[0]
    write: Callable[[Asset, Path, Due, MarkContext], _Done] = {
        "video": _video,
        "image": _image,
        "audio": _sound,
    }[medium]
    done = write(source, target, wanted, context)
    labels = tuple(_label(facts) for facts in done.labels)
    return Content(
        marks=(
            *labels,
            *_missing(wanted, medium),
            *_watermark(wanted, done, context),
            _fingerprint(done.fingerprint),
        ),
        fingerprint=done.fingerprint,
        edits=tuple(label.detail for label in labels),
        encoded=done.encoded,
    )


def _due(duties: Sequence[Duty]) -> Due:
    languages = [
        str(duty.parameters.get("language", "en"))
        for duty in duties
        if duty.kind == "label.audible" and duty.mode == "enforce"
    ]
    watermark = any(duty.kind == "mark.watermark" for duty in duties)
    return Due(due(duties), " ".join(languages), watermark)


def _video(source: Asset, target: Path, wanted: Due, context: MarkContext) -> _Done:
    fingerprinter = PictureFingerprinter(asking=False)
    labels: list[LabelPainter] = []

    def painters(width: int, height: int) -> Sequence[Painter]:
        if wanted.label:
            labels.append(LabelPainter(place(wanted.label, width, height)))
        return (*_watermarks(wanted, context, width, height), *labels)

    encoded = bool(wanted.label) or _can_watermark(wanted, context)
    if encoded:
        encode_video(source.path, target, source.media_type, painters, [fingerprinter])
    else:
        _copy(source, target)
        watch(target, source.media_type, [fingerprinter])
    return _Done(fingerprinter.finish(), encoded, tuple(label.facts() for label in labels))


def _image(source: Asset, target: Path, wanted: Due, context: MarkContext) -> _Done:
    still = load(source.path, source.media_type)
    labels: list[Facts] = []
    for watermark in _watermarks(wanted, context, still.image.width, still.image.height):
        still.add(watermark.delta(still.luma()))
    if wanted.label:
        label = place(wanted.label, still.image.width, still.image.height)
        labels.append(draw_on_image(still.image, label))
    encoded = bool(labels) or _can_watermark(wanted, context)
    if encoded:
        still.save(target)
    else:
        _copy(source, target)
    fingerprinter = PictureFingerprinter(asking=False)
    fingerprinter.feed(0.0, still.luma())
    return _Done(fingerprinter.finish(), encoded, tuple(labels))


def _sound(source: Asset, target: Path, wanted: Due, context: MarkContext) -> _Done:
    watermark = None
    if context.watermark_keys and _can_watermark(wanted, context):
        watermark = SoundWatermark(
            context.watermark_keys, context.organisation, context.watermark_id
        )
    if not (wanted.languages or watermark):
        _copy(source, target)
        return _Done(read_sound(target).fingerprint, False)
    done = mark_sound(
        source.path,
        target,
        source.media_type,
        language=wanted.languages or None,
        watermark=watermark,
    )
    labels = tuple(sighting.facts() for sighting in done.labels)
    return _Done(done.fingerprint, True, labels, done.unmarkable)


def _can_watermark(wanted: Due, context: MarkContext) -> bool:
    return wanted.watermark and bool(context.watermark_keys and context.watermark_id)


def _watermarks(
    wanted: Due, context: MarkContext, width: int, height: int
) -> Iterator[PictureWatermark]:
    if context.watermark_keys and _can_watermark(wanted, context):
        keys, organisation = context.watermark_keys, context.organisation
        yield PictureWatermark(keys, organisation, context.watermark_id, width, height)


def _copy(source: Asset, target: Path) -> None:
    """The file without whatever lies behind its end."""
    shutil.copyfile(source.path, target)
    with target.open("r+b") as stream:
        stream.truncate(end_of(source.path, source.media_type))


def _label(facts: Facts) -> Mark:
    told = dict(facts)
    if told["form"] == "audible":
        detail = f"“{told['text']}” spoken at the start."
    else:
        lasting = {
            "throughout": "throughout",
            "interval": f"for {told['seconds']} s every {told.get('every')} s",
            "opening": f"for {told['seconds']} s",
        }[told["duration"]]
        place = told["placement"].replace("_", " ")
        detail = f"“{told['wording']}” at {place}, {lasting}."
    return Mark("label", "present", TOOL, __version__, detail, facts)


def _missing(wanted: Due, medium: str) -> Iterator[Mark]:
    """Labels that are due, of a form that the medium can't carry."""
    if wanted.label and medium == "audio":
        yield _absent("label", NOT_VISIBLE, "visible")
    if wanted.languages and medium != "audio":
        yield _absent("label", NOT_SPOKEN[medium], "audible")


def _watermark(wanted: Due, done: _Done, context: MarkContext) -> Iterator[Mark]:
    if not wanted.watermark:
        return
    if not _can_watermark(wanted, context):
        yield _absent("watermark", NO_KEY)
        return
    if done.unmarked:
        yield _absent("watermark", done.unmarked)
        return
    facts = (("id", f"{context.watermark_id:016x}"), ("alg", WATERMARK))
    yield Mark(
        "watermark", "present", TOOL, __version__, "A 64-bit id in the samples themselves.", facts
    )


def _fingerprint(fingerprint: Fingerprint) -> Mark:
    if not len(fingerprint):
        return _absent("fingerprint", "Too flat, silent or short to be recognised by its content.")
    return Mark(
        "fingerprint",
        "present",
        TOOL,
        __version__,
        "Taken of the marked content, for the search of copies; nothing is written.",
        fingerprint_facts(fingerprint),
    )


def fingerprint_facts(fingerprint: Fingerprint) -> Facts:
    return (
        ("alg", FINGERPRINTS[fingerprint.kind]),
        ("digest", fingerprint.digest),
        ("frames", str(len(fingerprint))),
    )


def _absent(kind: MarkKind, detail: str, form: str = "") -> Mark:
    facts = (("form", form),) if form else ()
    return Mark(kind, "absent", TOOL, __version__, detail, facts)
