"""Decisions: pure, from a policy and an input; the same two always give the same answer."""

from dataclasses import replace
from typing import Any, get_args

from governance.domain import Decision, Duty, Effect, MatchedRule, Mode
from governance.kernel.errors import InvalidRequest
from governance.policy.authorization import Authorization
from governance.policy.duties import Parameters, join
from governance.policy.rules import Policy, Rule, compile_policy

_STRICTNESS: tuple[Effect, ...] = get_args(Effect)


def decide(policy: Policy, facts: dict[str, Any]) -> Decision:
    """What policy says about an input of the shape of `decision-input.schema.json`.

    Effects join by strictness, duties by union; observed and waived rules are listed and change
    nothing.
    Raises InvalidRequest (`decision_input_invalid`) with the field at fault.
    """
    _require_valid(policy, facts)
    waivers = _waivers(facts)
    matching = [_under(waivers, rule) for rule in policy.rules if rule.applies(facts)]
    return Decision(
        effect=strictest([r.matched.effect for r in matching if r.matched.mode == "enforce"]),
        rules=tuple(rule.matched for rule in matching),
        duties=_duties(policy, matching),
        policy=policy.digest,
        input=facts,
        not_assessed=tuple(sorted(set(facts["territories"]) - policy.covered)),
    )


def replay(document: bytes, facts: dict[str, Any]) -> Decision:
    """Decide again under a stored policy document; gives what was recorded, or a record lies."""
    return decide(compile_policy(document), facts)


def strictest(effects: list[Effect]) -> Effect:
    """deny > review > permit; nothing said means permit (may-it-at-all is authorization's part)."""
    return max(effects, key=_STRICTNESS.index, default="permit")


def as_body(decision: Decision, authorization: Authorization | None = None) -> dict[str, Any]:
    """The body of a `policy.decided` record; without `authorization` nobody asked for anything."""
    return {
        "stage": decision.input["stage"],
        "effect": decision.effect,
        "policy": decision.policy,
        "rules": [_rule_body(rule) for rule in decision.rules],
        "duties": [_duty_body(duty) for duty in decision.duties],
        "not_assessed": list(decision.not_assessed),
        "input": decision.input,
        "authorization": {
            "roles": list(authorization.roles) if authorization else [],
            "rules": list(authorization.rules) if authorization else [],
        },
    }


def _waivers(facts: dict[str, Any]) -> dict[str, str]:
    """The waiver of each rule that has one, the oldest where there are several.

    Inputs that were recorded before there were waivers name none.
    """
    return {item["rule"]: item["waiver"] for item in reversed(facts.get("waivers", []))}


def _under(waivers: dict[str, str], rule: Rule) -> Rule:
    """The rule as it counts: without effect and duties where a waiver lifts it."""
    waiver = waivers.get(rule.matched.id)
    if waiver is None or not rule.waivable:
        return rule
    return replace(rule, matched=replace(rule.matched, mode="waived", waiver=waiver), duties=())


def _require_valid(policy: Policy, facts: dict[str, Any]) -> None:
    if policy.accepts.is_valid(facts):
        return
    error = next(iter(policy.accepts.iter_errors(facts)))
    where = ".".join(str(part) for part in error.instance_path) or "input"
    allowed = getattr(error.kind, "options", None)  # the library's message leaves most of them out
    text = f"choose one of {', '.join(map(str, allowed))}" if allowed else error.message
    raise InvalidRequest("decision_input_invalid", f"{where}: {text}.", param=where)


def _duties(policy: Policy, matching: list[Rule]) -> tuple[Duty, ...]:
    """One duty for each kind and mode, with the strictest parameters and all its rules."""
    parameters: dict[tuple[str, Mode], Parameters] = {}
    rules: dict[tuple[str, Mode], set[str]] = {}
    for rule in matching:
        for kind, wanted in rule.duties:
            key = (kind, rule.matched.mode)
            parameters[key] = join(parameters.get(key, {}), wanted)
            rules.setdefault(key, set()).add(rule.matched.id)
    return tuple(
        Duty(
            kind=kind,
            parameters={**policy.defaults[kind], **parameters[kind, mode]},
            rules=tuple(sorted(rules[kind, mode])),
            mode=mode,
        )
        for kind, mode in sorted(parameters)
    )


def _rule_body(rule: MatchedRule) -> dict[str, Any]:
    optional = {"strength": rule.strength, "waiver": rule.waiver}
    return {
        **{name: value for name, value in optional.items() if value},
        "id": rule.id,
        "pack": rule.pack,
        "cites": rule.cites,
        "level": rule.level,
        "binds": list(rule.binds),
        "mode": rule.mode,
        "effect": rule.effect,
        "because": rule.because,
    }


def _duty_body(duty: Duty) -> dict[str, Any]:
    return {
        "kind": duty.kind,
        "parameters": duty.parameters,
        "rules": list(duty.rules),
        "mode": duty.mode,
    }
