"""What a report is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from governance.domain import MatchedRule
from governance.evidence.checkpoint import Checkpoint
from governance.evidence.record import Record
from governance.kernel.clock import rfc3339
from governance.reporting.packs import Pack
from governance.reporting.population import ReportedStory


@dataclass(frozen=True)
class InclusionProof:
    """The proof that the cover draws: log index, leaf hash and siblings from the leaf up
    (RFC 9162 section 2.1.3), all hashes hexadecimal."""

    index: int
    leaf: str
    path: tuple[str, ...]


@dataclass(frozen=True)
class ReportInput:
    """Everything that goes into a report: equal inputs give equal bytes.

    number: how the report is called; project: None for all; start, end, issued: aware, the
    period is [start, end); stories: every generation in scope in the log up to the checkpoint, of
    any time; service_records: the service's own stream; figures: of exactly this population;
    figures_json: `evidence.report.figures_document` of them; bundle: the evidence bundle (zip);
    proof: None for an empty log; fingerprints: `SHA256:…`; producer: version of the service;
    templates_dir: the folder `report_templates`; observed: every rule in mode observe of the policy
    in force, whether it matched or not; packs: all of that policy, with or without rules;
    identities: the signed identity documents that the bundle holds, by digest.
    """

    number: str
    organisation: str
    project: str | None
    start: datetime
    end: datetime
    issued: datetime
    stories: Sequence[ReportedStory]
    service_records: Sequence[Record]
    figures: dict[str, Any]
    figures_json: bytes
    bundle: bytes
    checkpoint: Checkpoint
    proof: InclusionProof | None
    root_fingerprint: str
    log_fingerprint: str
    record_fingerprint: str
    producer: str
    templates_dir: Path
    observed: Sequence[MatchedRule] = ()
    packs: Sequence[Pack] = ()
    identities: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def scope(self) -> dict[str, str | None]:
        """The scope as `figures.json` states it."""
        return {
            "from": rfc3339(self.start),
            "to": rfc3339(self.end),
            "organisation": self.organisation,
            "project": self.project,
        }
