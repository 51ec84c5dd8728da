"""`/v1/detect` for anybody: honest, signed, under limits, and it keeps nothing."""

import asyncio
import hashlib
import io
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI
from PIL import Image

from governance.api import detection, intake
from governance.api.intake import Intake
from governance.api.rates import Rates
from governance.app import create_app
from governance.detection import statement
from governance.detection.looking import Progress
from governance.identity.sessions import COOKIE
from governance.kernel.errors import InvalidRequest
from tests.api.site import CANARY, PICTURE, UPLOAD_LIMIT, Site, refusal
from tests.platform import open_service

DETECT = "/v1/detect"
BYTES = {"Content-Type": "application/octet-stream"}
LINES = {"Accept": "application/x-ndjson"}
LARGE = {**PICTURE, "size": "640x384"}


@pytest.fixture(scope="module")
def released(site: Site) -> tuple[dict[str, Any], bytes]:
    """A released picture, large enough for all marks, and its bytes."""
    made = site["agent"].post("/v1/governance/generations", json=LARGE).json()
    video = site.wait(made["id"], "released")
    content = site["officer"].get(f"/v1/videos/{made['id']}/content").content
    return video, content


def stripped(content: bytes) -> bytes:
    """The same picture as a JPEG, without any metadata."""
    copy = io.BytesIO()
    with Image.open(io.BytesIO(content)) as image:
        image.convert("RGB").save(copy, "JPEG", quality=85)
    return copy.getvalue()


def tiny() -> bytes:
    """A picture that is quickly looked at."""
    content = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 90, 90)).save(content, "PNG")
    return content.getvalue()


def staged(site: Site) -> list[Path]:
    folder = site.service.context.settings.data_dir / "media" / "staging"
    return list(folder.iterdir())


def found(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    assert answer.json()["object"] == "detection"
    said: dict[str, Any] = answer.json()["statement"]
    return said


def marks(said: dict[str, Any]) -> dict[str, str]:
    return {mark["kind"]: mark["state"] for mark in said["marks"]}


class TestAnswers:
    def test_a_released_file_is_recognised_by_everything_it_carries(
        self, site: Site, released: tuple[dict[str, Any], bytes]
    ) -> None:
        video, content = released
        said = found(site["visitor"].post(DETECT, content=content))
        assert said["verdict"]["code"] == "released"
        assert said["verdict"]["basis"][:2] == ["digest", "metadata"]
        assert said["file"]["sha256"] == hashlib.sha256(content).hexdigest()
        (release,) = said["releases"]
        assert release["record"] == video["id"]
        assert release["proof"]["checkpoint"].startswith("governance.local/log\n")
        assert marks(said)["c2pa"] == marks(said)["iptc"] == "present"
        assert marks(said)["vendor"] == "not_checked"

    def test_a_stripped_copy_leads_to_its_record_by_the_watermark(
        self, site: Site, released: tuple[dict[str, Any], bytes]
    ) -> None:
        video, content = released
        said = found(site["visitor"].post(DETECT, files={"file": ("x.png", stripped(content))}))
        assert said["verdict"]["code"] == "released"
        assert said["verdict"]["basis"][0] == "watermark"
        assert said["releases"][0]["record"] == video["id"]
        assert marks(said)["c2pa"] == marks(said)["iptc"] == marks(said)["digest"] == "absent"

    def test_the_answer_tells_no_business_of_anybody(
        self, site: Site, released: tuple[dict[str, Any], bytes]
    ) -> None:
        answer = site["visitor"].post(DETECT, content=released[1])
        for secret in (CANARY, "launch", site.principals["agent"].id, "price", "USD"):
            assert secret not in answer.text

    def test_a_file_of_nobodys_is_not_said_to_be_no_ai_product(self, site: Site) -> None:
        noise = io.BytesIO()
        Image.effect_noise((320, 192), 60).convert("RGB").save(noise, "PNG")
        said = found(site["visitor"].post(DETECT, content=noise.getvalue()))
        assert said["verdict"]["code"] == "nothing"
        assert "does not mean" in said["verdict"]["sentence"]
        assert said["releases"] == said["candidates"] == []

    def test_the_result_is_verified_without_the_service(
        self, site: Site, released: tuple[dict[str, Any], bytes]
    ) -> None:
        answer = site["visitor"].post(DETECT, content=released[1])
        root = site.service.context.ledger.keyring.root
        assert statement.verify(answer.content, root) == answer.json()["statement"]

    def test_nothing_is_recorded(self, site: Site) -> None:
        with site.recorded():
            found(site["agent"].post(DETECT, content=tiny(), headers=BYTES))

    def test_it_tells_how_far_it_is_to_whoever_asks(self, site: Site) -> None:
        answer = site["visitor"].post(DETECT, content=tiny(), headers=LINES)
        lines = [orjson.loads(line) for line in answer.content.splitlines()]
        assert [line["object"] for line in lines][-2:] == ["detection.progress", "detection"]
        assert lines[-2]["done"] == 1.0

    def test_everybody_with_an_account_may_ask_too(self, site: Site) -> None:
        for caller in ("agent", "service", "producer", "nobody", "stranger"):
            found(site[caller].post(DETECT, content=tiny(), headers=BYTES))

    def test_a_credential_that_does_not_hold_is_refused(self, site: Site) -> None:
        headers = {"Authorization": "Bearer nonsense"}
        answer = site["visitor"].post(DETECT, content=b"x", headers=headers)
        refusal(answer, 401, "api_key_invalid")

    def test_a_session_that_has_ended_makes_nobody_a_stranger_to_the_page(self, site: Site) -> None:
        headers = {"Cookie": f"{COOKIE}=gone"}
        found(site["visitor"].post(DETECT, content=tiny(), headers=headers))


class TestRefusals:
    def test_what_is_no_media_is_refused_with_advice(self, site: Site) -> None:
        assert refusal(
            site["visitor"].post(DETECT, content=b"just text"), 415, "media_unsupported"
        )["message"]
        broken = b"\x89PNG\r\n\x1a\n" + b"0" * 100
        refusal(site["visitor"].post(DETECT, content=broken), 400, "media_corrupt")

    def test_a_request_without_a_file_is_refused(self, site: Site) -> None:
        refusal(site["visitor"].post(DETECT), 400, "file_missing")
        refusal(site["visitor"].post(DETECT, files={"other": b"x"}), 400, "file_missing")

    def test_what_is_too_large_is_refused_however_it_comes(self, site: Site) -> None:
        body = b"0" * (UPLOAD_LIMIT + 1)
        for sent in ({"content": body}, {"content": iter([body])}, {"files": {"file": body}}):
            refusal(site["visitor"].post(DETECT, **sent), 413, "body_too_large")

    def test_a_fault_is_told_in_the_stream_as_anywhere_else(self, site: Site) -> None:
        answer = site["visitor"].post(DETECT, content=b"just text", headers=LINES)
        assert answer.json()["error"]["code"] == "media_unsupported"


# A process of its own: to close a database's file ends the locks of whoever has it open here.
SEARCH = """
import pathlib, sys
needles = [bytes.fromhex(needle) for needle in sys.argv[2:]]
for path in pathlib.Path(sys.argv[1]).rglob("*"):
    if path.is_file() and any(needle in path.read_bytes() for needle in needles):
        print(path)
"""


def containing(folder: Path, *needles: bytes) -> list[str]:
    """The files below a folder in which any of the byte strings stands."""
    command = [sys.executable, "-ISc", SEARCH, str(folder), *(needle.hex() for needle in needles)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


class TestRetention:
    """Whatever becomes of an upload, nothing of it stays, and no log line tells of it."""

    @pytest.fixture
    def secret(self) -> bytes:
        noise = io.BytesIO()
        Image.effect_noise((320, 192), 40).convert("RGB").save(noise, "PNG")
        return noise.getvalue()

    def require_forgotten(self, site: Site, sent: bytes, log: pytest.LogCaptureFixture) -> None:
        deadline = time.monotonic() + 10
        while staged(site):
            assert time.monotonic() < deadline, staged(site)
            time.sleep(0.01)
        digest = hashlib.sha256(sent).hexdigest()
        needles = (digest.encode(), sent[-64:])
        assert containing(site.service.context.settings.data_dir, *needles) == []
        assert digest not in log.text
        assert "holiday" not in log.text

    def test_after_success_and_failure(
        self, site: Site, secret: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.DEBUG):
            for content in (secret, secret[:-40], b"RIFF" + secret):
                for headers in ({}, LINES):
                    file = {"file": ("holiday.png", content)}
                    site["visitor"].post(DETECT, files=file, headers=headers)
                    self.require_forgotten(site, content, caplog)

    def test_after_an_upload_that_breaks_off(
        self, site: Site, secret: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        with (
            caplog.at_level(logging.DEBUG),
            socket.create_connection(
                tuple(site.authority.split(":"))  # type: ignore[arg-type]
            ) as wire,
        ):
            head = f"POST {DETECT} HTTP/1.1\r\nHost: {site.authority}\r\n"
            wire.sendall(f"{head}Content-Length: {len(secret)}\r\n\r\n".encode() + secret[:5000])
            deadline = time.monotonic() + 10
            while not staged(site):
                assert time.monotonic() < deadline
                time.sleep(0.01)
        self.require_forgotten(site, secret, caplog)

    def test_after_our_own_fault(
        self,
        site: Site,
        secret: bytes,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def broken(*_: object) -> None:
            raise RuntimeError("out of order")

        monkeypatch.setattr(detection, "detect", broken)
        answer = site["visitor"].post(DETECT, content=secret)
        refusal(answer, 500, "internal_error")
        answer = site["visitor"].post(DETECT, content=secret, headers=LINES)
        assert answer.json()["error"]["code"] == "internal_error"
        self.require_forgotten(site, secret, caplog)


class TestLimits:
    """Strangers share the machine: so many files at once, so many calls of one address."""

    @pytest.fixture
    def gate(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
        """Detections end when it opens."""
        opened = threading.Event()

        def wait(context: object, path: Path, progress: Progress, patience: float) -> None:
            while not opened.wait(0.01):
                progress(0.5)
            raise InvalidRequest("media_corrupt", "Looked at it.")

        monkeypatch.setattr(detection, "detect", wait)
        yield opened
        opened.set()

    @pytest.fixture(scope="class")
    def opened(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
        service = open_service(tmp_path_factory.mktemp("limits") / "data")
        yield create_app(service.platform)
        service.close()

    @pytest.fixture
    def app(self, opened: FastAPI) -> FastAPI:
        """Without any call or file so far."""
        opened.state.rates = Rates("1000/second", "1000/second", "1000/second")
        opened.state.intake = Intake(places=2)
        return opened

    def client(self, app: FastAPI, address: str = "192.0.2.1") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app, client=(address, 4000), raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")

    def test_an_address_has_a_rate_and_an_ipv6_customer_has_one_address(self, app: FastAPI) -> None:
        async def ask() -> list[int]:
            app.state.rates = Rates("1000/second", "1000/second", "1/minute")
            answers = []
            for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"):
                async with self.client(app, address) as http:
                    answers.append((await http.post(DETECT)).status_code)
            return answers

        assert asyncio.run(ask()) == [400, 429, 400, 400, 429]

    def test_ipv4_written_as_ipv6_is_not_one_customer(self, app: FastAPI) -> None:
        async def ask() -> list[int]:
            app.state.rates = Rates("1000/second", "1000/second", "1/minute")
            answers = []
            for address in ("::ffff:192.0.2.1", "::ffff:192.0.2.2", "192.0.2.1"):
                async with self.client(app, address) as http:
                    answers.append((await http.post(DETECT)).status_code)
            return answers

        assert asyncio.run(ask()) == [400, 400, 429]

    def test_what_is_too_much_at_once_is_told_to_come_back(
        self, app: FastAPI, gate: threading.Event
    ) -> None:
        async def ask() -> tuple[list[httpx.Response], httpx.Response, httpx.Response]:
            app.state.intake = Intake(places=1)
            async with self.client(app) as one, self.client(app, "192.0.2.2") as two:
                waiting = [
                    asyncio.create_task(http.post(DETECT, content=b"x"))
                    for http in (one, one, one, two)
                ]
                await asyncio.sleep(0.3)
                async with self.client(app, "192.0.2.3") as three:
                    full = await three.post(DETECT, content=b"x")
                gate.set()
                ended = [await task for task in waiting]
                again = await one.post(DETECT, content=b"x")
            return ended, full, again

        ended, full, again = asyncio.run(ask())
        assert [answer.status_code for answer in (*ended, again)] == [400] * 5
        assert full.status_code == 503
        assert full.json()["error"]["code"] == "detectors_busy"
        assert int(full.headers["retry-after"]) > 0

    def test_one_caller_does_not_fill_the_machine(
        self, app: FastAPI, gate: threading.Event
    ) -> None:
        async def ask() -> list[int]:
            app.state.intake = Intake(places=2)
            async with self.client(app) as one, self.client(app, "192.0.2.2") as two:
                waiting = [
                    asyncio.create_task(one.post(DETECT, content=b"x"))
                    for _ in range(intake.MOST_OF_ONE)
                ]
                await asyncio.sleep(0.3)
                over = await one.post(DETECT, content=b"x")
                other = asyncio.create_task(two.post(DETECT, content=b"x"))
                await asyncio.sleep(0.05)
                gate.set()
                return [over.status_code, (await other).status_code, len(waiting)]

        assert asyncio.run(ask()) == [503, 400, intake.MOST_OF_ONE]

    def test_a_slow_upload_does_not_hold_its_place_for_ever(
        self, app: FastAPI, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(intake, "UPLOAD_SECONDS", 0.1)

        async def slow() -> AsyncIterator[bytes]:
            yield b"x"
            await asyncio.sleep(5)

        async def ask() -> httpx.Response:
            async with self.client(app) as http:
                return await http.post(DETECT, content=slow())

        answer = asyncio.run(ask())
        assert (answer.status_code, answer.json()["error"]["code"]) == (408, "upload_too_slow")

    def test_a_service_that_ends_waits_for_no_file(
        self, app: FastAPI, gate: threading.Event
    ) -> None:
        async def ask() -> int:
            async with self.client(app) as http:
                waiting = asyncio.create_task(http.post(DETECT, content=b"x"))
                await asyncio.sleep(0.2)
                app.state.intake.stop()
                return (await waiting).status_code

        assert asyncio.run(ask()) == 500
        assert not gate.is_set()

    def test_the_work_ends_when_nobody_waits_for_it(
        self, site: Site, gate: threading.Event
    ) -> None:
        with site["visitor"].stream("POST", DETECT, content=b"x", headers=LINES) as answer:
            assert next(answer.iter_lines())
            assert staged(site)
        deadline = time.monotonic() + 10
        while staged(site):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert not gate.is_set()
