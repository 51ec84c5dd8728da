"""The signed result: readable, without business data, verified offline with the root alone."""

import math
from pathlib import Path
from typing import Any

import orjson
import pytest
from freezegun import freeze_time

from governance.detection import statement
from governance.evidence.errors import EvidenceError
from governance.evidence.keys import SeedSigner
from governance.ledger import keyring
from governance.ledger.keyring import Keyring
from tests.detection.samples import RECORD, detection

URL, ORIGIN = "https://governance.example", "test.example/log"


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return keyring.load_or_create(tmp_path_factory.mktemp("keys") / "keys", ORIGIN)


@pytest.fixture
def document(ring: Keyring) -> dict[str, Any]:
    said = statement.statement(detection(), URL, ORIGIN)
    return statement.seal(said, ring.record, ring.chain)


def refused(document: Any, root: str) -> str:
    with pytest.raises(EvidenceError) as refusal:
        statement.verify(orjson.dumps(document), root)
    return str(refusal.value.code)


def test_it_names_content_tool_solution_and_time() -> None:
    with freeze_time("2026-11-22T12:00:00Z"):
        said = statement.statement(detection(), URL, ORIGIN)
    assert said["time"] == "2026-11-22T12:00:00.000000Z"
    assert said["file"]["sha256"] == "a" * 64
    assert said["solution"]["url"] == "https://governance.example/detect"
    assert said["solution"]["log"] == ORIGIN
    assert said["solution"]["build"].startswith("sha256:")
    assert said["verdict"]["basis"] == ["watermark"]
    assert said["releases"][0]["record"] == RECORD
    assert said["releases"][0]["proof"]["index"] == 41
    assert said["candidates"] == [{"record": RECORD, "score": 93}]


def test_it_states_how_likely_the_watermark_errs() -> None:
    told = statement.statement(detection(), URL, ORIGIN)["reliability"]["watermark"]
    assert told["threshold_z"] == "7.5"
    assert float(told["false_positive_bound"]) == pytest.approx(1e5 * math.exp(-28.125), rel=0.05)
    assert statement.bound(0.1, 10) == 1.0


def test_whoever_holds_the_root_fingerprint_verifies_it_without_the_service(
    document: dict[str, Any], ring: Keyring
) -> None:
    assert statement.verify(orjson.dumps(document), ring.root) == document["statement"]
    pretty = orjson.dumps(document, option=orjson.OPT_INDENT_2)
    assert statement.verify(pretty, ring.root) == document["statement"]


def test_a_changed_statement_is_found(document: dict[str, Any], ring: Keyring) -> None:
    document["statement"]["verdict"]["code"] = "nothing"
    assert refused(document, ring.root) == "result_invalid"


def test_a_result_signed_by_anybody_else_is_refused(
    document: dict[str, Any], ring: Keyring
) -> None:
    stranger = SeedSigner.from_seed(b"s" * 32)
    forged = statement.seal(document["statement"], stranger, ring.chain)
    assert refused(forged, ring.root) == "key_not_granted"
    forged["envelope"]["signatures"][0]["keyid"] = ring.record.keyid
    assert refused(forged, ring.root) == "signature_invalid"


def test_the_logs_key_signs_no_results(document: dict[str, Any], ring: Keyring) -> None:
    forged = statement.seal(document["statement"], ring.log, ring.chain)
    assert refused(forged, ring.root) == "key_not_granted"


def test_another_services_result_is_refused(document: dict[str, Any], tmp_path: Path) -> None:
    other = keyring.load_or_create(tmp_path / "keys", ORIGIN)
    assert refused(document, other.root) == "root_mismatch"


@pytest.mark.parametrize("what", [{}, [], {"statement": {}, "envelope": {}, "keys": 1}, "text"])
def test_what_is_no_result_is_refused(what: Any, ring: Keyring) -> None:
    assert refused(what, ring.root) == "result_invalid"
    with pytest.raises(EvidenceError):
        statement.verify(b" " * (statement.MAX_BYTES + 1), ring.root)
