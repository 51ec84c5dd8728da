"""What a model is worth: a stated prior, corrected by our own clips."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.routing import Model, load_catalogue
from governance.routing.model import Arena, Inferred
from governance.routing.quality import (
    Estimate,
    Measured,
    latency,
    percentile,
    quality,
    speed,
    success,
)

from .builders import LEARNING, POLICIES, catalogue, model

SCORED = model(id="test/scored", quality=Arena("text-to-video", 1200, 15))
NOTHING = Measured()


def estimated(entry: Model, measured: Measured = NOTHING) -> Estimate:
    return quality(catalogue(SCORED, replace(entry, id="test/it")), entry, measured)


class TestBeforeTheFirstClip:
    @pytest.mark.parametrize(
        ("score", "mean"), [(1200, "0.5000"), (1600, "0.9091"), (800, "0.0909"), (1364, "0.7199")]
    )
    def test_an_arena_score_becomes_the_share_that_elo_expects(self, score: int, mean: str) -> None:
        found = estimated(model(quality=Arena("text-to-video", score, 10)))

        assert str(found.mean) == mean
        assert found.basis == "arena"

    def test_a_wider_interval_of_the_score_is_a_wider_interval_of_the_quality(self) -> None:
        sure, doubtful = (
            estimated(model(quality=Arena("text-to-video", 1200, points))) for points in (120, 400)
        )

        assert doubtful.low < sure.low < sure.mean < sure.high < doubtful.high

    def test_no_score_weighs_more_than_forty_reviews(self) -> None:
        found = estimated(model(quality=Arena("text-to-video", 1200, 1)))

        # ± 1.96 √(0.25 ÷ 41)
        assert (str(found.low), str(found.high)) == ("0.3470", "0.6530")

    def test_a_new_model_inherits_a_margin_below_its_predecessor_and_is_marked(self) -> None:
        new = estimated(model(quality=Inferred("test/scored", 20)))

        assert new.mean < estimated(SCORED).mean
        assert new.mean == estimated(model(quality=Arena("text-to-video", 1180, 55))).mean
        assert new.basis == "inferred"

    def test_a_model_without_score_and_predecessor_is_taken_for_its_tier(self) -> None:
        found = estimated(model(tier="premium"))

        assert (str(found.mean), found.basis) == ("0.6000", "assumed")
        assert found.high - found.low > Decimal("0.6")


class TestAClipOfOurs:
    def test_that_people_approve_raises_it_and_one_they_reject_lowers_it(self) -> None:
        before = estimated(SCORED).mean

        approved = estimated(SCORED, Measured(reviewed=10, approved=10))
        rejected = estimated(SCORED, Measured(reviewed=10, approved=0))

        # 40 clips' worth of 0.5, then ten of ours.
        assert str(approved.mean) == "0.6000"
        assert rejected.mean < before < approved.mean
        assert approved.basis == "measured"

    def test_counts_a_quarter_of_a_verdict_by_its_technical_figure(self) -> None:
        found = estimated(SCORED, Measured(examined=40, technical=Decimal(40)))

        assert str(found.mean) == "0.6000"

    @given(st.integers(0, 200), st.integers(0, 200))
    def test_moves_it_towards_what_was_seen_and_never_beyond(self, good: int, bad: int) -> None:
        found = estimated(SCORED, Measured(reviewed=good + bad, approved=good))

        assert 0 <= found.low <= found.mean <= found.high <= 1
        if good + bad:
            share = Decimal(good) / (good + bad)
            least, most = sorted((share, Decimal("0.5")))
            assert least - Decimal("0.0001") <= found.mean <= most + Decimal("0.0001")

    @given(st.integers(1, 100))
    def test_makes_the_interval_no_wider(self, clips: int) -> None:
        few = estimated(SCORED, Measured(reviewed=2 * clips, approved=clips))
        many = estimated(SCORED, Measured(reviewed=4 * clips, approved=2 * clips))

        assert many.high - many.low <= few.high - few.low


class TestSuccess:
    def test_is_what_is_expected_before_any_order(self) -> None:
        found = success(LEARNING, NOTHING)

        assert (str(found.mean), found.basis) == ("0.9000", "assumed")

    def test_is_what_was_seen_after_many(self) -> None:
        found = success(LEARNING, Measured(orders=990, made=0))

        assert (str(found.mean), found.basis) == ("0.0090", "measured")


class TestLatency:
    SEEN = Measured(made=3, usual=Decimal(40), slow=Decimal(90))

    def test_is_our_own_from_the_third_clip_on(self) -> None:
        listed = model(latency=(11, 360))

        assert latency(LEARNING, listed, self.SEEN).slow == 90
        assert latency(LEARNING, listed, replace(self.SEEN, made=2)).slow == 360
        assert latency(LEARNING, listed, self.SEEN).basis == "measured"

    def test_is_assumed_where_nobody_knows_it(self) -> None:
        found = latency(LEARNING, model(), NOTHING)

        assert (str(found.slow), found.basis) == ("120", "assumed")

    def test_is_worth_a_half_at_two_minutes(self) -> None:
        assert [str(speed(LEARNING, Decimal(s))) for s in (0, 120, 360)] == [
            "1.0000",
            "0.5000",
            "0.2500",
        ]

    @given(st.lists(st.integers(0, 10**6), min_size=1), st.sampled_from([0.5, 0.95]))
    def test_percentiles_are_values_that_were_seen(self, values: list[int], share: float) -> None:
        found = percentile(values, share)

        assert found in {(Decimal(v) / 1000).quantize(Decimal("0.1")) for v in values}
        below = sum(Decimal(v) / 1000 <= found + Decimal("0.05") for v in values)
        assert below >= share * len(values)


def test_among_the_shipped_models_the_newest_is_not_ranked_last() -> None:
    known = load_catalogue(POLICIES)

    def mean(name: str) -> Decimal:
        return quality(known, known.get(name), NOTHING).mean

    new, old = "google/gemini-omni-1.2-flash", "google/gemini-omni-1.1-flash"
    assert mean("kling/kling-v2-6") < mean(new) < mean(old)
    assert mean("local/procedural-video") < mean("luma/ray-2") < mean("self/wan2.2-a14b")
