"""Offline verification of an evidence bundle, or of a report with its bundle inside.

Needs the bundle and a pinned root fingerprint; no server, no database, no network. The steps are
numbered; code, terminal output and report use the same numbers.

1. Root      the key manifest's chain begins at the pinned root fingerprint.
2. Checkpoint  the log's key signed the checkpoint, over this log's name.
3. Tree      the root hash recomputed from all leaf hashes is the checkpoint's.
4. Records   each is in the tree, in order, once; a granted key signed it; it fits its schema.
             The copies for other tools are true to them.
5. Streams   each stream counts up without a gap and names its predecessor's hash.
6. Stories   each generation's records could have happened in that order and belong to the scope;
             no release that policy, marks or separation of duties forbid, and none while a kill
             switch stopped it.
7. Disclosures  each opened value hashes into its record.
8. Policies  each decision names a policy document that is there; only house rules were waived, for
             a time and place that somebody else than who asked for it had approved before.
9. Identities  who acted is known by a signed document, and acted within a mandate; the signatures
             of their requests, where opened, are theirs, and fit the time and address.
10. Statements  decisions that people signed with an authenticator say what their records say.
11. Figures  (report) recomputed from the records, they are those attached and those printed.
12. Receipts  (kept by a caller) each is signed by a granted key, and its records are in the log.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from governance.evidence import (
    bundle,
    checkpoint,
    disclosure,
    envelope,
    identities,
    manifest,
    merkle,
    productions,
    receipt,
    record,
    requests,
    statements,
    stops,
    waivers,
)
from governance.evidence import report as reports
from governance.evidence.encoding import parse_canonical
from governance.evidence.errors import EvidenceError
from governance.evidence.story import RULES, Story, apply

T = TypeVar("T")

PDF_MAGIC = b"%PDF-"
_HASH = re.compile(r"[0-9a-f]{64}")
ALWAYS_UNCHECKED = (
    "Rewriting by the operator: whoever holds the operator's keys could have written another "
    "history. No witness co-signs the checkpoints and no time stamp authority dates them, so "
    "nothing here excludes that.",
    "The time of the records: it is the operator's clock.",
    "Media bytes: they are not in the bundle. Compare the SHA-256 of a file you have with the "
    "digest in its records.",
)


@dataclass
class Step:
    """One step: its number, name and what was found, in words."""

    number: int
    name: str
    result: str


@dataclass
class Evidence:
    """What the steps have established so far; later steps believe only what is here."""

    files: dict[str, bytes]
    read: set[str] = field(default_factory=set)
    scope: dict[str, Any] = field(default_factory=dict)
    trusted: manifest.Manifest | None = None
    head: checkpoint.Checkpoint | None = None
    leaves: dict[str, int] = field(default_factory=dict)
    records: list[tuple[int, record.Record]] = field(default_factory=list)
    stories: dict[str, Story] = field(default_factory=dict)
    proofs: dict[str, list[Any]] = field(default_factory=dict)
    signed: requests.Signatures | None = None


@dataclass
class Verdict:
    """The outcome. `failure` is None when everything that was checked holds."""

    steps: list[Step] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    failure: EvidenceError | None = None
    failed_step: str = ""
    failed_number: int = 1

    def as_dict(self) -> dict[str, Any]:
        failure = self.failure
        return {
            "verified": failure is None,
            "steps": [vars(step) for step in self.steps],
            "not_checked": self.not_checked,
            "failure": failure
            and {"step": self.failed_step, "code": failure.code, "message": failure.message},
        }


def verify_file(path: Path, root: str, kept: Sequence[bytes] = ()) -> Verdict:
    """Verify a bundle (zip) or a report (PDF). Whatever the file holds, the answer is a verdict.

    kept: receipts that a caller has, each the content of a file.
    """
    try:
        data = path.read_bytes()
        report = reports.open_report(data) if data.startswith(PDF_MAGIC) else None
        files = bundle.unpack(report.bundle if report else data)
    except OSError as error:
        unreadable = EvidenceError("file_unreadable", f"{path} cannot be read: {error}.")
        return Verdict(failure=unreadable, failed_step="open")
    except EvidenceError as error:
        return Verdict(failure=error, failed_step="open")
    return verify_files(files, root, report, kept)


def verify_files(
    files: dict[str, bytes],
    root: str,
    report: reports.Report | None = None,
    kept: Sequence[bytes] = (),
) -> Verdict:
    """Verify an unpacked bundle: its files by name; with the report that it was attached to, and
    with receipts that a caller kept."""
    verdict, evidence = Verdict(), Evidence(files)
    steps: list[tuple[str, Callable[[], str] | None]] = [
        ("root", lambda: _root(evidence, root)),
        ("checkpoint", lambda: _checkpoint(evidence)),
        ("tree", lambda: _tree(evidence)),
        ("records", lambda: _records(evidence)),
        ("streams", lambda: _streams(evidence)),
        ("stories", lambda: _stories(evidence)),
        ("disclosures", lambda: _disclosures(evidence)),
        ("policies", lambda: _policies(evidence)),
        ("identities", lambda: _identities(evidence)),
        ("statements", lambda: statements.check(evidence.records)),
        ("figures", (lambda: _figures(evidence, report)) if report else None),
        ("receipts", (lambda: _receipts(evidence, kept)) if kept else None),
    ]
    for number, (name, run) in enumerate(steps, start=1):
        if run is None:
            continue
        try:
            verdict.steps.append(Step(number, name, run()))
        except EvidenceError as error:
            verdict.failure, verdict.failed_step, verdict.failed_number = error, name, number
            return verdict
    verdict.not_checked = [*ALWAYS_UNCHECKED, *_also_unchecked(evidence)]
    return verdict


def _root(evidence: Evidence, root: str) -> str:
    chain = _file(evidence, "trust/keys.dsse.jsonl")
    evidence.trusted = manifest.verify(chain, root)
    count = len(evidence.trusted.grants)
    return f"key manifest version {evidence.trusted.version} with {count} keys is rooted in {root}"


def _checkpoint(evidence: Evidence) -> str:
    trusted = _established(evidence.trusted)
    note = _file(evidence, "checkpoint")
    size = checkpoint.parse(note).size
    evidence.head = checkpoint.verify(note, trusted.origin, trusted.log_key(size))
    return f"the log “{trusted.origin}” signed {size} records"


def _tree(evidence: Evidence) -> str:
    head = _established(evidence.head)
    leaves = [line.decode("ascii", "replace") for line in _lines(evidence, "leaves")]
    if len(leaves) != head.size:
        raise EvidenceError(
            "leaves_wrong",
            f"The list of leaf hashes has {len(leaves)} entries, the checkpoint {head.size}.",
        )
    evidence.leaves = {leaf: index for index, leaf in enumerate(leaves)}
    if not all(map(_HASH.fullmatch, leaves)):  # of another length, they could shift in the tree
        raise EvidenceError("leaves_wrong", "A line of `leaves` is not a hash in hexadecimal.")
    if merkle.root([bytes.fromhex(leaf) for leaf in leaves]) != head.root:
        raise EvidenceError(
            "root_wrong", "The leaf hashes do not give the checkpoint's root hash: one was changed."
        )
    return f"root {head.root.hex()} recomputed from {head.size} leaf hashes"


def _records(evidence: Evidence) -> str:
    trusted = _established(evidence.trusted)
    evidence.scope = _scope(evidence)
    placed = _placed(evidence)
    _require_true_copies(evidence, placed[:1])
    for number, (index, line) in enumerate(placed, start=1):
        what = f"record {number} (log index {index})"
        opened = envelope.open_line(line, what)
        opened.verify(trusted.key("record", opened.keyid, index, what), what)
        evidence.records.append((index, record.read(line, opened, what)))
    return f"{len(evidence.records)} of {len(evidence.leaves)} records: in the tree, signed, valid"


def _placed(evidence: Evidence) -> list[tuple[int, bytes]]:
    """Each line with its log index: all that the scope names, in their order, and no others."""
    lines = _lines(evidence, "records.intoto.jsonl")
    expected = (i for first, last in evidence.scope["indexes"] for i in range(first, last + 1))
    placed = []
    for number, line in enumerate(lines, start=1):
        index = evidence.leaves.get(merkle.leaf_hash(line).hex())
        if index is None:
            _explain_changed(_established(evidence.trusted), line, f"record {number}")
        if index != next(expected, None):
            raise EvidenceError(
                "record_misplaced",
                f"Record {number} is not the one that belongs there: a record was removed, "
                "repeated or moved.",
            )
        placed.append((index, line))
    missing = next(expected, None)
    if missing is not None:
        raise EvidenceError("record_missing", f"The record with log index {missing} is missing.")
    return placed


def _explain_changed(trusted: manifest.Manifest, line: bytes, what: str) -> NoReturn:
    """A line that is not in the tree: say whether its signature still holds, then raise."""
    opened = envelope.open_line(line, what)
    granted = [grant for grant in trusted.grants if grant.keyid == opened.keyid]
    if granted:
        opened.verify(granted[0].public, what)
    raise EvidenceError("record_foreign", f"{what.capitalize()} is not in this log.")


def _require_true_copies(evidence: Evidence, first: list[tuple[int, bytes]]) -> None:
    """What other tools are given to verify is what is verified here."""
    note, trusted = _file(evidence, "checkpoint"), _established(evidence.trusted)
    for name, data in bundle.foreign(note, first, trusted).items():
        if name in evidence.files and _file(evidence, name) != data:
            raise EvidenceError(
                "copy_wrong", f"{name} is not what the evidence says: it was changed."
            )


def _streams(evidence: Evidence) -> str:
    heads: dict[str, tuple[int, str]] = {}
    for index, item in evidence.records:
        seq, leaf = heads.get(item.stream, (-1, record.ZERO))
        if (item.seq, item.prev) != (seq + 1, leaf):
            raise EvidenceError(
                "stream_gap",
                f"The record at log index {index} is number {item.seq} of stream {item.stream}, "
                f"but number {seq + 1} should follow: one is missing or out of order.",
            )
        heads[item.stream] = (item.seq, item.leaf)
    return f"{len(heads)} streams without a gap"


def _stories(evidence: Evidence) -> str:
    for _, item in evidence.records:
        if item.event in RULES:
            before = evidence.stories.get(item.stream, Story())
            evidence.stories[item.stream] = apply(before, item)
    for story in evidence.stories.values():
        _require_in_scope(story, evidence.scope)
    stops.check(evidence.records, evidence.stories)
    return f"{len(evidence.stories)} generations told from their records"


def _disclosures(evidence: Evidence) -> str:
    closed = {(item.id, digest) for _, item in evidence.records for digest in item.sd}
    lines = _lines(evidence, "disclosures.jsonl")
    for number, line in enumerate(lines, start=1):
        value = parse_canonical(line, f"Disclosure {number}")
        if not isinstance(value, dict) or value.keys() != {"record", "disclosure"}:
            raise EvidenceError("disclosure_invalid", f"Disclosure {number} is not readable.")
        item = disclosure.parse(str(value["disclosure"]))
        opened = (str(value["record"]), item.digest)
        if opened not in closed:
            raise EvidenceError(
                "disclosure_foreign",
                f"Disclosure {number} does not belong to its record, or is there twice.",
            )
        closed.remove(opened)
        if item.name == requests.NAME:
            evidence.proofs.setdefault(opened[0], []).append(item.value)
    return f"{len(lines)} opened values hash into their records"


def _policies(evidence: Evidence) -> str:
    named = {i.body["policy"] for _, i in evidence.records if i.event == "policy.decided"}
    for digest in sorted(named):
        document = _file(evidence, f"policy/{digest}.json")
        if hashlib.sha256(document).hexdigest() != digest:
            raise EvidenceError("policy_wrong", f"The policy document {digest} was changed.")
    waived = waivers.check(evidence.records, evidence.stories)
    productions.check(evidence.records)
    return f"{len(named)} policy documents as the decisions name them; {waived} waivers used"


def _identities(evidence: Evidence) -> str:
    trusted = _established(evidence.trusted)
    found = identities.check(evidence.records, lambda name: _file(evidence, name), trusted)
    evidence.signed = requests.check(evidence.records, evidence.proofs, found.keys)
    return f"{found.told}; {evidence.signed.told}"


def _figures(evidence: Evidence, report: reports.Report) -> str:
    return reports.check_figures(
        report,
        _established(evidence.head),
        evidence.scope,
        list(evidence.stories.values()),
        [item for _, item in evidence.records],
    )


def _receipts(evidence: Evidence, kept: Sequence[bytes]) -> str:
    return receipt.check(kept, evidence.leaves, _established(evidence.trusted))


def _also_unchecked(evidence: Evidence) -> Iterator[str]:
    if not evidence.scope["complete"]:
        yield (
            "Completeness beyond the scope: of records outside it only the hashes are here, so "
            "whether one of them belongs to the scope cannot be seen."
        )
    unread = sorted(evidence.files.keys() - evidence.read)
    if unread:
        yield f"{', '.join(unread)}: no part of the evidence."
    opened = _lines(evidence, "disclosures.jsonl")
    closed = sum(len(item.sd) for _, item in evidence.records) - len(opened)
    if closed:
        yield f"{closed} digests of personal data: their values were not disclosed, or erased."
    yield from _established(evidence.signed).not_checked


def _scope(evidence: Evidence) -> dict[str, Any]:
    scope = parse_canonical(_file(evidence, "scope.json"), "scope.json")
    try:
        chosen = {name: scope[name] for name in ("complete", "organisation", "project", "indexes")}
        covered = _count(chosen["indexes"], len(evidence.leaves))
    except (KeyError, TypeError, ValueError):
        raise EvidenceError("bundle_invalid", "scope.json does not say what is covered.") from None
    if chosen["complete"] and covered != len(evidence.leaves):
        raise EvidenceError(
            "record_missing", "The bundle says it holds the whole log, but records are missing."
        )
    return chosen


def _count(ranges: list[list[int]], size: int) -> int:
    """How many log indexes the ranges cover; ValueError unless they ascend within the log."""
    end = 0
    for first, last in ranges:
        if not (isinstance(first, int) and isinstance(last, int) and end <= first <= last < size):
            raise ValueError(first)
        end = last + 1
    return sum(last - first + 1 for first, last in ranges)


def _require_in_scope(story: Story, scope: dict[str, Any]) -> None:
    organisation, project = story.request["organisation"], story.request["project"]
    if organisation != scope["organisation"] or scope["project"] not in (None, project):
        raise EvidenceError(
            "scope_wrong",
            f"{story.id} is of organisation {organisation}, project {project}, which is not what "
            "scope.json says the bundle covers.",
        )


def _lines(evidence: Evidence, name: str) -> list[bytes]:
    data = _file(evidence, name)
    if not data:
        return []
    if not data.endswith(b"\n"):
        raise EvidenceError("bundle_invalid", f"{name} is cut off: its last line has no end.")
    return data[:-1].split(b"\n")


def _file(evidence: Evidence, name: str) -> bytes:
    if name not in evidence.files:
        raise EvidenceError("bundle_invalid", f"The bundle lacks the file {name}.")
    evidence.read.add(name)
    return evidence.files[name]


def _established(value: T | None) -> T:
    if value is None:
        raise RuntimeError("a step ran before the one it depends on")
    return value
