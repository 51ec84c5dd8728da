"""The stage: the real service and a simulated vendor, each on a port of this machine."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from governance.app import Platform, create_app, open_platform
from governance.kernel import settings
from governance.simulators.openai_videos import KEY, SimulatedVendor

ORGANISATION = "northlight"
START_TIMEOUT = 20.0


@dataclass(frozen=True)
class Stage:
    """A running service with its address, its first administrator and the vendor."""

    url: str
    platform: Platform
    vendor: SimulatedVendor
    password: str

    @property
    def root(self) -> str:
        """The root fingerprint that an auditor would be given by another way."""
        return self.platform.context.ledger.keyring.root


@contextmanager
def open_stage(data: Path) -> Iterator[Stage]:
    """Start everything on a new data folder; stop it at the end."""
    port = _free_port()
    with SimulatedVendor(delay=1.0) as vendor:
        platform = open_platform(
            settings.load(
                data_dir=data,
                database_url="",
                host="127.0.0.1",
                port=port,
                public_url="",
                organisation=ORGANISATION,
                checkpoint_interval=0.5,
                poll_interval=0.3,
                providers={"openai-videos": {"base_url": vendor.url, "key": KEY}},
            )
        )
        if platform.first is None:
            raise RuntimeError("the demonstration needs a new data folder")
        config = uvicorn.Config(create_app(platform), port=port, log_config=None, access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, name="service", daemon=True)
        thread.start()
        try:
            _wait_until_started(server)
            yield Stage(f"http://127.0.0.1:{port}", platform, vendor, platform.first.password)
        finally:
            server.should_exit = True
            thread.join()


def _wait_until_started(server: uvicorn.Server) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not server.started:
        if time.monotonic() > deadline:
            raise RuntimeError("the service did not start")
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
