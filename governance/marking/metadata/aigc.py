"""Writes China's label of AI-generated content (GB 45438-2025, annex E): one in each file.

It lies where the practice guides put it: in XMP in images (TC260-PG-20259A), under the key `AIGC`
in mp4 and mov (20257A), in a chunk or frame of that name in wav and mp3 (202510A).
"""

from dataclasses import replace
from pathlib import Path

from governance import __version__
from governance.domain import Mark
from governance.marking.context import MarkContext
from governance.marking.metadata import jpeg, write, xmp
from governance.marking.metadata.aigc_read import AigcLabel, labels
from governance.marking.metadata.xmp_read import label_texts, packets

IN_XMP = ("image/png", "image/jpeg", "image/webp")


def embed(path: Path, media_type: str, context: MarkContext, source: Path) -> Mark:
    """Make one label the only one in the file, in place.

    source: the file as it arrived. Whoever labelled it first stays its producer, and this service
    becomes its propagator; of several labels the first one counts. Raises InvalidRequest
    (`media_corrupt`).
    """
    found = labels(source, media_type)
    label, detail = _decided(found, context)
    text = label.text()
    existing = next(iter(packets(path, media_type)), None)
    if media_type in IN_XMP:
        packet = xmp.with_label(existing, text)
        if media_type == "image/jpeg" and len(packet) > jpeg.XMP_LIMIT:
            packet = xmp.with_label(xmp.packet(context), text)
        write.put(path, media_type, xmp=packet, aigc=b"")
    else:
        outside = existing and label_texts(existing)
        without = xmp.with_label(existing, "") if outside else None
        write.put(path, media_type, xmp=without, aigc=text.encode())
    return Mark(
        kind="aigc",
        state="present",
        tool="governance aigc writer",
        version=__version__,
        detail=detail,
        facts=(
            ("record_id", context.record_id),
            ("label", label.label),
            ("producer", label.producer[:200]),
            ("propagator", label.propagator),
            ("labels_found", str(len(found))),
        ),
    )


def _decided(found: tuple[AigcLabel | None, ...], context: MarkContext) -> tuple[AigcLabel, str]:
    """Annex E: at the first writing the propagator is the producer, under the same number."""
    us, number = context.aigc_producer or context.producer, context.record_id
    ours = AigcLabel("1", us, number, propagator=us, propagate_id=number)
    readable = [label for label in found if label is not None]
    if not readable:
        told = "The source's label could not be read and was replaced." if found else ""
        return ours, f"AIGC label written. {told}".strip()
    first = readable[0]
    kept = replace(
        ours,
        # What was generated here is no mere suspicion.
        label=first.label if context.edited else "1",
        producer=first.producer,
        produce_id=first.produce_id,
        reserved1=first.reserved1,
    )
    if len(set(found)) > 1:
        told = f"The source had {len(found)} that contradict each other; the first one counts."
    else:
        told = "Its producer is the source's."
    return kept, f"AIGC label written. {told}"
