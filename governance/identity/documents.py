"""Agent identity documents as the registry keeps them: read, checked, found again."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from governance.domain.grant import Grant
from governance.evidence import agent_document
from governance.evidence.encoding import decode64, serialise
from governance.evidence.errors import EvidenceError
from governance.evidence.keys import Signer
from governance.identity.grants import as_grant
from governance.identity.tables import AgentDocument
from governance.kernel import clock
from governance.kernel.errors import IntegrityError, InvalidRequest, NotFound

MAX_SKEW = timedelta(seconds=60)  # that the clock of a document's author may differ from ours
MAX_CACHED = 4096

_DOCUMENTS = AgentDocument.__table__  # type: ignore[attr-defined]
_ENVELOPE = select(_DOCUMENTS.c.envelope)
# Documents never change, so what was read from one holds for ever.
_ceilings: dict[str, Grant] = {}


def receive(
    body: Mapping[str, Any], signatures: Mapping[str, str], *, organisation: str, audience: str
) -> tuple[agent_document.AgentDocument, dict[str, bytes]]:
    """A new document for this service, and its keys' signatures in bytes.

    signatures: base64 by keyid; audience: the service's public name.
    Raises InvalidRequest with the code of the rule that is broken: those of
    `evidence.agent_document`, `document_audience`, `document_organisation`,
    `document_not_in_force`.
    """
    try:
        document = agent_document.read(serialise(dict(body)))
        signed = {keyid: decode64(sig, "A signature") for keyid, sig in signatures.items()}
        agent_document.require_signed(document, signed, "The identity document")
    except (EvidenceError, TypeError) as error:
        raise refusal(error) from None
    if document.body["registry"] != audience:
        raise _invalid("document_audience", f"It is made for another service, not for {audience}.")
    if document.organisation != organisation:
        raise _invalid("document_organisation", f"Its operator must be {organisation}.")
    now = clock.now()
    if not document.issued - MAX_SKEW <= now < document.expires:
        raise _invalid("document_not_in_force", "It is from the future, or it has expired.")
    return document, signed


def keep(
    connection: Connection,
    document: agent_document.AgentDocument,
    signatures: Mapping[str, bytes],
    *,
    agent: str,
    registrar: Signer,
) -> None:
    """Countersign a document and store it. Raises InvalidRequest (`record_too_large`)."""
    try:
        line = agent_document.seal(document, signatures, registrar)
    except EvidenceError as error:
        raise refusal(error) from None
    row = {
        "digest": document.digest,
        "agent": agent,
        "envelope": line,
        "issued_at": document.issued,
        "expires_at": document.expires,
    }
    connection.execute(insert(AgentDocument).values(row))


def find(connection: Connection, digest: str) -> agent_document.AgentDocument:
    """A registered document. Raises NotFound (`document_unknown`), IntegrityError
    (`document_altered`) if the database holds another in its place."""
    (line,) = envelopes(connection, [digest]).values()
    try:
        document = agent_document.open_line(line, "A registered document").document
    except EvidenceError as error:
        raise IntegrityError("document_altered", f"Document {digest}: {error.message}") from None
    if document.digest != digest:
        raise IntegrityError("document_altered", f"Another document lies in place of {digest}.")
    return document


def envelopes(connection: Connection, digests: Iterable[str]) -> dict[str, bytes]:
    """The envelopes of registered documents by digest. Raises NotFound (`document_unknown`)."""
    found = {}
    for digest in digests:
        line = connection.execute(_ENVELOPE.where(_DOCUMENTS.c.digest == digest)).scalar()
        if line is None:
            raise NotFound("document_unknown", f"No document {digest} was ever registered.")
        found[digest] = bytes(line)
    return found


def of_agent(connection: Connection, agent: str) -> list[str]:
    """The digests of all documents that an agent ever had, in order of issue."""
    query = select(_DOCUMENTS.c.digest).where(_DOCUMENTS.c.agent == agent)
    return list(connection.execute(query.order_by(_DOCUMENTS.c.issued_at)).scalars())


def ceiling(connection: Connection, digest: str) -> Grant:
    """How far an agent with this document may ever go; read once per process."""
    known = _ceilings.get(digest)
    if known is None:
        if len(_ceilings) >= MAX_CACHED:
            _ceilings.clear()
        known = as_grant(find(connection, digest).body["grant_ceiling"])
        _ceilings[digest] = known
    return known


def refusal(error: Exception) -> InvalidRequest:
    """The answer to a caller whose document breaks a rule."""
    if isinstance(error, EvidenceError):
        return InvalidRequest(error.code, error.message, param="document")
    return _invalid("document_invalid", "It holds a value that JSON has no canonical form for.")


def _invalid(code: str, why: str) -> InvalidRequest:
    return InvalidRequest(code, f"The identity document is refused. {why}", param="document")
