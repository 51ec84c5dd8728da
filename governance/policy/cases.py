"""The cases beside the packs (`policies/cases/`): what the rules are meant to say, tried out.

Each case changes `base.yaml` and says what one rule does with it; a scenario says the whole
answer. A rule without a case in which it matches, one in which it does not, and one for each end
of its time, is a fault as well: nobody would notice that it had changed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson

from governance.domain import Decision
from governance.kernel.documents import Document, FileFault, Pointer, read_yaml, refusal
from governance.kernel.errors import InvalidRequest
from governance.policy.decisions import decide
from governance.policy.packs import load
from governance.policy.rules import EVERYWHERE, Policy, Rule

FOLDER = "cases"
_BASE = "base.yaml"
_SCENARIOS = "scenarios.yaml"
_PACK_SCHEMA = "schemas/rule-pack.schema.json"
_DAY = timedelta(days=1)
# Policies by the choices (group, choice) that differ from those in force.
Versions = Mapping[tuple[tuple[str, str], ...], Policy]


@dataclass(frozen=True)
class Outcome:
    """One thing that was tried. name: the rule's id or the scenario's name; fault: empty where it
    came out as written."""

    file: str
    line: int
    name: str
    fault: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.name}: {self.fault or 'as written'}"


@dataclass(frozen=True)
class Suite:
    """Everything in the folder, checked in form."""

    base: dict[str, Any]
    packs: tuple[Document, ...]
    cases: tuple[Document, ...]
    scenarios: Document


def run(policies_dir: Path) -> list[Outcome]:
    """Try every case of a policy folder.

    Raises ConfigurationError (`policy_invalid`, `cases_invalid`), one line per fault.
    """
    return outcomes(policies(policies_dir), read(policies_dir))


def read(policies_dir: Path) -> Suite:
    """The cases of a folder. Raises ConfigurationError (`cases_invalid`)."""
    base, faults = _read(policies_dir, _BASE, "decision-input")
    scenarios, more = _read(policies_dir, _SCENARIOS, "scenarios")
    faults += more
    cases = []
    for path in sorted((policies_dir / FOLDER).glob("*.yaml")):
        if path.name not in (_BASE, _SCENARIOS):
            document, more = _read(policies_dir, path.name, "cases")
            faults += more or list(_day_faults(document))
            cases.append(document)
    if faults:
        raise refusal("cases_invalid", faults)
    return Suite(base.value, tuple(_packs(policies_dir)), tuple(cases), scenarios)


def policies(policies_dir: Path) -> Versions:
    """The policy in force, and those under each other choice. Raises as `packs.load` does."""
    chosen = load(policies_dir)
    left_out = orjson.loads(chosen.document).get("left_out", ())
    others = [pack["alternative"] for pack in left_out]
    return {(): chosen} | {
        ((other["group"], other["choice"]),): load(policies_dir, {other["group"]: other["choice"]})
        for other in others
    }


def outcomes(versions: Versions, suite: Suite) -> list[Outcome]:
    """What came of every case, under the policy that has its rule. Pure."""
    known = {
        rule.matched.id: (policy, rule)
        for policy in reversed([*versions.values()])
        for rule in policy.rules
    }
    found = [
        outcome
        for document in suite.cases
        for index, case in enumerate(document.value)
        for outcome in _case(document, (index,), case, suite.base, known)
    ]
    found += [
        _scenario(suite.scenarios, (index,), scene, suite.base, versions)
        for index, scene in enumerate(suite.scenarios.value)
    ]
    return found + list(_incomplete(suite))


def changed(facts: Mapping[str, Any], *changes: Mapping[str, Any]) -> dict[str, Any]:
    """`facts` with changes merged into it, object by object."""
    result = dict(facts)
    for change in changes:
        for name, value in change.items():
            inner = result.get(name)
            both = isinstance(inner, dict) and isinstance(value, dict)
            result[name] = changed(inner, value) if both else value  # type: ignore[arg-type]
    return result


def _case(
    document: Document,
    pointer: Pointer,
    case: dict[str, Any],
    base: dict[str, Any],
    known: Mapping[str, tuple[Policy, Rule]],
) -> Iterator[Outcome]:
    name = case["rule"]
    if name not in known:
        yield _outcome(document, pointer, name, "there is no such rule")
        return
    policy, rule = known[name]
    facts = changed(base, case["given"])
    yield _outcome(document, (*pointer, "given"), name, _told(policy, rule, facts, case))
    for index, change in enumerate(case["not"]):
        fault = _expected(policy, name, changed(facts, change), False)
        yield _outcome(document, (*pointer, "not", index), name, fault)
    for field, outside in (("first_day", -_DAY), ("last_day", _DAY)):
        if field in case:
            day = date.fromisoformat(case[field])
            fault = _expected(policy, name, {**facts, "date": day.isoformat()}, True)
            beyond = {**facts, "date": (day + outside).isoformat()}
            fault = fault or _expected(policy, name, beyond, False)
            yield _outcome(document, (*pointer, field), name, fault)


def _scenario(
    document: Document,
    pointer: Pointer,
    scene: dict[str, Any],
    base: dict[str, Any],
    versions: Versions,
) -> Outcome:
    policy = versions.get(tuple(sorted(scene.get("alternatives", {}).items())))
    if policy is None:
        return _outcome(document, (*pointer, "alternatives"), scene["name"], "no such choice")
    decision = _decided(policy, changed(base, scene["given"]))
    if isinstance(decision, str):
        return _outcome(document, pointer, scene["name"], decision)
    answer = {
        "effect": decision.effect,
        "enforced": {d.kind: d.parameters for d in decision.duties if d.mode == "enforce"},
        "observed": sorted(d.kind for d in decision.duties if d.mode == "observe"),
        "not_assessed": list(decision.not_assessed),
    }
    for field, value in answer.items():
        if value != scene[field]:
            fault = f"{field} is {_text(value)}, not {_text(scene[field])}"
            return _outcome(document, (*pointer, field), scene["name"], fault)
    return _outcome(document, pointer, scene["name"])


def _told(policy: Policy, rule: Rule, facts: dict[str, Any], case: dict[str, Any]) -> str:
    """What is wrong with what a rule says to an input that it is about."""
    decision = _decided(policy, facts)
    if isinstance(decision, str):
        return decision
    matched = next((item for item in decision.rules if item.id == rule.matched.id), None)
    if matched is None:
        return "the rule does not match"
    if matched.effect != case["effect"]:
        return f"the effect is {matched.effect}, not {case['effect']}"
    if dict(rule.duties) != case["duties"]:
        return f"the duties are {_text(dict(rule.duties))}, not {_text(case['duties'])}"
    return ""


def _expected(policy: Policy, rule: str, facts: dict[str, Any], is_match: bool) -> str:
    decision = _decided(policy, facts)
    if isinstance(decision, str):
        return decision
    if is_match is (rule in {item.id for item in decision.rules}):
        return ""
    return f"the rule {'does not match' if is_match else 'matches'} on {facts['date']}"


def _decided(policy: Policy, facts: dict[str, Any]) -> Decision | str:
    """The decision, or why the input is none."""
    try:
        return decide(policy, facts)
    except InvalidRequest as error:
        return error.message


def _incomplete(suite: Suite) -> Iterator[Outcome]:
    """Rules of which the cases would not notice a change, at their place in the packs."""
    cases = [case for document in suite.cases for case in document.value]
    for document in suite.packs:
        for index, rule in enumerate(document.value["rules"]):
            own = [case for case in cases if case["rule"] == rule["id"]]
            missing = ", ".join(_missing(document.value, rule, own))
            if missing:
                fault = f"there is no case {missing}"
                yield _outcome(document, ("rules", index), rule["id"], fault)


def _missing(
    pack: dict[str, Any], rule: dict[str, Any], own: list[dict[str, Any]]
) -> Iterator[str]:
    """What no case of a rule shows. A rule about every input cannot fail to match."""
    is_about_all = not rule["when"] and EVERYWHERE in pack["territories"]
    if not own:
        yield "in which it matches"
    if not is_about_all and not any(case["not"] for case in own):
        yield "in which it does not match"
    if not any(case["first_day"] == rule["in_force"]["from"] for case in own):
        yield "of its first day"
    until = rule["in_force"].get("until")
    if until and not any(case.get("last_day") == until for case in own):
        yield "of its last day"


def _read(policies_dir: Path, name: str, schema: str) -> tuple[Document, list[FileFault]]:
    return read_yaml(policies_dir, f"{FOLDER}/{name}", f"schemas/{schema}.schema.json")


def _packs(policies_dir: Path) -> Iterator[Document]:
    """The packs, which `packs.load` has checked or will check."""
    for path in sorted((policies_dir / "packs").glob("*.yaml")):
        yield read_yaml(policies_dir, f"packs/{path.name}", _PACK_SCHEMA)[0]


def _day_faults(document: Document) -> Iterator[FileFault]:
    for index, case in enumerate(document.value):
        for field in ("first_day", "last_day"):
            try:
                date.fromisoformat(case.get(field, "2000-01-02"))
            except ValueError:
                yield document.fault((index, field), f"{case[field]} is not a day of the calendar")


def _outcome(document: Document, pointer: Pointer, name: str, fault: str = "") -> Outcome:
    place = document.fault(pointer, fault)
    return Outcome(place.file, place.line, name, fault)


def _text(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
