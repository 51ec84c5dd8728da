"""Plain HTTP to a vendor without an SDK: no redirects, no retries, no proxy of the environment."""

import ssl
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import httpx

from governance.kernel import clock
from governance.kernel.errors import ConfigurationError
from governance.routing import wire
from governance.routing.account import Account
from governance.routing.answers import sentence
from governance.routing.provider import Fault

ANSWER_LIMIT = 16 * 1024 * 1024  # bytes; what is longer is cut, and is no JSON any more
NOBODY = Account()
_CONNECTIONS = 32
# What a call may raise; InvalidURL: of a redirect that is not followed.
_TROUBLE = (httpx.HTTPError, httpx.InvalidURL, UnicodeError)


@dataclass(frozen=True)
class Answer:
    """status: of HTTP; text: the body, cut at ANSWER_LIMIT or when it came too slowly."""

    status: int
    text: str
    headers: Mapping[str, str]


class PlainHTTP:
    """One vendor's address. timeout: seconds without a byte, and for a whole answer's body.

    account: whose address it is, where it may not lead everywhere.
    Raises ConfigurationError (`provider_url_invalid`).
    """

    def __init__(self, base_url: str, timeout: float, account: Account = NOBODY) -> None:
        if base_url and not base_url.startswith(("https://", "http://")):
            raise ConfigurationError(
                "provider_url_invalid", "The address of the vendor must be an http(s) URL."
            )
        self.base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._account = account

    def read(
        self,
        path: str,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        """A question that may be asked any number of times.

        Raises Fault: `auth` where our key cannot be sent, else `unavailable`.
        """
        request = self._request(self._pooled, "GET", path, headers, params=params)
        try:
            return self._send(self._pooled, request)
        except _TROUBLE as error:
            kind = wire.unsent(error) or "unavailable"
            raise Fault(kind, sentence(kind)) from None

    def order(self, path: str, headers: Mapping[str, str], body: Mapping[str, Any]) -> Answer:
        """One POST. Raises Fault: `unavailable` or `auth` if it never left, else `ambiguous`."""
        request = self._request(self._fresh, "POST", path, headers, json=body)
        try:
            return self._send(self._fresh, request)
        except _TROUBLE as error:
            kind = wire.unsent(error) or "ambiguous"
            raise Fault(kind, sentence(kind)) from None

    def _request(
        self,
        client: httpx.Client,
        method: str,
        path: str,
        headers: Mapping[str, str],
        **content: Any,
    ) -> httpx.Request:
        try:
            request = client.build_request(method, self.base_url + path, **content)
            request.headers.update(headers)
        except (httpx.InvalidURL, UnicodeError) as error:  # letters that cannot be carried
            kind = wire.unsent(error) or "unavailable"
            raise Fault(kind, sentence(kind)) from None
        return request

    def _send(self, client: httpx.Client, request: httpx.Request) -> Answer:
        response = client.send(request, stream=True)
        started = clock.now()
        body = bytearray()
        try:
            for chunk in response.iter_bytes():
                body += chunk[: ANSWER_LIMIT - len(body)]
                is_slow = (clock.now() - started).total_seconds() > self._timeout
                if len(body) == ANSWER_LIMIT or is_slow:
                    break
        finally:
            response.close()
        return Answer(response.status_code, body.decode(errors="replace"), response.headers)

    @cached_property
    def _pooled(self) -> httpx.Client:
        return self._client(_CONNECTIONS)

    @cached_property
    def _fresh(self) -> httpx.Client:
        """A pooled connection that the server has closed would make a POST ambiguous."""
        return self._client(0)

    def _client(self, kept: int) -> httpx.Client:
        client = httpx.Client(
            headers=wire.UNPACKED,
            timeout=self._timeout,
            follow_redirects=False,
            trust_env=False,
            event_hooks=wire.hooks(self._account),
            verify=_tls(),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=kept),
        )
        weakref.finalize(self, client.close)
        return client


@cache
def _tls() -> ssl.SSLContext:
    """Reading the authorities takes longer than many calls: once per process."""
    return httpx.create_ssl_context(trust_env=False)
