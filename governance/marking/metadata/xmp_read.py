"""Reads XMP (ISO 16684-1): what the packets in a file say.

The writer uses it only to keep what a vendor wrote. Files come from strangers: DTDs are refused.
"""

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from governance.marking.metadata.places import places

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
DC = "{http://purl.org/dc/elements/1.1/}"
IPTC_EXT = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
TC260 = "http://www.tc260.org.cn/ns/AIGC/1.0/"


@dataclass(frozen=True)
class XmpFacts:
    """source_type: the IPTC Digital Source Type as written (a URI); empty strings for none."""

    source_type: str
    identifier: str
    relation: str


def packets(path: Path, media_type: str) -> tuple[bytes, ...]:
    """The XMP packets in the file, as they lie there; none for a container that is broken."""
    return tuple(place.content for place in places(path, media_type) if place.kind == "xmp")


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


def label_texts(packet: bytes) -> list[str]:
    """China's AIGC labels in the packet, as text (TC260-PG-20259A)."""
    root = parse(packet)
    return [] if root is None else sorted(_values(root, f"{{{TC260}}}AIGC"))


def _values(root: ElementTree.Element, tag: str) -> set[str]:
    """A property may be an attribute, an element, a resource or the items of an array."""
    found = set()
    for description in root.iter(RDF + "Description"):
        found.add(description.get(tag, ""))
        for element in description.findall(tag):
            found.add(element.get(RDF + "resource", "") or (element.text or "").strip())
            found.update((item.text or "").strip() for item in element.findall(f"*/{RDF}li"))
    return found - {""}
