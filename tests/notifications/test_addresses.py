"""Where notifications may not go: into the network around the service."""

import socket
from typing import Any

import pytest

from governance.kernel.errors import InvalidRequest, Unavailable
from governance.notifications import addresses


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "ftp://example.com/hook",
        "https://",
        "https://me:word@example.com/",
        "https://example.com/#part",
        "https://0177.0.0.1/",
        "https://example.com/" + "a" * 2048,
        "https://[::1",
        "https://93.184.216.34:99999/",
        "http://127.0.0.1/",
        "javascript:alert(1)",
        "",
    ],
)
def test_what_is_no_https_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        addresses.parse(url, ())
    assert (refused.value.code, refused.value.param) == ("webhook_url_invalid", "url")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "169.254.169.254"],
)
def test_a_private_host_is_refused_however_it_is_written(host: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        addresses.resolve(addresses.parse(f"https://{host}/hook", ()), ())
    assert refused.value.code == "webhook_address_private"


def test_one_private_address_among_those_of_a_name_is_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name(monkeypatch, "8.8.8.8", "10.0.0.1")
    with pytest.raises(InvalidRequest):
        addresses.resolve(addresses.parse("https://example.test/", ()), ())
    name(monkeypatch, "8.8.8.8")
    assert addresses.resolve(addresses.parse("https://example.test/", ()), ()) == "8.8.8.8"


def test_an_unknown_name_is_said_to_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unavailable):
        addresses.resolve(addresses.parse("https://example.test/", ()), ())


def test_the_operators_own_hosts_may_be_private() -> None:
    url = addresses.parse("http://127.0.0.1:8080/hook", ("127.0.0.1",))
    assert addresses.resolve(url, ("127.0.0.1",)) == "127.0.0.1"
    with pytest.raises(InvalidRequest):  # without TLS nowhere but on this machine
        addresses.parse("http://pipeline.internal/hook", ("pipeline.internal",))


def name(monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
    def answer(*_: Any, **__: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
