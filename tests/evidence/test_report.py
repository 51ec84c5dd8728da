"""A report's figures count twice, as attached and as printed: both must be the records'."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.evidence import report as reports
from governance.evidence.checkpoint import Checkpoint
from governance.evidence.encoding import serialise
from governance.evidence.errors import EvidenceError
from governance.evidence.figures import LABELS, figures
from governance.evidence.report import Report, check_figures, figures_document
from governance.evidence.story import Story, story
from tests.evidence.samples import ORIGIN, imported, released, told
from tests.evidence.test_figures import DENIED
from tests.evidence.test_story import WAYS

HEAD = Checkpoint(ORIGIN, 40, bytes(32))
SCOPE = {
    "from": "2026-11-01T00:00:00.000000Z",
    "to": "2026-12-01T00:00:00.000000Z",
    "organisation": "acme",
    "project": None,
}
WHOLE = {"complete": True, "organisation": "acme", "project": None}
STORIES = [
    story(told(road, f"gen_{number:032x}"))
    for number, road in enumerate([released(), imported(), WAYS["denied"]])
]
VALUES = figures(STORIES, [DENIED])
COUNTS: dict[str, int] = VALUES["counts"]
ATTACHED = figures_document(SCOPE, HEAD, VALUES)


def page(counts: dict[str, int]) -> str:
    return "Figures\n\n" + "\n".join(f"{LABELS[name]}  {n}" for name, n in counts.items())


def check(
    attached: bytes = ATTACHED,
    pages: Sequence[str] = ("Cover", page(COUNTS), "Methodology"),
    bundle_scope: dict[str, Any] = WHOLE,
    stories: Sequence[Story] = STORIES,
) -> str:
    report = Report(b"", attached, tuple(pages))
    return check_figures(report, HEAD, bundle_scope, stories, [DENIED])


def refused(**changes: Any) -> str:
    with pytest.raises(EvidenceError) as caught:
        check(**changes)
    assert caught.value.message
    return caught.value.code


def test_figures_that_are_those_of_the_records_hold() -> None:
    assert check() == (
        f"{len(LABELS)} figures recomputed from 3 generations requested from "
        "2026-11-01T00:00:00.000000Z to 2026-12-01T00:00:00.000000Z in acme, all projects"
    )


def test_one_generation_more_or_less_is_noticed() -> None:
    assert refused(stories=STORIES[:2]) == "figures_wrong"
    assert refused(stories=[*STORIES, STORIES[0]]) == "figures_wrong"


def test_a_generation_outside_the_period_or_the_project_does_not_count() -> None:
    later = Story(**{**vars(STORIES[0]), "requested_at": SCOPE["to"]})
    elsewhere = Story(
        **{**vars(STORIES[0]), "request": {**STORIES[0].request, "organisation": "other"}}
    )
    assert check(stories=[*STORIES, later, elsewhere])


def test_the_figures_name_the_checkpoint_that_they_are_made_at() -> None:
    other = figures_document(SCOPE, Checkpoint(ORIGIN, 41, bytes(32)), VALUES)
    assert refused(attached=other) == "figures_wrong"


@pytest.mark.parametrize("name", LABELS)
def test_a_count_that_was_changed_in_the_attachment_is_named(name: str) -> None:
    counts = {**COUNTS, name: COUNTS[name] + 1}
    attached = figures_document(SCOPE, HEAD, {**VALUES, "counts": counts})
    with pytest.raises(EvidenceError, match=LABELS[name]) as caught:
        check(attached)
    assert caught.value.code == "figures_wrong"


@pytest.mark.parametrize("name", LABELS)
def test_a_count_that_was_changed_on_paper_is_named(name: str) -> None:
    wrong = page({**COUNTS, name: COUNTS[name] + 1})
    missing = page({other: n for other, n in COUNTS.items() if other != name})
    twice = f"{page(COUNTS)}\n{LABELS[name]} {COUNTS[name] + 1}"
    for text in (wrong, missing, twice):
        with pytest.raises(EvidenceError, match=LABELS[name]) as caught:
            check(pages=[text])
        assert caught.value.code == "figures_printed_wrong"


def test_a_report_without_its_summary_page_prints_nothing() -> None:
    assert refused(pages=["Cover", "Methodology"]) == "figures_printed_wrong"
    assert refused(pages=[]) == "figures_printed_wrong"


@pytest.mark.parametrize(
    "bundle_scope",
    [
        {"complete": False, "organisation": "other", "project": None},
        {"complete": False, "organisation": "acme", "project": "launch"},
    ],
)
def test_figures_never_cover_more_than_the_evidence(bundle_scope: dict[str, Any]) -> None:
    assert refused(bundle_scope=bundle_scope) == "figures_wrong"


@pytest.mark.parametrize(
    "bundle_scope",
    [
        {"complete": False, "organisation": "acme", "project": None},
        {"complete": True, "organisation": "acme", "project": "launch"},
    ],
)
def test_evidence_may_cover_more_than_the_figures(bundle_scope: dict[str, Any]) -> None:
    assert check(bundle_scope=bundle_scope)


@pytest.mark.parametrize(
    "scope",
    [
        None,
        [],
        "acme",
        {},
        {**SCOPE, "from": None},
        {**SCOPE, "organisation": 1},
        {**SCOPE, "extra": ""},
        {name: value for name, value in SCOPE.items() if name != "project"},
    ],
)
def test_figures_that_do_not_say_what_they_cover_are_refused(scope: Any) -> None:
    assert refused(attached=serialise({"scope": scope, "figures": VALUES})) == "figures_wrong"


@pytest.mark.parametrize("values", [None, [], {}, {"counts": None}, {"counts": []}, "figures"])
def test_figures_of_another_shape_are_refused(values: Any) -> None:
    assert refused(attached=serialise({"scope": SCOPE, "figures": values})) == "figures_wrong"


def test_the_attachment_has_one_spelling() -> None:
    assert refused(attached=ATTACHED.replace(b":", b": ", 1)) == "json_invalid"


@given(st.binary() | st.text().map(str.encode), st.lists(st.text(), max_size=3))
def test_no_bytes_and_no_pages_at_all_make_the_check_fail_otherwise(
    attached: bytes, pages: list[str]
) -> None:
    with pytest.raises(EvidenceError):
        check(attached, pages)


@pytest.mark.parametrize("data", [b"", b"%PDF-", b"%PDF-1.7\n%%EOF", b"no PDF"])
def test_a_damaged_pdf_is_no_report(data: bytes) -> None:
    with pytest.raises(EvidenceError) as caught:
        reports.open_report(data)
    assert caught.value.code in {"report_invalid", "report_without_evidence"}
