"""Stills and manifests of a released video: marked like the video, and on record like it."""

import io
from typing import Any

import pytest
from PIL import Image

from tests.api.site import CANARY, Site, refusal

CLIP = {
    "media": "video",
    "model": "local/procedural-video",
    "prompt": f"a calm sea at dusk, {CANARY}",
    "seconds": 2,
    "size": "640x360",
    "governance": {
        "project": "launch",
        "territories": ["EU"],
        "audience": "internal",
        "deep_fake": "no",
        "real_person": "no",
    },
}


@pytest.fixture(scope="module")
def released(site: Site) -> str:
    made: str = site["agent"].post("/v1/governance/generations", json=CLIP).json()["id"]
    site.wait(made, "released")
    return made


def fetched(site: Site, generation: str, variant: str) -> Any:
    address = f"/v1/videos/{generation}/content"
    with site.recorded("asset.delivered"):
        answer = site["agent"].get(address, params={"variant": variant})
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize(
    ("variant", "size"), [("thumbnail", (640, 360)), ("spritesheet", (1920, 810))]
)
def test_a_still_is_a_jpeg_that_leads_back_to_the_video(
    site: Site, released: str, variant: str, size: tuple[int, int]
) -> None:
    answer = fetched(site, released, variant)
    assert answer.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == size
    said = site["agent"].post("/v1/detect", files={"file": ("still.jpg", answer.content)}).json()
    states = {mark["kind"]: mark["state"] for mark in said["statement"]["marks"]}
    assert (states["c2pa"], states["watermark"]) == ("present", "present")
    assert released in str(said["statement"])


def test_the_manifest_is_that_of_the_file(site: Site, released: str) -> None:
    store = fetched(site, released, "manifest").json()
    assert store["validation_state"] == "Trusted"
    assert released in str(store["manifests"][store["active_manifest"]])


def test_what_was_handed_over_is_on_record(site: Site, released: str) -> None:
    fetched(site, released, "thumbnail")
    records = site["officer"].get("/v1/governance/records", params={"generation": released})
    assert "asset.delivered" in records.text


def test_other_variants_do_not_exist(site: Site, released: str) -> None:
    address = f"/v1/videos/{released}/content"
    refusal(site["agent"].get(address, params={"variant": "gif"}), 400, "variant_unknown")


def test_a_picture_has_no_stills(site: Site, picture: dict[str, Any]) -> None:
    address = f"/v1/videos/{picture['id']}/content"
    with site.recorded():
        answer = site["agent"].get(address, params={"variant": "thumbnail"})
    refusal(answer, 400, "variant_unknown")
