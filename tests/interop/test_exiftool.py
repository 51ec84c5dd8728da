"""Our metadata, read by exiftool."""

import json
import subprocess
from pathlib import Path

import pytest

from governance.marking.credentials.authority import load_or_create
from governance.marking.probe import inspect
from governance.marking.write import MarkContext, mark
from tests.marking.conftest import KINDS, RECORD, RECORD_URI
from tests.marking.samples import GENERATED, METADATA_DUTY
from tests.tools import needs

pytestmark = needs("exiftool")


@pytest.mark.parametrize("kind", KINDS)
def test_exiftool_reads_the_source_type_and_the_link_to_the_record(
    tmp_path: Path, kind: str
) -> None:
    name, make = KINDS[kind]
    context = MarkContext(RECORD, RECORD_URI, GENERATED, load_or_create(tmp_path / "keys"))
    target = tmp_path / f"target{Path(name).suffix}"
    mark(inspect(make(tmp_path / name)), target, [METADATA_DUTY], context)
    command = ["exiftool", "-json", "-G1", "-n", "-XMP:all", "-Warning", "-Error", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    (report,) = json.loads(done.stdout)
    assert report["XMP-iptcExt:DigitalSourceType"] == (
        "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    )
    assert report["XMP-dc:Identifier"] == RECORD
    assert report["XMP-dc:Relation"] == RECORD_URI
    assert not {name for name in report if name.endswith(("Warning", "Error"))}
