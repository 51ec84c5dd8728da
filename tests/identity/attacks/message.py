"""Attacks on the message under an honest signature: method, address, body, digest; and on the
bytes of the signature itself.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from nacl import bindings

from governance.evidence.encoding import decode64, encode64, encode64url, serialise
from tests.identity.attacks.stage import (
    COVERAGE,
    DIGEST,
    INVALID,
    MALFORMED,
    Attack,
    Stage,
    Wire,
)
from tests.identity.forging import keyid

ORDER = 2**252 + 27742317777372353535851937790883648493  # of Ed25519's main subgroup
# A point of order two, (0, -1), as it is encoded.
ORDER_TWO = bytes.fromhex("ec" + "ff" * 30 + "7f")


def sends(**changes: Any) -> Attack:
    """Another message than the signed one."""
    return lambda stage: stage.sign().but(**changes), INVALID


def to(path: str) -> Attack:
    """Signed for the stage's path, sent to another spelling of it; `{}` is the path."""
    return lambda s: s.sign().but(path=path.format(s.path)), INVALID


def respells(old: str, new: str) -> Attack:
    return lambda s: s.sign().but(path=s.path.replace(old, new, 1)), INVALID


def signed_for(authority: str) -> Attack:
    """Signed for another name of the service; `{}` is the right one."""
    return lambda s: s.sign(authority=authority.format(s.authority)), INVALID


def in_the_name_of(header: str, value: str = "evil.example") -> Attack:
    """A relay that signed for itself and names itself in a header that proxies set."""
    return (lambda s: s.sign(authority="evil.example").adding((header, value)), INVALID)


ADDRESS: dict[str, Attack] = {
    "another method": sends(method="PUT"),
    "a deletion": sends(method="DELETE"),
    "a read": sends(method="GET"),
    "another path": to("/v1/videos"),
    "a path below": to("{}/gen_1"),
    "a slash at the end": to("{}/"),
    "a slash twice": to("/{}"),
    "a slash twice inside": respells("/governance", "//governance"),
    "a letter percent-encoded": respells("/v1", "/%76%31"),
    "a slash percent-encoded": respells("/governance", "%2Fgovernance"),
    "a slash percent-encoded in small letters": respells("/governance", "%2fgovernance"),
    "a dot segment": respells("/v1", "/./v1"),
    "a dot segment percent-encoded": respells("/v1", "/%2e/v1"),
    "a step up": to("/x/..{}"),
    "a step up percent-encoded": to("/x/%2e%2e{}"),
    "a path in capitals": respells("/v1", "/V1"),
    "a path parameter": to("{};a=1"),
    "another query": sends(query="trace=1&dry_run=true"),
    "arguments in another order": sends(query="dry_run=false&trace=1"),
    "an argument more": sends(query="trace=1&dry_run=false&dry_run=true"),
    "an argument less": sends(query="dry_run=false"),
    "no query": sends(query=""),
    "an argument percent-encoded": sends(query="trace=%31&dry_run=false"),
    "an ampersand at the end": sends(query="trace=1&dry_run=false&"),
    "semicolons for ampersands": sends(query="trace=1;dry_run=false"),
    "a second question mark": sends(query="?trace=1&dry_run=false"),
    "a plus for a space": (
        lambda s: s.sign(query="q=a%20b").but(query="q=a+b"),
        INVALID,
    ),
    "a percent code in small letters": (
        lambda s: s.sign(query="q=%2F").but(query="q=%2f"),
        INVALID,
    ),
    "a request to another service": signed_for("other.example"),
    "the service's name with a dot": signed_for("{}."),
    "the service's name with a port more": signed_for("{}:444"),
    "the service's name with a user": signed_for("user@{}"),
    "the service's name with its scheme": signed_for("https://{}"),
    "no service's name": signed_for(""),
    "another service by its Host": in_the_name_of("Host"),
    "another service by X-Forwarded-Host": in_the_name_of("X-Forwarded-Host"),
    "another service by X-Original-Host": in_the_name_of("X-Original-Host"),
    "another service by Forwarded": in_the_name_of("Forwarded", "host=evil.example"),
    "another path by X-Original-URL": (
        lambda s: s.sign(path="/v1/models").but(path=s.path).adding(("X-Original-URL", s.path)),
        INVALID,
    ),
    "another method by X-HTTP-Method-Override": (
        lambda s: s.sign(method="GET").but(method="POST").adding(("X-HTTP-Method-Override", "GET")),
        INVALID,
    ),
}

WRONG_BODY = b'{"prompt":"a loud harbour"}'


def states(digest: Callable[[bytes], str]) -> Attack:
    """Signed with this Content-Digest."""
    return lambda s: s.sign(digest=digest(s.body)), DIGEST


def sha(bits: int, body: bytes) -> str:
    digest = getattr(hashlib, f"sha{bits}")(body).digest()
    return f"sha-{bits}=:{encode64(digest)}:"


def raw(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


BODY: dict[str, Attack] = {
    "another body": (lambda s: s.sign().but(body=WRONG_BODY), DIGEST),
    "another body with its own digest": (
        lambda s: s.sign().but(body=WRONG_BODY).saying("Content-Digest", sha(256, WRONG_BODY)),
        INVALID,
    ),
    "a space more": (lambda s: s.sign().but(body=s.body + b" "), DIGEST),
    "a letter less": (lambda s: s.sign().but(body=s.body[:-1]), DIGEST),
    "a body taken away": (lambda s: s.sign().but(body=b""), DIGEST),
    "a body slipped in": (lambda s: s.sign(body=b"").but(body=s.body), COVERAGE),
    "a body slipped in with its digest": (
        lambda s: s.sign(body=b"").but(body=s.body).adding(("Content-Digest", sha(256, s.body))),
        COVERAGE,
    ),
    "no digest": (lambda s: s.sign().without("content-digest"), DIGEST),
    "an empty digest": (lambda s: s.sign().saying("Content-Digest", ""), DIGEST),
    "a digest by sha-512": states(lambda body: sha(512, body)),
    "a digest by sha-512 on top": states(lambda body: f"{sha(256, body)}, {sha(512, body)}"),
    "a wrong digest by sha-512 on top": states(lambda body: f"{sha(256, body)}, {sha(512, b'')}"),
    "a digest by md5": states(
        lambda body: f"md5=:{encode64(hashlib.md5(body, usedforsecurity=False).digest())}:"
    ),
    "one digest twice": states(lambda body: f"{sha(256, body)}, {sha(256, body)}"),
    "a wrong digest before the right one": states(
        lambda body: f"{sha(256, b'')}, {sha(256, body)}"
    ),
    "a digest in capitals": states(lambda body: sha(256, body).replace("sha", "SHA", 1)),
    "a digest without padding": states(
        lambda body: sha(256, body).replace("=:", ":").replace("sha-256:", "sha-256=:")
    ),
    "a digest in base64url": states(lambda body: f"sha-256=:{encode64url(raw(body))}:"),
    "a digest in hexadecimal": states(lambda body: f"sha-256={raw(body).hex()}"),
    "a digest as a string": states(lambda body: f'sha-256="{encode64(raw(body))}"'),
    "a digest with a parameter": states(lambda body: f"{sha(256, body)};q=1"),
    "a digest with spaces": states(lambda body: sha(256, body).replace("=:", "= :", 1)),
    "a digest of another length": states(lambda body: f"sha-256=:{encode64(raw(body)[:16])}:"),
    "a digest in the old header": (
        lambda s: s.sign(digest="").adding(("Digest", f"SHA-256={encode64(raw(s.body))}")),
        COVERAGE,
    ),
    "another content type": (
        lambda s: s.sign().saying("Content-Type", "application/json; charset=utf-16"),
        INVALID,
    ),
    "a content type in capitals": (
        lambda s: s.sign().saying("Content-Type", "Application/JSON"),
        INVALID,
    ),
    "no content type": (lambda s: s.sign().without("content-type"), MALFORMED),
    "a field folded over two lines": (
        lambda s: s.sign(headers=(*s.headers, ("Idempotency-Key", "a\r\n b"))),
        MALFORMED,
    ),
    "a line smuggled into a field": (
        lambda s: s.sign(headers=(*s.headers, ("Idempotency-Key", 'k\n"@path": /v1/models'))),
        MALFORMED,
    ),
    "a tab within a field": (
        lambda s: s.sign(headers=(*s.headers, ("Idempotency-Key", "a\tb"))),
        MALFORMED,
    ),
    "a field beyond ASCII": (
        lambda s: s.sign(headers=(*s.headers, ("Idempotency-Key", "naïve"))),
        MALFORMED,
    ),
}


def resigned(change: Callable[[bytes], bytes]) -> Callable[[Stage], Wire]:
    """The bytes of an honest signature, changed."""

    def forge(stage: Stage) -> Wire:
        wire = stage.sign()
        honest = decode64(wire.header("signature")[5:-1], "The signature")
        return wire.saying("Signature", f"gov=:{encode64(change(honest))}:")

    return forge


def respelt(change: Callable[[str], str]) -> Callable[[Stage], Wire]:
    """The text of an honest signature, changed."""
    return lambda s: s.sign().rewriting("signature", lambda v: f"gov={change(v[4:])}")


def plus_order(signature: bytes) -> bytes:
    """S + L solves the same equation; RFC 8032 section 5.1.7 forbids it."""
    number = int.from_bytes(signature[32:], "little") + ORDER
    return signature[:32] + number.to_bytes(32, "little")


def mixed_order(stage: Stage, torsion: bytes = ORDER_TWO) -> Wire:
    """R with a point of small order added: holds only where the cofactor is multiplied out."""
    wire = stage.sign()
    base, seed = stage.base(wire), hashlib.sha512(bytes(stage.key)).digest()
    scalar = bytes([seed[0] & 248]) + seed[1:31] + bytes([(seed[31] & 127) | 64])
    chosen = bindings.crypto_core_ed25519_scalar_reduce(hashlib.sha512(b"r" + base).digest())
    honest = bindings.crypto_scalarmult_ed25519_base_noclamp(chosen)
    r = bindings.crypto_core_ed25519_add(honest, torsion)
    hashed = hashlib.sha512(r + bytes(stage.key.verify_key) + base).digest()
    h = int.from_bytes(hashed, "little") % ORDER
    s = (int.from_bytes(chosen, "little") + h * int.from_bytes(scalar, "little")) % ORDER
    return wire.saying("Signature", f"gov=:{encode64(r + s.to_bytes(32, 'little'))}:")


def of_a_document(stage: Stage) -> Wire:
    """What the key signed for another purpose, as a request's signature."""
    document = serialise({"agent": "agt_1", "key": keyid(stage.key), "purpose": "registration"})
    signature = stage.key.sign(document).signature
    return stage.sign().saying("Signature", f"gov=:{encode64(signature)}:")


SIGNATURE: dict[str, Attack] = {
    "a signature cut short": (resigned(lambda s: s[:-1]), INVALID),
    "a signature with a byte more": (resigned(lambda s: s + b"\0"), INVALID),
    "a signature twice in a row": (resigned(lambda s: s + s), INVALID),
    "an empty signature": (lambda s: s.sign().saying("Signature", "gov=::"), INVALID),
    "a signature of zeros": (resigned(lambda s: bytes(64)), INVALID),
    "a flipped bit": (resigned(lambda s: bytes([s[0] ^ 1]) + s[1:]), INVALID),
    "a flipped last bit": (resigned(lambda s: s[:-1] + bytes([s[-1] ^ 128])), INVALID),
    "S with the group's order added": (resigned(plus_order), INVALID),
    "R of order one": (resigned(lambda s: b"\1" + bytes(31) + s[32:]), INVALID),
    "R of order two": (resigned(lambda s: ORDER_TWO + s[32:]), INVALID),
    "R of mixed order": (mixed_order, INVALID),
    "R and S exchanged": (resigned(lambda s: s[32:] + s[:32]), INVALID),
    "another request's signature": (
        lambda s: s.sign().saying("Signature", s.sign(body=WRONG_BODY).header("signature")),
        INVALID,
    ),
    "another agent's signature": (
        lambda s: s.sign(key=s.other, parameters={"keyid": f'"{keyid(s.key)}"'}),
        INVALID,
    ),
    "the signature of a document": (of_a_document, INVALID),
    "a signature without padding": (respelt(lambda v: v.replace("=", "")), MALFORMED),
    "a signature with stray last bits": (respelt(lambda v: v[:-4] + other_end(v)), MALFORMED),
    "a signature in base64url": (
        lambda s: s.sign().saying("Signature", f"gov=:{'_-' * 43}==:"),
        MALFORMED,
    ),
    "a signature with a space inside": (respelt(lambda v: f"{v[:9]} {v[9:]}"), MALFORMED),
    "a signature that is a string": (respelt(lambda v: f'"{v[1:-1]}"'), MALFORMED),
    "a signature that is a list": (respelt(lambda v: f"({v})"), MALFORMED),
    "a signature that is a token": (lambda s: s.sign().saying("Signature", "gov=abc"), MALFORMED),
    "a signature that is a flag": (lambda s: s.sign().saying("Signature", "gov"), MALFORMED),
    "a signature with a parameter": (respelt(lambda v: f"{v};alg=none"), MALFORMED),
    "a signature beyond ASCII": (respelt(lambda v: f"{v[:9]}ä{v[9:]}"), MALFORMED),
    "no padding but letters after it": (respelt(lambda v: f"{v[:-1]}AA:"), MALFORMED),
}


def other_end(value: str) -> str:
    """The last letter before the padding with a bit set that no byte carries."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return letters[letters.index(value[-4]) ^ 1] + value[-3:]


MESSAGE: dict[str, Attack] = {**ADDRESS, **BODY, **SIGNATURE}
