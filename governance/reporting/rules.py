"""Policy as the decisions of a population saw it: rules, duties, versions. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from governance.evidence.record import Record
from governance.evidence.story import Story

MatchedRule = Mapping[str, Any]  # a rule as a decision names it
_STRICTNESS = ("permit", "review", "deny")


@dataclass(frozen=True)
class Rule:
    """A rule that matched at least once. `ref` (R1, R2, …) stands for it in tables.

    matched: for how many generations; strength: of a code of practice (will, encouraged, may).
    """

    ref: str
    id: str
    pack: str
    cites: str
    level: str
    binds: tuple[str, ...]
    mode: str
    effect: str
    because: str
    matched: int
    strength: str = ""


@dataclass
class PolicyVersion:
    """One version of the policy: sha256, packs with versions where the log states them."""

    digest: str
    packs: tuple[str, ...]
    decisions: int = 0
    first_request: str = ""
    last_request: str = ""


@dataclass(frozen=True)
class RuleBook:
    """Every rule that matched, in order of pack and id."""

    rules: tuple[Rule, ...]
    _refs: dict[tuple[str, str, str], str] = field(default_factory=dict, repr=False)

    def refs(self, matched: Iterable[MatchedRule]) -> tuple[str, ...]:
        """The references of a decision's rules, in order, each once."""
        numbers = {int(self._refs[_key(rule)][1:]) for rule in matched}
        return tuple(f"R{number}" for number in sorted(numbers))


def rule_book(stories: Sequence[Story]) -> RuleBook:
    seen: dict[tuple[str, str, str], MatchedRule] = {}
    matched: dict[tuple[str, str, str], int] = {}
    for story in stories:
        of_story = {_key(rule): rule for rule in matched_rules(story)}
        seen.update(of_story)
        for key in of_story:
            matched[key] = matched.get(key, 0) + 1
    refs = {key: f"R{number}" for number, key in enumerate(sorted(seen), start=1)}
    rules = tuple(
        Rule(
            ref=refs[key],
            id=seen[key]["id"],
            pack=seen[key]["pack"],
            cites=seen[key]["cites"],
            level=seen[key]["level"],
            binds=tuple(seen[key]["binds"]),
            mode=seen[key]["mode"],
            effect=seen[key]["effect"],
            because=seen[key]["because"],
            matched=matched[key],
            strength=seen[key].get("strength", ""),
        )
        for key in sorted(seen)
    )
    return RuleBook(rules, refs)


def matched_rules(story: Story) -> list[MatchedRule]:
    return [rule for decision in story.decisions for rule in decision["rules"]]


def deciding(matched: Iterable[MatchedRule], effect: str) -> list[MatchedRule]:
    """The enforced rules that asked for this effect; none for a permit, which needs no rule."""
    return [
        rule
        for rule in matched
        if rule["mode"] == "enforce" and rule["effect"] == effect != "permit"
    ]


def effect(story: Story) -> str:
    """The strictest answer that policy gave for a generation; empty before the first."""
    effects = [decision["effect"] for decision in story.decisions]
    return max(effects, key=_STRICTNESS.index, default="")


def policy_versions(stories: Sequence[Story], service: Iterable[Record]) -> list[PolicyVersion]:
    """The policy versions that decided, in order of first use."""
    loaded = {
        record.body["policy"]: tuple(f"{p['id']} {p['version']}" for p in record.body["packs"])
        for record in service
        if record.event == "policy.changed" and record.body["action"] == "loaded"
    }
    versions: dict[str, PolicyVersion] = {}
    for story in sorted(stories, key=lambda item: item.requested_at):
        for decision in story.decisions:
            digest = decision["policy"]
            version = versions.setdefault(
                digest,
                PolicyVersion(digest, loaded.get(digest, ()), first_request=story.requested_at),
            )
            version.decisions += 1
            version.last_request = story.requested_at
    return list(versions.values())


def _key(rule: MatchedRule) -> tuple[str, str, str]:
    return rule["pack"], rule["id"], rule["mode"]
