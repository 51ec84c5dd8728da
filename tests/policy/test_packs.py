"""A policy folder with a mistake in it is refused, naming file, line and what to do."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from governance.kernel.errors import ConfigurationError
from governance.policy import check, load
from tests.policy.conftest import ROOT

PACK = """\
id: local
version: "2026.11.22"
title: Local rules
jurisdiction: Here
territories: ["*"]
source: Ourselves
as_of: "2026-11-22"
rules:
  - id: local-1
    cites: Local rule 1
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


def test_the_shipped_policy_folder_has_no_fault() -> None:
    assert check(ROOT / "policies") == []


def test_a_pack_of_ones_own_joins_the_others(folder: Path) -> None:
    assert faults_of(folder, PACK) == []
    assert ("local", "2026.11.22") in load(folder).packs


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("kind: retain.records", "kind: retain.everything", 22, "there is no duty “retain.every"),
        ("months: 6", "months: 0", 22, "retain.records: months 0 is less than"),
        ("months: 6", "weeks: 6", 22, "retain.records:"),
        ("{months: 6}", "{}", 22, '"months" is a required property'),
        (
            "retain.records, parameters: {months: 6}",
            "mark.watermark, parameters: {}",
            22,
            "observe",
        ),
        ("level: house", "level: rumour", 11, '"rumour" is not one of'),
        ("mode: enforce", "mode: enforced", 13, '"enforced" is not one of'),
        ("because:", "why:", 9, "Additional properties"),
        ("    cites: Local rule 1\n", "", 9, '"cites" is a required property'),
        ('"2026-01-01"', '"2026-02-30"', 14, "2026-02-30 is not a day"),
        ('"2026-01-01"}', '"2026-01-02", until: "2026-01-01"}', 14, "“until” lies before “from”"),
        ("purpose:", "porpoise:", 17, "the decision input has no field “porpoise”"),
        ("const: final", "const: finished", 17, "this field is never 'finished'"),
        ("const: no}", "enum: [no, never]}", 18, "this field is never 'never'"),
        ("{const: final}", "{minimum: 3}", 17, "“minimum” cannot be asked of this field"),
        (
            "purpose: {const: final}",
            "quote: {properties: {cents: {minimum: 1}}}",
            17,
            "may be null",
        ),
        ("{const: final}", "{$ref: elsewhere.json}", 17, "Additional properties"),
        ("{const: final}", '{pattern: "("}', 17, '"(" is not a "regex"'),
        ("effect: permit", "effect: review", 19, "effect review and duty review.people"),
        (
            "id: local-1",
            "id: house-retain",
            9,
            "rule house-retain exists already in packs/house.yaml",
        ),
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


def test_all_faults_are_reported_at_once(folder: Path) -> None:
    text = PACK.replace("purpose:", "porpoise:").replace("months: 6", "months: 0")
    assert len(faults_of(folder, text)) == 2


def test_a_faulty_folder_does_not_load(folder: Path) -> None:
    faults_of(folder, PACK.replace("retain.records", "retain.everything"))
    with pytest.raises(
        ConfigurationError, match=r"packs/local.yaml:22: there is no duty"
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


def _with_broken_schema(folder: Path) -> None:
    (folder / "schemas" / "duties.schema.json").write_text('{\n"a": ', "utf-8")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_without_packs, "packs:1: there is no rule pack"),
        (_without_pack_schema, r"\Aschemas/rule-pack.schema.json:1: the file cannot be read.*\Z"),
        (_without_model, "authorization/model.conf:1: the file cannot be read"),
        (_without_vocabulary, "schemas/duties.schema.json:1: the file cannot be read"),
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
