"""Access tokens of other platforms: RFC 9068 (`at+jwt`), as bearer or bound to a key by DPoP.

A token says whom its issuer vouches for, never what that agent may do here: that is for its
identity document, its roles and policy to say.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.identity import dpop, jose
from governance.identity.issuers import Issuer
from governance.identity.jose import Token, TokenFault
from governance.identity.replay import Once
from governance.identity.request_signature import ReceivedRequest
from governance.kernel import clock
from governance.kernel.errors import Unauthenticated

TYPES = frozenset({"at+jwt"})
MAX_LIFETIME = 3600
MAX_SKEW = 5
MAX_TEXT = 256
_TIMES = ("exp", "iat", "nbf")
_TEXTS = ("iss", "sub", "client_id", "jti")


@dataclass(frozen=True)
class VerifiedToken:
    """For whom its issuer vouched. once: the DPoP proof, to be spent; None for a bearer."""

    issuer: str
    organisation: str
    subject: str
    once: Once | None = None


def is_presented(headers: Sequence[tuple[str, str]]) -> bool:
    """Whether `read` has something to look at: a token, or what claims to go with one."""
    scheme, credentials = _authorization(headers)
    return bool(dpop.proofs(headers)) or scheme == "dpop" or "." in credentials


def read(issuers: Mapping[str, Issuer], request: ReceivedRequest, base_url: str) -> VerifiedToken:
    """Verify the request's access token, and its DPoP proof where the token asks for one.

    May fetch the issuer's keys. base_url: the service's configured public address.
    Raises Unauthenticated (`token_malformed`, `token_issuer_unknown`, `token_signature_invalid`,
    `token_audience`, `token_expired`, `token_lifetime`, `token_not_yet_valid`, `token_binding`,
    `credentials_ambiguous`, `dpop_…`), Unavailable (`issuer_unavailable`).
    """
    scheme, credentials = _authorization(request.headers)
    proofs = dpop.proofs(request.headers)
    if scheme not in ("bearer", "dpop") or (proofs and scheme != "dpop"):
        raise Unauthenticated(
            "credentials_ambiguous",
            "Send one access token: `Authorization: DPoP …` with its proof in `DPoP`, or "
            "`Authorization: Bearer …` without one.",
        )
    token, issuer = _verified(issuers, credentials)
    _check_claims(token.claims, issuer)
    thumbprint = _bound_to(token.claims)
    if (scheme == "dpop") != (thumbprint is not None):
        raise _refused("token_binding", "it is bound to a key if and only if it comes with DPoP")
    once = None
    if thumbprint is not None:
        proof = dpop.verify(proofs, request.method, base_url + request.path, credentials)
        if not hmac.compare_digest(proof.keyid, thumbprint):
            raise _refused("token_binding", "it is bound to another key than the proof's")
        once = proof
    return VerifiedToken(issuer.issuer, issuer.organisation, token.claims["sub"], once)


def _verified(issuers: Mapping[str, Issuer], compact: str) -> tuple[Token, Issuer]:
    try:
        token = jose.read(compact, types=TYPES, algorithms=jose.ALGORITHMS)
    except TokenFault as fault:
        raise _refused("token_malformed", str(fault)) from None
    issuer = issuers.get(str(token.claims.get("iss")))
    if issuer is None:
        raise _refused("token_issuer_unknown", "its issuer is not one of ours")
    if token.algorithm not in issuer.algorithms:
        raise _refused("token_malformed", "its issuer does not sign by this `alg`")
    if not any(key.verifies(token) for key in issuer.keys.candidates(token.header.get("kid"))):
        raise _refused("token_signature_invalid", "no key of its issuer has signed it")
    return token, issuer


def _check_claims(claims: dict[str, Any], issuer: Issuer) -> None:
    """RFC 9068 section 2.2, all of it; times in whole seconds."""
    if not all(_is_text(claims.get(name)) for name in _TEXTS):
        raise _refused("token_malformed", "iss, sub, client_id and jti must be texts")
    times: dict[str, Any] = {name: claims.get(name, claims.get("iat")) for name in _TIMES}
    if not all(type(value) is int for value in times.values()) or "exp" not in claims:
        raise _refused("token_malformed", "exp, iat and nbf must be whole numbers")
    audience = claims.get("aud")
    if issuer.audience not in (audience if isinstance(audience, list) else [audience]):
        raise _refused("token_audience", "it is meant for another service")
    if not 0 < times["exp"] - times["iat"] <= MAX_LIFETIME:
        raise _refused("token_lifetime", f"it must live for 1 to {MAX_LIFETIME} seconds")
    now = clock.now().timestamp()
    if max(times["iat"], times["nbf"]) > now + MAX_SKEW:
        raise _refused("token_not_yet_valid", "it is from the future")
    if times["exp"] <= now - MAX_SKEW:
        raise _refused("token_expired", "it has expired; get another from its issuer")


def _bound_to(claims: dict[str, Any]) -> str | None:
    """The thumbprint of the key without which the token is worth nothing (RFC 7800)."""
    if "cnf" not in claims:
        return None
    confirmation = claims["cnf"]
    if (
        not isinstance(confirmation, dict)
        or confirmation.keys() != {"jkt"}
        or not _is_text(confirmation["jkt"])
    ):
        raise _refused("token_binding", "it is bound to something else than a DPoP key")
    return str(confirmation["jkt"])


def _is_text(value: object) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_TEXT
        and value.isascii()
        and value.isprintable()
    )


def _authorization(headers: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Scheme in small letters and credentials of the only such header; empty otherwise."""
    values = [value.strip() for name, value in headers if name.lower() == "authorization"]
    scheme, _, credentials = (values if len(values) == 1 else [""])[0].partition(" ")
    return scheme.lower(), credentials


def _refused(code: str, why: str) -> Unauthenticated:
    return Unauthenticated(code, f"The access token is refused: {why}.")
