"""Receipts: what a caller keeps, and what verification says of it years later."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.cli import main
from governance.evidence import bundle, envelope, manifest, receipt
from governance.evidence.errors import EvidenceError
from governance.evidence.record import Record
from governance.evidence.verify import Verdict, verify_files
from tests.evidence.samples import (
    LOG,
    ORIGIN,
    ROOT,
    STRANGER,
    bundle_of,
    grants,
    imported,
    permit,
    told,
)

OTHER = "gen_" + "1" * 32
RECORDS = told(imported())
ASKED, DECIDED = RECORDS[:2]
TRUSTED = manifest.verify(manifest.seal(1, "", ORIGIN, grants(), ROOT) + b"\n", ROOT.keyid)


def kept(*records: Record) -> bytes:
    return b"".join(record.line + b"\n" for record in records)


def verdict(*receipts: bytes, log: list[Record] = RECORDS) -> Verdict:
    return verify_files(bundle_of(log), ROOT.keyid, kept=receipts)


def refused(data: bytes, digest: str = DECIDED.leaf) -> str:
    with pytest.raises(EvidenceError) as caught:
        receipt.verify(data, digest, TRUSTED)
    return caught.value.code


class TestReceipt:
    def test_the_one_that_the_answer_named_is_good(self) -> None:
        decided = receipt.verify(kept(ASKED, DECIDED), receipt.leaf(DECIDED.line), TRUSTED)
        assert (decided.event, decided.body["effect"]) == ("policy.decided", "permit")
        assert receipt.verify(kept(ASKED, DECIDED)[:-1], DECIDED.leaf, TRUSTED).id == decided.id

    def test_another_decision_than_the_one_answered_is_not(self) -> None:
        other = told(imported(), OTHER)
        assert refused(kept(*other[:2])) == "receipt_wrong"
        assert refused(kept(ASKED, other[1])) == "receipt_wrong"

    def test_a_decision_on_another_wording_of_the_request_is_not(self) -> None:
        (event, body), *rest = imported()
        lax = told([(event, {**body, "audience": "internal"}), *rest])
        assert refused(kept(lax[0], DECIDED)) == "receipt_wrong"

    @pytest.mark.parametrize(
        "lines",
        [(), (ASKED,), (DECIDED,), (DECIDED, ASKED), (ASKED, DECIDED, DECIDED), RECORDS[1:3]],
    )
    def test_anything_but_a_request_and_its_decision_is_not(self, lines: tuple[Record]) -> None:
        assert refused(kept(*lines)) in ("receipt_wrong", "json_invalid")

    def test_a_record_that_another_key_signed_is_not(self) -> None:
        payload = envelope.open_line(DECIDED.line, "it").payload
        for signer in (STRANGER, LOG):
            forged = envelope.seal(payload, "application/vnd.in-toto+json", signer)
            assert refused(ASKED.line + b"\n" + forged) == "key_not_granted"

    def test_a_changed_record_is_not(self) -> None:
        value = json.loads(DECIDED.line)
        value["signatures"][0]["sig"] = json.loads(ASKED.line)["signatures"][0]["sig"]
        forged = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
        assert refused(ASKED.line + b"\n" + forged) == "signature_invalid"

    def test_a_huge_file_is_not_read(self) -> None:
        assert refused(b"x" * (receipt.MAX_BYTES + 1)) == "receipt_invalid"

    @given(st.binary(max_size=200))
    def test_nothing_else_than_a_verdict_comes_of_any_bytes(self, data: bytes) -> None:
        assert refused(data)


class TestVerify:
    def test_each_kept_record_is_signed_and_in_the_log(self) -> None:
        good = verdict(kept(ASKED, DECIDED), kept(RECORDS[4]))
        assert good.failure is None
        step = good.steps[-1]
        assert (step.number, step.name) == (12, "receipts")
        assert "3 kept records" in step.result
        assert f"{DECIDED.id} of {DECIDED.occurred_at}: index 1" in step.result

    def test_without_receipts_there_is_no_such_step(self) -> None:
        assert "receipts" not in [step.name for step in verdict().steps]

    def test_a_record_that_was_taken_out_of_the_log_shows(self) -> None:
        forgotten = told(imported(), OTHER)
        bad = verdict(kept(ASKED, DECIDED), kept(*forgotten[:2]))
        assert bad.failure is not None
        assert (bad.failure.code, bad.failed_step) == ("receipt_missing", "receipts")
        assert "lacks a record that the service signed" in bad.failure.message
        assert forgotten[0].id in bad.failure.message

    def test_a_log_that_was_rewritten_shows(self) -> None:
        """The operator's own keys signed both, and the bundle alone verifies."""
        event, decided = imported()[1]
        lenient = permit(decided, policy=decided["policy"])
        lenient["not_assessed"] = ["US"]
        rewritten = told([imported()[0], (event, lenient), *imported()[2:]])
        assert verdict(log=rewritten).failure is None
        bad = verdict(kept(ASKED, DECIDED), log=rewritten)
        assert bad.failure and bad.failure.code == "receipt_missing"

    def test_a_receipt_that_the_service_never_signed_is_no_accusation(self) -> None:
        payload = envelope.open_line(DECIDED.line, "it").payload
        forged = envelope.seal(payload, "application/vnd.in-toto+json", STRANGER)
        bad = verdict(forged)
        assert bad.failure and bad.failure.code == "key_not_granted"


def test_the_command_takes_receipts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, mine, theirs = (tmp_path / name for name in ("b.zip", "mine.jsonl", "theirs.jsonl"))
    file.write_bytes(bundle.pack(bundle_of(RECORDS)))
    mine.write_bytes(kept(ASKED, DECIDED))
    theirs.write_bytes(kept(*told(imported(), OTHER)[:2]))
    verify = ["verify", str(file), "--root", ROOT.keyid, "--receipt", str(mine)]
    assert main(verify) == 0
    assert "✓ 12  receipts" in capsys.readouterr().out
    assert main([*verify, "--receipt", str(theirs)]) == 1
    assert "✗ 12  receipts" in capsys.readouterr().out
    assert main([*verify, "--receipt", str(tmp_path / "none")]) == 1
    assert "none" in capsys.readouterr().err
