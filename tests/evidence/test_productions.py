"""Step 8: what belongs to a production was asked for and made within its terms."""

from typing import Any

import pytest

from governance.evidence.record import ZERO, Record
from governance.evidence.verify import Verdict, verify_files
from tests.evidence.samples import PERSON, ROOT, Body, bundle_of, record, released

PRODUCTION, OTHER = "prd_" + "7" * 32, "prd_" + "8" * 32
NOON, EVENING = "2026-11-22T12:00:00.000000Z", "2026-11-22T20:00:00.000000Z"


def version(action: str = "created", before: Record | None = None, **terms: Any) -> Record:
    """at: when; place: its number in the stream."""
    at, seq = terms.pop("at", NOON), terms.pop("place", before.seq + 1 if before else 0)
    asked = released()[0][1]
    body = {
        "action": action,
        "production": PRODUCTION,
        "number": before.body["number"] + 1 if before else 1,
        "previous": before.leaf if before else None,
        "organisation": asked["organisation"],
        "project": asked["project"],
        "name": "spring",
        "references": [],
        "consents": [],
        "models": ["*"],
        "tiers": ["commodity"],
        "territories": ["EU"],
        "sector": "general",
        "budget": None,
        "from": "2026-11-22",
        "until": "2026-11-30",
        "by": PERSON,
        **terms,
    }
    prev = before.leaf if before else ZERO
    return record(
        "production.changed", body, stream=f"service.{asked['organisation']}", seq=seq, prev=prev,
        at=at,
    )  # fmt: skip


def story(under: Record, at: str = NOON, **changes: Any) -> list[Record]:
    """A released generation that belongs to a production; changes: to its request."""
    belongs = {"id": under.body["production"], "version": under.leaf}
    records: list[Record] = []
    for event, told in released():
        body = {**told, "production": belongs, **changes} if not records else told
        prev = records[-1].leaf if records else ZERO
        records.append(record(event, body, seq=len(records), prev=prev, at=at))
    return records


def verify(*records: Record) -> Verdict:
    return verify_files(bundle_of(records), ROOT.keyid)


def refusal(*records: Record) -> str:
    verdict = verify(*records)
    assert verdict.failure is not None, "it was believed"
    assert (verdict.failed_step, verdict.failure.code) == ("policies", "production_wrong")
    return verdict.failure.message


def model() -> str:
    routed: Body = next(body for event, body in released() if event == "route.chosen")
    return str(routed["model"])


class TestRequests:
    def test_one_within_its_terms_is_believed(self) -> None:
        made = version()
        assert verify(made, *story(made)).failure is None

    def test_a_version_may_be_replaced_or_closed_later(self) -> None:
        made = version()
        closed = version("closed", made, at=EVENING)
        assert verify(made, *story(made), closed).failure is None

    def test_one_under_way_when_its_version_was_replaced_is_believed(self) -> None:
        made = version()
        assert verify(made, version("changed", made), *story(made)).failure is None

    def test_an_unknown_version_is_not(self) -> None:
        made = version()
        assert "names no version" in refusal(*story(made))
        belongs = {"id": OTHER, "version": made.leaf}
        assert "names no version" in refusal(made, *story(made, production=belongs))

    def test_nor_one_that_had_been_replaced(self) -> None:
        made = version()
        assert "replaced" in refusal(made, version("changed", made), *story(made, EVENING))

    def test_nor_one_that_had_ended(self) -> None:
        made = version()
        closed = version("closed", made)
        assert "takes requests" in refusal(made, closed, *story(closed))

    @pytest.mark.parametrize("days", [{"from": "2026-11-23"}, {"until": "2026-11-21"}])
    def test_nor_a_day_outside(self, days: Body) -> None:
        made = version(**{"from": "2026-11-01", **days})
        assert "not of a day" in refusal(made, *story(made))

    def test_nor_another_project(self) -> None:
        made = version(project="elsewhere")
        assert "another project" in refusal(made, *story(made))

    def test_nor_a_reference_left_out(self) -> None:
        made = version(references=["a" * 64])
        assert "references" in refusal(made, *story(made))
        assert verify(made, *story(made, references=["a" * 64])).failure is None

    def test_nor_another_model(self) -> None:
        made = version(models=["vendor/other"])
        assert "none of its production" in refusal(made, *story(made))
        allowed = version(models=[model()] if "/" in model() else ["*"])
        assert verify(allowed, *story(allowed)).failure is None


class TestVersions:
    def test_each_follows_the_one_before(self) -> None:
        made = version()
        for wrong in ({"number": 3}, {"previous": "0" * 64}):
            assert "does not follow" in refusal(made, version("changed", made, **wrong))
        assert "does not follow" in refusal(made, version("created", made))
        assert "does not follow" in refusal(version("changed"))

    def test_it_stays_where_it_is(self) -> None:
        made = version()
        assert "moved" in refusal(made, version("changed", made, project="elsewhere"))

    def test_what_was_closed_can_only_be_erased(self) -> None:
        made = version()
        closed = version("closed", made)
        assert verify(made, closed, version("erased", closed)).failure is None
        assert "had ended" in refusal(made, closed, version("changed", closed))
