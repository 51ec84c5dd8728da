"""What the vendor signed, and what a file was made from, stays in the file."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from governance.domain import Asset
from governance.marking.credentials.authority import Authority
from governance.marking.credentials.manifest import Work, sign
from governance.marking.credentials.manifest_read import read_manifest
from governance.marking.probe import inspect
from governance.marking.read import read, vendor_marks
from governance.marking.write import MarkContext, mark
from tests.marking.conftest import KINDS
from tests.marking.samples import GENERATED, METADATA_DUTY, by_vendor, image, label_duty
from tests.marking.test_round_trip import Make, facts, found


@pytest.mark.parametrize("kind", KINDS)
def test_a_vendors_manifest_becomes_our_parent_ingredient(
    make: Make, context: MarkContext, vendor: Authority, tmp_path: Path, kind: str
) -> None:
    source = inspect(by_vendor(make(kind).path, kind, vendor))
    target = tmp_path / "target"
    written = sign(source.path, target, source, Work(), context)
    assert "parent ingredient" in written.detail
    manifest = facts(read_manifest(target, kind, context.authority.trust))
    assert (manifest["validation"], manifest["manifests"]) == ("Trusted", "2")
    assert manifest["source_type"] == GENERATED


def test_a_file_of_ours_that_is_marked_again_keeps_its_first_manifest(
    png: Asset, context: MarkContext, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    mark(png, first, [METADATA_DUTY], context)
    later = replace(context, record_id="gen_" + "7" * 32)
    written = mark(inspect(first), second, [METADATA_DUTY], later).marks
    marks = read(second, "image/png", written, context.authority.trust)
    manifest = facts(found(marks, "c2pa"))
    assert (manifest["validation"], manifest["manifests"]) == ("Trusted", "2")
    assert manifest["record_id"] == facts(found(marks, "iptc"))["record_id"] == later.record_id


def test_a_vendors_manifest_survives_the_encoding_that_a_label_needs(
    clip: Asset, context: MarkContext, vendor: Authority, tmp_path: Path
) -> None:
    source = inspect(by_vendor(clip.path, "video/mp4", vendor))
    target = tmp_path / "target"
    written = mark(source, target, [METADATA_DUTY, label_duty()], context).marks
    manifest = facts(found(read(target, "video/mp4", written, context.authority.trust), "c2pa"))
    assert (manifest["validation"], manifest["manifests"]) == ("Trusted", "2")


def test_a_vendors_tampered_manifest_neither_stops_us_nor_is_hidden(
    make: Make, context: MarkContext, vendor: Authority, tmp_path: Path
) -> None:
    path = by_vendor(make("image/jpeg").path, "image/jpeg", vendor)
    repainted = path.read_bytes().replace(b"Vendor", b"Wendor")
    path.write_bytes(repainted)
    (arrived, *_) = vendor_marks(path, "image/jpeg")
    assert arrived.state == "absent" and "does not verify" in arrived.detail
    target = tmp_path / "target"
    written = mark(inspect(path), target, [METADATA_DUTY], context).marks
    assert found(read(target, "image/jpeg", written, context.authority.trust), "c2pa").state == (
        "present"
    )


def test_a_vendors_unreadable_manifest_is_left_out_and_the_mark_says_so(
    clip: Asset, context: MarkContext, vendor: Authority, tmp_path: Path
) -> None:
    path = by_vendor(clip.path, "video/mp4", vendor)
    path.write_bytes(path.read_bytes().replace(b"jumd", b"jump", 1))
    (arrived, *_) = vendor_marks(path, "video/mp4")
    assert arrived.state == "absent" and "cannot be read" in arrived.detail
    target = tmp_path / "target"
    written = mark(inspect(path), target, [METADATA_DUTY], context).marks
    assert "cannot be read and is not kept" in found(written, "c2pa").detail
    manifest = facts(found(read(target, "video/mp4", written, context.authority.trust), "c2pa"))
    assert (manifest["validation"], manifest["manifests"]) == ("Trusted", "1")


def test_an_edit_from_outside_is_opened_and_names_our_files_as_ingredients(
    make: Make, context: MarkContext, tmp_path: Path
) -> None:
    part = make("image/png")
    ours = tmp_path / "ours.png"
    mark(part, ours, [METADATA_DUTY], context)
    edited = replace(
        context,
        source_type="compositeWithTrainedAlgorithmicMedia",
        edited=True,
        ingredients=(inspect(ours),),
    )
    target = tmp_path / "target.mp4"
    written = mark(make("video/mp4"), target, [METADATA_DUTY], edited).marks
    manifest = facts(found(read(target, "video/mp4", written, context.authority.trust), "c2pa"))
    assert manifest["validation"] == "Trusted"
    assert manifest["source_type"] == "compositeWithTrainedAlgorithmicMedia"
    assert manifest["manifests"] == "2"


def test_what_a_vendor_left_is_reported_on_arrival(png: Asset, vendor: Authority) -> None:
    assert [mark.state for mark in vendor_marks(png.path, "image/png")] == ["absent"] * 3
    manifest, metadata, label = vendor_marks(by_vendor(png.path, "image/png", vendor), "image/png")
    assert manifest.state == "present"
    assert facts(manifest)["generator"] == "Vendor"
    assert facts(manifest)["source_type"] == GENERATED
    assert metadata.state == label.state == "absent"


@pytest.fixture
def stranger() -> Iterator[tuple[str, list[str]]]:
    """A web server and the paths that were asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_file_cannot_make_us_fetch_a_manifest_from_elsewhere(
    context: MarkContext, tmp_path: Path, stranger: tuple[str, list[str]]
) -> None:
    address, asked = stranger
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f'xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="{address}/m.c2pa"/>'
        "</rdf:RDF></x:xmpmeta>"
    )
    texts = PngInfo()
    texts.add_itxt("XML:com.adobe.xmp", packet)
    path = tmp_path / "remote.png"
    Image.open(image(tmp_path / "plain.png")).save(path, pnginfo=texts)
    assert vendor_marks(path, "image/png")[0].state == "not_checked"
    target = tmp_path / "target"
    written = mark(inspect(path), target, [METADATA_DUTY], context).marks
    marks = read(target, "image/png", written, context.authority.trust)
    assert found(marks, "c2pa").state == "present"
    assert asked == []
