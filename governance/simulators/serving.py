"""Run a FastAPI application on a free loopback port, in a thread of this process."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Generic, Protocol, Self, TypeVar

import uvicorn
from fastapi import FastAPI


class Keyed(Protocol):
    """The state of a simulated vendor. key: what its clients must send; empty: nothing."""

    key: str


StateT = TypeVar("StateT", bound=Keyed)


class Simulation(Generic[StateT]):
    """A vendor's HTTP API on a free loopback port while the `with` block runs.

    url: the base URL for clients, `path` included; counted: how often each order has arrived.
    """

    def __init__(
        self, app: FastAPI, state: StateT, counted: Counter[str], port: int, path: str = ""
    ) -> None:
        self.state = state
        self.key = state.key
        self.url = ""
        self._app, self._counted, self._port, self._path = app, counted, port, path
        self._running = ExitStack()

    def __enter__(self) -> Self:
        self.url = self._running.enter_context(served(self._app, self._port)) + self._path
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def posts(self, order: str) -> int:
        """How often that order has arrived: by its key, or by its prompt where it has none."""
        return self._counted[order]


@contextmanager
def served(app: FastAPI, port: int = 0) -> Iterator[str]:
    """The address (`http://127.0.0.1:…`) while it runs; port 0 takes any free one."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)  # from here on clients may connect, even before the loop runs
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            # uvloop has a clock of its own, so the server runs on while a test freezes time.
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="off",
            log_level="critical",
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()
