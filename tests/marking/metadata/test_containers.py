"""What else is in a file stays as it was when metadata is put in."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops

from governance.domain import Asset
from governance.kernel.errors import InvalidRequest
from governance.marking.metadata import write
from governance.marking.metadata.places import places
from tests.marking import samples
from tests.marking.conftest import KINDS

Make = Callable[[str], Asset]
PACKET = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
OTHER = PACKET + b" "


def found(path: Path, kind: str, what: str) -> list[bytes]:
    return [place.content for place in places(path, kind) if place.kind == what]


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("extended", [True, False])
def test_no_pixel_of_a_webp_changes(
    tmp_path: Path, mode: str, lossless: bool, extended: bool
) -> None:
    path = tmp_path / "a.webp"
    picture = Image.fromarray(samples.scene(0)).crop((0, 0, 61, 33)).convert(mode)
    picture.putpixel((3, 3), (1, 2, 3, 100)[: len(mode)])
    options: dict[str, Any] = {"icc_profile": b"profile"} if extended else {}
    picture.save(path, lossless=lossless, **options)
    with Image.open(path) as opened:
        before = opened.convert(mode)
    write.put(path, "image/webp", xmp=PACKET)
    assert found(path, "image/webp", "xmp") == [PACKET]
    with Image.open(path) as opened:
        assert opened.size == (61, 33)
        assert opened.info["xmp"] == PACKET
        assert opened.info.get("icc_profile", b"") == options.get("icc_profile", b"")
        assert opened.mode == (mode if lossless or mode == "RGBA" else "RGB")
        assert not ImageChops.difference(opened.convert(mode), before).getbbox()


def frame(name: bytes, content: bytes, version: int) -> bytes:
    size = len(content)
    length = struct.pack(">I", size) if version == 3 else bytes([0, 0, size >> 7, size & 0x7F])
    return name + length + bytes(2) + content


def tagged(path: Path, version: int, body: bytes, flags: int = 0) -> bytes:
    """The mp3 with this ID3v2 tag instead of its own; returns the sound behind it."""
    content = path.read_bytes()
    sound = content[content.index(b"\xff\xfb") :]
    size = bytes([0, 0, len(body) >> 7, len(body) & 0x7F])
    path.write_bytes(b"ID3" + bytes([version, 0, flags]) + size + body + sound)
    return sound


@pytest.mark.parametrize("version", [3, 4])
def test_other_frames_of_an_mp3_stay(make: Make, version: int) -> None:
    path = make("audio/mpeg").path
    title = frame(b"TIT2", b"\x00A title", version)
    chosen = frame(b"TXXX", b"\x00MOOD\x00calm", version)
    sound = tagged(path, version, title + chosen + bytes(40))
    for packet, label in ((PACKET, b'{"old"}'), (OTHER, b"{}")):
        write.put(path, "audio/mpeg", xmp=packet, aigc=label)
    content = path.read_bytes()
    assert content[3] == version
    assert title in content and chosen in content
    assert content.endswith(sound)
    assert found(path, "audio/mpeg", "xmp") == [OTHER]
    assert found(path, "audio/mpeg", "aigc") == [b"{}"]


def test_a_tag_with_an_extended_header_and_unsynchronisation_is_read(make: Make) -> None:
    path = make("audio/mpeg").path
    extended = struct.pack(">IHI", 6, 0, 0)
    title = frame(b"TIT2", b"\x01\xff\xfeA\x00", 3).replace(b"\xff", b"\xff\x00")
    tagged(path, 3, extended + title, flags=0xC0)
    write.put(path, "audio/mpeg", xmp=PACKET)
    assert found(path, "audio/mpeg", "xmp") == [PACKET]
    assert frame(b"TIT2", b"\x01\xff\xfeA\x00", 3) in path.read_bytes()


def test_an_mp3_without_a_tag_gets_one(make: Make) -> None:
    path = make("audio/mpeg").path
    sound = tagged(path, 4, b"")
    path.write_bytes(sound)
    write.put(path, "audio/mpeg", xmp=PACKET, aigc=b"{}")
    assert path.read_bytes().endswith(sound)
    assert found(path, "audio/mpeg", "aigc") == [b"{}"]


def test_a_tag_of_version_2_2_is_replaced(make: Make) -> None:
    path = make("audio/mpeg").path
    sound = tagged(path, 2, b"TT2\x00\x00\x03\x00ab")
    write.put(path, "audio/mpeg", xmp=PACKET)
    assert found(path, "audio/mpeg", "xmp") == [PACKET]
    assert path.read_bytes().endswith(sound)


def test_labels_in_utf_16_are_read(make: Make) -> None:
    path = make("audio/mpeg").path
    content = b"\x01" + "AIGC\x00".encode("utf-16") + "{}".encode("utf-16")
    tagged(path, 4, frame(b"TXXX", content, 4))
    assert found(path, "audio/mpeg", "aigc") == [b"{}"]


def test_an_older_packet_anywhere_in_a_jpeg_is_superseded(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(samples.scene(0)).save(path, comment=b"said", xmp=OTHER)
    content = path.read_bytes()
    at = content.index(b"\xff\xe1")
    end = at + 2 + struct.unpack_from(">H", content, at + 2)[0]
    scan = content.index(b"\xff\xda")
    path.write_bytes(content[:at] + content[end:scan] + content[at:end] + content[scan:])
    with Image.open(path) as opened:
        before = opened.convert("RGB")
    write.put(path, "image/jpeg", xmp=PACKET)
    assert found(path, "image/jpeg", "xmp") == [PACKET]
    with Image.open(path) as opened:
        assert opened.info["comment"] == b"said"
        assert not ImageChops.difference(opened.convert("RGB"), before).getbbox()


def test_a_packet_where_quicktime_keeps_it_is_found_and_superseded(make: Make) -> None:
    path = make("video/quicktime").path
    content = path.read_bytes()
    at = content.index(b"moov") - 4
    (size,) = struct.unpack_from(">I", content, at)
    inner = struct.pack(">I4s", 8 + len(OTHER), b"XMP_") + OTHER
    settings = struct.pack(">I4s", 8 + len(inner), b"udta") + inner
    movie = struct.pack(">I", size + len(settings)) + content[at + 4 : at + size] + settings
    path.write_bytes(content[:at] + movie + content[at + size :])
    assert found(path, "video/quicktime", "xmp") == [OTHER]
    write.put(path, "video/quicktime", xmp=PACKET)
    assert found(path, "video/quicktime", "xmp") == [PACKET]


def test_an_older_packet_before_the_media_is_superseded_without_moving_them(make: Make) -> None:
    path = make("video/mp4").path
    write.put(path, "video/mp4", xmp=OTHER)
    after = struct.pack(">I4s", 8, b"free")
    path.write_bytes(path.read_bytes() + after)
    size = path.stat().st_size
    write.put(path, "video/mp4", xmp=PACKET)
    assert found(path, "video/mp4", "xmp") == [PACKET]
    assert path.stat().st_size == size + 24 + len(PACKET)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_written_twice_is_no_larger_than_once(make: Make, kind: str) -> None:
    path = make(kind).path
    write.put(path, kind, xmp=PACKET)
    once = path.stat().st_size
    write.put(path, kind, xmp=PACKET)
    assert path.stat().st_size == once + (len(PACKET) + 9 if kind == "audio/wav" else 0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_container_that_breaks_off_is_refused_or_left_as_it_is(make: Make, kind: str) -> None:
    path = make(kind).path
    whole = path.read_bytes()
    for size in (13, 40, len(whole) // 2):
        path.write_bytes(whole[:size])
        try:
            write.put(path, kind, xmp=PACKET)
        except InvalidRequest as error:
            assert error.code == "media_corrupt"
            assert path.read_bytes() == whole[:size]


@given(content=st.binary(max_size=300), kind=st.sampled_from(sorted(KINDS)))
def test_no_bytes_break_reading_or_writing(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, kind: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(content)
    assert isinstance(places(path, kind), tuple)
    try:
        write.put(path, kind, xmp=PACKET, aigc=b"{}")
    except InvalidRequest as error:
        assert error.code == "media_corrupt"
