"""What our manifest says about the file, and what it keeps to itself."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import c2pa
import pytest

from governance.domain import Asset
from governance.kernel.errors import Unavailable
from governance.marking.context import SOURCE_TYPES, MarkContext
from governance.marking.credentials import manifest
from governance.marking.credentials.authority import Authority
from governance.marking.credentials.manifest import SoftBinding, Work
from governance.marking.credentials.manifest_read import (
    ManifestFacts,
    judge,
    manifest_facts,
    read_manifest,
)
from tests.marking.conftest import KINDS, RECORD, RECORD_URI
from tests.marking.credentials.conftest import Sign
from tests.marking.samples import GENERATED

CHECKPOINT = (
    "governance.local/log\n42\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— governance.local/log Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1g==\n"
)
WATERMARK = SoftBinding("local.governance.watermark.1", "0123456789abcdef", watermark=True)
FINGERPRINT = SoftBinding("local.governance.pdq.1", "QUJD" * 200)
EVERYTHING = Work(
    edits=("Visible label added: AI GENERATED", "Spoken label added"),
    transcoded=True,
    bindings=(WATERMARK, FINGERPRINT),
)


def assertions(path: Path, media_type: str = "image/png") -> dict[str, Any]:
    """Of the active manifest, by label."""
    with path.open("rb") as stream, c2pa.Reader(media_type, stream) as reader:
        active = json.loads(reader.json())
    listed = active["manifests"][active["active_manifest"]]["assertions"]
    return {entry["label"]: entry["data"] for entry in listed}


@pytest.mark.parametrize("kind", KINDS)
def test_everything_that_was_done_is_an_action_in_every_format(
    signed: Sign, authority: Authority, kind: str
) -> None:
    path, mark = signed(kind, EVERYTHING)
    facts = manifest_facts(path, kind, authority.trust)
    assert facts.validation == "Trusted"
    assert facts.actions == (
        "c2pa.created",
        "c2pa.edited",
        "c2pa.edited",
        "c2pa.watermarked.bound",
        "c2pa.transcoded",
    )
    assert facts.soft_bindings == (
        ("local.governance.watermark.1", "0123456789abcdef"),
        ("local.governance.pdq.1", "QUJD" * 200),
    )
    assert dict(mark.facts)["soft_bindings"] == (
        "local.governance.watermark.1, local.governance.pdq.1"
    )


def test_a_file_that_was_only_signed_says_no_more(signed: Sign, authority: Authority) -> None:
    path, mark = signed()
    facts = manifest_facts(path, "image/png", authority.trust)
    assert facts.actions == ("c2pa.created",)
    assert facts.soft_bindings == ()
    assert "soft_bindings" not in dict(mark.facts)


def test_a_fingerprint_alone_is_no_watermark(signed: Sign, authority: Authority) -> None:
    path, _ = signed(work=Work(bindings=(FINGERPRINT,)))
    assert manifest_facts(path, "image/png", authority.trust).actions == ("c2pa.created",)


def test_actions_have_a_time_and_the_first_one_the_source_type(signed: Sign) -> None:
    path, _ = signed(work=EVERYTHING)
    actions = assertions(path)["c2pa.actions.v2"]["actions"]
    assert actions[0]["digitalSourceType"] == SOURCE_TYPES + GENERATED
    assert all(action["when"].endswith("Z") for action in actions)
    assert actions[1]["description"] == "Visible label added: AI GENERATED"


def test_the_record_and_the_state_of_the_log_are_in_an_assertion_of_their_own(
    signed: Sign, context: MarkContext
) -> None:
    path, _ = signed(context=replace(context, checkpoint=CHECKPOINT))
    assert assertions(path)["local.governance.record"] == {
        "record_id": RECORD,
        "record_uri": RECORD_URI,
        "digital_source_type": SOURCE_TYPES + GENERATED,
        "checkpoint": CHECKPOINT,
    }
    facts = dict(read_manifest(path, "image/png", context.authority.trust).facts)
    assert facts["checkpoint"] == (
        "governance.local/log 42 CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    )


def test_without_a_checkpoint_none_is_claimed(signed: Sign, authority: Authority) -> None:
    path, _ = signed()
    assert "checkpoint" not in assertions(path)["local.governance.record"]
    assert "checkpoint" not in dict(read_manifest(path, "image/png", authority.trust).facts)


def test_the_manifest_has_a_name_that_is_told_before_and_found_after(
    signed: Sign, authority: Authority
) -> None:
    path, mark = signed()
    facts = dict(read_manifest(path, "image/png", authority.trust).facts)
    assert facts["manifest"] == dict(mark.facts)["manifest"]
    assert re.fullmatch(r"urn:c2pa:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", facts["manifest"])


def test_what_a_vendors_manifest_claims_stays_visible_as_a_claim(
    make: Callable[[str], Asset], context: MarkContext, vendor: Authority, tmp_path: Path
) -> None:
    png = make("image/png")
    first = tmp_path / "first"
    theirs = SoftBinding("com.example.vendor.watermark", "17", watermark=True)
    manifest.sign(
        png.path, first, png, Work(bindings=(theirs,)), replace(context, authority=vendor)
    )
    target = tmp_path / "target"
    manifest.sign(first, target, replace(png, path=first), Work(bindings=(WATERMARK,)), context)
    facts = dict(read_manifest(target, "image/png", context.authority.trust).facts)
    assert facts["claimed_by_ingredients"] == "com.example.vendor.watermark"
    assert facts["soft_binding_1"] == "local.governance.watermark.1 0123456789abcdef"
    assert (facts["ingredients"], facts["manifests"]) == ("1", "2")


def test_an_expired_signer_is_named_as_such_and_not_as_tampering() -> None:
    read = ManifestFacts(
        validation="Invalid",
        manifest="urn:c2pa:1",
        codes=("claimSignature.outsideValidity", "signingCredential.expired"),
        signer="Vendor",
        generator="",
        time_stamp="none: not in the manifest",
        actions=(),
        ingredients=0,
        soft_bindings=(),
        claimed=(),
        record_id="",
        checkpoint="",
        source_type="",
        manifests=1,
    )
    mark = judge(read)
    assert mark.state == "absent"
    assert "its signer's certificate is not acceptable" in mark.detail


def test_long_texts_of_strangers_are_cut_for_the_record(
    signed: Sign, context: MarkContext, vendor: Authority
) -> None:
    bindings = tuple(SoftBinding(f"com.example.{n}", "v" * 3000) for n in range(20))
    path, _ = signed(work=Work(bindings=bindings), context=replace(context, authority=vendor))
    facts = dict(read_manifest(path, "image/png", context.authority.trust).facts)
    assert max(len(value) for value in facts.values()) <= 200
    assert len(facts) <= 24


def test_a_file_that_cannot_be_signed_is_refused(
    make: Callable[[str], Asset], context: MarkContext, tmp_path: Path
) -> None:
    png = make("image/png")
    broken = tmp_path / "broken"
    broken.write_bytes(b"no picture")
    with pytest.raises(Unavailable) as caught:
        manifest.sign(broken, tmp_path / "target", png, Work(), context)
    assert caught.value.code == "mark_signing_failed"
