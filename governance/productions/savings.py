"""What drafting on commodity models has saved against making everything on a premium one. Pure.

Computed from the records alone, so anybody can compute it again. When a model is chosen for a
request of a production, `route.chosen` also records what each premium model that the production
allows would have cost for this very request at list price (`premium`). For each draft that was made
(purpose intermediate) on a model that is not among them:

    saving = premium price of the reference model - cost of the draft

The reference model is the premium model on which most finals of the production were made (of
several the one that comes first by name); until there is one, the cheapest premium model at the
moment of the draft. The cost is what the provider told, else what it had quoted. Where the records
do not hold one of the two, or in another currency, the saving of that draft is unknown: it is
counted apart and never taken for zero.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from governance.evidence.story import Body, Story

Amounts = dict[str, Decimal]


@dataclass(frozen=True)
class Comparison:
    """One draft: what it cost, and what which premium model would have; None where unknown."""

    generation: str
    model: str
    cost: Body | None
    premium_model: str
    premium: Body | None

    @property
    def is_known(self) -> bool:
        return (
            self.cost is not None
            and self.premium is not None
            and self.cost["currency"] == self.premium["currency"]
        )


@dataclass(frozen=True)
class Savings:
    """Figures of one production; amounts by currency.

    reference: the premium model that drafts are compared with, empty before there is one final;
    drafts: made on commodity models; finals: made for the final purpose; spent: by all that was
    made or charged; held: for outcomes that nobody knows; drafts_spent, premium, saved: of the
    drafts whose saving is known; unknown: how many others there are; unpriced: generations that
    were made at a cost that is not known, missing in `spent`.
    """

    reference: str
    drafts: int
    finals: int
    spent: Amounts
    held: Amounts
    drafts_spent: Amounts
    premium: Amounts
    saved: Amounts
    unknown: int
    unpriced: int
    comparisons: tuple[Comparison, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON; amounts as decimal strings."""
        told: dict[str, Any] = dict(vars(self))
        for name in ("spent", "held", "drafts_spent", "premium", "saved"):
            told[name] = {currency: f"{value:f}" for currency, value in told[name].items()}
        told["comparisons"] = [vars(one) for one in self.comparisons]
        return told


def savings(stories: Iterable[Story]) -> Savings:
    """The figures of the generations of one production."""
    told = sorted(stories, key=lambda story: (story.requested_at, story.id))
    made = [story for story in told if story.original is not None and not story.is_import]
    reference = _reference(made)
    comparisons = tuple(_comparison(story, reference) for story in made if _is_draft(story))
    known = [one for one in comparisons if one.is_known]
    cheap, dear = _sum(one.cost for one in known), _sum(one.premium for one in known)
    return Savings(
        reference=reference,
        drafts=len(comparisons),
        finals=sum(story.request["purpose"] == "final" for story in made),
        spent=_sum(cost_of(story) for story in told),
        held=_sum(story.held for story in told if story.is_unresolved),
        drafts_spent=cheap,
        premium=dear,
        saved={currency: dear[currency] - cheap[currency] for currency in dear},
        unknown=len(comparisons) - len(known),
        unpriced=sum(cost_of(story) is None for story in made),
        comparisons=comparisons,
    )


def cost_of(story: Story) -> Body | None:
    """What a generation cost: as its provider told, else as it quoted for what was made."""
    if story.cost is not None or story.original is None or story.is_import:
        return story.cost
    quote: Body | None = (story.route or {}).get("quote")
    return quote


def _reference(made: Sequence[Story]) -> str:
    finals = Counter(
        _model(story)
        for story in made
        if story.request["purpose"] == "final" and _model(story) in _premium(story)
    )
    return min(finals, key=lambda model: (-finals[model], model), default="")


def _is_draft(story: Story) -> bool:
    return story.request["purpose"] == "intermediate" and _model(story) not in _premium(story)


def _comparison(story: Story, reference: str) -> Comparison:
    offered = _premium(story)
    model = reference or _cheapest(offered)
    return Comparison(story.id, _model(story), cost_of(story), model, offered.get(model))


def _cheapest(offered: dict[str, Body]) -> str:
    return min(offered, key=lambda model: (Decimal(offered[model]["amount"]), model), default="")


def _premium(story: Story) -> dict[str, Body]:
    """The quotes of premium models that its route names, by model."""
    return {item["model"]: item["quote"] for item in (story.route or {}).get("premium", ())}


def _model(story: Story) -> str:
    return (story.route or {}).get("model") or ""


def _sum(amounts: Iterable[Body | None]) -> Amounts:
    total: Amounts = {}
    for amount in _there(amounts):
        currency = amount["currency"]
        total[currency] = total.get(currency, Decimal(0)) + Decimal(amount["amount"])
    return dict(sorted(total.items()))


def _there(amounts: Iterable[Body | None]) -> Iterator[Body]:
    return (amount for amount in amounts if amount is not None)
