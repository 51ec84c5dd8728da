"""What a request has from its production, and that it never goes beyond it."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.domain import Declaration
from governance.kernel.errors import Conflict, InvalidRequest
from governance.productions.inherit import allows, inherit, sent
from governance.productions.terms import Terms
from tests.productions.samples import EUROPE, REQUEST, TERMS, TODAY, reach, version

CONSENT, OTHER = f"cns_{1:032x}", f"cns_{2:032x}"
PERSON = Declaration("no", "yes")
FILES = [f"{number:064x}" for number in range(20)]


def inherited(terms: Terms = TERMS, **changes: Any) -> Any:
    return inherit(replace(REQUEST, **changes), version(terms), TODAY, reach)


def beyond(terms: Terms = TERMS, **changes: Any) -> str:
    """The dimension in which a request is refused."""
    with pytest.raises(InvalidRequest) as caught:
        inherited(terms, **changes)
    assert caught.value.code == "production_exceeded"
    assert caught.value.param == caught.value.details["dimension"]
    return str(caught.value.param)


class TestInheriting:
    def test_what_a_request_does_not_say_it_has_from_its_production(self) -> None:
        made = inherited(replace(TERMS, sector="food", references=("a" * 64,)))
        assert (made.project, made.territories, made.sector) == ("film", ("EU",), "food")
        assert made.references == ("a" * 64,)

    def test_the_prompt_stays_as_it_was_asked(self) -> None:
        assert inherited().prompt == REQUEST.prompt

    def test_it_may_name_less(self) -> None:
        assert inherited(territories=("DE",)).territories == ("DE",)
        assert inherited(project="film").project == "film"

    def test_a_general_production_leaves_the_sector_to_the_request(self) -> None:
        assert inherited(sector="health").sector == "health"

    def test_references_are_joined_without_repeating_any(self) -> None:
        made = inherited(
            replace(TERMS, references=("a" * 64, "b" * 64)), references=("b" * 64, "c" * 64)
        )
        assert made.references == ("a" * 64, "b" * 64, "c" * 64)

    def test_the_only_consent_counts_where_a_real_person_appears(self) -> None:
        terms = replace(TERMS, consents=(CONSENT,))
        assert inherited(terms, declaration=PERSON).declaration.consent == CONSENT
        assert inherited(terms, declaration=Declaration("no", "no")).declaration.consent is None

    def test_of_several_consents_the_request_names_the_one_that_is_meant(self) -> None:
        terms = replace(TERMS, consents=(CONSENT, OTHER))
        assert inherited(terms, declaration=PERSON).declaration.consent is None
        named = replace(PERSON, consent=OTHER)
        assert inherited(terms, declaration=named).declaration.consent == OTHER


class TestLimits:
    def test_territories_outside_are_refused(self) -> None:
        assert beyond(territories=("EU", "US")) == "territories"

    def test_another_project_is_refused(self) -> None:
        assert beyond(project="other") == "project"

    def test_another_sector_is_refused(self) -> None:
        assert beyond(replace(TERMS, sector="food"), sector="health") == "sector"

    def test_another_consent_is_refused_where_the_production_lists_some(self) -> None:
        named = Declaration("no", "yes", consent=OTHER)
        assert beyond(replace(TERMS, consents=(CONSENT,)), declaration=named) == "consent"
        assert inherited(declaration=named).declaration.consent == OTHER

    def test_more_references_than_a_record_holds_are_refused(self) -> None:
        terms = replace(TERMS, references=tuple(FILES[:10]))
        assert beyond(terms, references=tuple(FILES[10:17])) == "references"

    @pytest.mark.parametrize(
        ("day", "state"), [(date(2026, 11, 30), "planned"), (date(2026, 12, 25), "over")]
    )
    def test_it_takes_requests_on_its_days_only(self, day: date, state: str) -> None:
        with pytest.raises(Conflict, match=f"is {state}") as caught:
            inherit(REQUEST, version(), day, reach)
        assert caught.value.code == "production_closed"

    def test_its_last_day_is_included(self) -> None:
        inherit(REQUEST, version(), date(2026, 12, 24), reach)

    def test_without_a_last_day_it_has_no_end(self) -> None:
        inherit(REQUEST, version(replace(TERMS, last_day=None)), date(2099, 1, 1), reach)

    @pytest.mark.parametrize("action", ["closed", "erased"])
    def test_one_that_has_ended_takes_none(self, action: str) -> None:
        with pytest.raises(Conflict, match=f"is {action}"):
            inherit(REQUEST, version(action=action), TODAY, reach)

    def test_models_are_allowed_by_name_and_by_tier(self) -> None:
        assert allows(TERMS, "luma/flash", "commodity")
        assert allows(TERMS, "google/veo", "premium")
        assert not allows(TERMS, "google/other", "premium")
        assert not allows(TERMS, "luma/flash", "procedural")
        assert allows(replace(TERMS, models=("*",)), "any/thing", "premium")


class TestLaws:
    @given(
        st.sets(st.sampled_from(["EU", "US", *EUROPE])),
        st.sampled_from(["default", "film", "other"]),
        st.sampled_from(["general", "food", "health"]),
        st.lists(st.sampled_from(FILES), max_size=8, unique=True),
        st.lists(st.sampled_from(FILES), max_size=8, unique=True),
    )
    def test_a_request_is_refused_or_lies_within_and_inherits_nothing_twice(
        self, places: set[str], project: str, sector: str, given_: list[str], own: list[str]
    ) -> None:
        terms = replace(TERMS, sector="food", references=tuple(own))
        asked = replace(
            REQUEST,
            territories=tuple(sorted(places)),
            project=project,
            sector=sector,
            references=tuple(given_),
        )
        try:
            made = inherit(asked, version(terms), TODAY, reach)
        except InvalidRequest:
            assert places - reach(["EU"]) or project == "other" or sector == "health"
            return
        assert made.territories
        assert reach(made.territories) <= reach(terms.territories)
        assert (made.project, made.sector) == (terms.project, terms.sector)
        assert {*made.references} == {*given_, *own}
        assert inherit(made, version(terms), TODAY, reach) == made


class TestSent:
    def test_the_style_follows_the_prompt_of_a_picture(self) -> None:
        assert sent("a calm sea", "video", "35 mm") == "a calm sea\n\nStyle: 35 mm"
        assert sent("a calm sea", "image", "35 mm") == "a calm sea\n\nStyle: 35 mm"

    def test_nothing_is_added_to_words_that_may_be_spoken(self) -> None:
        assert sent("Good evening.", "audio", "35 mm") == "Good evening."

    def test_without_a_style_the_prompt_is_sent_as_it_is(self) -> None:
        assert sent("a calm sea", "video", "") == "a calm sea"
