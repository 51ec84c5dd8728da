"""The SDK as we use it: it reads no more than we take, whatever a server sends."""

import gzip
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Response
from pydantic import SecretStr

from governance.routing import Fault, Job, Order, Status
from governance.routing.account import Account
from governance.routing.providers.openai_videos import ANSWER_LIMIT, OpenAIVideos
from governance.simulators.serving import served

ENDLESS = b'{"id": "large", "status": "' + b"q" * ANSWER_LIMIT + b'"}'
PACKED = gzip.compress(b'{"id": "packed", "status": "completed"}')


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenAIVideos]:
    """An adapter for a server that answers with too much, or compressed though not asked to."""
    app = FastAPI(openapi_url=None)

    @app.get("/v1/videos/large")
    def large() -> Response:
        return Response(ENDLESS, media_type="application/json")

    @app.get("/v1/videos/failing")
    def failing() -> Response:
        return Response(ENDLESS, 500, media_type="application/json")

    @app.get("/v1/videos/packed")
    def packed() -> Response:
        return Response(PACKED, headers={"content-encoding": "gzip"})

    @app.post("/v1/videos")
    def create() -> Response:
        return Response(ENDLESS, media_type="application/json")

    with served(app) as url:
        yield OpenAIVideos(Account(key=SecretStr("key"), base_url=f"{url}/v1"), timeout=10)


def asked(provider: OpenAIVideos, name: str) -> Status:
    return provider.poll(Job(name, "video", provider.name, "wan"))


@pytest.mark.parametrize("name", ["large", "failing"])
def test_an_answer_that_is_too_large_is_no_answer(provider: OpenAIVideos, name: str) -> None:
    status = asked(provider, name)

    assert (status.state, status.fault) == ("running", "internal")
    assert "larger than we take" in status.message


def test_an_answer_that_is_compressed_unasked_is_not_unpacked(provider: OpenAIVideos) -> None:
    status = asked(provider, "packed")

    assert (status.state, status.fault) == ("running", "unavailable")


def test_an_order_that_is_answered_with_too_much_is_not_taken_for_refused(
    provider: OpenAIVideos,
) -> None:
    with pytest.raises(Fault) as fault:
        provider.submit(Order("gen_1", "wan", "a fox", 1, 128, 72, "video"))

    assert fault.value.kind == "ambiguous"
