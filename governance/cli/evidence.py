"""Commands for evidence: verify, report, export."""

import argparse
import sys
from pathlib import Path

from governance.cli.data import Commands, add_data, published, write


def add_to(commands: Commands) -> None:
    check = commands.add_parser("verify", help="verify a bundle or a report, offline")
    check.add_argument("file", type=Path, help="evidence bundle (.zip) or report (.pdf)")
    check.add_argument("--root", required=True, help="root fingerprint you were given, SHA256:…")
    check.add_argument(
        "--receipt",
        type=Path,
        action="append",
        default=[],
        help="a receipt that you kept: is it in the log? repeatable",
    )
    check.add_argument("--json", action="store_true", help="answer as JSON")
    check.set_defaults(run=verify)

    report = commands.add_parser("report", help="issue a PDF report")
    report.add_argument(
        "--from", dest="start", required=True, help="first moment: RFC 3339 or date"
    )
    report.add_argument("--to", dest="end", required=True, help="end (not included)")
    _add_scope(report)
    report.set_defaults(run=_report)

    export = commands.add_parser("export", help="export an evidence bundle")
    export.add_argument("--disclose", action="store_true", help="open personal data in it")
    _add_scope(export)
    export.set_defaults(run=_export)


def verify(options: argparse.Namespace) -> int:
    from governance.evidence import terminal
    from governance.evidence.verify import verify_file

    try:
        kept = [path.read_bytes() for path in options.receipt]
    except OSError as error:
        print(f"governance: {error}", file=sys.stderr)
        return 1
    verdict = verify_file(options.file, options.root, kept)
    print(terminal.as_json(verdict) if options.json else terminal.as_text(verdict))
    return 0 if verdict.failure is None else 1


def _report(options: argparse.Namespace) -> int:
    from governance.kernel import clock
    from governance.kernel.errors import InvalidRequest
    from governance.reporting.issue import Scope, issue_report

    try:
        start, end = clock.parse(options.start), clock.parse(options.end)
    except ValueError as error:
        raise InvalidRequest("period_invalid", f"--from and --to: {error}.") from None
    with published(options.data) as context:
        organisation = options.organisation or context.settings.organisation
        issued = issue_report(context, Scope(organisation, options.project, start, end), by=None)
        return write(options.out or Path(f"{issued.id}.pdf"), issued.data, context)


def _export(options: argparse.Namespace) -> int:
    from governance.reporting.issue import issue_export

    with published(options.data) as context:
        organisation = options.organisation or context.settings.organisation
        issued = issue_export(
            context, organisation, options.project, by=None, disclose=options.disclose
        )
        return write(options.out or Path(f"{issued.id}.zip"), issued.data, context)


def _add_scope(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", help="one project (default: all)")
    parser.add_argument("--organisation", help="organisation (default: the service's own)")
    add_data(parser)
    parser.add_argument("--out", type=Path, help="file to write")
