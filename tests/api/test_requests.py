"""A request with a fault gets an error that says what to do, and leaves no trace."""

import socket
from typing import Any

import httpx
import pytest

from tests.api.site import CANARY, JSON_LIMIT, PICTURE, Site, refusal

VIDEO = {
    "model": "local/procedural-video",
    "prompt": f"a calm sea, {CANARY}",
    "seconds": "1",
    "size": "128x64",
    "metadata": {"territories": "EU", "project": "launch"},
}
SAID = PICTURE["governance"]
# What is wrong, what is sent beside a correct request, the code, the field at fault.
FAULTS: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("unknown model", {"model": "acme/none"}, "model_unknown", "model"),
    ("retired model", {"model": "openai/sora-2"}, "model_retired", "model"),
    ("no territory", {"metadata": {"project": "launch"}}, "territory_missing", "territories"),
    ("odd territory", {"metadata": {"territories": "Europe"}}, "territory_invalid", "territories"),
    ("no such country", {"metadata": {"territories": "XX"}}, "territory_unknown", "territories"),
    ("no such state", {"metadata": {"territories": "US-ZZ"}}, "territory_unknown", "territories"),
    (
        "odd performer",
        {"governance": {"synthetic_performer": 1}},
        "synthetic_performer_invalid",
        "synthetic_performer",
    ),
    ("a ghost", {"governance": {"depicts": ["ghost"]}}, "depicts_invalid", "depicts"),
    ("no prompt", {"prompt": None}, "prompt_invalid", "prompt"),
    ("empty prompt", {"prompt": ""}, "prompt_invalid", "prompt"),
    ("prompt of a list", {"prompt": [CANARY]}, "prompt_invalid", "prompt"),
    ("long prompt", {"prompt": CANARY * 5000}, "prompt_invalid", "prompt"),
    ("size in words", {"size": f"large {CANARY}"}, "size_invalid", "size"),
    ("size as a number", {"size": 1280}, "size_invalid", "size"),
    ("half a second", {"seconds": "0.5"}, "seconds_invalid", "seconds"),
    ("negative seconds", {"seconds": -1}, "seconds_invalid", "seconds"),
    ("a length no model makes", {"seconds": "900"}, "no_route", "model"),
    ("a size no model makes", {"size": "2x2"}, "no_route", "model"),
    ("project in capitals", {"governance": {"project": "Launch!"}}, "project_invalid", "project"),
    ("project of a list", {"governance": {"project": ["a"]}}, "project_invalid", "project"),
    ("unknown purpose", {"governance": {"purpose": "fun"}}, "purpose_invalid", "purpose"),
    ("unknown role", {"governance": {"roles": ["king"]}}, "roles_invalid", "roles"),
    ("roles as a number", {"governance": {"roles": 7}}, "list_invalid", "roles"),
    ("territories as a map", {"governance": {"territories": {}}}, "list_invalid", "territories"),
    ("unknown answer", {"governance": {"deep_fake": True}}, "deep_fake_invalid", "deep_fake"),
    ("unknown sector", {"governance": {"sector": "magic"}}, "decision_input_invalid", "sector"),
    ("consent as a number", {"governance": {"consent": 5}}, "consent_invalid", "consent"),
    ("unknown key", {"governance": {"teritories": ["EU"]}}, "governance_invalid", "governance"),
    ("governance as a list", {"governance": []}, "governance_invalid", "governance"),
    ("metadata that is nested", {"metadata": {"a": {"b": "c"}}}, "metadata_invalid", "metadata"),
    ("metadata as text", {"metadata": "project=launch"}, "metadata_invalid", "metadata"),
    ("an input by name", {"input_reference": "file-1"}, "input_invalid", "input_reference"),
    ("consent in free text", {"governance": {"consent": "c" * 129}}, "consent_invalid", "consent"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=[fault[0] for fault in FAULTS])
def test_a_wrong_field_is_named(
    site: Site, fault: tuple[str, dict[str, Any], str, str | None]
) -> None:
    _, changes, code, param = fault
    with site.recorded():
        answer = site["agent"].post("/v1/videos", json={**VIDEO, **changes})
    assert refusal(answer, 400, code)["param"] == param


def test_a_retired_model_names_its_alternatives(site: Site) -> None:
    answer = site["agent"].post("/v1/videos", json={**VIDEO, "model": "sora-2"})
    error = refusal(answer, 400, "model_retired")
    assert "local/procedural-video" in error["details"]["alternatives"]
    assert "local/procedural-video" in error["message"]


def test_no_route_says_why_for_each_model(site: Site) -> None:
    answer = site["agent"].post("/v1/videos", json={**VIDEO, "model": "auto", "seconds": "600"})
    candidates = refusal(answer, 400, "no_route")["details"]["candidates"]
    assert {"local/procedural-video", "openai/sora-2"} <= {one["model"] for one in candidates}
    assert all(one["rejected"] for one in candidates)


@pytest.mark.parametrize("path", ["/v1/videos", "/v1/governance/generations"])
@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'"text"', b"\xff\xfe", b'{"prompt": "\\ud800"}', b"prompt=x"]
)
def test_a_body_that_is_no_json_object_is_refused(site: Site, path: str, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    with site.recorded():
        answer = site["agent"].post(path, content=body, headers=headers)
    refusal(answer, 400, "json_invalid")


def test_a_broken_form_is_refused(site: Site) -> None:
    for kind, body in (
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b"no boundary in here"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\nv\r\n"),
    ):
        with site.recorded():
            answer = site["agent"].post("/v1/videos", content=body, headers={"Content-Type": kind})
        assert refusal(answer, 400, "form_invalid")["message"]


@pytest.mark.parametrize("path", ["/v1/governance/generations", "/v1/governance/preflight"])
def test_a_field_that_governance_does_not_know_is_never_ignored(site: Site, path: str) -> None:
    with site.recorded():
        answer = site["agent"].post(path, json={**PICTURE, "project": "launch"})
    error = refusal(answer, 400, "field_unknown")
    assert error["param"] == "project"
    refusal(site["agent"].post(path, json={**PICTURE, "media": "film"}), 400, "media_invalid")


# A path whose body FastAPI reads, and one whose body we read.
LIMITED = ["/v1/videos", "/v1/governance/roles", "/v1/governance/exports"]


@pytest.mark.parametrize("path", LIMITED)
def test_an_announced_body_over_the_limit_is_refused_before_it_is_sent(
    site: Site, path: str
) -> None:
    with site.recorded():
        answer = begin(site, path, f"Content-Length: {JSON_LIMIT + 1}", b"")
    assert answer.startswith("HTTP/1.1 413")
    assert "body_too_large" in answer
    assert str(JSON_LIMIT) in answer


@pytest.mark.parametrize("path", LIMITED)
def test_a_body_without_a_length_is_refused_as_soon_as_it_exceeds_the_limit(
    site: Site, path: str
) -> None:
    too_much = b" " * (JSON_LIMIT + 1)
    with site.recorded():
        chunk = b"%x\r\n%s\r\n" % (len(too_much), too_much)  # and more could follow
        answer = begin(site, path, "Transfer-Encoding: chunked", chunk)
    assert answer.startswith("HTTP/1.1 413")
    assert "body_too_large" in answer


def begin(site: Site, path: str, header: str, body: bytes) -> str:
    """Send the beginning of a request; what the service answers to so much."""
    host, port = site.authority.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {site.authority}\r\n"
            f"Content-Type: application/json\r\n{header}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        answer = b""
        while b"}}" not in answer:
            answer += connection.recv(4096)
    return answer.decode()


def test_the_body_may_be_as_large_as_the_limit(site: Site) -> None:
    content = b"{" + b" " * (JSON_LIMIT - 2) + b"}"
    headers = {"Content-Type": "application/json"}
    answer = site["agent"].post("/v1/videos", content=content, headers=headers)
    refusal(answer, 400, "prompt_invalid")


class TestWhereGovernanceIsTold:
    def ask(self, site: Site, headers: dict[str, str], **fields: Any) -> httpx.Response:
        body = {key: value for key, value in VIDEO.items() if key != "metadata"}
        return site["agent"].post(
            "/v1/governance/preflight", json={**body, **fields}, headers=headers
        )

    def test_headers_serve_clients_that_cannot_add_fields(self, site: Site) -> None:
        answer = self.ask(site, {"X-Governance-Territories": "US, JP"})
        assert answer.json()["not_assessed"] == ["JP", "US"]

    def test_metadata_wins_over_headers_and_the_object_over_both(self, site: Site) -> None:
        headers = {"X-Governance-Territories": "US", "X-Governance-Real-Person": "yes"}
        answer = self.ask(site, headers, metadata={"territories": "JP", "real_person": "no"})
        assert answer.json()["not_assessed"] == ["JP"]
        assert answer.json()["effect"] != "deny"
        answer = self.ask(
            site, headers, metadata={"territories": "JP"}, governance={"territories": ["BR"]}
        )
        assert answer.json()["not_assessed"] == ["BR"]

    def test_a_form_may_carry_the_object_as_text(self, site: Site) -> None:
        form = {"prompt": CANARY, "model": "sora-2", "governance": '{"territories": ["EU"]}'}
        files = {"nothing": (None, "")}
        answer = site["agent"].post("/v1/videos", data=form, files=files)
        refusal(answer, 400, "model_retired")
        form["governance[audience]"] = "internal"
        refusal(site["agent"].post("/v1/videos", data=form, files=files), 400, "form_invalid")
        del form["governance[audience]"]
        form["governance"] = "{"
        answer = site["agent"].post("/v1/videos", data=form, files=files)
        refusal(answer, 400, "governance_invalid")

    def test_a_form_may_carry_the_object_field_by_field(self, site: Site) -> None:
        form = {
            "prompt": CANARY,
            "model": "local/procedural-video",
            "size": "128x64",
            "seconds": "1",
            "governance[territories][]": ["US", "JP"],
            "governance[audience]": "internal",
        }
        answer = site["agent"].post("/v1/videos", data=form, files={"nothing": (None, "")})
        assert answer.status_code == 200, answer.text
        told = site.service.story(answer.json()["id"]).request
        assert (told["territories"], told["audience"]) == (["JP", "US"], "internal")
        twice = {**form, "governance[territories]": "EU"}
        answer = site["agent"].post("/v1/videos", data=twice, files={"nothing": (None, "")})
        refusal(answer, 400, "form_invalid")
