"""What happened, in the words of the record schemas."""

from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from governance.domain import Asset, Duty, GenerationRequest, Principal, Quote, Route
from governance.evidence.story import Story
from governance.identity.grants import as_body
from governance.identity.request_signature import SignedRequest
from governance.ledger import Entry
from governance.lifecycle.store import scope

Body = dict[str, Any]
PROFILE = "gov-agent-v1"
MAX_REASON = 300  # characters, as the schemas allow


def about(
    story: Story,
    event: str,
    body: Body,
    *,
    subjects: tuple[tuple[str, str], ...] = (),
    private: tuple[tuple[str, Any], ...] = (),
    data_subject: str = "",
) -> Entry:
    """A record about a generation that has begun. Personal data is the accountable person's,
    unless `data_subject` says whose."""
    request = story.request
    return Entry(
        stream=story.id,
        event=event,
        body=body,
        scope=scope(request["organisation"], request["project"]),
        subjects=subjects,
        private=private,
        data_subject=data_subject or request["principal"]["accountable"],
    )


def first(
    generation: str,
    event: str,
    body: Body,
    principal: Principal,
    signed: SignedRequest | None,
    private: tuple[tuple[str, Any], ...],
    data_subject: str = "",
) -> Entry:
    """A generation's first record, with the caller's own signature where there is one.

    data_subject: whose words they are, where not the accountable person's own.
    """
    proof: tuple[tuple[str, Any], ...] = ()
    if signed is not None:
        proof = (("request_signature", {"base": signed.base, "signature": signed.signature.hex()}),)
    return Entry(
        stream=generation,
        event=event,
        body=body,
        scope=scope(body["organisation"], body["project"]),
        private=private + proof,
        data_subject=data_subject or principal.accountable,
    )


def request_body(
    request: GenerationRequest, principal: Principal, signed: SignedRequest | None
) -> Body:
    """The fields that a request for a generation and an import share."""
    declaration = request.declaration
    return {
        "organisation": request.organisation,
        "project": request.project,
        "principal": principal_body(principal),
        "media": request.media,
        "territories": list(request.territories),
        "roles": list(request.roles),
        "purpose": request.purpose,
        "declaration": {
            "deep_fake": declaration.deep_fake,
            "real_person": declaration.real_person,
            "artistic": declaration.artistic,
            "consent": declaration.consent,
            "synthetic_performer": declaration.synthetic_performer,
            "depicts": list(declaration.depicts),
        },
        "audience": request.audience,
        "sector": request.sector,
        "signature": signed and {"profile": PROFILE, "keyid": signed.keyid},
    }


def principal_body(principal: Principal) -> Body:
    body: Body = {
        "kind": principal.kind,
        "id": principal.id,
        "assurance": principal.assurance,
        "accountable": principal.accountable,
        "chain": list(principal.chain),
    }
    if principal.document:
        body["document"] = principal.document
    if principal.mandate:
        body["mandate"] = list(principal.mandate)
    if principal.grant is not None:
        body["grant"] = as_body(principal.grant)
    return body


def media_body(asset: Asset) -> Body:
    return {
        "digest": asset.digest,
        "media_type": asset.media_type,
        "size": asset.size,
        "width": asset.width,
        "height": asset.height,
        "seconds": f"{asset.seconds:.3f}",
        "has_audio": asset.has_audio,
    }


def money(quote: Quote) -> Body:
    return {"amount": f"{quote.amount:f}", "currency": quote.currency}


def resolved_body(
    story: Story,
    model: str,
    outcome: str,
    reason: str,
    by: str,
    *,
    cost: Decimal | None = None,
    job: str | None = None,
) -> Body:
    """What became of an order. model: the vendor's own name of it; job: of one that was found."""
    return {
        "attempt": story.attempts,
        "provider": (story.route or {})["provider"],
        "model": model,
        "outcome": outcome,
        "cost": cost_body(cost),
        "job": job and {"id": job, "kind": story.request["media"]},
        "reason": reason,
        "by": by,
    }


def cost_body(cost: Decimal | None) -> Body | None:
    return None if cost is None else money(Quote(cost))


def route_body(route: Route) -> Body:
    return {
        "model": route.model,
        "provider": route.provider,
        "source_type": route.source_type,
        "quote": money(route.quote),
        "candidates": [
            {
                "model": candidate.model,
                "rejected": candidate.rejected and candidate.rejected[:MAX_REASON],
                "score": candidate.score,
                "quote": candidate.quote and money(candidate.quote),
                "components": [asdict(component) for component in candidate.components],
            }
            for candidate in route.candidates
        ],
        "warnings": [warning[:MAX_REASON] for warning in route.warnings],
    }


def no_route_body(rejected: Sequence[Body]) -> Body:
    """No model can serve. rejected: `model` and `rejected` (why) of each, as the router tells."""
    return {
        "model": None,
        "provider": None,
        "source_type": None,
        "quote": None,
        "candidates": [
            {
                "model": candidate["model"],
                "rejected": candidate["rejected"][:MAX_REASON],
                "score": None,
                "quote": None,
            }
            for candidate in rejected
        ],
    }


def duties_of(story: Story) -> Sequence[Duty]:
    return [
        Duty(duty["kind"], duty["parameters"], tuple(duty["rules"]), duty["mode"])
        for duty in story.duties
    ]
