"""The simulated time-stamp authority, asked and checked by OpenSSL."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from governance.simulators.tsa import SimulatedTsa
from tests.tools import needs

pytestmark = needs("openssl")
HEADERS = {"Content-Type": "application/timestamp-query"}


@pytest.fixture(scope="module")
def tsa() -> Iterator[SimulatedTsa]:
    with SimulatedTsa() as running:
        yield running


def openssl(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["openssl", "ts", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=30)


@pytest.fixture
def query(tmp_path: Path) -> bytes:
    (tmp_path / "data").write_text("to be stamped")
    openssl("-query", "-data", "data", "-sha256", "-cert", "-out", "q", folder=tmp_path)
    return (tmp_path / "q").read_bytes()


def test_openssl_accepts_a_stamp_under_the_root(
    tsa: SimulatedTsa, tmp_path: Path, query: bytes
) -> None:
    answer = httpx.post(tsa.url + "/", content=query, headers=HEADERS)
    assert answer.headers["content-type"] == "application/timestamp-reply"
    (tmp_path / "r").write_bytes(answer.content)
    (tmp_path / "root.pem").write_text(httpx.get(tsa.url + "/root.pem").text)
    verify = ("-verify", "-in", "r", "-CAfile", "root.pem")
    assert "OK" in openssl(*verify, "-queryfile", "q", folder=tmp_path).stdout
    (tmp_path / "data").write_text("something else")
    assert openssl(*verify, "-data", "data", folder=tmp_path).returncode != 0


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [("/refuse", 200, b"\x30\x05"), ("/garbled", 200, b"not a time stamp"), ("/fail", 500, b"")],
)
def test_faults_are_ordered_by_path(
    tsa: SimulatedTsa, query: bytes, path: str, status: int, said: bytes
) -> None:
    answer = httpx.post(tsa.url + path, content=query, headers=HEADERS)
    assert answer.status_code == status
    assert answer.content.startswith(said)
