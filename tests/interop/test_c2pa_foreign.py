"""Our manifests, validated by two implementations that share nothing with the one that signs.

encypher-c2pa reads every format, checks the signer's certificate against our root and the time
stamp against its authority's. c2pa-ts reads png, jpeg and, by a change of brand, mp4.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import encypher_c2pa
import pytest

from governance.marking.context import MarkContext
from governance.marking.credentials.authority import Authority, load_or_create
from governance.marking.credentials.manifest import SoftBinding, Work, sign
from governance.marking.metadata import aigc, xmp
from governance.marking.probe import inspect
from governance.simulators.tsa import SimulatedTsa
from tests.marking.conftest import KINDS, RECORD, RECORD_URI
from tests.marking.credentials.certificates import KEYS, Chain
from tests.marking.samples import GENERATED, by_vendor
from tests.tools import INTEROP, needs

BINDINGS = (
    SoftBinding("local.governance.watermark.1", "0123456789abcdef", watermark=True),
    SoftBinding("local.governance.pdq.1", "QUJD" * 500),
)
WORK = Work(edits=("Visible label added: AI GENERATED",), transcoded=True, bindings=BINDINGS)


# What stands right before pixels or samples.
# Where picture or sound begin.
PIXELS = {
    "video/mp4": b"mdat",
    "video/quicktime": b"mdat",
    "image/png": b"IDAT",
    "image/jpeg": b"\xff\xda",
    "image/webp": b"VP8 ",
    "audio/wav": b"data",
    "audio/mpeg": b"\xff\xfb",
}


@pytest.fixture(scope="module")
def tsa() -> Iterator[SimulatedTsa]:
    with SimulatedTsa() as running:
        yield running


@pytest.fixture
def context(tmp_path: Path) -> MarkContext:
    return MarkContext(RECORD, RECORD_URI, GENERATED, load_or_create(tmp_path / "keys"))


def deliver(path: Path, kind: str, context: MarkContext) -> Path:
    """Every kind of metadata, in the order of delivery."""
    draft, target = path.with_name("draft"), path.with_name("target")
    source = inspect(path)
    draft.write_bytes(path.read_bytes())
    xmp.embed(draft, kind, context, None)
    aigc.embed(draft, kind, context, path)
    sign(draft, target, source, WORK, context)
    return target


def judged(path: Path, kind: str, root: str, stamps: str | None = None) -> dict[str, Any]:
    """The report of encypher-c2pa. root, stamps: PEM of the only anchors that it may trust."""
    return dict(
        encypher_c2pa.verify(
            path.read_bytes(),
            kind,
            trust_pem=root,
            tsa_trust_pem=stamps,
            no_default_trust=True,
            online=False,
            telemetry=False,
        )
    )


def codes(report: dict[str, Any], outcome: str) -> set[str]:
    return {entry["code"] for entry in report["validation_results"][outcome]}


@pytest.mark.parametrize("kind", KINDS)
def test_another_implementation_finds_our_manifest_intact_and_its_signer_trusted(
    context: MarkContext, tmp_path: Path, kind: str
) -> None:
    name, make = KINDS[kind]
    target = deliver(make(tmp_path / name), kind, context)
    report = judged(target, kind, context.authority.ca_pem)
    assert (report["integrity"], report["signature"], report["hard_binding"]) == (
        "valid",
        "valid",
        "match",
    )
    assert report["validation_state"] == "Trusted"
    assert codes(report, "failure") == set()
    (said,) = report["manifest_report"]["manifests"].values()
    labels = [assertion["label"] for assertion in said["assertions"]]
    assert "local.governance.record" in labels
    assert sum(label.startswith("c2pa.soft-binding") for label in labels) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_another_implementation_sees_one_changed_bit(
    context: MarkContext, tmp_path: Path, kind: str
) -> None:
    name, make = KINDS[kind]
    target = deliver(make(tmp_path / name), kind, context)
    content = bytearray(target.read_bytes())
    content[within(content, kind)] ^= 1
    target.write_bytes(content)
    report = judged(target, kind, context.authority.ca_pem)
    assert report["integrity"] != "valid"
    assert any(code.endswith("Hash.mismatch") for code in codes(report, "failure"))


def within(content: bytearray, kind: str) -> int:
    """A place in the picture or the sound: two bytes may stand in a manifest by chance, too."""
    if kind == "image/jpeg":
        return content.rindex(PIXELS[kind]) + 500
    if kind == "audio/mpeg":
        return content.rindex(PIXELS[kind]) - 500
    return content.index(PIXELS[kind]) + 500


def test_an_unknown_root_is_untrusted_and_the_file_still_intact(
    context: MarkContext, tmp_path: Path
) -> None:
    name, make = KINDS["image/png"]
    target = deliver(make(tmp_path / name), "image/png", context)
    report = judged(target, "image/png", load_or_create(tmp_path / "other").ca_pem)
    assert report["integrity"] == "valid"
    assert "signingCredential.untrusted" in codes(report, "failure")


@pytest.mark.parametrize("kind", ["video/mp4", "image/png", "audio/wav"])
def test_another_implementation_accepts_our_time_stamp(
    context: MarkContext, tmp_path: Path, tsa: SimulatedTsa, kind: str
) -> None:
    name, make = KINDS[kind]
    authority = replace(context.authority, time_stamps=tsa.url + "/")
    target = deliver(make(tmp_path / name), kind, replace(context, authority=authority))
    report = judged(target, kind, authority.ca_pem, tsa.authority.root_pem)
    assert {"timeStamp.validated", "timeStamp.trusted"} <= codes(report, "success")


@pytest.mark.parametrize("algorithm", KEYS)
def test_another_implementation_accepts_an_operators_certificate(
    context: MarkContext, tmp_path: Path, algorithm: str
) -> None:
    name, make = KINDS["image/png"]
    key = KEYS[algorithm]()
    chain = Chain(key)
    own = Authority(chain.root, chain.leaf + chain.middle, key)
    target = deliver(make(tmp_path / name), "image/png", replace(context, authority=own))
    assert judged(target, "image/png", chain.root)["validation_state"] == "Trusted"


@pytest.mark.parametrize("kind", KINDS)
def test_another_implementation_finds_the_vendors_manifest_beside_ours(
    context: MarkContext, tmp_path: Path, kind: str
) -> None:
    name, make = KINDS[kind]
    vendor = load_or_create(tmp_path / "vendor")
    target = deliver(by_vendor(make(tmp_path / name), kind, vendor), kind, context)
    report = judged(target, kind, context.authority.ca_pem)
    assert report["validation_state"] == "Trusted"
    assert len(report["manifest_report"]["manifests"]) == 2


def script(path: Path) -> dict[str, Any]:
    """The report of c2pa-ts."""
    command = ["node", str(INTEROP / "verify_c2pa.mjs"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@needs("c2pa-ts")
@pytest.mark.parametrize(
    ("kind", "binding"),
    [("image/png", "dataHash"), ("image/jpeg", "dataHash"), ("video/mp4", "bmffHash")],
)
def test_a_third_implementation_accepts_our_manifest_and_sees_tampering(
    context: MarkContext, tmp_path: Path, kind: str, binding: str
) -> None:
    name, make = KINDS[kind]
    target = deliver(make(tmp_path / name), kind, context)
    report = script(target)
    assert report["valid"], report
    assert f"assertion.{binding}.match" in report["codes"]
    assert "claimSignature.validated" in report["codes"]
    assert "local.governance.record" in report["assertions"]

    content = bytearray(target.read_bytes())
    content[content.index(b"mdat") + 5000 if kind == "video/mp4" else -2000] ^= 1
    target.write_bytes(content)
    report = script(target)
    assert not report["valid"]
    assert f"assertion.{binding}.mismatch" in report["codes"]
