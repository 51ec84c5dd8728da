"""Our manifests, validated by an implementation that shares nothing with the one that signs."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from governance.marking.credentials.authority import load_or_create
from governance.marking.probe import inspect
from governance.marking.write import MarkContext, mark
from tests.marking.conftest import KINDS, RECORD, RECORD_URI
from tests.marking.samples import GENERATED, METADATA_DUTY, by_vendor, label_duty
from tests.tools import INTEROP, needs

pytestmark = needs("c2pa-ts")


def foreign(path: Path) -> dict[str, Any]:
    command = ["node", str(INTEROP / "verify_c2pa.mjs"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.fixture
def context(tmp_path: Path) -> MarkContext:
    return MarkContext(RECORD, RECORD_URI, GENERATED, load_or_create(tmp_path / "keys"))


@pytest.mark.parametrize(
    ("kind", "binding"),
    [("image/png", "dataHash"), ("image/jpeg", "dataHash"), ("video/mp4", "bmffHash")],
)
def test_a_foreign_validator_accepts_our_manifest_and_sees_tampering(
    context: MarkContext, tmp_path: Path, kind: str, binding: str
) -> None:
    name, make = KINDS[kind]
    target = tmp_path / "target"
    mark(inspect(make(tmp_path / name)), target, [METADATA_DUTY, label_duty()], context)
    report = foreign(target)
    assert report["valid"], report
    assert f"assertion.{binding}.match" in report["codes"]
    assert "claimSignature.validated" in report["codes"]
    assert "local.governance.record" in report["assertions"]

    content = bytearray(target.read_bytes())
    content[content.index(b"mdat") + 20_000 if kind == "video/mp4" else -2000] ^= 1
    target.write_bytes(content)
    report = foreign(target)
    assert not report["valid"]
    assert f"assertion.{binding}.mismatch" in report["codes"]


def test_a_foreign_validator_finds_the_vendors_manifest_beside_ours(
    context: MarkContext, tmp_path: Path
) -> None:
    name, make = KINDS["image/png"]
    vendor = load_or_create(tmp_path / "vendor")
    source = inspect(by_vendor(make(tmp_path / name), "image/png", vendor))
    target = tmp_path / "target"
    mark(source, target, [METADATA_DUTY], context)
    report = foreign(target)
    assert report["manifests"] == 2
    assert report["valid"], report
