"""Commands for rule packs: `governance policies …`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from governance.cli.data import Commands, add_data, published

if TYPE_CHECKING:
    from datetime import datetime

    from governance.lifecycle.context import Context
    from governance.policy import Policy

CURRENT = "current"


def add_to(commands: Commands) -> None:
    policies = commands.add_parser("policies", help="work with rule packs")
    actions = policies.add_subparsers(required=True, metavar="ACTION")

    check = actions.add_parser("check", help="say what is wrong, with file and line")
    check.add_argument("folder", type=Path, nargs="?", help="policies folder")
    check.set_defaults(run=_check)

    test = actions.add_parser("test", help="try the cases beside the packs")
    test.add_argument("folder", type=Path, nargs="?", help="policies folder")
    test.set_defaults(run=_test)

    explain = actions.add_parser("explain", help="tell a decision in plain sentences")
    explain.add_argument("id", nargs="?", help="a generation (gen_…) or a record (rec_…)")
    explain.add_argument("--file", type=Path, help="the body of a policy.decided record, as JSON")
    add_data(explain)
    explain.set_defaults(run=_explain)

    diff = actions.add_parser("diff", help="what would have been decided under other rules")
    diff.add_argument(
        "old", metavar="OLD", help="digest of a stored policy, `current`, or a folder"
    )
    diff.add_argument("new", metavar="NEW", type=Path, help="policies folder")
    _add_period(diff, "30d")
    diff.set_defaults(run=_diff)

    coverage = actions.add_parser("coverage", help="which rules have matched, and how often")
    _add_period(coverage, "90d")
    coverage.set_defaults(run=_coverage)


def _add_period(parser: argparse.ArgumentParser, since: str) -> None:
    parser.add_argument("--since", default=since, help=f"days (30d), or a date (default {since})")
    parser.add_argument("--project", help="one project instead of all")
    parser.add_argument("--organisation", help="default: the one of the settings")
    add_data(parser)


def _check(options: argparse.Namespace) -> int:
    from governance import policy
    from governance.identity import issuers
    from governance.kernel.settings import packaged
    from governance.marking.label import catalogue as labels
    from governance.review import reasons
    from governance.routing import catalogue, graphs, tiers
    from governance.screening import prompt

    folder = _folder(options.folder or packaged("policies"))
    parts = (policy, catalogue, tiers, graphs, prompt, reasons, issuers, labels)
    faults = [str(fault) for part in parts for fault in part.check(folder)]
    count = "1 fault" if len(faults) == 1 else f"{len(faults) or 'no'} faults"
    notes = [f"{warning} (warning)" for warning in policy.warnings(folder)]
    print("\n".join([*faults, *notes, f"policies: {count}"]))
    return 1 if faults else 0


def _test(options: argparse.Namespace) -> int:
    from governance.kernel.settings import packaged
    from governance.policy import cases

    outcomes = cases.run(_folder(options.folder or packaged("policies")))
    failed = [outcome for outcome in outcomes if outcome.fault]
    print("\n".join([*map(str, failed), f"{len(outcomes)} cases, {len(failed)} failed"]))
    return 1 if failed else 0


def _explain(options: argparse.Namespace) -> int:
    from governance.kernel.errors import InvalidRequest

    if (options.id is None) is (options.file is None):
        raise InvalidRequest("usage", "Give the id of a generation or record, or --file.")
    if options.file is not None:
        print("\n".join(_told_file(options.file)))
        return 0
    from governance.lifecycle import explaining

    with published(options.data) as context, context.database.read() as session:
        told = explaining.explain(context, session, options.id)
    print("\n\n".join("\n".join(decision.sentences) for decision in told))
    return 0


def _told_file(path: Path) -> list[str]:
    from governance.evidence import record
    from governance.evidence.encoding import parse_json
    from governance.evidence.errors import EvidenceError
    from governance.kernel.errors import InvalidRequest
    from governance.policy.explain import sentences

    try:
        body: dict[str, Any] = parse_json(path.read_bytes(), str(path))
        record.validate("policy.decided", body)
    except EvidenceError as error:
        raise InvalidRequest("decision_invalid", error.message) from None
    return sentences(body)


def _diff(options: argparse.Namespace) -> int:
    from governance.policy import load, whatif
    from governance.policy.recorded import decided

    new = load(_folder(options.new))
    with published(options.data) as context, context.database.read() as session:
        old = _policy(context, options.old)
        organisation = options.organisation or context.settings.organisation
        recorded = decided(session, organisation, options.project, _since(options.since))
        for line in whatif.lines(whatif.compare(old, new, recorded)):
            print(line)
    return 0


def _coverage(options: argparse.Namespace) -> int:
    from governance.policy.coverage import coverage
    from governance.policy.recorded import decided

    with published(options.data) as context, context.database.read() as session:
        organisation = options.organisation or context.settings.organisation
        recorded = decided(session, organisation, options.project, _since(options.since))
        found = coverage(context.policies.policy, recorded)
    print(f"{found.decisions} decisions; enforced, observed, waived")
    for pack in dict.fromkeys(rule.pack for rule in found.rules):
        print(f"\n{pack}")
        for rule in found.pack(pack):
            counts = f"{rule.enforced:>8} {rule.observed:>8} {rule.waived:>8}"
            print(f"  {counts}  {rule.rule}{'' if rule.is_used else '  never matched'}")
    for name, count in found.gone:
        print(f"{count} decisions name {name}, which is not in the policy any more")
    return 0


def _folder(path: Path) -> Path:
    from governance.kernel.errors import InvalidRequest

    if not path.is_dir():
        raise InvalidRequest("folder_unknown", f"{path} is no folder; name one with rule packs.")
    return path


def _policy(context: "Context", name: str) -> "Policy":
    """A policy by its digest, the one in force, or that of a folder."""
    from governance.policy import load, versions
    from governance.policy.rules import compile_policy

    if name == CURRENT:
        return context.policies.policy
    if Path(name).is_dir():
        return load(Path(name))
    with context.database.read() as session:
        return compile_policy(versions.document(session.connection(), name))


def _since(text: str) -> "datetime":
    """A number of days ago (`30d`), or a date."""
    from datetime import timedelta

    from governance.kernel import clock
    from governance.kernel.errors import InvalidRequest

    number = text.removesuffix("d")
    if number != text and number.isdecimal() and len(number) <= 5:
        return clock.now() - timedelta(days=int(number))
    try:
        return clock.parse(text)
    except ValueError as error:
        raise InvalidRequest("since_invalid", f"--since: {error}, nor days such as 30d.") from None
