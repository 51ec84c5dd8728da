"""XMP in every container, written and read by code that shares nothing."""

import struct
import wave
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from governance.domain import Asset
from governance.kernel.errors import InvalidRequest
from governance.marking.context import SOURCE_TYPES, MarkContext
from governance.marking.credentials.authority import Authority
from governance.marking.metadata import xmp
from governance.marking.metadata.xmp_read import IPTC_EXT, facts, packets, parse
from governance.marking.probe import inspect
from governance.marking.read import vendor_marks
from tests.marking.conftest import KINDS
from tests.marking.test_round_trip import Make

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
VENDOR = (
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"><rdf:Description '
    'rdf:about="" xmlns:v="https://vendor.example/" xmlns:i="http://iptc.org/std/Iptc4xmpExt/'
    '2008-02-29/" i:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/print">'
    "<v:job>42</v:job><d:identifier xmlns:d='http://purl.org/dc/elements/1.1/'>jane-doe"
    "</d:identifier></rdf:Description></rdf:RDF></x:xmpmeta>"
)


@given(
    source_type=st.sampled_from(["trainedAlgorithmicMedia", "algorithmicMedia"]),
    record_id=st.from_regex(r"gen_[0-9a-f]{32}", fullmatch=True),
    record_uri=st.from_regex(r"https://[a-z]{1,9}\.example/[a-z?&=<>\"']{0,9}", fullmatch=True),
)
def test_what_is_written_is_read(
    authority: Authority, source_type: str, record_id: str, record_uri: str
) -> None:
    said = facts(xmp.packet(MarkContext(record_id, record_uri, source_type, authority)))
    assert said is not None
    assert said.source_type == SOURCE_TYPES + source_type
    assert (said.identifier, said.relation) == (record_id, record_uri)


@pytest.mark.parametrize("kind", KINDS)
def test_an_older_packet_is_replaced(make: Make, context: MarkContext, kind: str) -> None:
    path = make(kind).path
    for record_id in ("gen_old", "gen_new"):
        xmp.embed(path, kind, replace(context, record_id=record_id), None)
    (packet,) = packets(path, kind)
    said = facts(packet)
    assert said is not None and said.identifier == "gen_new"
    inspect(path)


def test_the_vendors_properties_are_kept_and_only_ours_replaced(context: MarkContext) -> None:
    merged = xmp.packet(context, VENDOR.encode())
    root = parse(merged)
    assert root is not None
    assert [element.text for element in root.iter("{https://vendor.example/}job")] == ["42"]
    said = facts(merged)
    assert said is not None and said.source_type.endswith("trainedAlgorithmicMedia")


def test_a_vendors_source_type_is_seen_on_arrival_and_no_name_is_taken_over(tmp_path: Path) -> None:
    texts = PngInfo()
    texts.add_itxt("XML:com.adobe.xmp", VENDOR, zip=True)
    Image.new("RGB", (20, 20)).save(tmp_path / "a.png", pnginfo=texts)
    _, metadata, _ = vendor_marks(tmp_path / "a.png", "image/png")
    assert metadata.state == "present"
    assert dict(metadata.facts) == {"source_type": "print"}


@pytest.mark.parametrize(
    "packet",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a><a/>'.encode("utf-16"),
        b"<a>",
        b"\xff\xfe\x00",
        b"",
    ],
)
def test_packets_that_could_harm_or_make_no_sense_are_not_read(
    context: MarkContext, packet: bytes
) -> None:
    assert parse(packet) is None
    assert facts(packet) is None
    assert facts(xmp.packet(context, packet)) is not None


def test_a_packet_that_contradicts_itself_says_nothing() -> None:
    other = f'<{"i"}:DigitalSourceType xmlns:i="{IPTC_EXT[1:-1]}">x</i:DigitalSourceType>'
    twice = VENDOR.replace("<v:job>", other + "<v:job>")
    assert facts(VENDOR.encode()) is not None
    assert facts(twice.encode()) is None


def test_two_packets_in_one_file_are_no_mark(png: Asset, context: MarkContext) -> None:
    xmp.embed(png.path, "image/png", context, None)
    content = png.path.read_bytes()
    chunk = b"iTXt" + b"XML:com.adobe.xmp\x00\x00\x00\x00\x00" + VENDOR.encode()
    second = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    png.path.write_bytes(content[:33] + second + content[33:])
    assert len(packets(png.path, "image/png")) == 2
    assert vendor_marks(png.path, "image/png")[1].state == "absent"


def test_a_compressed_packet_cannot_fill_the_memory(tmp_path: Path) -> None:
    bomb = zlib.compress(b" " * 50_000_000)
    chunk = b"iTXt" + b"XML:com.adobe.xmp\x00\x01\x00\x00\x00" + bomb
    framed = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    path = tmp_path / "bomb.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + framed)
    (packet,) = packets(path, "image/png")
    assert len(packet) <= 1 << 20


def test_a_packet_too_large_for_a_jpeg_segment_is_replaced_by_ours_alone(
    context: MarkContext, tmp_path: Path
) -> None:
    path = tmp_path / "a.jpg"
    Image.new("RGB", (20, 20)).save(path)
    large = VENDOR.replace("42", "4" * 70_000).encode()
    xmp.embed(path, "image/jpeg", context, large)
    (packet,) = packets(path, "image/jpeg")
    assert b"444" not in packet
    inspect(path)


def test_a_streamed_wav_with_made_up_sizes_is_mended(context: MarkContext, tmp_path: Path) -> None:
    path = tmp_path / "streamed.wav"
    with wave.open(str(path), "wb") as writer:
        writer.setparams((1, 2, 16_000, 0, "NONE", ""))
        writer.writeframes(bytes(32_001 * 2))
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    xmp.embed(path, "audio/wav", context, None)
    assert len(packets(path, "audio/wav")) == 1
    with wave.open(str(path)) as reader:
        assert reader.getnframes() == 32_001


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg"])
def test_a_broken_container_is_refused(context: MarkContext, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "broken"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" if kind == "image/png" else b"\xff\xd8\xff")
    with pytest.raises(InvalidRequest) as caught:
        xmp.embed(path, kind, context, None)
    assert caught.value.code == "media_corrupt"


@given(st.binary(max_size=300), st.sampled_from(sorted(KINDS)))
def test_no_bytes_break_the_reader(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, kind: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(content)
    assert packets(path, kind) == () or b"" not in packets(path, kind)
