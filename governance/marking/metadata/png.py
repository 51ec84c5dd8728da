"""Metadata in png (W3C PNG section 11.3): chunks between the pixels' own."""

import struct
import zlib
from pathlib import Path

from governance.marking.metadata import exif

XMP_KEYWORD = b"XML:com.adobe.xmp\x00"
LABEL_KEYWORD = b"AIGC\x00"
TEXTS = (b"iTXt", b"tEXt", b"zTXt")


def put(path: Path, xmp: bytes | None, aigc: bytes | None) -> None:
    """The packet as an uncompressed iTXt chunk behind IHDR; an older one goes.

    A label outside XMP, as text or in Exif, is removed with `aigc` given: it belongs into XMP.
    """
    data = path.read_bytes()
    kept = [data[:8]]
    at = 8
    kind = b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + 8 + length]
        if aigc is not None and kind == b"eXIf":
            content = exif.without_label(content)
        if not _superseded(kind, content, xmp, aigc):
            kept.append(_chunk(kind, content))
        if kind == b"IHDR" and xmp is not None:
            kept.append(_chunk(b"iTXt", XMP_KEYWORD + b"\x00\x00\x00\x00" + xmp))
        at += 12 + length
    path.write_bytes(b"".join([*kept, data[at:]]))


def _superseded(kind: bytes, content: bytes, xmp: bytes | None, aigc: bytes | None) -> bool:
    if xmp is not None and kind == b"iTXt" and content.startswith(XMP_KEYWORD):
        return True
    return aigc is not None and kind in TEXTS and content.startswith(LABEL_KEYWORD)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I4s", len(content), kind) + content + checksum
