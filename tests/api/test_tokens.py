"""Agents of other platforms call the service with access tokens of theirs."""

from collections.abc import Iterator
from typing import Any, cast

import httpx
import pytest

from governance.identity.issuers import Issuer, KeySet
from tests.api.site import PICTURE, Site, refusal
from tests.documents import drafted
from tests.identity.platform_issuer import ISSUER, Holder, KeyServer, Platform, key_server
from tests.platform import ORGANISATION

CREATE = "/v1/governance/generations"
ELSEWHERE = "https://silent.example"


@pytest.fixture(scope="module")
def keys() -> Iterator[KeyServer]:
    with key_server() as server:
        yield server


@pytest.fixture(scope="module")
def platform(site: Site, keys: KeyServer) -> Platform:
    """A platform whose agent `agent-7` may create; the service fetches its keys over HTTP."""
    made = Platform()
    keys.publish(made.key)
    known = cast(dict[str, Issuer], site.service.context.issuers)
    for issuer, url in ((ISSUER, keys.url), (ELSEWHERE, "http://127.0.0.1:1/keys")):
        known[issuer] = Issuer(
            issuer, ORGANISATION, site.url, frozenset({"ES256"}), KeySet(url=url)
        )
    document = drafted(
        service=site.url,
        organisation=ORGANISATION,
        accountable=site.principals["producer"].id,
        id="https://studio.example/agents/7",
        binding={"issuer": ISSUER, "subject": "agent-7"},
    )
    body = {"document": document, "signatures": []}
    answer = site["admin"].post("/v1/governance/agents", json=body)
    assert answer.status_code == 201, answer.text
    site.grant(answer.json()["id"], "agent")
    return made


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def ask(site: Site, headers: dict[str, str]) -> httpx.Response:
    return site["visitor"].post(CREATE, json=PICTURE, headers=headers)


def principal(site: Site, generation: str) -> dict[str, Any]:
    """Who asked, as the record tells it."""
    story = site["officer"].get(f"{CREATE}/{generation}").json()["story"]
    asked: dict[str, Any] = story["request"]["principal"]
    return asked


def test_with_a_bearer_token_an_agent_reads_and_policy_knows_its_class(
    site: Site, platform: Platform
) -> None:
    headers = bearer(platform.token(aud=site.url))
    assert site["visitor"].get("/v1/models", headers=headers).status_code == 200
    assert site["visitor"].get("/v1/models", headers=headers).status_code == 200
    details = refusal(ask(site, headers), 400, "policy_denied")["details"]
    assert details["rules"] == ["nist-agent-assurance"]
    asked = principal(site, details["generation"])
    assert (asked["kind"], asked["assurance"]) == ("agent", "C")


def test_a_token_bound_to_a_key_creates_with_assurance_b(site: Site, platform: Platform) -> None:
    holder = Holder()
    token = platform.token(aud=site.url, cnf=holder.binding)
    proof = holder.proof(token, "POST", site.url + CREATE)
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    answer = ask(site, headers)
    assert answer.status_code == 200, answer.text
    assert principal(site, answer.json()["id"])["assurance"] == "B"
    with site.recorded():
        error = refusal(ask(site, headers), 401, "dpop_replayed")
    assert error["details"]["server_time"]
    again = holder.proof(token, "POST", site.url + CREATE)
    assert ask(site, {**headers, "DPoP": again}).status_code == 200


def test_a_proof_for_another_address_or_a_stolen_token_is_refused(
    site: Site, platform: Platform
) -> None:
    holder = Holder()
    token = platform.token(aud=site.url, cnf=holder.binding)
    elsewhere = holder.proof(token, "POST", f"{site.url}/v1/videos")
    with site.recorded():
        answer = ask(site, {"Authorization": f"DPoP {token}", "DPoP": elsewhere})
        refusal(answer, 401, "dpop_mismatch")
        assert 'DPoP error="invalid_dpop_proof", algs=' in answer.headers["www-authenticate"]
        refusal(ask(site, bearer(token)), 401, "token_binding")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sub": "agent-8"}, "token_subject_unknown"),
        ({"iss": "https://evil.example"}, "token_issuer_unknown"),
        ({"aud": "https://other.example"}, "token_audience"),
        ({"header": {"alg": "ES256", "kid": "k2"}}, "token_signature_invalid"),
    ],
)
def test_a_token_that_does_not_hold_is_refused_and_leaves_no_record(
    site: Site, platform: Platform, changes: dict[str, str], code: str
) -> None:
    token = platform.token(**{"aud": site.url, **changes})  # type: ignore[arg-type]
    with site.recorded():
        answer = ask(site, bearer(token))
    refusal(answer, 401, code)
    assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token", DPoP')


def test_an_issuer_that_does_not_answer_is_told_apart(site: Site, platform: Platform) -> None:
    token = platform.token(aud=site.url, iss=ELSEWHERE)
    answer = ask(site, bearer(token))
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "issuer_unavailable")


def test_what_its_roles_do_not_allow_is_refused_and_recorded(
    site: Site, platform: Platform
) -> None:
    with site.recorded("access.denied"):
        answer = site["visitor"].get(
            "/v1/governance/agents", headers=bearer(platform.token(aud=site.url))
        )
    refusal(answer, 403, "access_denied")
