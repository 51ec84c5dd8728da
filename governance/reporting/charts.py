"""Charts as SVG text. Pure: geometry only; colours and type come from the style sheet given.

Lengths are CSS pixels. Names and the alternative text come from the caller.
"""

from collections.abc import Mapping, Sequence
from html import escape

from governance.reporting.formats import grouped

WIDTH = 635
_LABEL = 190  # where bars begin
_LOSSES = (
    "denied",
    "failed",
    "unknown",
    "cancelled",
    "expired",
    "withheld",
    "rejected",
    "open",
)
_MARK_STATES = ("present", "absent", "not_checked")


def waterfall(
    counts: Mapping[str, int], names: Mapping[str, str], remain: str, title: str, style: str
) -> str:
    """From requests to releases: each row loses what its outline shows.

    counts, names: by figure; remain: the word behind what is left after a loss.
    """
    row, bar, left, width = 20, 14, _LABEL, 300
    total = counts["requested"]
    scale = width / total if total else 0
    parts = [_bar_row(0, names["requested"], total, total * scale, "total", left, bar)]
    remaining, y = total, row
    for key in _LOSSES:
        lost = counts[key]
        remaining -= lost
        parts.append(_label(y, bar, names[key], "label"))
        parts.append(_rect("kept", left, y, remaining * scale, bar))
        parts.append(_rect("lost", left + remaining * scale, y, lost * scale, bar))
        number = f"−{grouped(lost)}" if lost else "0"
        parts.append(_number(545, y, bar, number, "number" if lost else "note"))
        if lost:
            parts.append(_number(WIDTH, y, bar, f"{grouped(remaining)} {remain}", "note"))
        y += row
    released = counts["released"]
    parts.append(_bar_row(y, names["released"], released, released * scale, "total", left, bar))
    return _svg(y + row, title, style, parts)


def marks(
    seen: Mapping[str, Mapping[str, int]],
    released: int,
    names: Mapping[str, str],
    legend: Sequence[str],
    columns: Sequence[str],
    title: str,
    style: str,
) -> str:
    """How many released files carry each kind of mark, as read back.

    seen: by kind and state; names: by kind, in order; legend, columns: the words, and the short
    words above the numbers, for present, absent, not checked and no reader.
    """
    row, bar, left, width = 21, 13, _LABEL, 226
    edges = [WIDTH - 56 * step for step in (3, 2, 1, 0)]
    scale = width / released if released else 0
    parts = [*_legend(legend)]
    parts += [_text(x, 30, "head end", column) for x, column in zip(edges, columns, strict=True)]
    y = 37
    for kind, name in names.items():
        states = [seen.get(kind, {}).get(state, 0) for state in _MARK_STATES]
        parts.append(_label(y, bar, name, "label"))
        parts.append(_rect("frame", left, y, width, bar))
        x = float(left)
        for state, count in zip(_MARK_STATES, states, strict=True):
            parts.append(_rect(state, x, y, count * scale, bar))
            x += count * scale
        for edge, count in zip(edges, [*states, released - sum(states)], strict=True):
            parts.append(_number(edge, y, bar, grouped(count), "number" if count else "note"))
        y += row
    return _svg(y, title, style, [_HATCHING, *parts])


_HATCHING = (
    '<defs><pattern id="hatching" width="4" height="4" patternUnits="userSpaceOnUse">'
    '<path class="hatch" d="M-1,1 l2,-2 M0,4 l4,-4 M3,5 l2,-2"/></pattern></defs>'
)


def _legend(words: Sequence[str]) -> list[str]:
    """A square and a word for each state, side by side."""
    parts, x = [], 0.0
    for state, word in zip((*_MARK_STATES, "none"), words, strict=True):
        parts += [_rect(state, x + 0.5, 0.5, 9, 9), _text(x + 15, 9, "head", word)]
        x += 15 + 5.2 * len(word) + 20
    return parts


def _svg(height: float, title: str, style: str, parts: Sequence[str]) -> str:
    head = f"<title>{escape(title)}</title><style>{style}</style>"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:g}" '
        f'viewBox="0 0 {WIDTH} {height:g}">{head}{"".join(parts)}</svg>'
    )


def _bar_row(
    y: float, name: str, count: int, length: float, kind: str, left: float, bar: float
) -> str:
    return (
        _label(y, bar, name, "label strong")
        + _rect(kind, left, y, length, bar)
        + _number(545, y, bar, grouped(count), "number")
    )


def _label(y: float, bar: float, name: str, kind: str) -> str:
    return _text(0, y + bar - 3.5, kind, name)


def _number(x: float, y: float, bar: float, text: str, kind: str) -> str:
    return _text(x, y + bar - 3.5, f"{kind} end", text)


def _text(x: float, y: float, kind: str, text: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(text)}</text>'


def _rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    if width <= 0:
        return ""
    return f'<rect class="{kind}" x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:g}"/>'
