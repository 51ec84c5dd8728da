"""Step 9, of those who acted for somebody: the mandates they cite were in force and went so far."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from governance.evidence import grant, mandate
from governance.evidence.agent_document import AgentDocument
from governance.evidence.encoding import parse_time
from governance.evidence.errors import EvidenceError
from governance.evidence.grant import Grant, covers_all, covers_item
from governance.evidence.mandate import Chain
from governance.evidence.manifest import Manifest
from governance.evidence.record import Record
from governance.evidence.signature_base import thumbprint

ACTIONS = {"generation.requested": "generation:create", "asset.imported": "asset:import"}
# From the check of a request to its record; an upload takes its time.
UNDER_WAY = {
    "generation.requested": timedelta(minutes=1),
    "asset.imported": timedelta(hours=1),
}
MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Registry:
    """What the agents' documents say as of a record.

    documents: those of an agent (`agt_…`) that were in force around then; require_key: raises
    EvidenceError unless a key (agent, keyid) was the agent's.
    """

    documents: Callable[[str], Sequence[AgentDocument]]
    require_key: Callable[[str, str], None]


@dataclass
class Delegations:
    """The mandates as the records up to some index tell.

    file: the bundle's file of that name; issued: the log index of each hop's record; revoked: when;
    grants: what each generation was asked for under; used: the chains that were verified; keys:
    the last of each, by keyid.
    """

    file: Callable[[str], bytes]
    trusted: Manifest
    issued: dict[str, int] = field(default_factory=dict)
    revoked: dict[str, datetime] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    used: set[tuple[str, ...]] = field(default_factory=set)
    keys: dict[str, bytes] = field(default_factory=dict)

    def follow(self, index: int, item: Record, registry: Registry) -> None:
        """Take in one record, in log order.

        Raises EvidenceError: what `mandate.verify_chain` raises, `mandate_unknown`,
        `mandate_wrong`, `mandate_revoked`, `mandate_foreign`, `mandate_exceeded`,
        `grant_widened`.
        """
        what = f"The record at log index {index}"
        if item.event == "mandate.issued":
            self.issued[item.body["digest"]] = index
        elif item.event == "mandate.revoked":
            self.revoked[item.body["digest"]] = _time(item)
        elif item.event in ACTIONS and item.body["principal"].keys() & {"grant", "mandate"}:
            self._request(item, what, registry)
        elif item.event == "route.chosen" and item.stream in self.grants and item.body["model"]:
            _require_route(item.body, self.grants[item.stream], what)

    def _request(self, item: Record, what: str, registry: Registry) -> None:
        principal = item.body["principal"]
        document = _document(principal, registry, what)
        limit = document.ceiling
        if "mandate" in principal:
            holder = self._chain(item, what, registry, document).holder
            limit, self.keys[holder.keyid] = holder.grant, holder.key
            self.used.add(tuple(principal["mandate"]))
        if "grant" not in principal or grant.parse(principal["grant"]) != limit:
            raise EvidenceError("mandate_foreign", f"{what} states another grant than was given.")
        _require_request(item, limit, what)
        self.grants[item.stream] = limit

    def _chain(self, item: Record, what: str, registry: Registry, document: AgentDocument) -> Chain:
        """The chain that a request cites, as it stood when the request was made."""
        principal, at = item.body["principal"], _time(item)
        hops = [self._hop(digest, what) for digest in principal["mandate"]]
        until = mandate.read(hops[-1]).grant.until
        was_valid = at <= until + UNDER_WAY[item.event]
        chain = mandate.verify_chain(
            hops,
            self._service_keys(self.issued[principal["mandate"][0]]).get,
            min(at, until - MOMENT) if was_valid else at,
            document.body["registry"],
        )
        signature = item.body["signature"] or {}
        said = (principal["accountable"], tuple(principal["chain"]), signature.get("keyid"))
        if said != (chain.person, chain.identities, chain.holder.keyid):
            raise EvidenceError(
                "mandate_foreign", f"{what} cites a delegation of others, or to another key."
            )
        for hop in chain.hops:
            if at > self.revoked.get(hop.digest, at) + UNDER_WAY[item.event]:
                raise EvidenceError("mandate_revoked", f"{what} cites a mandate that was revoked.")
            if not hop.is_instance:
                registry.require_key(hop.agent, hop.keyid)
            _require_below(chain.holder.grant, registry.documents(hop.agent), what)
        return chain

    def _hop(self, digest: str, what: str) -> str:
        if digest not in self.issued:
            raise EvidenceError("mandate_unknown", f"{what} cites a mandate that nobody issued.")
        hop = self.file(name(digest)).decode("ascii", "replace")
        if mandate.digest(hop) != digest:
            raise EvidenceError("mandate_wrong", f"The mandate {digest} was changed.")
        return hop

    def _service_keys(self, index: int) -> Mapping[str, bytes]:
        granted = (one for one in self.trusted.grants if one.role == "record" and one.covers(index))
        return {thumbprint(one.public): one.public for one in granted}


def name(digest: str) -> str:
    """Where a bundle keeps a hop."""
    return f"identities/{digest}.jws"


def cited(records: Iterable[Record]) -> set[str]:
    """Digests of all hops that requests cite."""
    requests = (item.body["principal"] for item in records if item.event in ACTIONS)
    return {digest for principal in requests for digest in principal.get("mandate", ())}


def _document(principal: dict[str, Any], registry: Registry, what: str) -> AgentDocument:
    for document in registry.documents(principal["id"]):
        if document.digest == principal.get("document"):
            return document
    raise EvidenceError("identity_unknown", f"{what} limits an agent without naming its document.")


def _require_below(limit: Grant, documents: Sequence[AgentDocument], what: str) -> None:
    """A document may have been replaced between check and record: one of them allowed it."""
    refused: EvidenceError | None = None
    for document in documents:
        try:
            grant.require_within(limit, document.ceiling, f"The mandate of {what.lower()}")
        except EvidenceError as error:
            refused = error
        else:
            return
    raise refused or EvidenceError("mandate_unknown", f"{what} passed an agent without a document.")


def _require_request(item: Record, limit: Grant, what: str) -> None:
    body = item.body
    model = body.get("model", "auto")
    for dimension, is_within in (
        ("actions", covers_item(ACTIONS[item.event], limit.actions)),
        ("projects", covers_item(body["project"], limit.projects)),
        ("territories", covers_all(body["territories"], limit.territories)),
        ("models", model == "auto" or covers_item(model, limit.models)),
    ):
        if not is_within:
            raise _exceeded(what, dimension)


def _require_route(body: dict[str, Any], limit: Grant, what: str) -> None:
    if not covers_item(body["model"], limit.models):
        raise _exceeded(what, "models")
    amount = Decimal(body["quote"]["amount"])
    if amount and body["quote"]["currency"] != limit.currency:
        raise _exceeded(what, "currency")
    if amount > limit.per_call:
        raise _exceeded(what, "per_call")


def _exceeded(what: str, dimension: str) -> EvidenceError:
    return EvidenceError("mandate_exceeded", f"{what} went beyond the {dimension} of its grant.")


def _time(item: Record) -> datetime:
    return parse_time(item.occurred_at, "A record's time")
