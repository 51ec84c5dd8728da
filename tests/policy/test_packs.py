"""A policy folder with a mistake in it is refused, naming file, line and what to do."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from governance.kernel.errors import ConfigurationError
from governance.policy import Policy, check, decide, load, warnings
from governance.policy.contradictions import never
from tests.policy.conftest import ROOT
from tests.policy.samples import inputs

PACK = """\
id: local
version: "2026.11.22"
title: Local rules
jurisdiction: Here
territories: ["*"]
status: in_force
as_of: "2026-11-22"
sources: [{id: ourselves, title: Ourselves, as_of: "2026-11-22", confidence: primary}]
rules:
  - id: local-1
    cites: Local rule 1
    sources: [ourselves]
    level: house
    binds: [deployer]
    mode: enforce
    in_force: {from: "2026-01-01"}
    when:
      properties:
        purpose: {const: final}
        declared: {properties: {artistic: {const: no}}}
    then:
      effect: permit
      duties:
        - {kind: retain.records, parameters: {months: 6}}
    because: We decided so.
"""

Spoil = Callable[[Path], None]


def faults_of(folder: Path, text: str) -> list[str]:
    (folder / "packs" / "local.yaml").write_text(text, "utf-8")
    return [str(fault) for fault in check(folder)]


def test_the_shipped_policy_folder_has_no_fault_and_no_dead_rule() -> None:
    assert check(ROOT / "policies") == []
    assert warnings(ROOT / "policies") == []


def test_a_pack_of_ones_own_joins_the_others(folder: Path) -> None:
    assert faults_of(folder, PACK) == []
    assert ("local", "2026.11.22") in load(folder).packs


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("kind: retain.records", "kind: retain.everything", 24, "there is no duty “retain.every"),
        ("months: 6", "months: 0", 24, "retain.records: months 0 is less than"),
        ("months: 6", "weeks: 6", 24, "retain.records:"),
        ("{months: 6}", "{}", 24, '"months" is a required property'),
        ("level: house", "level: rumour", 13, '"rumour" is not one of'),
        ("mode: enforce", "mode: enforced", 15, '"enforced" is not one of'),
        ("because:", "why:", 10, "Additional properties"),
        ("    cites: Local rule 1\n", "", 10, '"cites" is a required property'),
        ('"2026-01-01"', '"2026-02-30"', 16, "2026-02-30 is not a day"),
        ('"2026-01-01"}', '"2026-01-02", until: "2026-01-01"}', 16, "“until” lies before “from”"),
        ("purpose:", "porpoise:", 19, "the decision input has no field “porpoise”"),
        ("const: final", "const: finished", 19, "this field is never 'finished'"),
        ("const: no}", "enum: [no, never]}", 20, "this field is never 'never'"),
        ("{const: final}", "{minimum: 3}", 19, "“minimum” cannot be asked of this field"),
        (
            "purpose: {const: final}",
            "quote: {properties: {cents: {minimum: 1}}}",
            19,
            "may be null",
        ),
        ("{const: final}", "{$ref: elsewhere.json}", 19, "Additional properties"),
        ("{const: final}", '{pattern: "("}', 19, '"(" is not a "regex"'),
        ("effect: permit", "effect: review", 21, "effect review and duty review.people"),
        (
            "id: local-1",
            "id: house-retain",
            10,
            "rule house-retain exists already in packs/house.yaml",
        ),
        ("[ourselves]", "[rumours]", 12, "the pack has no source “rumours”"),
        ("{id: ourselves,", "{id: us, url: http://us,", 8, "does not match"),
        ('["*"]', '["*", XX]', 5, "XX is not in territories.yaml"),
        ("level: house", "level: law\n    waivable: false", 14, "are never waived"),
        ("level: house", "level: house\n    strength: will", 14, "only rules of a code have"),
        ("level: house", "level: law", 21, "a number of ours belongs in a house rule"),
        (
            "level: house",
            "level: house\n    numbers: cited",
            22,
            "“numbers: cited” is for rules of",
        ),
        ("status: in_force", "status: none\nstatus_note: No.", 10, "has more than 0 items"),
        ("status: in_force", "status: unclear", 1, '"status_note" is a required property'),
        ("id: local\n", "id: house\n", 1, "pack house exists already in packs/house.yaml"),
        (PACK, "", 1, "the file is empty"),
    ],
)
def test_a_fault_names_its_line(folder: Path, old: str, new: str, line: int, message: str) -> None:
    assert old in PACK
    faults = faults_of(folder, PACK.replace(old, new, 1))
    assert any(
        re.match(rf"packs/local.yaml:{line}: .*{re.escape(message)}", fault) for fault in faults
    ), faults


@pytest.mark.parametrize(
    ("condition", "field"),
    [
        (
            "{allOf: [{properties: {media: {const: image}}}], properties: {media: {const: video}}}",
            "media",
        ),
        ("{properties: {media: {enum: [image, video], not: {enum: [image, video]}}}}", "media"),
        ("{properties: {seconds: {minimum: 9, maximum: 8}}}", "seconds"),
        (
            "{properties: {principal: {properties: {chain_length: {minimum: 65}}}}}",
            "principal.chain_length",
        ),
        ("{properties: {references: {minItems: 2, maxItems: 1}}}", "references"),
        ("{properties: {references: {contains: {pattern: a}, maxItems: 0}}}", "references"),
        ("{properties: {roles: {contains: {const: provider}, items: {const: deployer}}}}", "roles"),
        (
            "{allOf: [{properties: {quote: {type: object}}}], properties: {quote: {const: null}}}",
            "quote",
        ),
        (
            "{properties: {media: {const: audio}}, anyOf: [{properties: {media: {const: image}}}, "
            "{properties: {media: {const: video}}}]}",
            "media",
        ),
    ],
)
def test_a_rule_that_can_never_match_is_pointed_out_and_does_no_harm(
    folder: Path, condition: str, field: str
) -> None:
    old = PACK[PACK.index("    when:") : PACK.index("    then:")]
    assert faults_of(folder, PACK.replace(old, f"    when: {condition}\n")) == []
    (warning,) = warnings(folder)
    assert str(warning).startswith("packs/local.yaml:17: rule local-1 can never match")
    assert f"“{field}”" in warning.message
    assert load(folder).rules


@given(inputs)
@settings(max_examples=40, deadline=None)
def test_no_rule_that_matches_anything_is_said_to_match_never(
    policy: Policy, facts: dict[str, Any]
) -> None:
    content = json.loads(policy.document)
    whens = {rule["id"]: rule["when"] for pack in content["packs"] for rule in pack["rules"]}
    for matched in decide(policy, facts).rules:
        assert never(whens[matched.id], content["decision_input"]) is None


ALTERNATIVE = "alternative: {group: local, choice: here}\n"


def test_of_packs_that_exclude_each_other_the_switch_names_one(folder: Path) -> None:
    (fault,) = faults_of(folder, ALTERNATIVE + PACK)
    assert fault == "packs/local.yaml:1: alternatives.yaml makes no choice for the group “local”"
    switch = folder / "alternatives.yaml"
    switch.write_text(switch.read_text("utf-8") + "  local: here\n", "utf-8")
    assert check(folder) == []
    active = {pack for pack, _ in load(folder).packs}
    assert "local" in active
    assert "local" not in {pack for pack, _ in load(folder, {"local": "elsewhere"}).packs}


def test_two_packs_for_one_choice_are_refused(folder: Path) -> None:
    switch = folder / "alternatives.yaml"
    switch.write_text(switch.read_text("utf-8") + "  local: here\n", "utf-8")
    twin = PACK.replace("id: local", "id: twin").replace("local-1", "twin-1")
    (folder / "packs" / "twin.yaml").write_text(ALTERNATIVE + twin, "utf-8")
    (fault,) = faults_of(folder, ALTERNATIVE + PACK)
    assert "packs/local.yaml makes the same choice" in fault


def test_a_choice_that_no_pack_offers_is_refused(folder: Path) -> None:
    switch = folder / "alternatives.yaml"
    switch.write_text(switch.read_text("utf-8").replace("sb942", "sb943", 1), "utf-8")
    text = switch.read_text("utf-8")
    switch.write_text(text.replace("california: sb942", "california: sb943"), "utf-8")
    faults = [str(fault) for fault in check(folder)]
    assert faults == ["alternatives.yaml:6: no pack of “california” is the choice “sb943”"]


def test_all_faults_are_reported_at_once(folder: Path) -> None:
    text = PACK.replace("purpose:", "porpoise:").replace("months: 6", "months: 0")
    assert len(faults_of(folder, text)) == 2


def test_a_faulty_folder_does_not_load(folder: Path) -> None:
    faults_of(folder, PACK.replace("retain.records", "retain.everything"))
    with pytest.raises(
        ConfigurationError, match=r"packs/local.yaml:24: there is no duty"
    ) as caught:
        load(folder)
    assert caught.value.code == "policy_invalid"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("p, x, role:agent, *, review, decide, allways, allow", "there is no condition “allways”"),
        ("p, x, role:agent, *, review, decide, always, Deny", "allow or deny, not “Deny”"),
        ("p, x, role:agent, *, review, peek, always, allow", "no action review:peek"),
        ("p, x, agent, *, review, read, always, allow", "the subject is role:<name>"),
        ("p, x, *, *, review, read, always, allow", "the subject is role:<name>"),
        ("p, x, role:agent, acme, review, read, always, allow", "the domain is * or org/…"),
        ("p, agent.model.list, role:agent, *, review, read, always, allow", "empty or taken"),
        ("p, x, role:agent, *, review, read, always", "a row is"),
        ("g, usr_1, role:agent, org/acme", "a row is"),
    ],
)
def test_a_bad_authorization_row_names_its_line(folder: Path, row: str, message: str) -> None:
    path = folder / "authorization" / "policy.csv"
    text = path.read_text("utf-8")
    path.write_text(f"{text}{row}\n", "utf-8")
    (fault,) = check(folder)
    assert (fault.file, fault.line) == ("authorization/policy.csv", len(text.splitlines()) + 1)
    assert message in fault.message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (" && !some(where (p.eft == deny))", ""),
        ("g(r.sub, p.sub, r.dom)", "g(r.sub, p.sub, p.dom)"),
        ("holds(p.cond, p.eft, r.facts) && ", ""),
        ('p.sub == "*" || ', ""),
        ("[matchers]", "[matcher]"),
    ],
)
def test_an_authorization_model_that_casbin_reads_otherwise_is_refused(
    folder: Path, old: str, new: str
) -> None:
    path = folder / "authorization" / "model.conf"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    with pytest.raises(ConfigurationError, match="Casbin"):
        load(folder)


def _without_packs(folder: Path) -> None:
    for path in (folder / "packs").iterdir():
        path.unlink()


def _without_pack_schema(folder: Path) -> None:
    (folder / "schemas" / "rule-pack.schema.json").unlink()


def _without_model(folder: Path) -> None:
    (folder / "authorization" / "model.conf").unlink()


def _without_vocabulary(folder: Path) -> None:
    (folder / "schemas" / "duties.schema.json").unlink()


def _without_territories(folder: Path) -> None:
    (folder / "territories.yaml").unlink()


def _with_a_member_that_is_no_country(folder: Path) -> None:
    path = folder / "territories.yaml"
    path.write_text(path.read_text("utf-8").replace("[AT,", "[XX,"), "utf-8")


def _with_a_group_named_like_a_country(folder: Path) -> None:
    path = folder / "territories.yaml"
    path.write_text(path.read_text("utf-8").replace("  EU:", "  DE:"), "utf-8")


def _with_a_state_in_no_country(folder: Path) -> None:
    path = folder / "territories.yaml"
    path.write_text(path.read_text("utf-8") + "  XX-YY: Nowhere\n", "utf-8")


def _without_alternatives(folder: Path) -> None:
    (folder / "alternatives.yaml").unlink()


def _with_broken_schema(folder: Path) -> None:
    (folder / "schemas" / "duties.schema.json").write_text('{\n"a": ', "utf-8")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_without_packs, "packs:1: there is no rule pack"),
        (_without_pack_schema, r"\Aschemas/rule-pack.schema.json:1: the file cannot be read.*\Z"),
        (_without_model, "authorization/model.conf:1: the file cannot be read"),
        (_without_vocabulary, "schemas/duties.schema.json:1: the file cannot be read"),
        (_without_territories, "territories.yaml:1: the file cannot be read"),
        (_with_a_member_that_is_no_country, "territories.yaml:10: there is no country XX"),
        (_with_a_group_named_like_a_country, "territories.yaml:8: DE is a country, not a group"),
        (_with_a_state_in_no_country, "territories.yaml:.*: XX-YY lies in no country"),
        (_without_alternatives, "alternatives.yaml:1: the file cannot be read"),
        (_with_broken_schema, "schemas/duties.schema.json:2: "),
    ],
)
def test_an_incomplete_folder_is_refused(folder: Path, spoil: Spoil, message: str) -> None:
    spoil(folder)
    with pytest.raises(ConfigurationError, match=message):
        load(folder)


def test_the_digest_names_rules_and_roles_alike(folder: Path) -> None:
    digests = {load(folder).digest}
    pack = folder / "packs" / "house.yaml"
    pack.write_text(pack.read_text("utf-8").replace("months: 6", "months: 7"), "utf-8")
    digests.add(load(folder).digest)
    rows = folder / "authorization" / "policy.csv"
    extra = "p, agent.review.read, role:agent, *, review, read, always, allow\n"
    rows.write_text(rows.read_text("utf-8") + extra, "utf-8")
    digests.add(load(folder).digest)
    assert len(digests) == 3
    assert load(folder).digest in digests
