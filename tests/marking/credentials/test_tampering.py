"""What happens to marks when a file is changed after it was delivered."""

import shutil
from dataclasses import replace
from pathlib import Path

import av
import pytest

from governance.domain import Asset, Mark
from governance.marking.credentials.authority import Authority
from governance.marking.credentials.manifest_read import read_manifest
from governance.marking.duties import unmet
from governance.marking.metadata import xmp
from governance.marking.read import read
from governance.marking.write import MarkContext, mark
from tests.marking.samples import METADATA_DUTY, label_duty
from tests.marking.test_round_trip import Make, facts, found


@pytest.fixture
def delivered(clip: Asset, context: MarkContext, tmp_path: Path) -> tuple[Path, tuple[Mark, ...]]:
    target = tmp_path / "delivered.mp4"
    return target, mark(clip, target, [METADATA_DUTY, label_duty()], context).marks


Delivered = tuple[Path, tuple[Mark, ...]]


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_one_flipped_bit_in_the_picture_is_seen(delivered: Delivered, context: MarkContext) -> None:
    path, written = delivered
    flip(path, path.read_bytes().index(b"mdat") + 20_000)
    manifest = found(read(path, "video/mp4", written, context.authority.ca_pem), "c2pa")
    assert manifest.state == "absent"
    assert facts(manifest)["validation"] == "Invalid"
    assert "changed after signing (assertion.bmffHash.mismatch)" in manifest.detail


@pytest.mark.parametrize(
    ("kind", "at"), [("image/png", -2000), ("image/jpeg", -2000), ("audio/wav", 2000)]
)
def test_one_flipped_bit_is_seen_in_other_formats(
    make: Make, context: MarkContext, tmp_path: Path, kind: str, at: int
) -> None:
    target = tmp_path / "target"
    written = mark(make(kind), target, [METADATA_DUTY], context).marks
    flip(target, at)
    manifest = found(read(target, kind, written, context.authority.ca_pem), "c2pa")
    assert manifest.state == "absent"
    assert "assertion.dataHash.mismatch" in manifest.detail


def test_metadata_edited_after_signing_is_seen(delivered: Delivered, context: MarkContext) -> None:
    path, written = delivered
    xmp.embed(path, "video/mp4", replace(context, source_type="digitalCapture"), None)
    marks = read(path, "video/mp4", written, context.authority.ca_pem)
    assert found(marks, "c2pa").state == found(marks, "iptc").state == "absent"


def test_a_remux_strips_the_metadata_and_leaves_the_label(
    delivered: Delivered, context: MarkContext, tmp_path: Path
) -> None:
    path, written = delivered
    remuxed = tmp_path / "remuxed.mp4"
    with av.open(str(path)) as reading, av.open(str(remuxed), "w") as writing:
        stream = reading.streams.video[0]
        copy = writing.add_stream_from_template(stream)
        for packet in reading.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                writing.mux(packet)
    marks = read(remuxed, "video/mp4", written, context.authority.ca_pem)
    assert found(marks, "c2pa").detail == "No C2PA manifest in the file."
    assert found(marks, "iptc").detail == "No XMP packet in the file."
    assert found(marks, "label").state == "present"
    assert unmet([METADATA_DUTY, label_duty()], marks) == ["mark.signed_metadata"]


def test_an_unknown_signer_is_not_called_tampering(
    delivered: Delivered, vendor: Authority, context: MarkContext
) -> None:
    path, written = delivered
    for trust in ("", vendor.ca_pem):
        manifest = found(read(path, "video/mp4", written, trust), "c2pa")
        assert manifest.state == "present"
        assert manifest.detail == "Intact; the signer is not under the given trust anchors."
        assert facts(manifest)["validation"] == "Valid"


def test_a_signature_by_another_key_in_our_name_does_not_meet_the_duty(
    png: Asset, context: MarkContext, vendor: Authority, tmp_path: Path
) -> None:
    forged = tmp_path / "forged"
    written = mark(png, forged, [METADATA_DUTY], replace(context, authority=vendor)).marks
    marks = read(forged, "image/png", written, context.authority.ca_pem)
    assert unmet([METADATA_DUTY], marks) == ["mark.signed_metadata"]


def test_tampering_by_an_unknown_signer_is_still_tampering(
    delivered: Delivered, context: MarkContext
) -> None:
    path, _ = delivered
    flip(path, path.read_bytes().index(b"mdat") + 20_000)
    assert "changed after signing" in read_manifest(path, "video/mp4", trust="").detail


def test_a_flipped_bit_in_our_own_assertion_is_seen(
    delivered: Delivered, context: MarkContext
) -> None:
    path, written = delivered
    flip(path, path.read_bytes().index(b"record_uri"))
    manifest = found(read(path, "video/mp4", written, context.authority.ca_pem), "c2pa")
    assert manifest.state == "absent"
    assert "assertion.hashedURI.mismatch" in manifest.detail


def test_a_damaged_manifest_never_breaks_the_reader(delivered: Delivered) -> None:
    path, _ = delivered
    start = path.read_bytes().index(b"jumb")
    states = set()
    for at in range(start, start + 900, 25):
        broken = path.with_name("broken.mp4")
        shutil.copyfile(path, broken)
        flip(broken, at)
        states.add(read_manifest(broken, "video/mp4", trust="").state)
    assert "absent" in states
