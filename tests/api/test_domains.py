"""Organisations and projects keep apart what they hold; a role reaches as far as its domain."""

from typing import Any

import pytest

from tests.api.site import ELSEWHERE, Site, refusal

QUEUE = "/v1/governance/reviews"
FILM, TV = "film", "tv"


@pytest.fixture(scope="module")
def cast(site: Site) -> dict[str, Any]:
    """People with roles in one project each, and one picture under review in each project."""
    for project in (FILM, TV):
        for role in ("producer", "reviewer", "auditor"):
            name = f"{project} {role}"
            site.hire(name)
            site.grant(site.principals[name].id, role, project=project)
    made = {}
    for project in (FILM, TV):
        generation = site.create(project=project, real_person="unknown")["id"]
        made[project] = site.wait(generation, "in_review")
    return made


def test_a_reviewer_of_one_project_reads_nothing_of_another(
    site: Site, cast: dict[str, Any]
) -> None:
    own, other = (cast[project]["governance"]["review"] for project in (FILM, TV))
    assert site["film reviewer"].get(f"{QUEUE}/{own}").status_code == 200
    assert site["film reviewer"].get(f"/v1/videos/{cast[FILM]['id']}").status_code == 200
    with site.recorded("access.denied", "access.denied", "access.denied"):
        refusal(site["film reviewer"].get(f"{QUEUE}/{other}"), 403, "access_denied")
        refusal(site["film reviewer"].post(f"{QUEUE}/{other}/claim"), 403, "access_denied")
        answer = site["film reviewer"].get(f"/v1/videos/{cast[TV]['id']}")
        refusal(answer, 403, "access_denied")


def test_a_list_shows_what_lies_in_ones_projects(site: Site, cast: dict[str, Any]) -> None:
    for project, other in ((FILM, TV), (TV, FILM)):
        listed = site[f"{project} reviewer"].get(QUEUE).json()["data"]
        assert {item["project"] for item in listed} == {project}
        answer = site[f"{project} reviewer"].get(QUEUE, params={"project": other})
        refusal(answer, 403, "access_denied")
    assert {FILM, TV} <= {item["project"] for item in site["reviewer"].get(QUEUE).json()["data"]}


def test_ones_own_requests_are_listed_project_by_project(site: Site, cast: dict[str, Any]) -> None:
    site.hire("both")
    both = site.principals["both"].id
    for project in (FILM, TV):
        site.grant(both, "producer", project=project)
    made = {project: site.create("both", project=project)["id"] for project in (FILM, TV)}
    listed = {video["id"] for video in site["both"].get("/v1/videos").json()["data"]}
    assert listed == set(made.values())
    body = {"subject": both, "role": "role:producer", "domain": f"org/default/project/{TV}"}
    site["admin"].post("/v1/governance/roles/revoke", json=body)
    listed = {video["id"] for video in site["both"].get("/v1/videos").json()["data"]}
    assert listed == {made[FILM]}


def test_nobody_asks_for_media_in_a_project_that_is_not_theirs(
    site: Site, cast: dict[str, Any]
) -> None:
    assert site.create("film producer", project=FILM)["id"]
    body = {
        "media": "image",
        "prompt": "a calm sea",
        "governance": {"project": TV, "territories": ["EU"]},
    }
    for path in ("/v1/governance/generations", "/v1/governance/preflight"):
        refusal(site["film producer"].post(path, json=body), 403, "access_denied")


def test_evidence_of_a_project_is_for_its_auditors(site: Site, cast: dict[str, Any]) -> None:
    records = "/v1/governance/records"
    own, other = ({"generation": cast[project]["id"]} for project in (FILM, TV))
    listed = site["film auditor"].get(records, params=own).json()["data"]
    refusal(site["film auditor"].get(records, params=other), 403, "access_denied")
    refusal(site["tv auditor"].get(f"{records}/{listed[0]['id']}"), 403, "access_denied")
    for body in ({"project": TV}, {}):
        answer = site["film auditor"].post("/v1/governance/exports", json=body)
        refusal(answer, 403, "access_denied")


def test_another_organisation_cannot_tell_whether_something_exists(
    site: Site, cast: dict[str, Any]
) -> None:
    """The same answer, word for word, for what is somebody else's and for what never was."""
    unknown = {"id": "gen_" + "0" * 32, "review": "rev_" + "0" * 32}
    real = {"id": cast[FILM]["id"], "review": cast[FILM]["governance"]["review"]}
    for path, name in (
        ("/v1/videos/{}", "id"),
        ("/v1/videos/{}/content", "id"),
        ("/v1/governance/generations/{}", "id"),
        ("/v1/governance/records?generation={}", "id"),
        (f"{QUEUE}/{{}}", "review"),
    ):
        answers = []
        for named in (real, unknown):
            answer = site["stranger"].get(path.format(named[name]))
            assert answer.status_code == 404, answer.text
            answers.append(answer.text.replace(named[name], "*"))
        assert answers[0] == answers[1]
    assert site["stranger"].get(QUEUE).json()["data"] == []


def test_a_role_in_one_organisation_is_worth_nothing_in_another(site: Site) -> None:
    site.hire("visitor from elsewhere", organisation=ELSEWHERE)
    site.grant(site.principals["visitor from elsewhere"].id, "producer")
    answer = site["visitor from elsewhere"].get("/v1/models")
    refusal(answer, 403, "access_denied")
    site.hire("sheriff", "administrator", organisation=ELSEWHERE)
    body = {"subject": site.principals["sheriff"].id, "role": "role:auditor"}
    for domain in ("org/default", "org/default/project/film", "*", "org/elsewhere2", "org"):
        answer = site["sheriff"].post("/v1/governance/roles", json={**body, "domain": domain})
        refusal(answer, 400, "domain_invalid")
