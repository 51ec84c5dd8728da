"""The official openai client works unchanged: a base URL, a key or a signer, nothing else."""

import base64
import hashlib
import io
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI
from openai.types import Video
from PIL import Image

from governance.client.signer import RequestSigner
from governance.simulators.openai_media import SimulatedOpenAI
from tests.api.site import CANARY, Site, open_site

CLIP: dict[str, Any] = {
    "model": "local/procedural-video",
    "prompt": f"a calm sea at dusk, {CANARY}",
    "seconds": "1",
    "size": "640x360",
}
# For our own people, and nobody is shown: nothing to decide for a person.
TOLD = {"project": "launch", "audience": "internal", "deep_fake": "no", "real_person": "no"}
AS_JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("site")) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(site: Site) -> Iterator[OpenAI]:
    """An agent's: each request is signed with its key."""
    http = httpx2.Client(auth=site.signers["agent"])
    with OpenAI(
        api_key="unused",
        base_url=f"{site.url}/v1",
        default_headers={"X-Governance-Territories": "EU"},
        http_client=http,
        max_retries=0,
    ) as opened:
        yield opened


@pytest.fixture(scope="module")
def clip(client: OpenAI) -> Video:
    """A finished clip."""
    made = client.videos.create(**CLIP, extra_body={"metadata": TOLD})
    return finished(client, made.id)


def finished(client: OpenAI, video: str) -> Video:
    """The client's own `poll` waits for ever, so a clip must first be seen to end."""
    deadline = time.monotonic() + 30
    while client.videos.retrieve(video).status not in ("completed", "failed"):
        assert time.monotonic() < deadline, client.videos.retrieve(video)
        time.sleep(0.05)
    return client.videos.poll(video, poll_interval_ms=50)


def decide(site: Site, client: OpenAI, video: str, decision: str, reason: str) -> None:
    """A person claims the review and decides."""
    now = site.wait(video, "in_review")["governance"]
    assert client.videos.retrieve(video).status == "queued"
    path = f"/v1/governance/reviews/{now['review']}"
    body = {"decision": decision, "reason": reason, "digest": now["digest"], "comment": "Seen."}
    assert site["reviewer"].post(f"{path}/claim").status_code == 200
    assert site["reviewer"].post(f"{path}/decision", json=body).status_code == 200


def test_it_creates_polls_and_downloads(client: OpenAI, clip: Video) -> None:
    assert (clip.status, clip.progress, clip.error) == ("completed", 100, None)
    assert (clip.model, clip.seconds, clip.size) == (CLIP["model"], "1", "640x360")
    assert clip.completed_at is not None
    assert clip.created_at <= clip.completed_at <= time.time()
    content = client.videos.download_content(clip.id)
    data = content.read()
    assert content.response.headers["content-type"] == "video/mp4"
    assert data[4:8] == b"ftyp"
    governance = clip.to_dict()["governance"]
    assert isinstance(governance, dict)
    assert governance["digest"] == hashlib.sha256(data).hexdigest()
    assert governance["marks"]["c2pa"] == "present"


def test_a_json_body_is_the_same_as_a_form(site: Site, client: OpenAI) -> None:
    body = {"metadata": TOLD}
    made = client.videos.create(**CLIP, extra_headers=AS_JSON, extra_body=body)
    assert (made.status, made.prompt, made.error) == ("queued", CLIP["prompt"], None)
    form = client.videos.create(**CLIP, extra_body=body)
    for video in (made, form):
        story = site["officer"].get(f"/v1/governance/generations/{video.id}").json()["story"]
        assert story["request"]["audience"] == "internal"
        assert story["request"]["territories"] == ["EU"]
        assert story["request"]["signature"]["keyid"] == site.signers["agent"].keyid


def test_it_lists_page_by_page(client: OpenAI, clip: Video) -> None:
    made = client.videos.create(**CLIP, extra_body={"metadata": TOLD})
    listed = [video.id for video in client.videos.list(limit=1)]
    assert listed[0] == made.id
    assert clip.id in listed
    assert listed == sorted(listed, reverse=True)
    assert client.videos.list(limit=1, order="asc").data[0].id == listed[-1]


def test_what_was_deleted_is_gone(client: OpenAI) -> None:
    made = client.videos.create(**CLIP, extra_body={"metadata": TOLD})
    finished(client, made.id)
    gone = client.videos.delete(made.id)
    assert (gone.id, gone.deleted, gone.object) == (made.id, True, "video.deleted")
    with pytest.raises(openai.NotFoundError) as refused:
        client.videos.retrieve(made.id)
    assert refused.value.code == "generation_deleted"


def test_what_waits_for_a_person_is_queued_until_they_decide(site: Site, client: OpenAI) -> None:
    public = {**TOLD, "audience": "public"}
    made = client.videos.create(**CLIP, extra_body={"metadata": public})
    decide(site, client, made.id, "approve", "fit_for_release")
    assert finished(client, made.id).status == "completed"
    assert client.videos.download_content(made.id).read()[4:8] == b"ftyp"


def test_what_a_person_rejects_has_failed(site: Site, client: OpenAI) -> None:
    public = {**TOLD, "audience": "public"}
    made = client.videos.create(**CLIP, extra_body={"metadata": public})
    decide(site, client, made.id, "reject", "misleading_content")
    video = finished(client, made.id)
    assert video.status == "failed"
    assert video.error is not None
    assert video.error.code == "review_denied"
    with pytest.raises(openai.ConflictError):
        client.videos.download_content(made.id)


def test_it_lists_and_names_models(client: OpenAI) -> None:
    found = {model.id: model for model in client.models.list()}
    assert found["local/procedural-video"].owned_by == "local"


def test_an_api_key_needs_no_signer(site: Site) -> None:
    with OpenAI(api_key=site.keys["service"], base_url=f"{site.url}/v1", max_retries=0) as client:
        body = {"metadata": {**TOLD, "territories": "EU"}}
        made = client.videos.create(**CLIP, extra_body=body)
        assert finished(client, made.id).status == "completed"
        with pytest.raises(openai.PermissionDeniedError) as refused:
            client.videos.list()
        assert refused.value.code == "access_denied"


def test_pictures_and_speech_are_answered_with_the_released_file(
    site: Site, client: OpenAI
) -> None:
    with SimulatedOpenAI() as vendor:
        account = {"key": vendor.key, "base_url": vendor.url}
        site["admin"].put("/v1/governance/accounts/openai", json=account).raise_for_status()
        image, told = io.BytesIO(), {"metadata": TOLD}
        Image.new("RGB", (64, 64), "orange").save(image, "PNG")
        edited = client.images.edit(
            image=("fox.png", image.getvalue(), "image/png"),
            prompt="the same at dawn",
            model="openai/gpt-image-2",
            size="1024x1024",
            extra_body=told,
        )
        assert edited.data
        picture = base64.b64decode(edited.data[0].b64_json or "")
        with Image.open(io.BytesIO(picture)) as made:
            assert made.size == (1024, 1024)
        words = "The lighthouse is open from nine in the morning until five in the afternoon."
        spoken = client.audio.speech.create(
            input=words, model="openai/gpt-4o-mini-tts", voice="cedar", extra_body=told
        )
        assert spoken.response.headers["content-type"] == "audio/wav"
        assert spoken.read()[8:12] == b"WAVE"
        site["admin"].delete("/v1/governance/accounts/openai").raise_for_status()


def test_a_picture_that_waits_for_a_person_is_a_conflict_and_asked_for_once(
    site: Site, client: OpenAI
) -> None:
    public = {**TOLD, "audience": "public", "deep_fake": "unknown"}
    with pytest.raises(openai.ConflictError) as pending:
        client.with_options(max_retries=2).images.generate(
            model="local/procedural-image",
            prompt="a calm sea",
            size="128x128",
            extra_body={"metadata": public},
        )
    assert pending.value.code == "generation_pending"
    generation = pending.value.response.json()["error"]["details"]["generation"]
    assert client.videos.list(limit=1).data[0].id == generation


class TestRefusals:
    """What cannot succeed is refused at once, as the client's own kind of error."""

    def test_policy(self, client: OpenAI) -> None:
        told = {**TOLD, "real_person": "yes"}
        with pytest.raises(openai.BadRequestError) as refused:
            client.videos.create(**CLIP, extra_body={"metadata": told})
        assert refused.value.code == "policy_denied"
        assert "consent" in refused.value.message
        assert CANARY not in refused.value.message
        assert refused.value.request_id is not None

    def test_a_model_that_was_retired(self, client: OpenAI) -> None:
        with pytest.raises(openai.BadRequestError) as refused:
            client.videos.create(prompt="a calm sea", model="sora-2")
        assert (refused.value.code, refused.value.param) == ("model_retired", "model")

    def test_an_unknown_signer(self, site: Site) -> None:
        http = httpx2.Client(auth=RequestSigner(b"\7" * 32))
        with (
            OpenAI(api_key="unused", base_url=f"{site.url}/v1", http_client=http) as stranger,
            pytest.raises(openai.AuthenticationError) as refused,
        ):
            stranger.models.list()
        assert refused.value.code == "signature_key_unknown"

    def test_none_of_them_is_repeated(self, site: Site, client: OpenAI) -> None:
        public = {**TOLD, "audience": "public"}
        waiting = client.videos.create(**CLIP, extra_body={"metadata": public})
        seen: list[str] = []
        http = httpx2.Client(
            auth=site.signers["agent"],
            event_hooks={"request": [lambda request: seen.append(request.method)]},
        )
        with OpenAI(api_key="unused", base_url=f"{site.url}/v1", http_client=http) as patient:
            with pytest.raises(openai.ConflictError):
                patient.videos.download_content(waiting.id)
            with pytest.raises(openai.BadRequestError):
                patient.videos.create(prompt="a calm sea", model="sora-2")
        assert seen == ["GET", "POST"]
