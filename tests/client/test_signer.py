"""Requests signed by the client library are accepted by the service's own strict verifier."""

import asyncio
import io

import httpx
import httpx2
import pytest
from openai import AsyncOpenAI, AuthenticationError, OpenAI

from governance.client.signer import RequestSigner
from governance.evidence import keys
from governance.evidence.signature_base import verify_signature_base
from tests.client.conftest import MP4, VIDEO, Service


def openai_client(service: Service, signer: RequestSigner, **options: int) -> OpenAI:
    return OpenAI(
        api_key="sk-placeholder",
        base_url=f"{service.url}/v1",
        http_client=httpx2.Client(auth=signer),
        **options,  # type: ignore[arg-type]
    )


class TestTheOfficialOpenaiClient:
    def test_it_creates_a_video_with_a_reference_image(self, service: Service) -> None:
        with openai_client(service, service.signer) as client:
            video = client.videos.create(
                prompt="a quiet harbour",
                input_reference=("start.png", io.BytesIO(b"\x89PNG"), "image/png"),
                extra_body={"metadata": {"project": "spring"}},
                extra_headers={"Idempotency-Key": "order-7"},
            )
        assert video.id == "gen_1"
        (seen,) = service.seen
        assert seen.headers["content-type"].startswith("multipart/form-data; boundary=")
        assert b"a quiet harbour" in seen.body
        assert b"\x89PNG" in seen.body
        assert '"idempotency-key": order-7' in seen.signed.base
        verify_signature_base(seen.signed.base, seen.signed.signature, service.signer.public_key)

    def test_it_polls_lists_downloads_and_deletes(self, service: Service) -> None:
        service.answers = {
            "/v1/videos": {"object": "list", "data": [VIDEO], "has_more": False},
            "/v1/videos/gen_1/content": MP4,
        }
        with openai_client(service, service.signer) as client:
            assert client.videos.poll("gen_1").status == "completed"
            assert client.videos.list(limit=5, order="asc").data[0].id == "gen_1"
            assert client.videos.download_content("gen_1", variant="video").read() == MP4
            client.videos.delete("gen_1")
        assert [(seen.method, seen.target) for seen in service.seen] == [
            ("GET", "/v1/videos/gen_1"),
            ("GET", "/v1/videos?limit=5&order=asc"),
            ("GET", "/v1/videos/gen_1/content?variant=video"),
            ("DELETE", "/v1/videos/gen_1"),
        ]

    def test_its_placeholder_key_never_leaves_the_machine(self, service: Service) -> None:
        with openai_client(service, service.signer) as client:
            client.videos.retrieve("gen_1")
        assert "authorization" not in service.seen[0].headers

    def test_its_retries_are_signed_anew(self, service: Service) -> None:
        service.failures = [500]
        with openai_client(service, service.signer, max_retries=1) as client:
            client.videos.create(prompt="a quiet harbour")
        first, second = service.seen
        assert first.signed.nonce != second.signed.nonce

    def test_a_stranger_gets_nowhere(self, service: Service) -> None:
        with (
            openai_client(service, RequestSigner(bytes(32))) as client,
            pytest.raises(AuthenticationError, match="No agent is registered"),
        ):
            client.videos.create(prompt="a quiet harbour")
        assert service.seen == []

    def test_it_may_be_asynchronous(self, service: Service) -> None:
        async def create() -> str:
            async with AsyncOpenAI(
                api_key="sk-placeholder",
                base_url=f"{service.url}/v1",
                http_client=httpx2.AsyncClient(auth=service.signer),
            ) as client:
                return (await client.videos.create(prompt="a quiet harbour")).id

        assert asyncio.run(create()) == "gen_1"
        assert b"a quiet harbour" in service.seen[0].body


class TestAnyHttpxClient:
    def test_a_plain_request_is_signed(self, service: Service) -> None:
        for library in (httpx, httpx2):
            with library.Client(auth=service.signer, base_url=service.url) as client:
                assert client.post("/v1/videos", json={"prompt": "x"}).status_code == 200
                assert client.get("/a%2Fb/%C3%BC?q=%20+&r=").status_code == 200
                assert client.get("").status_code == 200
        assert service.seen[1].target == "/a%2Fb/%C3%BC?q=%20+&r="

    def test_a_streamed_body_is_read_and_signed(self, service: Service) -> None:
        async def post() -> int:
            async with httpx.AsyncClient(auth=service.signer) as client:
                files = {"file": ("clip.mp4", io.BytesIO(MP4 * 1000))}
                return (await client.post(service.url, files=files)).status_code

        assert asyncio.run(post()) == 200
        assert MP4 * 1000 in service.seen[0].body

    def test_the_public_name_may_differ_from_the_address(self, service: Service) -> None:
        service.authority = "governance.example"
        named = RequestSigner(bytes(range(32)), authority="governance.example")
        assert httpx.get(service.url, auth=named).status_code == 200
        answer = httpx.get(service.url, auth=service.signer)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "signature_invalid")


def test_it_signs_what_is_no_request_with_the_same_key() -> None:
    signer = RequestSigner(bytes(range(32)))
    assert keys.verify(signer.public_key, signer.sign(b"a document"), b"a document")
