"""The program on the start page does what the page says, with the official client."""

import html
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request

from governance.client.keyfile import create_key
from tests.web.backend import MemoryBackend
from tests.web.serving import Browser, running

ANSWER = {
    "id": "video_1",
    "object": "video",
    "created_at": 0,
    "model": "auto",
    "status": "queued",
    "progress": 0,
    "seconds": "4",
    "size": "1280x720",
}


def test_the_first_request_is_signed_and_says_what_it_should(
    browser: Browser,
    backend: MemoryBackend,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen: dict[str, Any] = {}

    def make_app(_: str) -> FastAPI:
        app = FastAPI()

        @app.post("/v1/videos")
        async def create(request: Request) -> dict[str, Any]:
            seen["headers"] = request.headers
            seen["form"] = dict(await request.form())
            return ANSWER

        return app

    found = re.search(r"<pre[^>]*>(.*?)</pre>", browser.get("/").text, re.DOTALL)
    assert found
    create_key(tmp_path / "agent.pem")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    with running(make_app) as service:
        program = html.unescape(found[1]).replace(backend.base_url, service)
        exec(compile(program, "first_request.py", "exec"), names)
        names["client"].close()
    assert capsys.readouterr().out == "video_1 queued\n"
    assert "gov-agent-v1" in seen["headers"]["signature-input"]
    assert "authorization" not in seen["headers"]
    assert seen["form"]["metadata[project]"] == "spring"
    assert seen["form"]["metadata[territories]"] == "EU"
