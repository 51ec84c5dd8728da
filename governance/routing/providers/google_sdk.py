"""Google's SDK, opened so that one call is one request. Imported only where it is used: it is slow.

Retries are off, redirects are not followed, answers are bounded. Whatever the SDK would take from
the environment (keys, projects, other addresses) is stated instead.
"""

import json
import logging
import ssl
from functools import cache
from typing import Any

import httpx2
from google import genai
from google.genai import types
from google.oauth2 import credentials, service_account

from governance.routing import wire
from governance.routing.account import Account
from governance.routing.answers import sentence
from governance.routing.provider import Fault

MAX_ANSWER = 256 * 1024 * 1024  # media in JSON: base64 of at most 192 MiB
GEMINI = "https://generativelanguage.googleapis.com/"
SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105  an address


def developer(account: Account, timeout: float, *, keep_alive: int) -> genai.Client:
    """The Gemini API, by API key. Raises Fault (`auth`)."""
    options = _options(account.base_url or GEMINI, "v1")
    return genai.Client(
        vertexai=False,
        api_key=_key(account),
        http_options=_bounded(account, options, timeout, keep_alive),
    )


def platform(account: Account, timeout: float, *, keep_alive: int) -> genai.Client:
    """The Agent Platform, by access token or by a service account's key (JSON).

    Raises Fault (`auth`). Never by what the machine itself may do: any organisation could spend it.
    """
    options = _options(account.base_url or _platform_address(account.location), "v1beta1")
    return genai.Client(
        vertexai=True,
        credentials=_credentials(_key(account)),
        project=account.project,
        location=account.location,
        http_options=_bounded(account, options, timeout, keep_alive),
    )


@cache
def _trusted() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


def _platform_address(location: str) -> str:
    if location == "global":
        return "https://aiplatform.googleapis.com/"
    if location in ("us", "eu"):
        return f"https://aiplatform.{location}.rep.googleapis.com/"
    return f"https://{location}-aiplatform.googleapis.com/"


def _options(base_url: str, version: str) -> types.HttpOptions:
    return types.HttpOptions(base_url=base_url, api_version=version)


def _bounded(
    account: Account, options: types.HttpOptions, timeout: float, keep_alive: int
) -> types.HttpOptions:
    """keep_alive: connections that stay open. For orders 0: one that the vendor has closed
    meanwhile would make a POST ambiguous."""
    logging.getLogger("google_genai").setLevel(logging.WARNING)
    options.timeout = int(timeout * 1000)
    options.retry_options = types.HttpRetryOptions(attempts=1)
    options.client_args = {
        "verify": _trusted(),
        "follow_redirects": False,
        "trust_env": False,
        "headers": wire.UNPACKED,
        "limits": httpx2.Limits(max_connections=None, max_keepalive_connections=keep_alive),
        "event_hooks": wire.hooks(account, MAX_ANSWER, MAX_ANSWER),
    }
    # Never used, but built with each client: each would read all certificates again.
    options.async_client_args = {"verify": _trusted(), "ssl": _trusted()}
    return options


def _key(account: Account) -> str:
    """Without one the SDK would take another from the environment."""
    key = account.key.get_secret_value().strip()
    if not key:
        raise Fault("auth", sentence("auth"))
    return key


def _credentials(key: str) -> Any:
    """A service account's key mints tokens at Google and nowhere else, whatever its file says."""
    if not key.startswith("{"):
        return credentials.Credentials(token=key)  # type: ignore[no-untyped-call]
    try:
        return service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
            {**json.loads(key), "token_uri": TOKEN_URI}, scopes=SCOPES
        )
    except ValueError:
        raise Fault("auth", "The key is no service account's key.") from None
