"""Productions over HTTP: who lays them down, who works in them, and what they tell."""

from typing import Any

import pytest

from governance.kernel import clock, ids
from tests.api.site import CANARY, PICTURE, Site, refusal

PRODUCTIONS = "/v1/governance/productions"


def terms(**changes: Any) -> dict[str, Any]:
    body = {
        "name": ids.new_id("p").replace("_", "-"),
        "project": "launch",
        "client": f"Meadow Tea {CANARY}",
        "brief": f"Calm. {CANARY}",
        "style": f"35 mm {CANARY}",
        "territories": ["EU"],
        "first_day": clock.now().date().isoformat(),
        "models": ["local/*"],
    }
    return {**body, **changes}


def create(site: Site, name: str = "producer", **changes: Any) -> dict[str, Any]:
    answer = site[name].post(PRODUCTIONS, json=terms(**changes))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def drafted(site: Site, production: str, **changes: Any) -> dict[str, Any]:
    """A released draft of a production that names neither project nor territories."""
    left = {k: v for k, v in PICTURE["governance"].items() if k not in ("project", "territories")}
    governed = {**left, "production": production, "purpose": "intermediate", **changes}
    answer = site["agent"].post(
        "/v1/governance/generations", json={**PICTURE, "governance": governed}
    )
    assert answer.status_code == 200, answer.text
    return site.wait(answer.json()["id"], "released")


@pytest.fixture(scope="module")
def spring(site: Site) -> dict[str, Any]:
    return create(site, budget={"amount": "50"})


class TestLayingDown:
    def test_a_producer_opens_changes_and_closes_one(self, site: Site) -> None:
        with site.recorded(*["production.changed"] * 3):
            made = create(site)
            path = f"{PRODUCTIONS}/{made['id']}"
            body = terms(name=made["name"], territories=["DE"], replaces=made["version"])
            changed = site["producer"].put(path, json=body).json()
            assert (changed["number"], changed["territories"]) == (2, ["DE"])
            closed = site["producer"].post(f"{path}/close").json()
        assert (closed["state"], closed["number"]) == ("closed", 3)
        shown = site["auditor"].get(path).json()
        assert [one["action"] for one in shown["versions"]] == ["created", "changed", "closed"]
        refusal(site["producer"].post(f"{path}/close"), 409, "production_closed")

    def test_what_is_confidential_is_shown_to_who_works_on_it_and_in_no_list(
        self, site: Site, spring: dict[str, Any]
    ) -> None:
        shown = site["agent"].get(f"{PRODUCTIONS}/{spring['id']}").json()
        assert shown["brief"] == f"Calm. {CANARY}"
        listed = site["agent"].get(PRODUCTIONS)
        assert spring["id"] in {one["id"] for one in listed.json()["data"]}
        assert CANARY not in listed.text
        after = site["agent"].get(PRODUCTIONS, params={"after": spring["id"]}).json()["data"]
        assert spring["id"] not in {one["id"] for one in after}

    def test_an_officer_erases_what_is_confidential(self, site: Site) -> None:
        path = f"{PRODUCTIONS}/{create(site)['id']}"
        events = ("production.changed", "disclosure.erased")
        with site.recorded(*events):
            answer = site["officer"].post(f"{path}/erase", json={"basis": "contract_ended"})
        assert answer.json()["values_erased"] == 3
        shown = site["officer"].get(path)
        assert (shown.json()["state"], shown.json()["brief"]) == ("erased", "")
        assert CANARY not in shown.text

    def test_who_changes_what_was_changed_meanwhile_is_told(self, site: Site) -> None:
        made = create(site)
        body = terms(name=made["name"], replaces="0" * 64)
        answer = site["producer"].put(f"{PRODUCTIONS}/{made['id']}", json=body)
        refusal(answer, 409, "production_changed")

    def test_its_budget_is_kept_with_the_others_and_goes_with_it(self, site: Site) -> None:
        made = create(site, budget={"amount": "50", "currency": "USD"})
        path = f"{PRODUCTIONS}/{made['id']}"
        with site.recorded("production.changed", "budget.changed"):
            body = terms(name=made["name"], replaces=made["version"], budget={"amount": "60"})
            changed = site["producer"].put(path, json=body).json()
        assert changed["budget"] == {"amount": "60", "currency": "USD"}
        with site.recorded("production.changed", "budget.changed"):
            body = terms(name=made["name"], replaces=changed["version"])
            assert site["producer"].put(path, json=body).json()["budget"] is None

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"territories": ["QQ"]}, "territory_unknown"),
            ({"models": ["local/procedural-vidoe"]}, "model_unknown"),
            ({"models": ["*", "local/*"]}, "production_invalid"),
            ({"sector": "advertizing"}, "sector_unknown"),
        ],
    )
    def test_what_would_have_no_effect_is_refused(
        self, site: Site, change: dict[str, Any], code: str
    ) -> None:
        refusal(site["producer"].post(PRODUCTIONS, json=terms(**change)), 400, code)

    def test_a_consent_that_nobody_has_given_is_refused(self, site: Site) -> None:
        answer = site["producer"].post(PRODUCTIONS, json=terms(consents=[ids.new_id("cns")]))
        refusal(answer, 404, "consent_unknown")
        assert create(site, consents=[site.consent()])["number"] == 1

    def test_nobody_else_may(self, site: Site, spring: dict[str, Any]) -> None:
        path = f"{PRODUCTIONS}/{spring['id']}"
        refusal(site["agent"].post(PRODUCTIONS, json=terms()), 403, "access_denied")
        refusal(site["reviewer"].post(f"{path}/close"), 403, "access_denied")
        refusal(site["nobody"].get(path), 403, "access_denied")
        refusal(site["stranger"].get(path), 404, "production_not_found")
        refusal(site["stranger"].get(f"{path}/lineage"), 404, "production_not_found")
        erased = site["producer"].post(f"{path}/erase", json={"basis": "asked"})
        refusal(erased, 403, "access_denied")


class TestWorkingIn:
    def test_a_request_inherits_and_its_record_names_the_version(
        self, site: Site, spring: dict[str, Any]
    ) -> None:
        made = drafted(site, spring["id"])
        told = site["officer"].get(f"/v1/governance/generations/{made['id']}").json()["story"]
        request = told["request"]
        assert (request["project"], request["territories"]) == ("launch", ["EU"])
        assert request["production"] == {"id": spring["id"], "version": spring["version"]}

    def test_a_request_that_goes_beyond_is_refused_with_the_dimension(
        self, site: Site, spring: dict[str, Any]
    ) -> None:
        governed = {**PICTURE["governance"], "production": spring["id"], "territories": ["JP"]}
        answer = site["agent"].post(
            "/v1/governance/preflight", json={**PICTURE, "governance": governed}
        )
        error = refusal(answer, 400, "production_exceeded")
        assert error["param"] == "territories"

    def test_a_model_that_is_not_allowed_is_refused(self, site: Site) -> None:
        made = create(site, models=["google/*"])
        governed = {**PICTURE["governance"], "production": made["id"]}
        answer = site["agent"].post(
            "/v1/governance/preflight", json={**PICTURE, "governance": governed}
        )
        assert refusal(answer, 400, "production_exceeded")["param"] == "model"

    def test_a_closed_one_takes_no_more_requests(self, site: Site) -> None:
        made = create(site)
        site["producer"].post(f"{PRODUCTIONS}/{made['id']}/close")
        governed = {**PICTURE["governance"], "production": made["id"]}
        answer = site["agent"].post(
            "/v1/governance/generations", json={**PICTURE, "governance": governed}
        )
        refusal(answer, 409, "production_closed")


class TestPromoting:
    def test_a_draft_is_made_again_and_both_stand_in_one_lineage(self, site: Site) -> None:
        made = create(site)
        draft = drafted(site, made["id"])
        path = f"/v1/governance/generations/{draft['id']}/promote"
        answer = site["agent"].post(path, json={"model": "local/procedural-image"})
        assert answer.status_code == 200, answer.text
        final = site.wait(answer.json()["id"], "released")
        told = site["officer"].get(f"/v1/governance/generations/{final['id']}").json()["story"]
        assert (told["request"]["purpose"], told["request"]["parent"]) == ("final", draft["id"])
        graph = site["agent"].get(f"{PRODUCTIONS}/{made['id']}/lineage").json()
        assert [node["id"] for node in graph["nodes"]] == [draft["id"], final["id"]]
        assert graph["edges"] == [
            {"parent": draft["id"], "child": final["id"], "relation": "promote"}
        ]
        saved = site["auditor"].get(f"{PRODUCTIONS}/{made['id']}/savings").json()
        assert (saved["drafts"], saved["finals"]) == (1, 1)
        assert saved["unknown"] == 1  # no premium model is allowed here, so nothing is compared

    def test_what_was_not_released_is_not_promoted(self, site: Site) -> None:
        held = site.create(real_person="unknown")
        answer = site["agent"].post(f"/v1/governance/generations/{held['id']}/promote", json={})
        refusal(answer, 409, "not_promotable")

    def test_who_may_not_read_it_does_not_promote_it(
        self, site: Site, picture: dict[str, Any]
    ) -> None:
        path = f"/v1/governance/generations/{picture['id']}/promote"
        refusal(site["nobody"].post(path, json={}), 403, "access_denied")
        refusal(site["stranger"].post(path, json={}), 404, "generation_not_found")
