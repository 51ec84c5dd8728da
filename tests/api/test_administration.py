"""Agents, services, people and roles over HTTP."""

from datetime import timedelta
from typing import Any

import pytest

from governance.client.signer import RequestSigner
from governance.identity import login
from governance.kernel import clock, ids
from tests.api.site import ELSEWHERE, Site, refusal

ADMIN = "/v1/governance"
DOMAIN = "org/default"


def service_body(site: Site, **changes: Any) -> dict[str, Any]:
    expires = clock.rfc3339(clock.now() + timedelta(days=1))
    accountable = site.principals["producer"].id
    body = {"name": "render", "accountable": accountable, "scopes": ["generation:create"]}
    return {**body, "expires_at": expires, **changes}


class TestAgents:
    def test_a_registered_agent_is_listed_without_secrets(self, site: Site) -> None:
        found = site["auditor"].get(f"{ADMIN}/agents").json()["data"]
        own = next(item for item in found if item["id"] == site.principals["agent"].id)
        assert own["keyid"] == site.signers["agent"].keyid
        assert own["accountable"] == site.principals["producer"].id
        assert own["state"] == "active"
        page = site["auditor"].get(f"{ADMIN}/agents", params={"after": own["id"]}).json()
        assert own["id"] not in {item["id"] for item in page["data"]}

    def test_a_key_is_registered_once_and_with_proof(self, site: Site) -> None:
        signer = RequestSigner(ids.random_bytes(32))
        body = site.registration(signer)
        other = site.registration(RequestSigner(ids.random_bytes(32)))
        path = f"{ADMIN}/agents"
        stranger = site.principals["stranger"].id
        with site.recorded():
            for changes, code in (
                ({"proof": other["proof"]}, "agent_proof_invalid"),
                ({"accountable": stranger}, "agent_proof_invalid"),
                ({"public_key": "?" * 44}, "base64_invalid"),
                ({"public_key": "A" * 43 + "="}, "agent_key_invalid"),
                ({"public_key": "short"}, "request_invalid"),
                ({"name": ""}, "request_invalid"),
                ({"name": "zero \0"}, "request_invalid"),
                ({"admin": True}, "request_invalid"),
                ({"expires_at": "2027-01-01T00:00:00"}, "request_invalid"),
            ):
                refusal(site["admin"].post(path, json={**body, **changes}), 400, code)
        with site.recorded("agent.changed"):
            assert site["admin"].post(path, json=body).status_code == 201
        with site.recorded():
            refusal(site["admin"].post(path, json=body), 409, "agent_key_registered")

    def test_only_agents_of_the_own_organisation_can_be_changed(self, site: Site) -> None:
        site.hire("mayor", "administrator", organisation=ELSEWHERE)
        agent = site.principals["agent"].id
        with site.recorded():
            for name in (agent, site.principals["producer"].id, "agt_1"):
                path = f"{ADMIN}/agents/{name}/suspend"
                refusal(site["mayor"].post(path), 404, "agent_not_found")
            path = f"{ADMIN}/agents/{agent}/delete"
            refusal(site["admin"].post(path), 400, "request_invalid")
        with site.recorded("access.denied"):
            refusal(site["producer"].post(f"{ADMIN}/agents/{agent}/suspend"), 403, "access_denied")


class TestServices:
    def test_a_key_is_shown_once(self, site: Site) -> None:
        with site.recorded("agent.changed"):
            answer = site["admin"].post(f"{ADMIN}/services", json=service_body(site))
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
    def test_a_wrong_field_is_refused(self, site: Site, changes: dict[str, Any], code: str) -> None:
        with site.recorded():
            answer = site["admin"].post(f"{ADMIN}/services", json=service_body(site, **changes))
        refusal(answer, 400, code)


class TestPeople:
    def test_a_person_gets_a_password_that_only_serves_to_choose_another(self, site: Site) -> None:
        body = {"username": "Pia", "name": "Pia Berg"}
        with site.recorded("agent.changed"):
            made = site["admin"].post(f"{ADMIN}/people", json=body).json()
        context = site.service.context
        login.change_password(
            context.database,
            context.ledger,
            "pia",
            old=made["one_time_password"],
            new="a very long password",
        )
        listed = site["admin"].get(f"{ADMIN}/people").json()["data"]
        assert {
            "id": made["id"],
            "object": "person",
            "name": "Pia Berg",
            "state": "active",
        } in listed
        assert site.principals["stranger"].id not in {item["id"] for item in listed}
        with site.recorded():
            refusal(site["admin"].post(f"{ADMIN}/people", json=body), 409, "username_taken")
            body = {"username": "no spaces", "name": "X"}
            refusal(site["admin"].post(f"{ADMIN}/people", json=body), 400, "username_invalid")

    def test_a_person_is_erased_from_what_records_disclosed(self, site: Site) -> None:
        body = {"username": "erwin", "name": "Erwin Gone"}
        made = site["admin"].post(f"{ADMIN}/people", json=body).json()
        path = f"{ADMIN}/people/{made['id']}/erase"
        with site.recorded("disclosure.erased"):
            answer = site["admin"].post(path, json={"basis": "consent_withdrawn"}).json()
        assert answer["values_erased"] == 2  # name and user name
        with site.recorded():
            assert site["admin"].post(path, json={"basis": "again"}).json()["values_erased"] == 0
            refusal(site["admin"].post(path, json={"basis": "No code"}), 400, "request_invalid")
            stranger = f"{ADMIN}/people/{site.principals['stranger'].id}/erase"
            answer = site["admin"].post(stranger, json={"basis": "other"})
            refusal(answer, 404, "person_not_found")


class TestRoles:
    def test_a_role_holds_from_the_next_request_on_until_it_is_taken_back(self, site: Site) -> None:
        site.hire("novice")
        body = {
            "subject": site.principals["novice"].id,
            "role": "role:producer",
            "domain": f"{DOMAIN}/project/launch",
        }
        refusal(site["novice"].get("/v1/videos"), 403, "access_denied")
        with site.recorded("policy.changed"):
            assert site["admin"].post(f"{ADMIN}/roles", json=body).status_code == 201
        assert site.create("novice")["id"]
        with site.recorded("access.denied"):
            refusal(site["novice"].get("/v1/videos"), 403, "access_denied")
        refusal(site["admin"].post(f"{ADMIN}/roles", json=body), 409, "role_already_held")
        assert site["admin"].post(f"{ADMIN}/roles/revoke", json=body).status_code == 200
        refusal(site["admin"].post(f"{ADMIN}/roles/revoke", json=body), 404, "role_not_held")

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"role": "role:king"}, "role_unknown"),
            ({"subject": "everybody"}, "subject_invalid"),
            ({"domain": f"org/{ELSEWHERE}"}, "domain_invalid"),
            ({"domain": "org/default2"}, "domain_invalid"),
            ({"domain": f"{DOMAIN}/project/../x"}, "domain_invalid"),
            ({"until": "2030-01-01"}, "request_invalid"),
        ],
    )
    def test_a_wrong_field_is_refused(self, site: Site, changes: dict[str, Any], code: str) -> None:
        body = {"subject": site.principals["nobody"].id, "role": "role:auditor", "domain": DOMAIN}
        with site.recorded():
            refusal(site["admin"].post(f"{ADMIN}/roles", json={**body, **changes}), 400, code)

    def test_the_last_administrator_stays(self, site: Site) -> None:
        body = {
            "subject": site.principals["admin"].id,
            "role": "role:administrator",
            "domain": DOMAIN,
        }
        with site.recorded():
            answer = site["admin"].post(f"{ADMIN}/roles/revoke", json=body)
        refusal(answer, 409, "last_administrator")

    def test_only_an_administrator_gives_roles(self, site: Site) -> None:
        body = {"subject": site.principals["producer"].id, "role": "role:auditor", "domain": DOMAIN}
        with site.recorded("access.denied"):
            refusal(site["producer"].post(f"{ADMIN}/roles", json=body), 403, "access_denied")
