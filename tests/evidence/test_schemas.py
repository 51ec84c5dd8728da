"""The schemas of records: closed, without fractions, and read alike by two validators."""

import json
import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from governance.evidence import record
from governance.evidence.errors import EvidenceError
from tests.evidence.samples import OTHERWISE, Body, imported, released

SAFE = 2**53 - 1
NAMES = ("_statement", *record.events())
EVENT, BODY = "generation.ended", OTHERWISE["generation.ended"]


def refused(event: str, body: Body) -> str:
    with pytest.raises(EvidenceError) as caught:
        record.validate(event, body)
    return caught.value.code


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every subschema."""
    if isinstance(schema, dict):
        yield schema
        for key in ("properties", "$defs"):
            for inner in schema.get(key, {}).values():
                yield from nodes(inner)
        for key in ("items", "additionalProperties"):
            yield from nodes(schema.get(key))
        for key in ("anyOf", "oneOf", "allOf"):
            for inner in schema.get(key, ()):
                yield from nodes(inner)


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_valid_and_named_by_its_event(name: str) -> None:
    schema = record.schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"{name}.v1.json"


@pytest.mark.parametrize("name", NAMES)
def test_no_schema_leaves_an_object_open(name: str) -> None:
    for node in nodes(record.schema(name)):
        kinds = node.get("type", ())
        if "object" in ([kinds] if isinstance(kinds, str) else kinds):
            is_map = isinstance(node.get("additionalProperties"), dict)
            is_body = name == "_statement" and node == {"type": "object"}
            assert node.get("additionalProperties") is False or is_map or is_body, node
            assert is_map or is_body or set(node["required"]) <= set(node["properties"])


@pytest.mark.parametrize("name", NAMES)
def test_no_schema_admits_a_fraction_or_an_integer_that_javascript_cannot_hold(name: str) -> None:
    for node in nodes(record.schema(name)):
        kinds = node.get("type", ())
        assert "number" not in ([kinds] if isinstance(kinds, str) else kinds)
        if kinds == "integer":
            assert -SAFE <= node["minimum"] <= node["maximum"] <= SAFE


@pytest.mark.parametrize("name", NAMES)
def test_no_schema_admits_unbounded_text(name: str) -> None:
    for node in nodes(record.schema(name)):
        if node.get("type") == "string":
            assert {"pattern", "maxLength"} & node.keys(), node


def test_the_events_are_those_that_have_a_schema() -> None:
    assert "generation.requested" in record.events()
    assert not any(name.startswith("_") for name in record.events())
    assert refused("generation.dreamt", {}) == "event_unknown"
    assert refused("_statement", {}) == "event_unknown"
    assert refused("../secrets", {}) == "event_unknown"


@pytest.mark.parametrize(
    ("event", "body"), [*released(), *imported(), *OTHERWISE.items()], ids=lambda v: str(v)[:24]
)
def test_what_the_service_writes_fits_in_both_validators(event: str, body: Body) -> None:
    record.validate(event, body)
    oracle(event).validate(body)


def test_an_error_names_the_field() -> None:
    with pytest.raises(EvidenceError, match=r"^generation\.ended: outcome: ") as caught:
        record.validate(EVENT, {**BODY, "outcome": "exploded"})
    assert caught.value.code == "record_invalid"


def test_a_missing_and_an_additional_field_are_refused() -> None:
    assert refused(EVENT, {**BODY, "remark": ""}) == "record_invalid"
    assert refused(EVENT, {"outcome": "failed"}) == "record_invalid"


def test_a_float_is_refused_even_where_a_schema_takes_it_for_an_integer() -> None:
    event, body = released()[3]
    assert oracle(event).is_valid({**body, "attempt": 1.0})
    assert refused(event, {**body, "attempt": 1.0}) == "record_invalid"
    assert refused(event, {**body, "attempt": float("nan")}) == "record_invalid"


def test_a_trailing_line_feed_does_not_fit_a_pattern() -> None:
    """Where the two validators differ: to Python's `re`, `$` matches before a last line feed."""
    body = {**BODY, "code": "by_requester\n"}
    assert oracle(EVENT).is_valid(body)
    assert refused(EVENT, body) == "record_invalid"


@cache
def oracle(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(record.schema(name))


def values(schema: Any, root: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that fit a schema, for the keywords that ours use."""
    if "$ref" in schema:
        return values(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return st.one_of([values(inner, root) for inner in schema[key]])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([_of_kind(kind, schema, root) for kind in kinds])


def _of_kind(kind: str, schema: Any, root: dict[str, Any]) -> st.SearchStrategy[Any]:
    if kind == "object":
        return _objects(schema, root)
    if kind == "array":
        size = {
            "min_size": schema.get("minItems", 0),
            "max_size": min(3, schema.get("maxItems", 3)),
        }
        unique = json.dumps if schema.get("uniqueItems") else None
        return st.lists(values(schema["items"], root), unique_by=unique, **size)
    if kind == "string":
        if "pattern" in schema:
            longest = schema.get("maxLength", math.inf)
            matching = st.from_regex(schema["pattern"], fullmatch=True)
            return matching.filter(lambda text: len(text) <= longest)
        lengths = {"min_size": schema.get("minLength", 0), "max_size": schema["maxLength"]}
        return st.text(st.characters(exclude_categories=["Cs"]), **lengths)
    if kind == "integer":
        return st.integers(schema["minimum"], schema["maximum"])
    return {"boolean": st.booleans(), "null": st.none()}[kind]


def _objects(schema: Any, root: dict[str, Any]) -> st.SearchStrategy[Any]:
    rest = schema.get("additionalProperties")
    if isinstance(rest, dict):
        return st.dictionaries(st.text(max_size=10), values(rest, root), max_size=3)
    required = schema.get("required", [])
    fields = {name: values(inner, root) for name, inner in schema.get("properties", {}).items()}
    return st.fixed_dictionaries(
        {name: fields[name] for name in required},
        optional={name: fields[name] for name in fields.keys() - set(required)},
    )


junk = st.sampled_from([None, True, -1, 2**60, "", "x" * 600, "é\n", [], ["x"], {}, {"x": 1}])


def spoil(value: Any, data: st.DataObject) -> Any:
    """The value with something wrong in it, somewhere."""
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        name = data.draw(st.sampled_from(sorted(value)))
        rest = {key: inner for key, inner in value.items() if key != name}
        if data.draw(st.booleans()):
            return rest
        return {**rest, name: spoil(value[name], data)}
    if isinstance(value, list) and value and data.draw(st.booleans()):
        return [spoil(value[0], data), *value[1:]]
    return data.draw(junk)


@pytest.mark.parametrize("event", record.events())
@settings(max_examples=10, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.data())
def test_both_validators_agree_on_bodies_right_and_wrong(event: str, data: st.DataObject) -> None:
    body = data.draw(values(record.schema(event), record.schema(event)))
    record.validate(event, body)
    oracle(event).validate(body)
    spoilt = spoil(body, data)
    assert record.body_validator(event).is_valid(spoilt) == oracle(event).is_valid(spoilt)
