"""Who belongs to a report, and that nobody is lost between the log and the report."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.evidence import report as verifier
from governance.evidence.story import Story
from governance.kernel.clock import rfc3339
from governance.reporting import ReportedStory, select
from tests.reporting.samples import END, ORGANISATION, START, digest

moments = st.datetimes(min_value=datetime(2026, 9, 29), max_value=datetime(2026, 11, 3)).map(
    lambda moment: moment.replace(tzinfo=START.tzinfo)
)
edges = st.sampled_from([START, END, START - timedelta(microseconds=1)])


def requested(at: datetime, project: str, organisation: str, index: int = 0) -> ReportedStory:
    request = {"organisation": organisation, "project": project}
    told = Story(id=digest(str(index)), records=1, request=request, requested_at=rfc3339(at))
    return ReportedStory(told, index, index)


@pytest.mark.parametrize(
    ("at", "belongs"),
    [
        (START - timedelta(microseconds=1), False),
        (START, True),
        (END - timedelta(microseconds=1), True),
        (END, False),
    ],
)
def test_the_period_includes_its_start_and_excludes_its_end(at: datetime, belongs: bool) -> None:
    population = select([requested(at, "film", ORGANISATION)], START, END, None, ORGANISATION)
    assert len(population.reported) == belongs


def test_another_project_is_not_reported() -> None:
    stories = [requested(START, name, ORGANISATION, n) for n, name in enumerate(["film", "game"])]
    population = select(stories, START, END, "film", ORGANISATION)
    assert [story.request["project"] for story in population.stories] == ["film"]
    assert population.elsewhere == 1


def test_another_organisation_is_not_reported_even_when_all_projects_are() -> None:
    population = select([requested(START, "film", "other")], START, END, None, ORGANISATION)
    assert (population.reported, population.elsewhere) == ((), 1)


def test_generations_stand_in_log_order() -> None:
    stories = [requested(START, "film", ORGANISATION, index) for index in (7, 3, 5)]
    population = select(stories, START, END, None, ORGANISATION)
    assert [item.first_index for item in population.reported] == [3, 5, 7]
    assert (population.first_index, population.last_index) == (3, 7)


def test_an_empty_population_has_no_place_in_the_log() -> None:
    population = select([], START, END, None, ORGANISATION)
    assert (population.streams, population.first_index, population.last_index) == (0, None, None)


@given(
    st.lists(
        st.tuples(
            moments | edges,
            st.sampled_from(["film", "game"]),
            st.sampled_from([ORGANISATION, "other"]),
        ),
        max_size=20,
    ),
    st.sampled_from([None, "film"]),
)
def test_the_report_and_the_verifier_choose_alike_and_no_generation_is_lost(
    drawn: list[tuple[datetime, str, str]], project: str | None
) -> None:
    stories = [requested(*values, index) for index, values in enumerate(drawn)]
    population = select(stories, START, END, project, ORGANISATION)
    scope = {
        "from": rfc3339(START),
        "to": rfc3339(END),
        "organisation": ORGANISATION,
        "project": project,
    }
    assert list(population.stories) == verifier.population([s.story for s in stories], scope)
    left_out = population.before + population.after + population.elsewhere
    assert len(population.reported) + left_out == population.streams == len(stories)
