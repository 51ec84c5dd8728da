"""A synthetic log for reports: sealed records, told into stories, with positions and a tree."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from governance.evidence.record import ZERO, Draft, Record, seal
from governance.kernel.clock import rfc3339
from tests.reporting.samples import (
    AGENTS,
    DEEP_FAKE,
    MODELS,
    MONEY,
    NO_CONSENT,
    ORGANISATION,
    PEOPLE,
    POLICY,
    PROJECTS,
    RECORD_KEY,
    SIGNED_METADATA,
    START,
    WATERMARK_GAP,
    Body,
    decision_input,
    digest,
    identifier,
    mark,
    media,
    screened,
)


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
            producer={"version": "0.1.0", "build": "unknown"},
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
                "input": decision_input(request),
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
        read = [*written, mark("watermark", "not_checked"), mark("aigc", "absent")]
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
                    "assurance": "C",
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

    def denied(self, because: str = str(NO_CONSENT["because"])) -> str:
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

    def withdrawn(self) -> str:
        """Cancelled while its vendor was at it."""
        stream = self.request()
        self.decide(stream, "permit", [SIGNED_METADATA, WATERMARK_GAP])
        self.generate(stream, MODELS[2])
        body = {"outcome": "cancelled", "code": "cancelled", "by": None}
        self.append(stream, "generation.ended", body)
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

    def checked(self, lost: list[str], source: str = "copy", host: str | None = None) -> str:
        stream = self.released()
        self.append(
            stream,
            "marks.checked",
            {
                "media": media(f"{stream} copy"),
                "source": source,
                "host": host,
                "match": "watermark",
                "marks": [mark("c2pa", "absent"), mark("watermark")],
                "lost": lost,
                "by": PEOPLE[5] if source == "copy" else None,
            },
        )
        return stream

    def imported(self) -> str:
        self.moment += self.step
        stream = identifier("gen", f"import {len(self.records)}")
        request = dict(next(r.body for r in self.records if r.event == "generation.requested"))
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
