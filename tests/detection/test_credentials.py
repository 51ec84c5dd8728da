"""The manifest store is taken out of every format byte for byte, however it lies in it."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import c2pa
import pytest
from PIL import Image

from governance.detection.credentials import manifest_store
from governance.marking.context import MarkContext
from governance.marking.credentials import native
from governance.marking.credentials.authority import Authority, load_or_create
from governance.marking.credentials.manifest_read import manifest_facts
from governance.marking.probe import inspect
from governance.marking.write import mark
from tests.detection.samples import RECORD
from tests.marking import samples


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return load_or_create(tmp_path_factory.mktemp("keys"))


def active(store: bytes) -> str:
    """The active manifest of a store that is read on its own."""
    with c2pa.Reader("application/c2pa", io.BytesIO(store), context=native.settings()) as reader:
        return str(json.loads(reader.json())["active_manifest"])


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("picture.png", samples.image),
        ("picture.jpg", samples.image),
        ("picture.webp", samples.image),
        ("clip.mp4", samples.video),
        ("sound.wav", samples.wav),
        ("sound.mp3", samples.sound),
    ],
)
def test_it_is_found_in_every_format(
    authority: Authority, tmp_path: Path, name: str, make: Callable[[Path], Path]
) -> None:
    source = inspect(make(tmp_path / name))
    target = tmp_path / f"marked-{name}"
    context = MarkContext(RECORD, "https://governance.example", samples.GENERATED, authority)
    mark(source, target, (), context)
    store = manifest_store(target, source.media_type)
    assert store is not None
    facts = manifest_facts(target, source.media_type, native.NOBODY)
    assert active(store) == facts.manifest
    assert manifest_store(source.path, source.media_type) is None


def test_one_that_fills_several_segments_of_a_jpeg_is_put_together(
    authority: Authority, tmp_path: Path
) -> None:
    source, target = samples.image(tmp_path / "picture.jpg"), tmp_path / "signed.jpg"
    action = {
        "action": "c2pa.created",
        "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCreation",
    }
    large = {"label": "local.governance.large", "data": {"text": "0123456789" * 20_000}}
    actions = {"label": "c2pa.actions.v2", "data": {"actions": [action]}}
    definition = json.dumps({"assertions": [actions, large]})
    with (
        c2pa.Signer.from_callback(
            authority.sign, authority.algorithm, authority.chain, None
        ) as signer,
        c2pa.Builder(definition, native.settings(authority.trust)) as builder,
        source.open("rb") as reading,
        target.open("w+b") as writing,
    ):
        builder.sign(signer, "image/jpeg", reading, writing)
    store = manifest_store(target, "image/jpeg")
    assert store is not None
    assert len(store) > 200_000
    assert active(store) == manifest_facts(target, "image/jpeg", native.NOBODY).manifest


def test_bytes_that_only_look_like_one_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    Image.new("RGB", (8, 8)).save(path)
    mimic = b"jumd" + bytes.fromhex("6332706100110010800000aa00389b71")
    path.write_bytes(mimic + path.read_bytes() + mimic)
    assert manifest_store(path, "image/png") is None
