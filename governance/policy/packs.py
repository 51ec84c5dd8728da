"""Loading the policy folder: every file checked, every fault with its file and line.

A folder holds `packs/*.yaml`, `alternatives.yaml`, `territories.yaml`, `authorization/model.conf`,
`authorization/policy.csv` and `schemas/*.json`.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from governance.kernel.documents import (
    Document,
    FileFault,
    Pointer,
    read_json,
    read_text,
    read_yaml,
    refusal,
)
from governance.kernel.errors import ConfigurationError
from governance.policy import alternatives, conditions, judge
from governance.policy.contradictions import never
from governance.policy.rows import read_rows
from governance.policy.rules import EVERYWHERE, Policy, compile_policy
from governance.policy.territories import country_of, territories

Schemas = dict[str, dict[str, Any]]

_MODEL = "authorization/model.conf"
_PACK_SCHEMA = "schemas/rule-pack.schema.json"
_SCHEMAS = {
    "decision_input": "schemas/decision-input.schema.json",
    "duties": "schemas/duties.schema.json",
}
REVIEW = "review.people"


def load(policies_dir: Path, choices: Mapping[str, str] | None = None) -> Policy:
    """The policy of a folder. Raises ConfigurationError (`policy_invalid`), one line per fault.

    choices: other choices than those of `alternatives.yaml`, by group.
    """
    policy, faults = _inspect(policies_dir, choices or {})
    if policy is None:
        raise refusal("policy_invalid", faults)
    return policy


def check(policies_dir: Path) -> list[FileFault]:
    """Everything that is wrong in packs and authorization; empty when `load` would succeed."""
    return _inspect(policies_dir, {})[1]


def warnings(policies_dir: Path) -> list[FileFault]:
    """What is right in form and surely a mistake: rules that can never match.

    Empty as long as `check` finds faults.
    """
    if check(policies_dir):
        return []
    schemas, _ = _read_schemas(policies_dir)
    documents, _ = _read_packs(policies_dir, schemas)
    return [
        document.fault(
            ("rules", index, "when"),
            f"rule {rule['id']} can never match: its condition contradicts itself at “{field}”",
        )
        for document in documents
        for index, rule in enumerate(document.value["rules"])
        if (field := never(rule["when"], schemas["decision_input"])) is not None
    ]


def _inspect(
    policies_dir: Path, choices: Mapping[str, str]
) -> tuple[Policy | None, list[FileFault]]:
    schemas, faults = _read_schemas(policies_dir)
    if faults:
        return None, faults
    documents, faults = _read_packs(policies_dir, schemas)
    # Which packs there are to choose from shows as soon as all can be read.
    packs, found = ({}, []) if faults else alternatives.choose(policies_dir, documents, choices)
    places, place_faults = _read_territories(policies_dir)
    faults += found + (place_faults or list(_place_faults(documents, places)))
    rows, row_faults = read_rows(policies_dir)
    model, model_faults = read_text(policies_dir, _MODEL)
    faults += [*row_faults, *model_faults]
    if faults:
        return None, faults
    authorization = {"model": model, "rules": rows}
    content = {**packs, "territories": places, "authorization": authorization, **schemas}
    policy = compile_policy(orjson.dumps(content, option=orjson.OPT_SORT_KEYS))
    try:
        judge.rehearse(policy.model, policy.permissions)
    except ConfigurationError as error:
        return None, [FileFault(_MODEL, 1, error.message)]
    return policy, []


def _read_schemas(policies_dir: Path) -> tuple[Schemas, list[FileFault]]:
    schemas: Schemas = {}
    faults: list[FileFault] = []
    for key, name in _SCHEMAS.items():
        schemas[key], found = read_json(policies_dir, name)
        faults += found
    return schemas, faults


def _read_territories(policies_dir: Path) -> tuple[dict[str, Any], list[FileFault]]:
    document, faults = read_yaml(
        policies_dir, "territories.yaml", "schemas/territories.schema.json"
    )
    if faults:
        return {}, faults
    countries = document.value["countries"].keys()
    for code, group in document.value["groups"].items():
        if code in countries:
            faults.append(document.fault(("groups", code), f"{code} is a country, not a group"))
        for index, member in enumerate(group["members"]):
            if member not in countries:
                where = ("groups", code, "members", index)
                faults.append(document.fault(where, f"there is no country {member}"))
    for code in document.value["subdivisions"]:
        if country_of(code) not in countries:
            faults.append(document.fault(("subdivisions", code), f"{code} lies in no country"))
    return document.value, faults


def _place_faults(documents: list[Document], places: dict[str, Any]) -> Iterator[FileFault]:
    known = territories(places).known.keys() | {EVERYWHERE}
    for document in documents:
        for index, code in enumerate(document.value["territories"]):
            if code not in known:
                where = ("territories", index)
                yield document.fault(where, f"{code} is not in territories.yaml")


def _read_packs(policies_dir: Path, schemas: Schemas) -> tuple[list[Document], list[FileFault]]:
    documents: list[Document] = []
    faults: list[FileFault] = []
    for path in sorted((policies_dir / "packs").glob("*.yaml")):
        document, found = read_yaml(policies_dir, f"packs/{path.name}", _PACK_SCHEMA)
        found = found or list(_pack_faults(document, schemas))
        faults += found
        if not found:
            documents.append(document)
    if not documents and not faults:
        faults.append(FileFault("packs", 1, "there is no rule pack, so nothing would be forbidden"))
    faults += _repeated(documents)
    # All packs share one schema, whose own fault is listed once.
    return documents, list(dict.fromkeys(faults))


def _pack_faults(document: Document, schemas: Schemas) -> Iterator[FileFault]:
    pack = document.value
    yield from _date_faults(document, ("as_of",), pack["as_of"])
    for index, source in enumerate(pack["sources"]):
        yield from _date_faults(document, ("sources", index, "as_of"), source["as_of"])
    yield from _citation_faults(document)
    for index, rule in enumerate(pack["rules"]):
        yield from _rule_faults(document, ("rules", index), rule, schemas)


def _citation_faults(document: Document) -> Iterator[FileFault]:
    known = {source["id"] for source in document.value["sources"]}
    if len(known) < len(document.value["sources"]):
        yield document.fault(("sources",), "two sources have the same id")
    for part in ("rules", "not_evaluated"):
        for index, item in enumerate(document.value.get(part, [])):
            for number, source in enumerate(item["sources"]):
                if source not in known:
                    where = (part, index, "sources", number)
                    yield document.fault(where, f"the pack has no source “{source}”")


def _rule_faults(
    document: Document, pointer: Pointer, rule: dict[str, Any], schemas: Schemas
) -> Iterator[FileFault]:
    period = rule["in_force"]
    for name, day in period.items():
        yield from _date_faults(document, (*pointer, "in_force", name), day)
    if period.get("until", period["from"]) < period["from"]:
        yield document.fault((*pointer, "in_force"), "“until” lies before “from”")
    if "strength" in rule and rule["level"] != "code":
        yield document.fault((*pointer, "strength"), "only rules of a code have a strength")
    if "waivable" in rule and rule["level"] != "house":
        yield document.fault((*pointer, "waivable"), "rules of a law or a code are never waived")
    when = conditions.faults(rule["when"], schemas["decision_input"], (*pointer, "when"))
    for where, message in when:
        yield document.fault(where, message)
    duties = rule["then"].get("duties", [])
    for index, duty in enumerate(duties):
        where = (*pointer, "then", "duties", index)
        for message in _duty_faults(duty, schemas["duties"]["$defs"]):
            yield document.fault(where, message)
    reviews = any(duty["kind"] == REVIEW for duty in duties)
    if reviews is not (rule["then"]["effect"] == "review"):
        yield document.fault((*pointer, "then"), f"effect review and duty {REVIEW} go together")
    for message in _number_faults(rule, duties):
        yield document.fault((*pointer, "then"), message)


def _number_faults(rule: dict[str, Any], duties: list[dict[str, Any]]) -> Iterator[str]:
    """A number of ours must never pass for the law's."""
    has_numbers = any(isinstance(v, int) for duty in duties for v in duty["parameters"].values())
    if rule["level"] != "house" and has_numbers and "numbers" not in rule:
        yield "a number of ours belongs in a house rule; if the source sets it: “numbers: cited”"
    if "numbers" in rule and (rule["level"] == "house" or not has_numbers):
        yield "“numbers: cited” is for rules of a law or a code whose duties have numbers"


def _duty_faults(duty: dict[str, Any], vocabulary: dict[str, dict[str, Any]]) -> Iterator[str]:
    kind = duty["kind"]
    if kind not in vocabulary:
        yield f"there is no duty “{kind}”; known are {', '.join(sorted(vocabulary))}"
        return
    for error in jsonschema_rs.iter_errors(vocabulary[kind], duty["parameters"]):
        yield f"{kind}: {'.'.join(str(part) for part in error.instance_path)} {error.message}"


def _date_faults(document: Document, pointer: Pointer, day: str) -> Iterator[FileFault]:
    try:
        date.fromisoformat(day)
    except ValueError:
        yield document.fault(pointer, f"{day} is not a day of the calendar")


def _repeated(documents: list[Document]) -> Iterator[FileFault]:
    """Records name packs and rules by their ids, so an id means one thing."""
    seen: dict[str, str] = {}
    for document in documents:
        named: list[tuple[Pointer, str]] = [(("id",), f"pack {document.value['id']}")]
        named += [
            (("rules", index, "id"), f"rule {rule['id']}")
            for index, rule in enumerate(document.value["rules"])
        ]
        for pointer, name in named:
            if name in seen:
                yield document.fault(pointer, f"{name} exists already in {seen[name]}")
            seen[name] = document.file
