"""Commands that make and run the service and tell of it: init, serve, demo, states."""

import argparse
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from governance.cli.data import Commands, add_data, welcome

if TYPE_CHECKING:
    from governance.app import Platform

SIMULATED_DATA = Path("data-simulated")
SIMULATED_LOG = "governance.simulated/log"
STOP_TIMEOUT = 5  # seconds that a stopping service waits for downloads under way


def add_to(commands: Commands) -> None:
    init = commands.add_parser("init", help="make a new service; `serve` does it, too")
    add_data(init)
    init.set_defaults(run=_init)

    serve = commands.add_parser("serve", help="run the service")
    add_data(serve)
    serve.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port (default: 8000)")
    serve.add_argument(
        "--simulate",
        action="store_true",
        help="simulate all vendors on this machine, in a data folder of its own (data-simulated)",
    )
    serve.set_defaults(run=_serve)

    demo = commands.add_parser("demo", help="watch the whole story, from request to verification")
    demo.add_argument("--out", type=Path, help="folder for the results (default: a temporary one)")
    demo.set_defaults(run=_demo)

    states = commands.add_parser("states", help="print the table of steps as Markdown")
    states.set_defaults(run=_states)


def _init(options: argparse.Namespace) -> int:
    from governance.app import open_platform
    from governance.kernel import settings

    chosen = settings.load(**({"data_dir": options.data} if options.data else {}))
    platform = open_platform(chosen)
    platform.context.database.close()
    welcome(platform)
    if platform.first is None:
        print(f"There is a service in {chosen.data_dir} already; nothing was changed.")
    return 0


def _serve(options: argparse.Namespace) -> int:
    import uvicorn

    from governance.app import create_app, open_platform
    from governance.kernel import logs, settings

    given = {"data_dir": options.data, "host": options.host, "port": options.port}
    named = {name: value for name, value in given.items() if value is not None}
    with _simulated(options.simulate) as simulated, ExitStack() as stack:
        chosen = settings.load(**{**simulated, **named})
        listening = stack.enter_context(_listen(chosen.host, chosen.port))
        logs.configure()
        platform = open_platform(chosen)
        if simulated:
            _sign_graphs(platform)
        welcome(platform)
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


@contextmanager
def _simulated(wanted: bool) -> Iterator[dict[str, Any]]:
    """Settings with an account at a simulator of every vendor; none unless they are wanted.

    No log may say of a simulated clip that a vendor made it, so this one has a name that tells.
    """
    if not wanted:
        yield {}
        return
    from governance.simulators.market import market

    with market() as accounts:
        print(f"Simulated on this machine: {', '.join(sorted(accounts))}")
        yield {"data_dir": SIMULATED_DATA, "log_origin": SIMULATED_LOG, "providers": accounts}


def _sign_graphs(platform: "Platform") -> None:
    from governance.routing import graphs

    settings, key = platform.context.settings, platform.context.ledger.keyring.record
    graphs.sign(settings.policies_dir, settings.data_dir / graphs.APPROVAL, key)


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


def _demo(options: argparse.Namespace) -> int:
    from governance.demo import run

    return run(options.out)


def _states(options: argparse.Namespace) -> int:
    from governance.lifecycle.documentation import table

    print(table())
    return 0
