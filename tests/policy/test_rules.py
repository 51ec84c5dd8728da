"""Each rule of the packs: when it matches, when it does not, and from which day on."""

from datetime import date, timedelta
from typing import Any

import pytest

from governance.domain import Duty
from governance.policy import Policy, decide
from tests.policy.samples import BASE, changed, load_cases

PACKS = ("eu-ai-act-50", "house", "nist-agent-identity")
CASES = [case for pack in PACKS for case in load_cases(pack)]
CONTRASTS = [
    pytest.param(case, change, id=f"{case['rule']}-{index}")
    for case in CASES
    for index, change in enumerate(case["not"])
]
each_case = pytest.mark.parametrize("case", CASES, ids=[case["rule"] for case in CASES])


def matches(policy: Policy, rule: str, facts: dict[str, Any]) -> bool:
    return rule in {matched.id for matched in decide(policy, facts).rules}


def by_kind(duties: tuple[Duty, ...], mode: str) -> dict[str, dict[str, Any]]:
    return {duty.kind: duty.parameters for duty in duties if duty.mode == mode}


def test_every_rule_of_every_pack_has_a_case(policy: Policy) -> None:
    assert {case["rule"] for case in CASES} == {rule.matched.id for rule in policy.rules}


@each_case
def test_a_rule_matches_what_it_is_about(policy: Policy, case: dict[str, Any]) -> None:
    facts = changed(BASE, case["given"])
    decision = decide(policy, facts)
    (matched,) = [rule for rule in decision.rules if rule.id == case["rule"]]
    (compiled,) = [rule for rule in policy.rules if rule.matched.id == case["rule"]]
    assert matched.effect == case["effect"]
    assert dict(compiled.duties) == case["duties"]
    for kind in case["duties"]:
        (duty,) = [d for d in decision.duties if (d.kind, d.mode) == (kind, matched.mode)]
        assert case["rule"] in duty.rules


@pytest.mark.parametrize(("case", "change"), CONTRASTS)
def test_a_rule_leaves_alone_what_it_is_not_about(
    policy: Policy, case: dict[str, Any], change: dict[str, Any]
) -> None:
    assert not matches(policy, case["rule"], changed(BASE, case["given"], change))


@each_case
def test_a_rule_begins_on_its_first_day(policy: Policy, case: dict[str, Any]) -> None:
    first = date.fromisoformat(case["first_day"])
    facts = changed(BASE, case["given"])
    eve = (first - timedelta(days=1)).isoformat()
    assert matches(policy, case["rule"], {**facts, "date": first.isoformat()})
    assert not matches(policy, case["rule"], {**facts, "date": eve})


@pytest.mark.parametrize("scene", load_cases("scenarios"), ids=lambda scene: scene["name"])
def test_a_whole_request_gets_this_answer(policy: Policy, scene: dict[str, Any]) -> None:
    decision = decide(policy, changed(BASE, scene["given"]))
    assert decision.effect == scene["effect"]
    assert by_kind(decision.duties, "enforce") == scene["enforced"]
    assert sorted(by_kind(decision.duties, "observe")) == scene["observed"]
    assert list(decision.not_assessed) == scene["not_assessed"]


def test_law_code_and_house_rules_are_kept_apart(policy: Policy) -> None:
    levels = {rule.matched.id: rule.matched.level for rule in policy.rules}
    prefixes = {"eu": "law", "code": "code", "house": "house", "nist": "house"}
    assert all(prefixes[rule.split("-")[0]] == level for rule, level in levels.items())
