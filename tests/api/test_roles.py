"""Roles over HTTP: which there are, who holds them, an organisation's own, and one's own rights."""

from typing import Any

import pytest

from tests.api.site import ELSEWHERE, Site, refusal

ADMIN = "/v1/governance"
DOMAIN = "org/default"
QUEUE = {
    "description": "Watches the queue at night",
    "permissions": [
        {"object": "review", "action": "read"},
        {"object": "review", "action": "claim", "condition": "is_person"},
    ],
}


def test_a_role_holds_from_the_next_request_on_until_it_is_taken_back(site: Site) -> None:
    site.hire("novice")
    body = {
        "subject": site.principals["novice"].id,
        "role": "role:producer",
        "domain": f"{DOMAIN}/project/launch",
    }
    refusal(site["novice"].get("/v1/videos"), 403, "access_denied")
    with site.recorded("policy.changed"):
        assert site["admin"].post(f"{ADMIN}/roles", json=body).status_code == 201
    made = site.create("novice")["id"]
    assert [video["id"] for video in site["novice"].get("/v1/videos").json()["data"]] == [made]
    refusal(site["admin"].post(f"{ADMIN}/roles", json=body), 409, "role_already_held")
    assert site["admin"].post(f"{ADMIN}/roles/revoke", json=body).status_code == 200
    refusal(site["admin"].post(f"{ADMIN}/roles/revoke", json=body), 404, "role_not_held")
    with site.recorded("access.denied"):
        refusal(site["novice"].get("/v1/videos"), 403, "access_denied")


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
def test_a_wrong_field_is_refused(site: Site, changes: dict[str, Any], code: str) -> None:
    body = {"subject": site.principals["nobody"].id, "role": "role:auditor", "domain": DOMAIN}
    with site.recorded():
        refusal(site["admin"].post(f"{ADMIN}/roles", json={**body, **changes}), 400, code)


def test_the_last_administrator_stays(site: Site) -> None:
    body = {
        "subject": site.principals["admin"].id,
        "role": "role:administrator",
        "domain": DOMAIN,
    }
    with site.recorded():
        answer = site["admin"].post(f"{ADMIN}/roles/revoke", json=body)
    refusal(answer, 409, "last_administrator")


def test_only_an_administrator_gives_roles(site: Site) -> None:
    body = {"subject": site.principals["producer"].id, "role": "role:auditor", "domain": DOMAIN}
    with site.recorded("access.denied"):
        refusal(site["producer"].post(f"{ADMIN}/roles", json=body), 403, "access_denied")


def test_nobody_gives_roles_to_themselves_or_to_nobody(site: Site) -> None:
    body = {"subject": site.principals["admin"].id, "role": "role:reviewer", "domain": DOMAIN}
    with site.recorded():
        refusal(site["admin"].post(f"{ADMIN}/roles", json=body), 403, "role_own")
        for subject in ("usr_" + "0" * 32, site.principals["stranger"].id):
            answer = site["admin"].post(f"{ADMIN}/roles", json={**body, "subject": subject})
            refusal(answer, 404, "subject_unknown")


def test_the_roles_are_listed_with_what_they_allow(site: Site) -> None:
    listed = {role["id"]: role for role in site["auditor"].get(f"{ADMIN}/roles").json()["data"]}
    allowed = listed["role:reviewer"]["permissions"]
    decide = {"object": "review", "action": "decide", "condition": "is_person", "effect": "allow"}
    assert decide in allowed
    assert listed["role:reviewer"]["custom"] is False


def test_who_holds_a_role_can_be_asked_of_a_subject_and_of_a_domain(site: Site) -> None:
    path = f"{ADMIN}/roles/assignments"
    producer = site.principals["producer"].id
    (own,) = site["auditor"].get(path, params={"subject": producer}).json()["data"]
    assert (own["role"], own["domain"]) == ("role:producer", DOMAIN)
    everybody = site["admin"].get(path).json()["data"]
    assert site.principals["stranger"].id not in {held["subject"] for held in everybody}
    below = site["admin"].get(path, params={"domain": f"{DOMAIN}/project/nowhere"}).json()["data"]
    assert below == []
    refusal(site["admin"].get(path, params={"domain": f"org/{ELSEWHERE}"}), 400, "domain_invalid")
    refusal(site["producer"].get(path), 403, "access_denied")


def test_a_role_of_ones_own_is_made_given_taken_back_and_removed(site: Site) -> None:
    site.hire("owl")
    path, role = f"{ADMIN}/roles/night_desk", "role:default.night_desk"
    with site.recorded("policy.changed"):
        assert site["admin"].put(path, json=QUEUE).json()["id"] == role
    refusal(site["owl"].get(f"{ADMIN}/reviews"), 403, "access_denied")
    body = {"subject": site.principals["owl"].id, "role": role, "domain": DOMAIN}
    assert site["admin"].post(f"{ADMIN}/roles", json=body).status_code == 201
    assert site["owl"].get(f"{ADMIN}/reviews").status_code == 200
    refusal(site["owl"].get(f"{ADMIN}/agents"), 403, "access_denied")
    refusal(site["admin"].delete(path), 409, "role_in_use")
    site["admin"].post(f"{ADMIN}/roles/revoke", json=body)
    with site.recorded("policy.changed"):
        assert site["admin"].delete(path).json()["deleted"] is True
    refusal(site["admin"].delete(path), 404, "role_not_found")


def test_a_role_that_would_allow_too_much_is_refused_and_serving_goes_on(site: Site) -> None:
    loose = {"permissions": [{"object": "review", "action": "decide"}]}
    with site.recorded():
        for name, body, code in (
            ("night_desk", loose, "permissions_invalid"),
            ("administrator", QUEUE, "role_name_invalid"),
            ("usr_0123", QUEUE, "role_name_invalid"),
            ("night_desk", {"permissions": []}, "request_invalid"),
            ("night_desk", {**QUEUE, "effect": "deny"}, "request_invalid"),
        ):
            refusal(site["admin"].put(f"{ADMIN}/roles/{name}", json=body), 400, code)
    assert site["producer"].get("/v1/models").status_code == 200


class TestWhoAmI:
    def test_everybody_sees_their_own_roles_and_rights(self, site: Site) -> None:
        me = site["reviewer"].get(f"{ADMIN}/whoami").json()
        assert me["id"] == site.principals["reviewer"].id
        assert me["roles"] == [{"role": "role:reviewer", "domain": DOMAIN}]
        assert "review:decide" in me["permissions"][DOMAIN]
        assert "generation:create" not in me["permissions"][DOMAIN]

    def test_rights_in_a_project_are_told_apart(self, site: Site) -> None:
        site.hire("helper", "auditor")
        site.grant(site.principals["helper"].id, "producer", project="film")
        told = site["helper"].get(f"{ADMIN}/whoami").json()["permissions"]
        film = told[f"{DOMAIN}/project/film"]
        assert "generation:create" in film
        assert "record:read" in film
        assert "generation:create" not in told[DOMAIN]

    def test_a_key_may_what_its_scopes_its_role_and_its_person_all_allow(self, site: Site) -> None:
        me = site["service"].get(f"{ADMIN}/whoami").json()
        assert (me["object"], me["assurance"]) == ("service", "C")
        assert me["permissions"][DOMAIN] == ["generation:create", "generation:read"]

    def test_who_has_no_role_may_nothing_and_strangers_learn_nothing(self, site: Site) -> None:
        assert site["nobody"].get(f"{ADMIN}/whoami").json()["permissions"] == {DOMAIN: []}
        refusal(site["visitor"].get(f"{ADMIN}/whoami"), 401, "credentials_missing")
