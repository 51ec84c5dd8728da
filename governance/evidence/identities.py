"""Step 9: whoever acted is known by a signed document, and acted within a mandate."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from governance.evidence import agent_document, delegations
from governance.evidence.agent_document import AgentDocument, DocumentKey
from governance.evidence.encoding import parse_time
from governance.evidence.errors import EvidenceError
from governance.evidence.manifest import Manifest
from governance.evidence.record import Record

Files = Callable[[str], bytes]
# A request is checked when it arrives and recorded when it is whole: an upload takes its time.
UNDER_WAY = timedelta(hours=1)


@dataclass
class Agent:
    """An agent as the records up to some index tell.

    documents: all that it ever had, the one in force last; ended: when each of the others was
    superseded; stopped: since when it is suspended or revoked; revoked: keys and when.
    """

    documents: list[AgentDocument] = field(default_factory=list)
    ended: dict[str, datetime] = field(default_factory=dict)
    stopped: datetime | None = None
    revoked: dict[str, datetime] = field(default_factory=dict)

    @property
    def keys(self) -> dict[str, DocumentKey]:
        """Every key by its keyid, as the newest document that lists it says."""
        return {key.keyid: key for document in self.documents for key in document.keys}


Agents = dict[str, Agent]


@dataclass(frozen=True)
class Found:
    """What was found, in words; and the raw public keys by keyid that agents were allowed to use,
    their own and those of instances."""

    told: str
    keys: dict[str, bytes]


def name(digest: str) -> str:
    """Where a bundle keeps the envelope of an identity document."""
    return f"identities/{digest}.dsse.json"


def cited(records: Iterable[Record]) -> set[str]:
    """Digests of all identity documents that records cite."""
    found = set()
    for item in records:
        holder = item.body if item.event == "agent.changed" else _principal(item)
        if "document" in holder:
            found.add(holder["document"])
    return found


def check(records: Sequence[tuple[int, Record]], file: Files, trusted: Manifest) -> Found:
    """Follow the agents and what they asked for.

    records: (log index, record); file: a file of the bundle.
    Raises EvidenceError: whatever is wrong with a document, `identity_wrong`, `identity_foreign`,
    `identity_unknown`, `identity_ended`, `identity_stopped`, `identity_key`, `assurance_wrong`,
    and what `Delegations.follow` raises.
    """
    agents: Agents = {}
    requests = 0
    delegated = delegations.Delegations(file, trusted)
    for index, item in records:
        if item.event == "agent.changed" and "document" in item.body:
            _change(agents, index, item, file, trusted)
        elif "document" in _principal(item):
            _require_known(agents, item, f"The record at log index {index}")
            requests += 1
        delegated.follow(index, item, _registry(agents, index, item))
    return Found(
        _told(agents, requests, len(delegated.used)), _keys(agents.values()) | delegated.keys
    )


def _told(agents: Agents, requests: int, chains: int) -> str:
    count = sum(len(agent.documents) for agent in agents.values())
    if not count:
        return "no identity documents are cited"
    return (
        f"{count} signed identity documents; {requests} requests of agents that they name, within "
        f"their limits; {chains} delegations"
    )


def _keys(agents: Iterable[Agent]) -> dict[str, bytes]:
    return {keyid: key.public for agent in agents for keyid, key in agent.keys.items()}


def _registry(agents: Agents, index: int, item: Record) -> delegations.Registry:
    """Documents and keys as they were about the time of a record."""

    def documents(agent_id: str) -> list[AgentDocument]:
        agent, at = agents.get(agent_id, Agent()), _time(item)
        return [
            document
            for document in reversed(agent.documents)
            if at <= agent.ended.get(document.digest, at) + UNDER_WAY
        ]

    def require_key(agent_id: str, keyid: str) -> None:
        agent = agents.get(agent_id, Agent())
        _require_key(agent, keyid, _time(item), f"The record at log index {index}")

    return delegations.Registry(documents, require_key)


def _change(agents: Agents, index: int, item: Record, file: Files, trusted: Manifest) -> None:
    """Follow what the registry did to an agent."""
    body, at = item.body, _time(item)
    agent = agents.setdefault(body["principal"], Agent())
    if body["action"] in ("registered", "superseded"):
        document = _registered(agents, index, body, file, trusted)
        if agent.documents:
            agent.ended[agent.documents[-1].digest] = at
        agent.documents.append(document)
    elif body["document"] not in [document.digest for document in agent.documents]:
        raise EvidenceError(
            "identity_unknown",
            f"The record at log index {index} cites an identity document that was not registered.",
        )
    match body["action"]:
        case "suspended" | "revoked":
            agent.stopped = at
        case "resumed":
            agent.stopped = None
        case "key_revoked" if body["key"]:
            agent.revoked[body["key"]["keyid"]] = at


def _registered(
    agents: Agents, index: int, body: dict[str, Any], file: Files, trusted: Manifest
) -> AgentDocument:
    """The document that a record puts in force, with all that its registration has to keep to."""
    digest, what = body["document"], f"The identity document {body['document'][:16]}…"
    opened = agent_document.open_line(file(name(digest)), what)
    document = opened.document
    if document.digest != digest:
        raise EvidenceError("identity_wrong", f"{what} was changed.")
    opened.verify_registrar(trusted.key("record", opened.registrar, index, what), what)
    subject = agent_document.principal_id(body["organisation"], document.body["id"])
    named = (document.organisation, subject, document.accountable, document.parent)
    if named != tuple(
        body.get(key) for key in ("organisation", "principal", "accountable", "parent")
    ):
        raise EvidenceError(
            "identity_foreign", f"{what} is not that of the agent that the record names."
        )
    before = agents[subject].documents
    if document.supersedes != (before[-1].digest if before else None):
        raise EvidenceError(
            "identity_foreign", f"{what} does not follow the agent's document before."
        )
    if document.parent is not None:
        parent = agents.get(document.parent, Agent())
        if not parent.documents:
            raise EvidenceError("identity_unknown", f"The parent of {what} is not registered.")
        agent_document.require_child(document, parent.documents[-1], what)
    return document


def _require_known(agents: Agents, item: Record, what: str) -> None:
    """The caller is an agent with the document that it is said to have, in force at that time."""
    principal, at = _principal(item), _time(item)
    agent = agents.get(principal["id"], Agent())
    document = next((d for d in agent.documents if d.digest == principal["document"]), None)
    if document is None:
        raise EvidenceError(
            "identity_unknown", f"{what} cites an identity document that was not registered for it."
        )
    # Whoever acts within a mandate answers to the person who gave it.
    if "mandate" not in principal and document.accountable != principal["accountable"]:
        raise EvidenceError(
            "identity_foreign", f"{what} names another accountable person than the document."
        )
    end = min(document.expires, agent.ended.get(document.digest, document.expires))
    if at > end + UNDER_WAY:
        raise EvidenceError(
            "identity_ended", f"{what} cites an identity document that had expired or was replaced."
        )
    _require_running(agents, principal["id"], at, what)
    _require_assurance(item, document, what)
    if "mandate" not in principal and item.body.get("signature") is not None:
        _require_key(agent, item.body["signature"]["keyid"], at, what)


def _require_assurance(item: Record, document: AgentDocument, what: str) -> None:
    """An agent signs its requests (A), or presents the access tokens its document binds (B, C)."""
    assurance = _principal(item)["assurance"]
    is_signed = item.body["signature"] is not None
    if is_signed != (assurance == "A"):
        raise EvidenceError(
            "assurance_wrong",
            f"{what} has assurance {assurance}; A takes a signature of the request, B and C none.",
        )
    if not is_signed and document.binding is None:
        raise EvidenceError(
            "assurance_wrong", f"{what} is of an agent whose document binds no access tokens."
        )


def _require_running(agents: Agents, agent_id: str | None, at: datetime, what: str) -> None:
    while agent_id is not None:
        agent = agents[agent_id]
        if agent.stopped is not None and at > agent.stopped + UNDER_WAY:
            raise EvidenceError(
                "identity_stopped", f"{what} is of an agent when {agent_id} had been stopped."
            )
        agent_id = agent.documents[-1].parent


def _require_key(agent: Agent, keyid: str, at: datetime, what: str) -> None:
    key = agent.keys.get(keyid)
    if key is None or at > min(key.not_after, agent.revoked.get(keyid, at)) + UNDER_WAY:
        raise EvidenceError(
            "identity_key", f"{what} is signed with a key that was not the agent's at that time."
        )


def _principal(item: Record) -> dict[str, Any]:
    principal = item.body.get("principal")
    return principal if isinstance(principal, dict) else {}


def _time(item: Record) -> datetime:
    return parse_time(item.occurred_at, "A record's time")
