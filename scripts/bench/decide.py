"""How long an authorization and a decision take, with the rules that ship.

Usage: python scripts/bench/decide.py [questions]
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from statistics import median, quantiles

from figures import print_figures, print_machine

from governance import policy as policies
from governance.domain import Declaration, GenerationRequest, Principal, Quote
from governance.kernel import clock, ids
from governance.policy import Assignment, Policy, decide, decision_input, domain_of
from governance.policy.authorization import Permission, compile_snapshot

POLICIES = Path(__file__).resolve().parents[2] / "policies"
ASSIGNMENTS = 10_000
ORGANISATIONS, ROLES = 100, 10


def main(questions: int) -> None:
    policy = policies.load(POLICIES)
    agent = invented_agent()
    print_machine("jsonschema_rs")
    print(
        f"{len(policy.rules)} rules, {len(policy.permissions)} permissions, "
        f"{ORGANISATIONS * ROLES} custom roles, {ASSIGNMENTS} assignments, "
        f"{questions} questions each"
    )
    authorize = timed(authorization(policy, agent), questions)
    decision = timed(deciding(policy, agent), questions)
    figures = {
        "authorize_p50_us": round(median(authorize), 1),
        "authorize_p99_us": round(quantiles(authorize, n=100)[98], 1),
        "decision_p50_us": round(median(decision), 1),
        "decision_p99_us": round(quantiles(decision, n=100)[98], 1),
    }
    print_figures(figures)


def authorization(policy: Policy, agent: Principal) -> Callable[[], object]:
    """An agent's question: its own role and its accountable person's, one project deep."""
    rows = [
        Assignment(agent.id, "role:agent", domain_of("acme")),
        Assignment(agent.accountable, "role:producer", domain_of("acme")),
    ]
    rows += [
        Assignment(ids.new_id("usr"), "role:producer", domain_of("acme"))
        for _ in range(ASSIGNMENTS - len(rows))
    ]
    snapshot = compile_snapshot((*policy.permissions, *custom_roles(policy)), rows)
    domain = domain_of("acme", "film")
    return lambda: snapshot.authorize_principal(agent, domain, "generation", "create", {})


def custom_roles(policy: Policy) -> list[Permission]:
    """Roles of many organisations, each with some of what the built-in ones may do."""
    allowed = [permission for permission in policy.permissions if permission.effect == "allow"]
    return [
        replace(permission, subject=f"role:o{one}.r{role}", domain=domain_of(f"o{one}"))
        for one in range(ORGANISATIONS)
        for role in range(ROLES)
        for permission in allowed[role : role + ROLES]
    ]


def deciding(policy: Policy, agent: Principal) -> Callable[[], object]:
    """The answer of all rules to a final public video of which nothing was declared."""
    request = GenerationRequest(
        organisation="acme",
        project="film",
        media="video",
        model="auto",
        prompt="",
        seconds=8,
        width=1280,
        height=720,
        territories=("CN", "EU", "IN", "KR", "US"),
        declaration=Declaration(),
    )
    facts = decision_input(
        request,
        agent,
        stage="request",
        date=clock.now(),
        action="generation.create",
        quote=Quote(Decimal("3.20")),
    )
    return lambda: decide(policy, facts)


def invented_agent() -> Principal:
    agent, person = ids.new_id("agt"), ids.new_id("usr")
    return Principal("agent", agent, "acme", person, "A", (person, agent))


def timed(question: Callable[[], object], times: int) -> list[float]:
    """Microseconds of each call, after a warm-up."""
    taken: list[float] = []
    for index in range(times + times // 10):
        start = time.perf_counter_ns()
        question()
        if index >= times // 10:
            taken.append((time.perf_counter_ns() - start) / 1000)
    return taken


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
