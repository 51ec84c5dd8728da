"""How often a principal may call: a moving window each, and one more for what is expensive."""

from datetime import UTC, datetime

import httpx
import pytest
from freezegun import freeze_time

from governance.api.permissions import Requirement
from governance.api.rates import Rates
from governance.kernel import settings
from governance.kernel.errors import ConfigurationError, Throttled
from tests.api.site import PICTURE, Site

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
EXPORT = Requirement("export", "create", "project")
REPORT = Requirement("report", "create", "project")
TRIAL = Requirement("policy", "read", "organisation")  # of changed packs, over months of decisions
COUNT = Rates.count


def waits(rates: Rates, caller: str, required: Requirement | None = None) -> int:
    """Seconds that a refused caller is told to wait; 0 for one that is let in."""
    try:
        rates.count(caller, required)
    except Throttled as refusal:
        assert refusal.code == "rate_limited"
        return int(refusal.details["retry_after"])
    return 0


class TestRates:
    def test_no_span_of_the_length_holds_more_calls_than_that(self) -> None:
        with freeze_time(NOON) as moment:
            rates = Rates("2/minute", "1/minute")
            assert waits(rates, "a") == 0
            moment.tick(40)
            assert waits(rates, "a") == 0
            assert waits(rates, "a") == 20
            moment.tick(20.5)
            assert waits(rates, "a") == 0
            assert waits(rates, "a") > 30

    def test_a_refused_call_does_not_count(self) -> None:
        with freeze_time(NOON) as moment:
            rates = Rates("1/second", "1/second")
            assert [waits(rates, "a") for _ in range(4)] == [0, 1, 1, 1]
            moment.tick(1.1)
            assert waits(rates, "a") == 0

    def test_each_caller_has_a_window_of_its_own(self) -> None:
        with freeze_time(NOON):
            rates = Rates("1/hour", "1/hour")
            assert [waits(rates, name) for name in ("a", "b")] == [0, 0]
            assert waits(rates, "a") == 3600

    @pytest.mark.parametrize("required", [EXPORT, REPORT, TRIAL])
    def test_what_takes_seconds_has_a_rate_of_its_own_besides(self, required: Requirement) -> None:
        with freeze_time(NOON):
            rates = Rates("3/minute", "1/minute")
            assert waits(rates, "a", required) == 0
            assert waits(rates, "a", required) == 60
            assert waits(rates, "a") == 0
            assert waits(rates, "a") == 60


@pytest.mark.parametrize("text", ["", "fast", "0/minute", "10/fortnight", "10 / minute", "-1/hour"])
def test_a_rate_that_is_none_refuses_to_start(text: str) -> None:
    with pytest.raises(ConfigurationError, match="600/minute"):
        settings.load(rate_limit=text)


def slow_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on the running service lets each principal call twice, and export once."""
    slow = Rates("2/hour", "1/hour")
    monkeypatch.setattr(Rates, "count", lambda _, *asked: COUNT(slow, *asked))


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    slow_down(monkeypatch)


class TestOverHttp:
    @pytest.mark.usefixtures("slow")
    def test_the_answer_says_when_to_come_back_and_nothing_is_recorded(self, site: Site) -> None:
        for _ in range(2):
            assert site["agent"].get("/v1/models").status_code == 200
        with site.recorded():
            answer = site["agent"].post("/v1/governance/generations", json=PICTURE)
        assert throttled(answer) > 3590
        assert site["producer"].get("/v1/models").status_code == 200

    @pytest.mark.usefixtures("slow")
    def test_a_throttled_signature_is_not_spent(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(2):
            site["agent"].get("/v1/models")
        request = site.signed("agent", "GET", "/v1/models")
        assert throttled(site["visitor"].send(request)) > 0
        slow_down(monkeypatch)
        assert site["visitor"].send(request).status_code == 200

    @pytest.mark.usefixtures("slow")
    def test_refusals_are_limited_too_so_nobody_floods_the_log(self, site: Site) -> None:
        with site.recorded("access.denied", "access.denied"):
            for _ in range(2):
                assert site["nobody"].get("/v1/models").status_code == 403
            assert throttled(site["nobody"].get("/v1/models")) > 0

    @pytest.mark.usefixtures("slow")
    def test_a_suspended_agents_refusals_are_limited(self, site: Site) -> None:
        agent = f"/v1/governance/agents/{site.principals['intern'].id}"
        assert site["admin"].post(f"{agent}/suspend").status_code == 200
        with site.recorded("access.denied", "access.denied"):
            for _ in range(2):
                assert site["intern"].get("/v1/models").status_code == 403
            assert throttled(site["intern"].get("/v1/models")) > 0
        assert site["admin"].post(f"{agent}/resume").status_code == 200

    @pytest.mark.usefixtures("slow")
    def test_an_export_too_many_is_refused(self, site: Site) -> None:
        answers = [site["auditor"].post("/v1/governance/exports", json={}) for _ in range(2)]
        assert answers[0].status_code == 200
        assert throttled(answers[1]) > 0


def throttled(answer: httpx.Response) -> int:
    """Seconds to wait, as a throttled client is told."""
    assert answer.status_code == 429, answer.text
    error = answer.json()["error"]
    assert (error["code"], error["type"]) == ("rate_limited", "rate_limit_error")
    assert answer.headers["x-should-retry"] == "true"
    assert answer.headers["retry-after"] == str(error["details"]["retry_after"])
    return int(answer.headers["retry-after"])
