"""A synthetic log for reports: sealed records, told into stories, with positions and a tree."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from governance.evidence import merkle
from governance.evidence.checkpoint import Checkpoint
from governance.evidence.figures import figures
from governance.evidence.keys import SeedSigner
from governance.evidence.record import ZERO, Draft, Record, seal
from governance.evidence.report import figures_document, service_records
from governance.evidence.story import story
from governance.kernel.clock import rfc3339
from governance.reporting import InclusionProof, ReportedStory, ReportInput, select

Body = dict[str, Any]

START = datetime(2026, 10, 1, tzinfo=UTC)
END = datetime(2026, 11, 1, tzinfo=UTC)
ISSUED = datetime(2026, 11, 5, 9, tzinfo=UTC)
ORGANISATION = "northlight"
TEMPLATES = Path(__file__).parents[2] / "report_templates"
RECORD_KEY = SeedSigner.from_seed(b"r" * 32)
LOG_KEY = SeedSigner.from_seed(b"l" * 32)
ROOT_KEY = SeedSigner.from_seed(b"o" * 32)
POLICY = hashlib.sha256(b"policy").hexdigest()
PROJECTS = ("autumn-trailer", "product-loops", "museum-guide")
MODELS = ("veo-3.1", "ray-3", "gen-4.5", "firefly-video")
MONEY = {"amount": "0.4000", "currency": "EUR"}

WATERMARK_GAP = {
    "id": "eu.code.watermark",
    "pack": "eu-code-transparency",
    "cites": "Code of Practice on Transparency of AI-Generated Content, measure 1.1.1.2",
    "level": "code",
    "binds": ["provider"],
    "mode": "observe",
    "effect": "permit",
    "because": "Signatories add an imperceptible watermark as the second layer of marking.",
}
SIGNED_METADATA = {
    "id": "eu.act.marking",
    "pack": "eu-ai-act",
    "cites": "Regulation (EU) 2024/1689, Article 50(2)",
    "level": "law",
    "binds": ["provider"],
    "mode": "enforce",
    "effect": "permit",
    "because": "Synthetic output is marked in a machine-readable format and detectable.",
}
DEEP_FAKE = {
    "id": "eu.act.deep-fake",
    "pack": "eu-ai-act",
    "cites": "Regulation (EU) 2024/1689, Article 50(4)",
    "level": "law",
    "binds": ["deployer"],
    "mode": "enforce",
    "effect": "review",
    "because": "A deep fake is disclosed as generated, and a person looks at it first.",
}
NO_CONSENT = {
    "id": "house.consent",
    "pack": "house-rules",
    "cites": "House rules, section 4.2",
    "level": "house",
    "binds": ["deployer"],
    "mode": "enforce",
    "effect": "deny",
    "because": "The likeness of a real person needs a consent on file.",
}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def identifier(prefix: str, seed: str) -> str:
    return f"{prefix}_{digest(seed)[:32]}"


PEOPLE = tuple(identifier("usr", f"person {n}") for n in range(6))
AGENTS = tuple(identifier("agt", f"agent {n}") for n in range(4))


def mark(kind: str, state: str = "present") -> Body:
    return {
        "kind": kind,
        "state": state,
        "tool": "reader",
        "version": "1.0",
        "detail": "",
        "facts": {},
    }


def media(seed: str) -> Body:
    return {
        "digest": digest(seed),
        "media_type": "video/mp4",
        "size": 1_250_000,
        "width": 1280,
        "height": 720,
        "seconds": "6.000",
        "has_audio": True,
    }


@dataclass
class History:
    """A log that grows. Each method tells one generation from its request to its end."""

    records: list[Record] = field(default_factory=list)
    moment: datetime = START
    step: timedelta = timedelta(minutes=7)

    def append(self, stream: str, event: str, body: Body) -> Record:
        earlier = [record for record in self.records if record.stream == stream]
        draft = Draft(
            id=identifier("rec", f"{stream} {len(self.records)}"),
            event=event,
            occurred_at=rfc3339(self.moment),
            stream=stream,
            seq=len(earlier),
            prev=earlier[-1].leaf if earlier else ZERO,
            producer={"service": "governance", "version": "0.1.0", "build": "unknown"},
            body=body,
        )
        self.moment += timedelta(seconds=9)
        record = seal(draft, RECORD_KEY)
        self.records.append(record)
        return record

    def request(self, project: str = PROJECTS[0], organisation: str = ORGANISATION) -> str:
        """A request by an agent; returns the generation's id."""
        self.moment += self.step
        number = len(self.records)
        person, agent = PEOPLE[number % 3], AGENTS[number % 4]
        stream = identifier("gen", f"generation {number}")
        self.append(
            stream,
            "generation.requested",
            {
                "organisation": organisation,
                "project": project,
                "principal": {
                    "kind": "agent",
                    "id": agent,
                    "assurance": "A",
                    "accountable": person,
                    "chain": [person, agent],
                },
                "media": "video",
                "territories": ["DE", "FR"],
                "roles": ["deployer", "provider"],
                "purpose": "final",
                "declaration": {
                    "deep_fake": "no",
                    "real_person": "no",
                    "artistic": "no",
                    "consent": None,
                },
                "audience": "public",
                "sector": "advertising",
                "signature": {"profile": "strict", "keyid": RECORD_KEY.keyid},
                "model": "auto",
                "seconds": 6,
                "width": 1280,
                "height": 720,
                "references": [],
            },
        )
        return stream

    def decide(self, stream: str, effect: str, rules: Iterable[Body], people: int = 0) -> None:
        duties = [
            {
                "kind": "mark.signed_metadata",
                "parameters": {},
                "rules": [SIGNED_METADATA["id"]],
                "mode": "enforce",
            },
            {
                "kind": "mark.watermark",
                "parameters": {},
                "rules": [WATERMARK_GAP["id"]],
                "mode": "observe",
            },
        ]
        if people:
            duties.append(
                {
                    "kind": "review.people",
                    "parameters": {"count": people, "role": "reviewer"},
                    "rules": [DEEP_FAKE["id"]],
                    "mode": "enforce",
                }
            )
        request = self.records[-1].body
        self.append(
            stream,
            "policy.decided",
            {
                "stage": "request",
                "effect": effect,
                "policy": POLICY,
                "rules": list(rules),
                "duties": duties,
                "not_assessed": [],
                "input": _decision_input(request),
                "authorization": {"roles": ["role:producer"], "rules": ["r1"]},
            },
        )

    def route(self, stream: str, model: str | None = MODELS[0]) -> None:
        self.append(
            stream,
            "route.chosen",
            {
                "model": model,
                "provider": "vendor" if model else None,
                "source_type": "trainedAlgorithmicMedia" if model else None,
                "quote": MONEY if model else None,
                "candidates": [
                    {
                        "model": model or MODELS[0],
                        "quote": MONEY,
                        "score": "0.9" if model else None,
                        "rejected": None if model else "The budget of the project is used up.",
                    }
                ],
            },
        )

    def submit(self, stream: str, model: str = MODELS[0]) -> None:
        self.route(stream, model)
        self.append(
            stream,
            "provider.intended",
            {"attempt": 1, "provider": "vendor", "model": model, "key": stream, "quote": MONEY},
        )

    def generate(self, stream: str, model: str = MODELS[0]) -> None:
        self.submit(stream, model)
        self.append(
            stream,
            "provider.submitted",
            {
                "attempt": 1,
                "provider": "vendor",
                "model": model,
                "job": {"id": f"job-{stream[-6:]}", "kind": "video"},
                "recovered": False,
            },
        )

    def verify(self, stream: str, model: str = MODELS[0], unmet: Iterable[str] = ()) -> None:
        """Generated, fetched, screened, marked, read back."""
        self.generate(stream, model)
        self.append(
            stream,
            "asset.fetched",
            {"asset": media(f"{stream} original"), "vendor_marks": [], "cost": MONEY},
        )
        self.append(stream, "asset.screened", screened(stream))
        written = [mark("c2pa"), mark("iptc"), mark("label")]
        self.append(
            stream,
            "asset.marked",
            {"source": digest(f"{stream} original"), "media": media(stream), "marks": written},
        )
        read = [*written, mark("watermark", "not_checked")]
        if unmet:
            read[0] = mark("c2pa", "absent")
        self.append(
            stream,
            "marks.verified",
            {"media": digest(stream), "marks": read, "unmet": list(unmet)},
        )

    def review(self, stream: str, count: int, decisions: Iterable[tuple[str, str, str]]) -> None:
        """decisions: (person, decision, reason)."""
        case = identifier("rev", stream)
        self.append(
            stream,
            "review.opened",
            {
                "review": case,
                "digest": digest(stream),
                "count": count,
                "role": "reviewer",
                "rules": [DEEP_FAKE["id"]],
                "expires_at": rfc3339(self.moment + timedelta(days=1)),
            },
        )
        for person, decision, reason in decisions:
            self.append(
                stream,
                "review.decided",
                {
                    "review": case,
                    "person": person,
                    "decision": decision,
                    "reason": reason,
                    "digest": digest(stream),
                    "assurance": "A",
                    "played": {"seconds": "6.0", "share": "1.0", "muted": False, "blurred": False},
                },
            )

    def release(self, stream: str, *, deliver: bool = True) -> None:
        self.append(
            stream,
            "asset.released",
            {"digest": digest(stream), "marks": ["c2pa", "iptc", "label"], "review": None},
        )
        if deliver:
            self.append(
                stream,
                "asset.delivered",
                {"digest": digest(stream), "channel": "api", "recipient": AGENTS[0]},
            )

    def released(self, project: str = PROJECTS[0], model: str = MODELS[0]) -> str:
        stream = self.request(project)
        self.decide(stream, "permit", [SIGNED_METADATA, WATERMARK_GAP])
        self.verify(stream, model)
        self.release(stream)
        return stream

    def reviewed(self, people: int = 2, project: str = PROJECTS[0]) -> str:
        stream = self.request(project)
        self.decide(stream, "review", [SIGNED_METADATA, WATERMARK_GAP, DEEP_FAKE], people)
        self.verify(stream)
        approvals = [(person, "approve", "meets_policy") for person in PEOPLE[3 : 3 + people]]
        self.review(stream, people, approvals)
        self.release(stream)
        return stream

    def rejected(self) -> str:
        stream = self.request()
        self.decide(stream, "review", [SIGNED_METADATA, WATERMARK_GAP, DEEP_FAKE], 1)
        self.verify(stream)
        self.review(stream, 1, [(PEOPLE[4], "reject", "likeness_without_consent")])
        return stream

    def in_review(self) -> str:
        stream = self.request()
        self.decide(stream, "review", [SIGNED_METADATA, WATERMARK_GAP, DEEP_FAKE], 1)
        self.verify(stream)
        self.review(stream, 1, [])
        return stream

    def denied(self, because: str = NO_CONSENT["because"]) -> str:
        stream = self.request()
        self.decide(stream, "deny", [SIGNED_METADATA, {**NO_CONSENT, "because": because}])
        return stream

    def unrouted(self) -> str:
        stream = self.request()
        self.decide(stream, "permit", [SIGNED_METADATA, WATERMARK_GAP])
        self.route(stream, None)
        return stream

    def failed(self) -> str:
        stream = self.request()
        self.decide(stream, "permit", [SIGNED_METADATA, WATERMARK_GAP])
        self.submit(stream, MODELS[1])
        self.append(
            stream,
            "provider.failed",
            {"attempt": 1, "provider": "vendor", "fault": "refused", "final": True, "cost": None},
        )
        return stream

    def unknown(self) -> str:
        stream = self.request()
        self.decide(stream, "permit", [SIGNED_METADATA, WATERMARK_GAP])
        self.submit(stream, MODELS[2])
        self.append(
            stream,
            "provider.unknown",
            {"attempt": 1, "provider": "vendor", "reason": "timeout_after_post", "held": MONEY},
        )
        return stream

    def withheld(self) -> str:
        stream = self.request()
        self.decide(stream, "permit", [SIGNED_METADATA, WATERMARK_GAP])
        self.verify(stream, unmet=["mark.signed_metadata"])
        self.append(
            stream,
            "asset.withheld",
            {
                "stage": "verification",
                "code": "marks_missing",
                "reasons": ["The signed manifest was not found in the delivered bytes."],
            },
        )
        return stream

    def ended(self, outcome: str, code: str) -> str:
        stream = self.in_review()
        self.append(stream, "generation.ended", {"outcome": outcome, "code": code, "by": None})
        return stream

    def recalled(self) -> str:
        stream = self.released()
        self.append(stream, "asset.recalled", {"reason": "wrong_territory", "by": PEOPLE[5]})
        return stream

    def imported(self) -> str:
        self.moment += self.step
        stream = identifier("gen", f"import {len(self.records)}")
        request = dict(
            next(r.body for r in self.records if r.event == "generation.requested")
        )
        for name in ("model", "seconds", "width", "height", "references"):
            del request[name]
        request |= {
            "asset": media(stream),
            "ingredients": [],
            "source_type": "compositeWithTrainedAlgorithmicMedia",
            "vendor_marks": [],
        }
        self.append(stream, "asset.imported", request)
        return stream

    def refused(self, project: str | None = None) -> None:
        self.moment += self.step
        self.append(
            "service",
            "access.denied",
            {
                "principal": AGENTS[1],
                "kind": "agent",
                "organisation": ORGANISATION,
                "project": project,
                "object": "report",
                "action": "issue",
                "code": "role_missing",
                "rules": [],
            },
        )

    def policy_loaded(self) -> None:
        self.append(
            "service",
            "policy.changed",
            {
                "action": "loaded",
                "policy": POLICY,
                "packs": [
                    {"id": "eu-ai-act", "version": "2026.10.1"},
                    {"id": "eu-code-transparency", "version": "2026.06.1"},
                    {"id": "house-rules", "version": "7"},
                ],
            },
        )

    def reported(self) -> list[ReportedStory]:
        """Every generation of the log, with its positions."""
        streams: dict[str, list[int]] = {}
        for index, record in enumerate(self.records):
            if record.stream != "service":
                streams.setdefault(record.stream, []).append(index)
        return [
            ReportedStory(story(self.records[i] for i in places), places[0], places[-1])
            for places in streams.values()
        ]

    def report(self, project: str | None = None, number: str = "rpt-2026-0007") -> ReportInput:
        """The input of a report over the whole log."""
        stories = self.reported()
        population = select(stories, START, END, project, ORGANISATION)
        service = [record for record in self.records if record.stream == "service"]
        leaves = [bytes.fromhex(record.leaf) for record in self.records]
        head = Checkpoint("governance.example/log", len(leaves), merkle.root(leaves))
        scope = {
            "from": rfc3339(START),
            "to": rfc3339(END),
            "organisation": ORGANISATION,
            "project": project,
        }
        values = figures(population.stories, service_records(service, scope))
        return ReportInput(
            number=number,
            organisation=ORGANISATION,
            project=project,
            start=START,
            end=END,
            issued=ISSUED,
            stories=stories,
            service_records=service,
            figures=values,
            figures_json=figures_document(scope, head, values),
            bundle=b"PK\x05\x06" + bytes(18),
            checkpoint=head,
            proof=_proof(leaves),
            root_fingerprint=ROOT_KEY.keyid,
            log_fingerprint=LOG_KEY.keyid,
            record_fingerprint=RECORD_KEY.keyid,
            producer="0.1.0",
            templates_dir=TEMPLATES,
        )


def varied(count: int) -> History:
    """A history of `count` generations, mostly released, with every kind of end among them."""
    history = History(step=timedelta(minutes=max(1, 36_000 // max(count, 1))))
    history.policy_loaded()
    endings = [
        history.denied,
        history.failed,
        history.unknown,
        history.withheld,
        history.rejected,
        history.in_review,
        history.recalled,
        history.unrouted,
        lambda: history.ended("expired", "review_expired"),
        lambda: history.ended("cancelled", "cancelled_by_caller"),
        history.imported,
        history.refused,
    ]
    told = 0
    while told < count:
        if told % 9 == 5:
            endings[(told // 9) % len(endings)]()
        elif told % 7 == 3:
            history.reviewed(1 + told % 2, PROJECTS[told % 3])
        else:
            history.released(PROJECTS[told % 3], MODELS[told % 4])
        told += 1
    return history


def screened(stream: str) -> Body:
    return {
        "media": {
            "digest": digest(f"{stream} original"),
            "media_type": "video/mp4",
            "size": 1_250_000,
        },
        "findings": [],
        "coverage": {
            "selection": "all",
            "frames": 144,
            "audio_seconds": "6.000",
            "detectors": [{"detector": "picture-faults", "version": "1"}],
            "not_checked": [
                {"subject": "likeness", "reason": "No detector for real persons is installed."}
            ],
        },
    }


def _decision_input(request: Body) -> Body:
    principal = request["principal"]
    return {
        "stage": "request",
        "date": "2026-10-01",
        "action": "generation.create",
        "principal": {
            "kind": principal["kind"],
            "id": principal["id"],
            "assurance": principal["assurance"],
            "accountable": principal["accountable"],
            "chain_length": 2,
        },
        "organisation": request["organisation"],
        "project": request["project"],
        "media": "video",
        "model": {
            "id": None,
            "provider": None,
            "source_type": None,
            "tier": None,
            "transitional": False,
        },
        "seconds": 6,
        "width": 1280,
        "height": 720,
        "territories": request["territories"],
        "roles": request["roles"],
        "purpose": request["purpose"],
        "audience": request["audience"],
        "sector": request["sector"],
        "declared": {"deep_fake": "no", "real_person": "no", "artistic": "no", "consent": False},
        "prompt_findings": [],
        "output_findings": [],
        "quote": None,
        "references": [],
    }


def _proof(leaves: list[bytes]) -> InclusionProof | None:
    """The proof of a record in the latter half of the log."""
    if not leaves:
        return None
    index = len(leaves) * 5 // 8

    def subtree(start: int, end: int) -> bytes:
        return merkle.root(leaves[start:end])

    path = merkle.inclusion_proof(index, len(leaves), subtree)
    return InclusionProof(index, leaves[index].hex(), tuple(value.hex() for value in path))
