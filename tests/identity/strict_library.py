"""`http-message-signatures` as a second judge of `gov-agent-v1`.

The library parses the headers, rebuilds the text that was signed, judges times, `alg`, tag and
digest. RFC 9421 leaves the rest to the application; these are the rules that are added here:

1. `Signature-Input` and `Signature` are at most 4,096 characters each, in canonical form; no
   parameter is repeated and the signature itself has none. One member has our tag, not more.
2. The parameters are exactly created, expires, nonce, keyid, tag, and at most alg; the nonce and
   the keyid have the profile's alphabet and length.
3. The signature expires 1 to 60 seconds after its creation.
4. The components are exactly those of the profile for this request, in any order, each once and
   without parameters.
5. A covered header field appears once and is printable ASCII.
6. `Content-Digest` is one canonical sha-256 digest, and there is one where there is a body.
7. Ed25519 is libsodium's, which refuses keys of small order and foreign spellings of S.
8. Method, path and query are those of the request line as received; the library would take them
   from a URL, whose spelling it restricts. The service's name is the configured one.

It shares with the verifier only the parser of structured fields (http-sf) and libsodium.
"""

import re
from datetime import timedelta
from typing import Any

import http_sf
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureComponentResolver,
    HTTPSignatureKeyResolver,
    InvalidSignature,
    algorithms,
)
from nacl.signing import VerifyKey

from governance.identity.request_signature import ReceivedRequest

TAG = "gov-agent-v1"
PARAMETERS = {"created", "expires", "nonce", "keyid", "tag"}
DERIVED = ["@method", "@authority", "@path", "@query"]
WHEN_PRESENT = {
    "content-type",
    "content-digest",
    "content-encoding",
    "authorization",
    "gov-delegation",
    "idempotency-key",
}
STATEMENT = re.compile("x-governance-[a-z0-9-]{1,64}")
NONCE = re.compile("[A-Za-z0-9+/_-]{16,86}={0,2}")
KEYID = re.compile("[A-Za-z0-9_-]{43}")
DIGEST = re.compile("sha-256=:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=:")


class Headers:
    """Field lines as the library asks for them."""

    def __init__(self, request: ReceivedRequest) -> None:
        self._lines = request.headers

    def items(self) -> list[tuple[str, str]]:
        return list(self._lines)


class Message:
    def __init__(self, request: ReceivedRequest) -> None:
        self.request_line = request
        self.method = request.method
        self.url = f"https://{request.authority}/"
        self.headers = Headers(request)


class RequestLine(HTTPSignatureComponentResolver):
    """Rule 8."""

    def get_path(self) -> str:
        return str(self.message.request_line.path or "/")

    def get_query(self) -> str:
        return f"?{self.message.request_line.query}"


class Libsodium(algorithms.ED25519):
    """Rule 7."""

    def __init__(self, public_key: bytes, private_key: None = None) -> None:
        self._key = VerifyKey(public_key)

    def verify(self, signature: bytes, message: bytes) -> None:
        self._key.verify(message, signature)


class Keys(HTTPSignatureKeyResolver):
    def __init__(self, known: dict[str, bytes]) -> None:
        self._known = known

    def resolve_public_key(self, key_id: str) -> bytes | None:
        return self._known.get(key_id)


def accepts(request: ReceivedRequest, body: bytes, known: dict[str, bytes]) -> bool:
    """Whether the library and the rules above accept; known: raw public keys by keyid."""
    return _is_well_written(request) and _library_accepts(request, body, known)


def _library_accepts(request: ReceivedRequest, body: bytes, known: dict[str, bytes]) -> bool:
    verifier = HTTPMessageVerifier(
        signature_algorithm=Libsodium,
        key_resolver=Keys(known),
        component_resolver_class=RequestLine,
    )
    due = [*DERIVED, *_fields(request)]
    due += [name for name in ("content-type", "content-digest") if body and name not in due]
    try:
        results = verifier.verify(
            Message(request),
            max_age=timedelta(seconds=60),
            expect_tag=TAG,
            require_components=due,
            body=body,
        )
    except (InvalidSignature, HTTPMessageSignaturesException):
        return False
    [result] = results
    return _has_our_shape(result.parameters, list(result.covered_components), due)


def _has_our_shape(parameters: dict[str, Any], components: list[str], due: list[str]) -> bool:
    """Rules 2 to 4."""
    return (
        PARAMETERS <= parameters.keys() <= PARAMETERS | {"alg"}
        and NONCE.fullmatch(parameters["nonce"]) is not None
        and KEYID.fullmatch(parameters["keyid"]) is not None
        and 1 <= parameters["expires"] - parameters["created"] <= 60
        and sorted(components) == sorted(f'"{name}"' for name in [*due, "@signature-params"])
    )


def _is_well_written(request: ReceivedRequest) -> bool:
    """Rules 1, 5 and 6."""
    values = [v for name, v in request.headers if _is_covered(name.lower())]
    names = _fields(request)
    digests = [v for name, v in request.headers if name.lower() == "content-digest"]
    return (
        _is_canonical(request, "signature-input")
        and _is_canonical(request, "signature")
        and len(set(names)) == len(names)
        and all(re.fullmatch("[ -~]*", value.strip(" \t")) for value in values)
        and all(DIGEST.fullmatch(value.strip(" \t")) for value in digests)
    )


def _is_canonical(request: ReceivedRequest, name: str) -> bool:
    text = ", ".join(value for key, value in request.headers if key.lower() == name)
    repeated: list[str] = []
    try:
        members: Any = http_sf.parse(
            text.encode("ascii"),
            tltype="dictionary",
            on_duplicate_key=lambda key, where: repeated.append(key),
        )
        is_canonical = http_sf.ser(members) == text
    except ValueError:
        return False
    ours = [member for member in members.values() if member[1].get("tag") == TAG]
    bare = name == "signature-input" or not any(parameters for _, parameters in members.values())
    return is_canonical and len(text) <= 4096 and not repeated and len(ours) <= 1 and bare


def _fields(request: ReceivedRequest) -> list[str]:
    return [name.lower() for name, _ in request.headers if _is_covered(name.lower())]


def _is_covered(name: str) -> bool:
    return name in WHEN_PRESENT or STATEMENT.fullmatch(name) is not None
