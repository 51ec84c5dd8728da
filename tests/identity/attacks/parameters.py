"""Attacks on the parameters of a signature: algorithm, time, nonce, key, tag."""

import hashlib
import hmac
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from nacl import bindings

from governance.evidence import keys
from governance.evidence.encoding import encode64
from tests.identity.attacks.stage import (
    EARLY,
    EXPIRED,
    INVALID,
    LIFETIME,
    MALFORMED,
    UNKNOWN,
    UNSIGNED,
    Attack,
    Stage,
    Wire,
)
from tests.identity.forging import keyid

YEAR = 31_536_000


def says(**parameters: str | None) -> Callable[[Stage], Wire]:
    return lambda stage: stage.says(**parameters)


def times(created: int, expires: int) -> Callable[[Stage], Wire]:
    """Signed as created and expiring so many seconds from now."""
    return lambda s: s.says(created=str(s.now(created)), expires=str(s.now(expires)))


def rewrites(old: Callable[[Stage], str], new: Callable[[Stage], str]) -> Callable[[Stage], Wire]:
    """Signature-Input with one piece of text replaced after signing."""
    return lambda s: s.sign().rewriting("signature-input", lambda v: v.replace(old(s), new(s)))


def proven(prove: Callable[[Stage, bytes], bytes], **parameters: str | None) -> Callable[..., Wire]:
    """The honest text under another kind of proof."""

    def forge(stage: Stage) -> Wire:
        wire = stage.says(**parameters)
        return wire.saying("signature", f"gov=:{encode64(prove(stage, stage.base(wire)))}:")

    return forge


def by_hmac(digest: str) -> Callable[[Stage, bytes], bytes]:
    """The public key as a shared secret: what a verifier checks that trusts `alg`."""
    return lambda s, base: hmac.new(bytes(s.key.verify_key), base, digest).digest()


def by_ecdsa(_: Stage, base: bytes) -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).sign(base, ec.ECDSA(hashes.SHA256()))


def prehashed(stage: Stage, base: bytes) -> bytes:
    """Ed25519ph (RFC 8032 section 5.1): the same key in another algorithm."""
    state = bindings.crypto_sign_ed25519ph_state()
    bindings.crypto_sign_ed25519ph_update(state, base)
    return bindings.crypto_sign_ed25519ph_final_create(state, stage.key._signing_key)


ALGORITHM: dict[str, Attack] = {
    "a mac by the public key, declared": (
        proven(by_hmac("sha256"), alg='"hmac-sha256"'),
        MALFORMED,
    ),
    "a mac by the public key, undeclared": (proven(by_hmac("sha256")), INVALID),
    "a mac by the public key, as long as a signature": (
        proven(by_hmac("sha512"), alg='"ed25519"'),
        INVALID,
    ),
    "a signature by ECDSA": (proven(by_ecdsa, alg='"ecdsa-p256-sha256"'), MALFORMED),
    "a signature by ECDSA, undeclared": (proven(by_ecdsa), INVALID),
    "a signature by Ed25519ph": (proven(prehashed), INVALID),
    "a signature of the text's hash": (
        proven(lambda s, base: s.key.sign(hashlib.sha256(base).digest()).signature),
        INVALID,
    ),
    "the algorithm none": (says(alg='"none"'), MALFORMED),
    "the algorithm RSA-PSS": (says(alg='"rsa-pss-sha512"'), MALFORMED),
    "the algorithm RSA of PKCS 1": (says(alg='"rsa-v1_5-sha256"'), MALFORMED),
    "the algorithm in another case": (says(alg='"Ed25519"'), MALFORMED),
    "the algorithm as JOSE names it": (says(alg='"EdDSA"'), MALFORMED),
    "an empty algorithm": (says(alg='""'), MALFORMED),
    "the algorithm as bytes": (says(alg=":ZWQyNTUxOQ==:"), MALFORMED),
    "the algorithm as a flag": (says(alg="?1"), MALFORMED),
    "an algorithm added after signing": (
        rewrites(lambda s: ';tag="gov', lambda s: ';alg="ed25519";tag="gov'),
        INVALID,
    ),
}

TIME: dict[str, Attack] = {
    "a lifetime of 61 s": (times(0, 61), LIFETIME),
    "a lifetime of a year": (times(0, YEAR), LIFETIME),
    "no lifetime": (times(0, 0), LIFETIME),
    "an expiry before the creation": (times(0, -1), LIFETIME),
    "an old signature that lives long": (times(-YEAR, YEAR), LIFETIME),
    "a clock that is slow": (times(-37, -7), EXPIRED),
    "a signature of last year": (times(-YEAR, 30 - YEAR), EXPIRED),
    "a signature of 1970": (says(created="0", expires="30"), EXPIRED),
    "a signature from before 1970": (says(created="-60", expires="-30"), EXPIRED),
    "a clock that is fast": (times(12, 42), EARLY),
    "a signature of next year": (times(YEAR, YEAR + 30), EARLY),
    "a signature at the end of time": (
        says(created="999999999999990", expires="999999999999999"),
        EARLY,
    ),
    "a time beyond all integers": (says(created="9999999999999999"), MALFORMED),
    "a time as a string": (lambda s: s.says(created=f'"{s.now()}"'), MALFORMED),
    "a time as a decimal": (lambda s: s.says(created=f"{s.now()}.0"), MALFORMED),
    "a time as a date": (lambda s: s.says(expires=f"@{s.now(30)}"), MALFORMED),
    "a time as a flag": (says(created="?1", expires="?1"), MALFORMED),
    "a time with a leading zero": (
        rewrites(lambda s: "created=", lambda s: "created=0"),
        MALFORMED,
    ),
    "an expiry put off after signing": (
        rewrites(lambda s: f"expires={s.now(30)}", lambda s: f"expires={s.now(40)}"),
        INVALID,
    ),
    "a creation put off after signing": (
        rewrites(lambda s: f"created={s.now()}", lambda s: f"created={s.now(1)}"),
        INVALID,
    ),
    "no creation time": (says(created=None), MALFORMED),
    "no expiry": (says(expires=None), MALFORMED),
}


def rewrites_nonce(change: Callable[[str], str]) -> Callable[[Stage], Wire]:
    def forge(stage: Stage) -> Wire:
        nonce = "q83vASNFZ4mrze8BI0Vn-_-_"
        wire = stage.says(nonce=f'"{nonce}"')
        return wire.rewriting("signature-input", lambda v: v.replace(nonce, change(nonce)))

    return forge


NONCE: dict[str, Attack] = {
    "no nonce": (says(nonce=None), MALFORMED),
    "an empty nonce": (says(nonce='""'), MALFORMED),
    "a nonce of 15 letters": (says(nonce='"abcdefghijklmno"'), MALFORMED),
    "a nonce that would fill the table": (says(nonce=f'"{"A" * 87}"'), MALFORMED),
    "a nonce as a number": (says(nonce="123456789012345"), MALFORMED),
    "a nonce as bytes": (says(nonce=":AAAAAAAAAAAAAAAAAAAAAA==:"), MALFORMED),
    "a nonce as a token": (says(nonce="abcdefghijklmnopqrstu"), MALFORMED),
    "a nonce with spaces": (says(nonce='"aaaaaaaa aaaaaaaa"'), MALFORMED),
    "a nonce with an escaped quote": (says(nonce='"aaaaaaaaaaaaaaaa\\""'), MALFORMED),
    "a nonce that names a key": (says(nonce='";keyid=aaaaaaaaaaaaaaaa"'), MALFORMED),
    "a nonce of other letters": (says(nonce='"éééééééééééééééé"'), MALFORMED),
    "a nonce with padding inside": (says(nonce='"aaaaaaaa==aaaaaaaaaa"'), MALFORMED),
    "a nonce exchanged after signing": (rewrites_nonce(lambda n: n[::-1]), INVALID),
    "a nonce in the other alphabet of base64": (
        rewrites_nonce(lambda n: n.replace("-", "+").replace("_", "/")),
        INVALID,
    ),
    "a nonce with padding added": (rewrites_nonce(lambda n: f"{n}=="), INVALID),
}


def of_other(stage: Stage) -> str:
    return keyid(stage.other)


KEY: dict[str, Attack] = {
    "another agent's name on our signature": (
        lambda s: s.says(keyid=f'"{of_other(s)}"'),
        INVALID,
    ),
    "another agent's name put in after signing": (
        rewrites(lambda s: keyid(s.key), of_other),
        INVALID,
    ),
    "a key that nobody registered": (says(keyid=f'"{"A" * 43}"'), UNKNOWN),
    "a key's name in small letters": (
        lambda s: s.says(keyid=f'"{keyid(s.key).lower()}"'),
        UNKNOWN,
    ),
    "a key's name with padding": (lambda s: s.says(keyid=f'"{keyid(s.key)}="'), MALFORMED),
    "a key's name as OpenSSH writes it": (
        lambda s: s.says(keyid=f'"{keys.fingerprint(bytes(s.key.verify_key))}"'),
        MALFORMED,
    ),
    "a key's name as bytes": (says(keyid=f":{encode64(bytes(32))}:"), MALFORMED),
    "a key to be fetched": (says(keyid='"https://evil.example/key"'), MALFORMED),
    "a key's name that is a query": (says(keyid='"\' OR 1=1 --"'), MALFORMED),
    "an empty key": (says(keyid='""'), MALFORMED),
    "no key": (says(keyid=None), MALFORMED),
}

TAG: dict[str, Attack] = {
    "no tag": (says(tag=None), UNSIGNED),
    "another profile's tag": (says(tag='"web-bot-auth"'), UNSIGNED),
    "our tag in capitals": (says(tag='"GOV-AGENT-V1"'), UNSIGNED),
    "our tag as a token": (says(tag="gov-agent-v1"), MALFORMED),
    "our tag as a display string": (says(tag='%"gov-agent-v1"'), MALFORMED),
    "another profile's signature relabelled as ours": (
        lambda s: s.says(tag='"web-bot-auth"').rewriting(
            "signature-input", lambda v: v.replace("web-bot-auth", "gov-agent-v1")
        ),
        INVALID,
    ),
    "a parameter that we don't know": (says(context='"x"'), MALFORMED),
    "a parameter added after signing": (
        lambda s: s.sign().rewriting("signature-input", lambda v: v + ";x=1"),
        MALFORMED,
    ),
    "a parameter twice": (lambda s: s.says(created=f"{s.now()};created={s.now()}"), MALFORMED),
    "a parameter in capitals": (
        rewrites(lambda s: ";nonce=", lambda s: ";Nonce="),
        MALFORMED,
    ),
    "parameters in another order than signed": (
        lambda s: s.sign().rewriting(
            "signature-input",
            lambda v: v.replace(';tag="gov-agent-v1"', "").replace(
                ");", ');tag="gov-agent-v1";', 1
            ),
        ),
        INVALID,
    ),
}

PARAMETERS: dict[str, Attack] = {**ALGORITHM, **TIME, **NONCE, **KEY, **TAG}
