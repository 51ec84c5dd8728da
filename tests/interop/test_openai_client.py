"""The official openai client works as it is: only its base URL and its credential are ours."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI

from governance.evidence.signature_base import thumbprint
from tests.api.site import Site, open_site

HEADERS = {"X-Governance-Territories": "EU", "X-Governance-Project": "launch"}
# Nobody has to look at it; left out, the stricter answer counts and a person must.
INTERNAL = {"metadata": {"audience": "internal", "deep_fake": "no", "real_person": "no"}}
CLIP: dict[str, Any] = {
    "model": "local/procedural-video",
    "prompt": "A lighthouse at dusk, calm sea",
    "seconds": "1",
    "size": "128x64",
}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("site")) as opened:
        yield opened


@pytest.fixture(scope="module")
def agent(site: Site) -> Iterator[OpenAI]:
    """Signs each request with its own key; the API key stays unused."""
    http = httpx2.Client(auth=site.signers["agent"])
    with OpenAI(
        base_url=f"{site.url}/v1", api_key="unused", http_client=http, default_headers=HEADERS
    ) as client:
        yield client


@pytest.mark.parametrize("as_json", [False, True], ids=["form", "json"])
def test_a_clip_is_asked_for_awaited_downloaded_listed_and_deleted(
    agent: OpenAI, tmp_path: Path, as_json: bool
) -> None:
    made = agent.videos.create(**CLIP, extra_body=INTERNAL, extra_headers=JSON if as_json else None)
    assert (made.status, made.prompt, made.size) == ("queued", CLIP["prompt"], CLIP["size"])

    video = agent.videos.poll(made.id, poll_interval_ms=50)
    assert (video.id, video.status, video.progress) == (made.id, "completed", 100)
    assert video.error is None

    target = tmp_path / "clip.mp4"
    agent.videos.download_content(video.id).write_to_file(target)
    assert target.read_bytes()[4:8] == b"ftyp"

    assert agent.videos.list(limit=1).data[0].id == video.id
    assert agent.videos.delete(video.id).deleted
    assert video.id not in [one.id for one in agent.videos.list()]
    with pytest.raises(openai.NotFoundError):
        agent.videos.retrieve(video.id)


def test_pages_of_a_list_are_followed(agent: OpenAI) -> None:
    made = {agent.videos.create(**CLIP, extra_body=INTERNAL).id for _ in range(3)}
    listed = [video.id for video in agent.videos.list(limit=1)]
    assert made <= set(listed)
    assert listed == sorted(set(listed), reverse=True)


def test_a_clip_that_waits_for_a_person_is_queued_and_then_completed(
    site: Site, agent: OpenAI
) -> None:
    made = agent.videos.create(**CLIP)
    site.wait(made.id, "in_review")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(agent.videos.poll, made.id, poll_interval_ms=50)
        answer = agent.videos.with_raw_response.retrieve(made.id)
        assert answer.parse().status == "queued"
        assert int(answer.headers["openai-poll-after-ms"]) >= 1000
        decide(site, made.id, "approve", "fit_for_release")
        assert waiting.result(timeout=30).status == "completed"


def test_a_clip_that_a_person_rejects_is_failed_with_the_reason(site: Site, agent: OpenAI) -> None:
    made = agent.videos.create(**CLIP)
    site.wait(made.id, "in_review")
    decide(site, made.id, "reject", "person_without_consent")
    video = agent.videos.poll(made.id, poll_interval_ms=50)
    assert video.status == "failed"
    assert video.error is not None
    assert video.error.code == "review_denied"
    with pytest.raises(openai.ConflictError) as refused:
        agent.videos.download_content(made.id)
    assert refused.value.code == "not_released"


def test_the_models_are_listed_with_those_that_can_be_used(agent: OpenAI) -> None:
    models = {model.id: model for model in agent.models.list()}
    assert "local/procedural-video" in models
    assert "openai/sora-2" not in models
    assert models["local/procedural-video"].owned_by == "local"


def test_an_api_key_of_ours_serves_clients_that_cannot_sign(site: Site) -> None:
    with OpenAI(
        base_url=f"{site.url}/v1", api_key=site.keys["service"], default_headers=HEADERS
    ) as client:
        made = client.videos.create(**CLIP, extra_body=INTERNAL)
        assert client.videos.poll(made.id, poll_interval_ms=50).status == "completed"
        with site.recorded("access.denied"), pytest.raises(openai.PermissionDeniedError) as error:
            client.videos.delete(made.id)
    assert error.value.code == "access_denied"


def test_a_refusal_reaches_the_program_as_the_error_it_knows_and_is_not_repeated(
    site: Site, agent: OpenAI
) -> None:
    with site.recorded(), pytest.raises(openai.BadRequestError) as error:
        agent.videos.create(**{**CLIP, "model": "sora-2"})
    assert (error.value.code, error.value.param) == ("model_retired", "model")
    with (
        site.recorded("generation.requested", "policy.decided"),
        pytest.raises(openai.BadRequestError) as error,
    ):
        agent.videos.create(**CLIP, extra_body={"metadata": {"real_person": "yes"}})
    assert error.value.code == "policy_denied"
    assert "consent" in error.value.message


def test_a_request_with_a_stranger_s_key_is_not_authenticated(site: Site) -> None:
    stranger = OpenAI(base_url=f"{site.url}/v1", api_key="sk-nobody")
    with stranger, site.recorded(), pytest.raises(openai.AuthenticationError) as error:
        stranger.models.list()
    assert error.value.code == "api_key_invalid"


def test_an_idempotency_key_makes_a_repeated_call_safe(site: Site, agent: OpenAI) -> None:
    once = {"Idempotency-Key": "order-7"}
    first = agent.videos.create(**CLIP, extra_body=INTERNAL, extra_headers=once)
    with site.recorded():
        again = agent.videos.create(**CLIP, extra_body=INTERNAL, extra_headers=once)
    assert again.id == first.id


def test_the_record_of_a_request_names_the_key_that_signed_it(site: Site, agent: OpenAI) -> None:
    made = agent.videos.create(**CLIP, extra_body=INTERNAL)
    requested = site.service.records(made.id)[0]
    assert requested.body["signature"]["keyid"] == thumbprint(site.signers["agent"].public_key)


def decide(site: Site, generation: str, decision: str, reason: str) -> None:
    """A reviewer claims and decides, over HTTP."""
    reviewer = site["reviewer"]
    governance = reviewer.get(f"/v1/videos/{generation}").json()["governance"]
    review = f"/v1/governance/reviews/{governance['review']}"
    body = {"decision": decision, "reason": reason, "digest": governance["digest"]}
    for path, content in ((f"{review}/claim", {}), (f"{review}/decision", body)):
        answer = reviewer.post(path, json=content)
        assert answer.status_code == 200, answer.text
