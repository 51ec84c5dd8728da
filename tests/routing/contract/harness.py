"""What a provider's file states so that the one contract suite can drive it."""

import json
import socket
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Protocol, Self
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from governance.domain import Media
from governance.kernel import ids
from governance.routing import Job, Order, Provider, Status
from governance.routing.account import Account

SUBJECT = "a fox named Rosa"
TIMEOUT = 10.0


class Simulator(Protocol):
    """A vendor over real HTTP while the `with` block runs; `/_control/posts` says what arrived."""

    url: str
    key: str

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None: ...


def with_key(simulator: Simulator, key: str) -> Account:
    return Account(key=SecretStr(key), base_url=simulator.url)


@dataclass(frozen=True)
class Harness:
    """One provider and its vendor.

    simulator: called with `delay=` seconds until a job is done; provider: called with the account,
    a folder that outlives it and a timeout; account: of a simulator and a key; size, seconds: an
    order that the vendor takes; lacks: magic words without meaning for this vendor (`[[auth]]`: it
    checks no credentials); cannot: changes to the order that must be `invalid` without a POST;
    lost: the id of a job that the vendor does not know.
    """

    name: str
    simulator: Callable[..., Simulator]
    provider: Callable[[Account, Path, float], Provider]
    model: str
    media: Media = "video"
    seconds: int = 5
    size: tuple[int, int] = (1280, 720)
    account: Callable[[Simulator, str], Account] = with_key
    recoverable: bool = False
    cancels: bool = False
    lacks: frozenset[str] = frozenset()
    cannot: tuple[dict[str, Any], ...] = ({"media": "audio"},)
    lost: str = "job-that-nobody-knows"

    def order(self, magic: str = "", **changes: Any) -> Order:
        """An order of its own key, with magic words for the vendor in its prompt."""
        key = ids.new_id("gen")
        prompt = f"{SUBJECT} {key} {magic}".strip()
        order = Order(key, self.model, prompt, self.seconds, *self.size, self.media)
        return replace(order, **changes)


class Bench:
    """One vendor and our adapter for it, side by side."""

    def __init__(self, harness: Harness, vendor: Simulator, folder: Path) -> None:
        self.harness = harness
        self.vendor = vendor
        self._folder = folder
        self.provider = self.another()

    def another(
        self, *, key: str = "", timeout: float = TIMEOUT, account: Account | None = None
    ) -> Provider:
        """Another provider object, as after a restart: it shares nothing but the folder."""
        if account is None:
            account = self.harness.account(self.vendor, key or self.vendor.key)
        return self.harness.provider(account, self._folder, timeout)

    def nobody(self) -> Provider:
        """The adapter for an address where nothing listens."""
        with socket.create_server(("127.0.0.1", 0)) as closing:
            port = closing.getsockname()[1]
        account = self.harness.account(self.vendor, self.vendor.key)
        moved = urlsplit(account.base_url)._replace(netloc=f"127.0.0.1:{port}")
        return self.another(account=replace(account, base_url=moved.geturl()))

    def submit(self, magic: str = "", **changes: Any) -> Job:
        return self.provider.submit(self.harness.order(magic, **changes))[0]

    def posts(self, order: Order) -> int:
        """How many paid POSTs for that order the vendor has seen."""
        return int(self._control()["by_prompt"].get(order.prompt, 0))

    def trapped(self) -> int:
        """How many requests went to the host that no request may go to."""
        return int(self._control()["trapped"])

    def _control(self) -> dict[str, Any]:
        address = urlsplit(self.vendor.url)._replace(path="/_control/posts", query="")
        body: dict[str, Any] = httpx.get(address.geturl(), trust_env=False).json()
        return body


def through_json(job: Job) -> Job:
    return Job(**json.loads(json.dumps(asdict(job))))


def finished(provider: Provider, job: Job) -> Status:
    """Poll until the job is no longer running."""
    deadline = time.monotonic() + 15
    while (status := provider.poll(job)).state == "running":
        assert time.monotonic() < deadline, status
        time.sleep(0.02)
    return status


class Stated:
    """What a test class of the suite stands on."""

    harness: ClassVar[Harness]
