"""Rules, gaps, exceptions and rows, as they follow from the stories."""

import json
from datetime import timedelta

import pytest

from governance.evidence.report import service_records
from governance.reporting import Population, select
from governance.reporting.coverage import unscreened
from governance.reporting.exceptions import Case, exceptions
from governance.reporting.gaps import open_gaps
from governance.reporting.rows import Row, population_document, rows
from governance.reporting.rules import RuleBook, policy_versions, rule_book
from tests.reporting.history import History
from tests.reporting.inputs import report, reported
from tests.reporting.samples import (
    END,
    MONEY,
    NO_CONSENT,
    ORGANISATION,
    PEOPLE,
    POLICY,
    START,
    WATERMARK_GAP,
)


def population_of(history: History) -> tuple[Population, RuleBook]:
    population = select(reported(history), START, END, None, ORGANISATION)
    return population, rule_book(population.stories)


def cases(history: History) -> list[Case]:
    population, book = population_of(history)
    service = service_records(history.records, report(history).scope)
    return [case for group in exceptions(population, service, book, 300) for case in group.cases]


def only_row(history: History) -> Row:
    population, book = population_of(history)
    (row,) = rows(population.reported, book)
    return row


def test_the_missing_watermark_of_the_code_is_an_open_gap_with_its_citation_and_extent() -> None:
    history = History()
    for _ in range(3):
        history.released()
    history.failed()
    population, book = population_of(history)
    (gap,) = open_gaps(population.stories, book)
    assert (gap.ref, gap.rule.cites) == ("G-01", WATERMARK_GAP["cites"])
    assert (gap.matched, gap.released) == (4, 3)
    assert [(duty.kind, duty.present) for duty in gap.duties] == [("mark.watermark", 0)]


def test_an_enforced_rule_is_no_gap() -> None:
    history = History()
    history.denied()
    population, book = population_of(history)
    assert open_gaps(population.stories, book) == ()


def test_rules_are_numbered_in_order_of_pack_and_id() -> None:
    history = History()
    history.reviewed()
    history.denied()
    _, book = population_of(history)
    assert [(rule.ref, rule.pack, rule.matched) for rule in book.rules] == [
        ("R1", "eu-ai-act", 1),
        ("R2", "eu-ai-act", 2),
        ("R3", "eu-code-transparency", 1),
        ("R4", "house-rules", 1),
    ]


def test_a_rule_that_changed_its_mode_is_listed_in_both() -> None:
    history = History()
    for mode in ("observe", "enforce"):
        stream = history.request()
        history.decide(stream, "permit", [{**WATERMARK_GAP, "mode": mode}])
    population, book = population_of(history)
    assert [rule.mode for rule in book.rules] == ["enforce", "observe"]
    assert [gap.matched for gap in open_gaps(population.stories, book)] == [1]


def test_a_policy_version_is_named_with_its_packs_and_its_decisions() -> None:
    history = History()
    history.policy_loaded()
    history.released()
    history.denied()
    population, _ = population_of(history)
    (version,) = policy_versions(population.stories, history.records)
    assert (version.digest, version.decisions) == (POLICY, 2)
    assert version.packs[0] == "eu-ai-act 2026.10.1"
    assert version.first_request < version.last_request


def test_a_denial_names_the_rule_that_denied_and_why() -> None:
    history = History()
    history.denied()
    (case,) = cases(history)
    assert (case.kind, case.rules) == ("denied", ("R2",))
    assert case.notes == (f"{NO_CONSENT['because']} ({NO_CONSENT['cites']})",)


def test_an_unknown_outcome_names_the_money_that_is_held() -> None:
    history = History()
    history.unknown()
    (case,) = cases(history)
    assert (case.what, case.held) == ("timeout_after_post", f"EUR {MONEY['amount']}")


def test_an_order_withdrawn_under_way_is_an_unknown_outcome() -> None:
    history = History()
    history.withdrawn()
    (case,) = cases(history)
    assert (case.kind, case.what) == ("unknown", "withdrawn_under_way")
    assert case.held.startswith("EUR ")


def test_a_withheld_file_names_the_stage_and_the_reasons() -> None:
    history = History()
    history.withheld()
    (case,) = cases(history)
    assert (case.stage, case.what) == ("verification", "marks_missing")
    assert case.notes == ("The signed manifest was not found in the delivered bytes.",)


def test_a_rejection_names_the_person_and_the_reason() -> None:
    history = History()
    history.rejected()
    (case,) = cases(history)
    assert (case.stage, case.by, case.what) == ("review", PEOPLE[4], "likeness_without_consent")


def test_a_recall_names_who_recalled() -> None:
    history = History()
    history.recalled()
    (case,) = cases(history)
    assert (case.kind, case.by, case.what) == ("recalled", PEOPLE[5], "wrong_territory")


def test_failures_say_whether_a_provider_or_the_choice_of_a_model_failed() -> None:
    history = History()
    history.failed()
    history.unrouted()
    at_provider, without_model = cases(history)
    assert (at_provider.what, at_provider.stage) == ("refused", "vendor")
    assert without_model.what == "no_model"
    assert without_model.notes == ("The budget of the project is used up.",)


def test_an_expired_review_is_an_exception_and_a_cancelled_request_is_none() -> None:
    history = History()
    history.ended("expired", "review_expired")
    history.ended("cancelled", "cancelled_by_caller")
    assert [case.what for case in cases(history)] == ["review_expired"]


def test_a_refused_call_names_who_asked_for_what() -> None:
    history = History()
    history.refused()
    (case,) = cases(history)
    assert (case.kind, case.requester_kind, case.what) == ("access_denied", "agent", "role_missing")
    assert case.notes == ("issue on report",)


def test_a_refused_call_outside_the_period_is_left_out() -> None:
    history = History(moment=END + timedelta(days=1))
    history.refused()
    assert cases(history) == []


def test_what_a_copy_has_lost_is_told_with_where_it_was_found() -> None:
    history = History()
    history.checked(["mark.signed_metadata"], host="media.example")
    (case,) = cases(history)
    assert (case.kind, case.what) == ("marks_lost", "lost_in_a_copy_found_elsewhere")
    assert case.duties == ("mark.signed_metadata",)
    assert case.notes == ("Fetched from media.example.",)


def test_what_the_scheduled_check_misses_is_told_with_what_was_looked_at() -> None:
    history = History()
    history.checked(["label.visible", "mark.watermark"], source="stored")
    history.checked(["mark.watermark"], source="reference")
    assert [(case.what, case.duties, case.notes) for case in cases(history)] == [
        ("lost_in_the_stored_file", ("label.visible", "mark.watermark"), ()),
        ("lost_in_a_transcode_as_platforms_make_them", ("mark.watermark",), ()),
    ]


def test_a_check_that_finds_everything_is_no_exception() -> None:
    history = History()
    history.checked([])
    assert cases(history) == []


def test_released_files_are_no_exceptions() -> None:
    history = History()
    history.released()
    history.reviewed()
    history.in_review()
    assert cases(history) == []


def test_the_gravest_exceptions_come_first_and_all_are_counted_beyond_the_limit() -> None:
    history = History()
    history.denied()
    history.denied()
    history.recalled()
    population, book = population_of(history)
    groups = exceptions(population, [], book, 2)
    assert [(group.kind, group.count, len(group.cases)) for group in groups] == [
        ("recalled", 1, 1),
        ("denied", 2, 1),
    ]


def test_marks_show_what_a_reader_found_and_where_none_was_due() -> None:
    history = History()
    history.released()
    assert only_row(history).marks == "CIL?··"


def test_an_absent_mark_shows_as_a_minus() -> None:
    history = History()
    history.withheld()
    assert only_row(history).marks == "−IL?··"


def test_a_row_names_the_rules_that_decided_and_counts_the_others() -> None:
    history = History()
    history.reviewed()
    row = only_row(history)
    assert (row.effect, row.rules, row.others) == ("review", ("R1",), 2)
    assert (row.review, row.approvals) == ("approved", 2)


@pytest.mark.parametrize(
    ("ending", "review"), [("rejected", "rejected"), ("in_review", "open"), ("denied", "")]
)
def test_the_review_column_says_what_people_did(ending: str, review: str) -> None:
    history = History()
    getattr(history, ending)()
    assert only_row(history).review == review


def test_a_review_that_nobody_decided_before_it_expired_is_not_open() -> None:
    history = History()
    history.ended("expired", "review_expired")
    assert only_row(history).review == "undecided"


def test_the_population_file_holds_whole_identifiers_and_positions() -> None:
    history = History()
    history.policy_loaded()
    stream = history.released()
    source = report(history)
    population, _ = population_of(history)
    (row,) = json.loads(population_document(source.scope, population.reported))["generations"]
    assert (row["id"], row["first_index"], row["state"]) == (stream, 1, "released")
    assert row["last_index"] == len(history.records) - 1
    assert row["marks"]["watermark"] == "not_checked"


def test_the_population_file_has_no_place_for_personal_data() -> None:
    history = History()
    history.released()
    population, _ = population_of(history)
    (row,) = json.loads(population_document({}, population.reported))["generations"]
    assert set(row) == {
        *("approvals", "cost", "effect", "file", "first_index", "held", "id", "imported"),
        *("last_index", "marks", "model", "project", "released_at", "requested_at", "requester"),
        *("review", "rules", "state"),
    }
    assert set(row["requester"]) == {"accountable", "assurance", "id", "kind"}


def test_what_automated_review_skipped_is_counted() -> None:
    history = History()
    history.released()
    history.released()
    population, _ = population_of(history)
    assert unscreened(population.stories) == [
        ("likeness", "No detector for real persons is installed.", 2)
    ]
