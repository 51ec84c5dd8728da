"""Which rules a territory comes under, and which territories there are."""

import json

import pytest

from governance.policy import Policy, decide, replay
from governance.routing.catalogue import load as load_catalogue
from tests.policy.conftest import ROOT
from tests.policy.samples import BASE, changed

FINAL = changed(BASE, {"purpose": "final", "audience": "public"})


def packs_for(policy: Policy, *codes: str) -> set[str]:
    """Packs of a place, that is other than those of everywhere, with a rule that matches."""
    matched = decide(policy, {**FINAL, "territories": list(codes)}).rules
    return {rule.pack for rule in matched} - {"house", "nist-agent-identity"}


@pytest.mark.parametrize(
    ("codes", "packs"),
    [
        (["EU"], {"eu-ai-act-50"}),
        (["DE"], {"eu-ai-act-50"}),
        (["US-CA"], {"us-ca-sb942"}),
        (["US"], {"us-ca-sb942"}),
        (["US-TX"], set()),
        (["NO"], set()),
        (["FR", "IN", "US"], {"eu-ai-act-50", "in-gsr-120e", "us-ca-sb942"}),
    ],
)
def test_a_place_is_under_the_rules_of_what_it_lies_in_and_of_what_lies_in_it(
    policy: Policy, codes: list[str], packs: set[str]
) -> None:
    assert packs_for(policy, *codes) == packs


@pytest.mark.parametrize(
    ("codes", "missing"),
    [
        (["DE", "EU", "GB", "US-CA"], ()),
        (["US", "US-NY", "US-TX"], ("US", "US-TX")),
        (["CH", "ES", "NO"], ("CH", "NO")),
    ],
)
def test_what_no_pack_tells_the_law_of_is_said_to_be_not_assessed(
    policy: Policy, codes: list[str], missing: tuple[str, ...]
) -> None:
    assert decide(policy, {**FINAL, "territories": codes}).not_assessed == missing


def test_only_codes_of_the_list_are_known(policy: Policy) -> None:
    asked = ["EU", "GB", "UK", "US-CA", "US-ZZ", "XX"]
    assert policy.territories.unknown(asked) == ["UK", "US-ZZ", "XX"]


def test_the_catalogue_of_models_means_the_same_union_and_knows_where_a_state_lies(
    policy: Policy,
) -> None:
    catalogue = load_catalogue(ROOT / "policies")
    assert catalogue.countries(("EU",)) == policy.territories.inside["EU"]
    assert catalogue.countries(("US-CA", "JP")) == {"US", "JP"}


def test_a_policy_from_before_territories_were_listed_is_replayed_as_it_was(
    policy: Policy,
) -> None:
    content = json.loads(policy.document)
    for name in ("territories", "left_out"):
        del content[name]
    old = json.dumps(content).encode()
    asked = {**FINAL, "territories": ["EU"]}
    assert replay(old, asked).rules == decide(policy, asked).rules
    assert replay(old, {**asked, "territories": ["DE"]}).not_assessed == ("DE",)
