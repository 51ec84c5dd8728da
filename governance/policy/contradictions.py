"""Finds conditions that no decision input can meet: rules that would never speak.

A sound guess: what is found can never hold; some conditions that can never hold are not found.
"""

import math
from collections.abc import Iterator
from typing import Any

import jsonschema_rs

Schema = dict[str, Any]


def never(when: Schema, schema: Schema) -> str | None:
    """The field of which `when` asks too much of a value of `schema`; None where nothing is found.

    `when` has passed `conditions.faults`. The field is dotted; `input` is the whole.
    """
    return next(_never([when], schema, ()), None)


def _never(conditions: list[Schema], schema: Schema, path: tuple[str, ...]) -> Iterator[str]:
    """Fields at which no value of `schema` can satisfy all `conditions`."""
    asked = list(_joined(conditions))
    for index, condition in enumerate(asked):
        if "anyOf" in condition:
            rest = {key: value for key, value in condition.items() if key != "anyOf"}
            others = [*asked[:index], rest, *asked[index + 1 :]]
            found = [next(_never([*others, one], schema, path), None) for one in condition["anyOf"]]
            if None not in found:
                yield str(found[0])
            return
    if not _has_value(asked, schema) or not _has_range(asked, schema):
        yield ".".join(path) or "input"
        return
    for name in sorted({name for one in asked for name in one.get("properties", {})}):
        about = [one["properties"][name] for one in asked if name in one.get("properties", {})]
        yield from _never(about, schema["properties"][name], (*path, name))
    for one in asked:
        if "contains" in one:
            items = [one["contains"], *(other["items"] for other in asked if "items" in other)]
            yield from _never(items, schema["items"], path)


def _joined(conditions: list[Schema]) -> Iterator[Schema]:
    """The conditions, with each part of an `allOf` as one of its own."""
    for condition in conditions:
        yield {key: value for key, value in condition.items() if key != "allOf"}
        yield from _joined(condition.get("allOf", []))


def _has_value(asked: list[Schema], schema: Schema) -> bool:
    """Whether one of the values to choose from satisfies all; true where there is no such list."""
    lists = [values for one in (schema, *asked) if (values := _listed(one)) is not None]
    if not lists:
        return True
    return any(
        all(jsonschema_rs.is_valid(one, value) for one in (schema, *asked)) for value in lists[0]
    )


def _listed(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    if schema.get("type") == "boolean":
        return [False, True]
    values: list[Any] | None = schema.get("enum")
    return values


def _has_range(asked: list[Schema], schema: Schema) -> bool:
    ranges = [schema, *asked]
    least = max((one["minimum"] for one in ranges if "minimum" in one), default=-math.inf)
    most = min((one["maximum"] for one in ranges if "maximum" in one), default=least)
    fewest = max((one["minItems"] for one in ranges if "minItems" in one), default=0)
    if any("contains" in one for one in asked):
        fewest = max(fewest, 1)
    largest = min((one["maxItems"] for one in ranges if "maxItems" in one), default=fewest)
    return bool(least <= most and fewest <= largest)
