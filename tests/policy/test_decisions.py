"""Decisions are pure: same policy and input, same answer, for anyone, at any time."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.domain import Effect
from governance.evidence import record
from governance.kernel.errors import InvalidRequest
from governance.policy import Authorization, Policy, as_body, decide, replay
from governance.policy.decisions import strictest
from tests.policy.conftest import ROOT
from tests.policy.samples import BASE, changed, inputs

effects = st.lists(st.sampled_from(["permit", "review", "deny"]))
FINAL_VIDEO = changed(
    BASE, {"media": "video", "purpose": "final", "declared": {"deep_fake": "unknown"}}
)


@given(inputs)
@settings(max_examples=40, deadline=None)
def test_a_recorded_decision_replays_identically(policy: Policy, facts: dict[str, Any]) -> None:
    body = json.loads(json.dumps(as_body(decide(policy, facts))))
    assert as_body(replay(policy.document, body["input"])) == body


@given(inputs)
@settings(max_examples=40, deadline=None)
def test_another_validator_finds_the_same_rules(policy: Policy, facts: dict[str, Any]) -> None:
    content = json.loads(policy.document)
    members = set(content["territories"]["groups"]["EU"]["members"])
    meant = set(facts["territories"]) | {code[:2] for code in facts["territories"]}
    meant |= members if "EU" in meant else {"EU"} if meant & members else set()
    meant |= {"US-CA", "US-NY"} if "US" in facts["territories"] else set()
    expected = [
        rule["id"]
        for pack in content["packs"]
        if pack["territories"] == ["*"] or set(pack["territories"]) & meant
        for rule in pack["rules"]
        if rule["in_force"]["from"] <= facts["date"] <= rule["in_force"].get("until", "9999")
        and jsonschema.Draft202012Validator(rule["when"]).is_valid(facts)
    ]
    assert [rule.id for rule in decide(policy, facts).rules] == expected


@given(inputs)
@settings(max_examples=60, deadline=None)
def test_every_decision_fits_its_record(policy: Policy, facts: dict[str, Any]) -> None:
    authorization = Authorization(True, ("agent.generation.create",), ("role:agent",), "allowed")
    body = as_body(decide(policy, facts), authorization)
    record.validate("policy.decided", body)
    assert body["authorization"] == {"roles": ["role:agent"], "rules": ["agent.generation.create"]}
    assert len(json.dumps(body)) < 24_000


@given(inputs)
@settings(max_examples=60, deadline=None)
def test_the_effect_is_the_strictest_of_the_enforced_rules(
    policy: Policy, facts: dict[str, Any]
) -> None:
    decision = decide(policy, facts)
    enforced = {rule.effect for rule in decision.rules if rule.mode == "enforce"}
    order = ("deny", "review", "permit")
    assert decision.effect == next(effect for effect in order if effect in enforced | {"permit"})


@given(effects, effects, effects)
def test_joining_effects_does_not_depend_on_order(
    a: list[Effect], b: list[Effect], c: list[Effect]
) -> None:
    assert strictest([*a, *b]) == strictest([*b, *a])
    assert strictest([strictest([*a, *b]), *c]) == strictest([*a, strictest([*b, *c])])


def test_observed_rules_are_listed_and_change_nothing(policy: Policy) -> None:
    decision = decide(policy, changed(BASE, {"purpose": "final"}))
    stamp = next(duty for duty in decision.duties if duty.kind == "mark.time_stamp")
    assert stamp.mode == "observe"
    assert stamp.rules == ("code-s1-1-1-1-time-stamp",)
    assert decision.effect == "permit"


def test_a_duty_names_every_rule_that_imposes_it(policy: Policy) -> None:
    decision = decide(policy, FINAL_VIDEO)
    label = next(duty for duty in decision.duties if duty.kind == "label.visible")
    assert label.rules == (
        "code-s2-1-1-generated",
        "code-s2-1-1-main-element",
        "code-s2-1-2-1-embedded",
        "code-s2-1-2-intervals",
        "code-s2-1-2-opening",
        "code-s2-1-2-placement",
        "code-s2-1-2-throughout",
        "eu-50-4-deep-fake",
        "eu-50-5-first-exposure",
    )


def test_a_decision_says_for_which_territories_no_rules_are_known(policy: Policy) -> None:
    decision = decide(policy, changed(BASE, {"territories": ["BR", "DE", "EU"]}))
    assert decision.not_assessed == ("BR",)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"prompt": "a cat"}, "input"),
        ({"sector": "espionage"}, "sector"),
        ({"territories": []}, "territories"),
        ({"territories": ["Germany"]}, "territories.0"),
        ({"principal": {"name": "Ada"}}, "principal"),
        ({"quote": {"amount": 1.5, "currency": "USD", "cents": 150}}, "quote.amount"),
        ({"date": "22.11.2026"}, "date"),
    ],
)
def test_an_input_outside_the_schema_gets_no_decision(
    policy: Policy, change: dict[str, Any], where: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decide(policy, changed(BASE, change))
    assert caught.value.code == "decision_input_invalid"
    assert caught.value.param == where


@pytest.mark.parametrize("name", sorted(BASE))
def test_an_input_without_any_of_its_fields_gets_no_decision(policy: Policy, name: str) -> None:
    with pytest.raises(InvalidRequest, match=name):
        decide(policy, {key: value for key, value in BASE.items() if key != name})


def test_the_record_admits_the_same_inputs_as_the_policy() -> None:
    source: Path = ROOT / "policies" / "schemas" / "decision-input.schema.json"
    schema = json.loads(source.read_bytes())
    recorded = record.schema("policy.decided")["properties"]["input"]
    # Records of the time before a field was added stay valid.
    assert set(recorded["required"]) <= set(schema["required"])
    assert _undemanding(recorded) == _undemanding(schema)


def _undemanding(schema: Any) -> Any:
    """The schema without its names and without what it requires."""
    if not isinstance(schema, dict):
        return schema
    apart = ("$schema", "$id", "title", "required")
    return {key: _undemanding(value) for key, value in schema.items() if key not in apart}
