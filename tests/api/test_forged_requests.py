"""Attacks on request signatures over real HTTP: refused with their code, none leaves a record.

The bytes go through a plain socket, so that no client tidies them up.
"""

import socket
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from typing import Any

import orjson
import pytest

from tests.api.site import PICTURE, Site
from tests.identity.attacks import ATTACKS, Stage, Wire

# What is refused before anybody looks at the signature. By the one-credential rule; because there
# is nothing at the address, or nothing that takes the method; by the server's parser of HTTP.
EARLIER: dict[str, str] = {
    "a credential that is not covered": "credentials_ambiguous",
    "another method": "method_not_allowed",
    "a deletion": "method_not_allowed",
    "a read": "method_not_allowed",
    "a path below": "method_not_allowed",
    "a slash at the end": "status 307",
    "a slash twice": "not_found",
    "a slash twice inside": "not_found",
    "a dot segment": "not_found",
    "a dot segment percent-encoded": "not_found",
    "a step up": "not_found",
    "a step up percent-encoded": "not_found",
    "a path in capitals": "not_found",
    "a path parameter": "not_found",
    "a field folded over two lines": "status 400",
    "a line smuggled into a field": "status 400",
}


@pytest.fixture(scope="module")
def stage(site: Site) -> Stage:
    """The service's own agents, asking for a picture that nobody would refuse them."""
    agent, intern = (site.signers[name]._key for name in ("agent", "intern"))
    return Stage(site.authority, agent, intern, query="trace=1", body=orjson.dumps(PICTURE))


def encode(wire: Wire, authority: str) -> bytes:
    """The request as HTTP/1.1, with a length unless it names a transfer encoding."""
    target = f"{wire.path}?{wire.query}" if wire.query else wire.path
    lines = [f"{wire.method} {target} HTTP/1.1"]
    if not any(name.lower() == "host" for name, _ in wire.headers):
        lines.append(f"Host: {authority}")
    lines += [f"{name}: {value}" for name, value in wire.headers]
    if wire.body and not any(name == "Transfer-Encoding" for name, _ in wire.headers):
        lines.append(f"Content-Length: {len(wire.body)}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + wire.body


def exchange(site: Site, data: bytes) -> tuple[int, Any]:
    """Status and body of the answer; a body that is no JSON is the server's own."""
    host, port = site.authority.split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(data)
        response = HTTPResponse(connection)
        response.begin()
        text = response.read()
    try:
        return response.status, orjson.loads(text)
    except orjson.JSONDecodeError:
        return response.status, None


def send(site: Site, wire: Wire) -> str:
    """The code of the refusal, or what happened instead."""
    status, answer = exchange(site, encode(wire, site.authority))
    if status == 200:
        return "accepted"
    return str(answer["error"]["code"]) if answer else f"status {status}"


def test_every_attack_is_refused_with_its_code_and_leaves_no_record(
    site: Site, stage: Stage
) -> None:
    with site.recorded():
        answers = {name: send(site, forge(stage)) for name, (forge, _) in ATTACKS.items()}
    assert answers == {name: code for name, (_, code) in ATTACKS.items()} | EARLIER


def test_the_same_request_signed_honestly_is_served(site: Site, stage: Stage) -> None:
    status, answer = exchange(site, encode(stage.sign(), site.authority))
    assert status == 200, answer
    site.wait(answer["id"], "released")


def chunked(wire: Wire, *trailers: str) -> Wire:
    """The same request in two chunks, with fields after the body."""
    half = len(wire.body) // 2
    pieces = [f"{len(p):x}\r\n".encode() + p for p in (wire.body[:half], wire.body[half:])]
    end = "\r\n".join(["0", *trailers, "", ""]).encode()
    return wire.adding(("Transfer-Encoding", "chunked")).but(body=b"\r\n".join([*pieces, end]))


@pytest.mark.parametrize(
    "trailer",
    ["X-Governance-Deep-Fake: yes", "Content-Type: text/plain", "Content-Digest: sha-256=:AA==:"],
)
def test_fields_after_the_body_change_nothing_unsigned(
    site: Site, stage: Stage, trailer: str
) -> None:
    with site.recorded():
        assert send(site, chunked(stage.sign(), trailer)) in (
            "signature_coverage",
            "signature_malformed",
        )


def test_a_body_in_chunks_is_as_good_as_one_with_a_length(site: Site, stage: Stage) -> None:
    wire = stage.sign(path="/v1/governance/preflight")
    assert send(site, chunked(wire)) == "accepted"
    assert send(site, chunked(wire)) == "signature_replayed"
    with site.recorded():
        longer = stage.sign().but(body=stage.body + b" ")
        assert send(site, chunked(longer)) == "signature_digest"


def test_a_body_of_two_lengths_is_refused_by_the_server(site: Site, stage: Stage) -> None:
    with site.recorded():
        for length in ("0", str(len(stage.body) + 60)):
            wire = chunked(stage.sign()).adding(("Content-Length", length))
            assert send(site, wire) == "status 400"


@pytest.mark.parametrize(
    "header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-URL"]
)
def test_headers_that_other_servers_obey_change_nothing(
    site: Site, stage: Stage, header: str
) -> None:
    """They need no cover: what they say is not looked at."""
    with site.recorded():
        for value in ("POST", "DELETE", "/v1/videos"):
            read = stage.sign(method="GET", path="/v1/models", headers=(), body=b"")
            status, answer = exchange(site, encode(read.adding((header, value)), site.authority))
            assert (status, answer["object"]) == (200, "list")


def test_one_signature_from_many_connections_takes_effect_once(site: Site, stage: Stage) -> None:
    data = encode(stage.sign(), site.authority)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: exchange(site, data), range(8)))
    assert sorted(status for status, _ in answers) == [200, *[401] * 7]
    refusals = {answer["error"]["code"] for status, answer in answers if status == 401}
    assert refusals == {"signature_replayed"}
    site.wait(next(answer["id"] for status, answer in answers if status == 200), "released")
