"""Requests that bring files, and requests for another version of what was made."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from tests.api.site import CANARY, Site, refusal

VIDEOS = "/v1/videos"
# A model that begins with a picture, and one that takes none.
CLIP = {
    "model": "self/wan2.2-a14b",
    "prompt": f"the fox turns its head, {CANARY}",
    "seconds": "1",
    "size": "128x64",
    "metadata[project]": "launch",
    "metadata[territories]": "EU",
    "metadata[audience]": "internal",
    "metadata[deep_fake]": "no",
    "metadata[real_person]": "no",
}


def picture() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (128, 64), (200, 90, 40)).save(content, "PNG")
    return content.getvalue()


def as_json(**changes: Any) -> dict[str, Any]:
    """The same request as a JSON body."""
    plain = {name: value for name, value in CLIP.items() if "[" not in name}
    said = {name[9:-1]: value for name, value in CLIP.items() if "[" in name}
    return {**plain, "metadata": said, **changes}


def stored(site: Site, generation: str) -> set[str]:
    folder = site.service.context.settings.data_dir / "media" / "files" / generation
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


@pytest.fixture
def open_minded(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The site, whose small model takes a first frame."""
    catalogue = site.service.context.catalogue
    model = catalogue.get("self/wan2.2-a14b")
    monkeypatch.setitem(vars(model), "inputs", ("first_frame",))
    yield site


def files(content: bytes, name: str = "input_reference") -> dict[str, Any]:
    return {name: ("start.png", content, "image/png")}


def test_a_model_that_takes_no_picture_is_not_given_one_and_nothing_is_kept(site: Site) -> None:
    with site.recorded():
        answer = site["agent"].post(VIDEOS, data=CLIP, files=files(picture()))
    error = refusal(answer, 400, "no_route")
    assert "first_frame" in error["message"]


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("input_reference", b"no picture", 415, "media_unsupported"),
        ("somewhere", b"\x89PNG", 400, "input_invalid"),
    ],
)
def test_what_is_no_input_is_refused(
    site: Site, name: str, content: bytes, status: int, code: str
) -> None:
    with site.recorded():
        answer = site["agent"].post(VIDEOS, data=CLIP, files=files(content, name))
    refusal(answer, status, code)


def test_more_than_the_limit_is_not_read(site: Site) -> None:
    too_much = bytes(site.service.context.settings.max_input + 1)
    answer = site["agent"].post(VIDEOS, data=CLIP, files=files(too_much))
    refusal(answer, 413, "body_too_large")


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/fox.png",
        "data:image/png,plain",
        "data:;base64,%%%",
        "data:;base64,é",
        7,
    ],
)
def test_nothing_is_fetched_from_an_address_that_a_caller_names(site: Site, url: object) -> None:
    body = {"model": "auto", "prompt": CANARY, "input_reference": {"image_url": url}}
    with site.recorded():
        answer = site["agent"].post(VIDEOS, json=body)
    refusal(answer, 400, "input_invalid")


class TestARemix:
    @pytest.fixture(scope="class")
    def parent(self, site: Site) -> dict[str, Any]:
        made = site["agent"].post(VIDEOS, json=as_json(model="local/procedural-video")).json()
        return site.wait(made["id"], "released")

    def test_metadata_that_is_none_is_refused(self, site: Site, parent: dict[str, Any]) -> None:
        body = {"prompt": "x", "metadata": 5}
        answer = site["agent"].post(f"{VIDEOS}/{parent['id']}/remix", json=body)
        refusal(answer, 400, "metadata_invalid")

    def test_of_an_imported_clip_is_made_by_whatever_model_can(
        self, site: Site, parent: dict[str, Any]
    ) -> None:
        said = {"governance": '{"territories": ["EU"], "project": "launch", "deep_fake": "no"}'}
        clip = site["agent"].get(f"{VIDEOS}/{parent['id']}/content").content
        imported = site["producer"].post(
            "/v1/governance/assets", data=said, files={"file": ("cut.mp4", clip)}
        )
        assert imported.status_code == 200, imported.text
        path = f"{VIDEOS}/{imported.json()['id']}/remix"
        made = site["producer"].post(path, json={"prompt": "the same at night"})
        assert made.status_code == 200, made.text
        assert made.json()["size"] == parent["size"]

    def test_is_the_same_again_with_another_prompt(
        self, site: Site, parent: dict[str, Any]
    ) -> None:
        answer = site["agent"].post(
            f"{VIDEOS}/{parent['id']}/remix", json={"prompt": "the same at night"}
        )
        made = answer.json()
        assert made["remixed_from_video_id"] == parent["id"]
        for name in ("size", "seconds"):
            assert made[name] == parent[name]
        assert made["governance"]["project"] == parent["governance"]["project"]
        assert site.wait(made["id"], "released")["model"] == parent["model"]

    def test_of_what_nobody_made_is_not_found(self, site: Site) -> None:
        answer = site["agent"].post(f"{VIDEOS}/gen_{'0' * 32}/remix", json={"prompt": "again"})
        refusal(answer, 404, "generation_not_found")

    def test_needs_a_prompt(self, site: Site, parent: dict[str, Any]) -> None:
        answer = site["agent"].post(f"{VIDEOS}/{parent['id']}/remix", json={})
        refusal(answer, 400, "prompt_invalid")

    @pytest.mark.parametrize("task", ["edits", "extensions"])
    def test_an_edit_or_extension_needs_a_model_that_can(
        self, site: Site, parent: dict[str, Any], task: str
    ) -> None:
        body = {"prompt": "with rain", "video": {"id": parent["id"]}}
        answer = site["agent"].post(f"{VIDEOS}/{task}", json=body)
        refusal(answer, 400, "no_route")
        refusal(site["agent"].post(f"{VIDEOS}/{task}", json={"prompt": "x"}), 400, "video_missing")


class TestAVersionMadeFromAFile:
    @pytest.fixture
    def parent(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> str:
        """A video of 3 seconds, for a model that can edit."""
        model = site.service.context.catalogue.get("self/wan2.2-a14b")
        monkeypatch.setitem(vars(model), "tasks", ("generate", "edit", "extend"))
        monkeypatch.setitem(vars(model), "inputs", ("source",))
        body = as_json(model="local/procedural-video", seconds="3")
        made = site["agent"].post(VIDEOS, json=body).json()["id"]
        site.wait(made, "released")
        return str(made)

    @pytest.mark.parametrize("task", ["edits", "extensions"])
    def test_is_not_sold_for_less_than_the_file_is_long(
        self, site: Site, parent: str, task: str
    ) -> None:
        body = {"prompt": "with rain", "video": {"id": parent}, "model": "self/wan2.2-a14b"}
        with site.recorded():
            answer = site["agent"].post(f"{VIDEOS}/{task}", json={**body, "seconds": "1"})
        error = refusal(answer, 400, "seconds_too_few")
        assert (error["param"], error["details"]["least"]) == ("seconds", 3)
        assert site["agent"].post(f"{VIDEOS}/{task}", json=body).json()["seconds"] == "3"

    def test_a_remix_is_made_anew_and_may_be_shorter(self, site: Site, parent: str) -> None:
        body = {"prompt": "with rain", "seconds": "1"}
        made = site["agent"].post(f"{VIDEOS}/{parent}/remix", json=body).json()
        assert made["seconds"] == "1"


def test_a_data_url_and_a_file_are_the_same_input(open_minded: Site) -> None:
    site = open_minded
    encoded = base64.b64encode(picture()).decode()
    body = as_json(input_reference={"image_url": f"data:image/png;base64,{encoded}"})
    by_url = site["agent"].post(VIDEOS, json=body).json()
    by_file = site["agent"].post(VIDEOS, data=CLIP, files=files(picture())).json()
    told = [
        site["officer"].get(f"/v1/governance/generations/{made['id']}").json()["story"]["request"]
        for made in (by_url, by_file)
    ]
    assert told[0]["inputs"] == told[1]["inputs"] != []
    assert told[0]["references"] == [told[0]["inputs"][0]["digest"]]
    for made in (by_url, by_file):
        site.wait(made["id"], "released")
        assert told[0]["inputs"][0]["digest"] in stored(site, made["id"])
    images = {video.image for video in site.vendor.state.videos.values() if video.image}
    assert images == {picture()}


def test_the_input_of_a_request_that_policy_denies_is_not_kept(open_minded: Site) -> None:
    site = open_minded
    said = {**CLIP, "metadata[real_person]": "yes", "metadata[deep_fake]": "yes"}
    answer = site["agent"].post(VIDEOS, data=said, files=files(picture()))
    denied = refusal(answer, 400, "policy_denied")["details"]["generation"]
    assert stored(site, denied) == set()
