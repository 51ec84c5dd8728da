"""Charts and the cover's proof: what is drawn is what is true."""

import re
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from governance.evidence import merkle
from governance.evidence.figures import LABELS
from governance.reporting import InclusionProof, charts, cover

SVG = "{http://www.w3.org/2000/svg}"
NAMES = {"c2pa": "Signed C2PA manifest", "watermark": "Imperceptible watermark"}
ENDS = ("denied", "failed", "unknown", "cancelled", "expired", "withheld", "rejected", "open")


def widths(svg: str, kind: str) -> list[float]:
    tree = ElementTree.fromstring(svg)
    return [float(r.attrib["width"]) for r in tree.iter(f"{SVG}rect") if r.get("class") == kind]


def texts(svg: str) -> list[str]:
    return [item.text or "" for item in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def waterfall(counts: dict[str, int]) -> str:
    return charts.waterfall(counts, LABELS, "remain", "From <request> to end", "")


def marks(seen: dict[str, dict[str, int]], released: int) -> str:
    words = ("Present", "Absent", "Not checked", "No reader")
    return charts.marks(seen, released, NAMES, words, words, "Marks", "")


@given(st.lists(st.integers(0, 5000), min_size=9, max_size=9))
def test_the_waterfall_starts_with_the_requests_loses_each_end_and_arrives_at_the_released(
    ends: list[int],
) -> None:
    counts = {"requested": sum(ends), "released": ends[8], **dict(zip(ENDS, ends, strict=False))}
    svg = waterfall(counts)
    if not sum(ends):
        assert not widths(svg, "total")
        return
    bars = widths(svg, "total")
    released = bars[1] if ends[8] else 0
    assert abs(bars[0] - sum(widths(svg, "lost")) - released) < 0.1


def test_the_waterfall_prints_every_number_and_has_an_alternative_text() -> None:
    counts = {"requested": 10, "released": 7, **dict.fromkeys(ENDS, 0), "denied": 3}
    svg = waterfall(counts)
    assert {"10", "−3", "7 remain", "7", "Denied by policy"} <= set(texts(svg))
    assert ElementTree.fromstring(svg).findtext(f"{SVG}title") == "From <request> to end"


def test_marks_without_a_reader_are_counted_apart_from_absent_ones() -> None:
    svg = marks({"c2pa": {"present": 6, "absent": 1}}, 8)
    numbers = [text for text in texts(svg) if text.isdigit()]
    assert numbers == ["6", "1", "0", "1", "0", "0", "0", "8"]
    assert widths(svg, "present")[1:] == [6 * widths(svg, "absent")[1]]


def test_without_releases_the_bars_of_the_marks_stay_empty() -> None:
    assert widths(marks({}, 0), "present") == [9]  # the legend


@st.composite
def places(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(st.integers(1, 300))
    return size, draw(st.integers(0, size - 1))


def proof_of(size: int, index: int) -> tuple[list[bytes], InclusionProof]:
    leaves = [merkle.leaf_hash(bytes([number % 256, number // 256])) for number in range(size)]
    path = merkle.inclusion_proof(index, size, lambda a, b: merkle.root(leaves[a:b]))
    return leaves, InclusionProof(index, leaves[index].hex(), tuple(step.hex() for step in path))


@given(places())
def test_hashing_the_steps_on_the_sides_that_are_printed_gives_the_root(
    place: tuple[int, int],
) -> None:
    leaves, proof = proof_of(*place)
    value = bytes.fromhex(proof.leaf)
    for (side, start, end), digest in zip(cover.steps(*place), proof.path, strict=True):
        sibling = bytes.fromhex(digest)
        assert merkle.root(leaves[start:end]) == sibling
        pair = (sibling, value) if side == "left" else (value, sibling)
        value = merkle.node_hash(*pair)
    assert value == merkle.root(leaves)


@given(places())
def test_the_drawing_has_a_dot_for_each_node_of_the_path_inside_the_page(
    place: tuple[int, int],
) -> None:
    _, proof = proof_of(*place)
    svg = cover.drawing(place[0], "ab" * 32, proof, "Proof", "")
    circles = [c.attrib for c in ElementTree.fromstring(svg).iter(f"{SVG}circle")]
    kinds = [circle["class"] for circle in circles]
    assert kinds.count("path-dot") == len(proof.path) + 1
    assert kinds.count("sibling-dot") == len(proof.path)
    assert all(20 <= float(circle["cx"]) <= cover.WIDTH - 20 for circle in circles)
    assert all(100 <= float(circle["cy"]) <= cover.HEIGHT - 20 for circle in circles)


def test_a_log_of_millions_is_drawn_without_drawing_millions_of_nodes() -> None:
    size, index = 3_000_000, 1_234_567
    path = tuple(f"{n:064x}" for n in range(len(cover.steps(size, index))))
    svg = cover.drawing(size, "ab" * 32, InclusionProof(index, "cd" * 32, path), "Proof", "")
    assert len(re.findall("<circle", svg)) < 200
    assert f"record {index}, leaf cdcdcdcdcdcdcdcd…" in texts(svg)
