"""What drafting on commodity models saves; what nobody knows is no zero."""

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from governance.evidence.story import Story
from governance.productions.savings import cost_of, savings
from tests.productions.samples import generation, money, told

PREMIUM: dict[str, object] = {"google/veo": "2.00", "google/omni": "0.50"}
USD = "USD"


def draft(number: int, cost: object = "0.14", premium: dict[str, object] | None = None) -> Story:
    offered = PREMIUM if premium is None else premium
    return told(number, quote=money("0.15"), cost=money(cost), premium=offered)


def final(number: int, model: str = "google/veo", cost: object = "2.00") -> Story:
    offered = PREMIUM
    return told(
        number, model=model, purpose="final", quote=money(cost), cost=money(cost), premium=offered
    )


class TestFormula:
    def test_a_draft_saves_the_price_of_the_finals_model_less_its_cost(self) -> None:
        found = savings([draft(1), draft(2), final(3)])
        assert (found.drafts, found.finals, found.reference) == (2, 1, "google/veo")
        assert found.premium == {USD: Decimal("4.00")}
        assert found.drafts_spent == {USD: Decimal("0.28")}
        assert found.saved == {USD: Decimal("3.72")}
        assert found.spent == {USD: Decimal("2.28")}

    def test_before_the_first_final_it_is_compared_with_the_cheapest_premium_model(self) -> None:
        found = savings([draft(1), draft(2, premium={"google/veo": "1.00"})])
        assert found.reference == ""
        assert [one.premium_model for one in found.comparisons] == ["google/omni", "google/veo"]
        assert found.saved == {USD: Decimal("1.22")}

    def test_of_several_models_the_one_with_most_finals_counts(self) -> None:
        made = [final(2, "google/omni", "0.50"), final(3, "google/omni", "0.50"), final(4)]
        assert savings([draft(1), *made]).reference == "google/omni"

    def test_of_equally_many_finals_the_first_by_name_counts(self) -> None:
        assert savings([final(1), final(2, "google/omni", "0.50")]).reference == "google/omni"

    def test_a_draft_may_also_have_cost_more(self) -> None:
        found = savings([draft(1, cost="0.60", premium={"google/omni": "0.50"})])
        assert found.saved == {USD: Decimal("-0.10")}

    def test_a_draft_on_a_premium_model_saves_nothing_and_does_not_count(self) -> None:
        made = told(1, model="google/veo", cost=money("2.00"), premium=PREMIUM)
        found = savings([made])
        assert (found.drafts, found.saved) == (0, {})
        assert found.spent == {USD: Decimal("2.00")}

    def test_a_final_on_a_commodity_model_is_no_draft_and_no_reference(self) -> None:
        made = told(1, purpose="final", cost=money("0.14"), premium=PREMIUM)
        found = savings([made])
        assert (found.drafts, found.finals, found.reference) == (0, 1, "")

    def test_what_was_never_made_counts_only_with_what_it_cost(self) -> None:
        failed = told(1, state="failed", original=None, cost=money("0.05"), premium=PREMIUM)
        denied = told(2, state="denied", original=None, route=None)
        found = savings([failed, denied])
        assert (found.drafts, found.spent, found.saved) == (0, {USD: Decimal("0.05")}, {})


class TestUnknown:
    def test_a_model_that_its_record_does_not_price_leaves_the_saving_unknown(self) -> None:
        found = savings([draft(1, premium={"google/omni": "0.50"}), draft(2), final(3)])
        assert found.unknown == 1
        assert found.saved == {USD: Decimal("1.86")}

    def test_without_any_premium_price_it_is_unknown(self) -> None:
        found = savings([draft(1, premium={})])
        assert (found.unknown, found.saved, found.drafts) == (1, {}, 1)

    def test_a_vendor_that_names_no_price_has_cost_what_it_quoted(self) -> None:
        made = told(1, quote=money("0.15"), premium=PREMIUM)
        assert cost_of(made) == money("0.15")
        assert savings([made]).saved == {USD: Decimal("0.35")}

    def test_a_cost_that_nobody_knows_is_counted_apart(self) -> None:
        found = savings([told(1, premium=PREMIUM)])
        assert (found.unknown, found.unpriced, found.spent) == (1, 1, {})

    def test_currencies_are_not_mixed(self) -> None:
        made = told(1, cost=money("0.14", "EUR"), premium=PREMIUM)
        found = savings([made])
        assert (found.unknown, found.saved) == (1, {})
        assert found.spent == {"EUR": Decimal("0.14")}

    def test_money_held_for_an_unknown_outcome_is_not_spent(self) -> None:
        lost = told(1, state="unknown", original=None, held=money("0.15"), premium=PREMIUM)
        found = savings([lost])
        assert (found.held, found.spent, found.unpriced) == ({USD: Decimal("0.15")}, {}, 0)


def test_a_file_from_outside_costs_and_saves_nothing() -> None:
    film = told(1, purpose="final", request={"asset": {}}, route=None)
    found = savings([film])
    assert (found.drafts, found.finals, found.spent, found.unpriced) == (0, 0, {}, 0)


def test_nothing_made_nothing_saved() -> None:
    assert savings([]).saved == {}


def test_it_is_told_as_json_with_amounts_as_text() -> None:
    shown = json.loads(json.dumps(savings([draft(1), final(2)]).as_dict()))
    assert shown["saved"] == {USD: "1.86"}
    assert shown["comparisons"] == [
        {
            "generation": generation(1),
            "model": "luma/flash",
            "cost": {"amount": "0.14", "currency": USD},
            "premium_model": "google/veo",
            "premium": {"amount": "2.00", "currency": USD},
        }
    ]


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), max_size=8))
def test_the_order_in_which_stories_are_read_does_not_matter(
    prices: list[tuple[int, int]],
) -> None:
    made = [
        draft(number, cost=Decimal(cost) / 100, premium={"google/veo": Decimal(dear) / 100})
        for number, (cost, dear) in enumerate(prices)
    ]
    found = savings(made)
    assert found == savings(reversed(made))
    expected = sum((Decimal(dear - cost) / 100 for cost, dear in prices), Decimal(0))
    assert found.saved.get(USD, Decimal(0)) == expected
