"""Accounts of people, and what ends at once when somebody leaves."""

from typing import Any

from governance.client.signer import RequestSigner
from governance.identity import login
from governance.kernel import ids
from tests.api.site import Site, refusal

ADMIN = "/v1/governance"
PEOPLE = f"{ADMIN}/people"


def test_a_person_gets_a_password_that_only_serves_to_choose_another(site: Site) -> None:
    body = {"username": "Pia", "name": "Pia Berg"}
    with site.recorded("agent.changed"):
        made = site["admin"].post(PEOPLE, json=body).json()
    context = site.service.context
    login.change_password(
        context.database,
        context.ledger,
        "pia",
        old=made["one_time_password"],
        new="a very long password",
        absolute=60.0,
    )
    listed = site["admin"].get(PEOPLE).json()["data"]
    (own,) = [person for person in listed if person["id"] == made["id"]]
    assert (own["username"], own["name"], own["state"]) == ("pia", "Pia Berg", "active")
    assert site.principals["stranger"].id not in {item["id"] for item in listed}
    with site.recorded():
        refusal(site["admin"].post(PEOPLE, json=body), 409, "username_taken")
        body = {"username": "no spaces", "name": "X"}
        refusal(site["admin"].post(PEOPLE, json=body), 400, "username_invalid")


def test_a_person_is_erased_from_what_records_disclosed(site: Site) -> None:
    body = {"username": "erwin", "name": "Erwin Gone"}
    made = site["admin"].post(PEOPLE, json=body).json()
    path = f"{PEOPLE}/{made['id']}/erase"
    with site.recorded("disclosure.erased"):
        answer = site["admin"].post(path, json={"basis": "consent_withdrawn"}).json()
    assert answer["values_erased"] == 2  # name and user name
    with site.recorded():
        assert site["admin"].post(path, json={"basis": "again"}).json()["values_erased"] == 0
        refusal(site["admin"].post(path, json={"basis": "No code"}), 400, "request_invalid")
        stranger = f"{PEOPLE}/{site.principals['stranger'].id}/erase"
        answer = site["admin"].post(stranger, json={"basis": "other"})
        refusal(answer, 404, "person_not_found")


def change(site: Site, name: str, action: str, by: str = "admin") -> Any:
    return site[by].post(f"{PEOPLE}/{site.principals[name].id}/{action}")


def test_who_leaves_takes_everything_they_answer_for_along(site: Site) -> None:
    site.hire("leaver", "producer", "reviewer")
    leaver = site.principals["leaver"].id
    site.employ("leavers-key", ["model:list"], "producer", by="leaver")
    signer = RequestSigner(ids.random_bytes(32))
    body = site.registration(signer, "leavers-agent", accountable=leaver)
    site.grant(site["admin"].post(f"{ADMIN}/agents", json=body).json()["id"], "agent")
    agent = site.client(auth=signer)
    for client in (site["leaver"], site["leavers-key"], agent):
        assert client.get("/v1/models").status_code == 200

    with site.recorded("agent.changed"):
        assert change(site, "leaver", "suspend").status_code == 200
    refusal(site["leaver"].get("/v1/models"), 401, "session_expired")
    refusal(site["leavers-key"].get("/v1/models"), 403, "accountable_suspended")
    refusal(agent.get("/v1/models"), 403, "accountable_suspended")

    with site.recorded("agent.changed"):
        change(site, "leaver", "resume")
    assert site["leavers-key"].get("/v1/models").status_code == 200
    assert agent.get("/v1/models").status_code == 200
    refusal(site["leaver"].get("/v1/models"), 401, "session_expired")

    assert change(site, "leaver", "revoke").status_code == 200
    refusal(agent.get("/v1/models"), 403, "accountable_suspended")
    refusal(change(site, "leaver", "resume"), 409, "principal_state")


def test_what_somebody_was_reviewing_when_they_left_waits_for_somebody_else(site: Site) -> None:
    site.hire("quitter", "reviewer")
    generation = site.create(real_person="unknown")["id"]
    review = site.wait(generation, "in_review")["governance"]["review"]
    path = f"{ADMIN}/reviews/{review}"
    assert site["quitter"].post(f"{path}/claim").status_code == 200
    refusal(site["second"].post(f"{path}/claim"), 409, "review_claimed")
    change(site, "quitter", "suspend")
    assert site["reviewer"].get(path).json()["claimed_by"] is None
    assert site["second"].post(f"{path}/claim").status_code == 200


def test_an_organisation_keeps_an_administrator_who_can_sign_in(site: Site) -> None:
    with site.recorded():
        refusal(change(site, "admin", "suspend"), 409, "last_administrator")
        refusal(change(site, "admin", "revoke"), 409, "last_administrator")
    assert site["admin"].get(PEOPLE).status_code == 200

    site.hire("deputy", "administrator")
    assert change(site, "deputy", "suspend").status_code == 200
    own = {"subject": site.principals["admin"].id, "role": "role:administrator"}
    body = {**own, "domain": "org/default"}
    with site.recorded():
        refusal(site["admin"].post(f"{ADMIN}/roles/revoke", json=body), 409, "last_administrator")


def test_a_forgotten_password_is_replaced_by_one_that_only_serves_to_choose_another(
    site: Site,
) -> None:
    site.hire("forgetful", "producer")
    with site.recorded("agent.changed"):
        answer = change(site, "forgetful", "password")
    assert len(answer.json()["one_time_password"]) > 15
    refusal(site["forgetful"].get("/v1/models"), 401, "session_expired")


def test_only_people_of_the_own_organisation_can_be_changed(site: Site) -> None:
    with site.recorded():
        for action in ("suspend", "resume", "revoke", "password"):
            refusal(change(site, "stranger", action), 404, "person_not_found")
        refusal(change(site, "producer", "promote"), 400, "request_invalid")
        refusal(site["admin"].post(f"{PEOPLE}/usr_1/suspend"), 404, "person_not_found")


def test_nobody_takes_the_name_of_a_role(site: Site) -> None:
    for name in ("role:administrator", "role:default.night_desk", "usr_1:x", "*", "org/default"):
        answer = site["admin"].post(PEOPLE, json={"username": name, "name": "X"})
        refusal(answer, 400, "username_invalid")
    for name in ("administrator", "role.administrator"):
        made = site["admin"].post(PEOPLE, json={"username": name, "name": "X"}).json()
        site.admit(name, made["id"])
        assert site[name].get(f"{ADMIN}/whoami").json()["permissions"] == {"org/default": []}
