"""What if: inputs on record, decided again under other rules; and which rules ever spoke."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time

from governance.kernel import ids
from governance.kernel.database import Database
from governance.ledger import Entry, Ledger
from governance.policy import Policy, as_body, decide, load
from governance.policy.coverage import coverage
from governance.policy.recorded import Decided, decided
from governance.policy.whatif import EXAMPLES, Change, compare, lines
from tests.policy.samples import BASE, changed

SINCE = datetime(2026, 11, 22, tzinfo=UTC)
PUBLIC = changed(BASE, {"media": "video", "purpose": "final", "audience": "public"})
WAIVER = {"rule": "house-review-public-video", "waiver": "wvr_" + "1" * 32}


def recorded(policy: Policy, *facts: dict[str, Any]) -> list[Decided]:
    return [
        Decided(f"gen_{number:032x}", "2026-12-24T00:00:00.000000Z", as_body(decide(policy, item)))
        for number, item in enumerate(facts)
    ]


def edited(folder: Path, file: str, old: str, new: str) -> Policy:
    path = folder / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return load(folder)


class TestComparing:
    def test_the_same_rules_change_nothing(self, policy: Policy) -> None:
        result = compare(policy, policy, recorded(policy, BASE, PUBLIC))
        assert (result.decided, result.unchanged, result.changes) == (2, 2, {})

    def test_a_stricter_rule_is_grouped_by_what_it_changes(
        self, policy: Policy, folder: Path
    ) -> None:
        """Videos for internal use are looked at as well."""
        rule = "        audience: {const: public}\n"
        new = edited(folder, "packs/house.yaml", rule, "")
        internal = changed(PUBLIC, {"audience": "internal"})
        result = compare(policy, new, recorded(policy, BASE, *[internal] * 30, PUBLIC))
        ((change, group),) = result.ordered
        assert change == Change(
            effect=("permit", "review"),
            rules_added=("house-review-public-video (review)",),
            duties_added=("review.people",),
        )
        assert (group.count, len(group.generations)) == (30, EXAMPLES)
        assert result.unchanged == 2
        assert "30 × permit → review" in "\n".join(lines(result))

    def test_a_changed_parameter_and_a_changed_mode_are_told(
        self, policy: Policy, folder: Path
    ) -> None:
        edited(folder, "packs/house.yaml", "months: 6", "months: 12")
        text = (folder / "packs/house.yaml").read_text("utf-8")
        head, mark, tail = text.partition("  - id: house-review-public-video")
        (folder / "packs/house.yaml").write_text(
            head + mark + tail.replace("mode: enforce", "mode: observe", 1)
        )
        result = compare(policy, load(folder), recorded(policy, PUBLIC))
        ((change, _),) = result.ordered
        assert change.effect == ("review", "permit")
        assert change.rules_added == ("house-review-public-video (observe, review)",)
        assert change.rules_removed == ("house-review-public-video (review)",)
        assert change.duties_removed == ("review.people",)
        assert change.duties_added == ("review.people (observe)",)
        assert change.duties_changed == ("retain.records",)

    def test_other_words_for_the_same_rule_are_no_change(
        self, policy: Policy, folder: Path
    ) -> None:
        new = edited(folder, "packs/house.yaml", "at least six months", "half a year")
        assert compare(policy, new, recorded(policy, BASE)).unchanged == 1

    def test_inputs_that_the_new_schema_refuses_are_told_apart(
        self, policy: Policy, folder: Path
    ) -> None:
        file = "schemas/decision-input.schema.json"
        new = edited(folder, file, '"political"', '"politics"')
        facts = changed(BASE, {"sector": "political"})
        result = compare(policy, new, recorded(policy, BASE, facts))
        assert result.unchanged == 1
        assert [group.count for group in result.refused_by_new.values()] == [1]
        back = compare(new, policy, recorded(policy, facts))
        assert [group.count for group in back.refused_by_old.values()] == [1]
        assert "not accepted as an input by NEW" in "\n".join(lines(result))

    def test_waivers_on_record_are_honoured_again(self, policy: Policy) -> None:
        result = compare(policy, policy, recorded(policy, {**PUBLIC, "waivers": [WAIVER]}))
        assert result.unchanged == 1


class TestCoverage:
    def test_every_rule_is_counted_by_its_mode(self, policy: Policy) -> None:
        facts = [BASE, PUBLIC, {**PUBLIC, "waivers": [WAIVER]}]
        found = coverage(policy, recorded(policy, *facts))
        rules = {rule.rule: rule for rule in found.rules}
        assert found.decisions == 3
        assert rules["house-retain"].enforced == 3
        looked = rules["house-review-public-video"]
        assert (looked.enforced, looked.observed, looked.waived) == (1, 0, 1)
        stamp = rules["code-s1-1-1-1-time-stamp"]
        assert (stamp.enforced, stamp.observed) == (0, 2)
        assert not rules["house-prompt-fail"].is_used
        assert {rule.rule for rule in found.pack("house")} <= set(rules)

    def test_rules_that_are_gone_are_named(self, policy: Policy, folder: Path) -> None:
        old = "house-review-public-video"
        new = edited(folder, "packs/house.yaml", old, "house-review-video")
        found = coverage(new, recorded(policy, PUBLIC))
        assert found.gone == ((old, 1),)


class TestReading:
    @pytest.fixture
    def log(self, database: Database, ledger: Ledger, policy: Policy) -> Iterator[Database]:
        """One decision a day in each of three scopes, from 20 November on."""
        for day in range(4):
            with freeze_time(datetime(2026, 11, 20, 12, tzinfo=UTC) + timedelta(days=day)):
                for scope in (
                    "org/acme/project/film",
                    "org/acme/project/ads",
                    "org/acme2/project/film",
                ):
                    entry = Entry(
                        ids.new_id("dec"),
                        "policy.decided",
                        as_body(decide(policy, PUBLIC)),
                        scope=scope,
                    )
                    database.write(lambda c, entry=entry: ledger.append(c, entry))  # type: ignore[misc]
        yield database

    @pytest.mark.parametrize(("project", "count"), [(None, 4), ("film", 2), ("fil", 0)])
    def test_only_what_is_in_scope_and_in_time_is_read(
        self, log: Database, project: str | None, count: int
    ) -> None:
        with log.read() as session:
            found = list(decided(session, "acme", project, SINCE))
        assert len(found) == count
        assert [item.occurred_at for item in found] == sorted(item.occurred_at for item in found)
