"""Writes the XMP packet that names what a file is and which record tells its story.

The vendor's own properties are kept.
"""

from pathlib import Path
from xml.etree import ElementTree

from governance import __version__
from governance.domain import Mark
from governance.marking.context import SOURCE_TYPES, MarkContext
from governance.marking.metadata import jpeg, write
from governance.marking.metadata.xmp_read import TC260, parse

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NAMESPACES = {
    "x": "adobe:ns:meta/",
    "rdf": RDF,
    "dc": "http://purl.org/dc/elements/1.1/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "dcterms": "http://purl.org/dc/terms/",
    "TC260": TC260,
}
for _prefix, _uri in NAMESPACES.items():
    ElementTree.register_namespace(_prefix, _uri)


def packet(context: MarkContext, existing: bytes | None = None) -> bytes:
    """An XMP packet (UTF-8) with our properties, inside the vendor's where there is one."""
    root, rdf = _open(existing)
    ours = (
        _name("Iptc4xmpExt", "DigitalSourceType"),
        _name("dc", "identifier"),
        _name("dc", "relation"),
    )
    _drop(rdf, ours)
    description = _description(rdf)
    source_type, identifier, relation = (ElementTree.SubElement(description, tag) for tag in ours)
    source_type.text = SOURCE_TYPES + context.source_type
    identifier.text = context.record_id
    bag = ElementTree.SubElement(relation, _name("rdf", "Bag"))
    ElementTree.SubElement(bag, _name("rdf", "li")).text = context.record_uri
    return _closed(root)


def with_label(existing: bytes | None, label: str) -> bytes:
    """The packet with China's label as its only one (TC260-PG-20259A); without any if empty."""
    root, rdf = _open(existing)
    tag = _name("TC260", "AIGC")
    _drop(rdf, (tag,))
    if label:
        ElementTree.SubElement(_description(rdf), tag).text = label
    return _closed(root)


def embed(path: Path, media_type: str, context: MarkContext, existing: bytes | None) -> Mark:
    """Put the packet into the file, in place; an older packet is replaced.

    existing: the packet whose other properties are to be kept. Raises InvalidRequest
    (`media_corrupt`) when the container is broken.
    """
    content = packet(context, existing)
    if media_type == "image/jpeg" and len(content) > jpeg.XMP_LIMIT:
        content = packet(context)
    write.put(path, media_type, xmp=content)
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


def _open(existing: bytes | None) -> tuple[ElementTree.Element, ElementTree.Element]:
    """The root of a packet and its RDF; new ones where there is none that can be read."""
    root = parse(existing) if existing else None
    rdf = None if root is None else next(root.iter(_name("rdf", "RDF")), None)
    if root is None or rdf is None:
        root = ElementTree.Element(_name("x", "xmpmeta"))
        rdf = ElementTree.SubElement(root, _name("rdf", "RDF"))
    return root, rdf


def _description(rdf: ElementTree.Element) -> ElementTree.Element:
    description = ElementTree.SubElement(rdf, _name("rdf", "Description"))
    description.set(_name("rdf", "about"), "")
    return description


def _drop(rdf: ElementTree.Element, tags: tuple[str, ...]) -> None:
    for description in rdf.findall(_name("rdf", "Description")):
        for tag in tags:
            description.attrib.pop(tag, None)
            for element in description.findall(tag):
                description.remove(element)


def _closed(root: ElementTree.Element) -> bytes:
    body = ElementTree.tostring(root, encoding="unicode")
    return (
        f'<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n{body}\n<?xpacket end="w"?>'
    ).encode()


def _name(prefix: str, local: str) -> str:
    return f"{{{NAMESPACES[prefix]}}}{local}"
