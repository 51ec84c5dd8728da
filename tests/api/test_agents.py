"""Agents and their identity documents over HTTP."""

from typing import Any

from governance.client import agent_document as writing
from governance.client.signer import RequestSigner
from governance.evidence import agent_document, bundle
from governance.evidence.encoding import serialise
from governance.evidence.verify import verify_files
from governance.kernel import ids
from governance.reporting import issue
from tests.api.site import ELSEWHERE, Site, refusal
from tests.documents import ANYTHING, drafted

PATH = "/v1/governance/agents"


def new_signer() -> RequestSigner:
    return RequestSigner(ids.random_bytes(32))


def enlisted(site: Site, name: str) -> str:
    """The path of a new agent of the producer's."""
    site.enlist(name, "agent")
    return f"{PATH}/{site.principals[name].id}"


def following(site: Site, name: str, *signers: RequestSigner, **changes: Any) -> dict[str, Any]:
    """The body that supersedes an agent's document, with these keys."""
    shown = site["admin"].get(f"{PATH}/{site.principals[name].id}/document").json()
    payload = agent_document.open_line(serialise(shown["envelope"]), "It").document.body
    document = drafted(
        *signers,
        service=site.url,
        organisation="default",
        accountable=site.principals["producer"].id,
        **{"id": payload["id"], "supersedes": shown["digest"], **changes},
    )
    return writing.signed(document, signers)


class TestRegistering:
    def test_an_agent_is_registered_once_with_what_its_keys_signed(self, site: Site) -> None:
        signer = new_signer()
        body = site.registration(signer)
        other = site.registration(new_signer())
        with site.recorded():
            for changes, code in (
                ({"signatures": other["signatures"]}, "document_signature_foreign"),
                ({"signatures": body["signatures"] * 2}, "document_signature_repeated"),
                ({"signatures": []}, "document_signature_missing"),
                ({"signatures": [{"keyid": signer.keyid, "sig": "short"}]}, "request_invalid"),
                ({"document": {}}, "document_invalid"),
                ({"document": {**body["document"], "kind": "robot"}}, "document_invalid"),
                ({"document": {**body["document"], "registry": "x"}}, "document_signature_invalid"),
                ({"document": "text"}, "request_invalid"),
                ({"admin": True}, "request_invalid"),
            ):
                refusal(site["admin"].post(PATH, json={**body, **changes}), 400, code)
            elsewhere = site.registration(new_signer(), service="https://other.example")
            refusal(site["admin"].post(PATH, json=elsewhere), 400, "document_audience")
            stranger = site.principals["stranger"].id
            foreign = site.registration(new_signer(), accountable=stranger)
            refusal(site["admin"].post(PATH, json=foreign), 400, "accountable_invalid")
        with site.recorded("agent.changed"):
            made = site["admin"].post(PATH, json=body)
        assert made.status_code == 201, made.text
        assert made.json()["keys"][0]["keyid"] == signer.keyid
        with site.recorded():
            refusal(site["admin"].post(PATH, json=body), 409, "agent_registered")
            again = site.registration(signer, id="urn:other")
            refusal(site["admin"].post(PATH, json=again), 409, "agent_key_registered")

    def test_only_an_administrator_registers(self, site: Site) -> None:
        with site.recorded("access.denied"):
            answer = site["producer"].post(PATH, json=site.registration(new_signer()))
        refusal(answer, 403, "access_denied")


class TestShowing:
    def test_a_registered_agent_is_listed_without_secrets(self, site: Site) -> None:
        own = site.principals["agent"].id
        found = site["auditor"].get(PATH).json()["data"]
        listed = next(item for item in found if item["id"] == own)
        assert [key["keyid"] for key in listed["keys"]] == [site.signers["agent"].keyid]
        assert (listed["accountable"], listed["state"]) == (
            site.principals["producer"].id,
            "active",
        )
        assert site["auditor"].get(f"{PATH}/{own}").json() == listed
        page = site["auditor"].get(PATH, params={"after": own}).json()
        assert own not in {item["id"] for item in page["data"]}

    def test_a_document_comes_in_its_envelope_to_be_checked_elsewhere(self, site: Site) -> None:
        own = site.principals["agent"].id
        shown = site["auditor"].get(f"{PATH}/{own}/document").json()
        opened = agent_document.open_line(serialise(shown["envelope"]), "It")
        opened.verify_registrar(site.service.context.ledger.keyring.record.public, "it")
        assert opened.document.digest == shown["digest"]
        assert shown["digests"] == [shown["digest"]]

    def test_the_address_in_a_document_tells_its_status(self, site: Site) -> None:
        path = enlisted(site, "watched")
        shown = site["admin"].get(f"{path}/document").json()
        opened = agent_document.open_line(serialise(shown["envelope"]), "It")
        url = opened.document.body["status_url"]
        assert url == f"{site.url}{path}/status"
        status = site["auditor"].get(url).json()
        assert (status["active"], status["state"]) == (True, "active")
        assert status["document"] == shown["digest"]
        site["admin"].post(f"{path}/suspend")
        status = site["auditor"].get(url).json()
        assert (status["active"], status["state"]) == (False, "suspended")

    def test_agents_of_others_are_not_shown(self, site: Site) -> None:
        site.hire("mayor", "administrator", organisation=ELSEWHERE)
        own = site.principals["agent"].id
        with site.recorded():
            for name in (own, site.principals["producer"].id, "agt_1"):
                for path in ("", "/document", "/status"):
                    answer = site["mayor"].get(f"{PATH}/{name}{path}")
                    refusal(answer, 404, "agent_not_found")
                for action in ("suspend", "keys/x/revoke"):
                    answer = site["mayor"].post(f"{PATH}/{name}/{action}")
                    refusal(answer, 404, "agent_not_found")
        assert own not in {item["id"] for item in site["mayor"].get(PATH).json()["data"]}


class TestChanging:
    def test_a_suspended_agent_is_out_until_it_is_resumed(self, site: Site) -> None:
        path = enlisted(site, "shaky")
        with site.recorded("agent.changed"):
            assert site["admin"].post(f"{path}/suspend").json()["state"] == "suspended"
        refusal(site["shaky"].get("/v1/models"), 403, "principal_suspended")
        assert site["admin"].post(f"{path}/resume").json()["state"] == "active"
        assert site["shaky"].get("/v1/models").status_code == 200
        assert site["admin"].post(f"{path}/revoke").json()["state"] == "revoked"
        refusal(site["shaky"].get("/v1/models"), 403, "principal_revoked")
        refusal(site["admin"].post(f"{path}/resume"), 409, "principal_state")
        refusal(site["admin"].post(f"{path}/delete"), 400, "request_invalid")
        with site.recorded("access.denied"):
            refusal(site["producer"].post(f"{path}/suspend"), 403, "access_denied")

    def test_keys_are_rotated_by_the_next_document(self, site: Site) -> None:
        path = enlisted(site, "rotating")
        old, new = site.signers["rotating"], new_signer()
        with site.recorded("agent.changed"):
            answer = site["admin"].post(
                f"{path}/documents", json=following(site, "rotating", old, new)
            )
        assert answer.status_code == 201, answer.text
        assert site["rotating"].get("/v1/models").status_code == 200
        assert site.client(auth=new).get("/v1/models").status_code == 200
        with site.recorded("agent.changed"):
            shown = site["admin"].post(f"{path}/keys/{old.keyid}/revoke").json()
        assert {key["keyid"]: key["revoked_at"] is None for key in shown["keys"]} == {
            old.keyid: False,
            new.keyid: True,
        }
        refusal(site["rotating"].get("/v1/models"), 403, "key_revoked")
        assert site.client(auth=new).get("/v1/models").status_code == 200
        refusal(site["admin"].post(f"{path}/keys/none/revoke"), 404, "agent_key_unknown")
        stale = following(site, "rotating", new, supersedes="0" * 64)
        refusal(site["admin"].post(f"{path}/documents", json=stale), 409, "document_stale")

    def test_a_child_falls_with_its_parent(self, site: Site) -> None:
        parent = enlisted(site, "parent")
        signer = new_signer()
        wide = {"ceiling": {**ANYTHING, "per_call": "1000001"}}
        of_parent = {"parent": site.principals["parent"].id}
        body = site.registration(signer, "child", **of_parent, **wide)
        error = refusal(site["admin"].post(PATH, json=body), 400, "grant_widened")
        assert "per_call" in error["message"]
        body = site.registration(signer, "child", **of_parent)
        child = site["admin"].post(PATH, json=body).json()
        assert child["parent"] == site.principals["parent"].id
        site.grant(child["id"], "agent")
        client = site.client(auth=signer)
        assert client.get("/v1/models").status_code == 200
        site["admin"].post(f"{parent}/suspend")
        refusal(client.get("/v1/models"), 403, "ancestor_stopped")
        status = site["auditor"].get(f"{PATH}/{child['id']}/status").json()
        assert (status["state"], status["active"]) == ("active", False)
        assert status["stopped_by"] == site.principals["parent"].id


def test_a_bundle_holds_every_document_that_its_records_cite(site: Site) -> None:
    """And a request of an agent cites the one under which it was made."""
    site.released()
    site.service.platform.publisher.publish()
    context = site.service.context
    issued = issue.issue_export(context, "default", None, by=None, disclose=False)
    files = bundle.unpack(issued.data)
    own = site["admin"].get(f"{PATH}/{site.principals['agent'].id}").json()["document"]
    assert f"identities/{own}.dsse.json" in files
    root = context.ledger.keyring.root
    verdict = verify_files(files, root)
    assert verdict.failure is None, verdict.failure
    assert "requests of agents" in verdict.steps[8].result
    del files[f"identities/{own}.dsse.json"]
    assert verify_files(files, root).failed_step == "identities"
