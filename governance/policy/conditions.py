"""Checks a rule's `when` against the decision input's schema.

JSON Schema lets a misspelt field or a keyword of the wrong type hold for everything. Here both
are faults, so a condition means what it seems to mean.
"""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from governance.kernel.documents import Pointer

Schema = dict[str, Any]
Fault = tuple[Pointer, str]

# A keyword holds for every value of another type (JSON Schema Validation, section 4.1).
_ABOUT = {
    "properties": "object",
    "contains": "array",
    "items": "array",
    "minItems": "array",
    "maxItems": "array",
    "minimum": "integer",
    "maximum": "integer",
    "pattern": "string",
}


def faults(when: Schema, schema: Schema, pointer: Pointer) -> Iterator[Fault]:
    """What is wrong in `when`, a condition on values that satisfy `schema`; `pointer`: where."""
    try:
        jsonschema_rs.validator_for(when)
    except jsonschema_rs.ValidationError as error:
        yield (*pointer, *error.instance_path), error.message
        return
    yield from _faults(when, schema, pointer)


def _faults(when: Schema, schema: Schema, pointer: Pointer) -> Iterator[Fault]:
    if "type" in when:
        schema = {**schema, "type": when["type"]}
    yield from _types(when, schema, pointer)
    yield from _values(when, schema, pointer)
    for name, condition in when.get("properties", {}).items():
        inner = (*pointer, "properties", name)
        field = schema.get("properties", {}).get(name)
        if field is None:
            yield inner, f"the decision input has no field “{name}” here"
        else:
            yield from _faults(condition, field, inner)
    for keyword in ("contains", "items"):
        if keyword in when:
            yield from _faults(when[keyword], schema.get("items", {}), (*pointer, keyword))
    for keyword in ("allOf", "anyOf"):
        for index, condition in enumerate(when.get(keyword, [])):
            yield from _faults(condition, schema, (*pointer, keyword, index))
    if "not" in when:
        yield from _faults(when["not"], schema, (*pointer, "not"))


def _types(when: Schema, schema: Schema, pointer: Pointer) -> Iterator[Fault]:
    possible = _possible_types(schema)
    for keyword in when.keys() & _ABOUT.keys():
        expected = _ABOUT[keyword]
        if expected not in possible:
            yield (*pointer, keyword), f"“{keyword}” cannot be asked of this field"
        elif "null" in possible:
            yield (*pointer, keyword), f"the field may be null: add “type: {expected}”"


def _values(when: Schema, schema: Schema, pointer: Pointer) -> Iterator[Fault]:
    asked = [((*pointer, "const"), when["const"])] if "const" in when else []
    asked += [((*pointer, "enum", i), value) for i, value in enumerate(when.get("enum", []))]
    for where, value in asked:
        if not jsonschema_rs.is_valid(schema, value):
            yield where, f"this field is never {value!r}"


def _possible_types(schema: Schema) -> set[str]:
    if "enum" in schema:
        return {"null" if value is None else "string" for value in schema["enum"]}
    types = schema["type"]
    return {types} if isinstance(types, str) else set(types)
