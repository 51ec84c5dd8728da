"""Agent identity documents: immutable, signed, named by their digest.

Canonical JSON (RFC 8785) as the payload of one DSSE envelope, signed by every key that it lists
and by the registrar. An agent's signature over it proves that the key is held, and for which
service: the document names the service. The digest is the payload's sha256. Status is not in it:
a signed document cannot carry its own revocation.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import jsonschema_rs
from nacl.bindings import crypto_core_ed25519_is_valid_point

from governance.evidence import envelope, grant, keys, record
from governance.evidence.encoding import (
    decode64,
    decode64url,
    encode64,
    parse_canonical,
    parse_time,
    serialise,
)
from governance.evidence.errors import EvidenceError
from governance.evidence.signature_base import thumbprint

PAYLOAD_TYPE = "application/vnd.governance.agent-identity.v1+json"
MAX_LIFETIME = timedelta(days=90)


@dataclass(frozen=True)
class DocumentKey:
    """A key of the agent's, valid in [not_before, not_after)."""

    keyid: str
    public: bytes
    not_before: datetime
    not_after: datetime


@dataclass(frozen=True)
class AgentDocument:
    """A document that keeps its own rules. body: its JSON; `digest` names it everywhere."""

    payload: bytes
    digest: str
    body: dict[str, Any]
    keys: tuple[DocumentKey, ...]
    ceiling: grant.Grant
    issued: datetime
    expires: datetime

    @property
    def accountable(self) -> str:
        owner: str = self.body["owners"][0]
        return owner

    @property
    def organisation(self) -> str:
        name: str = self.body["operator"]["organisation"]
        return name

    @property
    def parent(self) -> str | None:
        agent: str | None = self.body["lineage"]["parent"]
        return agent

    @property
    def binding(self) -> tuple[str, str] | None:
        """Issuer and subject of the access tokens that the agent presents."""
        binding: dict[str, str] | None = self.body.get("binding")
        return (binding["issuer"], binding["subject"]) if binding else None

    @property
    def supersedes(self) -> str | None:
        digest: str | None = self.body["lifecycle"]["supersedes"]
        return digest

    @property
    def max_depth(self) -> int:
        depth: int = self.body["lineage"]["max_depth"]
        return depth


@dataclass(frozen=True)
class Registered:
    """An opened envelope whose agent's keys have all signed; the registrar's is to be checked."""

    document: AgentDocument
    registrar: str
    signature: bytes

    def verify_registrar(self, public: bytes, what: str) -> None:
        """Raises EvidenceError (`signature_invalid`) unless the key `public` registered it."""
        if not keys.verify(public, self.signature, signing_input(self.document.payload)):
            raise EvidenceError(
                "signature_invalid", f"The registrar's signature of {what} does not hold."
            )


def principal_id(organisation: str, uri: str) -> str:
    """The id under which an organisation's registry knows the agent with this URI (`agt_…`).

    It follows from the two, so it is known before registration and given once.
    """
    return f"agt_{hashlib.sha256(serialise([organisation, uri])).hexdigest()[:32]}"


def signing_input(payload: bytes) -> bytes:
    """The bytes that each key signs."""
    return envelope.pae(PAYLOAD_TYPE, payload)


def read(payload: bytes, what: str = "The identity document") -> AgentDocument:
    """A document from its canonical bytes, its signatures unseen.

    Raises EvidenceError: `json_invalid`, `document_invalid` (form), `grant_invalid`,
    `document_lifetime`, `document_key_repeated`, `document_keyid_wrong`, `document_key_weak`,
    `document_key_validity`.
    """
    body = parse_canonical(payload, what)
    _require_form(body, what)
    lifecycle = body["lifecycle"]
    document = AgentDocument(
        payload=payload,
        digest=hashlib.sha256(payload).hexdigest(),
        body=body,
        keys=tuple(_key(entry, what) for entry in body["keys"]),
        ceiling=grant.parse(body["grant_ceiling"], f"The ceiling of {_inner(what)}"),
        issued=parse_time(lifecycle["issued"], "`lifecycle.issued`"),
        expires=parse_time(lifecycle["expires"], "`lifecycle.expires`"),
    )
    _require_lifetime(document, what)
    return document


def require_signed(document: AgentDocument, signatures: Mapping[str, bytes], what: str) -> None:
    """Every key that is listed has signed, and no other.

    signatures: by keyid. Raises EvidenceError (`document_signature_missing`,
    `document_signature_foreign`, `document_signature_invalid`).
    """
    listed = {key.keyid: key.public for key in document.keys}
    for keyid in signatures.keys() - listed.keys():
        raise EvidenceError(
            "document_signature_foreign", f"{what} is signed by {keyid}, which it does not list."
        )
    message = signing_input(document.payload)
    for keyid, public in listed.items():
        if keyid not in signatures:
            raise EvidenceError(
                "document_signature_missing",
                f"{what} lists the key {keyid}, which has not signed it.",
            )
        if not keys.verify(public, signatures[keyid], message):
            raise EvidenceError(
                "document_signature_invalid",
                f"The signature of the key {keyid} does not hold over {_inner(what)}.",
            )


def require_child(child: AgentDocument, parent: AgentDocument, what: str) -> None:
    """An agent that comes from another may do less or as much, never more.

    Raises EvidenceError (`grant_widened`, `lineage_too_deep`).
    """
    grant.require_within(child.ceiling, parent.ceiling, f"The ceiling of {_inner(what)}")
    if child.max_depth >= parent.max_depth:
        raise EvidenceError(
            "lineage_too_deep",
            f"{what} has max_depth {child.max_depth}; below a parent with {parent.max_depth} it "
            "must be smaller.",
        )


def seal(document: AgentDocument, signatures: Mapping[str, bytes], registrar: keys.Signer) -> bytes:
    """The envelope, one line: the agent's signatures in the order of its keys, then ours.

    Raises EvidenceError as `require_signed` does, or `record_too_large`.
    """
    require_signed(document, signatures, "The identity document")
    named = [(key.keyid, signatures[key.keyid]) for key in document.keys]
    named.append((registrar.keyid, registrar.sign(signing_input(document.payload))))
    line = _render(document.payload, named)
    if len(line) > envelope.MAX_LINE:
        raise EvidenceError("record_too_large", "The identity document is too large: shorten it.")
    return line


def open_line(line: bytes, what: str) -> Registered:
    """Open an envelope and check the agent's signatures.

    Raises EvidenceError as `read` and `require_signed` do, or `envelope_invalid`.
    """
    value = parse_canonical(line, what)
    try:
        payload = decode64(value["payload"], f"The payload of {what}")
        named = [(str(s["keyid"]), decode64(s["sig"], what)) for s in value["signatures"]]
        (*own, (registrar, signature)) = named
    except (KeyError, TypeError, ValueError, AttributeError):
        raise EvidenceError("envelope_invalid", f"{what} is no DSSE envelope.") from None
    document = read(payload, what)
    order = [key.keyid for key in document.keys]
    require_signed(document, dict(own), what)
    if [keyid for keyid, _ in own] != order or line != _render(payload, named):
        raise EvidenceError("envelope_invalid", f"{what} is not in canonical form.")
    return Registered(document, registrar, signature)


@cache
def validator() -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(record.schema("_agent_identity"))


def _require_form(body: Any, what: str) -> None:
    error = next(validator().iter_errors(body), None)
    if error is not None:
        where = ".".join(str(part) for part in error.instance_path) or "the whole"
        raise EvidenceError("document_invalid", f"{what}: `{where}`: {error.message[:300]}.")
    if record.has_float(body):  # RFC 8785 writes 2.0 as 2
        raise EvidenceError("document_invalid", f"{what} holds a floating-point number.")


def _key(entry: dict[str, Any], what: str) -> DocumentKey:
    key = DocumentKey(
        entry["keyid"],
        decode64url(entry["jwk"]["x"], "The `x` of a key"),
        parse_time(entry["not_before"], "`not_before` of a key"),
        parse_time(entry["not_after"], "`not_after` of a key"),
    )
    if key.keyid != thumbprint(key.public):
        raise EvidenceError(
            "document_keyid_wrong",
            f"{what} names a key {key.keyid}, which is not its RFC 7638 thumbprint.",
        )
    # Under a key of small order one signature fits many messages: its holder could deny anything.
    if not crypto_core_ed25519_is_valid_point(key.public):
        raise EvidenceError(
            "document_key_weak", f"{what} lists {key.keyid}, which is no valid Ed25519 key."
        )
    return key


def _require_lifetime(document: AgentDocument, what: str) -> None:
    if not timedelta(0) < document.expires - document.issued <= MAX_LIFETIME:
        raise EvidenceError(
            "document_lifetime",
            f"{what} must expire after it is issued, and at most {MAX_LIFETIME.days} days later.",
        )
    if len({key.keyid for key in document.keys}) != len(document.keys):
        raise EvidenceError("document_key_repeated", f"{what} lists a key twice.")
    for key in document.keys:
        if not key.not_before < key.not_after <= document.expires:
            raise EvidenceError(
                "document_key_validity",
                f"{what}: the key {key.keyid} must end after it begins and not outlive the "
                "document.",
            )


def _render(payload: bytes, named: list[tuple[str, bytes]]) -> bytes:
    return serialise(
        {
            "payload": encode64(payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": keyid, "sig": encode64(sig)} for keyid, sig in named],
        }
    )


def _inner(what: str) -> str:
    return what[0].lower() + what[1:]
