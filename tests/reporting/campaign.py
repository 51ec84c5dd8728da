"""A log with productions: drafts, what was promoted and remixed, and a finished file of them."""

from dataclasses import dataclass, field

from governance.evidence.record import Record
from tests.reporting.history import History
from tests.reporting.samples import ORGANISATION, PEOPLE, PROJECTS, Body, identifier

DRAFT, FINAL, DEAR = "luma/ray-flash-2", "google/gemini-omni-1.2-flash", "google/veo-3.1"
PREMIUM = {FINAL: "0.525", DEAR: "2.00"}
PRODUCTION = identifier("prd", "spring-campaign")


def usd(amount: str) -> Body:
    return {"amount": amount, "currency": "USD"}


@dataclass
class Campaign(History):
    """Requests that are told after `opens` belong to its production."""

    version: str = ""
    says: Body = field(default_factory=dict)
    prices: dict[str, str] = field(default_factory=lambda: dict(PREMIUM))
    cost: Body | None = None

    def append(self, stream: str, event: str, body: Body) -> Record:
        if event == "generation.requested":
            body = {**body, **self.says}
        if event == "route.chosen" and self.version:
            offered = [{"model": name, "quote": usd(price)} for name, price in self.prices.items()]
            body = {**body, "premium": offered, "quote": self.cost}
        if event == "asset.fetched" and self.version:
            body = {**body, "cost": self.cost}
        return super().append(stream, event, body)

    def opens(self, name: str = "spring-campaign", **changes: object) -> None:
        production = identifier("prd", name)
        body = {
            "action": "created",
            "production": production,
            "number": 1,
            "previous": None,
            "organisation": ORGANISATION,
            "project": PROJECTS[0],
            "name": name,
            "references": [],
            "consents": [],
            "models": ["*"],
            "tiers": ["commodity", "premium"],
            "territories": ["DE", "FR"],
            "sector": "advertising",
            "budget": usd("50"),
            "from": "2026-10-01",
            "until": "2026-12-31",
            "by": PEOPLE[0],
            **changes,
        }
        self.version = self.append("service", "production.changed", body).leaf
        self.says = {"production": {"id": production, "version": self.version}}

    def draft(self, cost: str = "0.24", **says: object) -> str:
        return self._made(DRAFT, cost, purpose="intermediate", **says)

    def final(self, parent: str, model: str = FINAL, cost: str = "0.525", **says: object) -> str:
        return self._made(model, cost, parent=parent, **says)

    def _made(self, model: str, cost: str, **says: object) -> str:
        before, self.says, self.cost = self.says, {**self.says, **says}, usd(cost)
        stream = self.released(model=model)
        self.says = before
        return stream


def spring(drafts: int = 20, finals: int = 2) -> Campaign:
    """Drafts of one production, the first ones promoted."""
    told = Campaign()
    told.opens()
    made = [told.draft() for _ in range(drafts)]
    for parent in made[:finals]:
        told.final(parent)
    return told
