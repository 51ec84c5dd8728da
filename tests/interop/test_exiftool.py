"""Our metadata, read by exiftool."""

import base64
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from governance.marking.context import MarkContext
from governance.marking.credentials.authority import load_or_create
from governance.marking.credentials.manifest import Work, sign
from governance.marking.metadata import aigc, xmp
from governance.marking.probe import inspect
from tests.marking.conftest import KINDS, RECORD, RECORD_URI
from tests.marking.samples import GENERATED
from tests.tools import needs

pytestmark = needs("exiftool")

# Where each format's label appears; TXXX frames and unknown chunks have no name of their own.
LABEL = {
    "video/mp4": "Keys:AIGC",
    "video/quicktime": "Keys:AIGC",
    "image/png": "XMP-TC260:Aigc",
    "image/jpeg": "XMP-TC260:Aigc",
    "image/webp": "XMP-TC260:Aigc",
    "audio/wav": "RIFF:Unknown_AIGC",
    "audio/mpeg": "ID3v2_4:UserDefinedText",
}
# Of version 12.57 about any tag whose last frame has more than 127 bytes and no padding behind.
HARMLESS = "Invalid ID3 frame size"


def delivered(folder: Path, kind: str) -> Path:
    name, make = KINDS[kind]
    context = MarkContext(RECORD, RECORD_URI, GENERATED, load_or_create(folder / "keys"))
    path, target = make(folder / name), folder / f"target{Path(name).suffix}"
    source = inspect(path)
    xmp.embed(path, kind, context, None)
    aigc.embed(path, kind, context, path)
    sign(path, target, source, Work(), context)
    return target


def exiftool(path: Path) -> dict[str, Any]:
    command = ["exiftool", "-json", "-G1", "-n", "-a", "-u", "-b", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    (report,) = json.loads(done.stdout)
    return dict(report)


def texts(report: dict[str, Any]) -> dict[str, str]:
    """Of chunks that it doesn't know, exiftool writes the bytes as base64."""
    found = {name: str(value) for name, value in report.items()}
    for name, value in found.items():
        if value.startswith("base64:"):
            found[name] = base64.b64decode(value[7:]).decode("latin-1")
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_exiftool_reads_source_type_record_and_the_one_label_in_every_format(
    tmp_path: Path, kind: str
) -> None:
    report = exiftool(delivered(tmp_path, kind))
    assert report["XMP-iptcExt:DigitalSourceType"] == (
        "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    )
    assert report["XMP-dc:Identifier"] == RECORD
    assert report["XMP-dc:Relation"] == RECORD_URI
    label = json.loads(texts(report)[LABEL[kind]].removeprefix("(AIGC) "))
    assert (label["Label"], label["ProduceID"], label["PropagateID"]) == ("1", RECORD, RECORD)
    assert sum("ContentProducer" in text for text in texts(report).values()) == 1
    warnings = [value for name, value in report.items() if name.endswith(("Warning", "Error"))]
    assert [said for said in warnings if said != HARMLESS] == []
