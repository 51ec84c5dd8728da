"""The command `governance`. Each command imports what it needs; `verify` loads no server."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from governance import __version__

if TYPE_CHECKING:
    from governance.lifecycle.context import Context


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 refused or not verified, 2 bad usage."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    if run is _verify:  # loads nothing of the service, not even its errors
        return run(options)
    from governance.kernel.errors import GovernanceError

    try:
        return run(options)
    except GovernanceError as error:
        print(f"governance: {error.message}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="governance", description="Governance service for AI media generation."
    )
    parser.add_argument("--version", action="version", version=f"governance {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="run the service")
    serve.add_argument("--data", type=Path, help="data folder (default: data)")
    serve.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port (default: 8000)")
    serve.set_defaults(run=_serve)

    demo = commands.add_parser("demo", help="watch the whole story, from request to verification")
    demo.add_argument("--out", type=Path, help="folder for the results (default: a temporary one)")
    demo.set_defaults(run=_demo)

    verify = commands.add_parser("verify", help="verify a bundle or a report, offline")
    verify.add_argument("file", type=Path, help="evidence bundle (.zip) or report (.pdf)")
    verify.add_argument("--root", required=True, help="root fingerprint you were given, SHA256:…")
    verify.add_argument("--json", action="store_true", help="answer as JSON")
    verify.set_defaults(run=_verify)

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

    policies = commands.add_parser("policies", help="work with rule packs")
    actions = policies.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser(
        "check", help="say what is wrong, with file and line"
    )
    check.add_argument("folder", type=Path, nargs="?", help="policies folder")
    check.set_defaults(run=_policies_check)
    return parser


def _add_scope(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", help="one project (default: all)")
    parser.add_argument("--organisation", help="organisation (default: the service's own)")
    parser.add_argument("--data", type=Path, help="data folder (default: data)")
    parser.add_argument("--out", type=Path, help="file to write")


def _serve(options: argparse.Namespace) -> int:
    import uvicorn

    from governance.app import create_app, open_platform
    from governance.kernel import logs, settings

    given = {"data_dir": options.data, "host": options.host, "port": options.port}
    chosen = settings.load(**{name: value for name, value in given.items() if value is not None})
    logs.configure()
    platform = open_platform(chosen)
    if platform.first is not None:
        print(
            f"\nFirst start. Sign in at {chosen.base_url}/sign-in as “admin” with the one-time "
            f"password\n\n    {platform.first.password}\n\nRoot fingerprint for your auditors: "
            f"{platform.context.ledger.keyring.root}\nMove the root key off this machine: "
            f"{chosen.keys_dir / 'root-key-README.txt'}\n"
        )
    print(f"Governance service on {chosen.base_url} (data: {chosen.data_dir})", flush=True)
    config = uvicorn.Config(
        create_app(platform),
        host=chosen.host,
        port=chosen.port,
        log_config=None,
        access_log=False,
        server_header=False,
    )
    uvicorn.Server(config).run()
    return 0


def _demo(options: argparse.Namespace) -> int:
    from governance.demo import run

    return run(options.out)


def _verify(options: argparse.Namespace) -> int:
    from governance.evidence import terminal
    from governance.evidence.verify import verify_file

    verdict = verify_file(options.file, options.root)
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
    with _published(options.data) as context:
        organisation = options.organisation or context.settings.organisation
        issued = issue_report(context, Scope(organisation, options.project, start, end), by=None)
        return _write(options.out or Path(f"{issued.id}.pdf"), issued.data, context)


def _export(options: argparse.Namespace) -> int:
    from governance.reporting.issue import issue_export

    with _published(options.data) as context:
        organisation = options.organisation or context.settings.organisation
        issued = issue_export(
            context, organisation, options.project, by=None, disclose=options.disclose
        )
        return _write(options.out or Path(f"{issued.id}.zip"), issued.data, context)


def _policies_check(options: argparse.Namespace) -> int:
    from governance import policy
    from governance.kernel.errors import ConfigurationError
    from governance.kernel.settings import packaged
    from governance.review import reasons
    from governance.routing import catalogue
    from governance.screening import prompt

    folder = options.folder or packaged("policies")
    faults = [*map(str, policy.check(folder)), *reasons.check(folder)]
    for load in (catalogue.load, prompt.load_prompt_rules):
        try:
            load(folder)
        except ConfigurationError as error:
            faults.append(error.message)
    print("\n".join([*faults, f"{len(faults)} faults"]) if faults else "policies: no faults")
    return 1 if faults else 0


@contextmanager
def _published(data: Path | None) -> Iterator["Context"]:
    """The data folder's context with everything pending published; no engine runs."""
    from governance.app import open_platform
    from governance.kernel import settings

    platform = open_platform(settings.load(**({"data_dir": data} if data else {})))
    try:
        platform.publisher.publish()
        yield platform.context
        platform.publisher.publish()
    finally:
        platform.context.database.close()


def _write(path: Path, data: bytes, context: "Context") -> int:
    path.write_bytes(data)
    print(f"{path}\nVerify: governance verify {path} --root {context.ledger.keyring.root}")
    return 0
