"""A real server for the pages, and a client that behaves as a browser does with forms."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import httpx
import uvicorn
from fastapi import FastAPI

from governance.identity.sessions import COOKIE
from governance.web.routes import router
from tests.web.backend import PASSWORD, MemoryBackend


@contextmanager
def running(make_app: Callable[[str], FastAPI]) -> Iterator[str]:
    """Run the app that `make_app(base_url)` makes, on a free port of loopback."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # A client that pauses must not meet a connection that is just being closed.
        config = uvicorn.Config(
            make_app(base_url), log_level="warning", lifespan="off", timeout_keep_alive=300
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield base_url
        server.should_exit = True
        thread.join()


@contextmanager
def serve(backend: MemoryBackend) -> Iterator[None]:
    """Serve the pages, under the backend's `base_url` from then on."""

    def make_app(base_url: str) -> FastAPI:
        backend.base_url = base_url
        app = FastAPI()
        app.include_router(router(backend))
        return app

    with running(make_app):
        yield


class Browser:
    """Follows no redirects; sends what a browser sends with a form of the same site."""

    def __init__(self, base_url: str) -> None:
        self._http = httpx.Client(base_url=base_url)
        self.token = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self._http.get(path, headers={**self._cookie(), **headers})

    def post(
        self, path: str, fields: dict[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        sent = {"Sec-Fetch-Site": "same-origin", **self._cookie(), **headers}
        response = self._http.post(path, data=fields, headers=sent)
        cookie = response.headers.get("set-cookie", "")
        if cookie.startswith(f"{COOKIE}="):
            self.token = cookie.split(";")[0].removeprefix(f"{COOKIE}=").strip('"')
        return response

    def sign_in(self, username: str = "ana", password: str = PASSWORD) -> httpx.Response:
        return self.post("/sign-in", {"username": username, "password": password})

    def _cookie(self) -> dict[str, str]:
        # A browser keeps a `Secure` cookie for loopback; httpx only for https.
        return {"Cookie": f"{COOKIE}={self.token}"} if self.token else {}
