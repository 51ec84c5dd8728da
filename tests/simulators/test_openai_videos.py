"""The simulated vendor behaves towards the official client as the real shape does."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from io import BytesIO

import av
import httpx
import openai
import pytest

from governance.simulators.openai_videos import SimulatedVendor


@pytest.fixture(scope="module")
def vendor() -> Iterator[SimulatedVendor]:
    with SimulatedVendor() as running:
        yield running


@pytest.fixture(scope="module")
def client(vendor: SimulatedVendor) -> openai.OpenAI:
    return openai.OpenAI(base_url=vendor.url, api_key=vendor.key, max_retries=0)


def test_the_official_client_creates_polls_downloads_and_deletes(client: openai.OpenAI) -> None:
    video = client.videos.create(prompt="a fox", model="sora-2", seconds="4", size="1280x720")
    done = client.videos.poll(video.id)
    data = client.videos.download_content(done.id).read()
    deleted = client.videos.delete(done.id)

    assert (done.status, done.progress, done.size, done.seconds) == (
        "completed",
        100,
        "1280x720",
        "4",
    )
    assert deleted.deleted
    with av.open(BytesIO(data), "r") as container:
        assert len(list(container.decode(video=0))) == 48
        assert container.streams.audio


def test_json_is_as_good_as_a_form(client: openai.OpenAI) -> None:
    headers = {"content-type": "application/json"}

    video = client.videos.create(prompt="a fox", size="720x1280", extra_headers=headers)

    assert (video.prompt, video.size) == ("a fox", "720x1280")


def test_clips_differ_by_prompt_and_are_the_same_for_the_same(client: openai.OpenAI) -> None:
    def media(prompt: str) -> bytes:
        video = client.videos.create(prompt=prompt, seconds="4")
        return client.videos.download_content(video.id).read()

    assert media("a fox") == media("a fox")
    assert media("a fox") != media("a hen")


def test_the_list_is_paged(client: openai.OpenAI) -> None:
    made = [client.videos.create(prompt="paged").id for _ in range(3)]

    listed = [video.id for video in client.videos.list(limit=2, order="desc")]

    assert listed[:3] == made[::-1]
    assert len(listed) == len(set(listed))


def test_a_job_passes_through_all_states() -> None:
    with SimulatedVendor(delay=0.6) as slow:
        client = openai.OpenAI(base_url=slow.url, api_key=slow.key, max_retries=0)
        video = client.videos.create(prompt="a fox")
        seen = [video.status]
        while seen[-1] not in ("completed", "failed"):
            time.sleep(0.05)
            seen.append(client.videos.retrieve(video.id).status)

    assert list(dict.fromkeys(seen)) == ["queued", "in_progress", "completed"]


def test_every_creation_is_counted_by_key_and_by_prompt(vendor: SimulatedVendor) -> None:
    client = openai.OpenAI(base_url=vendor.url, api_key=vendor.key, max_retries=1)

    with pytest.raises(openai.InternalServerError):
        client.videos.create(prompt="twice [[500]]", extra_headers={"idempotency-key": "gen_7"})

    # The client's own retries buy the same clip twice.
    counts = httpx.get(vendor.url.replace("/v1", "/_control/posts"), trust_env=False).json()
    assert counts["by_key"]["gen_7"] == vendor.posts("gen_7") == 2
    assert counts["by_prompt"]["twice [[500]]"] == 2
    assert counts["total"] >= 2


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"prompt": ""}, "missing_required_parameter"),
        ({"prompt": "a fox", "size": "large"}, "invalid_value"),
        ({"prompt": "a fox", "seconds": "four"}, "invalid_value"),
    ],
)
def test_a_creation_without_sense_is_refused(
    vendor: SimulatedVendor, form: dict[str, str], code: str
) -> None:
    answer = httpx.post(
        f"{vendor.url}/videos",
        json=form,
        headers={"authorization": f"Bearer {vendor.key}"},
        trust_env=False,
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code


@pytest.mark.parametrize("path", ["/videos", "/videos/video_000001", "/videos/x/content"])
def test_nothing_is_told_without_the_key(vendor: SimulatedVendor, path: str) -> None:
    answer = httpx.get(f"{vendor.url}{path}", trust_env=False)

    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"


def test_it_runs_as_a_process_of_its_own() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "governance.simulators.openai_videos"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--delay", "0"], stderr=subprocess.DEVNULL
    )
    try:
        assert _answers(f"http://127.0.0.1:{port}/_control/posts")
    finally:
        process.terminate()
        process.wait(timeout=10)


def _answers(url: str) -> bool:
    for _ in range(200):
        try:
            return httpx.get(url, trust_env=False).is_success
        except httpx.ConnectError:
            time.sleep(0.05)
    return False
