"""Who may call: one credential, whose holder is active and has a role that allows it."""

import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from sqlmodel import col, select

from governance.client import signer as signing
from governance.client.client import ApiKey
from governance.identity.tables import PersonSession
from governance.kernel import clock
from tests.api.site import CANARY, PICTURE, Site, refusal

CREATE = "/v1/governance/generations"


def test_without_a_credential_nothing_is_answered_or_recorded(site: Site) -> None:
    with site.recorded():
        answer = site["visitor"].post(CREATE, json=PICTURE)
        refusal(site["visitor"].get("/v1/models"), 401, "credentials_missing")
    error = refusal(answer, 401, "credentials_missing")
    assert error["type"] == "authentication_error"
    assert answer.headers["x-server-time"].endswith("Z")
    assert answer.headers["www-authenticate"] == 'Bearer, DPoP algs="Ed25519 EdDSA ES256"'


class TestSignatures:
    def test_another_body_than_the_signed_one_is_refused(self, site: Site) -> None:
        request = site.signed("agent", "POST", CREATE, json=PICTURE)
        other = request.content.replace(b"launch", b"lounge")
        forged = httpx.Request("POST", request.url, headers=request.headers, content=other)
        with site.recorded():
            refusal(site["visitor"].send(forged), 401, "signature_digest")

    def test_another_path_or_header_than_the_signed_one_is_refused(self, site: Site) -> None:
        request = site.signed("agent", "GET", "/v1/videos?limit=1")
        elsewhere = f"{site.url}/v1/videos?limit=2"
        answer = site["visitor"].get(elsewhere, headers=request.headers)
        refusal(answer, 401, "signature_invalid")
        request = site.signed("agent", "POST", CREATE, json=PICTURE)
        request.headers["Idempotency-Key"] = "added later"
        with site.recorded():
            refusal(site["visitor"].send(request), 401, "signature_coverage")

    def test_an_expired_signature_is_refused_with_our_time(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        late = SimpleNamespace(time=lambda: time.time() - 120)
        monkeypatch.setattr(signing, "time", late)
        request = site.signed("agent", "POST", CREATE, json=PICTURE)
        with site.recorded():
            error = refusal(site["visitor"].send(request), 401, "signature_expired")
        assert error["details"]["server_time"]

    @pytest.mark.parametrize(
        "path", ["/v1/videos", CREATE, "/v1/governance/preflight", "/v1/videos?limit=1"]
    )
    def test_a_signature_takes_effect_once(self, site: Site, path: str) -> None:
        method, body = ("GET", {}) if "?" in path else ("POST", {"json": PICTURE})
        if path == "/v1/videos":
            body = {"json": {**PICTURE, "model": "local/procedural-video", "seconds": 1}}
        request = site.signed("agent", method, path, **body)
        assert site["visitor"].send(request).status_code == 200
        with site.recorded():
            refusal(site["visitor"].send(request), 401, "signature_replayed")

    def test_a_key_that_nobody_registered_is_unknown(self, site: Site) -> None:
        stranger = signing.RequestSigner(b"\7" * 32)
        with site.recorded():
            refusal(
                site.client(auth=stranger).post(CREATE, json=PICTURE), 401, "signature_key_unknown"
            )


class TestApiKeys:
    def test_a_key_may_be_used_within_its_scopes(self, site: Site) -> None:
        made = site.create("service")
        assert site["service"].get(f"/v1/videos/{made['id']}").status_code == 200

    def test_what_its_scopes_do_not_name_is_refused_and_recorded(self, site: Site) -> None:
        with site.recorded("access.denied"):
            answer = site["service"].get("/v1/videos")
        assert refusal(answer, 403, "access_denied")["details"]["reason"]

    def test_a_scope_is_no_role(self, site: Site) -> None:
        site.employ("greedy", ["generation:create", "agent:manage"], "agent")
        with site.recorded("access.denied"):
            answer = site["greedy"].post(f"/v1/governance/agents/{'x' * 36}/suspend")
        refusal(answer, 403, "access_denied")

    @pytest.mark.parametrize("key", ["gk_", "gk_" + "0" * 32 + "_" + "A" * 43, "sk-123", CANARY])
    def test_a_key_that_was_never_made_is_refused(self, site: Site, key: str) -> None:
        with site.recorded():
            refusal(
                site.client(auth=ApiKey(key)).post(CREATE, json=PICTURE), 401, "api_key_invalid"
            )

    def test_two_credentials_are_one_too_many(self, site: Site) -> None:
        request = site.signed("agent", "POST", CREATE, json=PICTURE)
        request.headers["Authorization"] = f"Bearer {site.keys['service']}"
        with site.recorded():
            refusal(site["visitor"].send(request), 401, "credentials_ambiguous")


class TestRoles:
    def test_without_a_role_the_request_is_refused_and_recorded(self, site: Site) -> None:
        with site.recorded("access.denied"):
            answer = site["intern"].post(CREATE, json=PICTURE)
        error = refusal(answer, 403, "access_denied")
        assert error["type"] == "permission_error"
        assert site.principals["intern"].id in error["message"]
        with site.recorded("access.denied"):
            refusal(site["nobody"].get("/v1/models"), 403, "access_denied")

    def test_an_auditor_reads_and_changes_nothing(
        self, site: Site, picture: dict[str, Any]
    ) -> None:
        path = f"/v1/videos/{picture['id']}"
        assert site["auditor"].get(path).status_code == 200
        with site.recorded("access.denied", "access.denied", "access.denied"):
            refusal(site["auditor"].post(CREATE, json=PICTURE), 403, "access_denied")
            refusal(site["auditor"].delete(path), 403, "access_denied")
            refusal(site["auditor"].get(f"{path}/content"), 403, "access_denied")

    def test_another_organisations_generations_do_not_exist(
        self, site: Site, picture: dict[str, Any]
    ) -> None:
        generation = picture["id"]
        with site.recorded():
            for path in (
                f"/v1/videos/{generation}",
                f"/v1/videos/{generation}/content",
                f"/v1/governance/generations/{generation}",
                f"/v1/governance/records?generation={generation}",
                f"/v1/governance/decisions?generation={generation}",
                "/v1/videos/gen_00000000000000000000000000000000",
                "/v1/videos/..%2Fmodels",
            ):
                answer = site["stranger"].get(path)
                assert refusal(answer, 404, answer.json()["error"]["code"])["code"] in (
                    "generation_not_found",
                    "not_found",
                ), path
            refusal(
                site["stranger"].delete(f"/v1/videos/{generation}"), 404, "generation_not_found"
            )
        assert site["stranger"].get("/v1/videos").json()["data"] == []

    def test_a_project_that_cannot_be_is_refused_before_the_refusal_is_recorded(
        self, site: Site
    ) -> None:
        with site.recorded():
            answer = site["nobody"].get("/v1/governance/reviews", params={"project": "No Such!"})
            refusal(answer, 400, "request_invalid")
            body = {"project": "../x"}
            answer = site["nobody"].post("/v1/governance/exports", json=body)
            refusal(answer, 400, "request_invalid")


class TestSessions:
    def test_a_form_of_another_site_cannot_use_the_cookie(self, site: Site) -> None:
        cookie = {"Cookie": site["producer"].headers["Cookie"]}
        for headers in ({}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            with site.recorded():
                answer = site["visitor"].post(CREATE, json=PICTURE, headers={**cookie, **headers})
            refusal(answer, 403, "cross_site_request")
        assert site["visitor"].get("/v1/models", headers=cookie).status_code == 200

    def test_a_session_that_is_in_use_stays_alive(self, site: Site) -> None:
        site.hire("busy", "producer")
        person = site.principals["busy"].id
        almost_idle = clock.now() - timedelta(
            seconds=site.service.context.settings.session_idle - 5
        )
        of_theirs = col(PersonSession.person) == person
        site.service.context.database.write(
            lambda c: c.execute(update(PersonSession).where(of_theirs).values(seen_at=almost_idle))
        )
        assert site["busy"].get("/v1/models").status_code == 200
        with site.service.context.database.read() as session:
            (live,) = session.exec(select(PersonSession).where(of_theirs))
        assert live.seen_at > clock.now() - timedelta(seconds=30)

    def test_a_cookie_that_was_never_given_is_refused(self, site: Site) -> None:
        name = site["producer"].headers["Cookie"].split("=")[0]
        answer = site["visitor"].get("/v1/models", headers={"Cookie": f"{name}=x"})
        refusal(answer, 401, "session_expired")


def test_a_suspended_agent_is_refused_from_its_next_request_on(site: Site) -> None:
    site.enlist("rogue", "agent")
    assert site["rogue"].get("/v1/models").status_code == 200
    change = f"/v1/governance/agents/{site.principals['rogue'].id}"
    with site.recorded("agent.changed"):
        assert site["admin"].post(f"{change}/suspend").status_code == 200
    with site.recorded("access.denied"):
        answer = site["rogue"].post(CREATE, json=PICTURE)
    refusal(answer, 403, "principal_suspended")
    assert site["admin"].post(f"{change}/resume").status_code == 200
    assert site["rogue"].get("/v1/models").status_code == 200
    assert site["admin"].post(f"{change}/revoke").status_code == 200
    refusal(site["rogue"].get("/v1/models"), 403, "principal_revoked")
    refusal(site["admin"].post(f"{change}/resume"), 409, "principal_state")
