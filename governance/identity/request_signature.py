"""The strict verifier of request signatures, profile `gov-agent-v1`.

RFC 9421 leaves coverage, lifetime and replay to the application; this file is that policy. All of
it is mandatory: a request that deviates is refused, never interpreted.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import http_sf

from governance.evidence import signature_base as profile
from governance.evidence.errors import EvidenceError
from governance.kernel import clock
from governance.kernel.errors import Unauthenticated

MAX_SKEW = 5  # seconds that the caller's clock may differ from ours
MAX_FIELD = 4096
EMPTY_SHA256 = hashlib.sha256(b"").digest()
REQUIRED_PARAMETERS = {"created", "expires", "nonce", "keyid", "tag"}
ALLOWED_PARAMETERS = REQUIRED_PARAMETERS | {"alg"}

# 16 letters of base64, base64url or hexadecimal: room for the 96 random bits that are asked for.
_NONCE = re.compile(r"[A-Za-z0-9+/_-]{16,86}={0,2}")
_KEYID = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class ReceivedRequest:
    """A request as it came over the wire.

    authority: the service's configured public name, never the request's Host header;
    path: the raw path, still percent-encoded; query: raw, without `?`;
    headers: all field lines in order; body_sha256: raw digest of the body's bytes as received
    (before any content decoding), None when there is no body.
    """

    method: str
    authority: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body_sha256: bytes | None = None


@dataclass(frozen=True)
class Presented:
    """A signature with our tag as found in the headers; nothing of it is verified yet."""

    components: list[Any]
    parameters: dict[str, Any]
    signature: bytes


@dataclass(frozen=True)
class SignedRequest:
    """A verified signature: all that is needed to verify it again offline.

    created, expires: Unix seconds; base: the signed text; signature: 64 bytes.
    """

    keyid: str
    nonce: str
    created: int
    expires: int
    base: str
    signature: bytes


def find(headers: Iterable[tuple[str, str]]) -> Presented | None:
    """The request's one signature with our tag; None when it carries none.

    Raises Unauthenticated (`signature_malformed`).
    """
    lines = list(headers)
    inputs, text = _dictionary(lines, "signature-input")
    ours = [label for label, member in inputs.items() if member[1].get("tag") == profile.TAG]
    if not ours:
        return None
    if len(ours) > 1:
        raise _malformed(f"more than one signature has the tag {profile.TAG}")
    signatures, encoded = _dictionary(lines, "signature")
    # Two spellings of one signature are one too many: what is judged is exactly what was sent.
    if http_sf.ser(inputs) != text or not signatures or http_sf.ser(signatures) != encoded:
        raise _malformed("the headers are not in the canonical form of RFC 9651")
    components, parameters = inputs[ours[0]]
    signature, further = signatures.get(ours[0], (None, {}))
    if inputs.keys() != signatures.keys() or not isinstance(components, list):
        raise _malformed("Signature-Input and Signature do not belong together")
    if not isinstance(signature, bytes) or further:
        raise _malformed("the signature must be bytes without parameters")
    return Presented(components, parameters, signature)


def verify(
    request: ReceivedRequest, presented: Presented, public_key: Callable[[str], bytes | None]
) -> SignedRequest:
    """Check a request against the profile. Does not spend the nonce; see `replay`.

    public_key: the raw Ed25519 key for a keyid, None for unknown ones.
    Raises Unauthenticated with the server's time in its details: `signature_malformed`,
    `signature_coverage`, `signature_lifetime`, `signature_expired`, `signature_not_yet_valid`,
    `signature_digest`, `signature_key_unknown`, `signature_invalid`.
    """
    _check_parameters(presented.parameters)
    _check_times(presented.parameters["created"], presented.parameters["expires"])
    names = _names(presented)
    message = _message(request)
    _check_coverage(names, message, has_body=request.body_sha256 is not None)
    _check_digest(message, request.body_sha256)
    base = _base(message, names, presented)
    key = public_key(presented.parameters["keyid"])
    if key is None:
        raise refused("signature_key_unknown", "No agent is registered with this key.")
    try:
        profile.verify_signature_base(base, presented.signature, key)
    except EvidenceError as error:
        raise refused("signature_invalid", error.message) from None
    return SignedRequest(
        keyid=presented.parameters["keyid"],
        nonce=presented.parameters["nonce"],
        created=presented.parameters["created"],
        expires=presented.parameters["expires"],
        base=base,
        signature=presented.signature,
    )


def refuse_expired(expires: int) -> None:
    """Raises Unauthenticated (`signature_expired`)."""
    if expires < clock.now().timestamp() - MAX_SKEW:
        raise refused("signature_expired", "The signature has expired; sign the request again.")


def refused(code: str, message: str) -> Unauthenticated:
    """The error, with our time, so that a caller with a wrong clock can set it."""
    return Unauthenticated(code, message, server_time=clock.rfc3339(clock.now()))


def _dictionary(headers: list[tuple[str, str]], name: str) -> tuple[dict[str, Any], str]:
    """The members of a header, each a value and its parameters; and the header's text."""
    text = ", ".join(value for key, value in headers if key.lower() == name)
    if len(text) > MAX_FIELD:
        raise _malformed(f"{name} is longer than {MAX_FIELD} characters")
    try:
        members: dict[str, Any] = http_sf.parse(  # type: ignore[assignment]
            text.encode("ascii"), tltype="dictionary", on_duplicate_key=_refuse_duplicate
        )
    except ValueError:
        raise _malformed(f"{name} is not a dictionary of RFC 9651") from None
    return members, text


def _refuse_duplicate(key: str, where: str) -> None:
    raise _malformed(f"{key} appears twice in one {where}")


def _check_parameters(parameters: dict[str, Any]) -> None:
    if not REQUIRED_PARAMETERS <= parameters.keys() <= ALLOWED_PARAMETERS:
        raise _malformed(
            "the parameters must be created, expires, nonce, keyid, tag and at most alg"
        )
    if type(parameters["created"]) is not int or type(parameters["expires"]) is not int:
        raise _malformed("created and expires must be integers")
    if parameters.get("alg", "ed25519") != "ed25519":
        raise _malformed("alg must be ed25519 or absent")
    texts = [value for name, value in parameters.items() if name not in ("created", "expires")]
    if not all(isinstance(value, str) for value in texts):
        raise _malformed("nonce, keyid, tag and alg must be strings")
    if not _NONCE.fullmatch(parameters["nonce"]):
        raise _malformed("the nonce must be 16 to 86 letters of base64: at least 96 random bits")
    if not _KEYID.fullmatch(parameters["keyid"]):
        raise _malformed("the keyid must be the RFC 7638 thumbprint of the key")


def _check_times(created: int, expires: int) -> None:
    if not 0 < expires - created <= profile.MAX_LIFETIME:
        raise refused(
            "signature_lifetime",
            f"A signature must expire 1 to {profile.MAX_LIFETIME} seconds after its creation.",
        )
    if created > clock.now().timestamp() + MAX_SKEW:
        raise refused("signature_not_yet_valid", "The signature is from the future; set the clock.")
    refuse_expired(expires)


def _names(presented: Presented) -> list[str]:
    for name, parameters in presented.components:
        if type(name) is not str or parameters:
            raise _malformed("components must be plain names without parameters")
    return [name for name, _ in presented.components]


def _message(request: ReceivedRequest) -> profile.HttpRequest:
    try:
        fields = profile.covered_fields(request.headers)
    except EvidenceError as error:
        raise _malformed(error.message) from None
    return profile.HttpRequest(
        request.method, request.authority, request.path, request.query, fields
    )


def _check_coverage(names: list[str], message: profile.HttpRequest, *, has_body: bool) -> None:
    due = set(profile.covered(message))
    if has_body:
        due |= set(profile.BODY_FIELDS)
    if len(names) != len(due) or set(names) != due:
        raise refused(
            "signature_coverage",
            "The signature must cover exactly the components that the profile names for this "
            f"request: {', '.join(sorted(due))}.",
        )


def _check_digest(message: profile.HttpRequest, body_sha256: bytes | None) -> None:
    stated = message.fields.get("content-digest")
    if stated is None and body_sha256 is None:
        return
    if stated != profile.digest_value(body_sha256 or EMPTY_SHA256):
        raise refused(
            "signature_digest",
            "Content-Digest must be exactly one sha-256 digest, that of the body as received.",
        )


def _base(message: profile.HttpRequest, names: list[str], presented: Presented) -> str:
    member = (presented.components, presented.parameters)
    parameters = http_sf.ser({"s": member}).removeprefix("s=")
    try:
        return profile.signature_base(message, names, parameters)
    except EvidenceError as error:
        raise _malformed(error.message) from None


def _malformed(why: str) -> Unauthenticated:
    return refused("signature_malformed", f"The request signature is malformed: {why}.")
