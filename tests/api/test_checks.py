"""A copy of a released file, found somewhere: which marks it still bears, on record."""

import hashlib
import io
import time
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.api.site import JSON_LIMIT, PICTURE, Site, refusal
from tests.serving import serving

GENERATIONS = "/v1/governance/generations"
LARGE = {**PICTURE, "size": "640x384"}


@pytest.fixture(scope="module")
def released(site: Site) -> tuple[str, bytes]:
    """Id and bytes of a released picture, large enough for all marks."""
    made = site["agent"].post(GENERATIONS, json=LARGE).json()["id"]
    site.wait(made, "released")
    return made, site["officer"].get(f"/v1/videos/{made}/content").content


def transcoded(content: bytes, quality: int = 85) -> bytes:
    """The same picture as a JPEG without metadata, as a platform would show it."""
    copy = io.BytesIO()
    with Image.open(io.BytesIO(content)) as image:
        image.convert("RGB").save(copy, "JPEG", quality=quality)
    return copy.getvalue()


def check(site: Site, generation: str, caller: str = "producer", **sent: Any) -> httpx.Response:
    return site[caller].post(f"{GENERATIONS}/{generation}/checks", **sent)


def handed(content: bytes) -> dict[str, Any]:
    return {"files": {"file": ("a name of theirs.jpg", content)}}


def address(url: str) -> dict[str, Any]:
    return {"files": {"url": (None, url)}}


def found(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    assert answer.json()["object"] == "marks.check"
    body: dict[str, Any] = answer.json()["check"]
    return body


def nothing_stays(site: Site) -> bool:
    """An upload is removed right after its answer has been sent."""
    site.settle()
    staging = site.service.context.settings.data_dir / "media" / "staging"
    deadline = time.monotonic() + 10
    while list(staging.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not list(staging.iterdir())


def test_a_copy_that_was_transcoded_is_tied_by_its_watermark(
    site: Site, released: tuple[str, bytes]
) -> None:
    generation, content = released
    copy = transcoded(content)
    with site.recorded("marks.checked"):
        body = found(check(site, generation, **handed(copy)))
    assert (body["source"], body["host"], body["match"]) == ("copy", None, "watermark")
    assert body["by"] == site.principals["producer"].id
    assert body["media"]["digest"] == hashlib.sha256(copy).hexdigest()
    states = {mark["kind"]: mark["state"] for mark in body["marks"]}
    assert (states["watermark"], states["c2pa"]) == ("present", "absent")
    assert nothing_stays(site)


def test_the_file_itself_has_lost_nothing(site: Site, released: tuple[str, bytes]) -> None:
    generation, content = released
    body = found(check(site, generation, caller="officer", **handed(content)))
    assert (body["match"], body["lost"]) == ("identical", [])


def test_a_copy_may_be_larger_than_json_may_be(site: Site, released: tuple[str, bytes]) -> None:
    generation, content = released
    copy = transcoded(content, quality=100)
    assert len(copy) > JSON_LIMIT
    assert found(check(site, generation, **handed(copy)))["match"] == "watermark"


def test_a_copy_is_fetched_from_a_host_that_is_allowed(
    site: Site, released: tuple[str, bytes]
) -> None:
    generation, content = released
    answers = {"/copy.jpg": (200, dict[str, str](), transcoded(content))}
    with serving(answers) as (host, asked), site.recorded("marks.checked"):
        answer = check(site, generation, **address(f"{host}/copy.jpg?token=theirs"))
    body = found(answer)
    assert (body["host"], body["match"]) == ("127.0.0.1", "watermark")
    assert asked == ["/copy.jpg?token=theirs"]
    assert "theirs" not in answer.text
    assert nothing_stays(site)


@pytest.mark.parametrize(
    "url",
    [
        "https://media.example/copy.jpg",
        "http://localhost/copy.jpg",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "https:///copy.jpg",
        "https://[",
    ],
)
def test_nothing_is_fetched_from_elsewhere(
    site: Site, released: tuple[str, bytes], url: str
) -> None:
    with site.recorded():
        refusal(check(site, released[0], **address(url)), 400, "host_not_allowed")
    assert nothing_stays(site)


@pytest.mark.parametrize(
    "sent",
    [
        {"files": {"file": ("copy", b"GIF89a"), "url": (None, "http://127.0.0.1/")}},
        {"files": {"url": (None, "http://127.0.0.1/" + "a" * 3000)}},
        {"data": {"file": "text"}},
        {"content": b""},
    ],
)
def test_it_is_one_copy_or_one_address(
    site: Site, released: tuple[str, bytes], sent: dict[str, Any]
) -> None:
    with site.recorded():
        refusal(check(site, released[0], **sent), 400, "copy_missing")


def test_what_is_no_medium_is_refused_and_forgotten(
    site: Site, released: tuple[str, bytes]
) -> None:
    with site.recorded():
        refusal(check(site, released[0], **handed(b"no picture")), 415, "media_unsupported")
    assert nothing_stays(site)


def test_what_was_not_released_has_no_copies(site: Site, released: tuple[str, bytes]) -> None:
    draft = site.create(deep_fake="unknown")["id"]
    site.wait(draft, "in_review")
    with serving({}) as (host, asked), site.recorded():
        refusal(check(site, draft, **address(f"{host}/copy.jpg")), 409, "not_released")
        refusal(check(site, draft, **handed(released[1])), 409, "not_released")
    assert asked == []


def test_another_organisations_file_does_not_exist(site: Site, released: tuple[str, bytes]) -> None:
    generation, content = released
    with serving({}) as (host, asked), site.recorded():
        mine = check(site, generation, caller="stranger", **handed(content))
        none = check(site, f"gen_{'0' * 32}", caller="stranger", **handed(content))
        check(site, generation, caller="stranger", **address(f"{host}/copy.jpg"))
    refusal(mine, 404, "generation_not_found")
    refusal(none, 404, "generation_not_found")
    assert asked == []


def test_whoever_may_not_check_is_refused_and_a_visitor_is_not_known(
    site: Site, released: tuple[str, bytes]
) -> None:
    with site.recorded("access.denied"):
        refusal(check(site, released[0], caller="nobody", **handed(b"x")), 403, "access_denied")
    with site.recorded():
        answer = check(site, released[0], caller="visitor", **handed(b"x"))
    assert answer.status_code == 401
    assert nothing_stays(site)
