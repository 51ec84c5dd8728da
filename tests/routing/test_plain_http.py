"""Calls without an SDK: asked as often as one likes, ordered at most once, never led elsewhere."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from governance.kernel.errors import ConfigurationError
from governance.routing import Fault, plain_http
from governance.routing.plain_http import PlainHTTP

SEEN: Counter[str] = Counter()


class Handler(BaseHTTPRequestHandler):
    """Does what the path says, and counts it."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        SEEN[f"{self.command} {self.path} from {self.client_address[1]}"] += 1
        SEEN[f"{self.command} {self.path}"] += 1
        body = b"{}" if self.path != "/large" else b"x" * 5000
        if self.path == "/cut":
            self.send_response(200)
            self.send_header("content-length", "99")
            self.end_headers()
            self.close_connection = True
            return
        self.send_response(302 if self.path.startswith("/away") else 200)
        self.send_header("location", "http://x:port" if "broken" in self.path else "/elsewhere")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self._send(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.do_GET()

    def _send(self, body: bytes) -> None:
        if self.path != "/slow":
            self.wfile.write(body)
            return
        for letter in body:
            time.sleep(0.3)
            self.wfile.write(bytes([letter]))

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def ports(call: str) -> int:
    """Over how many connections it came."""
    return sum(name.startswith(f"{call} from") for name in SEEN)


def test_questions_share_a_connection_and_orders_never_do(url: str) -> None:
    http = PlainHTTP(url, 5)

    for _ in range(3):
        http.read("/asked", {})
        http.order("/ordered", {}, {})

    assert ports("GET /asked") == 1
    assert ports("POST /ordered") == 3


@pytest.mark.parametrize("method", ["read", "order"])
def test_a_redirect_is_an_answer_and_not_followed(url: str, method: str) -> None:
    http = PlainHTTP(url, 5)

    answer = http.read("/away", {}) if method == "read" else http.order("/away", {}, {})

    assert answer.status == 302
    assert SEEN["GET /elsewhere"] == SEEN["POST /elsewhere"] == 0


def test_a_redirect_to_nowhere_leaves_an_order_in_doubt(url: str) -> None:
    with pytest.raises(Fault) as fault:
        PlainHTTP(url, 5).order("/away/broken", {}, {})

    assert fault.value.kind == "ambiguous"


def test_a_long_answer_is_cut(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_http, "ANSWER_LIMIT", 1000)

    assert len(PlainHTTP(url, 5).read("/large", {}).text) == 1000


def test_an_answer_that_drips_is_cut(url: str) -> None:
    assert PlainHTTP(url, 0.5).read("/slow", {}).text in ("{", "{}")


def test_an_answer_that_breaks_off_leaves_an_order_in_doubt(url: str) -> None:
    http = PlainHTTP(url, 5)

    with pytest.raises(Fault) as fault:
        http.order("/cut", {}, {})
    assert fault.value.kind == "ambiguous"
    assert SEEN["POST /cut"] == 1

    with pytest.raises(Fault) as fault:
        http.read("/cut", {})
    assert fault.value.kind == "unavailable"


@pytest.mark.parametrize(
    ("address", "key", "kind"),
    [
        ("http://", "key", "unavailable"),
        ("http://[::1", "key", "unavailable"),
        ("http://127.0.0.1:1", "key", "unavailable"),
        ("http://127.0.0.1:1", "klíč", "auth"),
    ],
)
def test_what_cannot_leave_has_cost_nothing(address: str, key: str, kind: str) -> None:
    http = PlainHTTP(address, 5)

    with pytest.raises(Fault) as asked:
        http.read("/", {"x-key": key})
    with pytest.raises(Fault) as ordered:
        http.order("/", {"x-key": key}, {})

    assert asked.value.kind == ordered.value.kind == kind


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="http"):
        PlainHTTP("example.com", 5)
