"""Small files that would take hours, or all memory, are refused or read within limits at once."""

import io
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from governance.domain import Asset
from governance.kernel.errors import InvalidRequest
from governance.marking.decode import pictures
from governance.marking.metadata import exif, xmp_read
from governance.marking.metadata.places import MAX_PLACES, places
from governance.marking.probe import inspect
from governance.marking.read import vendor_marks

SECONDS = 3.0  # each of these took ten and more, or gigabytes


@contextmanager
def soon() -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < SECONDS


def refused(path: Path, code: str = "media_corrupt") -> None:
    with soon(), pytest.raises(InvalidRequest) as caught:
        inspect(path)
    assert caught.value.code == code


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I4s", len(content), kind) + content + checksum


def png(path: Path, added: bytes, behind: bytes = b"") -> Path:
    """A tiny PNG with chunks behind its header, and others behind its end."""
    content = io.BytesIO()
    Image.new("RGB", (16, 16)).save(content, "PNG")
    plain = content.getvalue()
    path.write_bytes(plain[:33] + added + plain[33:] + behind)
    return path


def patched(asset: Asset, change: Callable[[bytearray], None]) -> Path:
    content = bytearray(asset.path.read_bytes())
    change(content)
    asset.path.write_bytes(content)
    return asset.path


def number(content: bytearray, at: int, value: int) -> None:
    content[at : at + 4] = struct.pack(">I", value)


def samples_of_one_byte(content: bytearray) -> None:
    at = content.index(b"stsz")
    number(content, at + 8, 1)
    number(content, at + 12, 100_000_000)


def fragment_without_end(content: bytearray) -> None:
    """Forty bytes for which a demuxer would make room for 60 million samples, 2 GB."""
    track = struct.pack(">IIII", 0x020018, 1, 512, 1)
    run = box(b"trun", struct.pack(">II", 0, 60_000_000))
    content += box(b"moof", box(b"traf", box(b"tfhd", track) + run))


def compressed_index(content: bytearray) -> None:
    at = content.index(b"moov") - 4
    content[at + 8 : at + 8] = box(b"cmov", bytes(8))
    number(content, at, struct.unpack_from(">I", content, at)[0] + 16)


@pytest.mark.parametrize("change", [samples_of_one_byte, fragment_without_end, compressed_index])
def test_no_table_claims_more_samples_than_a_film_has(
    clip: Asset, change: Callable[[bytearray], None]
) -> None:
    refused(patched(clip, change))


def test_of_an_unknown_codec_there_is_no_picture(clip: Asset) -> None:
    def unknown(content: bytearray) -> None:
        at = content.rindex(b"avc1")
        content[at : at + 4] = b"none"

    refused(patched(clip, unknown))


def test_plain_sound_has_a_sample_for_each_tick(tmp_path: Path) -> None:
    """Ten minutes of it claim 28 million, honestly."""
    path = tmp_path / "film.mov"
    with av.open(str(path), "w", format="mov") as container:
        picture = container.add_stream("libx264", rate=25)
        picture.width, picture.height, picture.pix_fmt = 128, 128, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=48_000)
        sound.layout = "mono"
        for _ in range(3):
            container.mux(picture.encode(grey(128, 128)))
        container.mux(picture.encode(None))
        block = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.int16), "s16", "mono")
        block.sample_rate = 48_000
        container.mux([*sound.encode(block), *sound.encode(None)])
    content = bytearray(path.read_bytes())
    at = content.rindex(b"stsz")
    number(content, at + 12, 28_800_000)
    path.write_bytes(content)
    assert inspect(path).has_audio


def grey(width: int, height: int) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane in frame.planes:
        plane.update(bytes([128]) * plane.buffer_size)
    return frame


def encoded(width: int, height: int) -> list[bytes]:
    codec = av.CodecContext.create("libx264", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.time_base = Fraction(1, 25)
    codec.options = {"preset": "ultrafast", "tune": "zerolatency", "threads": "1"}
    return [bytes(packet) for packet in [*codec.encode(grey(width, height)), *codec.encode(None)]]


def test_a_picture_that_grows_midway_is_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "grows.mp4"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.codec_context.options = {"preset": "ultrafast", "tune": "zerolatency"}
        container.mux(stream.encode(grey(320, 240)))
        for count, data in enumerate(encoded(4112, 2304) * 20, start=1):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, Fraction(1, 12_800)
            packet.pts = packet.dts = count * 512
            packet.duration, packet.is_keyframe = 512, True
            container.mux(packet)
    assert inspect(path).width == 320
    with pytest.raises(InvalidRequest) as caught:
        list(pictures(path, "video/mp4"))
    assert caught.value.code == "media_corrupt"


def test_a_jpeg_has_no_scans_without_end(tmp_path: Path) -> None:
    path = tmp_path / "scans.jpg"
    Image.new("L", (64, 64), 128).save(path, progressive=True)
    assert inspect(path).width == 64
    plain = path.read_bytes()
    at = plain.index(b"\xff\xda", plain.index(b"\xff\xda") + 2)
    end = plain.index(b"\xff\xc4", at)
    path.write_bytes(plain[:end] + plain[at:end] * 200 + plain[end:])
    refused(path)


def test_a_jpeg_has_no_padding_without_end(tmp_path: Path) -> None:
    path = tmp_path / "padded.jpg"
    Image.new("L", (64, 64), 128).save(path)
    plain = path.read_bytes()
    path.write_bytes(plain[:2] + b"\xff" * 1000 + plain[2:])
    assert inspect(path).width == 64
    path.write_bytes(plain[:2] + b"\xff" * 20_000_000 + plain[2:])
    refused(path)


def test_a_file_is_not_cut_into_pieces_without_end(clip: Asset, tmp_path: Path) -> None:
    refused(png(tmp_path / "chunks.png", chunk(b"tEXa", b"") * 300_000))
    refused(patched(clip, lambda content: content.extend(box(b"free", b"") * 300_000)))
    wav = tmp_path / "chunks.wav"
    pieces = struct.pack("<4sI", b"JUNK", 0) * 300_000
    wav.write_bytes(struct.pack("<4sI", b"RIFF", 4 + len(pieces)) + b"WAVE" + pieces)
    refused(wav)


def test_packed_texts_unpack_to_little(tmp_path: Path) -> None:
    packed = chunk(b"zTXt", b"AIGC\x00\x00" + zlib.compress(b"A" * (1 << 20), 9))
    path = png(tmp_path / "packed.png", packed * 1000)
    with soon():
        assert len(places(path, "image/png")) == MAX_PLACES


def test_behind_the_end_of_a_png_there_is_no_metadata(tmp_path: Path) -> None:
    behind = chunk(b"tEXt", b"AIGC\x00{}") + chunk(b"tEXa", b"") * 300_000
    with soon():
        assert places(png(tmp_path / "behind.png", b"", behind), "image/png") == ()


def test_a_packet_of_more_than_a_megabyte_is_left_alone(clip: Asset) -> None:
    def large(content: bytearray) -> None:
        at = content.rindex(b"moov") - 4
        packet = box(b"udta", box(b"XMP_", b"<x/>" + b" " * (1 << 20)))
        size = struct.unpack_from(">I", content, at)[0]
        content[at + size : at + size] = packet
        number(content, at, size + len(packet))

    assert places(patched(clip, large), "video/mp4") == ()


def test_a_label_is_looked_for_in_few_places_of_an_exif_block() -> None:
    with soon():
        assert list(exif.labels(b'{"AIGC":' * 130_000)) == []
        assert list(exif.labels(b'{"AIGC":"' + b"a" * (1 << 20))) == []


def test_properties_inside_each_other_are_read_once() -> None:
    start = b'<r:Description xmlns:r="%s" xmlns:d="%s"><d:identifier><r:li>' % (
        xmp_read.RDF[1:-1].encode(),
        xmp_read.DC[1:-1].encode(),
    )
    inner = b"<r:Description><d:identifier><r:li>"
    end = b"</r:li></d:identifier></r:Description>"
    with soon():
        found = xmp_read.facts(start + inner * 12_000 + end * 12_001)
    assert found is not None


def test_boxes_inside_boxes_do_not_end_the_process(clip: Asset, tmp_path: Path) -> None:
    """The C2PA reader recurses into both."""
    deep = b"".join(struct.pack(">I4s", 8 * left, b"moov") for left in range(50_000, 0, -1))
    with soon():
        vendor_marks(patched(clip, lambda content: content.extend(deep)), "video/mp4")
    store = b"jumd" + bytes.fromhex("6332706100110010800000aa00389b71") + b"\x03c2pa\x00"
    head = struct.pack(">I", 4 + len(store)) + store
    nested = b"".join(
        struct.pack(">I4s", left * (8 + len(head)), b"jumb") + head for left in range(20_000, 0, -1)
    )
    with soon():
        vendor_marks(png(tmp_path / "store.png", chunk(b"caBX", nested)), "image/png")
