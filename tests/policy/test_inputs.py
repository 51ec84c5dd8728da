"""The decision input says all that rules need and nothing about people."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from governance.domain import Declaration, Finding, GenerationRequest, Principal, Quote
from governance.policy import ModelFacts, Policy, decide, decision_input

REQUEST = GenerationRequest(
    organisation="acme",
    project="film",
    media="video",
    model="auto",
    prompt="Ada Lovelace walks through Paris",
    seconds=8,
    width=1280,
    height=720,
    territories=("FR", "EU"),
    declaration=Declaration(deep_fake="yes", real_person="yes", consent="contract-17"),
    metadata=(("shot", "Ada 12"),),
)
AGENT = Principal(
    kind="agent",
    id="agt_" + "1" * 32,
    organisation="acme",
    accountable="usr_" + "2" * 32,
    assurance="A",
    chain=("usr_" + "2" * 32, "agt_" + "1" * 32),
    name="Ada's helper",
)


def build(**change: Any) -> dict[str, Any]:
    settings = {"stage": "request", "date": date(2026, 11, 22), "action": "generation.create"}
    return decision_input(REQUEST, AGENT, **{**settings, **change})


def finding(code: str, severity: Any) -> Finding:
    return Finding(code, severity, "terms", "1", "saw “Ada” at the start")


def test_a_request_becomes_an_input_that_policy_accepts(policy: Policy) -> None:
    facts = build(
        model=ModelFacts("veo/veo-3.1", "google", "trainedAlgorithmicMedia", "pro"),
        quote=Quote(Decimal("3.2")),
        prompt_findings=[finding("term_watched", "warn")],
        consent="valid",
    )
    assert decide(policy, facts).effect == "review"
    assert facts["principal"]["chain_length"] == 2
    assert facts["quote"] == {"amount": "3.2", "currency": "USD", "cents": 320}


def test_no_name_prompt_or_free_text_reaches_the_input() -> None:
    text = str(build(prompt_findings=[finding("term_watched", "warn")]))
    assert not any(word in text for word in ("Ada", "Paris", "contract-17", "shot"))


def test_before_routing_nothing_is_known_of_the_model(policy: Policy) -> None:
    facts = build()
    assert facts["model"]["id"] is None
    assert facts["quote"] is None
    decide(policy, facts)


@pytest.mark.parametrize(
    ("amount", "cents"),
    [("0", 0), ("0.001", 1), ("20", 2000), ("20.000000001", 2001), ("1E+2", 10000)],
)
def test_amounts_are_rounded_up_for_comparison(policy: Policy, amount: str, cents: int) -> None:
    facts = build(quote=Quote(Decimal(amount)))
    assert facts["quote"]["cents"] == cents
    decide(policy, facts)


def test_the_order_of_findings_and_territories_does_not_matter() -> None:
    loud, black = finding("loud", "warn"), finding("black_frames", "fail")
    assert build(output_findings=[loud, black, loud]) == build(output_findings=[black, loud])
    assert build()["territories"] == ["EU", "FR"]


def test_a_missing_accountable_person_is_said_not_hidden(policy: Policy) -> None:
    nobody = Principal("service", "svc_" + "1" * 32, "acme", "", "A", ("svc_" + "1" * 32,))
    facts = decision_input(
        REQUEST, nobody, stage="request", date=date(2026, 11, 22), action="generation.create"
    )
    decision = decide(policy, facts)
    assert decision.effect == "deny"
    assert "nist-accountable-person" in {rule.id for rule in decision.rules}
