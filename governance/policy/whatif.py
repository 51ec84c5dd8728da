"""What if: the decisions on record, taken again under two policies and compared. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from governance.domain import Decision, Duty, MatchedRule
from governance.kernel.errors import InvalidRequest
from governance.policy.decisions import decide
from governance.policy.recorded import Decided
from governance.policy.rules import Policy

# How many generations each group names; `count` counts them all.
EXAMPLES = 20


@dataclass(frozen=True)
class Change:
    """What would be different. Rules are named with their mode and effect where these are not
    `enforce` and `permit`, duties with their mode; a duty is changed where its parameters are."""

    effect: tuple[str, str]
    rules_added: tuple[str, ...] = ()
    rules_removed: tuple[str, ...] = ()
    duties_added: tuple[str, ...] = ()
    duties_removed: tuple[str, ...] = ()
    duties_changed: tuple[str, ...] = ()


@dataclass
class Group:
    """How many decisions share something, and the generations of the first of them."""

    count: int = 0
    generations: list[str] = field(default_factory=list)

    def add(self, generation: str) -> None:
        self.count += 1
        if len(self.generations) < EXAMPLES and generation not in self.generations:
            self.generations.append(generation)


@dataclass
class Comparison:
    """changes: by what would change; refused_by_old, refused_by_new: inputs that a policy's own
    schema does not accept, by what it says. All of them and `unchanged` add up to `decided`."""

    decided: int = 0
    unchanged: int = 0
    changes: dict[Change, Group] = field(default_factory=dict)
    refused_by_old: dict[str, Group] = field(default_factory=dict)
    refused_by_new: dict[str, Group] = field(default_factory=dict)

    @property
    def ordered(self) -> list[tuple[Change, Group]]:
        """The most frequent change first."""
        return sorted(self.changes.items(), key=lambda item: (-item[1].count, item[0].effect))


def compare(old: Policy, new: Policy, recorded: Iterable[Decided]) -> Comparison:
    """Decide on every recorded input under both policies."""
    result = Comparison()
    for item in recorded:
        result.decided += 1
        facts = item.body["input"]
        try:
            before = decide(old, facts)
        except InvalidRequest as error:
            result.refused_by_old.setdefault(error.message, Group()).add(item.generation)
            continue
        try:
            after = decide(new, facts)
        except InvalidRequest as error:
            result.refused_by_new.setdefault(error.message, Group()).add(item.generation)
            continue
        change = difference(before, after)
        if change is None:
            result.unchanged += 1
        else:
            result.changes.setdefault(change, Group()).add(item.generation)
    return result


def difference(before: Decision, after: Decision) -> Change | None:
    """What is different; None where nothing is."""
    if (before.effect, before.rules, before.duties) == (after.effect, after.rules, after.duties):
        return None
    old_rules, new_rules = _rules(before.rules), _rules(after.rules)
    old_duties, new_duties = _duties(before.duties), _duties(after.duties)
    common = old_duties.keys() & new_duties.keys()
    change = Change(
        effect=(before.effect, after.effect),
        rules_added=tuple(sorted(new_rules - old_rules)),
        rules_removed=tuple(sorted(old_rules - new_rules)),
        duties_added=tuple(sorted(new_duties.keys() - common)),
        duties_removed=tuple(sorted(old_duties.keys() - common)),
        duties_changed=tuple(sorted(k for k in common if old_duties[k] != new_duties[k])),
    )
    # Other words, the same meaning: a citation or a sentence was corrected.
    return None if change == Change((before.effect, before.effect)) else change


def lines(result: Comparison) -> Iterator[str]:
    """The comparison for people to read."""
    yield f"{result.decided} decisions, {result.unchanged} unchanged"
    for change, group in result.ordered:
        before, after = change.effect
        effect = before if before == after else f"{before} → {after}"
        yield f"\n{group.count} × {effect}"
        for sign, names in (
            ("+ rule", change.rules_added),
            ("- rule", change.rules_removed),
            ("+ duty", change.duties_added),
            ("- duty", change.duties_removed),
            ("~ duty", change.duties_changed),
        ):
            yield from (f"  {sign} {name}" for name in names)
        yield f"  {_named(group)}"
    for who, refused in (("OLD", result.refused_by_old), ("NEW", result.refused_by_new)):
        for reason, group in sorted(refused.items()):
            yield f"\n{group.count} × not accepted as an input by {who}: {reason}"
            yield f"  {_named(group)}"


def _named(group: Group) -> str:
    rest = group.count - len(group.generations)
    return ", ".join(group.generations) + (f" and {rest} more" if rest else "")


def _rules(rules: Iterable[MatchedRule]) -> set[str]:
    return {_with(rule.id, rule.mode, rule.effect) for rule in rules}


def _duties(duties: Iterable[Duty]) -> Mapping[str, dict[str, Any]]:
    return {_with(duty.kind, duty.mode): duty.parameters for duty in duties}


def _with(name: str, *remarks: str) -> str:
    said = ", ".join(remark for remark in remarks if remark not in ("enforce", "permit"))
    return f"{name} ({said})" if said else name
