"""The command `governance`. Each command imports what it needs; `verify` loads no server."""

import argparse
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from governance import __version__

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from governance.app import Platform
    from governance.lifecycle.context import Context

STOP_TIMEOUT = 5  # seconds that a stopping service waits for downloads under way


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
    except OSError as error:  # a file or folder that was named cannot be read or written
        print(f"governance: {error}", file=sys.stderr)
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

    person = commands.add_parser("add-person", help="make an account for a person")
    person.add_argument("username")
    person.add_argument("--name", required=True, help="how the person is called")
    _add_roles(person)
    person.set_defaults(run=_add_person)

    agent = commands.add_parser("add-agent", help="make a key for an agent and register it")
    agent.add_argument("name")
    agent.add_argument("--accountable", required=True, help="user name of who answers for it")
    agent.add_argument("--key", type=Path, required=True, help="key file to write (PEM)")
    _add_roles(agent)
    agent.set_defaults(run=_add_agent)

    policies = commands.add_parser("policies", help="work with rule packs")
    actions = policies.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser("check", help="say what is wrong, with file and line")
    check.add_argument("folder", type=Path, nargs="?", help="policies folder")
    check.set_defaults(run=_policies_check)

    states = commands.add_parser("states", help="print the table of steps as Markdown")
    states.set_defaults(run=_states)
    return parser


def _add_scope(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--project", help="one project (default: all)")
    parser.add_argument("--organisation", help="organisation (default: the service's own)")
    parser.add_argument("--data", type=Path, help="data folder (default: data)")
    parser.add_argument("--out", type=Path, help="file to write")


def _add_roles(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--role", action="append", default=[], help="role to give; repeatable")
    parser.add_argument("--data", type=Path, help="data folder (default: data)")


def _serve(options: argparse.Namespace) -> int:
    import uvicorn

    from governance.app import create_app, open_platform
    from governance.kernel import logs, settings

    given = {"data_dir": options.data, "host": options.host, "port": options.port}
    chosen = settings.load(**{name: value for name, value in given.items() if value is not None})
    with _listen(chosen.host, chosen.port) as listening:
        logs.configure()
        platform = open_platform(chosen)
        _welcome(platform)
        print(f"Governance service on {chosen.base_url} (data: {chosen.data_dir})", flush=True)
        config = uvicorn.Config(
            create_app(platform),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_TIMEOUT,
        )
        # The server stops cleanly on a signal, then raises it again: that is no failure.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])
    return 0


def _listen(host: str, port: int) -> socket.socket:
    """The port, before anything else is touched: a first start says its password only once."""
    from governance.kernel.errors import ConfigurationError

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError:
        raise ConfigurationError(
            "address_unavailable",
            f"Cannot listen on {host}, port {port}: it is taken, or not this machine's. Choose "
            "another with --port or --host.",
        ) from None


def _welcome(platform: "Platform") -> None:
    """What only the first start can say."""
    settings = platform.context.settings
    if platform.first is not None:
        print(
            f"\nFirst start. Sign in at {settings.base_url}/sign-in as “admin” with the one-time "
            f"password\n\n    {platform.first.password}\n\nRoot fingerprint for your auditors: "
            f"{platform.context.ledger.keyring.root}\nMove the root key off this machine: "
            f"{settings.keys_dir / 'root-key-README.txt'}\n"
        )


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


def _add_person(options: argparse.Namespace) -> int:
    from governance.identity import people
    from governance.ledger import SERVICE

    with _published(options.data) as context:

        def run(connection: "Connection") -> people.NewPerson:
            made = people.add_person(
                connection,
                context.ledger,
                organisation=context.settings.organisation,
                username=options.username,
                name=options.name,
                by=SERVICE,
            )
            _grant(connection, context, made.id, options.role)
            return made

        made = context.database.write(run)
    print(f"{made.id}\nOne-time password, to choose another with: {made.password}")
    return 0


def _add_agent(options: argparse.Namespace) -> int:
    from governance.client.keyfile import create_key
    from governance.client.signer import RequestSigner
    from governance.identity import agents, people
    from governance.ledger import SERVICE

    with _published(options.data) as context:
        organisation, audience = context.settings.organisation, context.settings.authority
        with context.database.read() as session:
            accountable = people.person_by_username(session, options.accountable).id
        signer = RequestSigner(create_key(options.key))
        proof = signer.prove_possession(
            organisation=organisation, accountable=accountable, audience=audience
        )

        def run(connection: "Connection") -> str:
            made = agents.register_agent(
                connection,
                context.ledger,
                organisation=organisation,
                name=options.name,
                accountable=accountable,
                public_key=signer.public_key,
                proof=proof,
                audience=audience,
                by=SERVICE,
            )
            _grant(connection, context, made, options.role)
            return made

        try:
            made = context.database.write(run)
        except Exception:
            options.key.unlink()  # a key that was never registered is good for nothing
            raise
    print(f"{made}\nKey: {options.key} (give it to the agent's program, never to a prompt)")
    return 0


def _grant(connection: "Connection", context: "Context", subject: str, roles: list[str]) -> None:
    from governance.ledger import SERVICE
    from governance.policy import assignments, domain_of

    for role in roles:
        assignments.grant(
            connection,
            context.ledger,
            context.policies.policy,
            subject=subject,
            role=f"role:{role}",
            domain=domain_of(context.settings.organisation),
            by=SERVICE,
        )


def _policies_check(options: argparse.Namespace) -> int:
    from governance import policy
    from governance.kernel.settings import packaged
    from governance.review import reasons
    from governance.routing import catalogue
    from governance.screening import prompt

    folder = options.folder or packaged("policies")
    checks = (policy.check, catalogue.check, prompt.check, reasons.check)
    faults = [str(fault) for check in checks for fault in check(folder)]
    count = "1 fault" if len(faults) == 1 else f"{len(faults) or 'no'} faults"
    print("\n".join([*faults, f"policies: {count}"]))
    return 1 if faults else 0


def _states(options: argparse.Namespace) -> int:
    from governance.lifecycle.documentation import table

    print(table())
    return 0


@contextmanager
def _published(data: Path | None) -> Iterator["Context"]:
    """The data folder's context with everything pending published; no engine runs."""
    from governance.app import open_platform
    from governance.kernel import settings

    platform = open_platform(settings.load(**({"data_dir": data} if data else {})))
    _welcome(platform)
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
