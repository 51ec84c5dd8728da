"""The small client calls what it says and reports refusals by their code."""

import json
from pathlib import Path

import pytest

from governance.client.client import ApiKey, GovernanceApiError, GovernanceClient
from tests.client.conftest import MP4, VIDEO, Service


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(MP4)
    return path


def test_it_speaks_the_services_routes(service: Service, clip: Path, tmp_path: Path) -> None:
    service.answers = {"/v1/videos/gen_1/content": MP4}
    with GovernanceClient(service.url, auth=service.signer) as client:
        client.create_video("a harbour", metadata={"project": "spring"}, idempotency_key="k-1")
        client.create("audio", "gulls", seconds=6, metadata={"project": "spring"})
        client.video("gen_1")
        client.content("gen_1", tmp_path / "out.mp4")
        client.list_videos(after="gen_0", limit=5)
        client.delete_video("gen_1")
        client.preflight({"prompt": "a harbour"})
        client.import_asset(
            clip,
            source_type="compositeWithTrainedAlgorithmicMedia",
            ingredients=["gen_1", "gen_2"],
            metadata={"project": "spring"},
            idempotency_key="k-2",
        )
        client.decide_review("rev_1", decision="approve", reason="meets_brief", digest="0" * 64)
        client.records("gen_1")
        client.proof("rec/1")
    assert [f"{seen.method} {seen.target}" for seen in service.seen] == [
        "POST /v1/videos",
        "POST /v1/governance/generations",
        "GET /v1/videos/gen_1",
        "GET /v1/videos/gen_1/content",
        "GET /v1/videos?limit=5&after=gen_0",
        "DELETE /v1/videos/gen_1",
        "POST /v1/governance/preflight",
        "POST /v1/governance/assets",
        "POST /v1/governance/reviews/rev_1/decision",
        "GET /v1/governance/records?generation=gen_1",
        "GET /v1/governance/records/rec%2F1/proof",
    ]
    assert (tmp_path / "out.mp4").read_bytes() == MP4
    assert service.seen[0].headers["idempotency-key"] == "k-1"
    assert b'"project":"spring"' in service.seen[0].body
    assert json.loads(service.seen[1].body) == {
        "media": "audio",
        "prompt": "gulls",
        "model": "auto",
        "seconds": "6",
        "metadata": {"project": "spring"},
    }
    imported = service.seen[7]
    assert imported.headers["idempotency-key"] == "k-2"
    for part in (MP4, b'name="metadata[project]"', b"gen_1,gen_2"):
        assert part in imported.body


def test_a_refusal_carries_the_services_code(service: Service, tmp_path: Path) -> None:
    service.failures = [429, 404]
    with GovernanceClient(service.url, auth=service.signer) as client:
        with pytest.raises(GovernanceApiError) as refusal:
            client.video("gen_1")
        assert (refusal.value.status, refusal.value.code) == (429, "not_now")
        with pytest.raises(GovernanceApiError) as refusal:
            client.content("gen_1", tmp_path / "out.mp4")
    assert (refusal.value.status, refusal.value.message) == (404, "Try again.")
    assert not (tmp_path / "out.mp4").exists()


def test_waiting_ends_with_the_clip_or_in_time(service: Service) -> None:
    with GovernanceClient(service.url, auth=service.signer) as client:
        assert client.wait("gen_1", timeout=1.0)["status"] == "completed"
        service.answers = {"/v1/videos/gen_1": {**VIDEO, "status": "queued"}}
        with pytest.raises(TimeoutError, match="queued"):
            client.wait("gen_1", timeout=0.05, interval=0.02)


def test_an_api_key_travels_as_a_bearer_token(service: Service) -> None:
    with (
        GovernanceClient(service.url, auth=ApiKey("gk_1_secret")) as client,
        pytest.raises(GovernanceApiError) as refusal,
    ):
        client.video("gen_1")
    assert refusal.value.code == "credentials_missing"
