"""What leaves towards a vendor and what is read of its answers, whatever library is between."""

import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI, Request, Response
from pydantic import SecretStr

from governance.routing import Fault, Job, Provider
from governance.routing.providers import luma_api
from governance.simulators.serving import served

from .contract.harness import Bench, Harness
from .vendors import VENDORS

PACKED = gzip.compress(b'{"id": "packed", "padding": "' + bytes(1 << 24) + b'"}')
FOREIGN = "the-operators-own"
ENVIRONMENT = {
    "OPENAI_ORG_ID": FOREIGN,
    "OPENAI_PROJECT_ID": FOREIGN,
    "OPENAI_API_KEY": FOREIGN,
    "OPENAI_ADMIN_KEY": FOREIGN,
    "OPENAI_WEBHOOK_SECRET": FOREIGN,
    "OPENAI_BASE_URL": "http://127.0.0.1:9",
    "OPENAI_CUSTOM_HEADERS": f"x-house: {FOREIGN}\nuser-agent: {FOREIGN}",
    "LUMA_CUSTOM_HEADERS": f"x-house: {FOREIGN}\nuser-agent: {FOREIGN}",
    "LUMA_AGENTS_API_KEY": FOREIGN,
    "LUMA_BASE_URL": "http://127.0.0.1:9",
    "LUMAAI_API_KEY": FOREIGN,
    "LUMAAI_BASE_URL": "http://127.0.0.1:9",
    "GOOGLE_API_KEY": FOREIGN,
    "GEMINI_API_KEY": FOREIGN,
    "GOOGLE_GENAI_USE_VERTEXAI": "true",
    "GOOGLE_GENAI_API_VERSION": FOREIGN,
    "GOOGLE_CLOUD_PROJECT": FOREIGN,
    "GOOGLE_CLOUD_LOCATION": FOREIGN,
    "GOOGLE_CLOUD_QUOTA_PROJECT": FOREIGN,
}
PROXIES = dict.fromkeys(("HTTP_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
POLLED = sorted(VENDORS.keys() - {"google-image", "openai"})


class Vendor:
    """Answers every call alike, and remembers what came. url: as the adapter needs it."""

    key = "key"

    def __init__(self, answer: Response) -> None:
        self.url = ""
        self.seen: list[str] = []
        self.app = FastAPI(openapi_url=None)

        @self.app.api_route("/{path:path}", methods=["GET", "POST"])
        async def call(request: Request, path: str) -> Response:
            body = (await request.body()).decode(errors="replace")
            self.seen.append(f"{request.url} {request.headers.items()} {body}")
            return answer


@pytest.fixture(params=sorted(VENDORS))
def harness(request: pytest.FixtureRequest) -> Harness:
    return VENDORS[request.param]


@pytest.fixture
def refusing() -> Iterator[Vendor]:
    vendor = Vendor(Response("{}", 400))
    with served(vendor.app) as vendor.url:
        yield vendor


@pytest.fixture
def packing() -> Iterator[Vendor]:
    """Compresses what nobody asked it to compress."""
    vendor = Vendor(Response(PACKED, headers={"content-encoding": "gzip"}))
    with served(vendor.app) as vendor.url:
        yield vendor


def adapter(harness: Harness, vendor: Vendor, folder: Path, key: str = "key") -> Provider:
    known = harness.account(vendor, key)  # type: ignore[arg-type]  # all that it reads is here
    return harness.provider(replace(known, key=SecretStr(key)), folder, 10.0)


def a_job(harness: Harness) -> Job:
    return Job(harness.lost, harness.media, harness.name, harness.model)


@pytest.mark.parametrize("variables", [ENVIRONMENT, PROXIES], ids=["identity", "proxies"])
def test_nothing_of_the_environment_reaches_a_vendor(
    harness: Harness,
    refusing: Vendor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(Fault):
        adapter(harness, refusing, tmp_path).submit(harness.order())

    assert len(refusing.seen) == 1
    assert FOREIGN not in refusing.seen[0]


@pytest.mark.parametrize("key", ["klíč", "key\nx-more: 1"])
def test_a_key_that_cannot_be_sent_orders_nothing(
    harness: Harness, refusing: Vendor, tmp_path: Path, key: str
) -> None:
    provider = adapter(harness, refusing, tmp_path, key)

    with pytest.raises(Fault) as fault:
        provider.submit(harness.order())

    assert fault.value.kind == "auth"
    assert refusing.seen == []


@pytest.mark.parametrize("name", POLLED)
def test_a_key_that_cannot_be_sent_asks_nothing_and_loses_nothing(
    name: str, refusing: Vendor, tmp_path: Path
) -> None:
    harness = VENDORS[name]
    provider = adapter(harness, refusing, tmp_path, "klíč")

    status = provider.poll(a_job(harness))
    with pytest.raises(Fault) as fault:
        provider.fetch(a_job(harness), tmp_path / "media", 1000)

    assert (status.state, status.fault) == ("running", "auth")
    assert fault.value.kind == "unavailable"
    assert not provider.cancel(a_job(harness))
    assert refusing.seen == []


def test_an_answer_that_is_compressed_unasked_is_not_unpacked(
    harness: Harness, packing: Vendor, tmp_path: Path
) -> None:
    with pytest.raises(Fault) as fault:
        adapter(harness, packing, tmp_path).submit(harness.order())

    assert fault.value.kind == "ambiguous"
    assert "'accept-encoding', 'identity'" in packing.seen[0]


@pytest.mark.parametrize("name", ["luma", "luma-agents"])
def test_lumas_answers_end_somewhere(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(luma_api, "ANSWER_LIMIT", 100)
    harness = VENDORS[name]
    with harness.simulator(delay=0.0) as vendor:
        bench = Bench(harness, vendor, tmp_path)

        with pytest.raises(Fault, match="larger than we take") as fault:
            bench.submit()
        status = bench.provider.poll(Job("a", "video", name, harness.model))

    assert fault.value.kind == "ambiguous"
    assert status.state in ("running", "failed")
