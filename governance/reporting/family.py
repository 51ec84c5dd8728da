"""The drawing of a production's lineage: parents on the left, what was made from them beside.

Pure geometry, in CSS pixels. The first child stands in the row of its parent, each further one in
a row of its own; generations without parent and child are dots above their number.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from html import escape

from governance.evidence.story import State
from governance.productions.lineage import Edge, Lineage, Node
from governance.reporting.charts import WIDTH
from governance.reporting.formats import grouped, short_id

MAX_ROWS = 24
MAX_COLUMNS = 4
_ROW, _TOP, _LABEL, _DOT = 33, 34, 8, 4.2
_COLUMN = WIDTH / MAX_COLUMNS
_KINDS = ("draft", "final", "file", "ended")
_IN_A_LINE, _MAX_LINES, _STEP = 48, 4, 12


@dataclass(frozen=True)
class Place:
    """Where a generation stands, counted from the upper left."""

    column: int
    row: int

    @property
    def x(self) -> float:
        return _DOT + 1 + self.column * _COLUMN

    @property
    def y(self) -> float:
        return _TOP + self.row * _ROW


def places(family: Lineage) -> dict[str, Place]:
    """A place for every generation with a parent or a child, parents first."""
    children: dict[str, list[str]] = {}
    for edge in family.edges:
        children.setdefault(edge.parent, []).append(edge.child)
    parents = family.parents()
    columns = _columns(family, parents)
    order = [*family.outside, *(node.id for node in family.nodes)]
    waiting = [(one, False) for one in reversed(order) if one in children and one not in parents]
    found: dict[str, Place] = {}
    row = -1
    while waiting:
        one, is_first = waiting.pop()
        if one in found:
            continue
        row += not is_first
        found[one] = Place(columns[one], row)
        below = [(child, False) for child in reversed(children.get(one, ())) if child not in found]
        waiting += [*below[:-1], *((child, True) for child, _ in below[-1:])]
    return found


def left_out(family: Lineage) -> int:
    """How many generations are too far down or to the right to be drawn."""
    return sum(not _is_drawn(place) for place in places(family).values())


def drawing(family: Lineage, legend: Sequence[str], alone: str, title: str, style: str) -> str:
    """As SVG. legend: the words for a draft, a final, a file from outside and what was not
    released; alone: the words behind the number of those that stand by themselves."""
    related = places(family)
    where = {one: place for one, place in related.items() if _is_drawn(place)}
    nodes = {node.id: node for node in family.nodes}
    parts = [*_legend(legend)]
    for edge in family.edges:
        if edge.parent in where and edge.child in where:
            parts += _line(edge, where[edge.parent], where[edge.child])
    for one, place in where.items():
        parts += _generation(one, nodes.get(one), place)
    rows = max((place.row + 1 for place in where.values()), default=0)
    y = _TOP + rows * _ROW
    lonely = [node for node in family.nodes if node.id not in related]
    parts += _alone(lonely, y, alone)
    height = y + (_STEP * _lines(lonely) + 14 if lonely else -10)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:g}" '
        f'viewBox="0 0 {WIDTH} {height:g}"><title>{escape(title)}</title><style>{style}</style>'
        f"{''.join(parts)}</svg>"
    )


def _columns(family: Lineage, parents: dict[str, list[Edge]]) -> dict[str, int]:
    """The length of the longest way from a generation without parents."""
    above = {child: [edge.parent for edge in edges] for child, edges in parents.items()}
    columns = dict.fromkeys((*family.outside, *(node.id for node in family.nodes)), 0)
    for one in TopologicalSorter(above).static_order():
        columns[one] = max((columns[parent] + 1 for parent in above.get(one, ())), default=0)
    return columns


def _is_drawn(place: Place) -> bool:
    return place.row < MAX_ROWS and place.column < MAX_COLUMNS


def _kind(node: Node | None) -> str:
    if node is None or node.state not in (State.RELEASED, State.RECALLED):
        return "ended"
    if node.imported:
        return "file"
    return "final" if node.purpose == "final" else "draft"


def _generation(one: str, node: Node | None, place: Place) -> Iterator[str]:
    yield _dot(_kind(node), place.x, place.y)
    x = place.x + _LABEL
    yield _text("head", x, place.y + 3, short_id(one))
    model = node.model.partition("/")[2] if node else "elsewhere"
    yield _text("note", x, place.y + 13, model if len(model) < 24 else f"{model[:22]}…")


def _line(edge: Edge, parent: Place, child: Place) -> Iterator[str]:
    end = child.x - _DOT - 3
    if parent.row == child.row:
        start = parent.x + 62
        yield f'<path class="family-line" d="M{start:.1f},{parent.y:.1f} H{end:.1f}"/>'
        yield _text("note middle", (start + end) / 2, parent.y - 4, edge.relation)
        return
    yield (
        f'<path class="family-line" d="M{parent.x:.1f},{parent.y + _DOT + 2:.1f} '
        f'V{child.y:.1f} H{end:.1f}"/>'
    )
    yield _text("note end", end, child.y - 4, edge.relation)


def _alone(nodes: Sequence[Node], y: float, words: str) -> Iterator[str]:
    for number, node in enumerate(nodes[: _MAX_LINES * _IN_A_LINE]):
        line, column = divmod(number, _IN_A_LINE)
        yield _dot(_kind(node), _DOT + 1 + column * 11, y + line * _STEP)
    if nodes:
        yield _text("note", 0, y + _lines(nodes) * _STEP + 6, f"{grouped(len(nodes))} {words}")


def _lines(nodes: Sequence[Node]) -> int:
    return min(-(-len(nodes) // _IN_A_LINE), _MAX_LINES)


def _legend(words: Sequence[str]) -> Iterator[str]:
    x = _DOT + 1
    for kind, word in zip(_KINDS, words, strict=True):
        yield _dot(kind, x, 6)
        yield _text("head", x + _LABEL, 9, word)
        x += 30 + 5.2 * len(word)


def _dot(kind: str, x: float, y: float) -> str:
    return f'<circle class="{kind}-dot" cx="{x:.1f}" cy="{y:.1f}" r="{_DOT:g}"/>'


def _text(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
