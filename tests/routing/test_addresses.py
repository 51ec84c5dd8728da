"""Where an organisation's account may lead, judged again with every connection."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from governance.routing import Fault
from governance.routing.account import Account

from .contract.harness import Bench
from .vendors import VENDORS

NAME = "vendor.example"


@pytest.fixture(params=sorted(VENDORS))
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    harness = VENDORS[request.param]
    with harness.simulator(delay=0.0) as vendor:
        yield Bench(harness, vendor, tmp_path)


@pytest.fixture(autouse=True)
def turned(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name was public when the account was set; now it leads into our own network."""
    usual = socket.getaddrinfo

    def found(host: Any, *args: Any, **options: Any) -> Any:
        return usual("127.0.0.1" if host in (NAME, NAME.encode()) else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", found)


def account(bench: Bench, *trusted: str) -> Account:
    """An organisation's own, at the simulator under its name."""
    known = bench.harness.account(bench.vendor, bench.vendor.key or "key")
    url = urlsplit(known.base_url)
    named = url._replace(netloc=f"{NAME}:{url.port}").geturl()
    return replace(known, base_url=named, trusted=frozenset(trusted))


def test_an_organisations_account_leads_nowhere_private(bench: Bench) -> None:
    order = bench.harness.order()

    with pytest.raises(Fault) as fault:
        bench.another(account=account(bench)).submit(order)

    assert fault.value.kind == "unavailable"
    assert bench.posts(order) == 0


def test_an_organisations_account_leads_where_the_operator_allows(bench: Bench) -> None:
    order = bench.harness.order()

    bench.another(account=account(bench, NAME)).submit(order)

    assert bench.posts(order) == 1
