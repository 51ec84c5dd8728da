"""What our client signs, an independent library accepts as it is; and the other way round."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from freezegun import freeze_time
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    MappingKeyResolver,
    algorithms,
)

from governance.client.signer import RequestSigner
from governance.evidence.signature_base import BODY_FIELDS, DERIVED, TAG
from governance.identity.request_signature import ReceivedRequest
from tests.identity.forging import AGENT, AUTHORITY, BODY, NONCE, body_digest, check, keyid

NOW = datetime(2026, 11, 22, 11, 12, 5, tzinfo=UTC)
JSON = {"Content-Type": "application/json"}
KEYS = MappingKeyResolver(
    public_keys={keyid(): Ed25519PublicKey.from_public_bytes(bytes(AGENT.verify_key))},
    private_keys={keyid(): Ed25519PrivateKey.from_private_bytes(bytes(AGENT))},
)


@dataclass
class Message:
    """A request as the library wants it."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = b""


URL = f"https://{AUTHORITY}/v1/videos"
SHAPES = {
    "a body": Message("POST", URL, JSON, BODY),
    "no body": Message("GET", f"{URL}/gen_1", {}),
    "a query": Message("GET", f"{URL}?after=a%2Fb&limit=2&q=", {}),
    "an empty query": Message("DELETE", f"{URL}/gen_1?", {}),
    "an escaped path": Message("GET", f"{URL}/a%2Fb/%C3%A4;v=1", {}),
    "every field that must be covered": Message(
        "POST",
        URL,
        {
            **JSON,
            "Idempotency-Key": "order 7",
            "Gov-Delegation": "eyJhIjoxfQ",
            "X-Governance-Project": "spring",
            "X-Governance-Deep-Fake": "no",
        },
        BODY,
    ),
    "a body of bytes": Message("PUT", URL, {"Content-Type": "image/png"}, bytes(range(256))),
}


@pytest.fixture(autouse=True, scope="module")
def frozen() -> Iterator[None]:
    with freeze_time(NOW):
        yield


@pytest.mark.parametrize("shape", SHAPES)
def test_the_library_accepts_what_our_client_signs(shape: str) -> None:
    message = SHAPES[shape]
    request = httpx.Request(
        message.method, message.url, headers=message.headers, content=message.body
    )
    request.read()
    signed = next(RequestSigner(bytes(AGENT)).auth_flow(request))
    sent = Message(message.method, message.url, dict(signed.headers), message.body)
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=KEYS)
    fields = [*message.headers, *(["content-digest"] if message.body else [])]
    [result] = verifier.verify(
        sent,
        max_age=timedelta(seconds=60),
        expect_tag=TAG,
        require_components=(*DERIVED, *(name.lower() for name in fields)),
        body=message.body,
    )
    assert result.parameters["keyid"] == keyid()


@pytest.mark.parametrize("include_alg", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_we_accept_what_the_library_signs(shape: str, *, include_alg: bool) -> None:
    message = SHAPES[shape]
    sent = Message(message.method, message.url, dict(message.headers), message.body)
    fields = [name.lower() for name in message.headers if name.lower() not in BODY_FIELDS]
    HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=KEYS).sign(
        sent,
        key_id=keyid(),
        created=NOW,
        expires=NOW + timedelta(seconds=30),
        nonce=NONCE,
        tag=TAG,
        include_alg=include_alg,
        covered_component_ids=(*DERIVED, *(BODY_FIELDS if message.body else ()), *fields),
        body=message.body or None,
    )
    path, _, query = message.url.removeprefix(f"https://{AUTHORITY}").partition("?")
    request = ReceivedRequest(
        message.method,
        AUTHORITY,
        path,
        query,
        list(sent.headers.items()),
        body_digest(message.body),
    )
    signed = check(request)
    assert signed is not None
    assert signed.nonce == NONCE
