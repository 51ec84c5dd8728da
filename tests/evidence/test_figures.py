"""Figures: sums over stories, whatever the order in which the log holds their records."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from governance.evidence.figures import LABELS, figures
from governance.evidence.record import Record
from governance.evidence.story import RULES, Story, apply, story
from tests.evidence.samples import OTHERWISE, PERSON, Told, imported, record, released, told
from tests.evidence.test_story import WAYS

ROADS = [*(way for way in WAYS.values() if way), imported()]
STORIES = [story(told(road)) for road in ROADS]
DENIED = record(
    "access.denied",
    {
        "principal": PERSON,
        "kind": "person",
        "organisation": "acme",
        "project": None,
        "object": "report",
        "action": "issue",
        "code": "role_missing",
        "rules": [],
    },
    stream="service.acme",
)
populations = st.lists(st.sampled_from(STORIES), max_size=12)
ADDITIVE = ("counts", "states", "models", "observed")


def added(first: dict[str, int], second: dict[str, int]) -> dict[str, int]:
    total = Counter(first)
    total.update(second)
    return dict(total)


def money(first: dict[str, str], second: dict[str, str]) -> dict[str, Decimal]:
    names = first.keys() | second.keys()
    return {n: Decimal(first.get(n, "0")) + Decimal(second.get(n, "0")) for n in names}


@given(populations, populations, st.integers(0, 3), st.integers(0, 3))
def test_the_figures_of_a_union_are_the_sums_of_the_figures(
    first: list[Story], second: list[Story], some: int, more: int
) -> None:
    one, two = figures(first, [DENIED] * some), figures(second, [DENIED] * more)
    both = figures(first + second, [DENIED] * (some + more))
    for name in ADDITIVE:
        assert both[name] == added(one[name], two[name])
    assert both["marks"] == {
        kind: added(one["marks"].get(kind, {}), two["marks"].get(kind, {}))
        for kind in one["marks"].keys() | two["marks"].keys()
    }
    for name in ("cost", "held"):
        amounts = {currency: Decimal(amount) for currency, amount in both[name].items()}
        assert amounts == money(one[name], two[name])


@given(populations)
def test_every_request_is_counted_in_exactly_one_outcome(population: list[Story]) -> None:
    counts = figures(population)["counts"]
    outcomes = ("denied", "failed", "unknown", "cancelled", "expired", "withheld", "rejected",
                "open", "released")  # fmt: skip
    assert sum(counts[name] for name in outcomes) == counts["requested"] == len(population)
    assert counts["recalled"] <= counts["released"]
    assert counts["four_eyes"] <= counts["reviewed"] <= counts["requested"]


@given(populations)
def test_the_summary_page_has_a_line_for_every_count_in_its_order(population: list[Story]) -> None:
    assert list(figures(population)["counts"]) == list(LABELS)


def test_money_that_is_held_for_a_withdrawn_order_is_told() -> None:
    ended = ("generation.ended", OTHERWISE["generation.ended"])
    withdrawn = story(told([*released()[:5], ended]))
    assert figures([withdrawn])["held"] == {"EUR": "0.4000"}


def test_the_figures_of_one_release_are_as_expected() -> None:
    found = figures([story(told(released()))], [DENIED])
    expected = {
        "requested": 1,
        "released": 1,
        "deliveries": 1,
        "access_denied": 1,
        "reviewed": 1,
        "review_decisions": 2,
        "four_eyes": 1,
        "signed_requests": 1,
        "provider_attempts": 1,
    }
    assert {name: count for name, count in found["counts"].items() if count} == expected
    assert found["states"] == {"released": 1}
    assert found["marks"] == {
        "c2pa": {"present": 1},
        "iptc": {"present": 1},
        "label": {"present": 1},
        "watermark": {"not_checked": 1},
    }
    assert (found["cost"], found["held"]) == ({"EUR": "0.4000"}, {})
    assert found["models"] == {"veo-3.1": 1}
    assert found["observed"] == {"eu.code.watermark": 1}


def test_marks_are_counted_on_released_files_only() -> None:
    assert figures([story(told(WAYS["in_review"]))])["marks"] == {}
    assert figures([story(told(WAYS["recalled"]))])["marks"] != {}


def test_money_is_held_only_where_the_outcome_is_unknown() -> None:
    assert figures([story(told(WAYS["unknown"]))])["held"] == {"EUR": "0.4000"}
    assert figures([story(told(WAYS["submitting"]))])["held"] == {}


def test_nothing_has_happened_in_an_empty_population() -> None:
    found = figures([])
    assert set(found["counts"].values()) == {0}
    assert not any(found[name] for name in found if name != "counts")


def stories_of(records: Iterable[Record]) -> dict[str, Story]:
    """As the verifier folds a log: record by record, each into its stream's story."""
    stories: dict[str, Story] = {}
    for item in records:
        assert item.event in RULES
        stories[item.stream] = apply(stories.get(item.stream, Story()), item)
    return stories


@given(st.lists(st.sampled_from(ROADS), min_size=1, max_size=4), st.randoms())
def test_how_the_streams_of_a_log_are_interleaved_changes_nothing(
    roads: list[Told], random: Any
) -> None:
    streams = [told(road, f"gen_{number:032x}") for number, road in enumerate(roads)]
    turns = [number for number, records in enumerate(streams) for _ in records]
    random.shuffle(turns)
    waiting = [iter(records) for records in streams]
    mixed = stories_of(next(waiting[turn]) for turn in turns)
    apart = stories_of(item for records in streams for item in records)
    assert mixed == apart
    assert figures(mixed.values()) == figures(apart.values())
