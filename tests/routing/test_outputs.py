"""Files from vendors: from known hosts only, never unpacked, and nothing but Fault comes out."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI, Response
from pydantic import SecretStr

from governance.routing import Fault, Job
from governance.routing.account import Account
from governance.routing.openai_sdk import ERROR_LIMIT
from governance.routing.outputs import download
from governance.routing.providers.openai_videos import OpenAIVideos
from governance.simulators.serving import served


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    app = FastAPI(openapi_url=None)

    @app.get("/packed")
    def packed() -> Response:
        return Response(gzip.compress(bytes(1 << 20)), headers={"content-encoding": "gzip"})

    @app.get("/status/{status}")
    def answered(status: int) -> Response:
        return Response(status_code=status)

    @app.get("/v1/videos/{name}/content")
    def content(name: str) -> Response:
        return Response(bytes(ERROR_LIMIT + 1), 404)

    with served(app) as address:
        yield address


def refused(address: str, base_url: str, target: Path) -> str:
    """The fault with which the file is not fetched."""
    with pytest.raises(Fault) as fault:
        download(address, target, 10_000_000, "video", ("vendor.example",), base_url)
    assert not target.exists()
    return fault.value.kind


@pytest.mark.parametrize(
    "address",
    [
        "https://vendor.example:99999/x",
        "https://vendor.example:port/x",
        "https://[",
        "https://[::1/x",
        "https://vendor.example/\x00",
        "https://vendor.example/a\nb",
        "https:///x",
        "",
        "https://other.example/x",
        "http://vendor.example/x",
    ],
)
def test_an_address_that_is_none_is_the_vendors_fault(address: str, tmp_path: Path) -> None:
    assert refused(address, "http://127.0.0.1:1", tmp_path / "file") == "internal"


def test_a_file_that_is_compressed_unasked_is_not_unpacked(url: str, tmp_path: Path) -> None:
    assert refused(f"{url}/packed", url, tmp_path / "file") == "unavailable"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, "unavailable"), (402, "unavailable"), (429, "unavailable"), (410, "gone")],
)
def test_what_may_pass_is_told_from_what_is_lost(
    url: str, tmp_path: Path, status: int, kind: str
) -> None:
    assert refused(f"{url}/status/{status}", url, tmp_path / "file") == kind


def test_a_refusal_to_hand_out_a_file_ends_somewhere(url: str, tmp_path: Path) -> None:
    account = Account(key=SecretStr("key"), base_url=f"{url}/v1")

    with pytest.raises(Fault) as fault:
        OpenAIVideos(account).fetch(Job("a", "video", "", ""), tmp_path / "file", 1000)

    assert fault.value.kind == "unavailable"
    assert list(tmp_path.iterdir()) == []
