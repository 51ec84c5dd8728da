"""Productions over HTTP: who lays them down, who works in them, and what they tell."""

from typing import Any

import httpx
import pytest

from governance.identity import step_up
from governance.kernel import clock, ids
from tests.api.site import CANARY, PICTURE, Site, refusal

PRODUCTIONS = "/v1/governance/productions"
BUDGETS = "/v1/governance/budgets"


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


def changed_by(client: httpx.Client, made: dict[str, Any], **changes: Any) -> httpx.Response:
    """Lay down its terms again, without a budget unless `changes` names one."""
    body = terms(name=made["name"], replaces=made["version"], **changes)
    return client.put(f"{PRODUCTIONS}/{made['id']}", json=body)


def limit(site: Site, made: dict[str, Any]) -> dict[str, Any]:
    """The budget that is kept for a production; empty where there is none."""
    listed = site["officer"].get(BUDGETS).json()["data"]
    scope = f"production/{made['id']}"
    return next((one for one in listed if one["scope"] == scope), {})


@pytest.fixture(scope="module")
def showrunner(site: Site) -> httpx.Client:
    """A producer who may manage budgets too."""
    site.hire("showrunner", "producer", "compliance_officer")
    return site["showrunner"]


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


class TestItsBudget:
    def test_who_may_manage_budgets_changes_it_with_the_terms(
        self, site: Site, showrunner: httpx.Client
    ) -> None:
        made = create(site, budget={"amount": "50", "currency": "USD"})
        with site.recorded("production.changed", "budget.changed"):
            changed = changed_by(showrunner, made, budget={"amount": "60"}).json()
        assert changed["budget"] == {"amount": "60", "currency": "USD"}
        assert limit(site, made)["cap"] == "60"
        with site.recorded("production.changed", "budget.changed"):
            assert changed_by(showrunner, changed).json()["budget"] is None
        assert limit(site, made) == {}

    @pytest.mark.parametrize("other", [{}, {"budget": {"amount": "60"}}], ids=["none", "more"])
    def test_a_producer_alone_neither_raises_it_nor_takes_it_away(
        self, site: Site, other: dict[str, Any]
    ) -> None:
        made = create(site, budget={"amount": "50"})
        with site.recorded("access.denied"):
            refusal(changed_by(site["producer"], made, **other), 403, "access_denied")
        assert limit(site, made)["cap"] == "50"
        assert site["producer"].get(f"{PRODUCTIONS}/{made['id']}").json()["number"] == 1

    def test_a_producer_changes_everything_else_of_a_production_that_has_one(
        self, site: Site
    ) -> None:
        made = create(site, budget={"amount": "50"})
        body = {"territories": ["DE"], "budget": {"amount": "50.00"}}
        with site.recorded("production.changed"):
            assert changed_by(site["producer"], made, **body).json()["number"] == 2

    def test_what_an_officer_has_set_since_stays_when_the_style_changes(self, site: Site) -> None:
        lowered, added = create(site, budget={"amount": "0.05"}), create(site)
        for made, amount in ((lowered, "0.01"), (added, "0.05")):
            own = {"scope": f"production/{made['id']}", "period": "total", "amount": amount}
            assert site["officer"].put(BUDGETS, json=own).status_code == 200
        budget = {"budget": {"amount": "0.05"}}
        for made, same in ((lowered, budget), (added, {})):
            before = limit(site, made)
            assert changed_by(site["producer"], made, style="8 mm", **same).status_code == 200
            assert limit(site, made) == before

    def test_taken_away_and_set_again_it_is_the_same_one(
        self, site: Site, showrunner: httpx.Client
    ) -> None:
        made = create(site, budget={"amount": "0.05"})
        before = limit(site, made)
        without = changed_by(showrunner, made).json()
        changed_by(showrunner, without, budget={"amount": "0.05"})
        assert limit(site, made) == before

    def test_who_signed_in_long_ago_signs_in_again_first(
        self, site: Site, showrunner: httpx.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = create(site)
        monkeypatch.setattr(step_up, "is_fresh", lambda *_: False)
        answer = changed_by(showrunner, made, budget={"amount": "1"})
        refusal(answer, 403, "step_up_required")


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
        assert answer.json()["prompt"] is None  # nobody is told another person's words
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
