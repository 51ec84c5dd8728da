"""Who may do what: the shipped roles, the overriding denials, and the limits of delegation."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.domain import Principal
from governance.policy import Assignment, Policy, Snapshot, domain_of
from governance.policy.authorization import ACTIONS, compile_snapshot

PERSON, OTHER = "usr_" + "1" * 32, "usr_" + "2" * 32
AGENT, SERVICE = "agt_" + "3" * 32, "svc_" + "4" * 32
ACME, FILM = domain_of("acme"), domain_of("acme", "film")
NEUTRAL = {"is_requester": False, "in_chain": False, "is_person": True}

MAY: dict[str, set[str]] = {
    "administrator": {
        "agent:manage", "agent:read", "mandate:manage", "mandate:read", "mandate:revoke",
        "model:list", "person:manage", "policy:read", "role:manage", "role:read",
        "service:manage", "service:read", "switch:manage", "switch:read",
        "account:manage", "account:read", "budget:manage", "budget:read", "chargeback:read",
        "rate_card:manage", "rate_card:read", "webhook:manage", "webhook:read",
    },
    "compliance_officer": {
        "agent:read", "approval:decide", "asset:check", "asset:recall", "checkpoint:read",
        "consent:read", "consent:withdraw", "consent:erase", "disclosure:read", "export:create",
        "generation:read", "generation:list", "generation:download", "mandate:manage",
        "mandate:read", "mandate:revoke", "model:list", "policy:read", "record:read",
        "report:create", "review:read", "role:read", "service:read", "switch:manage",
        "switch:read", "waiver:create", "waiver:read", "waiver:decide",
        "account:read", "budget:manage", "budget:read", "chargeback:read", "outcome:read",
        "outcome:decide", "production:read", "production:erase", "rate_card:read", "webhook:read",
    },
    "reviewer": {
        "approval:decide", "generation:read", "generation:list", "model:list", "review:read",
        "review:claim", "review:decide", "production:read",
    },
    "producer": {
        "asset:check", "asset:import", "checkpoint:read", "consent:create", "consent:read",
        "generation:create", "generation:read", "generation:list", "generation:cancel",
        "generation:download", "mandate:create", "mandate:read", "mandate:revoke", "model:list",
        "preflight:create", "waiver:create", "budget:read", "production:create",
        "production:read", "production:change", "webhook:manage", "webhook:read",
    },
    "agent": {
        "checkpoint:read", "generation:create", "generation:read", "generation:list",
        "generation:cancel", "generation:download", "mandate:read", "mandate:revoke",
        "model:list", "preflight:create", "budget:read", "production:read",
    },
    "auditor": {
        "agent:read", "checkpoint:read", "consent:read", "export:create", "generation:read",
        "generation:list", "mandate:read", "model:list", "policy:read", "record:read",
        "report:create", "review:read", "role:read", "service:read", "switch:read",
        "waiver:read", "budget:read", "chargeback:read", "production:read", "rate_card:read",
        "webhook:read",
    },
}  # fmt: skip


def snapshot(policy: Policy, *held: tuple[str, str, str]) -> Snapshot:
    rows = [Assignment(subject, f"role:{role}", domain) for subject, role, domain in held]
    return compile_snapshot(policy.permissions, rows)


def principal(kind: str, subject: str, accountable: str) -> Principal:
    return Principal(kind, subject, "acme", accountable, "A", (accountable, subject))  # type: ignore[arg-type]


@pytest.mark.parametrize("role", sorted(MAY))
def test_a_role_may_do_exactly_this(policy: Policy, role: str) -> None:
    rules = snapshot(policy, (PERSON, role, ACME))
    allowed = {
        f"{obj}:{act}"
        for obj, acts in ACTIONS.items()
        for act in acts
        if rules.authorize(PERSON, ACME, obj, act, NEUTRAL).allowed
    }
    assert allowed == MAY[role]


def test_without_a_role_nothing_is_allowed(policy: Policy) -> None:
    answer = snapshot(policy).authorize(PERSON, ACME, "generation", "read", NEUTRAL)
    assert (answer.allowed, answer.reason, answer.rules) == (False, "no_role", ())


def test_what_no_rule_allows_is_refused(policy: Policy) -> None:
    rules = snapshot(policy, (PERSON, "auditor", ACME))
    assert rules.authorize(PERSON, ACME, "asset", "recall", NEUTRAL).reason == "no_rule"
    assert rules.authorize(PERSON, ACME, "spaceship", "launch", NEUTRAL).reason == "no_rule"


@pytest.mark.parametrize("name", ["role:administrator", "administrator", "*", ""])
def test_nobody_is_named_into_a_role(policy: Policy, name: str) -> None:
    rules = snapshot(policy, (PERSON, "administrator", ACME))
    assert not rules.authorize(name, ACME, "role", "manage", NEUTRAL).allowed


def test_an_organisations_role_holds_in_its_projects_and_nowhere_else(policy: Policy) -> None:
    rules = snapshot(policy, (PERSON, "auditor", ACME))
    places = [ACME, FILM, domain_of("acmex"), domain_of("other"), domain_of("other", "acme")]
    allowed = [rules.authorize(PERSON, d, "record", "read", NEUTRAL).allowed for d in places]
    assert allowed == [True, True, False, False, False]


def test_a_projects_role_does_not_reach_its_organisation(policy: Policy) -> None:
    rules = snapshot(policy, (PERSON, "auditor", FILM))
    places = [FILM, ACME, domain_of("acme", "filmx"), domain_of("acme", "news")]
    allowed = [rules.authorize(PERSON, d, "record", "read", NEUTRAL).allowed for d in places]
    assert allowed == [True, False, False, False]


@pytest.mark.parametrize("what", ["review", "approval"])
@pytest.mark.parametrize("fact", ["is_requester", "in_chain"])
@given(roles=st.sets(st.sampled_from(sorted(MAY)), min_size=1))
def test_nobody_decides_on_what_they_asked_for_whatever_their_roles(
    policy: Policy, what: str, fact: str, roles: set[str]
) -> None:
    rules = snapshot(policy, *((PERSON, role, ACME) for role in roles))
    answer = rules.authorize(PERSON, FILM, what, "decide", {**NEUTRAL, fact: True})
    assert (answer.allowed, answer.reason) == (False, "denied_by_rule")


@pytest.mark.parametrize("what", ["review", "approval"])
@pytest.mark.parametrize("unknown", ["is_requester", "in_chain", "is_person"])
def test_a_fact_that_is_not_known_speaks_against_the_subject(
    policy: Policy, what: str, unknown: str
) -> None:
    rules = snapshot(policy, (PERSON, "reviewer", ACME))
    facts = {name: value for name, value in NEUTRAL.items() if name != unknown}
    assert rules.authorize(PERSON, ACME, what, "decide", NEUTRAL).allowed
    assert not rules.authorize(PERSON, ACME, what, "decide", facts).allowed


@pytest.mark.parametrize(("kind", "subject"), [("agent", AGENT), ("service", SERVICE)])
@pytest.mark.parametrize("act", ["claim", "decide"])
def test_only_people_review_even_if_others_are_given_the_role(
    policy: Policy, kind: str, subject: str, act: str
) -> None:
    rules = snapshot(policy, (subject, "reviewer", ACME), (PERSON, "reviewer", ACME))
    caller = principal(kind, subject, PERSON)
    answer = rules.authorize_principal(caller, ACME, "review", act, NEUTRAL)
    assert not answer.allowed


def test_the_answer_names_every_matching_rule_and_role(policy: Policy) -> None:
    rules = snapshot(policy, (PERSON, "reviewer", ACME), (PERSON, "compliance_officer", ACME))
    answer = rules.authorize(PERSON, FILM, "approval", "decide", {**NEUTRAL, "in_chain": True})
    assert answer.roles == ("role:compliance_officer", "role:reviewer")
    assert set(answer.rules) == {
        "compliance_officer.approval.decide",
        "reviewer.approval.decide",
        "separation.approval.chain",
    }


def test_an_agent_may_only_what_its_accountable_person_may(policy: Policy) -> None:
    agent = principal("agent", AGENT, PERSON)
    both = snapshot(policy, (AGENT, "agent", ACME), (PERSON, "producer", ACME))
    answer = both.authorize_principal(agent, FILM, "generation", "create", {})
    assert answer.allowed
    assert answer.roles == ("role:agent", "role:producer")
    assert answer.rules == ("agent.generation.create", "producer.generation.create")

    alone = snapshot(policy, (AGENT, "agent", ACME))
    refused = alone.authorize_principal(agent, FILM, "generation", "create", {})
    assert (refused.allowed, refused.reason) == (False, "accountable_person_not_allowed")


def test_an_accountable_person_lends_no_right_that_the_agent_lacks(policy: Policy) -> None:
    rules = snapshot(policy, (AGENT, "agent", ACME), (PERSON, "producer", ACME))
    agent = principal("agent", AGENT, PERSON)
    assert not rules.authorize_principal(agent, ACME, "asset", "import", {}).allowed


@pytest.mark.parametrize("accountable", [AGENT, SERVICE, ""])
def test_something_that_is_no_person_answers_for_nobody(policy: Policy, accountable: str) -> None:
    rules = snapshot(policy, (AGENT, "agent", ACME), (SERVICE, "agent", ACME))
    agent = principal("agent", AGENT, accountable)
    assert not rules.authorize_principal(agent, ACME, "generation", "create", {}).allowed


def test_a_person_acts_in_their_own_right(policy: Policy) -> None:
    rules = snapshot(policy, (PERSON, "reviewer", ACME))
    person = principal("person", PERSON, PERSON)
    facts = {"is_requester": False, "in_chain": False}
    assert rules.authorize_principal(person, ACME, "review", "decide", facts).allowed
    stranger = replace(person, id=OTHER, accountable=PERSON)
    assert not rules.authorize_principal(stranger, ACME, "review", "decide", facts).allowed
