"""Records to test with: a reviewed and released generation, a finished file from outside."""

import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any

from governance.evidence import bundle, checkpoint, manifest, merkle
from governance.evidence.keys import SeedSigner
from governance.evidence.record import ZERO, Draft, Record, seal

Body = dict[str, Any]
Told = list[tuple[str, Body]]

ORIGIN = "test.example/log"
ROOT, RECORD, LOG, STRANGER = (SeedSigner.from_seed(bytes([n]) * 32) for n in (1, 2, 3, 4))
GENERATION = "gen_" + "0" * 32
POLICY = b'{"packs":[]}'
TIME = "2026-11-22T12:00:00.000000Z"
PERSON, AGENT, ALICE, BOB = (
    f"{kind}_{number:032x}" for kind, number in (("usr", 1), ("agt", 2), ("usr", 3), ("usr", 4))
)
ORIGINAL, DELIVERED = (sha256(name).hexdigest() for name in (b"original", b"delivered"))
MONEY = {"amount": "0.4000", "currency": "EUR"}


def released() -> Told:
    """(event, body) of each record of a generation that two people cleared, in order."""
    told = json.loads((Path(__file__).parent / "released.json").read_bytes())
    return [(item["event"], item["body"]) for item in told]


def imported() -> Told:
    """The same for a finished file from outside that nobody has to look at: a short story."""
    told = released()
    request = told[0][1]
    for name in ("model", "seconds", "width", "height", "references"):
        del request[name]
    fetched, screened, marked, verified = (told[place][1] for place in (5, 6, 8, 9))
    request |= {
        "asset": fetched["asset"],
        "ingredients": [],
        "source_type": "compositeWithTrainedAlgorithmicMedia",
        "vendor_marks": [],
    }
    screened["findings"] = []
    marked["marks"] = verified["marks"] = marked["marks"][:1]
    return [
        ("asset.imported", request),
        ("policy.decided", permit(told[1][1])),
        ("asset.screened", screened),
        ("asset.marked", marked),
        ("marks.verified", verified),
        ("asset.released", {"digest": DELIVERED, "marks": ["c2pa"], "review": None}),
    ]


def permit(decided: Body, **changes: Any) -> Body:
    """A decision without rules and duties."""
    return {**decided, "effect": "permit", "rules": [], "duties": [], **changes}


# A valid body for each event of a story that does not happen in `released`.
OTHERWISE: dict[str, Body] = {
    "marks.checked": {
        "media": {
            "digest": DELIVERED,
            "media_type": "image/png",
            "size": 1,
            "width": 1,
            "height": 1,
            "seconds": "0.000",
            "has_audio": False,
        },
        "source": "copy",
        "host": None,
        "match": "identical",
        "marks": [],
        "lost": [],
        "by": ALICE,
    },
    "asset.imported": imported()[0][1],
    "approval.decided": {
        "person": ALICE,
        "decision": "approve",
        "reason": "within_budget",
        "assurance": "C",
    },
    "provider.failed": {
        "attempt": 1,
        "provider": "vendor",
        "fault": "refused",
        "final": True,
        "cost": None,
    },
    "provider.unknown": {
        "attempt": 1,
        "provider": "vendor",
        "reason": "timeout_after_post",
        "held": MONEY,
    },
    "provider.resolved": {
        "attempt": 1,
        "provider": "vendor",
        "model": "clip-1",
        "outcome": "lost",
        "cost": MONEY,
        "job": None,
        "reason": "vendor_support",
        "by": "usr_" + "0" * 32,
    },
    "asset.withheld": {
        "stage": "screening",
        "code": "policy_denied",
        "reasons": ["House rules forbid it."],
    },
    "asset.recalled": {"reason": "wrong_territory", "by": ALICE},
    "asset.deleted": {"digests": [ORIGINAL, DELIVERED], "by": PERSON},
    "generation.ended": {"outcome": "cancelled", "code": "cancelled_by_caller", "by": PERSON},
}


def record(
    event: str,
    body: Body,
    *,
    stream: str = GENERATION,
    seq: int = 0,
    prev: str = ZERO,
    at: str = TIME,
    sd: tuple[str, ...] = (),
) -> Record:
    """A sealed record; its id follows from what it says."""
    name = sha256(f"{stream} {seq} {event}".encode()).hexdigest()[:32]
    producer = {"version": "test", "build": "test"}
    return seal(Draft(f"rec_{name}", event, at, stream, seq, prev, producer, body, (), sd), RECORD)


def told(bodies: Told, stream: str = GENERATION) -> list[Record]:
    """The records of one stream."""
    records: list[Record] = []
    for seq, (event, body) in enumerate(bodies):
        prev = records[-1].leaf if records else ZERO
        records.append(record(event, body, stream=stream, seq=seq, prev=prev))
    return records


def grants() -> list[manifest.Grant]:
    return [
        manifest.Grant("root", ROOT.public),
        manifest.Grant("record", RECORD.public),
        manifest.Grant("log", LOG.public),
    ]


def bundle_of(records: Iterable[Record]) -> dict[str, bytes]:
    """The files of a bundle over a log that holds just these records."""
    chain = manifest.seal(1, "", ORIGIN, grants(), ROOT) + b"\n"
    kept = list(records)
    leaves = [bytes.fromhex(item.leaf) for item in kept]
    head = checkpoint.Checkpoint(ORIGIN, len(leaves), merkle.root(leaves))
    contents = bundle.Contents(
        scope={"complete": True, "organisation": "acme", "project": None},
        note=checkpoint.sign(head, LOG),
        chain=chain,
        leaves=[leaf.hex() for leaf in leaves],
        records=list(enumerate(item.line for item in kept)),
        policies={sha256(POLICY).hexdigest(): POLICY},
    )
    return bundle.unpack(bundle.build(contents, manifest.verify(chain, ROOT.keyid)))
