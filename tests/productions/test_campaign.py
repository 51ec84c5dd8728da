"""One production from its first draft to the report: drafted cheaply, made well, accounted for."""

import io
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

import pytest
from pypdf import PdfReader

from governance.domain import GenerationRequest, Quote
from governance.evidence import bundle
from governance.evidence.report import open_report
from governance.evidence.story import State, Story
from governance.evidence.verify import verify_files
from governance.kernel import clock
from governance.kernel.errors import Denied, InvalidRequest
from governance.lifecycle import producing
from governance.lifecycle.submitting import Caller
from governance.productions.lineage import lineage
from governance.productions.savings import savings
from governance.productions.terms import Terms, Texts
from governance.reporting.issue import Scope, issue_report
from governance.simulators.kling import SimulatedKling
from governance.simulators.luma import SimulatedLuma
from tests.house import small_policies
from tests.platform import INTERNAL, ORGANISATION, PROJECT, Service, open_service

DRAFTS, FINALS = 20, 2
FLASH, PREMIUM = "luma/ray-flash-2", "kling/kling-v3"
STYLE = "35 mm, muted greens"
# Neither project nor territories: both come from the production.
DRAFT = replace(
    INTERNAL,
    project="default",
    territories=(),
    model="draft",
    purpose="intermediate",
    seconds=5,
    width=720,
    height=720,
)


@dataclass
class Studio:
    """A service with two vendors, and whoever asks for something."""

    service: Service
    luma: SimulatedLuma
    kling: SimulatedKling
    caller: Caller

    def opened(self, name: str, budget: str) -> str:
        terms = Terms(
            name=name,
            project=PROJECT,
            territories=("JP",),
            first_day=clock.now().date(),
            models=(FLASH, PREMIUM),
            budget=Quote(Decimal(budget)),
        )
        texts = Texts("Meadow Tea", "Calm for people who come home late.", STYLE)
        made = producing.create(self.service.context, ORGANISATION, terms, texts, "service")
        return made.production

    def asked(self, production: str, until: State, request: GenerationRequest = DRAFT) -> Story:
        story = self.service.ask(replace(request, production=production), self.caller)
        return self.service.run(story.id, until)

    def promoted(self, draft: Story) -> Story:
        asked = producing.promoted(self.service.context, draft, "final")
        return self.service.run(self.service.ask(asked, self.caller).id, State.RELEASED)

    def stories(self, production: str) -> list[Story]:
        with self.service.context.database.read() as session:
            return producing.stories(session, production)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    with ExitStack() as stack:
        luma = stack.enter_context(SimulatedLuma())
        kling = stack.enter_context(SimulatedKling(shrink=5))
        service = open_service(
            folder / "data",
            policies_dir=small_policies(folder / "policies"),
            providers={
                "luma": {"base_url": luma.url, "key": luma.key},
                "kling": {"base_url": kling.url, "key": kling.key},
            },
        )
        stack.callback(service.close)
        caller = service.caller(service.person("producer"))
        yield Studio(service, luma, kling, caller)


@pytest.fixture(scope="module")
def campaign(studio: Studio) -> str:
    """Twenty drafts, of which two were shown and made again as finals."""
    production = studio.opened("spring", "50")
    shown = [studio.asked(production, State.RELEASED) for _ in range(FINALS)]
    for _ in range(DRAFTS - FINALS):
        studio.asked(production, State.FETCHED)
    for draft in shown:
        studio.promoted(draft)
    return production


def test_drafts_are_made_on_the_commodity_and_finals_on_the_premium_model(
    studio: Studio, campaign: str
) -> None:
    models = [(story.request["purpose"], (story.route or {})["model"])
              for story in studio.stories(campaign)]  # fmt: skip
    assert models == [("intermediate", FLASH)] * DRAFTS + [("final", PREMIUM)] * FINALS


def test_spending_and_saving_follow_from_the_records(studio: Studio, campaign: str) -> None:
    found = savings(studio.stories(campaign))
    assert (found.drafts, found.finals, found.reference) == (DRAFTS, FINALS, PREMIUM)
    price = 5 * Decimal("0.084")
    assert found.spent["USD"] == DRAFTS * Decimal("0.24") + FINALS * price
    assert found.saved["USD"] == DRAFTS * (price - Decimal("0.24"))
    assert (found.unknown, found.unpriced) == (0, 0)


def test_each_final_descends_from_its_draft(studio: Studio, campaign: str) -> None:
    told = studio.stories(campaign)
    drafts, finals = told[:DRAFTS], told[DRAFTS:]
    graph = lineage(told)
    assert [(edge.parent, edge.child, edge.relation) for edge in graph.edges] == [
        (draft.id, final.id, "promote") for draft, final in zip(drafts, finals, strict=False)
    ]


def test_the_vendors_are_told_the_style_and_never_the_brief(studio: Studio, campaign: str) -> None:
    sent = f"{DRAFT.prompt}\n\nStyle: {STYLE}"
    assert studio.luma.state.by_prompt == {sent: DRAFTS}


def test_the_report_shows_spending_saving_and_lineage_and_verifies(
    studio: Studio, campaign: str
) -> None:
    context = studio.service.context
    studio.service.platform.publisher.publish()
    day = timedelta(days=1)
    scope = Scope(ORGANISATION, PROJECT, clock.now() - day, clock.now() + day)
    issued = issue_report(context, scope, by=None)
    pages = PdfReader(io.BytesIO(issued.data), strict=True).pages
    text = re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))
    found = savings(studio.stories(campaign))
    assert "7 Productions" in text
    assert f"USD {found.spent['USD']} of USD 50" in text
    assert f"USD {found.saved['USD']} instead of USD {found.premium['USD']}" in text
    assert f"finals on {PREMIUM}" in text
    assert len(re.findall(r"\bpromote\b", text)) == FINALS
    assert "Meadow Tea" not in text
    evidence = bundle.unpack(open_report(issued.data).bundle)
    verdict = verify_files(evidence, context.ledger.keyring.root)
    assert verdict.failure is None, verdict.failure


def test_what_the_production_forbids_is_refused(studio: Studio, campaign: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        studio.asked(campaign, State.ROUTED, replace(DRAFT, model="luma/ray-3.2"))
    assert caught.value.details["dimension"] == "model"


def test_its_budget_is_not_exceeded(studio: Studio) -> None:
    production = studio.opened("small", "0.50")
    for _ in range(2):
        studio.asked(production, State.ROUTED)
    with pytest.raises(Denied) as caught:
        studio.asked(production, State.ROUTED)
    assert caught.value.code == "budget_exhausted"
    assert production in caught.value.message
