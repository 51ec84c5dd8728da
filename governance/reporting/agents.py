"""Agents that acted in a period, as their identity documents and the registry's records tell.

Pure. An agent acted when it is in the chain of a generation of the report, or when a call of its
own was refused.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from governance.evidence import agent_document
from governance.evidence.agent_document import AgentDocument
from governance.evidence.record import Record
from governance.evidence.story import Story
from governance.kernel import clock

EVENT = "agent.changed"
ACTIVE = "active"
_CHANGES = ("suspended", "resumed", "revoked")


@dataclass(frozen=True)
class ReportedAgent:
    """One agent with one of its identity documents, by default the newest of the period.

    accountable: the person who answers for it (`usr_…`); accountable_state: theirs, as `state`;
    parent: the agent that it comes from;
    document: sha256, empty for an agent without one, as are operator and oversight; issued,
    expires: RFC 3339; state: at the end of the period, or of the log; documents: how many of its
    documents were in force in the period; asked: generations of the report that it requested
    itself; refused: its calls that were refused.
    """

    id: str
    accountable: str
    accountable_state: str
    parent: str | None
    document: str
    operator: str
    oversight: str
    issued: str
    expires: str
    state: str
    documents: int
    asked: int
    refused: int


def agents(
    service: Iterable[Record],
    envelopes: Mapping[str, bytes],
    stories: Sequence[Story],
    refused: Iterable[Record],
    start: datetime,
    end: datetime,
) -> tuple[ReportedAgent, ...]:
    """Every agent that acted in [start, end), in order of registration.

    service: the organisation's own records; envelopes: signed identity documents by digest;
    refused: the `access.denied` records of the scope.
    """
    asked = Counter(story.request["principal"]["id"] for story in stories)
    denied = Counter(record.body["principal"] for record in refused)
    acted = denied.keys() | {id_ for s in stories for id_ in s.request["principal"]["chain"]}
    told: dict[str, list[Record]] = {}
    for record in service:
        if record.event == EVENT and clock.parse(record.occurred_at) < end:
            told.setdefault(record.body["principal"], []).append(record)
    states = {id_: _state(records) for id_, records in told.items()}
    return tuple(
        _agent(records, envelopes, states, start, asked[id_], denied[id_])
        for id_, records in told.items()
        if id_ in acted and records[0].body["kind"] == "agent"
    )


def _agent(
    records: list[Record],
    envelopes: Mapping[str, bytes],
    states: Mapping[str, str],
    start: datetime,
    asked: int,
    denied: int,
) -> ReportedAgent:
    body = records[-1].body
    digest = next((r.body["document"] for r in reversed(records) if "document" in r.body), "")
    document = _document(envelopes, digest)
    return ReportedAgent(
        id=body["principal"],
        accountable=body["accountable"],
        accountable_state=states.get(body["accountable"], ACTIVE),
        parent=body.get("parent"),
        document=digest,
        operator=document.body["operator"]["legal_name"] if document else "",
        oversight=document.body["autonomy"]["oversight"] if document else "",
        issued=clock.rfc3339(document.issued) if document else "",
        expires=clock.rfc3339(document.expires) if document else body["expires_at"] or "",
        state=states[body["principal"]],
        documents=_in_force(records, start),
        asked=asked,
        refused=denied,
    )


def _state(records: list[Record]) -> str:
    """`active`, `suspended` or `revoked`, as the records so far tell."""
    changes = [record.body["action"] for record in records if record.body["action"] in _CHANGES]
    return ACTIVE if not changes or changes[-1] == "resumed" else str(changes[-1])


def _document(envelopes: Mapping[str, bytes], digest: str) -> AgentDocument | None:
    """Raises EvidenceError for an envelope that does not hold, KeyError for one that is missing."""
    if not digest:
        return None
    what = f"The identity document {digest[:16]}…"
    return agent_document.open_line(envelopes[digest], what).document


def _in_force(records: list[Record], start: datetime) -> int:
    """How many documents were, at some moment from `start` on, the agent's present one."""
    began = [record for record in records if record.body["action"] in ("registered", "superseded")]
    before = sum(clock.parse(record.occurred_at) < start for record in began)
    return len(began) - max(before - 1, 0)
