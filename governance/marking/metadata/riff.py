"""Metadata in wav and webp: chunks of a RIFF file. Neither a sample nor a pixel is touched.

China's label has a chunk `AIGC` of its own in wav (TC260-PG-202510A) and lies in XMP in webp.
"""

import struct
from pathlib import Path

from governance.marking.metadata import exif

XMP_FLAG, ALPHA_FLAG = 0x04, 0x10  # WebP container specification, VP8X


def put_wav(path: Path, xmp: bytes | None, aigc: bytes | None) -> None:
    """Replace the XMP packet, the label, or both; None leaves it, empty bytes remove the label."""
    if xmp is not None:
        _append(path, b"_PMX", xmp)
    if aigc is not None:
        _append(path, b"AIGC", aigc)


def _append(path: Path, name: bytes, content: bytes) -> None:
    """Append a chunk; older ones become `JUNK`. Streamed files carry made-up sizes: mend."""
    with path.open("r+b") as stream:
        end = stream.seek(0, 2)
        at = 12
        while at + 8 <= end:
            stream.seek(at)
            kind, length = struct.unpack("<4sI", stream.read(8))
            if at + 8 + length > end:
                length = end - at - 8
                stream.seek(at + 4)
                stream.write(struct.pack("<I", length))
            if kind == name:
                stream.seek(at)
                stream.write(b"JUNK")
            at += 8 + length + length % 2
        stream.seek(0, 2)
        stream.write(b"\x00" * (end % 2))
        if content:  # both are text: a blank at the end is one, a zero byte is not
            stream.write(_chunk(name, content + b" " * (len(content) % 2)))
        size = stream.tell() - 8
        stream.seek(4)
        stream.write(struct.pack("<I", size))


def put_webp(path: Path, xmp: bytes | None, aigc: bytes | None) -> None:
    """The packet as the last chunk, flagged in VP8X, which is added where the file had none.

    A label outside XMP, in Exif, is removed with `aigc` given: here it belongs into XMP.
    """
    data = path.read_bytes()
    chunks = list(_chunks(data))
    if aigc is not None:
        chunks = [(n, exif.without_label(c) if n == b"EXIF" else c) for n, c in chunks]
    if xmp is not None:
        chunks = [(name, content) for name, content in chunks if name != b"XMP "]
        if chunks[0][0] != b"VP8X":
            chunks.insert(0, (b"VP8X", _canvas(*chunks[0])))
        flags = chunks[0][1][0] | XMP_FLAG
        chunks[0] = (b"VP8X", bytes([flags]) + chunks[0][1][1:])
        chunks.append((b"XMP ", xmp))
    body = b"WEBP" + b"".join(_chunk(name, content) for name, content in chunks)
    path.write_bytes(struct.pack("<4sI", b"RIFF", len(body)) + body)


def _canvas(name: bytes, content: bytes) -> bytes:
    """VP8X for a simple file: its sides and transparency, from the header of its only frame."""
    if name == b"VP8 ":  # RFC 6386 section 9.1: tag, start code, two sides of 14 bits
        across, down = content[6:8], content[8:10]
        width = int.from_bytes(across, "little") & 0x3FFF
        height = int.from_bytes(down, "little") & 0x3FFF
        flags = 0
    elif name == b"VP8L":  # WebP lossless: signature, two sides less one of 14 bits, alpha
        bits = int.from_bytes(content[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        flags = ALPHA_FLAG if bits >> 28 & 1 else 0
    else:
        raise struct.error("no frame where one must be")
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytes([flags, 0, 0, 0]) + sides


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found = []
    at = 12
    while at + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > len(data):
            raise struct.error("a chunk runs over its end")
        found.append((name, data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    if not found:
        raise struct.error("no chunk")
    return found


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content + b"\x00" * (len(content) % 2)
