"""Asking, waiting, fetching, withdrawing: what a caller does with a generation."""

import hashlib
from typing import Any

import pytest

from tests.api.site import CANARY, PICTURE, Site, refusal

CREATE = "/v1/governance/generations"
PREFLIGHT = "/v1/governance/preflight"
PERSON_WITHOUT_CONSENT = {"real_person": "yes", "deep_fake": "yes"}
ASKED = ["generation.requested", "policy.decided"]


def said(**changes: Any) -> dict[str, Any]:
    return {**PICTURE, "governance": {**PICTURE["governance"], **changes}}


class TestAsking:
    def test_the_answer_comes_after_the_decision_is_on_record(self, site: Site) -> None:
        answer = site["agent"].post(CREATE, json=PICTURE)
        made = answer.json()
        assert answer.headers["x-governance-generation"] == made["id"]
        assert made["status"] == "queued"
        assert made["prompt"] == PICTURE["prompt"]
        assert made["governance"]["effect"] == "permit"
        assert int(answer.headers["openai-poll-after-ms"]) > 0
        done = site.wait(made["id"], "released")
        assert (done["status"], done["progress"]) == ("completed", 100)
        assert done["prompt"] is None
        assert done["governance"]["marks"]["c2pa"] == "present"
        assert CANARY not in site["officer"].get(f"{CREATE}/{made['id']}").text

    def test_what_policy_denies_is_recorded_with_its_rules(self, site: Site) -> None:
        with site.recorded(*ASKED):
            answer = site["agent"].post(CREATE, json=said(**PERSON_WITHOUT_CONSENT))
        error = refusal(answer, 400, "policy_denied")
        assert error["details"]["rules"] == ["house-consent-missing"]
        assert "consent" in error["message"]
        video = site["agent"].get(f"/v1/videos/{error['details']['generation']}").json()
        assert (video["status"], video["error"]["code"]) == ("failed", "policy_denied")

    def test_a_list_has_the_callers_own_newest_first(self, site: Site) -> None:
        site.enlist("lister", "agent")
        made = [site.create("lister")["id"] for _ in range(3)]
        page = site["lister"].get("/v1/videos", params={"limit": 2}).json()
        assert [video["id"] for video in page["data"]] == [made[2], made[1]]
        assert (page["first_id"], page["last_id"], page["has_more"]) == (made[2], made[1], True)
        rest = site["lister"].get("/v1/videos", params={"after": page["last_id"]}).json()
        assert [video["id"] for video in rest["data"]] == [made[0]]
        assert not rest["has_more"]
        upward = site["lister"].get("/v1/videos", params={"order": "asc", "limit": 1}).json()
        assert upward["data"][0]["id"] == made[0]
        refusal(site["lister"].get("/v1/videos", params={"limit": "x"}), 400, "request_invalid")


class TestIdempotency:
    def test_the_same_key_answers_with_the_same_generation(self, site: Site) -> None:
        key = {"Idempotency-Key": "order-1"}
        made = site["agent"].post(CREATE, json=PICTURE, headers=key).json()
        with site.recorded():
            again = site["agent"].post(CREATE, json=PICTURE, headers=key).json()
        assert again["id"] == made["id"]

    def test_a_key_with_another_request_is_refused(self, site: Site) -> None:
        key = {"Idempotency-Key": "order-2"}
        assert site["agent"].post(CREATE, json=PICTURE, headers=key).status_code == 200
        with site.recorded():
            other = {**PICTURE, "prompt": f"another {CANARY}"}
            refusal(
                site["agent"].post(CREATE, json=other, headers=key), 422, "idempotency_key_reused"
            )

    def test_a_key_belongs_to_its_caller(self, site: Site) -> None:
        key = {"Idempotency-Key": "order-3"}
        made = site["agent"].post(CREATE, json=PICTURE, headers=key).json()
        other = site["service"].post(CREATE, json=PICTURE, headers=key).json()
        assert other["id"] != made["id"]

    def test_a_denied_request_stays_denied(self, site: Site) -> None:
        key = {"Idempotency-Key": "order-4"}
        body = said(**PERSON_WITHOUT_CONSENT)
        first = refusal(site["agent"].post(CREATE, json=body, headers=key), 400, "policy_denied")
        with site.recorded():
            again = refusal(
                site["agent"].post(CREATE, json=body, headers=key), 400, "policy_denied"
            )
        assert again["details"] == first["details"]

    def test_an_empty_key_is_none(self, site: Site) -> None:
        key = {"Idempotency-Key": ""}
        made = site["agent"].post(CREATE, json=PICTURE, headers=key).json()
        again = site["agent"].post(CREATE, json=PICTURE, headers=key).json()
        assert made["id"] != again["id"]

    def test_a_key_has_a_limit(self, site: Site) -> None:
        with site.recorded():
            answer = site["agent"].post(
                CREATE, json=PICTURE, headers={"Idempotency-Key": "k" * 256}
            )
        refusal(answer, 400, "idempotency_key_invalid")


class TestPreflight:
    def test_it_answers_decision_duties_and_quote_and_writes_nothing(self, site: Site) -> None:
        with site.recorded():
            answer = site["agent"].post(PREFLIGHT, json=said(audience="public", deep_fake="yes"))
        told = answer.json()
        assert (told["object"], told["effect"]) == ("preflight", "review")
        assert told["model"] == "local/procedural-image"
        assert told["quote"] == {"amount": "0", "currency": "USD"}
        kinds = {duty["kind"] for duty in told["duties"]}
        assert {"mark.signed_metadata", "label.visible", "review.people"} <= kinds
        assert all(rule["cites"] and rule["because"] for rule in told["rules"])

    def test_what_would_be_denied_is_an_answer_not_an_error(self, site: Site) -> None:
        with site.recorded():
            answer = site["agent"].post(PREFLIGHT, json=said(**PERSON_WITHOUT_CONSENT))
        assert (answer.status_code, answer.json()["effect"]) == (200, "deny")

    def test_it_gives_the_price(self, site: Site) -> None:
        body = {
            **said(),
            "media": "video",
            "model": "self/wan2.2-a14b",
            "size": "128x64",
            "seconds": 4,
        }
        told = site["agent"].post(PREFLIGHT, json=body).json()
        assert told["quote"] == {"amount": "0.20", "currency": "USD"}


class TestFetching:
    def test_the_bytes_are_those_of_the_record(self, site: Site, picture: dict[str, Any]) -> None:
        with site.recorded("asset.delivered"):
            answer = site["agent"].get(f"/v1/videos/{picture['id']}/content")
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["x-content-type-options"] == "nosniff"
        digest = hashlib.sha256(answer.content).hexdigest()
        assert digest == answer.headers["x-content-sha256"] == picture["governance"]["digest"]

    def test_a_part_may_be_asked_for_and_is_recorded_too(
        self, site: Site, picture: dict[str, Any]
    ) -> None:
        path = f"/v1/videos/{picture['id']}/content"
        whole = site["agent"].get(path).content
        with site.recorded("asset.delivered"):
            part = site["agent"].get(path, headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, whole[10:20])
        assert part.headers["content-range"] == f"bytes 10-19/{len(whole)}"

    def test_asking_for_the_head_hands_nothing_over(
        self, site: Site, picture: dict[str, Any]
    ) -> None:
        path = f"/v1/videos/{picture['id']}/content"
        with site.recorded():
            head = site["agent"].head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["x-content-sha256"] == picture["governance"]["digest"]
        assert head.headers["content-length"] == str(len(site["agent"].get(path).content))
        waiting = site.create(real_person="unknown")["id"]
        assert site["agent"].head(f"/v1/videos/{waiting}/content").status_code == 409

    def test_a_preview_that_does_not_exist_is_refused(
        self, site: Site, picture: dict[str, Any]
    ) -> None:
        path = f"/v1/videos/{picture['id']}/content"
        with site.recorded():
            answer = site["agent"].get(path, params={"variant": "thumbnail"})
        refusal(answer, 400, "variant_unknown")

    def test_nothing_leaves_before_its_release(self, site: Site) -> None:
        made = site.create(real_person="unknown")["id"]
        video = site.wait(made, "in_review")
        assert video["status"] == "queued"
        with site.recorded():
            refusal(site["agent"].get(f"/v1/videos/{made}/content"), 409, "not_released")

    def test_a_signature_for_a_download_takes_effect_once(
        self, site: Site, picture: dict[str, Any]
    ) -> None:
        request = site.signed("agent", "GET", f"/v1/videos/{picture['id']}/content")
        assert site["visitor"].send(request).status_code == 200
        with site.recorded():
            refusal(site["visitor"].send(request), 401, "signature_replayed")


class TestWithdrawing:
    def test_one_under_way_is_cancelled(self, site: Site) -> None:
        made = site.create(real_person="unknown")["id"]
        site.wait(made, "in_review")
        with site.recorded("generation.ended"):
            answer = site["agent"].delete(f"/v1/videos/{made}").json()
        assert answer == {"id": made, "object": "video.deleted", "deleted": True}
        video = site["agent"].get(f"/v1/videos/{made}").json()
        assert (video["status"], video["error"]["code"]) == ("failed", "cancelled")

    def test_one_that_has_ended_loses_its_media_and_keeps_its_records(self, site: Site) -> None:
        made = site.released()["id"]
        with site.recorded("asset.deleted"):
            assert site["agent"].delete(f"/v1/videos/{made}").status_code == 200
        refusal(site["agent"].get(f"/v1/videos/{made}"), 404, "generation_deleted")
        refusal(site["agent"].get(f"/v1/videos/{made}/content"), 404, "generation_deleted")
        assert site.service.files(made) == set()
        left = site.service.context.settings.data_dir / "media" / "files" / made
        left.mkdir()  # as after a crash between the record and the removal
        with site.recorded():
            refusal(site["agent"].delete(f"/v1/videos/{made}"), 404, "generation_deleted")
        assert not left.exists()
        records = site["auditor"].get("/v1/governance/records", params={"generation": made})
        assert records.json()["data"][-1]["event"] == "asset.deleted"

    def test_a_recall_is_a_persons_decision(self, site: Site) -> None:
        made = site.released()["id"]
        path = f"{CREATE}/{made}/recall"
        site.employ("robot", ["asset:recall"], "compliance_officer", by="officer")
        with site.recorded("access.denied"):
            refusal(site["robot"].post(path, json={"reason": "x"}), 403, "access_denied")
        with site.recorded():
            refusal(site["officer"].post(path, json={"reason": "No!"}), 400, "request_invalid")
        with site.recorded("asset.recalled"):
            answer = site["officer"].post(path, json={"reason": "consent_withdrawn"})
        assert answer.json()["state"] == "recalled"
        refusal(site["agent"].get(f"/v1/videos/{made}/content"), 409, "not_released")
        refusal(
            site["officer"].post(path, json={"reason": "consent_withdrawn"}), 409, "not_released"
        )


class TestApprovalOfSpend:
    @pytest.fixture
    def dear(self, site: Site) -> str:
        said = {**PICTURE["governance"], "territories": ["JP"]}
        body = {**PICTURE, "governance": said, "media": "video", "size": "496x496"}
        body["model"] = "self/wan2.2-a14b"
        answer = site["agent"].post(CREATE, json={**body, "seconds": 1})
        assert answer.json()["governance"]["state"] == "awaiting_approval"
        assert answer.json()["status"] == "queued"
        made: str = answer.json()["id"]
        return made

    def test_a_person_allows_it_and_the_vendor_is_asked(self, site: Site, dear: str) -> None:
        path = f"{CREATE}/{dear}/approval"
        with site.recorded():
            body = {"decision": "approve", "reason": "no_such_reason"}
            refusal(site["officer"].post(path, json=body), 400, "reason_unknown")
            refusal(site["officer"].post(path, json={}), 400, "request_invalid")
        body = {"decision": "approve", "reason": "spend_justified"}
        assert site["officer"].post(path, json=body).status_code == 200
        site.wait(dear, "released")
        assert site.vendor.posts(dear) == 1
        refusal(site["officer"].post(path, json=body), 409, "not_awaiting_approval")

    def test_a_person_refuses_it_and_nothing_is_spent(self, site: Site, dear: str) -> None:
        body = {"decision": "refuse", "reason": "budget_not_justified"}
        with site.recorded("approval.decided"):
            site["officer"].post(f"{CREATE}/{dear}/approval", json=body)
        video = site["agent"].get(f"/v1/videos/{dear}").json()
        assert (video["status"], video["error"]["code"]) == ("failed", "review_denied")
        assert site.vendor.posts(dear) == 0

    def test_nobody_approves_their_own_request(self, site: Site, dear: str) -> None:
        body = {"decision": "approve", "reason": "spend_justified"}
        with site.recorded("access.denied", "access.denied"):
            for caller in ("agent", "producer"):
                answer = site[caller].post(f"{CREATE}/{dear}/approval", json=body)
                refusal(answer, 403, "access_denied")
