"""Metadata in mp3: frames of the ID3v2 tag at the start of the file.

XMP lies in a PRIV frame (XMP specification part 3, 1.1.2), China's label in a TXXX frame described
`AIGC` (TC260-PG-202510A).
"""

import struct
from pathlib import Path

HEADER = 10
VERSION = 4
UTF8 = b"\x03"  # only in version 2.4
LATIN = b"\x00"
OWNER = b"XMP\x00"
DESCRIPTION = "AIGC"
CODECS = ("latin-1", "utf-16", "utf-16-be", "utf-8")
UNSYNCHRONISED, EXTENDED, FOOTER = 0x80, 0x40, 0x10

Frame = tuple[bytes, bytes, bytes]  # name, flags, content


def put(path: Path, xmp: bytes | None, aigc: bytes | None) -> None:
    """Replace the XMP packet, the label, or both; None leaves it, empty bytes remove the label.

    All other frames stay as they are. A tag of version 2.2, which has no such frames, is replaced.
    """
    data = path.read_bytes()
    version, frames, end = _read(data)
    if xmp is not None:
        frames = [frame for frame in frames if not _is_xmp(frame)]
        frames.append((b"PRIV", bytes(2), OWNER + xmp))
    if aigc is not None:
        frames = [frame for frame in frames if not _is_label(frame)]
        if aigc:
            # Our JSON is ASCII, so it reads the same in either encoding.
            encoding = UTF8 if version == VERSION else LATIN
            frames.append((b"TXXX", bytes(2), encoding + DESCRIPTION.encode() + b"\x00" + aigc))
    body = b"".join(_frame(version, frame) for frame in frames)
    header = struct.pack(">3sBBB", b"ID3", version, 0, 0) + _syncsafe(len(body))
    path.write_bytes(header + body + data[end:])


def _read(data: bytes) -> tuple[int, list[Frame], int]:
    """Version, frames and the end of the tag."""
    if data[:3] != b"ID3":
        return VERSION, [], 0
    version, flags = data[3], data[5]
    end = HEADER + _number(data[6:10]) + (HEADER if flags & FOOTER else 0)
    if end > len(data):
        raise struct.error("the tag runs over the end of the file")
    if version not in (3, 4):
        return VERSION, [], end
    tag = data[HEADER:end]
    if version == 3 and flags & UNSYNCHRONISED:
        tag = tag.replace(b"\xff\x00", b"\xff")
    at = 0
    if flags & EXTENDED:
        at = _number(tag[:4]) if version == 4 else int.from_bytes(tag[:4], "big") + 4
    return version, list(_frames(version, tag, at)), end


def _frames(version: int, tag: bytes, at: int) -> list[Frame]:
    found = []
    while at + HEADER <= len(tag) and tag[at]:
        size = tag[at + 4 : at + 8]
        length = _number(size) if version == 4 else int.from_bytes(size, "big")
        content = tag[at + HEADER : at + HEADER + length]
        if len(content) < length:
            raise struct.error("a frame runs over the end of the tag")
        found.append((tag[at : at + 4], tag[at + 8 : at + 10], content))
        at += HEADER + length
    return found


def _frame(version: int, frame: Frame) -> bytes:
    name, flags, content = frame
    size = _syncsafe(len(content)) if version == 4 else struct.pack(">I", len(content))
    return name + size + flags + content


def _is_xmp(frame: Frame) -> bool:
    return frame[0] == b"PRIV" and frame[2].startswith(OWNER)


def _is_label(frame: Frame) -> bool:
    if frame[0] != b"TXXX" or not frame[2] or frame[2][0] >= len(CODECS):
        return False
    text = frame[2][1:].decode(CODECS[frame[2][0]], "replace")
    return text.partition("\x00")[0] == DESCRIPTION


def _syncsafe(number: int) -> bytes:
    """Section 6.2: 28 bits, seven in each byte."""
    if number >= 1 << 28:
        raise struct.error("too large for a tag")
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _number(size: bytes) -> int:
    return sum((byte & 0x7F) << shift for byte, shift in zip(size, (21, 14, 7, 0), strict=True))
