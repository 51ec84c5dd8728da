"""Acting for somebody, over real HTTP, at two services on one database."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from governance.app import create_app
from governance.client.delegation import delegate, instance
from governance.client.signer import RequestSigner
from governance.domain import Principal
from governance.evidence import bundle, delegations, mandate
from governance.evidence.verify import verify_file, verify_files
from governance.kernel import clock
from tests.api.site import PICTURE, Site, refusal
from tests.api.test_evidence import proof, records
from tests.platform import open_service
from tests.web.serving import running

LOG = "/v1/governance"
MANDATES = f"{LOG}/mandates"
CLIP = {
    **PICTURE,
    "media": "video",
    "model": "self/wan2.2-a14b",
    "seconds": 1,
    "size": "128x64",
    # Where no pack sends a trained model's work to people, on whichever day.
    "governance": {**PICTURE["governance"], "territories": ["JP"]},
}
PRICE = "0.05"


def limits(**changes: Any) -> dict[str, Any]:
    return {
        "actions": ["generation:create", "generation:read", "preflight:create", "mandate:revoke"],
        "projects": ["launch"],
        "models": ["local/*", "self/*"],
        "territories": ["EU", "JP"],
        "per_call": "1.00",
        "total": "5.00",
        "currency": "USD",
        "until": f"{clock.now() + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
        **changes,
    }


@dataclass
class Team:
    """A patron, a lead agent that acts for the patron, an aide that the lead hands on to.

    elsewhere: the address of another process of the same service.
    """

    site: Site
    elsewhere: str

    @property
    def patron(self) -> Principal:
        return self.site.principals["patron"]

    def issue(self, agent: str = "lead", **changes: Any) -> dict[str, Any]:
        body = {"agent": self.site.principals[agent].id, "grant": limits(**changes)}
        answer = self.site["patron"].post(MANDATES, json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def handed_on(self, chain: str, **narrowed: Any) -> str:
        """The lead lets its aide act."""
        return delegate(
            chain,
            self.site.signers["lead"],
            agent=self.site.principals["aide"].id,
            key=self.site.signers["aide"].public_key,
            narrowed=narrowed,
        )

    def ask(
        self, chain: str, name: str = "lead", body: dict[str, Any] = PICTURE, **told: Any
    ) -> httpx.Response:
        """Ask for a picture under a chain; `told`: changes to what governance is told."""
        body = {**body, "governance": {**PICTURE["governance"], **told}}
        headers = {"Gov-Delegation": chain}
        return self.site[name].post(f"{LOG}/generations", json=body, headers=headers)

    def ask_elsewhere(self, chain: str, name: str) -> httpx.Response:
        """The same at the other process, which is called by the same public name."""
        signer = self.site.signers[name]
        seed = bytes(signer._key)
        elsewhere = RequestSigner(seed, authority=self.site.authority, delegation=chain)
        url = f"{self.elsewhere}{LOG}/generations"
        return httpx.post(url, json=PICTURE, auth=elsewhere, timeout=30)

    def budget(self, named: str) -> dict[str, str]:
        found: dict[str, str] = self.site["patron"].get(f"{MANDATES}/{named}").json()["budget"]
        return found


@pytest.fixture(scope="module")
def team(site: Site) -> Iterator[Team]:
    site.hire("patron", "producer")
    site.enlist("lead", "agent")
    site.enlist("aide", "agent")
    settings = site.service.context.settings

    def make_app(url: str) -> FastAPI:
        other = open_service(
            settings.data_dir,
            settings.database,
            policies_dir=settings.policies_dir,
            public_url=site.url,
        )
        stack.callback(other.context.database.close)
        return create_app(other.platform)

    with ExitStack() as stack:
        yield Team(site, stack.enter_context(running(make_app)))


def test_an_agent_acts_for_the_person_and_the_record_says_so(team: Team) -> None:
    made = team.issue()
    asked = team.ask(made["chain"])
    assert asked.status_code == 200, asked.text
    story = team.site["officer"].get(f"{LOG}/generations/{asked.json()['id']}").json()["story"]
    principal = story["request"]["principal"]
    lead = team.site.principals["lead"].id
    assert principal["accountable"] == team.patron.id
    assert principal["chain"] == [team.patron.id, lead]
    assert principal["mandate"] == [made["digest"]]
    assert principal["grant"]["total"] == "5.00"


def test_an_aide_two_hops_down_and_an_instance_may_act_as_well(team: Team) -> None:
    chain = team.issue()["chain"]
    with team.site.recorded("mandate.issued", *RELEASED):
        assert team.ask(team.handed_on(chain, total="2"), "aide").status_code == 200
    made = instance(chain, team.site.signers["lead"])
    http = team.site.client(auth=made)
    assert http.post(f"{LOG}/generations", json=PICTURE).status_code == 200


RELEASED = (
    "generation.requested",
    "policy.decided",
    "route.chosen",
    "provider.intended",
    "provider.submitted",
    "asset.fetched",
    "asset.screened",
    "policy.decided",
    "asset.marked",
    "marks.verified",
    "asset.released",
)


class TestWhatLiesOutside:
    """Each is refused with the dimension, and the refusal is on record."""

    def refused(self, team: Team, answer: httpx.Response, dimension: str) -> None:
        error = refusal(answer, 403, "mandate_exceeded")
        assert error["details"]["dimension"] == dimension
        assert error["details"]["limit"].startswith("mandate ")
        assert dimension in error["message"]

    def test_each_dimension(self, team: Team) -> None:
        chain = team.issue(models=["local/procedural-image"])["chain"]
        with team.site.recorded(*["access.denied"] * 4):
            self.refused(team, team.ask(chain, project="secret"), "projects")
            self.refused(team, team.ask(chain, territories=["EU", "US"]), "territories")
            self.refused(team, team.ask(chain, body=CLIP), "models")
            answer = team.site["lead"].get("/v1/models", headers={"Gov-Delegation": chain})
            self.refused(team, answer, "actions")

    def test_the_price_of_one_generation(self, team: Team) -> None:
        dear = team.issue(per_call="0.04")["chain"]
        self.refused(team, team.ask(dear, body=CLIP), "per_call")

    def test_the_router_looks_only_at_models_that_are_granted(self, team: Team) -> None:
        chain = team.issue(models=["local/procedural-image"])["chain"]
        asked = team.ask(chain, body={**PICTURE, "model": "auto"}).json()
        team.site.wait(asked["id"], "released")
        (route,) = [
            item for item in team.site.service.records(asked["id"]) if item.event == "route.chosen"
        ]
        rejected = {c["model"]: c["rejected"] for c in route.body["candidates"]}
        assert rejected["local/procedural-image"] is None
        assert "outside the mandate" in rejected["local/procedural-video"]
        nothing = {**PICTURE, "model": "auto", "media": "audio", "size": "0x0", "seconds": 2}
        assert refusal(team.ask(chain, body=nothing), 400, "no_route")

    def test_neither_role_nor_mandate_makes_up_for_the_person_s_missing_right(
        self, team: Team
    ) -> None:
        """A mandate of somebody who may not ask for media is worth nothing for that."""
        team.site.hire("guest", "producer")
        body = {"agent": team.site.principals["lead"].id, "grant": limits()}
        chain = team.site["guest"].post(MANDATES, json=body).json()["chain"]
        assert team.ask(chain).status_code == 200
        role = {
            "subject": team.site.principals["guest"].id,
            "role": "role:producer",
            "domain": "org/default",
        }
        assert team.site["admin"].post(f"{LOG}/roles/revoke", json=role).status_code == 200
        error = refusal(team.ask(chain), 403, "access_denied")
        assert error["details"]["reason"] == "accountable_person_not_allowed"


def test_an_idempotency_key_of_one_person_s_request_is_worth_nothing_for_another_s(
    team: Team,
) -> None:
    headers = {"Idempotency-Key": "for-two"}
    own = team.site["lead"].post(f"{LOG}/generations", json=PICTURE, headers=headers)
    assert own.status_code == 200
    headers["Gov-Delegation"] = team.issue()["chain"]
    answer = team.site["lead"].post(f"{LOG}/generations", json=PICTURE, headers=headers)
    refusal(answer, 422, "idempotency_key_reused")


class TestBudgets:
    def test_money_is_set_aside_and_then_spent(self, team: Team) -> None:
        made = team.issue()
        asked = team.ask(made["chain"], body=CLIP)
        assert asked.status_code == 200, asked.text
        team.site.wait(asked.json()["id"], "released")
        budget = team.budget(made["id"])
        assert (budget["cap"], budget["spent"]) == ("5.00", PRICE)
        assert budget["reserved"] == "0"

    def test_an_exhausted_budget_refuses_and_names_the_mandate(self, team: Team) -> None:
        root = team.issue(total="0.10")
        chain = team.handed_on(root["chain"], total="0.07")
        narrow = mandate.read(mandate.split(chain)[1])
        team.site.wait(team.ask(chain, "aide", CLIP).json()["id"], "released")
        with team.site.recorded("access.denied"):
            error = refusal(team.ask(chain, "aide", CLIP), 403, "budget_exhausted")
        assert narrow.id in error["message"]
        team.site.wait(team.ask(root["chain"], body=CLIP).json()["id"], "released")
        error = refusal(team.ask(root["chain"], body=CLIP), 403, "budget_exhausted")
        assert root["id"] in error["message"]

    def test_a_generation_that_fails_gives_its_money_back(self, team: Team) -> None:
        made = team.issue()
        asked = team.ask(made["chain"], body={**CLIP, "prompt": "[[moderate]]"})
        team.site.wait(asked.json()["id"], "failed")
        budget = team.budget(made["id"])
        assert (budget["reserved"], budget["spent"]) == ("0", "0")


class TestWhatEndsIt:
    """At the other process, with the very next request."""

    @pytest.fixture
    def chain(self, team: Team) -> str:
        chain = team.handed_on(team.issue()["chain"])
        for _ in range(2):
            asked = team.ask_elsewhere(chain, "aide")
            assert asked.status_code == 200, asked.text
        return chain

    def test_the_patron_revokes(self, team: Team, chain: str) -> None:
        root = mandate.read(mandate.split(chain)[0])
        assert team.site["patron"].post(f"{MANDATES}/{root.id}/revoke").status_code == 200
        refusal(team.ask_elsewhere(chain, "aide"), 403, "mandate_revoked")
        shown = team.site["patron"].get(f"{MANDATES}/{root.id}").json()
        assert shown["revoked_at"] is not None

    def test_the_lead_revokes_what_it_signed(self, team: Team, chain: str) -> None:
        last = mandate.digest(mandate.split(chain)[1])
        refusal(team.site["aide"].post(f"{MANDATES}/{last}/revoke"), 403, "access_denied")
        assert team.site["lead"].post(f"{MANDATES}/{last}/revoke").status_code == 200
        refusal(team.ask_elsewhere(chain, "aide"), 403, "mandate_revoked")

    def test_the_agent_in_between_is_suspended(self, team: Team, chain: str) -> None:
        lead = team.site.principals["lead"].id
        assert team.site["admin"].post(f"{LOG}/agents/{lead}/suspend").status_code == 200
        refusal(team.ask_elsewhere(chain, "aide"), 403, "ancestor_stopped")
        assert team.site["admin"].post(f"{LOG}/agents/{lead}/resume").status_code == 200
        assert team.ask_elsewhere(chain, "aide").status_code == 200

    def test_the_person_leaves(self, team: Team, chain: str) -> None:
        person = f"{LOG}/people/{team.patron.id}"
        assert team.site["admin"].post(f"{person}/suspend").status_code == 200
        refusal(team.ask_elsewhere(chain, "aide"), 403, "accountable_suspended")
        assert team.site["admin"].post(f"{person}/resume").status_code == 200
        team.site.admit("patron", team.patron.id)
        assert team.ask_elsewhere(chain, "aide").status_code == 200


class TestWhoMay:
    def test_people_with_the_right_issue_and_programs_do_not(self, team: Team) -> None:
        body = {"agent": team.site.principals["lead"].id, "grant": limits()}
        for name in ("lead", "service", "nobody", "auditor"):
            refusal(team.site[name].post(MANDATES, json=body), 403, "access_denied")
        refusal(team.site["stranger"].post(MANDATES, json=body), 400, "mandate_agent_invalid")

    def test_nobody_else_revokes_but_an_administrator(self, team: Team) -> None:
        made = team.issue()
        path = f"{MANDATES}/{made['digest']}/revoke"
        refusal(team.site["producer"].post(path), 403, "access_denied")
        refusal(team.site["stranger"].post(path), 403, "access_denied")
        assert team.site["admin"].post(path).status_code == 200
        refusal(team.site["admin"].post(path), 409, "mandate_revoked")

    def test_programs_see_what_concerns_them(self, team: Team) -> None:
        made = team.issue("aide")
        listed = team.site["lead"].get(MANDATES).json()["data"]
        lead = team.site.principals["lead"].id
        assert listed
        assert all(lead in (item["from"], item["to"]) for item in listed)
        refusal(team.site["lead"].get(f"{MANDATES}/{made['id']}"), 404, "mandate_unknown")
        assert team.site["aide"].get(f"{MANDATES}/{made['id']}").json()["chain"] == made["chain"]
        refusal(team.site["stranger"].get(f"{MANDATES}/{made['id']}"), 404, "mandate_unknown")
        every = team.site["auditor"].get(MANDATES).json()["data"]
        assert len(every) > len(listed)


class TestOffline:
    @pytest.fixture(scope="class")
    def files(self, team: Team) -> dict[str, bytes]:
        """A bundle with a request of the aide's in it."""
        chain = team.handed_on(team.issue()["chain"])
        asked = team.ask(chain, "aide").json()["id"]
        team.site.wait(asked, "released")
        proof(team.site, records(team.site, asked)[-1]["id"])
        return bundle.unpack(team.site["auditor"].post(f"{LOG}/exports", json={}).content)

    def test_a_bundle_holds_the_hops_and_verifies(
        self, team: Team, files: dict[str, bytes], tmp_path: Path
    ) -> None:
        assert sum(name.endswith(".jws") for name in files) >= 2
        path = tmp_path / "bundle.zip"
        path.write_bytes(bundle.pack(files))
        verdict = verify_file(path, team.site.service.context.ledger.keyring.root)
        assert verdict.failure is None, verdict.failure
        assert "delegations" in verdict.steps[8].result

    def test_a_hop_that_is_missing_or_changed_is_found(
        self, team: Team, files: dict[str, bytes]
    ) -> None:
        root = team.site.service.context.ledger.keyring.root
        (name, *_) = [name for name in files if name.endswith(".jws")]
        lost = {key: data for key, data in files.items() if key != name}
        for forged, code in (
            (lost, "bundle_invalid"),
            ({**files, name: files[name][:-4] + b"AAAA"}, "mandate_wrong"),
        ):
            verdict = verify_files(forged, root)
            assert verdict.failure is not None
            assert (verdict.failed_step, verdict.failure.code) == ("identities", code)
        assert delegations.name("0" * 64) == f"identities/{'0' * 64}.jws"
