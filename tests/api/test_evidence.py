"""What an auditor takes away verifies without us."""

import json
import time
from base64 import b64decode
from datetime import timedelta
from pathlib import Path
from typing import Any

from governance.evidence import bundle, checkpoint, disclosure, envelope, manifest, merkle, record
from governance.evidence.verify import verify_file
from governance.kernel import clock
from governance.ledger import read_stream
from governance.policy import as_body
from governance.policy.decisions import replay
from tests.api.site import CANARY, Site, refusal

LOG = "/v1/governance"


def trusted(site: Site) -> manifest.Manifest:
    """The key manifest as served, under the root that an auditor has from elsewhere."""
    root = site.service.context.ledger.keyring.root
    return manifest.verify(site["auditor"].get(f"{LOG}/keys").content, root)


def head(site: Site, note: str) -> checkpoint.Checkpoint:
    """A checkpoint whose signature holds."""
    keys = trusted(site)
    size = checkpoint.parse(note.encode()).size
    return checkpoint.verify(note.encode(), keys.origin, keys.log_key(size))


def records(site: Site, generation: str) -> list[dict[str, Any]]:
    answer = site["auditor"].get(f"{LOG}/records", params={"generation": generation})
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def proof(site: Site, identifier: str) -> dict[str, Any]:
    """The inclusion proof of a record, as soon as it has been published."""
    deadline = time.monotonic() + 10
    while (answer := site["auditor"].get(f"{LOG}/records/{identifier}/proof")).is_error:
        refusal(answer, 404, "not_integrated")
        assert time.monotonic() < deadline
        time.sleep(0.05)
    found: dict[str, Any] = answer.json()
    return found


def test_every_record_of_a_generation_is_signed_and_in_the_log(
    site: Site, picture: dict[str, Any]
) -> None:
    keys = trusted(site)
    found = records(site, picture["id"])
    assert [item["seq"] for item in found] == list(range(len(found)))
    assert found[0]["event"] == "generation.requested"
    for item in found:
        line = item["envelope"].encode()
        proven = proof(site, item["id"])
        opened = envelope.open_line(line, "record")
        opened.verify(keys.key("record", opened.keyid, proven["index"], "record"), "record")
        read = record.read(line, opened, "record")
        assert (read.id, read.event, read.leaf) == (item["id"], item["event"], item["leaf"])
        assert CANARY not in line.decode()
        assert CANARY.encode() not in opened.payload
        known = head(site, proven["checkpoint"])
        path = [b64decode(step) for step in proven["path"]]
        leaf = merkle.leaf_hash(line)
        merkle.verify_inclusion(proven["index"], known.size, leaf, path, known.root)
        alone = site["auditor"].get(f"{LOG}/records/{item['id']}")
        assert alone.content == line


def test_the_log_of_today_continues_the_log_of_before(site: Site) -> None:
    before = head(site, site["auditor"].get(f"{LOG}/checkpoint").text)
    made = site.released()["id"]
    proof(site, records(site, made)[-1]["id"])
    answer = site["auditor"].get(f"{LOG}/checkpoint/consistency", params={"old": before.size})
    told = answer.json()
    after = head(site, told["checkpoint"])
    assert before.size < after.size == told["new"]
    path = [b64decode(step) for step in told["path"]]
    merkle.verify_consistency(before.size, after.size, before.root, after.root, path)
    for old, code in ((10**9, "size_unknown"), (0, "request_invalid"), ("x", "request_invalid")):
        answer = site["auditor"].get(f"{LOG}/checkpoint/consistency", params={"old": old})
        refusal(answer, 400, code)


def test_a_decision_can_be_taken_again_with_the_stored_policy(
    site: Site, picture: dict[str, Any]
) -> None:
    answer = site["auditor"].get(f"{LOG}/decisions", params={"generation": picture["id"]})
    decided = answer.json()["data"]
    assert [item["stage"] for item in decided] == ["request", "output"]
    files = bundle.unpack(site["auditor"].post(f"{LOG}/exports", json={}).content)
    for item in decided:
        document = files[f"policy/{item['policy']}.json"]
        again = as_body(replay(document, item["input"]))
        for name in ("effect", "policy", "rules", "duties", "not_assessed"):
            assert again[name] == item[name]
    assert decided[0]["authorization"]["roles"] == ["role:agent", "role:producer"]


def test_an_export_verifies_and_opens_personal_data_only_to_whom_may_see_it(
    site: Site, picture: dict[str, Any], tmp_path: Path
) -> None:
    proof(site, records(site, picture["id"])[-1]["id"])
    root = site.service.context.ledger.keyring.root
    with site.recorded("export.made"):
        answer = site["auditor"].post(f"{LOG}/exports", json={"project": "launch"})
    assert answer.headers["content-type"] == "application/zip"
    closed = tmp_path / "closed.zip"
    closed.write_bytes(answer.content)
    assert verify_file(closed, root).failure is None
    assert bundle.unpack(answer.content)["disclosures.jsonl"] == b""
    with site.recorded("access.denied"):
        answer = site["auditor"].post(f"{LOG}/exports", json={"disclose": True})
    refusal(answer, 403, "access_denied")
    opened = tmp_path / "opened.zip"
    opened.write_bytes(site["officer"].post(f"{LOG}/exports", json={"disclose": True}).content)
    assert verify_file(opened, root).failure is None
    lines = bundle.unpack(opened.read_bytes())["disclosures.jsonl"].splitlines()
    values = [disclosure.parse(json.loads(line)["disclosure"]).value for line in lines]
    assert any(isinstance(value, str) and CANARY in value for value in values)


def test_another_organisation_gets_none_of_it(site: Site, picture: dict[str, Any]) -> None:
    own = records(site, picture["id"])[0]["id"]
    for path in (own, f"{own}/proof"):
        answer = site["stranger"].get(f"{LOG}/records/{path}")
        assert picture["id"] not in refusal(answer, 404, "record_not_found")["message"]
    answer = site["stranger"].post(f"{LOG}/exports", json={})
    assert picture["id"].encode() not in b"".join(bundle.unpack(answer.content).values())
    refusal(site["stranger"].post(f"{LOG}/exports", json={"disclose": True}), 403, "access_denied")


def test_records_of_the_service_itself_are_not_read_one_by_one(site: Site) -> None:
    with site.service.context.database.read() as session:
        known = read_stream(session, "service")[0]
    for name in (known.id, "rec_1"):
        refusal(site["auditor"].get(f"{LOG}/records/{name}"), 404, "record_not_found")


class TestReports:
    def test_a_report_verifies_with_its_evidence(
        self, site: Site, picture: dict[str, Any], tmp_path: Path
    ) -> None:
        proof(site, records(site, picture["id"])[-1]["id"])
        now = clock.now()
        period = {
            "from": clock.rfc3339(now - timedelta(days=1)),
            "to": clock.rfc3339(now + timedelta(days=1)),
        }
        with site.recorded("report.issued"):
            answer = site["officer"].post(f"{LOG}/reports", json=period, timeout=60)
        assert answer.headers["content-type"] == "application/pdf"
        report = tmp_path / "report.pdf"
        report.write_bytes(answer.content)
        verdict = verify_file(report, site.service.context.ledger.keyring.root)
        assert verdict.failure is None
        assert [step.name for step in verdict.steps][-1] == "figures"

    def test_a_period_must_be_one(self, site: Site) -> None:
        start, end = "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"
        for body, code in (
            ({"from": end, "to": start}, "period_invalid"),
            ({"from": start, "to": "2026-12-01T00:00:00"}, "request_invalid"),
            ({"from": start}, "request_invalid"),
            ({"from": start, "to": end, "project": "No Such"}, "request_invalid"),
            ({"from": start, "to": end, "format": "docx"}, "request_invalid"),
        ):
            with site.recorded():
                refusal(site["officer"].post(f"{LOG}/reports", json=body), 400, code)
