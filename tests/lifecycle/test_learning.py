"""What a model's clips teach: measured with the records, and told with them."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from governance.evidence.story import State
from governance.lifecycle.statements import Choice
from governance.routing.tables import ModelMeasurement
from tests.house import DOUBTFUL, VENDOR_CLIP, House
from tests.platform import Service

_ROWS = ModelMeasurement.__table__  # type: ignore[attr-defined]


def measured(service: Service, generation: str) -> list[Any]:
    with service.context.database.read() as session:
        query = select(_ROWS).where(_ROWS.c.generation == generation).order_by(_ROWS.c.attempt)
        return list(session.connection().execute(query).all())


def test_a_finished_clip_is_measured_with_latency_and_technical_quality(
    house: House, service: Service
) -> None:
    generation = house.made(State.RELEASED, VENDOR_CLIP)

    [row] = measured(service, generation)

    assert (row.model, row.provider, row.fault) == ("self/wan2.2-a14b", "openai-videos", None)
    assert row.milliseconds > 0
    assert 0 < Decimal(row.technical) <= 1
    assert row.approved is None


def test_the_record_of_screening_holds_the_figures(house: House, service: Service) -> None:
    generation = house.made(State.RELEASED, VENDOR_CLIP)

    [screened] = [r for r in service.records(generation) if r.event == "asset.screened"]

    figures = screened.body["technical"]
    assert {"score", "conformity", "sharpness", "flicker", "motion", "frame_rate"} <= set(figures)
    assert all(isinstance(value, str) for value in figures.values())


def test_the_route_tells_every_part_of_its_score(house: House, service: Service) -> None:
    generation = house.made(State.ROUTED, replace(VENDOR_CLIP, model="auto"))

    [chosen] = [r for r in service.records(generation) if r.event == "route.chosen"]

    best = chosen.body["candidates"][0]
    parts = best["components"]
    assert [part["name"] for part in parts] == ["quality", "cost", "latency", "health"]
    total = sum(Decimal(part["value"]) * Decimal(part["weight"]) for part in parts)
    assert abs(total - Decimal(best["score"])) < Decimal("0.0001")
    assert chosen.body["warnings"] == []


def test_what_a_reviewer_decides_counts_for_the_model(house: House, service: Service) -> None:
    approved, rejected = (house.made(State.IN_REVIEW, DOUBTFUL) for _ in range(2))

    service.approve(approved, house.reviewer)
    service.decide(rejected, house.reviewer, Choice("reject", "person_without_consent"))

    assert [row.approved for row in measured(service, approved)] == [True]
    assert [row.approved for row in measured(service, rejected)] == [False]


def test_a_refusal_is_kept_but_is_no_failure_of_the_model(house: House, service: Service) -> None:
    generation = house.made(State.FAILED, VENDOR_CLIP, "[[moderate]]")

    [row] = measured(service, generation)

    assert (row.fault, row.milliseconds) == ("refused", None)
