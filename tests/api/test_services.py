"""Programs with API keys: made, listed, revoked."""

from datetime import timedelta
from typing import Any

import pytest

from governance.kernel import clock
from tests.api.site import ELSEWHERE, Site, refusal

SERVICES = "/v1/governance/services"


def service_body(site: Site, **changes: Any) -> dict[str, Any]:
    expires = clock.rfc3339(clock.now() + timedelta(days=1))
    accountable = site.principals["producer"].id
    body = {"name": "render", "accountable": accountable, "scopes": ["generation:create"]}
    return {**body, "expires_at": expires, **changes}


def test_a_key_is_shown_once(site: Site) -> None:
    with site.recorded("agent.changed"):
        answer = site["admin"].post(SERVICES, json=service_body(site))
    made = answer.json()
    assert made["api_key"].startswith(f"gk_{made['id'].removeprefix('svc_')}_")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"scopes": ["everything"]}, "scopes_invalid"),
        ({"scopes": []}, "request_invalid"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expiry_invalid"),
        ({"expires_at": "2030-01-01T00:00:00"}, "request_invalid"),
        ({"expires_at": "9999-12-31T23:59:59-10:00"}, "request_invalid"),
        ({"accountable": "usr_1"}, "accountable_invalid"),
        ({"role": "role:administrator"}, "request_invalid"),
    ],
)
def test_a_wrong_field_is_refused(site: Site, changes: dict[str, Any], code: str) -> None:
    with site.recorded():
        answer = site["admin"].post(SERVICES, json=service_body(site, **changes))
    refusal(answer, 400, code)


def test_services_are_listed_without_their_keys(site: Site) -> None:
    made = site["admin"].post(SERVICES, json=service_body(site, name="listed")).json()
    for name in ("admin", "officer", "auditor"):
        listed = site[name].get(SERVICES).json()["data"]
        (own,) = [service for service in listed if service["id"] == made["id"]]
        assert (own["name"], own["state"]) == ("listed", "active")
        assert own["scopes"] == ["generation:create"]
        assert made["api_key"][-43:] not in str(listed)
    page = site["admin"].get(SERVICES, params={"after": made["id"]}).json()["data"]
    assert made["id"] not in {service["id"] for service in page}
    refusal(site["producer"].get(SERVICES), 403, "access_denied")


def test_a_revoked_key_is_refused_with_the_next_request(site: Site) -> None:
    site.employ("leaving", ["model:list"], "producer")
    (made,) = [s for s in site["admin"].get(SERVICES).json()["data"] if s["name"] == "leaving"]
    assert site["leaving"].get("/v1/models").status_code == 200
    with site.recorded("agent.changed"):
        assert site["admin"].post(f"{SERVICES}/{made['id']}/revoke").status_code == 200
    refusal(site["leaving"].get("/v1/models"), 403, "principal_revoked")
    refusal(site["admin"].post(f"{SERVICES}/{made['id']}/revoke"), 409, "principal_state")


def test_only_services_of_the_own_organisation_can_be_revoked(site: Site) -> None:
    site.hire("governor", "administrator", organisation=ELSEWHERE)
    made = site["admin"].post(SERVICES, json=service_body(site)).json()["id"]
    with site.recorded():
        for name in (made, site.principals["producer"].id, "svc_1"):
            answer = site["governor"].post(f"{SERVICES}/{name}/revoke")
            refusal(answer, 404, "service_not_found")
    assert site["governor"].get(SERVICES).json()["data"] == []
