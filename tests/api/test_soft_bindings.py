"""A C2PA tool that is pointed at this resolver gets back what a stripped copy has lost."""

import base64
import io
import json
from typing import Any

import c2pa
import httpx
import pytest
from PIL import Image

from governance.api.soft_bindings import MAX_IN_ADDRESS, PREFIX
from governance.marking.credentials import native
from governance.marking.registry import by_digest
from tests.api.site import Site, refusal
from tests.api.test_detection import LARGE, stripped

BY_BINDING, BY_CONTENT = f"{PREFIX}/matches/byBinding", f"{PREFIX}/matches/byContent"
WATERMARK, PICTURES = "local.governance.watermark.1", "local.governance.pdq.1"
JPEG = {"Content-Type": "image/jpeg"}


class Delivered:
    """A released picture: its bytes, and how it is registered."""

    def __init__(self, site: Site) -> None:
        made = site["agent"].post("/v1/governance/generations", json=LARGE).json()
        self.id: str = made["id"]
        digest = site.wait(self.id, "released")["governance"]["digest"]
        self.content = site["officer"].get(f"/v1/videos/{self.id}/content").content
        with site.service.context.database.read() as session:
            row = by_digest(session, digest)
        assert row is not None
        assert row.manifest
        assert row.watermark
        assert row.fingerprint
        self.manifest, self.watermark, self.fingerprint = (
            row.manifest,
            row.watermark,
            row.fingerprint,
        )

    @property
    def binding(self) -> dict[str, str]:
        value = base64.b64encode(bytes.fromhex(self.watermark)).decode()
        return {"alg": WATERMARK, "value": value}


@pytest.fixture(scope="module")
def delivered(site: Site) -> Delivered:
    return Delivered(site)


def matched(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"matches"}
    found: list[dict[str, Any]] = answer.json()["matches"]
    assert all(isinstance(one["similarityScore"], int) for one in found)
    return found


class TestRecovery:
    def test_a_stripped_copy_gets_its_credentials_back(
        self, site: Site, delivered: Delivered
    ) -> None:
        tool, copy = site["visitor"], stripped(delivered.content)
        found = matched(tool.post(BY_CONTENT, content=copy, headers=JPEG))
        assert found[0] == {"manifestId": delivered.manifest, "similarityScore": 100}
        answer = tool.get(f"{PREFIX}/manifests/{found[0]['manifestId']}")
        assert answer.headers["content-type"] == "application/c2pa"
        anchors = site.service.context.authority.trust
        with c2pa.Reader(
            "image/jpeg", io.BytesIO(copy), answer.content, context=native.settings(anchors)
        ) as reader:
            store = json.loads(reader.json())
        assert store["active_manifest"] == delivered.manifest
        active = json.dumps(store["manifests"][delivered.manifest])
        assert delivered.id in active
        assert WATERMARK in active

    def test_the_store_is_byte_for_byte_that_of_the_delivered_file(
        self, site: Site, delivered: Delivered
    ) -> None:
        store = site["visitor"].get(f"{PREFIX}/manifests/{delivered.manifest}").content
        assert store in delivered.content

    @pytest.mark.parametrize("spelling", ["bytes", "text", "plain"])
    def test_a_watermark_id_leads_to_the_manifest_however_it_is_spelt(
        self, site: Site, delivered: Delivered, spelling: str
    ) -> None:
        value = {
            "bytes": delivered.binding["value"],
            "text": base64.b64encode(delivered.watermark.encode()).decode(),
            "plain": delivered.watermark,
        }[spelling]
        answer = site["visitor"].get(BY_BINDING, params={"alg": WATERMARK, "value": value})
        assert [one["manifestId"] for one in matched(answer)] == [delivered.manifest]

    def test_a_fingerprint_is_posted_and_leads_to_candidates(
        self, site: Site, delivered: Delivered
    ) -> None:
        value = base64.b64encode(delivered.fingerprint).decode()
        answer = site["visitor"].post(BY_BINDING, json={"alg": PICTURES, "value": value})
        assert delivered.manifest in [one["manifestId"] for one in matched(answer)]

    def test_only_the_binding_that_is_asked_for_counts(
        self, site: Site, delivered: Delivered
    ) -> None:
        copy = stripped(delivered.content)
        by_watermark = site["visitor"].post(
            BY_CONTENT, params={"alg": WATERMARK}, content=copy, headers=JPEG
        )
        assert [one["manifestId"] for one in matched(by_watermark)] == [delivered.manifest]

    def test_a_hint_helps_where_the_content_says_nothing(
        self, site: Site, delivered: Delivered
    ) -> None:
        hint = {"hintAlg": WATERMARK, "hintValue": delivered.binding["value"]}
        answer = site["visitor"].post(BY_CONTENT, params=hint, content=flat(), headers=JPEG)
        assert [one["manifestId"] for one in matched(answer)] == [delivered.manifest]


class TestWithholding:
    def test_what_was_recalled_is_not_given_back_and_that_is_said(self, site: Site) -> None:
        delivered = Delivered(site)
        recall = f"/v1/governance/generations/{delivered.id}/recall"
        answer = site["officer"].post(recall, json={"reason": "quality"})
        assert answer.status_code == 200, answer.text
        assert matched(site["visitor"].get(BY_BINDING, params=delivered.binding)) == []
        answer = site["visitor"].get(f"{PREFIX}/manifests/{delivered.manifest}")
        assert "recalled" in refusal(answer, 404, "manifest_recalled")["message"]

    def test_what_was_deleted_is_not_there_any_more(self, site: Site) -> None:
        delivered = Delivered(site)
        assert site["agent"].delete(f"/v1/videos/{delivered.id}").status_code == 200
        answer = site["visitor"].get(f"{PREFIX}/manifests/{delivered.manifest}")
        refusal(answer, 404, "manifest_not_found")
        assert matched(site["visitor"].get(BY_BINDING, params=delivered.binding)) == []

    def test_unknown_bindings_and_manifests_lead_nowhere(self, site: Site) -> None:
        unknown = {"alg": WATERMARK, "value": "00" * 8}
        assert matched(site["visitor"].get(BY_BINDING, params=unknown)) == []
        refusal(site["visitor"].get(f"{PREFIX}/manifests/urn:c2pa:none"), 404, "manifest_not_found")


class TestForm:
    def test_what_does_not_fit_is_refused(self, site: Site) -> None:
        tool = site["visitor"]
        for value in ("*", "AAAA", "g" * 16):
            params = {"alg": WATERMARK, "value": value}
            refusal(tool.get(BY_BINDING, params=params), 400, "binding_invalid")
        for alg in ("com.example.other", ""):
            params = {"alg": alg, "value": "AAAA"}
            refusal(tool.get(BY_BINDING, params=params), 400, "algorithm_unknown")
        refusal(
            tool.post(BY_BINDING, json={"alg": PICTURES, "value": "AAAA"}),
            400,
            "fingerprint_invalid",
        )
        long = {"alg": PICTURES, "value": "A" * (MAX_IN_ADDRESS + 1)}
        refusal(tool.get(BY_BINDING, params=long), 414, "binding_too_long")
        refusal(tool.get(BY_BINDING), 400, "request_invalid")

    def test_only_media_are_looked_at(self, site: Site) -> None:
        headers = {"Content-Type": "application/pdf"}
        answer = site["visitor"].post(BY_CONTENT, content=b"%PDF", headers=headers)
        refusal(answer, 415, "media_unsupported")
        answer = site["visitor"].post(
            BY_CONTENT, params={"alg": "com.example.other"}, content=b"x", headers=JPEG
        )
        refusal(answer, 400, "algorithm_unknown")

    def test_no_more_are_named_than_are_asked_for(self, site: Site, delivered: Delivered) -> None:
        value = base64.b64encode(delivered.fingerprint).decode()
        query = {"alg": PICTURES, "value": value}
        answer = site["visitor"].post(BY_BINDING, params={"maxResults": 1}, json=query)
        assert len(matched(answer)) == 1
        answer = site["visitor"].post(BY_BINDING, params={"maxResults": 0}, json=query)
        refusal(answer, 400, "request_invalid")


def test_a_tool_that_knows_only_the_site_finds_everything(site: Site) -> None:
    tool = site["visitor"]
    known = tool.get("/.well-known/c2pa-soft-binding-resolution").json()
    assert known["apiEndpoint"] == f"{site.url}{PREFIX}"
    assert known["c2paSpecificationVersion"] == "2.4.0"
    algorithms = tool.get(f"{known['apiEndpoint']}/services/supportedAlgorithms").json()
    assert algorithms["watermarks"] == [{"alg": WATERMARK}]
    assert {"alg": PICTURES} in algorithms["fingerprints"]
    capabilities = tool.get(known["capabilitiesEndpoint"]).json()
    assert capabilities["supportedCapabilities"] == ["queryByContent"]
    assert tool.get(known["statusEndpoint"]).json()["status"] == "ok"


def flat() -> bytes:
    """A picture in which nothing is to be found."""
    content = io.BytesIO()
    Image.new("RGB", (320, 192), (90, 90, 90)).save(content, "JPEG")
    return content.getvalue()
