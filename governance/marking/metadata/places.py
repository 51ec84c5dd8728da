"""Where files keep metadata: XMP packets, China's AIGC labels, Exif. For reading only.

Files come from strangers: every size and number is bounded, a broken container has no metadata.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal

from governance.marking.containers import MAX_PIECES

MAX_PACKET = 1 << 20
MAX_PLACES = 16  # a file has one of each kind; more contradict each other already
MAX_MOOV = 64 << 20

MP4_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # XMP specification part 3, 1.2.7.1
PNG_XMP = b"XML:com.adobe.xmp"
JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\x00"
JPEG_EXIF = b"Exif\x00"
AIGC = b"AIGC"
FIELD = b'"ContentProducer"'  # marks a label even where the key is not called AIGC

Kind = Literal["xmp", "aigc", "exif"]
RIFF_KINDS: dict[bytes, Kind] = {
    b"_PMX": "xmp",  # wav
    b"XMP ": "xmp",  # webp
    b"AIGC": "aigc",
    b"EXIF": "exif",
}


@dataclass(frozen=True)
class Place:
    """One piece of metadata as it lies in the file."""

    kind: Kind
    content: bytes


def places(path: Path, media_type: str) -> tuple[Place, ...]:
    """Everything of interest in the file; nothing for a container that is broken."""
    walk = {
        "video/mp4": _iso_media,
        "video/quicktime": _iso_media,
        "image/png": _png,
        "image/jpeg": _jpeg,
        "image/webp": _riff,
        "audio/wav": _riff,
        "audio/mpeg": _mp3,
    }[media_type]
    with path.open("rb") as stream:
        try:
            fitting = (place for place in walk(stream) if len(place.content) <= MAX_PACKET)
            return tuple(islice(fitting, MAX_PLACES))
        except (struct.error, ValueError, IndexError, zlib.error):
            return ()


def _iso_media(stream: BinaryIO) -> Iterator[Place]:
    """ISO/IEC 14496-12: boxes of size, type, payload; 1 means a 64-bit size, 0 the rest."""
    end = stream.seek(0, 2)
    at = 0
    for _ in range(MAX_PIECES):
        if at + 8 > end:
            return
        stream.seek(at)
        size, kind = struct.unpack(">I4s", stream.read(8))
        header = 8
        if size == 1:
            size, header = struct.unpack(">Q", stream.read(8))[0], 16
        elif size == 0:
            size = end - at
        if size < header or at + size > end:
            raise ValueError("a box runs over its end")
        if kind == b"uuid" and size <= MAX_PACKET and stream.read(16) == MP4_XMP:
            yield Place("xmp", stream.read(size - header - 16))
        elif kind == b"moov" and size <= MAX_MOOV:
            yield from _moov(stream.read(size - header))
        at += size


def _moov(data: bytes) -> Iterator[Place]:
    """`udta` of the movie, and `meta` there (ISO) or beside it (QuickTime)."""
    for kind, content in _boxes(data):
        if kind == b"meta":
            yield from _meta(content)
        if kind != b"udta":
            continue
        for inner, payload in _boxes(content):
            if inner == b"meta":
                yield from _meta(payload)
            elif inner == b"XMP_":
                yield Place("xmp", payload)
            elif inner.upper() == AIGC:
                yield Place("aigc", payload)


def _meta(data: bytes) -> Iterator[Place]:
    """QuickTime metadata: `keys` names what the items of `ilst` hold, counted from 1."""
    content = data if data[4:8] == b"hdlr" else data[4:]  # in ISO files a full box
    inside = dict(_boxes(content))
    names = _names(inside.get(b"keys", bytes(8)))
    for number, item in _boxes(inside.get(b"ilst", b"")):
        name = names.get(int.from_bytes(number, "big"), b"")
        for kind, value in _boxes(item):
            if kind == b"data" and (AIGC in name or FIELD in value):
                yield Place("aigc", value[8:])


def _names(keys: bytes) -> dict[int, bytes]:
    return {index: name for index, (_, name) in enumerate(_boxes(keys[8:]), start=1)}


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Boxes in memory. QuickTime ends a list with four zero bytes."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8 or at + size > len(data):
            raise ValueError("a box runs over its end")
        yield kind, data[at + 8 : at + size]
        at += size


def _png(stream: BinaryIO) -> Iterator[Place]:
    """PNG (W3C) section 5.3: chunks of length, type, data and checksum, up to IEND."""
    stream.seek(8)
    for _ in range(MAX_PIECES):
        header = stream.read(8)
        if len(header) < 8 or header[4:] == b"IEND":
            return
        length, kind = struct.unpack(">I4s", header)
        if kind not in (b"iTXt", b"tEXt", b"zTXt", b"eXIf") or length > MAX_PACKET:
            stream.seek(length + 4, 1)
            continue
        data = stream.read(length)
        (checksum,) = struct.unpack(">I", stream.read(4))
        if zlib.crc32(kind + data) != checksum:
            continue
        if kind == b"eXIf":
            yield Place("exif", data)
            continue
        keyword, rest = data.split(b"\x00", 1)
        if keyword == PNG_XMP and kind == b"iTXt":
            yield Place("xmp", _png_text(kind, rest))
        elif keyword == AIGC:
            yield Place("aigc", _png_text(kind, rest))


def _png_text(kind: bytes, data: bytes) -> bytes:
    """iTXt: compression flag and method, language, translated keyword; zTXt: the method."""
    if kind == b"tEXt":
        return data
    if kind == b"zTXt":
        return zlib.decompressobj().decompress(data[1:], MAX_PACKET)
    _, _, text = data[2:].split(b"\x00", 2)
    return zlib.decompressobj().decompress(text, MAX_PACKET) if data[0] else text


def _jpeg(stream: BinaryIO) -> Iterator[Place]:
    """ISO/IEC 10918-1 annex B: marker segments up to the first scan."""
    stream.seek(2)
    for _ in range(MAX_PIECES):
        fill, marker, length = struct.unpack(">BBH", stream.read(4))
        if fill != 0xFF or marker == 0xDA or length < 2:
            return
        data = stream.read(length - 2)
        if marker == 0xE1 and data.startswith(JPEG_XMP):
            yield Place("xmp", data[len(JPEG_XMP) :])
        elif marker == 0xE1 and data.startswith(JPEG_EXIF):
            yield Place("exif", data[len(JPEG_EXIF) :])


def _riff(stream: BinaryIO) -> Iterator[Place]:
    """RIFF chunks of name, size, payload, padded to even."""
    stream.seek(12)
    for _ in range(MAX_PIECES):
        header = stream.read(8)
        if len(header) < 8:
            return
        name, length = struct.unpack("<4sI", header)
        kind = RIFF_KINDS.get(name)
        if kind and length <= MAX_PACKET:
            yield Place(kind, stream.read(length))
            stream.seek(length % 2, 1)
        else:
            stream.seek(length + length % 2, 1)


def _mp3(stream: BinaryIO) -> Iterator[Place]:
    """ID3v2.3 and 2.4 frames at the start of the file."""
    header = stream.read(10)
    if header[:3] != b"ID3" or header[3] not in (3, 4):
        return
    plain_sizes = header[3] == 3
    tag = stream.read(min(_syncsafe(header[6:10]), MAX_MOOV))
    if plain_sizes and header[5] & 0x80:  # unsynchronised as a whole
        tag = tag.replace(b"\xff\x00", b"\xff")
    at = _extended(tag, plain_sizes) if header[5] & 0x40 else 0
    for _ in range(MAX_PIECES):
        if at + 10 > len(tag) or not tag[at]:
            return
        name, size = tag[at : at + 4], tag[at + 4 : at + 8]
        length = int.from_bytes(size, "big") if plain_sizes else _syncsafe(size)
        content = tag[at + 10 : at + 10 + length]
        if name == b"PRIV" and content.startswith(b"XMP\x00"):
            yield Place("xmp", content[4:])
        elif name == b"TXXX":
            yield from _user_text(content)
        at += 10 + length


def _extended(tag: bytes, plain_sizes: bool) -> int:
    """Size of the extended header: version 2.3 doesn't count the size field itself."""
    return int.from_bytes(tag[:4], "big") + 4 if plain_sizes else _syncsafe(tag[:4])


def _user_text(content: bytes) -> Iterator[Place]:
    """ID3v2.4 section 4.2.6: encoding, description, value."""
    codec = ("latin-1", "utf-16", "utf-16-be", "utf-8")[content[0]]
    description, _, value = content[1:].decode(codec, "replace").partition("\x00")
    if description == "AIGC":
        yield Place("aigc", value.strip("\x00\ufeff").encode())


def _syncsafe(size: bytes) -> int:
    """ID3v2.4 section 6.2: seven bits in each byte."""
    total = 0
    for byte in size:
        total = total << 7 | (byte & 0x7F)
    return total
