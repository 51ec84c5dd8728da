"""The cases beside the packs: what every rule says, when it does not, from which day to which."""

import shutil
from pathlib import Path

import pytest
from freezegun import freeze_time

from governance.kernel.errors import ConfigurationError
from governance.policy import cases
from tests.policy.conftest import ROOT

POLICIES = ROOT / "policies"
VERSIONS = cases.policies(POLICIES)
SUITE = cases.read(POLICIES)


@pytest.fixture
def spoilt(folder: Path) -> Path:
    """A copy of the policy folder with its cases, which a test may spoil."""
    shutil.copytree(POLICIES / "cases", folder / "cases")
    return folder


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def faults(folder: Path) -> list[str]:
    return [str(outcome) for outcome in cases.run(folder) if outcome.fault]


def test_every_rule_says_what_its_cases_say() -> None:
    assert [str(o) for o in cases.outcomes(VERSIONS, SUITE) if o.fault] == []


@pytest.mark.parametrize(
    "moment", ["2020-02-29", "2026-12-01T23:59:59Z", "2027-02-02", "2031-01-01"]
)
def test_the_wall_clock_has_no_influence(moment: str) -> None:
    with freeze_time(moment):
        assert not any(outcome.fault for outcome in cases.outcomes(VERSIONS, SUITE))


def test_law_code_and_house_rules_are_kept_apart() -> None:
    levels = {"code": "code", "house": "house", "nist": "house"}
    for policy in VERSIONS.values():
        for rule in policy.rules:
            name = rule.matched.id
            assert rule.matched.level == levels.get(name.split("-")[0], "law"), name


class TestTheRunner:
    def test_a_rule_that_no_longer_matches_is_named_with_file_and_line(self, spoilt: Path) -> None:
        replace(spoilt / "packs/house.yaml", "media: {const: video}", "media: {const: audio}")
        found = faults(spoilt)
        assert any(
            line.startswith("cases/house.yaml:") and "house-review-public-video" in line
            for line in found
        )
        assert any(line.startswith("cases/scenarios.yaml:") for line in found)

    def test_a_rule_that_begins_on_another_day_fails_at_its_first_day(self, spoilt: Path) -> None:
        replace(spoilt / "packs/house.yaml", 'from: "2026-01-01"', 'from: "2026-01-02"')
        assert any("there is no case of its first day" in line for line in faults(spoilt))
        assert any("does not match on 2026-01-01" in line for line in faults(spoilt))

    def test_a_rule_without_a_case_fails_at_its_place_in_the_pack(self, spoilt: Path) -> None:
        (spoilt / "cases/nist-agent-identity.yaml").write_text(
            '- {rule: nist-long-chain, first_day: "2026-02-05", given: {}, not: [],'
            " effect: permit, duties: {}}\n"
        )
        pack = (spoilt / "packs/nist-agent-identity.yaml").read_text("utf-8").splitlines()
        line = next(n for n, text in enumerate(pack, 1) if "id: nist-agent-assurance" in text)
        missing = (
            "there is no case in which it matches, in which it does not match, of its first day"
        )
        found = faults(spoilt)
        assert f"packs/nist-agent-identity.yaml:{line}: nist-agent-assurance: {missing}" in found
        assert any(
            "nist-long-chain: there is no case in which it does not match" in f for f in found
        )

    def test_a_case_of_a_rule_that_is_gone_fails(self, spoilt: Path) -> None:
        with (spoilt / "cases/house.yaml").open("a") as file:
            file.write(
                '- {rule: house-forgotten, first_day: "2026-01-01", given: {}, not: [],'
                " effect: deny, duties: {}}\n"
            )
        assert any("house-forgotten: there is no such rule" in line for line in faults(spoilt))

    def test_an_input_that_the_schema_refuses_fails(self, spoilt: Path) -> None:
        replace(
            spoilt / "cases/house.yaml", "given: {declared", "given: {sector: espionage, declared"
        )
        assert any("sector: " in line for line in faults(spoilt))

    @pytest.mark.parametrize(
        ("name", "old", "new", "fault"),
        [
            ("house", "effect: permit", "effekt: permit", "cases/house.yaml:1"),
            ("house", '"2026-01-01"', '"2026-13-01"', "is not a day of the calendar"),
            ("base", "media: image", "media: smell", "cases/base.yaml:"),
            ("scenarios", "effect: permit", "effect: perhaps", "cases/scenarios.yaml:"),
        ],
    )
    def test_cases_that_are_not_well_formed_are_refused(
        self, spoilt: Path, name: str, old: str, new: str, fault: str
    ) -> None:
        replace(spoilt / f"cases/{name}.yaml", old, new)
        with pytest.raises(ConfigurationError) as caught:
            cases.run(spoilt)
        assert caught.value.code == "cases_invalid"
        assert fault in caught.value.message
