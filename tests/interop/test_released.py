"""What the demonstration released, as tools see it that share nothing with those that marked it."""

from pathlib import Path
from typing import Any

import av
import encypher_c2pa
import numpy as np
import orjson
import pytest
from numpy.typing import NDArray
from PIL import Image

from governance.cli import main
from governance.kernel.media import SUFFIX
from governance.marking.credentials.authority import load_or_create
from governance.marking.label import find, visible
from tests.interop.test_c2pa_foreign import script
from tests.interop.test_exiftool import LABEL, exiftool, texts
from tests.performance import HOUSE, Played
from tests.tools import needs

TYPES = {suffix: media_type for media_type, suffix in SUFFIX.items()}
FILES = ("coast.mp4", "street.mp4", "portrait.mp4", "poster.png", "crowd.wav")
ALGORITHMIC = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia"
TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
WORDINGS = {
    "street.mp4": "AI GENERATED · AI生成",
    "portrait.mp4": "AI GENERATED",
    "poster.png": "AI生成",
}
HOUSE_VALUES = {"placement": "top_right", "duration": "throughout", "height": 50}


@pytest.mark.parametrize("name", FILES)
def test_another_validator_trusts_the_manifest_and_reads_its_bindings(
    played: Played, name: str
) -> None:
    file = played.folder / name
    root = load_or_create(played.folder / "data" / "keys").ca_pem
    report = encypher_c2pa.verify(
        file.read_bytes(),
        TYPES[file.suffix],
        trust_pem=root,
        no_default_trust=True,
        online=False,
        telemetry=False,
    )
    assert report["validation_state"] == "Trusted"
    assert report["validation_results"]["failure"] == []
    said = list(report["manifest_report"]["manifests"].values())[-1]
    labels = [assertion["label"] for assertion in said["assertions"]]
    assert "local.governance.record" in labels
    assert sum(label.startswith("c2pa.soft-binding") for label in labels) == 2


@needs("c2pa-ts")
@pytest.mark.parametrize("name", ["street.mp4", "poster.png"])
def test_a_third_validator_agrees(played: Played, name: str) -> None:
    report = script(played.folder / name)
    assert report["valid"], report


@needs("exiftool")
@pytest.mark.parametrize("name", FILES)
def test_exiftool_reads_the_source_type_and_where_china_is_meant_its_label(
    played: Played, name: str
) -> None:
    file = played.folder / name
    report = exiftool(file)
    expected = TRAINED if name == "street.mp4" else ALGORITHMIC
    assert report["XMP-iptcExt:DigitalSourceType"] == expected
    record = report["XMP-dc:Identifier"]
    labels = [text for text in texts(report).values() if "ContentProducer" in text]
    if name not in ("street.mp4", "poster.png"):
        assert labels == []
        return
    (label,) = labels
    assert texts(report)[LABEL[TYPES[file.suffix]]] == label
    told: dict[str, Any] = orjson.loads(label)
    assert (told["Label"], told["ProduceID"]) == ("1", record)


@pytest.mark.parametrize("name", WORDINGS)
def test_the_label_stands_at_the_top_right_of_the_first_picture(played: Played, name: str) -> None:
    luma = _luma(played.folder / name)
    place = find.find(luma, _label(WORDINGS[name], luma))
    assert place is not None
    assert place.scale == pytest.approx(1, abs=0.02)
    assert place.y < luma.shape[0] / 8
    assert place.x + place.width / 2 > luma.shape[1] / 2


def test_a_clip_that_needs_no_label_has_none(played: Played) -> None:
    luma = _luma(played.folder / "coast.mp4")
    assert find.find(luma, _label("AI GENERATED", luma)) is None


@pytest.mark.parametrize("name", FILES)
def test_the_detector_reads_the_watermark(
    played: Played,
    name: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOVERNANCE_POLICIES_DIR", str(HOUSE / "policies"))
    data = ["--data", str(played.folder / "data")]
    assert main(["detect", "--json", str(played.folder / name), *data]) == 0
    said = orjson.loads(capsys.readouterr().out)["statement"]
    states = {mark["kind"]: mark["state"] for mark in said["marks"]}
    assert states["watermark"] == "present"
    assert said["verdict"]["basis"] == ["digest", "metadata", "watermark", "fingerprint"]


def _label(wording: str, luma: NDArray[np.uint8]) -> visible.Label:
    height, width = luma.shape
    return visible.place(visible.spec({"wording": wording, **HOUSE_VALUES}), width, height)


def _luma(file: Path) -> NDArray[np.uint8]:
    """Of the first picture."""
    if file.suffix == ".png":
        with Image.open(file) as image:
            return np.asarray(image.convert("L"))
    with av.open(str(file)) as container:
        return np.asarray(next(container.decode(video=0)).to_ndarray(format="gray"), np.uint8)
