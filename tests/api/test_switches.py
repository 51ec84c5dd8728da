"""The kill switch over HTTP: it stops the very next request, whoever threw it, wherever."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from governance.cli import main
from tests.api.site import ELSEWHERE, PICTURE, Site, refusal
from tests.platform import ORGANISATION

SWITCHES = "/v1/governance/switches"
CREATE = "/v1/governance/generations"
OWN = f"organisation:{ORGANISATION}"


def throw(site: Site, scope: str, who: str = "officer", **more: Any) -> httpx.Response:
    """Once nothing is on its way: what is stopped goes on much later, in another test."""
    site.settle()
    return site[who].post(SWITCHES, json={"scope": scope, "reason": "exercise", **more})


def lift(site: Site, scope: str, who: str = "officer") -> httpx.Response:
    return site[who].post(f"{SWITCHES}/lift", json={"scope": scope, "reason": "resolved"})


@contextmanager
def stopped(site: Site, scope: str, who: str = "officer") -> Iterator[None]:
    answer = throw(site, scope, who)
    assert answer.status_code == 201, answer.text
    try:
        yield
    finally:
        assert lift(site, scope, who).status_code == 200


def attempts(site: Site, generation: str) -> dict[str, tuple[str, str, str, Any]]:
    """Everything that makes, moves or releases media: who, how, where, with what."""
    video = f"/v1/videos/{generation}"
    choice = {"decision": "approve", "reason": "spend_justified"}
    return {
        "create": ("agent", "POST", CREATE, PICTURE),
        "preflight": ("agent", "POST", "/v1/governance/preflight", PICTURE),
        "cancel": ("agent", "DELETE", video, None),
        "download": ("agent", "GET", f"{video}/content", None),
        "look at a download": ("agent", "HEAD", f"{video}/content", None),
        "approve": ("officer", "POST", f"{CREATE}/{generation}/approval", choice),
    }


class TestEverything:
    @pytest.mark.parametrize("scope", ["*", OWN])
    def test_what_makes_or_releases_media_is_refused_and_recorded_once(
        self, site: Site, picture: dict[str, Any], scope: str
    ) -> None:
        with stopped(site, scope):
            for name, (who, method, path, body) in attempts(site, picture["id"]).items():
                with site.recorded("access.denied"):
                    answer = site[who].request(method, path, json=body)
                assert answer.status_code == 403, name
                if method != "HEAD":
                    error = refusal(answer, 403, "stopped")
                    assert error["details"]["scope"] == scope
                    assert error["type"] == "permission_error"

    def test_an_upload_is_refused(self, site: Site) -> None:
        files = {"file": ("a.png", b"not even a picture")}
        data = {"governance": '{"project": "launch", "territories": ["EU"]}'}
        with stopped(site, "*"), site.recorded("access.denied"):
            answer = site["producer"].post("/v1/governance/assets", files=files, data=data)
        refusal(answer, 403, "stopped")

    def test_evidence_stays_readable_and_principals_can_be_suspended(
        self, site: Site, picture: dict[str, Any]
    ) -> None:
        generation = picture["id"]
        agent = f"/v1/governance/agents/{site.principals['agent'].id}"
        with stopped(site, "*"):
            for who, path in (
                ("agent", f"/v1/videos/{generation}"),
                ("auditor", f"/v1/governance/records?generation={generation}"),
                ("auditor", "/v1/governance/checkpoint"),
                ("auditor", SWITCHES),
                ("reviewer", "/v1/governance/reviews"),
            ):
                assert site[who].get(path).status_code == 200, path
            assert site["auditor"].post("/v1/governance/exports", json={}).status_code == 200
            for action in ("suspend", "resume"):
                assert site["admin"].post(f"{agent}/{action}").status_code == 200

    def test_it_is_listed_and_lifted_by_whoever_may_manage_it(self, site: Site) -> None:
        with site.recorded("switch.changed"):
            assert throw(site, "*", "admin", comment="Try it out").status_code == 201
        (listed,) = site["auditor"].get(SWITCHES).json()["data"]
        assert (listed["scope"], listed["reason"]) == ("*", "exercise")
        assert listed["thrown_by"] == site.principals["admin"].id
        refusal(throw(site, "*"), 409, "switch_thrown")
        with site.recorded("switch.changed"):
            assert lift(site, "*", "officer").json()["lifted"]
        assert site["auditor"].get(SWITCHES).json()["data"] == []
        refusal(lift(site, "*"), 404, "switch_not_thrown")

    def test_a_generation_on_its_way_waits_until_it_is_lifted(self, site: Site) -> None:
        with stopped(site, f"model:{PICTURE['model']}"):
            error = refusal(site["agent"].post(CREATE, json=PICTURE), 400, "no_route")
            assert error["details"]["candidates"][0]["rejected"] == "stopped by a kill switch"
        assert site["agent"].post(CREATE, json=PICTURE).status_code == 200


class TestAgents:
    def test_a_stopped_agent_is_refused_whatever_it_asks_and_nobody_else_is(
        self, site: Site, picture: dict[str, Any]
    ) -> None:
        scope = f"agent:{site.principals['agent'].id}"
        with stopped(site, scope):
            for path in ("/v1/models", f"/v1/videos/{picture['id']}"):
                with site.recorded("access.denied"):
                    answer = site["agent"].get(path)
                assert refusal(answer, 403, "stopped")["details"]["scope"] == scope
            assert site["producer"].get("/v1/models").status_code == 200
            assert site["service"].post(CREATE, json=PICTURE).status_code == 200
            answer = site["producer"].get(f"/v1/videos/{picture['id']}/content")
            refusal(answer, 403, "stopped")
        assert site["agent"].get("/v1/models").status_code == 200


class TestReach:
    def test_only_administrators_and_compliance_officers_throw(self, site: Site) -> None:
        for who in ("producer", "reviewer", "auditor", "agent"):
            refusal(throw(site, "*", who), 403, "access_denied")
            refusal(lift(site, "*", who), 403, "access_denied")
        refusal(site["agent"].get(SWITCHES), 403, "access_denied")

    def test_another_organisation_stops_itself_only(self, site: Site) -> None:
        site.hire("tenant", "administrator", organisation=ELSEWHERE)
        for scope in ("*", OWN, f"agent:{site.principals['agent'].id}", "provider:local"):
            refusal(throw(site, scope, "tenant"), 403, "switch_out_of_reach")
        with stopped(site, f"organisation:{ELSEWHERE}", "tenant"):
            refusal(site["stranger"].post(CREATE, json=PICTURE), 403, "stopped")
            assert site["agent"].post(CREATE, json=PICTURE).status_code == 200
            refusal(lift(site, f"organisation:{ELSEWHERE}"), 404, "switch_not_thrown")

    def test_a_misspelt_scope_is_refused(self, site: Site) -> None:
        with site.recorded():
            refusal(throw(site, "model:local/typo"), 404, "switch_scope_unknown")
            refusal(throw(site, "everyone"), 400, "switch_scope_invalid")


def test_one_thrown_by_another_process_stops_the_very_next_request(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = site.service.context.settings
    monkeypatch.setenv("GOVERNANCE_POLICIES_DIR", str(chosen.policies_dir))
    data = ["--data", str(chosen.data_dir)]
    stop = ["stop", "*", "--reason", "exercise", "--comment", "drill"]
    site.settle()
    command = [sys.executable, "-m", "governance", *stop, *data]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    try:
        refusal(site["agent"].post(CREATE, json=PICTURE), 403, "stopped")
        assert main(["switches", *data]) == 0
        assert "*  exercise, since " in capsys.readouterr().out
    finally:
        assert main(["resume", "*", *data]) == 0, capsys.readouterr().err
    assert site["agent"].post(CREATE, json=PICTURE).status_code == 200
    assert main([*stop[:2], "--reason", "boredom", *data]) == 1
    assert "incident" in capsys.readouterr().err
    assert main(["switches", *data]) == 0
    assert capsys.readouterr().out == "Nothing is stopped.\n"
