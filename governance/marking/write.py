"""Writes the marks into a file: pixels and samples, then metadata, then the signed manifest.

Any later change, even a stream copy, would void or drop what a former step wrote.
"""

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from governance.domain import Asset, Duty, Mark
from governance.marking.content import FINGERPRINTS, WATERMARK, Content, write_content
from governance.marking.context import MarkContext
from governance.marking.credentials import manifest
from governance.marking.fingerprint.fingerprint import Fingerprint
from governance.marking.metadata import aigc, aigc_read, xmp
from governance.marking.metadata.xmp_read import packets

__all__ = ["MarkContext", "Marked", "mark"]

SUMMARY_MOMENTS = 80  # of a fingerprint in the manifest: 2.9 kB


@dataclass(frozen=True)
class Marked:
    """marks: what was written, and as `absent` what was due and could not be, with the reason;
    fingerprint: of the marked content, for the search of copies (empty for flat or silent ones)."""

    marks: tuple[Mark, ...]
    fingerprint: Fingerprint


def mark(source: Asset, target: Path, duties: Sequence[Duty], context: MarkContext) -> Marked:
    """Write `source` with its marks to `target`, which must not exist yet; `source` is only read.

    XMP and C2PA go into every file; labels where an enforced duty asks for one; watermark and
    AIGC where a duty asks for them, enforced or observed. Picture or sound are encoded once, and
    only for labels and watermarks. What lies behind the end of the file is left out.
    Raises InvalidRequest (`media_corrupt`, `media_unsupported`), ConfigurationError
    (`label_glyph_missing`, `label_too_large`), Unavailable (`mark_signing_failed`); no `target`
    is left behind then.
    """
    with _drafts(target) as draft:
        content = write_content(source, draft, duties, context)
        existing = next(iter(packets(source.path, source.media_type)), None)
        said = [xmp.embed(draft, source.media_type, context, existing)]
        if _wants_aigc(source, duties):
            said.append(aigc.embed(draft, source.media_type, context, source.path))
        work = manifest.Work(content.edits, content.encoded, tuple(_bindings(content)))
        signed = manifest.sign(draft, target, source, work, context)
    return Marked((signed, *said, *content.marks), content.fingerprint)


@contextmanager
def _drafts(target: Path) -> Iterator[Path]:
    """A file to work on; neither it nor the target outlive a failure."""
    draft = target.with_name(target.name + ".draft")
    try:
        yield draft
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    finally:
        draft.unlink(missing_ok=True)


def _wants_aigc(source: Asset, duties: Sequence[Duty]) -> bool:
    """A vendor's AIGC label is carried on even where ours isn't due."""
    return any(duty.kind == "metadata.aigc" for duty in duties) or bool(
        aigc_read.labels(source.path, source.media_type)
    )


def _bindings(content: Content) -> Iterator[manifest.SoftBinding]:
    """What finds this manifest again from a copy that lost it."""
    for written in content.marks:
        if written.kind == "watermark" and written.state == "present":
            value = dict(written.facts)["id"]
            yield manifest.SoftBinding(WATERMARK, value, watermark=True)
    if summary := _summary(content.fingerprint):
        yield manifest.SoftBinding(FINGERPRINTS[content.fingerprint.kind], summary)


def _summary(fingerprint: Fingerprint) -> str:
    """The first moments of a fingerprint, base64; empty for an empty one."""
    if not len(fingerprint):
        return ""
    first = slice(SUMMARY_MOMENTS)
    kept = Fingerprint(fingerprint.kind, fingerprint.milliseconds[first], fingerprint.hashes[first])
    return base64.b64encode(kept.to_bytes()).decode()
