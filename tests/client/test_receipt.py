"""The client keeps a receipt only if it is the one it was answered with and the key is right."""

from pathlib import Path

import pytest

from governance.client.client import GovernanceApiError, GovernanceClient
from governance.evidence import manifest
from governance.evidence.errors import EvidenceError
from tests.client.conftest import Service
from tests.evidence.samples import GENERATION, LOG, ORIGIN, ROOT, STRANGER, grants, imported, told

ASKED, DECIDED = told(imported())[:2]
LINES = ASKED.line + b"\n" + DECIDED.line + b"\n"
RECEIPT = f"/v1/governance/generations/{GENERATION}/receipt"
KEYS = "/v1/governance/keys"


def fetch(service: Service, target: Path, digest: str = DECIDED.leaf) -> Path:
    with GovernanceClient(service.url, auth=service.signer, root=ROOT.keyid) as client:
        return client.receipt(GENERATION, digest, target)


@pytest.fixture
def honest(service: Service) -> Service:
    chain = manifest.seal(1, "", ORIGIN, grants(), ROOT) + b"\n"
    service.answers = {RECEIPT: LINES, KEYS: chain}
    return service


def test_it_keeps_what_it_was_answered_with(honest: Service, tmp_path: Path) -> None:
    assert fetch(honest, tmp_path / "receipt").read_bytes() == LINES


def test_another_receipt_than_that_of_the_answer_is_not_kept(
    honest: Service, tmp_path: Path
) -> None:
    with pytest.raises(EvidenceError, match="answered with"):
        fetch(honest, tmp_path / "receipt", ASKED.leaf)
    assert not (tmp_path / "receipt").exists()


def test_a_key_that_the_pinned_root_does_not_grant_signs_nothing(
    honest: Service, tmp_path: Path
) -> None:
    others = [manifest.Grant("root", STRANGER.public), manifest.Grant("record", STRANGER.public)]
    without = [manifest.Grant("root", ROOT.public), manifest.Grant("log", LOG.public)]
    for code, chain in (
        ("root_mismatch", manifest.seal(1, "", ORIGIN, others, STRANGER)),
        ("key_not_granted", manifest.seal(1, "", ORIGIN, without, ROOT)),
    ):
        honest.answers[KEYS] = chain + b"\n"
        with pytest.raises(EvidenceError) as caught:
            fetch(honest, tmp_path / "receipt")
        assert caught.value.code == code
    assert not (tmp_path / "receipt").exists()


def test_a_refusal_is_told_as_such(honest: Service, tmp_path: Path) -> None:
    honest.failures = [404]
    with pytest.raises(GovernanceApiError) as caught:
        fetch(honest, tmp_path / "receipt")
    assert caught.value.status == 404
