"""Receipts: what a caller keeps of a decision, signed by the service.

A receipt is two lines of the log as they are stored: the record of the request and the record of
the decision on it (`policy.decided`). Each is a signed envelope, so the service cannot deny either
later, and the second names the first by its leaf hash. The request record in its turn carries a
salted digest of the caller's own signature, whose base covers nonce, body and time (RFC 9421), so
the receipt ties this decision to exactly that request.

A receipt goes by the leaf hash of its decision (RFC 6962 section 2.1). Whoever holds it finds out
from any later bundle whether the record is still in the log: `governance verify --receipt`.
"""

from collections.abc import Mapping, Sequence

from governance.evidence import envelope, merkle, record
from governance.evidence.errors import EvidenceError
from governance.evidence.manifest import Manifest
from governance.evidence.record import Record

MAX_BYTES = 1024 * 1024
REQUESTS = ("generation.requested", "asset.imported")
DECISION = "policy.decided"


def leaf(line: bytes) -> str:
    """The name of a receipt, from the line of its decision: its leaf hash, hexadecimal."""
    return merkle.leaf_hash(line).hex()


def read(kept: bytes, trusted: Manifest) -> list[Record]:
    """The records of a kept file, one envelope a line, each signed by a granted record key.

    Raises EvidenceError (`receipt_invalid`, `key_not_granted`, `signature_invalid`, …).
    """
    if len(kept) > MAX_BYTES:
        raise EvidenceError("receipt_invalid", "The receipt is larger than a receipt may be.")
    lines = kept.removesuffix(b"\n").split(b"\n")
    return [_record(line, trusted, f"line {n} of the receipt") for n, line in enumerate(lines, 1)]


def verify(kept: bytes, digest: str, trusted: Manifest) -> Record:
    """The decision in a receipt, if it is the one that the service answered with.

    digest: the leaf hash in the answer (`governance.receipt`, header `Governance-Receipt`).
    Raises EvidenceError as `read` does, and `receipt_wrong`.
    """
    records = read(kept, trusted)
    if len(records) != 2 or records[0].event not in REQUESTS or records[1].event != DECISION:
        raise EvidenceError("receipt_wrong", "The receipt is not a request and its decision.")
    asked, decided = records
    if (decided.stream, decided.seq, decided.prev) != (asked.stream, 1, asked.leaf):
        raise EvidenceError("receipt_wrong", "The receipt's decision is on another request.")
    if decided.leaf != digest:
        raise EvidenceError(
            "receipt_wrong",
            f"The receipt is of record {decided.leaf}, but the service answered with {digest}.",
        )
    return decided


def check(kept: Sequence[bytes], leaves: Mapping[str, int], trusted: Manifest) -> str:
    """Whether every kept record is in a log; leaves: log index by leaf hash.

    Raises EvidenceError as `read` does, and `receipt_missing`.
    """
    records = [item for file in kept for item in read(file, trusted)]
    for item in records:
        index = leaves.get(item.leaf)
        if index is None:
            raise EvidenceError(
                "receipt_missing",
                f"The log lacks a record that the service signed: {_named(item)}. Either this "
                f"bundle is older than the record, or the record was removed from the log.",
            )
        trusted.key("record", item.keyid, index, _named(item))
    found = ", ".join(f"{_named(item)}: index {leaves[item.leaf]}" for item in records)
    return f"{len(records)} kept records are signed and in the log ({found})"


def _record(line: bytes, trusted: Manifest, what: str) -> Record:
    opened = envelope.open_line(line, what)
    granted = (g.public for g in trusted.grants if (g.role, g.keyid) == ("record", opened.keyid))
    public = next(granted, None)
    if public is None:
        raise EvidenceError(
            "key_not_granted",
            f"{what} is signed by {opened.keyid}, which the key manifest does not grant for this.",
        )
    opened.verify(public, what)
    return record.read(line, opened, what)


def _named(item: Record) -> str:
    return f"{item.event} {item.id} of {item.occurred_at}"
