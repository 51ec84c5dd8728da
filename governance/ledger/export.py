"""Exporting evidence: the contents of a bundle, read at one checkpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, or_, select
from sqlmodel import Session

from governance.evidence import bundle, checkpoint, delegations, identities
from governance.evidence.checkpoint import Checkpoint
from governance.evidence.record import Record, load
from governance.kernel.errors import NotFound
from governance.ledger.ledger import SERVICE
from governance.ledger.publisher import latest
from governance.ledger.tables import LogLeaf, LogRecord
from governance.ledger.vault import Vault

_RECORDS = LogRecord.__table__  # type: ignore[attr-defined]
_LEAVES = LogLeaf.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Extract:
    """What one scope of the log holds at one checkpoint.

    records: (log index, record) in order; leaves: all leaf hashes; `is_complete`: every record of
    the log is in scope.
    """

    head: Checkpoint
    note: bytes
    organisation: str
    project: str | None
    records: list[tuple[int, Record]]
    leaves: list[str]

    @property
    def is_complete(self) -> bool:
        return len(self.records) == len(self.leaves)

    def contents(
        self,
        chain: bytes,
        policies: Mapping[str, bytes],
        disclosures: Sequence[tuple[str, str]] = (),
        identities: Mapping[str, bytes] | None = None,
        mandates: Mapping[str, bytes] | None = None,
    ) -> bundle.Contents:
        """The bundle's contents; `policies`: canonical documents by digest; `identities`:
        envelopes of agents' identity documents by digest; `mandates`: hops by digest."""
        return bundle.Contents(
            scope={
                "complete": self.is_complete,
                "organisation": self.organisation,
                "project": self.project,
            },
            note=self.note,
            chain=chain,
            leaves=self.leaves,
            records=[(index, item.line) for index, item in self.records],
            disclosures=list(disclosures),
            policies=policies,
            identities=identities or {},
            mandates=mandates or {},
        )

    @property
    def policies(self) -> set[str]:
        """Digests of the policy documents that the decisions in scope name."""
        decided = (item.body for _, item in self.records if item.event == "policy.decided")
        return {body["policy"] for body in decided}

    @property
    def identities(self) -> set[str]:
        """Digests of the identity documents that the records in scope cite."""
        return identities.cited(item for _, item in self.records)

    @property
    def mandates(self) -> set[str]:
        """Digests of the hops of delegations that the records in scope cite."""
        return delegations.cited(item for _, item in self.records)


def extract(session: Session, organisation: str, project: str | None) -> Extract:
    """Everything in scope up to the newest checkpoint.

    An organisation's evidence includes the service's own records of that organisation and those
    that concern everyone. Raises NotFound (`no_checkpoint`) before the first checkpoint.
    """
    published = latest(session)
    if published is None:
        raise NotFound("no_checkpoint", "Nothing has been published yet; try again in a second.")
    head, note = published
    connection = session.connection()
    return Extract(
        head=head,
        note=note,
        organisation=organisation,
        project=project,
        records=_records(connection, head, organisation, project),
        leaves=_leaves(connection, head),
    )


def disclosures(
    session: Session, vault: Vault, records: Sequence[tuple[int, Record]]
) -> list[tuple[str, str]]:
    """(record id, disclosure) of the personal data that is still there, in log order."""
    ids = [item.id for _, item in records if item.sd]
    opened = vault.open(session, ids)
    return [
        (record_id, item.text)
        for record_id in ids
        for item in sorted(opened.get(record_id, []), key=lambda one: one.digest)
    ]


def _records(
    connection: Connection, head: checkpoint.Checkpoint, organisation: str, project: str | None
) -> list[tuple[int, Record]]:
    own = f"org/{organisation}"
    query = select(_LEAVES.c.idx, _RECORDS.c.line).join(
        _RECORDS, _RECORDS.c.id == _LEAVES.c.record_id
    )
    if project is None:
        in_scope = or_(
            _RECORDS.c.scope == own, _RECORDS.c.scope.startswith(own + "/", autoescape=True)
        )
    else:
        in_scope = or_(_RECORDS.c.scope == own, _RECORDS.c.scope == f"{own}/project/{project}")
    everyone = _RECORDS.c.stream == SERVICE
    rows = connection.execute(
        query.where(_LEAVES.c.idx < head.size, or_(in_scope, everyone)).order_by(_LEAVES.c.idx)
    )
    return [(int(index), load(line)) for index, line in rows]


def _leaves(connection: Connection, head: checkpoint.Checkpoint) -> list[str]:
    rows = connection.execute(
        select(_LEAVES.c.hash).where(_LEAVES.c.idx < head.size).order_by(_LEAVES.c.idx)
    )
    return [value for (value,) in rows]
