"""The compiled snapshot and Casbin give the same answers, whatever the rules."""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import casbin
import pytest
from casbin.persist.adapters.string_adapter import StringAdapter
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.policy import Assignment, Policy, check
from governance.policy.authorization import ACTIONS, Permission, compile_snapshot
from tests.policy.conftest import ROOT

AUTHORIZATION = ROOT / "policies" / "authorization"
SUBJECTS = [f"{kind}_{n * 32}" for kind in ("usr", "agt") for n in "123"]
DOMAINS = ["org/a", "org/a/project/x", "org/a/project/xy", "org/ab", "org/b", "org/b/project/x"]
ROLES = ["administrator", "agent", "auditor", "compliance_officer", "producer", "reviewer"]
QUESTIONS = [(obj, act) for obj, acts in ACTIONS.items() for act in acts]

# Written apart from the product's own predicates, so that the two can disagree.
EXPECTED = {"is_requester": True, "in_chain": True, "is_person": True, "not_person": False}


def within(domain: str, pattern: str) -> bool:
    parts, wanted = domain.split("/"), pattern.split("/")
    return pattern == "*" or parts[: len(wanted)] == wanted


def holds(condition: str, effect: str, facts: Mapping[str, bool]) -> bool:
    if condition == "always":
        return True
    name = condition.replace("not_", "is_")
    return facts[name] == EXPECTED[condition] if name in facts else effect == "deny"


def enforcer(permissions: list[Permission] | None, assignments: list[Assignment]) -> Any:
    held = [f"g, {a.subject}, {a.role}, {a.domain}" for a in assignments]
    rows = [(AUTHORIZATION / "policy.csv").read_text("utf-8")]
    if permissions is not None:
        rows = ["p, " + ", ".join(vars(permission).values()) for permission in permissions]
    judge = casbin.Enforcer(
        str(AUTHORIZATION / "model.conf"), StringAdapter("\n".join([*rows, *held]))
    )
    judge.add_function("within", within)
    judge.add_function("holds", holds)
    judge.add_named_domain_matching_func("g", within)
    return judge


assignments = st.lists(
    st.builds(
        lambda subject, role, domain: Assignment(subject, f"role:{role}", domain),
        st.sampled_from(SUBJECTS),
        st.sampled_from(ROLES),
        st.sampled_from(DOMAINS),
    ),
    max_size=8,
)
permissions = st.lists(
    st.builds(
        Permission,
        id=st.sampled_from(["r1", "r2", "r3"]),
        subject=st.sampled_from(["*", *(f"role:{role}" for role in ROLES)]),
        domain=st.sampled_from(["*", *DOMAINS]),
        object=st.just("review"),
        action=st.sampled_from(ACTIONS["review"]),
        condition=st.sampled_from(["always", *EXPECTED]),
        effect=st.sampled_from(["allow", "deny"]),
    ),
    min_size=1,
    max_size=8,
)
facts = st.dictionaries(st.sampled_from(["is_requester", "in_chain", "is_person"]), st.booleans())


def probes(questions: list[tuple[str, str]]) -> Any:
    one = st.tuples(
        st.sampled_from(SUBJECTS),
        st.sampled_from(DOMAINS),
        st.sampled_from(questions),
        facts,
    )
    return st.lists(one, min_size=5, max_size=15)


@given(assignments, probes(QUESTIONS))
@settings(max_examples=40, deadline=None)
def test_the_shipped_rules_mean_the_same_to_both(
    policy: Policy, held: list[Assignment], asked: list[Any]
) -> None:
    compiled, judge = compile_snapshot(policy.permissions, held), enforcer(None, held)
    for subject, domain, (obj, act), known in asked:
        ours = compiled.authorize(subject, domain, obj, act, known).allowed
        assert ours == judge.enforce(subject, domain, obj, act, known)


@given(permissions, assignments, probes([("review", act) for act in ACTIONS["review"]]))
@settings(max_examples=100, deadline=None)
def test_any_rules_mean_the_same_to_both(
    rules: list[Permission], held: list[Assignment], asked: list[Any]
) -> None:
    compiled, judge = compile_snapshot(rules, held), enforcer(rules, held)
    for subject, domain, (obj, act), known in asked:
        ours = compiled.authorize(subject, domain, obj, act, known).allowed
        assert ours == judge.enforce(subject, domain, obj, act, known)


def test_nothing_reloads_an_enforcer_or_switches_it_off() -> None:
    """`load_policy` empties the roles while others ask; `enable_enforce(False)` allows all."""
    hazards = {"load_policy", "enable_enforce", "FastEnforcer", "SyncedEnforcer", "set_effector"}
    for path in (ROOT / "governance").rglob("*.py"):
        named = {
            getattr(node, "attr", getattr(node, "id", None))
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
        }
        assert not named & hazards, path


@pytest.mark.parametrize("effect", ["Deny", "Allow", "", "DENY", "permit"])
def test_an_effect_that_casbin_would_ignore_is_refused(folder: Path, effect: str) -> None:
    row = f"p, x, *, *, review, decide, is_requester, {effect}\n"
    with (folder / "authorization" / "policy.csv").open("a") as file:
        file.write(row)
    assert any("effect" in str(fault) for fault in check(folder))
