"""One graph of what was made from what."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.evidence.story import Story
from governance.kernel.errors import IntegrityError
from governance.productions.lineage import Edge, lineage
from tests.productions.samples import PRODUCTION, generation, told


def child(number: int, parent: int, task: str = "generate") -> Story:
    return told(number, request={"parent": generation(parent), "task": task})


def relations(*stories: Story) -> set[tuple[str, str, str]]:
    return {(edge.parent, edge.child, edge.relation) for edge in lineage(stories).edges}


@pytest.mark.parametrize("task", ["remix", "extend", "upscale", "edit"])
def test_another_version_descends_from_its_parent_as_its_task_says(task: str) -> None:
    assert relations(told(1), child(2, 1, task)) == {(generation(1), generation(2), task)}


def test_the_same_task_again_is_a_promotion() -> None:
    assert relations(told(1), child(2, 1)) == {(generation(1), generation(2), "promote")}


def test_a_file_from_outside_descends_from_its_ingredients() -> None:
    parts = [{"generation": generation(n), "digest": "a" * 64} for n in (1, 2)]
    film = told(3, request={"asset": {}, "ingredients": parts})
    found = lineage([told(1), told(2), film])
    assert {edge.parent for edge in found.edges} == {generation(1), generation(2)}
    assert {edge.relation for edge in found.edges} == {"ingredient"}
    assert [node.imported for node in found.nodes] == [False, False, True]


def test_a_parent_that_is_not_among_the_stories_is_named() -> None:
    assert lineage([child(2, 1, "remix")]).outside == (generation(1),)


def test_nodes_come_in_the_order_of_their_requests_with_what_they_are() -> None:
    first, second = told(1), child(2, 1)
    nodes = lineage([second, first]).nodes
    assert [node.id for node in nodes] == [generation(1), generation(2)]
    assert (nodes[0].production, nodes[0].model, nodes[0].state) == (
        PRODUCTION,
        "luma/flash",
        "released",
    )


def test_a_generation_that_belongs_to_no_production_is_in_the_graph_too() -> None:
    assert lineage([told(1, request={"production": None})]).nodes[0].production == ""


def test_the_edges_that_lead_to_a_child_are_found_by_the_child() -> None:
    found = lineage([told(1), child(2, 1, "edit")])
    assert found.parents() == {generation(2): [Edge(generation(1), generation(2), "edit")]}


@pytest.mark.parametrize("pair", [(1, 1), (1, 2)])
def test_records_that_descend_from_themselves_are_not_believed(pair: tuple[int, int]) -> None:
    first, second = pair
    with pytest.raises(IntegrityError) as caught:
        lineage([child(first, second), child(second, first)])
    assert caught.value.code == "lineage_cyclic"


@given(st.data())
def test_whatever_names_only_what_was_there_before_is_one_graph(data: Any) -> None:
    count = data.draw(st.integers(1, 12))
    parents = [data.draw(st.none() | st.integers(0, n - 1)) if n else None for n in range(count)]
    stories = [told(n) if p is None else child(n, p, "remix") for n, p in enumerate(parents)]
    shuffled = data.draw(st.permutations(stories))
    found = lineage(shuffled)
    assert found == lineage(stories)
    assert len(found.edges) == sum(parent is not None for parent in parents)
    assert found.outside == ()
