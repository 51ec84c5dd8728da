"""A real HTTP server on the loopback that lets only signed requests in."""

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from governance.client.client import ApiKey, GovernanceClient
from governance.client.signer import RequestSigner
from governance.identity import request_signature
from governance.identity.request_signature import ReceivedRequest, SignedRequest
from governance.kernel.errors import Unauthenticated
from tests.api.site import Site, open_site

SEED = bytes(range(32))
MP4 = b"\0\0\0\x18ftypmp42"
VIDEO = {
    "id": "gen_1",
    "object": "video",
    "model": "auto",
    "status": "completed",
    "progress": 100,
    "created_at": 1_795_345_925,
    "size": "1280x720",
    "seconds": "4",
}


@dataclass(frozen=True)
class Seen:
    """A request that came in, with the verified signature."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    signed: SignedRequest


@dataclass
class Service:
    """What the server saw; failures: statuses to answer with before it works."""

    url: str
    authority: str
    signer: RequestSigner
    seen: list[Seen] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)


class Handler(BaseHTTPRequestHandler):
    service: Service

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            signed = self._verify(body)
        except Unauthenticated as error:
            self._answer(401, {"error": {"code": error.code, "message": error.message}})
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.service.seen.append(Seen(self.command, self.path, headers, body, signed))
        if self.service.failures:
            status = self.service.failures.pop(0)
            self._answer(status, {"error": {"code": "not_now", "message": "Try again."}})
            return
        path = self.path.partition("?")[0]
        self._answer(200, self.service.answers.get(path, VIDEO))

    do_GET = do_POST = do_DELETE = handle_any  # noqa: N815

    def _verify(self, body: bytes) -> SignedRequest:
        path, _, query = self.path.partition("?")
        request = ReceivedRequest(
            method=self.command,
            authority=self.service.authority,
            path=path,
            query=query,
            headers=self.headers.items(),
            body_sha256=hashlib.sha256(body).digest() if body else None,
        )
        presented = request_signature.find(request.headers)
        if presented is None:
            raise Unauthenticated("credentials_missing", "Sign the request.")
        known = {self.service.signer.keyid: self.service.signer.public_key}
        return request_signature.verify(request, presented, known.get)

    def _answer(self, status: int, answer: Any) -> None:
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        kind = "video/mp4" if isinstance(answer, bytes) else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def service() -> Iterator[Service]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        authority = f"127.0.0.1:{server.server_port}"
        Handler.service = Service(f"http://{authority}", authority, RequestSigner(SEED))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Handler.service
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("site")) as opened:
        opened.employ("desk", ["asset:import", "generation:read"], "producer")
        yield opened


@pytest.fixture
def client(site: Site) -> Iterator[GovernanceClient]:
    """Of a service that may import files."""
    with GovernanceClient(site.url, auth=ApiKey(site.keys["desk"])) as opened:
        yield opened
