"""Consents and waivers over HTTP: who may register, withdraw, ask and agree."""

from datetime import timedelta
from typing import Any

from governance.kernel import clock
from tests.api.site import CANARY, PICTURE, Site, refusal

CONSENTS, WAIVERS = "/v1/governance/consents", "/v1/governance/waivers"
RULE = "house-review-public-video"


def proposal(**changes: Any) -> dict[str, Any]:
    today = clock.now().date()
    body = {
        "rule": RULE,
        "reason": "reviewed_by_agency",
        "comment": f"The agency has looked. {CANARY}",
        "project": "other",
        "first_day": today.isoformat(),
        "last_day": (today + timedelta(days=30)).isoformat(),
    }
    return {**body, **changes}


class TestConsents:
    def test_a_producer_registers_what_an_officer_withdraws(self, site: Site) -> None:
        with site.recorded("consent.changed"):
            consent = site.consent()
        shown = site["officer"].get(f"{CONSENTS}/{consent}").json()
        assert (shown["state"], shown["name"]) == ("active", f"Mara Lindqvist {CANARY}")
        with site.recorded("consent.changed"):
            answer = site["officer"].post(f"{CONSENTS}/{consent}/withdraw")
        assert answer.json()["state"] == "withdrawn"
        refusal(site["officer"].post(f"{CONSENTS}/{consent}/withdraw"), 409, "consent_state")

    def test_the_list_has_no_names(self, site: Site) -> None:
        consent = site.consent()
        answer = site["auditor"].get(CONSENTS)
        assert consent in {item["id"] for item in answer.json()["data"]}
        assert CANARY not in answer.text
        after = site["auditor"].get(CONSENTS, params={"after": consent}).json()["data"]
        assert consent not in {item["id"] for item in after}

    def test_erasing_the_person_leaves_the_consent_without_a_name(self, site: Site) -> None:
        consent = site.consent()
        path = f"{CONSENTS}/{consent}"
        with site.recorded("consent.changed", "disclosure.erased"):
            answer = site["officer"].post(f"{path}/erase", json={"basis": "consent_withdrawn"})
        assert answer.json()["values_erased"] == 1
        shown = site["officer"].get(path).json()
        assert (shown["state"], shown["name"]) == ("erased", None)

    def test_a_request_names_a_registered_consent_or_none(self, site: Site) -> None:
        governed = {**PICTURE["governance"], "real_person": "yes"}
        for consent, status in (("consent-42", 400), (site.consent(), 200)):
            body = {**PICTURE, "governance": {**governed, "consent": consent}}
            answer = site["agent"].post("/v1/governance/preflight", json=body)
            assert answer.status_code == status, answer.text
        refusal(
            site["agent"].post(
                "/v1/governance/preflight",
                json={**PICTURE, "governance": {**governed, "consent": "consent-42"}},
            ),
            400,
            "consent_invalid",
        )

    def test_nobody_else_may(self, site: Site) -> None:
        consent = site.consent()
        path = f"{CONSENTS}/{consent}"
        refusal(site["producer"].post(f"{path}/withdraw"), 403, "access_denied")
        refusal(site["agent"].get(path), 403, "access_denied")
        refusal(site["stranger"].get(path), 404, "consent_unknown")
        refusal(site["nobody"].get(CONSENTS), 403, "access_denied")

    def test_a_scope_that_means_nothing_is_refused_with_the_field(self, site: Site) -> None:
        body = {
            "name": "Mara",
            "document": "a" * 64,
            "covers": "likeness",
            "media": ["audio"],
            "projects": ["*"],
            "territories": ["EU"],
            "until": "2099-12-31",
        }
        error = refusal(site["producer"].post(CONSENTS, json=body), 400, "consent_scope_invalid")
        assert error["param"] == "media"


class TestWaivers:
    def propose(self, site: Site, name: str = "producer", **changes: Any) -> str:
        answer = site[name].post(WAIVERS, json=proposal(**changes))
        assert answer.status_code == 201, answer.text
        made: str = answer.json()["id"]
        return made

    def test_one_asks_another_approves_and_it_can_be_revoked(self, site: Site) -> None:
        with site.recorded("waiver.changed", "waiver.changed", "waiver.changed"):
            waiver = self.propose(site)
            path = f"{WAIVERS}/{waiver}"
            shown = site["officer"].get(path).json()
            assert (shown["state"], shown["comment"]) == (
                "proposed",
                f"The agency has looked. {CANARY}",
            )
            site["officer"].post(f"{path}/decision", json={"decision": "approved"})
            assert site["officer"].get(path).json()["state"] == "approved"
            site["officer"].post(f"{path}/revoke")
        listed = site["auditor"].get(WAIVERS)
        (found,) = [item for item in listed.json()["data"] if item["id"] == waiver]
        assert found["state"] == "revoked"
        assert CANARY not in listed.text

    def test_a_waived_review_is_not_held_and_the_answer_says_so(self, site: Site) -> None:
        waiver = self.propose(site, rule="house-review-unknown-person", project="exempt")
        path = f"{WAIVERS}/{waiver}"
        site["officer"].post(f"{path}/decision", json={"decision": "approved"})
        made = site.released(project="exempt", real_person="unknown")
        told = site["officer"].get(f"/v1/governance/generations/{made['id']}/explanation").text
        assert waiver in told
        site["officer"].post(f"{path}/revoke")

    def test_an_officer_does_not_approve_what_the_officer_asked_for(self, site: Site) -> None:
        waiver = self.propose(site, "officer")
        answer = site["officer"].post(f"{WAIVERS}/{waiver}/decision", json={"decision": "approved"})
        refusal(answer, 403, "separation_of_duties")

    def test_a_program_neither_asks_nor_agrees(self, site: Site) -> None:
        waiver = self.propose(site)
        path = f"{WAIVERS}/{waiver}/decision"
        refusal(site["agent"].post(WAIVERS, json=proposal()), 403, "access_denied")
        refusal(site["agent"].post(path, json={"decision": "approved"}), 403, "access_denied")

    def test_a_law_is_no_matter_of_waivers(self, site: Site) -> None:
        answer = site["producer"].post(WAIVERS, json=proposal(rule="eu-50-2-marking"))
        refusal(answer, 400, "rule_not_waivable")

    def test_somebody_elsewhere_finds_nothing(self, site: Site) -> None:
        waiver = self.propose(site)
        answer = site["stranger"].get(f"{WAIVERS}/{waiver}")
        refusal(answer, 404, "waiver_unknown")
