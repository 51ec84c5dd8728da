"""Metadata in jpeg: APP1 segments before the first scan."""

import struct
from pathlib import Path

from governance.marking.metadata import exif

XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\x00"
EXIF_HEADER = b"Exif\x00"
SCAN = 0xFFDA
XMP_LIMIT = 65_502  # XMP specification part 3, 1.1.3: what fits one segment


def put(path: Path, xmp: bytes | None, aigc: bytes | None) -> None:
    """The packet behind JFIF (APP0) and Exif (APP1); an older one goes.

    A label outside XMP, in Exif, is removed with `aigc` given: it belongs into XMP.
    """
    data = path.read_bytes()
    leading, others = [], []
    at = 2
    while True:
        marker, length = struct.unpack_from(">HH", data, at)
        if marker == SCAN:
            break
        if marker < 0xFFC0 or length < 2:
            raise struct.error("no segment where one must be")
        content = data[at + 4 : at + 2 + length]
        if aigc is not None and marker == 0xFFE1 and content.startswith(EXIF_HEADER):
            content = exif.without_label(content)
        segment = _segment(marker, content)
        if marker == 0xFFE0 or (marker == 0xFFE1 and content.startswith(EXIF_HEADER)):
            leading.append(segment)
        elif xmp is None or marker != 0xFFE1 or not content.startswith(XMP_HEADER):
            others.append(segment)
        at += 2 + length
    ours = [] if xmp is None else [_segment(0xFFE1, XMP_HEADER + xmp)]
    path.write_bytes(b"".join([data[:2], *leading, *ours, *others, data[at:]]))


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">HH", marker, 2 + len(content)) + content
