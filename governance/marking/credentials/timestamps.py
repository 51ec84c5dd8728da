"""Time stamps (RFC 3161) for manifests, asked for in bounded time.

The native library waits for half a minute on an authority that doesn't answer, and then refuses
to sign at all. So it asks a relay on the loopback address, which asks the authority, gives up
early and answers in any case; whoever signs then goes on without a time stamp.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx

QUERY = "application/timestamp-query"
REPLY = "application/timestamp-reply"

ATTEMPTS = 2
PATIENCE = 3.0  # seconds for one attempt
MAX_BYTES = 64 * 1024  # a query has about 60 bytes, a token with its certificates about 6 kB


@contextmanager
def relay(authority: str) -> Iterator[str]:
    """A loopback address that passes one time-stamp query after the other on to `authority`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            reply = request(authority, self.rfile.read(min(size, MAX_BYTES)))
            self.send_response(200 if reply else 503)
            self.send_header("Content-Type", REPLY)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def request(authority: str, query: bytes) -> bytes:
    """The authority's answer to `query` (a DER TimeStampReq); empty where none came in time."""
    for _ in range(ATTEMPTS):
        try:
            return _ask(authority, query)
        except httpx.HTTPError:
            continue
    return b""


def _ask(authority: str, query: bytes) -> bytes:
    """One attempt. Raises httpx.HTTPError, also for an answer that trickles in or has no end."""
    headers = {"Content-Type": QUERY, "Accept": REPLY}
    deadline = time.monotonic() + PATIENCE
    reply = b""
    with (
        httpx.Client(timeout=PATIENCE, follow_redirects=False, trust_env=False) as client,
        client.stream("POST", authority, content=query, headers=headers) as response,
    ):
        response.raise_for_status()
        for chunk in response.iter_bytes():
            reply += chunk
            if len(reply) > MAX_BYTES or time.monotonic() > deadline:
                raise httpx.ReadTimeout("the time stamp is too large or too slow")
    return reply
