"""Which generation was made from which, as one graph. Pure.

A remix, an extension, an edit, a larger or a promoted version names its parent; a finished file
from outside names its ingredients. Whoever is named was there before, so there is no circle.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, Literal

from governance.evidence.story import Story
from governance.kernel.errors import IntegrityError

Relation = Literal["promote", "remix", "extend", "upscale", "edit", "ingredient"]


@dataclass(frozen=True)
class Node:
    """One generation. model: what was chosen, else asked for, empty for a file from outside;
    production: empty where it belongs to none; cost: as its provider told it."""

    id: str
    production: str
    project: str
    media: str
    purpose: str
    imported: bool
    model: str
    state: str
    requested_at: str
    cost: dict[str, str] | None


@dataclass(frozen=True)
class Edge:
    """`child` was made from `parent`. A child that repeats its parent's task promotes it."""

    parent: str
    child: str
    relation: Relation


@dataclass(frozen=True)
class Lineage:
    """nodes: in order of their requests; outside: named by edges, but not among the stories."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    outside: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def parents(self) -> dict[str, list[Edge]]:
        """The edges that lead to each child."""
        found: dict[str, list[Edge]] = {}
        for edge in self.edges:
            found.setdefault(edge.child, []).append(edge)
        return found


def lineage(stories: Iterable[Story]) -> Lineage:
    """The graph of these generations and of what they were made from.

    Raises IntegrityError (`lineage_cyclic`): no records that were ever made in order say so.
    """
    told = sorted(stories, key=lambda story: (story.requested_at, story.id))
    edges = tuple(edge for story in told for edge in edges_of(story))
    try:
        TopologicalSorter(_predecessors(edges)).prepare()
    except CycleError as error:
        raise IntegrityError(
            "lineage_cyclic", f"These generations descend from themselves: {error.args[1]}."
        ) from None
    known = {story.id for story in told}
    outside = sorted({edge.parent for edge in edges} - known)
    return Lineage(tuple(_node(story) for story in told), edges, tuple(outside))


def edges_of(story: Story) -> Iterator[Edge]:
    """What one generation was made from, in the order in which its request names it."""
    request = story.request
    if parent := request.get("parent"):
        task = request.get("task", "generate")
        yield Edge(parent, story.id, "promote" if task == "generate" else task)
    for ingredient in request.get("ingredients", ()):
        yield Edge(ingredient["generation"], story.id, "ingredient")


def production_of(story: Story) -> str:
    """The id of a generation's production; empty where it belongs to none."""
    belongs: dict[str, str] = story.request.get("production") or {}
    return belongs.get("id", "")


def _predecessors(edges: Iterable[Edge]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for edge in edges:
        found.setdefault(edge.child, set()).add(edge.parent)
    return found


def _node(story: Story) -> Node:
    request = story.request
    return Node(
        id=story.id,
        production=production_of(story),
        project=request["project"],
        media=request["media"],
        purpose=request["purpose"],
        imported=story.is_import,
        model=(story.route or {}).get("model") or request.get("model", ""),
        state=story.state,
        requested_at=story.requested_at,
        cost=story.cost,
    )
