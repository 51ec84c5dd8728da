"""The drawing on the cover: one record's inclusion proof in the log's own tree, as SVG. Pure.

The six topmost levels are drawn to scale, a node above the middle of its leaves. Below them only
the path goes on, straight down, with each sibling on the side where it is hashed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from governance.reporting.report import InclusionProof

WIDTH, HEIGHT = 794, 560  # CSS pixels: the full width of an A4 page
_LEFT, _RIGHT = 62.0, 732.0
_TOP, _BOTTOM = 116.0, 486.0
_SCALED_LEVELS = 6
_SIBLING = 17.0  # sideways, below the levels drawn to scale


@dataclass(frozen=True)
class _Node:
    """A subtree over the leaves [start, end)."""

    start: int
    end: int

    @property
    def height(self) -> int:
        return (self.end - self.start - 1).bit_length()

    @property
    def children(self) -> tuple["_Node", "_Node"]:
        middle = self.start + (1 << self.height - 1)
        return _Node(self.start, middle), _Node(middle, self.end)


@dataclass(frozen=True)
class _Point:
    x: float
    y: float


def drawing(size: int, root: str, proof: InclusionProof, title: str, style: str) -> str:
    """The path of `proof` from its record to the root of a log of `size` records."""
    top = _Node(0, size)
    lowest = max(0, top.height - _SCALED_LEVELS)
    parts = [*_tree(top, top, lowest), *_path(top, lowest, root, proof)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}"><title>{escape(title)}</title>'
        f"<style>{style}</style>{''.join(parts)}</svg>"
    )


def steps(size: int, index: int) -> list[tuple[str, int, int]]:
    """For each sibling of a proof, from the leaf up: its side and the leaves [start, end) that
    it stands for."""
    found = []
    node = _Node(0, size)
    while node.height:
        left, right = node.children
        inside, sibling, side = (
            (left, right, "right") if index < left.end else (right, left, "left")
        )
        found.append((side, sibling.start, sibling.end))
        node = inside
    return found[::-1]


def _tree(node: _Node, top: _Node, lowest: int) -> Iterator[str]:
    """The nodes down to height `lowest`, to scale."""
    here = _scaled(node, top)
    if node is not top:
        yield _dot("node", here, 1.4)
    if node.height <= lowest:
        return
    for child in node.children:
        yield _elbow("branch", here, _scaled(child, top), top)
        yield from _tree(child, top, lowest)


def _path(top: _Node, lowest: int, root: str, proof: InclusionProof) -> Iterator[str]:
    node, here = top, _scaled(top, top)
    lines: list[str] = []
    marks = [
        _dot("path", here, 5),
        _text("hash start", here.x + 13, here.y + 3, f"root {root[:16]}…"),
    ]
    hashes = list(proof.path)
    while node.height:
        left, right = node.children
        inside, sibling = (left, right) if proof.index < left.end else (right, left)
        is_scaled = node.height > lowest
        there, beside = _places(here, inside, sibling, top, is_scaled)
        lines += [_elbow("side", here, beside, top), _elbow("path", here, there, top)]
        marks += [_dot("path", there, 4.5), _dot("sibling", beside, 3.6)]
        digest = hashes.pop()
        if not is_scaled:
            marks.append(_sibling_text(there, beside, digest))
        node, here = inside, there
    yield from lines
    yield from marks
    yield from _leaf_text(here, proof)


def _places(
    here: _Point, inside: _Node, sibling: _Node, top: _Node, is_scaled: bool
) -> tuple[_Point, _Point]:
    """Where the next node of the path goes, and its sibling."""
    there, beside = _scaled(inside, top), _scaled(sibling, top)
    if is_scaled:
        return there, beside
    side = -_SIBLING if sibling.start < inside.start else _SIBLING
    return _Point(here.x, there.y), _Point(here.x + side, there.y)


def _scaled(node: _Node, top: _Node) -> _Point:
    share = (node.start + node.end) / 2 / top.end
    rise = node.height / top.height if top.height else 1.0
    return _Point(_LEFT + (_RIGHT - _LEFT) * share, _BOTTOM - (_BOTTOM - _TOP) * rise)


def _sibling_text(there: _Point, beside: _Point, digest: str) -> str:
    is_left = beside.x < there.x
    x = beside.x - 9 if is_left else beside.x + 9
    return _text("hash end" if is_left else "hash start", x, beside.y + 2.5, digest[:8])


def _leaf_text(leaf: _Point, proof: InclusionProof) -> Iterator[str]:
    """Below the leaf, kept inside the page."""
    kind, x = "middle", leaf.x
    if leaf.x < _LEFT + 90:
        kind, x = "start", _LEFT
    elif leaf.x > _RIGHT - 90:
        kind, x = "end", _RIGHT
    yield _text(f"hash {kind}", x, leaf.y + 21, f"record {proof.index}, leaf {proof.leaf[:16]}…")


def _elbow(kind: str, parent: _Point, child: _Point, top: _Node) -> str:
    """Half a level down, sideways, down to the child."""
    turn = parent.y + (_BOTTOM - _TOP) / top.height / 2
    return (
        f'<path class="{kind}-line" d="M{parent.x:.1f},{parent.y:.1f} V{turn:.1f} '
        f'H{child.x:.1f} V{child.y:.1f}"/>'
    )


def _dot(kind: str, at: _Point, radius: float) -> str:
    return f'<circle class="{kind}-dot" cx="{at.x:.1f}" cy="{at.y:.1f}" r="{radius:g}"/>'


def _text(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
