"""Budgets, rate cards and chargebacks over HTTP."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from governance.evidence.story import State
from tests.api.site import Site, refusal

BUDGETS = "/v1/governance/budgets"
CARDS = "/v1/governance/rate-cards"
CHARGEBACK = "/v1/governance/chargeback"
PERIOD = {"from": "2026-01-01T00:00:00Z", "to": "2999-01-01T00:00:00Z"}
CARD = {"from": "2026-01-01", "mark_up": "10", "prices": [{"model": "local/*", "per_item": "2.50"}]}


@pytest.fixture
def budget(site: Site) -> Iterator[dict[str, Any]]:
    """A project's budget for a day, which is gone afterwards."""
    body = {"scope": "project/budgeted", "period": "day", "amount": "12.50"}
    answer = site["officer"].put(BUDGETS, json=body)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    yield made
    site["officer"].delete(f"{BUDGETS}/{made['id']}")


class TestBudgets:
    def test_it_is_set_changed_listed_and_removed_and_each_is_on_record(self, site: Site) -> None:
        body = {"scope": "project/once", "period": "month", "amount": "5"}
        with site.recorded("budget.changed", "budget.changed", "budget.changed"):
            made = site["officer"].put(BUDGETS, json=body).json()
            changed = site["admin"].put(BUDGETS, json={**body, "amount": "7.25"}).json()
            assert changed["id"] == made["id"]
            listed = site["auditor"].get(BUDGETS).json()["data"]
            (found,) = [one for one in listed if one["id"] == made["id"]]
            assert (found["cap"], found["left"], found["spent"]) == ("7.25", "7.25", "0")
            assert found["renews_at"].endswith("-01T00:00:00.000000Z")
            site["officer"].delete(f"{BUDGETS}/{made['id']}")
        answer = site["officer"].delete(f"{BUDGETS}/{made['id']}")
        refusal(answer, 404, "budget_unknown")

    def test_only_people_with_the_right_set_them(self, site: Site, budget: dict[str, Any]) -> None:
        body = {"scope": "organisation", "period": "day", "amount": "1"}
        for who in ("producer", "agent", "auditor", "nobody"):
            refusal(site[who].put(BUDGETS, json=body), 403, "access_denied")
        refusal(site["producer"].delete(f"{BUDGETS}/{budget['id']}"), 403, "access_denied")
        refusal(site["nobody"].get(BUDGETS), 403, "access_denied")

    def test_another_organisation_sees_and_changes_its_own(
        self, site: Site, budget: dict[str, Any]
    ) -> None:
        site.hire("their officer", "compliance_officer", organisation="rival")
        theirs = site["their officer"]
        assert theirs.get(BUDGETS).json()["data"] == []
        refusal(theirs.delete(f"{BUDGETS}/{budget['id']}"), 404, "budget_unknown")

    def test_who_may_ask_in_one_project_sees_that_projects(
        self, site: Site, budget: dict[str, Any]
    ) -> None:
        site.hire("freelancer")
        site.grant(site.principals["freelancer"].id, "producer", project="other")
        assert site["freelancer"].get(BUDGETS).json()["data"] == []
        site.grant(site.principals["freelancer"].id, "producer", project="budgeted")
        (found,) = site["freelancer"].get(BUDGETS).json()["data"]
        assert found["id"] == budget["id"]

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"scope": "everything"}, "budget_scope_invalid"),
            ({"amount": "-1"}, "budget_amount_invalid"),
            ({"amount": "0.0000001"}, "request_invalid"),
            ({"period": "year"}, "request_invalid"),
        ],
    )
    def test_what_is_no_budget_is_refused(
        self, site: Site, changes: dict[str, str], code: str
    ) -> None:
        body = {"scope": "organisation", "period": "day", "amount": "1", **changes}
        refusal(site["officer"].put(BUDGETS, json=body), 400, code)

    def test_somebody_who_does_not_exist_has_none(self, site: Site) -> None:
        body = {"scope": f"principal/usr_{'0' * 32}", "period": "day", "amount": "1"}
        refusal(site["officer"].put(BUDGETS, json=body), 404, "subject_unknown")


class TestChargeback:
    def test_a_released_picture_is_charged_at_its_fixed_price(self, site: Site) -> None:
        with site.recorded("ratecard.changed"):
            card = site["admin"].post(CARDS, json=CARD).json()
        assert site["auditor"].get(CARDS).json()["data"][-1] == card
        made = site.create(project="charged")["id"]
        site.wait(made, State.RELEASED)
        document = site["auditor"].get(CHARGEBACK, params={**PERIOD, "project": "charged"}).json()
        (line,) = document["lines"]
        assert (line["generation"], line["rate_card"]) == (made, card["id"])
        assert (line["mark_up"], line["price"]) == ("fixed", "2.5000")

    @pytest.mark.parametrize("form", ["csv", "json"])
    def test_the_same_question_gives_the_same_bytes_named_by_their_digest(
        self, site: Site, picture: dict[str, Any], form: str
    ) -> None:
        first, second = (
            site["officer"].get(CHARGEBACK, params={**PERIOD, "format": form}) for _ in range(2)
        )
        assert first.content == second.content
        assert picture["id"] in first.text
        digest = base64.b64encode(hashlib.sha256(first.content).digest()).decode()
        assert first.headers["content-digest"] == f"sha-256=:{digest}:"

    def test_it_is_for_those_with_the_right_and_of_their_organisation(self, site: Site) -> None:
        for who in ("producer", "agent"):
            refusal(site[who].get(CHARGEBACK, params=PERIOD), 403, "access_denied")
            refusal(site[who].post(CARDS, json=CARD), 403, "access_denied")
        site.hire("their auditor", "auditor", organisation="rival")
        assert site["their auditor"].get(CHARGEBACK, params=PERIOD).json()["lines"] == []
        assert site["their auditor"].get(CARDS).json()["data"] == []

    def test_a_period_must_have_a_length(self, site: Site) -> None:
        reversed_ = {"from": PERIOD["to"], "to": PERIOD["from"]}
        refusal(site["auditor"].get(CHARGEBACK, params=reversed_), 400, "period_invalid")
        refusal(site["auditor"].get(CHARGEBACK), 400, "request_invalid")

    def test_what_is_no_rate_card_is_refused(self, site: Site) -> None:
        body = {**CARD, "until": "2026-01-01"}
        error = refusal(site["admin"].post(CARDS, json=body), 400, "rate_card_invalid")
        assert error["param"] == "until"
