"""Access tokens of other platforms: whom they name is believed only when every rule holds."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from joserfc import jwk

from governance.evidence.encoding import encode64url
from governance.identity import jose, tokens
from governance.identity.issuers import Issuer, KeySet
from governance.identity.request_signature import ReceivedRequest
from governance.identity.tokens import VerifiedToken
from governance.kernel import clock
from governance.kernel.errors import Unauthenticated
from tests.identity.platform_issuer import (
    AUDIENCE,
    ISSUER,
    KINDS,
    SUBJECT,
    Holder,
    Platform,
    new_key,
    public,
    seal,
)

OTHER = new_key(kid="k1")
KEYS = {algorithm: new_key(algorithm) for algorithm in KINDS}
HOLDERS = {name: Holder(new_key(name, "h"), name) for name in ("Ed25519", "EdDSA", "ES256")}


@pytest.fixture(autouse=True, scope="module")
def frozen() -> Iterator[None]:
    with freeze_time("2026-11-22T11:12:05Z"):
        yield


@dataclass
class Scene:
    """A service that believes one issuer, and somebody with one of its tokens."""

    platform: Platform = field(default_factory=lambda: Platform(KEYS["ES256"]))
    holder: Holder = field(default_factory=lambda: HOLDERS["ES256"])
    method: str = "GET"
    path: str = "/v1/models"
    query: str = ""

    def issuers(self) -> dict[str, Issuer]:
        keys = KeySet([jose.public_key(public(self.platform.key))])
        algorithms = frozenset({self.platform.algorithm})
        return {ISSUER: Issuer(ISSUER, "acme", AUDIENCE, algorithms, keys)}

    def request(self, *headers: tuple[str, str]) -> ReceivedRequest:
        return ReceivedRequest(self.method, "governance.example", self.path, self.query, headers)

    def read(self, *headers: tuple[str, str]) -> VerifiedToken:
        assert tokens.is_presented(headers)
        return tokens.read(self.issuers(), self.request(*headers), AUDIENCE)

    def bearing(self, token: str) -> VerifiedToken:
        return self.read(("Authorization", f"Bearer {token}"))

    def bound(self, **changes: Any) -> str:
        """A token that is bound to the holder's key."""
        return self.platform.token(cnf=self.holder.binding, **changes)

    def proving(self, token: str, *proofs: str) -> VerifiedToken:
        return self.read(("Authorization", f"DPoP {token}"), *[("DPoP", p) for p in proofs])


SCENE = Scene()


def refused(run: Callable[[], object]) -> str:
    with pytest.raises(Unauthenticated) as refusal:
        run()
    return refusal.value.code


@pytest.mark.parametrize("algorithm", KINDS)
def test_a_token_names_whom_its_issuer_vouches_for(algorithm: str) -> None:
    scene = Scene(Platform(KEYS[algorithm], algorithm))
    assert scene.bearing(scene.platform.token()) == VerifiedToken(ISSUER, "acme", SUBJECT)


@pytest.mark.parametrize("algorithm", HOLDERS)
def test_a_token_may_be_bound_to_a_key(algorithm: str) -> None:
    scene = Scene(holder=HOLDERS[algorithm])
    token = scene.bound()
    read = scene.proving(token, scene.holder.proof(token))
    assert read.subject == SUBJECT
    assert read.once is not None
    assert read.once.keyid == scene.holder.key.thumbprint()


HONEST: dict[str, dict[str, Any]] = {
    "several audiences": {"aud": ["https://other.example", AUDIENCE]},
    "the longest life": {"exp": 1_795_345_925 + 3600},
    "a clock that is 5 s fast": {"iat": 1_795_345_930},
    "the full media type": {"header": {"typ": "application/at+jwt"}},
    "a type in capitals": {"header": {"typ": "AT+JWT"}},
    "a hint at a certificate": {"header": {"x5t": "abc"}},
    "no key's name where there is one key": {"header": {"kid": None}},
    "claims that we don't know": {"scope": "video:create", "roles": ["admin"]},
}


@pytest.mark.parametrize("case", HONEST)
def test_it_accepts(case: str) -> None:
    assert SCENE.bearing(SCENE.platform.token(**HONEST[case])).subject == SUBJECT


def by_public_key(algorithm: str) -> str:
    """A mac by what everybody knows: the issuer's public key."""
    head = encode64url(json.dumps({"alg": algorithm, "typ": "at+jwt", "kid": "k1"}).encode())
    text = f"{head}.{encode64url(json.dumps(SCENE.platform.claims()).encode())}"
    secret = json.dumps(public(SCENE.platform.key)).encode()
    mac = hmac.new(secret, text.encode(), hashlib.sha256).digest()
    return f"{text}.{encode64url(mac)}"


def unsigned() -> str:
    head = encode64url(b'{"alg":"none","typ":"at+jwt"}')
    return f"{head}.{encode64url(json.dumps(SCENE.platform.claims()).encode())}."


def with_other_claims() -> str:
    head, _, signature = SCENE.platform.token().split(".")
    claims = json.dumps(SCENE.platform.claims(sub="agent-8")).encode()
    return f"{head}.{encode64url(claims)}.{signature}"


def says(**claims: Any) -> Callable[[], str]:
    return lambda: SCENE.platform.token(**claims)


def headed(**header: Any) -> Callable[[], str]:
    return lambda: SCENE.platform.token(header=header)


def later(seconds: int) -> int:
    return int(clock.now().timestamp()) + seconds


def raw(payload: bytes) -> Callable[[], str]:
    header = {"alg": "ES256", "typ": "at+jwt", "kid": "k1"}
    return lambda: seal(header, payload, SCENE.platform.key)


MALFORMED, SIGNATURE, BINDING = "token_malformed", "token_signature_invalid", "token_binding"
ATTACKS: dict[str, tuple[Callable[[], str], str]] = {
    # the header
    "no signature": (unsigned, MALFORMED),
    "a mac by the public key": (lambda: by_public_key("HS256"), MALFORMED),
    "a mac that claims to be a signature": (lambda: by_public_key("ES256"), SIGNATURE),
    "another key of the same name": (lambda: SCENE.platform.token(key=OTHER), SIGNATURE),
    "a key in the header": (headed(jwk=public(OTHER)), MALFORMED),
    "a key behind an address": (headed(jku="https://evil.example/keys"), MALFORMED),
    "a certificate behind an address": (headed(x5u="https://evil.example/c"), MALFORMED),
    "a certificate in the header": (headed(x5c=["MIIB"]), MALFORMED),
    "an extension that must be understood": (headed(crit=["b64"], b64=True), MALFORMED),
    "a key that the issuer does not have": (headed(kid="k2"), SIGNATURE),
    "a key's name that is a path": (headed(kid="../../k1"), SIGNATURE),
    "an identity token": (headed(typ="JWT"), MALFORMED),
    "no type": (headed(typ=None), MALFORMED),
    "a DPoP proof": (headed(typ="dpop+jwt"), MALFORMED),
    "an algorithm that the issuer does not use": (
        lambda: Platform(KEYS["Ed25519"], "Ed25519").token(),
        MALFORMED,
    ),
    # the form
    "other claims than the signed": (with_other_claims, SIGNATURE),
    "two parts": (lambda: SCENE.platform.token().rpartition(".")[0], MALFORMED),
    "five parts": (lambda: f"{SCENE.platform.token()}.a.b", MALFORMED),
    "padding": (lambda: f"{SCENE.platform.token()}=", MALFORMED),
    "a token without end": (says(note="x" * 9000), MALFORMED),
    "claims that are a list": (raw(b"[]"), MALFORMED),
    "claims that are no JSON": (raw(b"{'a': 1}"), MALFORMED),
    "a claim twice": (raw(b'{"iss":"https://login.example/tenant","iss":"x"}'), MALFORMED),
    # the claims
    "another issuer": (says(iss="https://evil.example"), "token_issuer_unknown"),
    "our issuer with a slash": (says(iss=f"{ISSUER}/"), "token_issuer_unknown"),
    "an issuer that is a list": (says(iss=[ISSUER]), "token_issuer_unknown"),
    "another audience": (says(aud="https://other.example"), "token_audience"),
    "an audience that begins like ours": (says(aud=f"{AUDIENCE}.evil.example"), "token_audience"),
    "audiences without ours": (says(aud=["a", "b"]), "token_audience"),
    "no audience": (says(aud=None), "token_audience"),
    "no subject": (says(sub=None), MALFORMED),
    "an empty subject": (says(sub=""), MALFORMED),
    "a subject that is a number": (says(sub=7), MALFORMED),
    "a subject beyond ASCII": (says(sub="agënt-7"), MALFORMED),
    "no client": (says(client_id=None), MALFORMED),
    "no id": (says(jti=None), MALFORMED),
    "no expiry": (says(exp=None), MALFORMED),
    "no time of issue": (says(iat=None), MALFORMED),
    "an expiry as text": (lambda: SCENE.platform.token(exp=str(later(60))), MALFORMED),
    "an expiry as a fraction": (lambda: SCENE.platform.token(exp=later(60) + 0.5), MALFORMED),
    "an expiry that is true": (says(exp=True), MALFORMED),
    "an expired token": (
        lambda: SCENE.platform.token(iat=later(-600), exp=later(-6)),
        "token_expired",
    ),
    "a token from the future": (
        lambda: SCENE.platform.token(iat=later(6)),
        "token_not_yet_valid",
    ),
    "a token that is not valid yet": (
        lambda: SCENE.platform.token(nbf=later(6)),
        "token_not_yet_valid",
    ),
    "a token for more than an hour": (
        lambda: SCENE.platform.token(exp=later(3601)),
        "token_lifetime",
    ),
    "a token that ends before it begins": (
        lambda: SCENE.platform.token(exp=later(-1)),
        "token_lifetime",
    ),
    "a bound token as a bearer's": (lambda: SCENE.bound(), BINDING),
    "a token bound to a certificate": (says(cnf={"x5t#S256": "abc"}), BINDING),
    "a token bound to two things": (
        lambda: SCENE.platform.token(cnf={**SCENE.holder.binding, "kid": "x"}),
        BINDING,
    ),
    "a token bound to nothing": (says(cnf={}), BINDING),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_it_refuses(attack: str) -> None:
    forge, code = ATTACKS[attack]
    assert refused(lambda: SCENE.bearing(forge())) == code


def test_there_are_more_than_twenty_attacks_on_each() -> None:
    assert min(len(ATTACKS), len(PROOF_ATTACKS)) >= 20


Forge = Callable[[str], str]


def proves(**changes: Any) -> Forge:
    return lambda token: SCENE.holder.proof(token, **changes)


def proof_headed(**header: Any) -> Forge:
    return lambda token: SCENE.holder.proof(token, header=header)


def secret_of(key: jwk.Key) -> dict[str, Any]:
    return dict(key.as_dict(private=True))


WEAK: dict[str, Any] = {"kty": "OKP", "crv": "Ed25519", "x": encode64url(bytes([1]) + bytes(31))}
P_MALFORMED, MISMATCH, EXPIRED = "dpop_malformed", "dpop_mismatch", "dpop_expired"
URL = f"{AUDIENCE}/v1/models"
PROOF_ATTACKS: dict[str, tuple[Forge, str]] = {
    "another method": (proves(method="POST"), MISMATCH),
    "a method in small letters": (proves(method="get"), MISMATCH),
    "another path": (proves(url=f"{AUDIENCE}/v1/videos"), MISMATCH),
    "another service": (proves(url="https://other.example/v1/models"), MISMATCH),
    "without TLS": (proves(url="http://governance.example/v1/models"), MISMATCH),
    "a query in the address": (proves(url=f"{URL}?limit=1"), MISMATCH),
    "another spelling of the path": (proves(url=f"{AUDIENCE}/v1/%6dodels"), MISMATCH),
    "no method": (proves(htm=None), MISMATCH),
    "no address": (proves(htu=None), MISMATCH),
    "no hash of the token": (proves(ath=None), MISMATCH),
    "another token's hash": (lambda token: SCENE.holder.proof(f"{token}x"), MISMATCH),
    "a hash in hexadecimal": (
        lambda token: SCENE.holder.proof(token, ath=hashlib.sha256(token.encode()).hexdigest()),
        MISMATCH,
    ),
    "no id": (proves(jti=None), P_MALFORMED),
    "an empty id": (proves(jti=""), P_MALFORMED),
    "an id without end": (proves(jti="x" * 257), P_MALFORMED),
    "an id that is a number": (proves(jti=7), P_MALFORMED),
    "an id with half a letter": (proves(jti="\ud800"), P_MALFORMED),
    "a hash with half a letter": (proves(ath="\ud800"), MISMATCH),
    "no time": (proves(iat=None), P_MALFORMED),
    "a time as text": (proves(iat="now"), P_MALFORMED),
    "an old proof": (lambda token: SCENE.holder.proof(token, iat=later(-66)), EXPIRED),
    "a proof from the future": (lambda token: SCENE.holder.proof(token, iat=later(6)), EXPIRED),
    "no key": (proof_headed(jwk=None), P_MALFORMED),
    "a key that is text": (proof_headed(jwk="key"), P_MALFORMED),
    "a secret key in the header": (proof_headed(jwk=secret_of(HOLDERS["ES256"].key)), P_MALFORMED),
    "a shared secret as key": (proof_headed(jwk={"kty": "oct", "k": "AAAA"}), P_MALFORMED),
    "a key off the curve": (
        proof_headed(jwk={"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
        P_MALFORMED,
    ),
    "a key for encryption": (
        proof_headed(jwk={**public(HOLDERS["ES256"].key), "use": "enc"}),
        P_MALFORMED,
    ),
    "another's key in the header": (proof_headed(jwk=public(OTHER)), "dpop_invalid"),
    "another's key, honestly": (lambda token: Holder(OTHER).proof(token), BINDING),
    "the issuer's key": (lambda token: Holder(KEYS["ES256"]).proof(token), BINDING),
    "an access token as proof": (lambda token: token, P_MALFORMED),
    "a proof of no type": (proof_headed(typ="JWT"), P_MALFORMED),
    "a key behind an address": (proof_headed(jku="https://evil.example"), P_MALFORMED),
    "an extension that must be understood": (proof_headed(crit=["x"], x=1), P_MALFORMED),
    "a proof by RSA": (
        lambda token: Holder(KEYS["RS256"], "RS256").proof(token),
        P_MALFORMED,
    ),
    "no proof at all": (lambda token: "", P_MALFORMED),
}


@pytest.mark.parametrize("attack", PROOF_ATTACKS)
def test_it_refuses_a_proof(attack: str) -> None:
    forge, code = PROOF_ATTACKS[attack]
    token = SCENE.bound()
    assert refused(lambda: SCENE.proving(token, forge(token))) == code


def test_a_forged_proof_under_a_key_of_small_order_is_refused() -> None:
    """Its signature would hold for every text; the token is bound to exactly this key."""
    weak = jwk.OKPKey.import_key(WEAK)
    token = SCENE.platform.token(cnf={"jkt": weak.thumbprint()})
    head, claims, _ = SCENE.holder.proof(token, header={"jwk": WEAK}).split(".")
    forged = encode64url(bytes([1]) + bytes(63))
    head = encode64url(json.dumps({"typ": "dpop+jwt", "alg": "Ed25519", "jwk": WEAK}).encode())
    code = refused(lambda: SCENE.proving(token, f"{head}.{claims}.{forged}"))
    assert code == "dpop_malformed"


def test_scheme_token_and_proof_must_fit_each_other() -> None:
    bound, bare = SCENE.bound(), SCENE.platform.token()
    proof = SCENE.holder.proof(bound)
    assert refused(lambda: SCENE.proving(bound)) == "dpop_missing"
    assert refused(lambda: SCENE.proving(bound, proof, proof)) == "dpop_missing"
    assert refused(lambda: SCENE.proving(bare, SCENE.holder.proof(bare))) == "token_binding"
    for headers in (
        [("Authorization", f"Bearer {bound}"), ("DPoP", proof)],
        [("Authorization", f"Basic {bound}")],
        [("DPoP", proof)],
        [("Authorization", f"DPoP {bound}"), ("Authorization", f"DPoP {bound}"), ("DPoP", proof)],
    ):
        assert refused(lambda h=headers: SCENE.read(*h)) == "credentials_ambiguous"  # type: ignore[misc]


def test_the_query_is_no_part_of_what_is_proven() -> None:
    scene = replace(SCENE, query="limit=1")
    token = scene.bound()
    assert scene.proving(token, scene.holder.proof(token)).subject == SUBJECT


def test_an_api_key_is_no_token() -> None:
    key = ("Authorization", f"Bearer gk_{'0' * 32}_{'A' * 43}")
    assert not tokens.is_presented([key])
    assert not tokens.is_presented([])


def test_a_proof_can_be_kept_for_as_long_as_it_could_be_presented() -> None:
    token = SCENE.bound()
    read = SCENE.proving(token, SCENE.holder.proof(token))
    assert read.once is not None
    assert read.once.until - clock.now() == timedelta(seconds=70)
    again = SCENE.proving(token, SCENE.holder.proof(token, jti="one"))
    other = SCENE.proving(token, SCENE.holder.proof(token, jti="two"))
    assert again.once is not None
    assert other.once is not None
    assert again.once.nonce != other.once.nonce
