"""Receipts over HTTP: each answer names one, to be fetched, checked and held against the log."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from governance.client.client import GovernanceApiError, GovernanceClient
from governance.client.signer import RequestSigner
from governance.evidence import bundle, manifest, receipt, record
from governance.evidence.errors import EvidenceError
from governance.evidence.verify import verify_files
from tests.api.site import PICTURE, Site, refusal

CREATE = "/v1/governance/generations"


def path(generation: str) -> str:
    return f"{CREATE}/{generation}/receipt"


def trusted(site: Site) -> manifest.Manifest:
    ring = site.service.context.ledger.keyring
    return manifest.verify(ring.chain, ring.root)


def test_the_answer_names_the_receipt_and_the_receipt_holds(site: Site) -> None:
    answer = site["agent"].post(CREATE, json=PICTURE)
    digest = answer.json()["governance"]["receipt"]
    assert answer.headers["governance-receipt"] == digest
    kept = site["agent"].get(path(answer.json()["id"]))
    assert kept.headers["governance-receipt"] == digest
    decided = receipt.verify(kept.content, digest, trusted(site))
    assert decided.stream == answer.json()["id"]
    asked = record.load(kept.content.splitlines()[0])
    keyid = site.signers["agent"].keyid
    assert asked.body["signature"] == {"profile": "gov-agent-v1", "keyid": keyid}
    assert asked.sd


def test_a_request_that_is_repeated_is_answered_with_the_same_receipt(site: Site) -> None:
    headers = {"Idempotency-Key": "receipt-1"}
    one, two = (site["agent"].post(CREATE, json=PICTURE, headers=headers) for _ in range(2))
    assert one.json()["governance"]["receipt"] == two.json()["governance"]["receipt"]


def test_a_preflight_writes_nothing_and_has_none(site: Site) -> None:
    answer = site["agent"].post("/v1/governance/preflight", json=PICTURE)
    assert "receipt" not in answer.text
    assert "governance-receipt" not in answer.headers


def test_whoever_may_not_read_the_generation_gets_no_receipt(
    site: Site, picture: dict[str, Any]
) -> None:
    refusal(site["stranger"].get(path(picture["id"])), 404, "generation_not_found")
    refusal(site["nobody"].get(path(picture["id"])), 403, "access_denied")
    assert site["auditor"].get(path(picture["id"])).status_code == 200


def test_a_kept_receipt_is_held_against_a_later_bundle(site: Site) -> None:
    made = site.released()
    kept = site["agent"].get(path(made["id"])).content
    files = bundle.unpack(site["auditor"].post("/v1/governance/exports", json={}).content)
    verdict = verify_files(files, site.service.context.ledger.keyring.root, kept=[kept])
    assert verdict.failure is None, verdict.failure
    assert verdict.steps[-1].result.startswith("2 kept records are signed and in the log")


class TestClient:
    def client(self, site: Site, root: str = "") -> GovernanceClient:
        auth: RequestSigner = site.signers["agent"]
        return GovernanceClient(site.url, auth=auth, root=root)

    def test_it_fetches_checks_and_keeps_the_receipt(self, site: Site, tmp_path: Path) -> None:
        root = site.service.context.ledger.keyring.root
        with self.client(site, root) as client:
            made = site.create()
            digest = made["governance"]["receipt"]
            kept = client.receipt(made["id"], digest, tmp_path / "receipt.jsonl")
        assert len(kept.read_bytes().splitlines()) == 2

    def test_under_another_root_it_keeps_nothing(self, site: Site, tmp_path: Path) -> None:
        made = site.create()
        for root, code in (("SHA256:" + "A" * 43, "root_mismatch"), ("", "root_missing")):
            with self.client(site, root) as client, pytest.raises(EvidenceError) as caught:
                client.receipt(made["id"], made["governance"]["receipt"], tmp_path / "receipt")
            assert caught.value.code == code
        assert list(tmp_path.iterdir()) == []

    def test_whoever_may_read_records_gets_the_proof_that_it_is_in_the_log(
        self, site: Site, tmp_path: Path
    ) -> None:
        root = site.service.context.ledger.keyring.root
        made = site.released()
        with self.client(site, root) as client:
            digest = site["agent"].get(path(made["id"])).headers["governance-receipt"]
            kept = client.receipt(made["id"], digest, tmp_path / "receipt")
            with pytest.raises(GovernanceApiError) as caught:
                client.check_receipt(kept)
        assert caught.value.code == "access_denied"
        auditor = GovernanceClient(site.url, auth=httpx.Auth(), root=root)
        auditor._http.headers.update(site["auditor"].headers)
        with auditor:
            assert auditor.check_receipt(kept) > 0

    def test_a_denial_has_a_receipt_too(self, site: Site, tmp_path: Path) -> None:
        asked = {**PICTURE["governance"], "real_person": "yes"}
        answer = site["agent"].post(CREATE, json={**PICTURE, "governance": asked})
        told = refusal(answer, 400, "policy_denied")["details"]
        with self.client(site, site.service.context.ledger.keyring.root) as client:
            kept = client.receipt(told["generation"], told["receipt"], tmp_path / "receipt")
        decided = record.load(kept.read_bytes().splitlines()[1])
        assert decided.body["effect"] == "deny"
