"""The decision input: what a decision may look at, built from the domain's nouns."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING
from typing import Any, Literal

from governance.domain import ConsentState, Finding, GenerationRequest, Principal, Quote

Stage = Literal["request", "output"]
Action = Literal["generation.create", "asset.import"]


@dataclass(frozen=True)
class ModelFacts:
    """What policy may know of a model; nothing before routing, nor of an import.

    transitional: the AI system was placed on the market before 2 August 2026, so that Art. 50(2)
    binds it from 2 December 2026 only (AI Act Art. 111(4)).
    """

    id: str | None = None
    provider: str | None = None
    source_type: Literal["trainedAlgorithmicMedia", "algorithmicMedia"] | None = None
    tier: str | None = None
    transitional: bool = False


UNKNOWN_MODEL = ModelFacts()


def decision_input(
    request: GenerationRequest,
    principal: Principal,
    *,
    stage: Stage,
    date: date,
    action: Action,
    model: ModelFacts = UNKNOWN_MODEL,
    quote: Quote | None = None,
    prompt_findings: Iterable[Finding] = (),
    output_findings: Iterable[Finding] = (),
    not_checked: Iterable[str] = (),
    consent: ConsentState = "missing",
    waivers: Iterable[tuple[str, str]] = (),
) -> dict[str, Any]:
    """A JSON object of the shape of `policies/schemas/decision-input.schema.json`.

    It holds no prompt, name or free text. Equal facts give an equal object, whatever their order.
    `decide` refuses values outside the schema, such as an unknown sector.
    not_checked: what no detector looked for in the file, as the schema enumerates it;
    consent: what the declared one is worth; waivers: (rule, waiver) of each that is valid.
    """
    return {
        "stage": stage,
        "date": date.strftime("%Y-%m-%d"),
        "action": action,
        "principal": {
            "kind": principal.kind,
            "id": principal.id,
            "assurance": principal.assurance,
            "accountable": principal.accountable or None,
            "chain_length": len(principal.chain),
        },
        "organisation": request.organisation,
        "project": request.project,
        "media": request.media,
        "model": {
            "id": model.id,
            "provider": model.provider,
            "source_type": model.source_type,
            "tier": model.tier,
            "transitional": model.transitional,
        },
        "seconds": request.seconds,
        "width": request.width,
        "height": request.height,
        "territories": sorted(set(request.territories)),
        "roles": sorted(set(request.roles)),
        "purpose": request.purpose,
        "audience": request.audience,
        "sector": request.sector,
        "declared": {
            "deep_fake": request.declaration.deep_fake,
            "real_person": request.declaration.real_person,
            "artistic": request.declaration.artistic,
            "consent": bool(request.declaration.consent),
            "synthetic_performer": request.declaration.synthetic_performer,
            "depicts": sorted(set(request.declaration.depicts)),
        },
        "prompt_findings": _findings(prompt_findings),
        "output_findings": _findings(output_findings),
        "not_checked": sorted(set(not_checked)),
        "quote": _quote(quote),
        "references": list(request.references),
        "consent": consent,
        "waivers": [{"rule": rule, "waiver": waiver} for rule, waiver in sorted(set(waivers))],
    }


def _findings(findings: Iterable[Finding]) -> list[dict[str, str]]:
    distinct = sorted({(finding.code, finding.severity) for finding in findings})
    return [{"code": code, "severity": severity} for code, severity in distinct]


def _quote(quote: Quote | None) -> dict[str, Any] | None:
    if quote is None:
        return None
    hundredths = (quote.amount * 100).to_integral_value(rounding=ROUND_CEILING)
    return {
        "amount": format(quote.amount, "f"),
        "currency": quote.currency,
        "cents": int(hundredths),
    }
