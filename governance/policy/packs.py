"""Loading the policy folder: every file checked, every fault with its file and line.

A folder holds `packs/*.yaml`, `authorization/model.conf`, `authorization/policy.csv` and
`schemas/*.json`.
"""

from collections.abc import Iterator
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
from governance.policy import conditions, judge
from governance.policy.duties import CAPABILITIES
from governance.policy.rows import read_rows
from governance.policy.rules import Policy, compile_policy

Schemas = dict[str, dict[str, Any]]

_MODEL = "authorization/model.conf"
_PACK_SCHEMA = "schemas/rule-pack.schema.json"
_SCHEMAS = {
    "decision_input": "schemas/decision-input.schema.json",
    "duties": "schemas/duties.schema.json",
}
REVIEW = "review.people"


def load(policies_dir: Path) -> Policy:
    """The policy of a folder. Raises ConfigurationError (`policy_invalid`), one line per fault."""
    policy, faults = _inspect(policies_dir)
    if policy is None:
        raise refusal("policy_invalid", faults)
    return policy


def check(policies_dir: Path) -> list[FileFault]:
    """Everything that is wrong in packs and authorization; empty when `load` would succeed."""
    return _inspect(policies_dir)[1]


def _inspect(policies_dir: Path) -> tuple[Policy | None, list[FileFault]]:
    schemas, faults = _read_schemas(policies_dir)
    if faults:
        return None, faults
    packs, faults = _read_packs(policies_dir, schemas)
    rows, row_faults = read_rows(policies_dir)
    model, model_faults = read_text(policies_dir, _MODEL)
    faults += [*row_faults, *model_faults]
    if faults:
        return None, faults
    content = {"packs": packs, "authorization": {"model": model, "rules": rows}, **schemas}
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


def _read_packs(policies_dir: Path, schemas: Schemas) -> tuple[list[Any], list[FileFault]]:
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
    return [document.value for document in documents], list(dict.fromkeys(faults))


def _pack_faults(document: Document, schemas: Schemas) -> Iterator[FileFault]:
    yield from _date_faults(document, ("as_of",), document.value["as_of"])
    for index, rule in enumerate(document.value["rules"]):
        yield from _rule_faults(document, ("rules", index), rule, schemas)


def _rule_faults(
    document: Document, pointer: Pointer, rule: dict[str, Any], schemas: Schemas
) -> Iterator[FileFault]:
    period = rule["in_force"]
    for name, day in period.items():
        yield from _date_faults(document, (*pointer, "in_force", name), day)
    if period.get("until", period["from"]) < period["from"]:
        yield document.fault((*pointer, "in_force"), "“until” lies before “from”")
    when = conditions.faults(rule["when"], schemas["decision_input"], (*pointer, "when"))
    for where, message in when:
        yield document.fault(where, message)
    duties = rule["then"].get("duties", [])
    for index, duty in enumerate(duties):
        where = (*pointer, "then", "duties", index)
        for message in _duty_faults(duty, rule["mode"], schemas["duties"]["$defs"]):
            yield document.fault(where, message)
    reviews = any(duty["kind"] == REVIEW for duty in duties)
    if reviews is not (rule["then"]["effect"] == "review"):
        yield document.fault((*pointer, "then"), f"effect review and duty {REVIEW} go together")


def _duty_faults(
    duty: dict[str, Any], mode: str, vocabulary: dict[str, dict[str, Any]]
) -> Iterator[str]:
    kind = duty["kind"]
    if kind not in vocabulary:
        yield f"there is no duty “{kind}”; known are {', '.join(sorted(vocabulary))}"
        return
    if mode == "enforce" and kind not in CAPABILITIES:
        yield f"this version cannot meet “{kind}”, so the rule must be in mode observe"
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
