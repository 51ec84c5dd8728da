"""Duties join by union; where two rules give a parameter, both are satisfied."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.evidence import record
from governance.policy.duties import join
from tests.policy.conftest import ROOT

labels = st.fixed_dictionaries(
    {},
    optional={
        "wording": st.sampled_from(["AI", "AI GENERATED", "AI MODIFIED", "AI生成", "AI · AI生成"]),
        "placement": st.sampled_from(["top_right", "top_left", "bottom_right", "bottom_left"]),
        "duration": st.sampled_from(["opening", "interval", "throughout"]),
        "height": st.integers(10, 200),
        "every": st.integers(2, 600),
    },
)
voices = st.fixed_dictionaries({"language": st.sampled_from(["en", "zh", "en ko", "de en zh"])})
reviews = st.fixed_dictionaries({"count": st.integers(1, 9), "role": st.just("reviewer")})
retention = st.fixed_dictionaries({"months": st.integers(1, 240)})
Parameters = dict[str, Any]


def triples(one: st.SearchStrategy[Parameters]) -> st.SearchStrategy[tuple[Parameters, ...]]:
    return st.tuples(one, one, one)


@given(triples(labels) | triples(voices) | triples(reviews) | triples(retention))
def test_joining_parameters_does_not_depend_on_order_or_repetition(
    three: tuple[Parameters, ...],
) -> None:
    a, b, c = three
    assert join(a, b) == join(b, a)
    assert join(join(a, b), c) == join(a, join(b, c))
    assert join(join(a, b), a) == join(a, b)


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ({"count": 1, "role": "reviewer"}, {"count": 2, "role": "reviewer"}, {"count": 2}),
        ({"months": 6}, {"months": 24}, {"months": 24}),
        ({"height": 50}, {"height": 30}, {"height": 50}),
        ({"duration": "opening"}, {"duration": "throughout"}, {"duration": "throughout"}),
        ({"duration": "opening"}, {"duration": "interval"}, {"duration": "interval"}),
        ({"every": 10}, {"every": 15}, {"every": 10}),
        ({"language": "zh"}, {"language": "en"}, {"language": "en zh"}),
        ({"placement": "bottom_left"}, {"placement": "top_right"}, {"placement": "top_right"}),
        ({"wording": "AI"}, {"wording": "AI GENERATED"}, {"wording": "AI GENERATED"}),
        ({"wording": "AI GENERATED"}, {"wording": "AI生成"}, {"wording": "AI GENERATED · AI生成"}),
        ({"height": 50}, {"duration": "opening"}, {"height": 50, "duration": "opening"}),
    ],
)
def test_the_stricter_parameter_wins(
    first: Parameters, second: Parameters, both: Parameters
) -> None:
    assert join(first, second) == {**first, **second, **both}


VOCABULARY = json.loads((ROOT / "policies/schemas/duties.schema.json").read_bytes())["$defs"]
VALUES = {
    name: spec.get("enum") or [spec.get("default", spec.get("minimum"))]
    for schema in VOCABULARY.values()
    for name, spec in schema["properties"].items()
}


@pytest.mark.parametrize("name", sorted(VALUES))
def test_every_parameter_of_the_vocabulary_can_be_joined(name: str) -> None:
    for first in VALUES[name]:
        for second in VALUES[name]:
            assert join({name: first}, {name: second})[name] in (first, second)


def test_the_record_of_a_decision_admits_exactly_the_vocabularys_parameters() -> None:
    duty = record.schema("policy.decided")["properties"]["duties"]["items"]["properties"]
    assert set(duty["parameters"]["properties"]) == set(VALUES)
