"""The officer's tools over HTTP: packs, cases, what-if, coverage, a decision in sentences."""

from typing import Any

import pytest

from tests.api.site import Site, refusal
from tests.house import POLICIES

PATH = "/v1/governance/policies"
HOUSE = (POLICIES / "packs/house.yaml").read_text("utf-8")


def test_the_packs_in_force_are_listed_with_their_versions(site: Site) -> None:
    listed = site["officer"].get(PATH).json()
    packs = {pack["id"]: pack for pack in listed["data"]}
    assert listed["policy"] == site.service.context.policies.policy.digest
    assert packs["house"]["in_force"]
    assert packs["house"]["rules"] > 10
    assert not packs["us-ca-sb1000"]["in_force"]


class TestCases:
    def test_those_beside_the_packs_come_out_as_written(self, site: Site) -> None:
        answer = site["officer"].post(f"{PATH}/test", json={}).json()
        assert answer["passed"], answer["failed"]
        assert answer["cases"] > 200

    def test_a_changed_pack_is_tried_before_it_is_in_force(self, site: Site) -> None:
        before = site["officer"].get(PATH).json()["policy"]
        body = {"packs": {"house": HOUSE.replace("months: 6", "months: 7")}}
        answer = site["officer"].post(f"{PATH}/test", json=body).json()
        assert not answer["passed"]
        failed = {fault["name"]: fault for fault in answer["failed"]}
        assert failed["house-retain"]["file"] == "cases/house.yaml"
        assert failed["house-retain"]["line"] > 1
        assert site["officer"].get(PATH).json()["policy"] == before


class TestWhatIf:
    def diff(self, site: Site, text: str, **more: Any) -> dict[str, Any]:
        answer = site["officer"].post(f"{PATH}/diff", json={"packs": {"house": text}, **more})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def test_what_a_changed_pack_would_have_decided(self, site: Site) -> None:
        site.released(project="what-if")
        found = self.diff(site, HOUSE.replace("months: 6", "months: 7"), project="what-if")
        (change,) = found["changes"]
        assert change["duties"] == {"added": [], "removed": [], "changed": ["retain.records"]}
        assert change["count"] == found["decisions"] >= 2
        assert self.diff(site, HOUSE)["changes"] == []

    @pytest.mark.parametrize(
        ("packs", "status", "code"),
        [
            ({"house": "id: ["}, 400, "packs_invalid"),
            ({"house": "[" * 3000}, 400, "packs_invalid"),
            ({"house": HOUSE.replace("enforce", "sometimes")}, 400, "packs_invalid"),
            ({"../authorization/policy": "x"}, 400, "pack_name_invalid"),
            ({"a/b": "x"}, 400, "pack_name_invalid"),
            ({f"p{n}": "x" for n in range(33)}, 413, "packs_too_large"),
            ({}, 400, "request_invalid"),
        ],
    )
    def test_what_is_no_pack_is_refused(
        self, site: Site, packs: dict[str, str], status: int, code: str
    ) -> None:
        answer = site["officer"].post(f"{PATH}/diff", json={"packs": packs})
        refusal(answer, status, code)
        assert "/tmp" not in answer.text

    def test_a_fault_is_named_with_file_and_line(self, site: Site) -> None:
        body = {"packs": {"house": HOUSE.replace("effect: deny", "effect: forbid", 1)}}
        answer = site["officer"].post(f"{PATH}/diff", json=body)
        assert refusal(answer, 400, "packs_invalid")["message"].startswith("packs/house.yaml:")


def test_coverage_counts_the_rules_that_spoke(site: Site, picture: dict[str, Any]) -> None:
    found = site["auditor"].get(f"{PATH}/coverage").json()
    packs = {
        pack["pack"]: {rule["rule"]: rule for rule in pack["rules"]} for pack in found["packs"]
    }
    assert packs["house"]["house-retain"]["enforced"] == found["decisions"] > 0
    nothing = site["auditor"].get(f"{PATH}/coverage", params={"project": "empty"}).json()
    assert nothing["decisions"] == 0


def test_a_decision_is_told_in_sentences(site: Site, picture: dict[str, Any]) -> None:
    path = f"/v1/governance/generations/{picture['id']}/explanation"
    told = site["officer"].get(path).json()["decisions"]
    assert [one["stage"] for one in told] == ["request", "output"]
    assert told[0]["sentences"][0].startswith("The agent ")
    assert "It was permitted." in told[0]["sentences"]
    refusal(site["stranger"].get(path), 404, "generation_not_found")


def test_only_those_who_may_read_policies_get_them(site: Site) -> None:
    for name in ("agent", "nobody"):
        refusal(site[name].get(PATH), 403, "access_denied")
        refusal(site[name].get(f"{PATH}/coverage"), 403, "access_denied")
        refusal(site[name].post(f"{PATH}/test", json={}), 403, "access_denied")
        refusal(
            site[name].post(f"{PATH}/diff", json={"packs": {"house": HOUSE}}), 403, "access_denied"
        )
