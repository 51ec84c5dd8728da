"""Writes the XMP packet that names what a file is and which record tells its story.

The vendor's own properties are kept. Packets go straight into the container: no pixel and no
sample is touched. Must run before C2PA signing, which covers these bytes.
"""

import struct
import zlib
from pathlib import Path
from xml.etree import ElementTree

from governance.kernel.errors import InvalidRequest
from governance.marking.context import SOURCE_TYPES, MarkContext
from governance.marking.metadata.xmp_read import parse

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NAMESPACES = {
    "x": "adobe:ns:meta/",
    "rdf": RDF,
    "dc": "http://purl.org/dc/elements/1.1/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "dcterms": "http://purl.org/dc/terms/",
}
for _prefix, _uri in NAMESPACES.items():
    ElementTree.register_namespace(_prefix, _uri)

XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
JPEG_LIMIT = 65_502  # XMP specification part 3, 1.1.3: what fits one APP1 segment


def packet(context: MarkContext, existing: bytes | None = None) -> bytes:
    """An XMP packet (UTF-8) with our properties, inside the vendor's where there is one."""
    root = parse(existing) if existing else None
    rdf = None if root is None else next(root.iter(_name("rdf", "RDF")), None)
    if root is None or rdf is None:
        root = ElementTree.Element(_name("x", "xmpmeta"))
        rdf = ElementTree.SubElement(root, _name("rdf", "RDF"))
    ours = (
        _name("Iptc4xmpExt", "DigitalSourceType"),
        _name("dc", "identifier"),
        _name("dc", "relation"),
    )
    for description in rdf.findall(_name("rdf", "Description")):
        _drop(description, ours)
    description = ElementTree.SubElement(rdf, _name("rdf", "Description"))
    description.set(_name("rdf", "about"), "")
    source_type, identifier, relation = (ElementTree.SubElement(description, tag) for tag in ours)
    source_type.text = SOURCE_TYPES + context.source_type
    identifier.text = context.record_id
    bag = ElementTree.SubElement(relation, _name("rdf", "Bag"))
    ElementTree.SubElement(bag, _name("rdf", "li")).text = context.record_uri
    body = ElementTree.tostring(root, encoding="unicode")
    return (
        f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n{body}\n<?xpacket end="w"?>'
    ).encode()


def embed(path: Path, media_type: str, context: MarkContext, existing: bytes | None) -> None:
    """Put the packet into the file, in place; an older packet is replaced.

    Raises InvalidRequest (`media_corrupt`) when the container is broken.
    """
    content = packet(context, existing)
    if media_type == "image/jpeg" and len(content) > JPEG_LIMIT:
        content = packet(context)
    write = {
        "video/mp4": _into_mp4,
        "image/png": _into_png,
        "image/jpeg": _into_jpeg,
        "audio/wav": _into_wav,
    }[media_type]
    try:
        write(path, content)
    except struct.error as error:
        raise InvalidRequest(
            "media_corrupt", "The file's container is broken; deliver it again, whole."
        ) from error


def _into_mp4(path: Path, content: bytes) -> None:
    """Append a `uuid` box; older ones become `free`, so that no chunk offset moves."""
    with path.open("r+b") as stream:
        end = stream.seek(0, 2)
        at = 0
        while at + 8 <= end:
            stream.seek(at)
            size, kind = struct.unpack(">I4s", stream.read(8))
            long_size = stream.read(8) if size == 1 else b""
            if size == 0:  # "to the end of the file", which is about to move
                size = end - at
                stream.seek(at)
                stream.write(struct.pack(">I", size))
            if kind == b"uuid" and stream.read(16) == XMP_UUID:
                stream.seek(at + 4)
                stream.write(b"free")
            at += struct.unpack(">Q", long_size)[0] if long_size else max(size, 8)
        stream.seek(0, 2)
        stream.write(struct.pack(">I4s", 24 + len(content), b"uuid") + XMP_UUID + content)


def _into_png(path: Path, content: bytes) -> None:
    """An uncompressed iTXt chunk behind IHDR."""
    data = path.read_bytes()
    keyword = b"XML:com.adobe.xmp\x00"
    chunk = b"iTXt" + keyword + b"\x00\x00\x00\x00" + content
    ours = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    kept = [data[:8]]
    at = 8
    while True:
        length, kind = struct.unpack_from(">I4s", data, at)
        whole = data[at : at + 12 + length]
        if not (kind == b"iTXt" and whole[8:].startswith(keyword)):
            kept.append(whole)
        if kind == b"IHDR":
            kept.append(ours)
        at += len(whole)
        if kind == b"IEND":
            kept.append(data[at:])
            break
    path.write_bytes(b"".join(kept))


def _into_jpeg(path: Path, content: bytes) -> None:
    """An APP1 segment behind JFIF (APP0) and Exif (APP1)."""
    data = path.read_bytes()
    header = b"http://ns.adobe.com/xap/1.0/\x00"
    ours = struct.pack(">HH", 0xFFE1, 2 + len(header) + len(content)) + header + content
    leading, others = [], []
    at = 2
    while True:
        marker, length = struct.unpack_from(">HH", data, at)
        if not 0xFFE0 <= marker <= 0xFFEF:
            break
        segment = data[at : at + 2 + length]
        if marker == 0xFFE0 or segment[4:].startswith(b"Exif\x00"):
            leading.append(segment)
        elif not segment[4:].startswith(header):
            others.append(segment)
        at += len(segment)
    path.write_bytes(b"".join([data[:2], *leading, ours, *others, data[at:]]))


def _into_wav(path: Path, content: bytes) -> None:
    """Append a `_PMX` chunk; older ones become `JUNK`. Streamed files carry made-up sizes: mend."""
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
            if kind == b"_PMX":
                stream.seek(at)
                stream.write(b"JUNK")
            at += 8 + length
            if length % 2:
                at += 1
        stream.seek(0, 2)
        stream.write(b"\x00" * (end % 2))
        content += b" " * (len(content) % 2)
        stream.write(struct.pack("<4sI", b"_PMX", len(content)) + content)
        size = stream.tell() - 8
        stream.seek(4)
        stream.write(struct.pack("<I", size))


def _drop(description: ElementTree.Element, tags: tuple[str, ...]) -> None:
    for tag in tags:
        description.attrib.pop(tag, None)
        for element in description.findall(tag):
            description.remove(element)


def _name(prefix: str, local: str) -> str:
    return f"{{{NAMESPACES[prefix]}}}{local}"
