"""Productions in the report: spent, saved, and what was made from what."""

import io
import re
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from governance.productions.lineage import Lineage, lineage
from governance.reporting import family, render
from governance.reporting.productions import ReportedProduction, productions
from tests.productions.samples import generation, told
from tests.reporting.campaign import DEAR, FINAL, PRODUCTION, Campaign, spring
from tests.reporting.inputs import report, reported
from tests.reporting.samples import END, digest

SVG = "{http://www.w3.org/2000/svg}"
LEGEND = ("Draft", "Final", "File", "Ended")
USD = "USD"


def told_in(history: Campaign) -> tuple[ReportedProduction, ...]:
    service = [record for record in history.records if record.stream == "service"]
    return productions(service, [item.story for item in reported(history)], END)


def the_one(history: Campaign) -> ReportedProduction:
    (found,) = told_in(history)
    return found


def drawn(found: Lineage) -> ElementTree.Element:
    return ElementTree.fromstring(family.drawing(found, LEGEND, "alone", "Lineage", ""))


def dots(svg: ElementTree.Element, kind: str) -> int:
    """Without the one of the legend."""
    return sum(dot.get("class") == f"{kind}-dot" for dot in svg.iter(f"{SVG}circle")) - 1


def texts(svg: ElementTree.Element) -> list[str]:
    return [item.text or "" for item in svg.iter(f"{SVG}text")]


class TestFigures:
    def test_twenty_drafts_and_two_finals(self) -> None:
        found = the_one(spring())
        assert (found.id, found.name, found.state) == (
            PRODUCTION,
            "spring-campaign",
            "open",
        )
        assert (found.asked, found.released, found.savings.drafts, found.savings.finals) == (
            22,
            22,
            20,
            2,
        )
        assert found.savings.reference == FINAL
        assert found.savings.spent == {USD: Decimal("5.850")}
        assert found.savings.saved == {USD: Decimal("5.700")}
        assert len(found.family.edges) == 2

    def test_what_belongs_to_no_production_is_not_there(self) -> None:
        history = Campaign()
        history.released()
        assert told_in(history) == ()

    def test_each_production_counts_its_own(self) -> None:
        history = spring(3, 1)
        history.opens("autumn", budget=None, until=None)
        history.draft()
        first, second = sorted(told_in(history), key=lambda one: one.name)
        assert (first.name, first.asked, first.budget, first.last_day) == ("autumn", 1, {}, "")
        assert (second.asked, second.budget) == (4, {USD: "50"})

    def test_it_is_called_as_at_the_end_of_the_log(self) -> None:
        history = spring(2, 0)
        history.opens(action="changed", number=2, previous=history.version)
        history.draft()
        history.opens(action="closed", number=3, previous=history.version)
        found = the_one(history)
        assert (found.versions, found.asked, found.state) == (2, 3, "closed")

    def test_one_whose_last_day_has_passed_is_over(self) -> None:
        history = Campaign()
        history.opens(until="2026-10-20")
        history.draft()
        assert the_one(history).state == "over"


class TestDrawing:
    def test_every_generation_is_a_dot_and_every_edge_a_line(self) -> None:
        svg = drawn(the_one(spring(20, 2)).family)
        assert (dots(svg, "draft"), dots(svg, "final")) == (20, 2)
        assert len(list(svg.iter(f"{SVG}path"))) == 2
        assert texts(svg).count("promote") == 2
        assert "18 alone" in texts(svg)
        assert svg.findtext(f"{SVG}title") == "Lineage"

    def test_children_stand_to_the_right_each_in_a_row_of_its_own(self) -> None:
        stories = [told(1), *(told(n, request={"parent": generation(1)}) for n in (2, 3))]
        where = family.places(lineage(stories))
        assert [(p.column, p.row) for p in where.values()] == [(0, 0), (1, 0), (1, 1)]

    def test_a_parent_from_elsewhere_is_drawn_as_such(self) -> None:
        svg = drawn(lineage([told(2, request={"parent": generation(1), "task": "remix"})]))
        assert (dots(svg, "ended"), dots(svg, "draft")) == (1, 1)
        assert {"elsewhere", "remix"} <= set(texts(svg))

    def test_what_was_not_released_and_what_came_from_outside_look_different(self) -> None:
        parts = [{"generation": generation(1), "digest": digest("one")}]
        film = told(3, purpose="final", request={"asset": {}, "ingredients": parts})
        svg = drawn(lineage([told(1), told(2, state="failed"), film]))
        assert [dots(svg, kind) for kind in ("draft", "final", "file", "ended")] == [1, 0, 1, 1]

    def test_what_there_is_no_room_for_is_counted(self) -> None:
        chain = [told(0), *(told(n, request={"parent": generation(n - 1)}) for n in range(1, 6))]
        found = lineage(chain)
        assert family.left_out(found) == 2
        assert dots(drawn(found), "draft") == family.MAX_COLUMNS

    @given(st.lists(st.integers(0, 30), max_size=15))
    def test_no_two_generations_stand_in_one_place(self, parents: list[int]) -> None:
        stories = [
            told(n, request={"parent": generation(p)} if p < n else {})
            for n, p in enumerate(parents)
        ]
        found = lineage(stories)
        where = family.places(found)
        assert len(set(where.values())) == len(where)
        for edge in found.edges:
            assert where[edge.parent].column < where[edge.child].column


@pytest.fixture(scope="module")
def page() -> str:
    """The pages of a report about one production, as text."""
    history = spring()
    history.prices = {DEAR: "2.00"}
    history.draft()
    document = render(report(history))
    reader = PdfReader(io.BytesIO(document), strict=True)
    text = "\n".join(one.extract_text() for one in reader.pages)
    return re.sub(r"\s+", " ", text)


def test_the_report_prints_spending_saving_and_lineage(page: str) -> None:
    assert "7 Productions" in page
    assert "spring-campaign" in page
    assert "USD 6.090 of USD 50" in page
    assert "USD 5.700 instead of USD 10.500" in page
    assert "1 draft not compared" in page
    assert f"finals on {FINAL}" in page
    assert "promote" in page


def test_a_report_without_productions_says_so() -> None:
    history = Campaign()
    history.released()
    text = PdfReader(io.BytesIO(render(report(history)))).pages
    assert any(
        "No request of this report belongs to a production" in p.extract_text() for p in text
    )
