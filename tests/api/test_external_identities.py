"""Administrators link people to whom an identity provider knows them as."""

import pytest

from governance.identity import external
from tests.api.site import Site, refusal
from tests.platform import ORGANISATION

IDENTITY = {"issuer": "https://login.example/tenant", "subject": "paula-1"}


def address(site: Site, name: str = "nobody") -> str:
    return f"/v1/governance/people/{site.principals[name].id}/external-identities"


def linked(site: Site) -> str | None:
    with site.service.context.database.read() as session:
        return external.person_of(session.connection(), ORGANISATION, *IDENTITY.values())


def test_a_link_can_be_made_and_taken_back_and_both_are_on_record(site: Site) -> None:
    site.hire("leaver")
    person = site.principals["leaver"].id
    with site.recorded("agent.changed"):
        answer = site["admin"].post(f"{address(site, 'leaver')}/link", json=IDENTITY)
    assert (answer.status_code, answer.json()) == (201, {"id": person, "object": "person"})
    assert linked(site) == person
    refusal(
        site["admin"].post(f"{address(site)}/link", json=IDENTITY), 409, "external_identity_taken"
    )
    with site.recorded("agent.changed"):
        answer = site["admin"].post(f"{address(site, 'leaver')}/unlink", json=IDENTITY)
    assert answer.status_code == 200
    assert linked(site) is None
    # Whoever signed in as that subject is out.
    refusal(site["leaver"].get("/v1/models"), 401, "session_expired")
    answer = site["admin"].post(f"{address(site, 'leaver')}/unlink", json=IDENTITY)
    refusal(answer, 404, "external_identity_unknown")


@pytest.mark.parametrize("end", ["/link", "/unlink"])
def test_it_takes_an_administrator_of_the_same_organisation(site: Site, end: str) -> None:
    with site.recorded("access.denied"):
        refusal(site["producer"].post(address(site) + end, json=IDENTITY), 403, "access_denied")
    with site.recorded():
        answer = site["admin"].post(address(site, "stranger") + end, json=IDENTITY)
        assert answer.status_code == 404
    assert linked(site) is None


@pytest.mark.parametrize(
    "body", [{}, {"issuer": "x"}, {**IDENTITY, "subject": ""}, {**IDENTITY, "email": "a@b.c"}]
)
def test_what_is_no_issuer_and_subject_is_refused(site: Site, body: dict[str, str]) -> None:
    with site.recorded():
        refusal(site["admin"].post(f"{address(site)}/link", json=body), 400, "request_invalid")
