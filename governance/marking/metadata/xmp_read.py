"""Reads XMP (ISO 16684-1) out of media files: where the containers keep it, and what it says.

The writer uses it only to keep what a vendor wrote. Files come from strangers: sizes are bounded,
DTDs refused.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree

MAX_PACKET = 1 << 20

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
DC = "{http://purl.org/dc/elements/1.1/}"
IPTC_EXT = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"

MP4_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")  # XMP specification part 3, 1.2.7.1
PNG_KEYWORD = b"XML:com.adobe.xmp\x00"
JPEG_HEADER = b"http://ns.adobe.com/xap/1.0/\x00"
WAV_CHUNK = b"_PMX"


@dataclass(frozen=True)
class XmpFacts:
    """source_type: the IPTC Digital Source Type as written (a URI); empty strings for none."""

    source_type: str
    identifier: str
    relation: str


def packets(path: Path, media_type: str) -> tuple[bytes, ...]:
    """The XMP packets in the file, as they lie there; none for a container that is broken."""
    walk = {
        "video/mp4": _mp4_packets,
        "image/png": _png_packets,
        "image/jpeg": _jpeg_packets,
        "audio/wav": _wav_packets,
    }[media_type]
    with path.open("rb") as stream:
        try:
            return tuple(walk(stream))
        except (struct.error, ValueError, zlib.error):
            return ()


def parse(packet: bytes) -> ElementTree.Element | None:
    """The packet as an element tree, or None for anything but well-formed UTF-8 without a DTD."""
    try:
        text = packet.decode("utf-8").strip("\ufeff\x00 \t\r\n")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            return None
        return ElementTree.fromstring(text)  # noqa: S314  no DTD, no entities: see above
    except (UnicodeDecodeError, ElementTree.ParseError):
        return None


def facts(packet: bytes) -> XmpFacts | None:
    """What the packet says; None where it can't be parsed or contradicts itself."""
    root = parse(packet)
    if root is None:
        return None
    values = {
        name: _values(root, tag)
        for name, tag in (
            ("source_type", IPTC_EXT + "DigitalSourceType"),
            ("identifier", DC + "identifier"),
            ("relation", DC + "relation"),
        )
    }
    if len(values["source_type"]) > 1 or len(values["identifier"]) > 1:
        return None
    return XmpFacts(**{name: min(found, default="") for name, found in values.items()})


def _values(root: ElementTree.Element, tag: str) -> set[str]:
    """A property may be an attribute, an element, a resource or the items of an array."""
    found = set()
    for description in root.iter(RDF + "Description"):
        found.add(description.get(tag, ""))
        for element in description.findall(tag):
            found.add(element.get(RDF + "resource", "") or (element.text or "").strip())
            found.update((item.text or "").strip() for item in element.iter(RDF + "li"))
    return found - {""}


def _mp4_packets(stream: BinaryIO) -> Iterator[bytes]:
    """ISO/IEC 14496-12: boxes of size, type, payload; 1 means a 64-bit size, 0 the rest."""
    end = stream.seek(0, 2)
    at = 0
    while at + 8 <= end:
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
            yield stream.read(size - header - 16)
        at += size


def _png_packets(stream: BinaryIO) -> Iterator[bytes]:
    """PNG (W3C) section 5.3; iTXt: keyword, compression flag and method, language, translation."""
    stream.seek(8)
    while header := stream.read(8):
        length, kind = struct.unpack(">I4s", header)
        if kind != b"iTXt" or length > MAX_PACKET:
            stream.seek(length + 4, 1)
            continue
        data = stream.read(length)
        (checksum,) = struct.unpack(">I", stream.read(4))
        if data.startswith(PNG_KEYWORD) and zlib.crc32(kind + data) == checksum:
            compressed = data[len(PNG_KEYWORD)] == 1
            _, _, text = data[len(PNG_KEYWORD) + 2 :].split(b"\x00", 2)
            yield zlib.decompressobj().decompress(text, MAX_PACKET) if compressed else text


def _jpeg_packets(stream: BinaryIO) -> Iterator[bytes]:
    """ISO/IEC 10918-1 annex B: marker segments up to the first scan."""
    stream.seek(2)
    while len(start := stream.read(4)) == 4:
        fill, marker, length = struct.unpack(">BBH", start)
        if fill != 0xFF or marker == 0xDA or length < 2:
            return
        data = stream.read(length - 2)
        if marker == 0xE1 and data.startswith(JPEG_HEADER):
            yield data[len(JPEG_HEADER) :]


def _wav_packets(stream: BinaryIO) -> Iterator[bytes]:
    """RIFF chunks of name, size, payload, padded to even."""
    stream.seek(12)
    while len(header := stream.read(8)) == 8:
        kind, length = struct.unpack("<4sI", header)
        if kind == WAV_CHUNK and length <= MAX_PACKET:
            yield stream.read(length)
            stream.seek(length % 2, 1)
        else:
            stream.seek(length + length % 2, 1)
