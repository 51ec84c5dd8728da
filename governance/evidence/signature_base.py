"""Signed HTTP requests, profile `gov-agent-v1`: the text that is signed, written and checked.

RFC 9421 (HTTP message signatures) with Ed25519 and RFC 9530 (`Content-Digest`), narrowed to one
shape. The caller signs the text, the service verifies it and keeps it: anyone can check it again
from the stored text, the signature and the public key alone.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from governance.evidence import keys
from governance.evidence.encoding import encode64, encode64url, serialise
from governance.evidence.errors import EvidenceError

TAG = "gov-agent-v1"
LABEL = "gov"
MAX_LIFETIME = 60  # seconds between created and expires
DERIVED = ("@method", "@authority", "@path", "@query")
BODY_FIELDS = ("content-type", "content-digest")
# Whenever one of these is in the request, the signature must cover it.
FIELDS = (*BODY_FIELDS, "content-encoding", "authorization", "gov-delegation", "idempotency-key")

# So must every header in which a caller states facts for policy.
_STATED = re.compile(r"x-governance-[a-z0-9-]{1,64}")
_KEYID = re.compile(r';keyid="([A-Za-z0-9_-]{43})"')
_LINE = re.compile(r'"([^"]+)": (.*)')
_TIME = re.compile(r";(created|expires)=([0-9]{1,10})(?=;|$)")


@dataclass(frozen=True)
class HttpRequest:
    """What a signature can cover.

    method: as sent (`POST`); authority: lower-case host, with the port unless it is the scheme's
    default; path and query: as sent, still percent-encoded, the query without `?`;
    fields: the covered header fields by lower-case name, see `covered_fields`.
    """

    method: str
    authority: str
    path: str
    query: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class SignedText:
    """What a signed text says. components: the covered values by name; created, expires: Unix
    seconds."""

    components: Mapping[str, str]
    created: int
    expires: int


def thumbprint(public_key: bytes) -> str:
    """The `keyid`: RFC 7638 thumbprint of the JWK of a raw Ed25519 key (RFC 8037), 43 letters."""
    jwk = serialise({"crv": "Ed25519", "kty": "OKP", "x": encode64url(public_key)})
    return encode64url(hashlib.sha256(jwk).digest())


def content_digest(body: bytes) -> str:
    """The value of `Content-Digest` for a body as sent (RFC 9530 section 2)."""
    return digest_value(hashlib.sha256(body).digest())


def digest_value(sha256: bytes) -> str:
    """The same from a raw 32-byte sha256, for bodies that are hashed while they stream."""
    return f"sha-256=:{encode64(sha256)}:"


def covered_fields(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The header fields of the profile that are present, by lower-case name.

    Raises EvidenceError (`field_repeated`): with two values it would depend on the reader which
    one was meant.
    """
    found: dict[str, str] = {}
    for name, value in headers:
        name = name.lower()
        if name not in FIELDS and not _STATED.fullmatch(name):
            continue
        if name in found:
            raise EvidenceError("field_repeated", f"The header {name} appears more than once.")
        found[name] = value.strip(" \t")
    return found


def covered(request: HttpRequest) -> tuple[str, ...]:
    """The names of all components that a signature of this request must cover, in our order."""
    stated = sorted(name for name in request.fields if _STATED.fullmatch(name))
    return (*DERIVED, *(name for name in FIELDS if name in request.fields), *stated)


def signature_base(request: HttpRequest, names: Sequence[str], parameters: str) -> str:
    """The text to sign (RFC 9421 section 2.5).

    names: components in the signature's order; parameters: the serialised `@signature-params`.
    Raises EvidenceError: `component_missing`, or `component_invalid` for a value with control
    characters or beyond ASCII, which could forge a line.
    """
    lines = [f'"{name}": {_value(request, name)}' for name in names]
    return "\n".join([*lines, f'"@signature-params": {parameters}'])


def sign_request(
    request: HttpRequest,
    sign: Callable[[bytes], bytes],
    *,
    keyid: str,
    created: int,
    expires: int,
    nonce: str,
) -> dict[str, str]:
    """The two headers that sign a request whose `Content-Digest` is among its fields already.

    sign: gives the 64-byte Ed25519 signature; created, expires: Unix seconds, at most 60 apart;
    nonce: at least 96 random bits in base64url, never used twice.
    """
    names = covered(request)
    components = " ".join(f'"{name}"' for name in names)
    parameters = (
        f'({components});created={created};expires={expires};nonce="{nonce}"'
        f';keyid="{keyid}";tag="{TAG}"'
    )
    signature = sign(signature_base(request, names, parameters).encode("ascii"))
    return {
        "Signature-Input": f"{LABEL}={parameters}",
        "Signature": f"{LABEL}=:{encode64(signature)}:",
    }


def verify_signature_base(base: str, signature: bytes, public_key: bytes) -> None:
    """Check a stored signature offline: is it this key's, over exactly this text?

    Raises EvidenceError: `signature_key_mismatch` when the text names another key,
    `signature_invalid` when the signature does not hold. Keys of small order never verify.
    """
    named = _KEYID.search(base.rpartition('\n"@signature-params": ')[2])
    if named is None or named[1] != thumbprint(public_key):
        raise EvidenceError("signature_key_mismatch", "The signed text names another key.")
    if not base.isascii() or not keys.verify(public_key, signature, base.encode("ascii")):
        raise EvidenceError("signature_invalid", "The signature does not match the signed text.")


def read_base(base: str) -> SignedText:
    """What a text says whose signature was verified. Raises EvidenceError (`signature_malformed`)
    for one that is not of this profile."""
    text, _, parameters = base.rpartition('\n"@signature-params": ')
    lines = [_LINE.fullmatch(line) for line in text.split("\n")]
    components = {line[1]: line[2] for line in lines if line}
    found = _TIME.findall(parameters)
    times = {name: int(value) for name, value in found}
    if len(components) != len(lines) or len(times) != 2 or len(found) != 2:
        raise EvidenceError("signature_malformed", "The signed text is not readable.")
    is_brief = 0 < times["expires"] - times["created"] <= MAX_LIFETIME
    if f';tag="{TAG}"' not in parameters or not is_brief:
        raise EvidenceError("signature_malformed", f"The signed text is not of profile {TAG}.")
    return SignedText(components, times["created"], times["expires"])


def _value(request: HttpRequest, name: str) -> str:
    value = _lookup(request, name)
    if value is None:
        raise EvidenceError("component_missing", f"The request has no {name}.")
    if not (value.isascii() and value.isprintable()):
        raise EvidenceError("component_invalid", f"The value of {name} is not printable ASCII.")
    return value


def _lookup(request: HttpRequest, name: str) -> str | None:
    match name:
        case "@method":
            return request.method
        case "@authority":
            return request.authority
        case "@path":
            return request.path or "/"
        case "@query":
            return f"?{request.query}"
    return request.fields.get(name)
