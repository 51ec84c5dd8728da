"""Coverage: which rules of a policy have spoken in the decisions on record. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from governance.domain import Mode
from governance.policy.recorded import Decided
from governance.policy.rules import Policy


@dataclass(frozen=True)
class RuleCoverage:
    """In how many decisions a rule matched, by the mode that it had then."""

    rule: str
    pack: str
    mode: Mode
    enforced: int
    observed: int
    waived: int

    @property
    def is_used(self) -> bool:
        return bool(self.enforced or self.observed or self.waived)


@dataclass(frozen=True)
class Coverage:
    """decisions: how many were read; rules: those of the policy, in its order; gone: (rule,
    decisions) of rules that matched and are not in this policy any more."""

    decisions: int
    rules: tuple[RuleCoverage, ...]
    gone: tuple[tuple[str, int], ...]

    def pack(self, name: str) -> tuple[RuleCoverage, ...]:
        return tuple(rule for rule in self.rules if rule.pack == name)


def coverage(policy: Policy, recorded: Iterable[Decided]) -> Coverage:
    """Count, for every rule, the decisions in which it matched."""
    matched: Counter[tuple[str, str]] = Counter()
    decisions = 0
    for item in recorded:
        decisions += 1
        matched.update((rule["id"], rule["mode"]) for rule in item.body["rules"])
    rules = tuple(
        RuleCoverage(
            rule=rule.matched.id,
            pack=rule.matched.pack,
            mode=rule.matched.mode,
            enforced=matched[rule.matched.id, "enforce"],
            observed=matched[rule.matched.id, "observe"],
            waived=matched[rule.matched.id, "waived"],
        )
        for rule in policy.rules
    )
    known = {rule.rule for rule in rules}
    gone: Counter[str] = Counter()
    for (name, _), count in matched.items():
        if name not in known:
            gone[name] += count
    return Coverage(decisions, rules, tuple(sorted(gone.items())))
