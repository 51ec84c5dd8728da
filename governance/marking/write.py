"""Writes the marks into a file: pixels, then metadata, then the signed manifest, in that order.

Any later change, even a stream copy, would void or drop what a former step wrote.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from governance import __version__
from governance.domain import Asset, Duty, Mark, MarkKind
from governance.marking import encode
from governance.marking.context import MarkContext
from governance.marking.credentials import manifest
from governance.marking.label.visible import Label, due
from governance.marking.metadata import xmp
from governance.marking.metadata.xmp_read import packets

__all__ = ["MarkContext", "mark"]


def mark(
    source: Asset, target: Path, duties: Sequence[Duty], context: MarkContext
) -> tuple[Mark, ...]:
    """Write `source` with its marks to `target`; returns what was written.

    XMP and C2PA go into every file; a visible label where an enforced duty asks for one and the
    medium has pixels: only then is the picture encoded, once. Duties for which this version has
    no writer, or that the medium can't carry, come back as `absent`.
    Raises InvalidRequest (`media_corrupt`), ConfigurationError (`label_glyph_missing`,
    `label_too_large`), Unavailable (`mark_signing_failed`); `target` is then not to be used.
    """
    with _draft(target) as draft:
        label = _draw(source, draft, duties)
        existing = next(iter(packets(source.path, source.media_type)), None)
        xmp.embed(draft, source.media_type, context, existing)
        edit = f"Visible label added: {label.spec.wording}" if label else None
        history = manifest.sign(draft, target, source, edit, context)
    return (
        _manifest_mark(context, history),
        _xmp_mark(context),
        *([_label_mark(label)] if label else []),
        *_unwritten(source, duties),
    )


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    path = target.with_name(target.name + ".draft")
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _draw(source: Asset, draft: Path, duties: Sequence[Duty]) -> Label | None:
    wanted = due(duties)
    if wanted is None or source.media_type == "audio/wav":
        shutil.copyfile(source.path, draft)
        return None
    if source.media_type == "video/mp4":
        return encode.label_video(source.path, draft, wanted)
    return encode.label_image(source.path, draft, source.media_type, wanted)


def _manifest_mark(context: MarkContext, history: str) -> Mark:
    return Mark(
        kind="c2pa",
        state="present",
        tool=manifest.TOOL,
        version=manifest.version(),
        detail=f"Signed manifest. {history}",
        facts=(("record_id", context.record_id), ("source_type", context.source_type)),
    )


def _xmp_mark(context: MarkContext) -> Mark:
    return Mark(
        kind="iptc",
        state="present",
        tool="governance xmp writer",
        version=__version__,
        detail="IPTC Digital Source Type and a link to the record.",
        facts=(
            ("record_id", context.record_id),
            ("record_uri", context.record_uri),
            ("source_type", context.source_type),
        ),
    )


def _label_mark(label: Label) -> Mark:
    lasting = "throughout" if label.spec.duration == "throughout" else f"for {label.spec.seconds} s"
    return Mark(
        kind="label",
        state="present",
        tool="governance label writer",
        version=__version__,
        detail=f"“{label.spec.wording}” at {label.spec.placement.replace('_', ' ')}, {lasting}.",
        facts=label.facts(),
    )


def _unwritten(source: Asset, duties: Sequence[Duty]) -> Iterator[Mark]:
    kinds = {duty.kind for duty in duties}
    if "label.visible" in kinds and source.media_type == "audio/wav":
        yield _absent("label", "A sound has no picture to carry a visible label.", "visible")
    if "mark.watermark" in kinds:
        yield _absent("watermark", "This version has no watermark writer.")
    if "label.audible" in kinds:
        yield _absent("label", "This version has no writer of audible labels.", "audible")
    if "metadata.aigc" in kinds:
        yield _absent("aigc", "This version has no writer of AIGC metadata.")


def _absent(kind: MarkKind, detail: str, form: str = "") -> Mark:
    facts = (("form", form),) if form else ()
    return Mark(kind, "absent", "governance marking", __version__, detail, facts)
