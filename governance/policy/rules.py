"""The policy of one version: rules compiled once from the canonical policy document.

The document is one JSON object with sorted keys: the `packs` that apply, those `left_out` for an
alternative, `territories`, `authorization`, and the schemas `decision_input` and `duties` under
which they were written. Its sha256 names the policy; stored with the records, it is all that a
replay needs.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
import orjson

from governance.domain import MatchedRule
from governance.policy.authorization import Permission
from governance.policy.duties import Parameters
from governance.policy.territories import Territories, territories

EVERYWHERE = "*"
_NO_END = "9999-12-31"


@dataclass(frozen=True)
class Rule:
    """One rule of a pack. `first_day` and `last_day` are ISO dates, both included.

    territories: what a request may name to come under the rule.
    """

    matched: MatchedRule
    territories: frozenset[str]
    first_day: str
    last_day: str
    condition: jsonschema_rs.Validator
    duties: tuple[tuple[str, Parameters], ...]
    waivable: bool

    def applies(self, facts: dict[str, Any]) -> bool:
        """Whether the rule is in force where and when the input says, and its condition holds."""
        return (
            self.first_day <= facts["date"] <= self.last_day
            and (
                EVERYWHERE in self.territories
                or not self.territories.isdisjoint(facts["territories"])
            )
            and self.condition.is_valid(facts)
        )


@dataclass(frozen=True)
class Policy:
    """All rules of one version; immutable, shared by every thread.

    packs: (id, version); covered: territories of which a pack says what the law is; defaults:
    parameters of duties that no rule gave; model: the authorization model, in Casbin's language.
    """

    digest: str
    document: bytes
    packs: tuple[tuple[str, str], ...]
    rules: tuple[Rule, ...]
    territories: Territories
    covered: frozenset[str]
    defaults: dict[str, Parameters]
    accepts: jsonschema_rs.Validator
    model: str
    permissions: tuple[Permission, ...]


def compile_policy(document: bytes) -> Policy:
    """The policy of a canonical document that was checked when it was made."""
    content = orjson.loads(document)
    packs = content["packs"]
    places = territories(content.get("territories", {}))
    return Policy(
        digest=hashlib.sha256(document).hexdigest(),
        document=document,
        packs=tuple((pack["id"], pack["version"]) for pack in packs),
        rules=tuple(_rule(pack, rule, places) for pack in packs for rule in pack["rules"]),
        territories=places,
        covered=places.within(_assessed(packs)),
        defaults={kind: _defaults(s) for kind, s in content["duties"]["$defs"].items()},
        accepts=jsonschema_rs.validator_for(content["decision_input"]),
        model=content["authorization"]["model"],
        permissions=tuple(Permission(*row) for row in content["authorization"]["rules"]),
    )


def _assessed(packs: list[dict[str, Any]]) -> set[str]:
    """A proposal, or a law of which nobody can tell whether it holds, assesses nothing."""
    return {
        place
        for pack in packs
        if pack.get("status", "in_force") in ("in_force", "none")
        for place in pack["territories"]
    } - {EVERYWHERE}


def _rule(pack: dict[str, Any], rule: dict[str, Any], places: Territories) -> Rule:
    return Rule(
        matched=MatchedRule(
            id=rule["id"],
            pack=pack["id"],
            cites=rule["cites"],
            level=rule["level"],
            binds=tuple(rule["binds"]),
            mode=rule["mode"],
            effect=rule["then"]["effect"],
            because=rule["because"],
            strength=rule.get("strength", ""),
        ),
        territories=places.concerning(pack["territories"]),
        first_day=rule["in_force"]["from"],
        last_day=rule["in_force"].get("until", _NO_END),
        condition=jsonschema_rs.validator_for(rule["when"]),
        duties=tuple((d["kind"], d["parameters"]) for d in rule["then"].get("duties", [])),
        waivable=_is_waivable(rule),
    )


def _is_waivable(rule: dict[str, Any]) -> bool:
    """Nobody here can make an exception to a law, to a code, or to what stands in for a check."""
    is_own: bool = rule["level"] == "house" and rule["mode"] == "enforce"
    return is_own and rule.get("waivable", True)


def _defaults(schema: dict[str, Any]) -> Parameters:
    return {
        name: spec["default"]
        for name, spec in schema.get("properties", {}).items()
        if "default" in spec
    }
